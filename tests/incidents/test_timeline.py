"""The timeline: what happened, in the order in which it happened, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsdeck.incidents.model import Incident
from opsdeck.incidents.timeline import (
    AFTER,
    BEFORE,
    KINDS,
    Correction,
    timeline,
    values_text,
    window,
)
from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import Event, Recorded
from tests.incidents.test_view import START, STORY, Said, fold, gauge, the, told, written
from tests.journal.helpers import stamp


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def beside(kind: str, at: datetime, seq: int = 1, **data: Any) -> Recorded:
    return Recorded("w", Event(seq, wall_text(at), stamp(0), "opsdeck", kind, data, ""))


def test_a_whole_story() -> None:
    # GIVEN an incident from its start to its end
    one = the(fold(written(STORY)))
    # WHEN it is told THEN each line stands where it happened, and says who and what
    lines = timeline(one)
    assert [(int((e.at - START) / timedelta(minutes=1)), e.kind, e.by, e.text) for e in lines] == [
        (-6, "note", "bob", "failed over"),
        (0, "state", "alice", "incident started, high: Pool exhausted"),
        (1, "people", "bob", "makes alice commander"),
        (2, "step", "alice", "walks the playbook P"),
        (3, "people", "bob", "joined"),
        (4, "step", "alice", "began: "),
        (5, "step", "bob", "ticked: t"),
        (6, "note", "alice", "host = db-1"),
        (7, "note", "bob", "host = db-2"),
        (8, "command", "alice", "ran Kill"),
        (9, "command", "alice", "Kill ended unknown"),
        (10, "command", "alice", "Kill ended with 0"),
        (11, "command", "alice", "Kill ended unknown"),
        (12, "step", "alice", "done: "),
        (15, "step", "bob", "walks the playbook Q"),
        (16, "step", "alice", "skipped:  (no)"),
        (17, "state", "bob", "severity is now critical"),
        (18, "state", "alice", "incident mitigated"),
        (19, "people", "bob", "hands commander over to bob"),
        (20, "state", "alice", "incident resolved: fine"),
        (21, "state", "bob", "report written: incidents/x.md"),
    ]
    assert {line.kind for line in lines} < set(KINDS)
    # AND a note that was added later says when, and what it should have said
    assert lines[0].added_at == minute(13)
    assert [c.text for c in lines[0].corrected] == ["failed over to c"]
    assert all(line.added_at is None and not line.corrected for line in lines[1:])
    # AND steps show the values before and after
    by_text = {line.text: line for line in lines}
    assert by_text["began: "].more == ("CPU 96 %",)
    assert by_text["done: "].more == ("CPU 96 % → 41 %",)
    assert by_text["ran Kill"].more == ("$ kill 1",)
    assert by_text["hands commander over to bob"].more == ("next: sleep",)


def test_a_correction_keeps_the_original() -> None:
    one = told(
        (ev.INCIDENT_NOTED, {"text": "to b"}),
        (ev.INCIDENT_CORRECTED, {"event": "b:1", "text": "to c"}),
        (ev.INCIDENT_CORRECTED, {"event": "b:1", "text": "to d"}),
        (ev.INCIDENT_CORRECTED, {"event": "nothing:1", "text": "x"}),
    )
    note = timeline(one)[-1]
    assert (note.id, note.text) == ("b:1", "to b")
    assert note.corrected == (
        Correction(text="to c", by="alice", at=minute(2)),
        Correction(text="to d", by="bob", at=minute(3)),
    )
    assert len(timeline(one)) == 2


def test_what_corrects_a_correction_stands_with_the_entry() -> None:
    one = told(
        (ev.INCIDENT_NOTED, {"text": "to b"}),
        (ev.INCIDENT_CORRECTED, {"event": "b:1", "text": "to c"}),
        (ev.INCIDENT_CORRECTED, {"event": "a:2", "text": "to d"}),
        (ev.INCIDENT_CORRECTED, {"event": "b:2", "text": "to e"}),
        # AND one that names itself, as no app writes, stands nowhere and does no harm
        (ev.INCIDENT_CORRECTED, {"event": "b:3", "text": "round"}),
    )
    assert [c.text for c in timeline(one)[-1].corrected] == ["to c", "to d", "to e"]
    assert len(timeline(one)) == 2


def test_an_end_that_two_sessions_heard_of_is_told_once() -> None:
    def ended(**data: Any) -> Said:
        return ev.COMMAND_ENDED, {"command": "n", "outcome": "exited", "exit_code": 0, **data}

    # GIVEN a command of alice's (her session is gone), whose end both her next one and bob's save
    began = (ev.COMMAND_BEGAN, {"command": "n", "name": "N", "host": "ops1"})
    hers, his = ended(duration_s=2), ended(duration_s=5)
    one = told((ev.INCIDENT_NOTED, {"text": "x"}), began, his, hers, ended(exit_code=1))
    # THEN it is told once, as hers; only one that says something else stands beside it
    assert [(e.by, e.text) for e in timeline(one)][2:] == [
        ("alice", "ran N on ops1"),
        ("alice", "N ended with 0 after 5 s"),
        ("alice", "N ended with 1"),
    ]


def test_what_happened_at_once_stands_in_the_order_of_its_events() -> None:
    said: list[Said] = [(ev.INCIDENT_NOTED, {"text": str(n)}) for n in range(6)]
    events = written([(ev.INCIDENT_STARTED, {"title": "x"}), *said], every_s=0)
    lines = timeline(the(fold(reversed(events))))
    assert [line.text for line in lines[1:]] == [str(n) for n in range(6)]
    assert [line.key for line in lines] == sorted(line.key for line in lines)


def test_a_slow_watch_puts_no_effect_before_its_cause() -> None:
    # GIVEN bob, whose clock is seven minutes slow, and who read what alice did
    events = written([(ev.INCIDENT_STARTED, {"title": "x"}),
                      (ev.INCIDENT_STATE, {"state": "mitigated"}),
                      (ev.INCIDENT_NOTED, {"text": "later", "when": wall_text(minute(-3))}),
                      (ev.INCIDENT_NOTED, {"text": "well"})])  # fmt: skip
    clock = [f"{int(minute(n).timestamp() * 1000):013d}-00000" for n in range(4)]
    slow = [
        (w, Event(e.seq, wall_text(minute(n - 7 * (w == "b"))), clock[n], e.by, e.type, e.data, ""))
        for n, (w, e) in enumerate(events)
    ]
    # THEN it stands where it happened, and what was added later at its time
    assert [e.text for e in timeline(the(fold(slow)))] == [
        "later", "incident started, : x", "incident mitigated", "well",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((ev.INCIDENT_STATE, {"state": "reopened"}), ("state", "incident reopened", "bad")),
        ((ev.INCIDENT_STATE, {"state": "mitigated"}), ("state", "incident mitigated", "good")),
        ((ev.INCIDENT_ROLE, {"role": "scribe", "to": ""}), ("people",
         "gives up the role of scribe", "")),
        ((ev.INCIDENT_PRESENT, {"here": False}), ("people", "left", "")),
        ((ev.INCIDENT_TICKED, {"tick": "t"}), ("step", "cleared: t", "")),
        ((ev.INCIDENT_STEP, {"step": "s", "state": "to do", "title": "S"}), ("step",
         "took back: S", "")),
        ((ev.INCIDENT_STEP, {"step": "s", "state": "failed", "title": "S", "reason": "r"}),
         ("step", "failed: S (r)", "bad")),
        ((ev.INCIDENT_NOTED, {"text": "hello", "kind": "update"}),
         ("note", "told stakeholders: hello", "good")),
        ((ev.INCIDENT_LOOKED, {"title": "Ops", "found": "2 rows\na\nb"}), ("look", "Ops: 2 rows",
         "")),
        ((ev.INCIDENT_LOOKED, {"title": "Ops", "found": "", "failed": True}), ("look",
         "Ops: nothing", "warn")),
        ((ev.COMMAND_BEGAN, {"command": "n", "name": "N", "host": "ops1"}), ("command",
         "ran N on ops1", "")),
        ((ev.COMMAND_ENDED, {"command": "n", "outcome": "exited", "exit_code": 2,
         "duration_s": 0.2}),
         ("command", "n ended with 2 after 0.2 s", "bad")),
        ((ev.COMMAND_ENDED, {"command": "n", "outcome": "exited", "exit_code": -9}),
         ("command", "n was ended by signal 9", "bad")),
        ((ev.COMMAND_ENDED, {"command": "n", "outcome": "timeout", "duration_s": 60}),
         ("command", "n did not end in time and was stopped after 1 min", "bad")),
        ((ev.COMMAND_ENDED, {"command": "n", "outcome": "stopped"}), ("command", "n was stopped",
         "bad")),
        ((ev.COMMAND_ENDED, {"command": "n", "outcome": "not started", "reason": "no sh"}),
         ("command", "n could not be started: no sh", "bad")),
        ((ev.COMMAND_ENDED, {"command": "n", "outcome": "odd"}), ("command", "n ended unknown",
         "bad")),
    ],
)  # fmt: skip
def test_words(said: Said, expected: tuple[str, str, str]) -> None:
    line = timeline(told(said))[-1]
    assert (line.kind, line.text, line.tone) == expected


def test_a_commands_end_shows_the_last_of_its_output_and_the_values() -> None:
    one = told(
        (ev.COMMAND_BEGAN, {"command": "n", "name": "N", "gauges": [gauge(96)]}),
        (ev.COMMAND_ENDED, {
            "command": "n", "outcome": "exited", "exit_code": 0, "gauges": [gauge(41)],
            "output": "".join(f"line {n}\n\n" for n in range(9)),
        }),
    )  # fmt: skip
    line = timeline(one)[-1]
    assert line.more == ("CPU 96 % → 41 %", "line 6", "line 7", "line 8")
    assert line.values
    assert line.tone == "good"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([gauge(96)], [gauge(41)], "CPU 96 % → 41 %"),
        ([gauge(41)], [gauge(41)], "CPU 41 %"),
        ([], [gauge(41)], "CPU 41 %"),
        ([gauge(96)], [], ""),
        ([], [gauge(1), {"id": "mem", "text": "2 GB"}], "CPU 1 %, mem 2 GB"),
        ([{"id": []}], [{"id": {}, "text": "a\x1b[2Jb"}], "{} a␛[2Jb"),
        ([{}], [{}], "None None"),
    ],
)
def test_values(before: list[dict[str, Any]], after: list[dict[str, Any]], expected: str) -> None:
    assert values_text(before, after) == expected


# Beside it


def gauges(at: datetime, seq: int = 1) -> Recorded:
    more = {"from": "ok", "to": "critical", "value": 97, "unit": "%"}
    return beside(ev.GAUGE_CHANGED, at, seq, gauge="cpu", title="CPU", **more)


@pytest.mark.parametrize(
    ("states", "at", "inside"),
    [
        ((), minute(0) - BEFORE, True),
        ((), minute(0) - BEFORE - timedelta(seconds=1), False),
        ((), minute(1_000_000), True),
        (("resolved",), minute(1) + AFTER, True),
        (("resolved",), minute(1) + AFTER + timedelta(seconds=1), False),
        (("resolved", "reopened"), minute(1) + AFTER + timedelta(seconds=1), True),
    ],
)
def test_events_beside_belong_to_it_only_in_its_window(
    states: tuple[str, ...], at: datetime, inside: bool
) -> None:
    one = told(*((ev.INCIDENT_STATE, {"state": state}) for state in states))
    lines = timeline(one, [gauges(at)])
    found = [(line.kind, line.text, line.tone) for line in lines if line.kind == "gauge"]
    assert found == ([("gauge", "CPU: critical at 97 %", "bad")] if inside else [])
    assert [line.at for line in lines] == sorted(line.at for line in lines)


def test_the_window_begins_before_the_trouble_did() -> None:
    began = minute(-60)
    one = the(fold(written([(ev.INCIDENT_STARTED, {"title": "x", "began": wall_text(began)})])))
    assert window(one) == (began - BEFORE, None)
    # AND a trouble that is said to begin later than the start does not shorten it
    late = the(
        fold(written([(ev.INCIDENT_STARTED, {"title": "x", "began": wall_text(minute(9))})]))
    )
    assert window(late) == (START - BEFORE, None)
    assert window(Incident(id="x")) is None


def test_the_window_ends_with_the_calendar() -> None:
    edge = "0001-01-01T00:00:00Z"
    one = the(fold(written([(ev.INCIDENT_STARTED, {"title": "x", "began": edge})])))
    assert window(one) == (datetime.min.replace(tzinfo=UTC), None)
    over = Incident(
        id="x", state="resolved", started_at=START, resolved_at=datetime.max.replace(tzinfo=UTC)
    )
    assert window(over) == (START - BEFORE, datetime.max.replace(tzinfo=UTC))


def test_items_beside_it_and_nothing_else() -> None:
    one = told()
    lines = timeline(one, [
        beside(ev.ATTESTED, minute(-1), 1, run="r", item="before"),
        beside(ev.CHECKED, minute(1), 1, run="r", item="i", verdict="failed", text="12 days"),
        beside(ev.NOTED, minute(2), 2, run="r", item="i", text="hm"),
        beside(ev.ATTESTED, minute(3), 3, run="r", item="i"),
        beside(ev.RELEASE_STARTED, minute(4), 4, release="v1"),
        beside(ev.OPENED, minute(5), 5),
        beside(ev.INCIDENT_NOTED, minute(6), 6, incident="other", text="x"),
        Recorded("w", Event(7, "never", stamp(0), "x", ev.NOTED, {}, "")),
    ])  # fmt: skip
    assert [(line.kind, line.text) for line in lines[1:]] == [
        ("item", "failed r/i: 12 days"),
        ("item", "noted r/i: hm"),
        ("item", "attested r/i"),
    ]
