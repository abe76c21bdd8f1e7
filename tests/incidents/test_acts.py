"""What may be done in an incident, and what is refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.incidents.model import STEP_STATES, Incident, IncidentState, StepState
from opsdeck.journal import events as ev
from opsdeck.journal.happenings import Happening
from opsdeck.journal.writing import Draft
from tests.incidents.test_view import ID, START, told

STEP = Step(id="1-look", title="1. Look", line=1)
PLAYBOOK = Playbook(id="p", title="P", digest="ab" * 32, text="", steps=(STEP,))
BERLIN = ZoneInfo("Europe/Berlin")
OPEN = Incident(id=ID, title="x", severity="high")


def of_states(*states: IncidentState) -> Incident:
    """An incident that came into these states by what may be done."""
    one = told()
    done: list[tuple[str, dict[str, Any]]] = []
    for state in states:
        draft = acts.state(one, state)
        done.append((draft.type, draft.data))
        one = told(*done)
    return one


@pytest.mark.parametrize(
    ("before", "allowed"),
    [
        ((), {"mitigated", "resolved"}),
        (("mitigated",), {"resolved", "reopened"}),
        (("resolved",), {"reopened"}),
        (("mitigated", "resolved"), {"reopened"}),
        (("resolved", "reopened"), {"mitigated", "resolved"}),
        (("mitigated", "reopened", "mitigated"), {"resolved", "reopened"}),
    ],
)
def test_states_follow_each_other(before: tuple[IncidentState, ...], allowed: set[str]) -> None:
    # GIVEN an incident in a state
    one = of_states(*before)
    found, refusals = set(), []
    # WHEN each other one is asked for THEN only those that make sense are taken
    for to in get_args(IncidentState):
        try:
            draft = acts.state(one, to, "  why ")
        except UsageError as error:
            refusals.append(str(error))
            continue
        assert draft == Draft(ev.INCIDENT_STATE, {"incident": ID, "state": to, "note": "why"})
        found.add(to)
    assert all(f"{ID} is {one.state}: it cannot become " in refusal for refusal in refusals)
    assert found == allowed


def test_a_start_names_who_commands_and_opens_the_playbook() -> None:
    drafts = acts.start(
        ID,
        title=" Pool\n",
        severity="crit",
        playbook=PLAYBOOK,
        gauge="cpu",
        targets=["a", "b", "a"],
        began=START,
        operator="alice",
    )
    assert [draft.type for draft in drafts] == [
        ev.INCIDENT_STARTED,
        ev.INCIDENT_ROLE,
        ev.INCIDENT_PLAYBOOK,
    ]
    assert drafts[0].data == {
        "incident": ID, "title": "Pool", "severity": "critical", "playbook": "p", "gauge": "cpu",
        "targets": ["a", "b"], "began": "2026-11-23T02:41:00.000Z",
    }  # fmt: skip
    assert drafts[1].data == {"incident": ID, "role": "commander", "to": "alice"}
    assert drafts[2].data["digest"] == PLAYBOOK.digest
    # AND without anything it is of severity high
    first, _ = acts.start(ID, title="x", operator="alice")
    assert first.data == {"incident": ID, "title": "x", "severity": "high"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("critical", "critical"),
        ("c", "critical"),
        (" HIGH ", "high"),
        ("m", "medium"),
        ("lo", "low"),
    ],
)
def test_severities(word: str, expected: str) -> None:
    assert acts.checked_severity(word) == expected


@pytest.mark.parametrize("word", ["", " ", "x", "highest", "critical!"])
def test_other_severities(word: str) -> None:
    with pytest.raises(UsageError, match="must be one of critical, high, medium, low"):
        acts.checked_severity(word)


def test_ids_get_letters_when_they_are_taken() -> None:
    # GIVEN a moment in another zone
    now = datetime(2026, 11, 23, 3, 41, 59, tzinfo=BERLIN)
    taken: list[str] = []
    # WHEN incidents are started in one minute THEN each has an id, until there are no letters
    for _ in range(26):
        taken.append(acts.new_id(now, [*taken, "other"]))
    assert taken[:3] == [ID, f"{ID}b", f"{ID}c"]
    assert (taken[-1], len(set(taken))) == (f"{ID}z", 26)
    with pytest.raises(UsageError, match="within this minute"):
        acts.new_id(now, taken)
    assert acts.new_id(now + timedelta(minutes=1), taken) == "2026-11-23-0242"


@pytest.mark.parametrize("to", STEP_STATES)
def test_steps(to: StepState) -> None:
    draft = acts.step(OPEN, PLAYBOOK, STEP, to, reason=" why ", gauges=[{"id": "cpu"}])
    assert draft.type == ev.INCIDENT_STEP
    assert draft.data == {
        "incident": ID, "playbook": "p", "step": "1-look", "title": "1. Look", "state": to,
        "reason": "why", "gauges": [{"id": "cpu"}],
    }  # fmt: skip
    # AND without a reason it is refused where one must be given
    if to in ("skipped", "failed"):
        with pytest.raises(UsageError, match="a reason is needed"):
            acts.step(OPEN, PLAYBOOK, STEP, to, reason=" ")
    else:
        assert "reason" not in acts.step(OPEN, PLAYBOOK, STEP, to).data


def refused(act: Any, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        act()


def test_what_is_refused() -> None:
    one = told((ev.INCIDENT_ROLE, {"role": "commander", "to": "alice"}))
    now = START
    odd: Any = "odd"
    for act, match in [
        (lambda: acts.start(ID, title=" ", operator="a"), "a title is needed"),
        (lambda: acts.start(ID, title="x" * 201, operator="a"),
         "title has 201 characters; at most 200"),
        (lambda: acts.start(ID, title="x", severity="odd", operator="a"), "severity is 'odd'"),
        (lambda: acts.change(OPEN, title=" x ", severity="hi"), "nothing is changed"),
        (lambda: acts.change(OPEN), "nothing is changed"),
        (lambda: acts.step(OPEN, PLAYBOOK, STEP, odd), "a step cannot be 'odd'"),
        (lambda: acts.note(OPEN, " ", now, UTC), "a note is needed"),
        (lambda: acts.note(OPEN, "x" * 4_001, now, UTC), "note has 4,001 characters"),
        (lambda: acts.correct(one, "a:9", "x"), "no entry 'a:9'"),
        (lambda: acts.correct(one, "a:1", ""), "a correction is needed"),
        (lambda: acts.take_role(one, "king", "alice"),
         "there is no role 'king'; there are commander, scribe"),
        (lambda: acts.take_role(one, "commander", " alice "), "alice is commander already"),
        (lambda: acts.take_role(one, "scribe", ""), "nobody is scribe already"),
        (lambda: acts.take_role(one, "scribe", "x" * 81), "name has 81 characters"),
        (lambda: acts.variable(one, "1x", "v"), "no name of a variable"),
        (lambda: acts.variable(one, "a b", "v"), "no name of a variable"),
        (lambda: acts.variable(one, "a", "v\nw"), "more than one line"),
        (lambda: acts.variable(one, "a", "v\0"), "more than one line"),
        (lambda: acts.variable(one, "a", "v" * 1_001), "has 1,001 characters"),
    ]:  # fmt: skip
        refused(act, match)


def test_what_is_changed() -> None:
    assert acts.change(OPEN, title="y").data == {"incident": ID, "title": "y"}
    assert acts.change(OPEN, title="x", severity="low").data == {"incident": ID, "severity": "low"}


def test_roles_are_handed_over_with_what_the_next_one_must_know() -> None:
    # GIVEN a commander WHEN the role goes to another
    first = acts.take_role(OPEN, "commander", "alice")
    one = told((first.type, first.data))
    handover = {"done": "failed over", "running": " ", "next": "\ud800 watch"}
    second = acts.take_role(one, "commander", "bob", handover)
    # THEN what was said of it is kept, and what was not is not
    assert second.data["handover"] == {"done": "failed over", "next": "? watch"}
    one = told((first.type, first.data), (second.type, second.data))
    assert (one.roles, len(one.handovers)) == ({"commander": "bob"}, 1)
    # AND given up it is nobody's
    third = acts.take_role(one, "commander", "")
    assert told((first.type, first.data), (third.type, third.data)).roles == {}


NOW = datetime(2026, 11, 23, 14, 30, 5, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "when", "said"),
    [
        ("14:05 failed over", "2026-11-23T13:05:00.000Z", "failed over"),
        (" 9:05:07  a\nb ", "2026-11-23T08:05:07.000Z", "a\nb"),
        ("14:30 now", "2026-11-23T13:30:00.000Z", "now"),
        ("15:31 yesterday", "2026-11-22T14:31:00.000Z", "yesterday"),
        ("2026-11-20 09:00 x", "2026-11-20T08:00:00.000Z", "x"),
        ("2026-07-01T09:00 x", "2026-07-01T07:00:00.000Z", "x"),
        ("1999-12-31 23:59 x", "1999-12-31T22:59:00.000Z", "x"),
        ("25:00 x", None, "25:00 x"),
        ("14:60 x", None, "14:60 x"),
        ("2026-02-30 10:00 x", None, "2026-02-30 10:00 x"),
        ("0000-01-01 10:00 x", None, "0000-01-01 10:00 x"),
        ("0001-01-01 00:00 x", None, "0001-01-01 00:00 x"),
        ("13:05 UTC failed over", "2026-11-23T13:05:00.000Z", "failed over"),
        ("13:05Z failed over", "2026-11-23T13:05:00.000Z", "failed over"),
        ("2026-11-20T09:00Z x", "2026-11-20T09:00:00.000Z", "x"),
        ("14:05 UTCish", "2026-11-23T13:05:00.000Z", "UTCish"),
        ("14:05", None, "14:05"),
        ("13:05 UTC", "2026-11-23T12:05:00.000Z", "UTC"),
        ("14:05:", None, "14:05:"),
        ("at 14:05 x", None, "at 14:05 x"),
        ("14.05 x", None, "14.05 x"),
    ],
)
def test_notes_are_filed_where_they_say(text: str, when: str | None, said: str) -> None:
    draft = acts.note(OPEN, text, NOW, BERLIN)
    assert draft.data == {"incident": ID, "text": said, **({"when": when} if when else {})}


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23 14:31 x",
        "2999-01-01 00:00 x",
        "9999-12-31 23:59 x",
        # AND a time of day that is about to come is nobody's yesterday: a watch is fast
        "14:31 x",
        "14:45 x",
        "13:31 UTC x",
    ],
)
def test_what_is_yet_to_come_cannot_be_noted(text: str) -> None:
    with pytest.raises(UsageError, match="is yet to come"):
        acts.note(OPEN, text, NOW, BERLIN)


@pytest.mark.parametrize(
    ("now", "text", "when"),
    [
        # The hour from 2 to 3 comes twice; at 2:10 for the second time, 2:30 was 40 minutes ago.
        ("2026-10-25T01:10:00Z", "02:30 x", "2026-10-25T00:30:00.000Z"),
        ("2026-10-25T01:40:00Z", "02:30 x", "2026-10-25T01:30:00.000Z"),
        ("2026-10-25T01:40:00Z", "2026-10-25 02:30 x", "2026-10-25T01:30:00.000Z"),
        ("2026-10-25T01:40:00Z", "00:30Z x", "2026-10-25T00:30:00.000Z"),
        ("2026-10-25T00:10:00Z", "02:30 x", "2026-10-24T00:30:00.000Z"),
        # The night has an hour less: yesterday is 23 hours ago.
        ("2026-03-29T06:00:00Z", "09:00 x", "2026-03-28T08:00:00.000Z"),
    ],
)
def test_notes_in_nights_when_the_clock_changes(now: str, text: str, when: str) -> None:
    assert acts.note(OPEN, text, datetime.fromisoformat(now), BERLIN).data["when"] == when


@pytest.mark.parametrize("text", ["02:30 x", "2026-03-29 02:00 x"])
def test_a_time_that_never_was_cannot_be_meant(text: str) -> None:
    now = datetime.fromisoformat("2026-03-29T01:40:00Z")
    with pytest.raises(UsageError, match=r"^2026-03-29 02:\d0 never was: clocks were set forward"):
        acts.note(OPEN, text, now, BERLIN)
    # AND in UTC it was
    assert acts.note(OPEN, "01:30 UTC x", now, BERLIN).data["when"] == "2026-03-29T01:30:00.000Z"


def test_a_note_says_when_it_was_filed() -> None:
    def filed(text: str) -> str:
        return acts.filed(acts.note(OPEN, text, NOW, BERLIN), NOW, BERLIN)

    assert filed("14:05 x") == ", filed at 14:05 CET"
    assert filed("20:00 x") == ", filed at 2026-11-22 20:00 CET"
    assert filed("x") == ""


def test_what_stakeholders_were_told() -> None:
    draft = acts.note(OPEN, "we are on it", NOW, BERLIN, kind="update")
    assert draft.data == {"incident": ID, "text": "we are on it", "kind": "update"}
    assert told((draft.type, draft.data)).updated_at == START + timedelta(minutes=1)


def test_a_correction_names_its_entry() -> None:
    one = told((ev.INCIDENT_NOTED, {"text": "to b"}))
    assert acts.correct(one, "b:1", " to c ").data == {
        "incident": ID,
        "event": "b:1",
        "text": "to c",
    }


def test_small_acts() -> None:
    assert acts.tick(OPEN, PLAYBOOK, STEP, "t", on=True).data == {
        "incident": ID, "playbook": "p", "step": "1-look", "tick": "t", "on": True,
    }  # fmt: skip
    assert acts.present(OPEN, here=False).data == {"incident": ID, "here": False}
    assert acts.variable(OPEN, "host", "db\ud800-1").data == {
        "incident": ID,
        "name": "host",
        "value": "db?-1",
    }
    looked = acts.looked(OPEN, PLAYBOOK, STEP, "Long ones", "2 rows", failed=True)
    assert (looked.type, looked.data["failed"], looked.data["found"]) == (
        ev.INCIDENT_LOOKED,
        True,
        "2 rows",
    )
    assert "failed" not in acts.looked(OPEN, PLAYBOOK, STEP, "x", "y").data


KNOWN = [
    Incident(id="2026-11-23-0241"),
    Incident(id="2026-11-23-0241b", state="mitigated"),
    Incident(id="2026-11-22-1000", state="resolved"),
    Incident(id="2025-01-01-0000", state="resolved"),
]


@pytest.mark.parametrize(
    ("known", "word", "expected"),
    [
        (KNOWN, "2026-11-23-0241", 0),
        (KNOWN, "2026-11-23-0241b", 1),
        (KNOWN, "2026-11-22", 2),
        (KNOWN, "2025", 3),
        (KNOWN[1:], None, 0),
        (KNOWN[::2], None, 0),
        (
            KNOWN,
            "2026-11-23",
            "'2026-11-23' can mean 2026-11-23-0241, 2026-11-23-0241b: write more",
        ),
        (KNOWN, "2024", "there is no incident '2024'"),
        (KNOWN, None, "2 incidents are open: name one of 2026-11-23-0241, 2026-11-23-0241b"),
        (KNOWN[2:], None, f"no incident is open: name one, the newest is {KNOWN[2].id}, or start"),
        ([], None, "no incident is open: start one with"),
        ([], "x", "there is no incident 'x'"),
    ],
)
def test_which_incident_is_meant(
    known: list[Incident], word: str | None, expected: int | str
) -> None:
    if isinstance(expected, int):
        assert acts.incident_meant(known, word) is known[expected]
    else:
        with pytest.raises(UsageError) as caught:
            acts.incident_meant(known, word)
        assert str(caught.value).startswith(expected)


def test_happenings_are_ordered_by_clock_then_writer_then_number() -> None:
    made = [
        Happening(clock, writer, seq, "t", "at", "me", {})
        for clock, writer, seq in [("2", "a", 1), ("1", "b", 1), ("1", "a", 3), ("1", "a", 2)]
    ]
    assert [h.key for h in sorted(made)] == sorted(h.key for h in made)
    assert made[0].id == "a:1"
