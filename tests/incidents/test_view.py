"""An incident is a function of the set of its events, whatever they hold and however they come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.incidents.model import HERE_FOR, Incident
from opsdeck.incidents.timeline import timeline
from opsdeck.incidents.view import heads, incident_of, open_heads
from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import Event, Recorded
from opsdeck.journal.fold import Kept, State
from opsdeck.journal.happenings import OUTPUT_KEPT
from tests.journal.helpers import stamp

Said = tuple[str, dict[str, Any]]
Written = tuple[str, Event]

ID = "2026-11-23-0241"
START = datetime(2026, 11, 23, 2, 41, tzinfo=UTC)


def written(said: Iterable[Said], writers: str = "ab", *, every_s: int = 60) -> list[Written]:
    """Events of several writers in turn, one a minute; each names the incident unless it says."""
    count = dict.fromkeys(writers, 0)
    found = []
    for tick, (kind, data) in enumerate(said):
        writer = writers[tick % len(writers)]
        count[writer] += 1
        at = wall_text(START + timedelta(seconds=every_s * tick))
        data = {"incident": ID, **data}
        by = {"a": "alice", "b": "bob"}[writer]
        found.append((writer, Event(count[writer], at, stamp(tick), by, kind, data, "")))
    return found


def fold(events: Iterable[Written], state: State | None = None) -> State:
    state = state or State()
    for writer, event in events:
        state.apply(writer, event)
    return state


def through_a_snapshot(state: State) -> State:
    return State.load(msgspec.msgpack.decode(msgspec.msgpack.encode(state.dump()), type=Kept))


def the(state: State, identity: str = ID) -> Incident:
    found = incident_of(state.incidents, identity)
    assert found is not None
    return found


def told(*said: Said, writers: str = "ab") -> Incident:
    """The incident that these events make."""
    return the(fold(written([(ev.INCIDENT_STARTED, {"title": "x"}), *said], writers)))


def gauge(value: float) -> dict[str, Any]:
    return {"id": "cpu", "title": "CPU", "value": value, "text": f"{value:.0f} %"}


STORY: list[Said] = [
    (ev.INCIDENT_STARTED, {"title": "Pool exhausted", "severity": "high", "targets": ["db"],
                           "began": "2026-11-23T02:30:00Z", "gauge": "cpu"}),
    (ev.INCIDENT_ROLE, {"role": "commander", "to": "alice"}),
    (ev.INCIDENT_PLAYBOOK, {"playbook": "p", "title": "P", "digest": "aa"}),
    (ev.INCIDENT_PRESENT, {"here": True}),
    (ev.INCIDENT_STEP, {"playbook": "p", "step": "s1", "state": "doing", "gauges": [gauge(96)]}),
    (ev.INCIDENT_TICKED, {"playbook": "p", "step": "s1", "tick": "t", "on": True}),
    (ev.INCIDENT_VARIABLE, {"name": "host", "value": "db-1"}),
    (ev.INCIDENT_VARIABLE, {"name": "host", "value": "db-2"}),
    (ev.COMMAND_BEGAN, {"command": "n1", "name": "Kill", "text": "kill 1"}),
    (ev.COMMAND_ENDED, {"command": "n1", "outcome": "unknown", "exit_code": None}),
    (ev.COMMAND_ENDED, {"command": "n1", "outcome": "exited", "exit_code": 0,
     "output": "o" * 9_000}),
    (ev.COMMAND_ENDED, {"command": "n1", "outcome": "unknown"}),
    (ev.INCIDENT_STEP, {"playbook": "p", "step": "s1", "state": "done", "gauges": [gauge(41)]}),
    (ev.INCIDENT_NOTED, {"text": "failed over", "when": "2026-11-23T02:35:00Z"}),
    (ev.INCIDENT_CORRECTED, {"event": "b:7", "text": "failed over to c"}),
    (ev.INCIDENT_PLAYBOOK, {"playbook": "q", "title": "Q", "digest": "bb"}),
    (ev.INCIDENT_STEP, {"playbook": "q", "step": "s2", "state": "skipped", "reason": "no"}),
    (ev.INCIDENT_CHANGED, {"severity": "critical"}),
    (ev.INCIDENT_STATE, {"state": "mitigated"}),
    (ev.INCIDENT_ROLE, {"role": "commander", "to": "bob", "handover": {"next": "sleep"}}),
    (ev.INCIDENT_STATE, {"state": "resolved", "note": "fine"}),
    (ev.INCIDENT_REPORTED, {"file": "incidents/x.md"}),
]  # fmt: skip


def seen(state: State) -> Any:
    """All that can be asked of the incidents of a State, in one order."""
    known = sorted(state.incidents.heads)
    beside = state.recent()
    return msgspec.to_builtins(
        {
            "heads": heads(state),
            "open": [one.id for one in open_heads(state)],
            "all": [the(state, identity) for identity in known],
            "lines": [timeline(the(state, identity), beside) for identity in known],
            "malformed": sorted(state.malformed),
        }
    )


def test_the_order_of_arrival_makes_no_difference() -> None:
    # GIVEN two incidents of two writers, and what they come to in order
    other = [(kind, {**data, "incident": "2026-11-23-0300"}) for kind, data in STORY]
    events = written([one for pair in zip(STORY, other, strict=True) for one in pair])
    expected = seen(fold(events))
    for seed in range(60):
        random = Random(seed)
        shuffled = random.sample(events, len(events))
        cut, again = sorted(random.sample(range(len(events)), 2))
        # WHEN they come otherwise, some twice, with snapshots in between
        state = through_a_snapshot(fold(shuffled[:cut]))
        state = through_a_snapshot(fold(shuffled[cut:again], state))
        if seed % 2:
            seen(state)  # looked at in between
        state = fold(shuffled, fold(shuffled[again:], state))
        # THEN they come to the same
        assert seen(state) == expected


def test_how_an_incident_stands() -> None:
    # GIVEN the whole story WHEN it is folded
    one = the(fold(written(STORY)))
    # THEN everything is as the last word on it says
    assert (one.title, one.severity, one.state, one.over) == (
        "Pool exhausted",
        "critical",
        "resolved",
        True,
    )
    assert (one.started_at, one.started_by) == (START, "alice")
    assert one.began_at == datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
    assert (one.mitigated_at, one.resolved_at) == (
        START + timedelta(minutes=18),
        START + timedelta(minutes=20),
    )
    assert (one.roles, one.variables, one.targets) == (
        {"commander": "bob"},
        {"host": "db-2"},
        ("db",),
    )
    assert [h.data["handover"] for h in one.handovers] == [{"next": "sleep"}]
    assert (one.current, sorted(one.walks)) == ("q", ["p", "q"])
    step = one.walks["p"].step("s1")
    assert (step.state, step.by) == ("done", "alice")
    assert ([g["value"] for g in step.before], [g["value"] for g in step.gauges]) == ([96], [41])
    assert one.walks["p"].ticks == {("s1", "t")}
    assert one.walks["q"].step("s2").reason == "no"
    assert one.walks["q"].step("never").state == "to do"
    # AND what is known of a command is not forgotten for what is not
    ran = one.ran["n1"]
    assert (ran.outcome, ran.exit_code, ran.well, one.running()) == ("exited", 0, True, [])
    assert ran.ended is not None
    assert ran.ended.data["output"] == "o" * OUTPUT_KEPT
    assert [h.data["text"] for h in one.corrections["b:7"]] == ["failed over to c"]
    assert len(one.reported) == 1
    assert len(one.happenings) == len(STORY)


def test_states() -> None:
    def after(*states: str) -> tuple[str, bool, bool, bool]:
        one = told(*((ev.INCIDENT_STATE, {"state": state}) for state in states))
        return (one.state, one.over, one.mitigated_at is not None, one.resolved_at is not None)

    assert after() == ("open", False, False, False)
    assert after("mitigated") == ("mitigated", False, True, False)
    assert after("mitigated", "resolved") == ("resolved", True, True, True)
    assert after("resolved") == ("resolved", True, True, True)
    assert after("resolved", "reopened") == ("reopened", False, False, False)
    assert after("resolved", "reopened", "resolved") == ("resolved", True, True, True)
    # AND only reopening takes a resolution back: who says mitigated had not read it
    assert after("mitigated", "resolved", "mitigated") == ("resolved", True, True, True)
    assert after("resolved", "mitigated") == ("resolved", True, True, True)
    assert after("mitigated", "odd") == ("mitigated", False, True, False)


def test_what_was_said_twice_counts_from_the_first_time() -> None:
    # GIVEN two people who say the same without having read each other
    said = ("mitigated", "mitigated", "resolved", "resolved")
    one = told(*((ev.INCIDENT_STATE, {"state": state}) for state in said))
    # THEN it is counted from whoever was first, and both stand on the timeline
    assert one.mitigated_at == START + timedelta(minutes=1)
    assert one.resolved_at == START + timedelta(minutes=3)
    assert [e.text for e in timeline(one)][1:] == [f"incident {state}" for state in said]


def test_presence_ends_after_a_quarter_of_an_hour() -> None:
    # GIVEN two who came, of whom one did something later
    one = told(
        (ev.INCIDENT_PRESENT, {"here": True}),
        (ev.INCIDENT_PRESENT, {"here": True}),
        (ev.INCIDENT_NOTED, {"text": "x"}),
    )
    bob, alice = START + timedelta(minutes=3), START + timedelta(minutes=2)
    # THEN each is there until nothing was heard of them for so long
    assert timedelta(minutes=15) == HERE_FOR
    second = timedelta(seconds=1)
    assert one.here(alice + HERE_FOR - second) == ["alice", "bob"]
    assert one.here(alice + HERE_FOR) == ["bob"]
    assert one.here(bob + HERE_FOR - second) == ["bob"]
    assert one.here(bob + HERE_FOR) == []
    # AND who left is not there, nor who never came
    left = told((ev.INCIDENT_PRESENT, {"here": True}), (ev.INCIDENT_NOTED, {"text": "x"}),
                (ev.INCIDENT_PRESENT, {"here": False}))  # fmt: skip
    assert left.here(START + timedelta(minutes=4)) == []


def test_the_first_start_counts() -> None:
    # GIVEN two machines that started it in the same minute
    one = the(
        fold(reversed(written([(ev.INCIDENT_STARTED, {"title": t}) for t in ("one", "two")])))
    )
    assert (one.title, one.started_by) == ("one", "alice")


def test_values_before_are_those_of_the_first_beginning() -> None:
    def step(state: str, value: float) -> Said:
        return (
            ev.INCIDENT_STEP,
            {"playbook": "p", "step": "s", "state": state, "gauges": [gauge(value)]},
        )

    one = told(step("doing", 96), step("failed", 97), step("doing", 80), step("done", 41))
    found = one.walks["p"].step("s")
    assert ([g["value"] for g in found.before], [g["value"] for g in found.gauges]) == ([96], [41])


def test_heads_are_the_newest_first_and_need_nothing_else() -> None:
    # GIVEN three incidents, one of them over
    said: list[Said] = [
        (ev.INCIDENT_STARTED, {"incident": name, "title": name.upper(), "severity": "low"})
        for name in ("a", "b", "c")
    ]
    state = through_a_snapshot(
        fold(written([*said, (ev.INCIDENT_STATE, {"incident": "b", "state": "resolved"})]))
    )
    # THEN they are listed without decoding what happened in them
    assert [(one.id, one.title) for one in heads(state)] == [("c", "C"), ("b", "B"), ("a", "A")]
    assert [one.id for one in open_heads(state)] == ["c", "a"]
    assert all(type(kept) is msgspec.Raw for kept in state.incidents.kept.values())
    assert incident_of(state.incidents, "d") is None


def test_events_that_name_no_incident_change_nothing() -> None:
    nothing: list[dict[str, Any]] = [{}, {"incident": 3}, {"incident": []}]
    said = [(kind, data) for kind in sorted(ev.INCIDENTS) for data in nothing]
    events = [
        ("a", Event(number, "at", stamp(number), "me", kind, data, ""))
        for number, (kind, data) in enumerate(said, 1)
    ]
    state = fold(events)
    assert [seq for _, seq, _ in state.malformed] == [event.seq for _, event in events]
    assert (state.incidents.kept, state.incidents.heads) == ({}, {})


_times = st.sampled_from([
    "2026-11-23T02:41:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "", "now", "2026-11-23", "2026-11-23T02:41:00", "T", "\x00", "²",
])  # fmt: skip
_words = st.sampled_from([
    "open", "mitigated", "resolved", "reopened", "doing", "done", "skipped", "exited", "unknown",
    "n1", "p",
    "commander", "update", "w:1", "", "\x1b[2J", "a\nb", "x" * 3_000,
])  # fmt: skip
_any: st.SearchStrategy[Any] = st.recursive(
    st.one_of(_words, _times, st.none(), st.booleans(), st.integers(-(10**25), 10**25), st.floats(),
              st.just(10**400)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["id", "text", "title", "value", "next"]), inner,
        max_size=3),
    ),
    max_leaves=4,
)  # fmt: skip
_keys = st.sampled_from([
    "title", "severity", "state", "playbook", "step", "tick", "on", "text", "kind", "when",
    "event", "role",
    "to", "handover", "here", "name", "value", "command", "outcome", "exit_code", "output",
    "duration_s",
    "gauges", "targets", "began", "reason", "found", "failed", "file", "host", "note", "digest",
    "gauge", "unit",
    "from", "verdict", "run", "item", "min", "max",
])  # fmt: skip
_kinds = st.sampled_from([*sorted(ev.INCIDENTS), ev.GAUGE_CHANGED, ev.NOTED])


@given(
    st.lists(st.tuples(_kinds, st.dictionaries(_keys, _any, max_size=6), _times), max_size=12),
    st.randoms(use_true_random=False),
)
@settings(max_examples=300, deadline=None)
def test_any_data_is_folded_and_told(
    said: list[tuple[str, dict[str, Any], str]], random: Random
) -> None:
    # GIVEN events of an incident that hold anything at all
    events: list[Written] = [("a", Event(1, "2026-11-23T02:41:00Z", stamp(0), "alice",
    ev.INCIDENT_STARTED,
                              {"incident": ID}, ""))]  # fmt: skip
    for number, (kind, data, at) in enumerate(said, 2):
        event = Event(
            number, at, stamp(random.randint(0, 9)), "alice", kind, {**data, "incident": ID}, ""
        )
        events.append(("a", event))
    # WHEN they are folded and told THEN nothing fails
    one = the(fold(events))
    lines = timeline(one, [Recorded(writer, event) for writer, event in events])
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert all(isinstance(line.text, str) for line in lines)
    one.here(START)
    assert all(isinstance(ran.well, bool) for ran in one.ran.values())
    # AND in any order they come to the same
    again = the(fold(random.sample(events, len(events))))
    assert repr(again) == repr(one)
