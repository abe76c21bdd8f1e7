"""State is a function of the set of events, whatever way they come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.journal import fold
from opsdeck.journal.events import (
    ATTESTED,
    CHECKED,
    MARKS,
    NOTED,
    OPENED,
    RELEASE_STARTED,
    UNDONE,
    WAIVED,
    Event,
)
from opsdeck.journal.fold import Kept, State
from tests.journal.helpers import stamp

Written = tuple[str, Event]


@dataclass(frozen=True)
class Said:
    """An event before it has a writer and a place: what it says, and when."""

    type: str
    data: dict[str, Any]
    tick: int


_runs = st.sampled_from(["standing/a", "daily/2026-11-23"])
_items = st.sampled_from(["i", "j"])
_junk: st.SearchStrategy[Any] = st.one_of(st.none(), st.integers(-3, 3), st.lists(st.just("x")))
_texts = st.one_of(st.text(max_size=4), _junk)
_targets = st.builds("{}:{}".format, st.sampled_from("abc"), st.integers(1, 12))
_about = {"run": st.one_of(_runs, _runs, _junk), "item": _items}
_said = st.one_of(
    st.builds(
        Said,
        st.sampled_from(sorted(MARKS)),
        st.fixed_dictionaries(_about, optional={"note": _texts, "reason": _texts, "due": _texts}),
        st.integers(0, 30),
    ),
    st.builds(
        Said,
        st.just(CHECKED),
        st.fixed_dictionaries(
            {**_about, "verdict": st.sampled_from(["passed", "failed", "unknown", "odd", 3, []])}
        ),
        st.integers(0, 30),
    ),
    st.builds(
        Said, st.just(NOTED), st.fixed_dictionaries({**_about, "text": _texts}), st.integers(0, 30)
    ),
    st.builds(
        Said,
        st.just(UNDONE),
        st.fixed_dictionaries({**_about, "event": st.one_of(_targets, _junk)}),
        st.integers(0, 30),
    ),
    st.builds(
        Said,
        st.just(RELEASE_STARTED),
        st.fixed_dictionaries({"release": st.one_of(st.sampled_from(["v1", "v2"]), _junk)}),
        st.integers(0, 30),
    ),
    st.builds(
        Said,
        st.sampled_from(["incident.opened", "x", OPENED]),
        st.dictionaries(st.text(max_size=3), _junk),
        st.integers(0, 30),
    ),
)


def written(said: Iterable[Said], writers: Random) -> list[Written]:
    """Deal the events to three writers, each numbering its own."""
    count = dict.fromkeys("abc", 0)
    events = []
    for one in said:
        writer = writers.choice("abc")
        count[writer] += 1
        events.append(
            (
                writer,
                Event(
                    count[writer],
                    f"at {count[writer] % 3}",
                    stamp(one.tick),
                    "me",
                    one.type,
                    one.data,
                    "",
                ),
            )
        )
    return events


def fold_all(events: Iterable[Written], state: State | None = None) -> State:
    state = state or State()
    for writer, event in events:
        state.apply(writer, event)
    return state


def through_a_snapshot(state: State) -> State:
    return State.load(msgspec.msgpack.decode(msgspec.msgpack.encode(state.dump()), type=Kept))


def view(state: State) -> dict[str, Any]:
    """All that anyone can ask of a State, in one order."""
    entries = {}
    for key in sorted(state.run_keys()):
        run = state.run(key)
        assert run is not None
        for item, entry in sorted(run.entries.items()):
            entries[key, item] = (
                entry.in_force(),
                entry.verdict(),
                entry.verdicts,
                entry.marks,
                entry.standing_notes(),
                [m.id for m in entry.history() if m.id in entry.undone],
                sorted(entry.undone),
            )
    return {
        "entries": entries,
        "releases": sorted(msgspec.to_builtins(r) for r in state.releases.values()),
        "recent": [r.key for r in state.recent()],
        "first": (state.first_clock, state.first_at),
        "max_clock": state.max_clock,
        "count": state.count,
        "unknown": sorted(state.unknown_types.items()),
        "malformed": sorted(state.malformed),
    }


@given(st.lists(_said, max_size=40), st.randoms(use_true_random=False), st.integers(0, 40))
def test_any_order_repetition_and_snapshot_give_the_same_state(
    said: list[Said], random: Random, cut: int
) -> None:
    # GIVEN events of three writers, and what they come to in the order they were written
    events = written(said, random)
    expected = view(fold_all(events))
    # WHEN they come shuffled, some twice
    shuffled = random.sample(events, len(events))
    repeated = shuffled + random.sample(events, len(events) // 2)
    # THEN State is the same, also when it was kept half-way, and when all is replayed on top
    assert view(fold_all(repeated)) == expected
    half = through_a_snapshot(fold_all(shuffled[:cut]))
    whole = fold_all(shuffled[cut:], half)
    assert view(whole) == expected
    assert view(fold_all(events, through_a_snapshot(whole))) == expected


@given(st.randoms(use_true_random=False), st.integers(0, 120))
def test_what_is_kept_of_many_is_the_newest_whatever_the_order(random: Random, cut: int) -> None:
    # GIVEN more marks, notes and verdicts than State keeps
    said = [
        Said(kind, {"run": "r", "item": "i", **data}, tick)
        for tick in range(60)
        for kind, data in (
            (ATTESTED, {"note": str(tick)}),
            (NOTED, {"text": str(tick)}),
            (CHECKED, {"verdict": "passed"}),
        )
    ]
    events = written(said, random)
    # WHEN they come in another order, with a snapshot on the way
    shuffled = random.sample(events, len(events))
    state = fold_all(shuffled[cut:], through_a_snapshot(fold_all(shuffled[:cut])))
    # THEN the newest are kept, oldest first
    entry = state.entry("r", "i")
    assert entry is not None
    assert [m.text for m in entry.marks] == [str(n) for n in range(60 - fold.MARKS_KEPT, 60)]
    assert [n.text for n in entry.notes] == [str(n) for n in range(60 - fold.NOTES_KEPT, 60)]
    assert [v.clock for v in entry.verdicts] == [
        stamp(n) for n in range(60 - fold.VERDICTS_KEPT, 60)
    ]


def test_the_newest_events_are_kept_in_order_while_thousands_come() -> None:
    # GIVEN more events than are kept, the newest first
    events = [
        ("w", Event(n, "", stamp(n), "me", "x", {}, "")) for n in range(1, 5 * fold.RECENT_KEPT)
    ]
    # WHEN they are folded
    state = fold_all(reversed(events))
    # THEN the last two hundred are there, newest first
    last = events[-1][1].seq
    assert [r.event.seq for r in state.recent()] == list(range(last, last - fold.RECENT_KEPT, -1))
    assert state.count == len(events)
    assert [r.event.seq for r in state.recent(2)] == [last, last - 1]


def event(seq: int, kind: str, data: dict[str, Any], tick: int | None = None) -> Event:
    return Event(seq, "at", stamp(seq if tick is None else tick), "me", kind, data, "")


ABOUT = {"run": "r", "item": "i"}


def test_an_undo_that_comes_before_its_target_takes_it_back() -> None:
    # GIVEN a mark, a second one, and an undo of the second that arrives first
    state = State()
    state.apply("b", event(1, UNDONE, {**ABOUT, "event": "a:2", "kind": "waived"}, 9))
    # WHEN the marks come
    state.apply("a", event(2, WAIVED, {**ABOUT, "reason": "frozen"}))
    state.apply("a", event(1, ATTESTED, {**ABOUT, "note": "seen"}))
    # THEN the first is in force, and both stay in the history
    entry = state.entry("r", "i")
    assert entry is not None
    force = entry.in_force()
    assert force is not None
    assert (force.kind, force.text, force.id) == ("attested", "seen", "a:1")
    assert [m.kind for m in entry.history()] == ["waived", "attested"]


def test_an_undone_note_no_longer_stands() -> None:
    state = fold_all(
        [
            ("a", event(1, NOTED, {**ABOUT, "text": "one"})),
            ("a", event(2, NOTED, {**ABOUT, "text": "two"})),
            ("a", event(3, UNDONE, {**ABOUT, "event": "a:1", "kind": "noted"})),
        ]
    )
    entry = state.entry("r", "i")
    assert entry is not None
    assert [n.text for n in entry.standing_notes()] == ["two"]


def test_a_mark_keeps_who_when_why_and_what_else_its_event_carries() -> None:
    data = {
        **ABOUT,
        "reason": "no CDN yet",
        "approver": "carol",
        "until": "2026-12-01T09:00:00+01:00",
        "zone": "Europe/Berlin",
    }
    state = fold_all([("a", event(1, WAIVED, data))])
    entry = state.entry("r", "i")
    assert entry is not None
    mark = entry.in_force()
    assert mark is not None
    assert (mark.by, mark.at, mark.text) == ("me", "at", "no CDN yet")
    assert mark.more == {
        "approver": "carol",
        "until": "2026-12-01T09:00:00+01:00",
        "zone": "Europe/Berlin",
    }


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (ATTESTED, {}),
        (ATTESTED, {"run": "r"}),
        (ATTESTED, {"run": 3, "item": "i"}),
        (ATTESTED, {"run": "r", "item": ["i"]}),
        (ATTESTED, {**ABOUT, "note": 7}),
        (NOTED, {**ABOUT, "text": {"a": 1}}),
        (CHECKED, ABOUT),
        (CHECKED, {**ABOUT, "verdict": "maybe"}),
        (CHECKED, {**ABOUT, "verdict": ["passed"]}),
        (UNDONE, ABOUT),
        (UNDONE, {**ABOUT, "event": 4}),
        (RELEASE_STARTED, {}),
        (RELEASE_STARTED, {"release": None}),
    ],
)
def test_an_event_that_lacks_what_its_type_needs_is_named_and_changes_nothing(
    kind: str, data: dict[str, Any]
) -> None:
    state = fold_all([("a", event(1, kind, data))])
    assert state.malformed == [("a", 1, kind)]
    assert state.count == 1
    assert list(state.run_keys()) == []
    assert state.releases == {}


def test_types_of_a_newer_version_are_counted_and_listed_among_the_newest() -> None:
    state = fold_all(
        [
            ("a", event(1, "incident.opened", {"id": "INC-1"})),
            ("a", event(2, "incident.opened", {})),
            ("a", event(3, OPENED, {"format": 1, "writer": "a"})),
        ]
    )
    assert state.unknown_types == {"incident.opened": 2}
    assert state.malformed == []
    assert [r.id for r in state.recent()] == ["a:3", "a:2", "a:1"]


def test_a_release_counts_from_its_earliest_start() -> None:
    later = ("a", event(1, RELEASE_STARTED, {"release": "v1"}, 9))
    earlier = ("b", event(1, RELEASE_STARTED, {"release": "v1"}, 3))
    for order in ([later, earlier], [earlier, later]):
        assert fold_all(order).releases["v1"].writer == "b"


def test_a_run_that_comes_from_a_snapshot_is_decoded_only_when_looked_at() -> None:
    # GIVEN two runs, kept in a snapshot
    one = event(1, ATTESTED, {"run": "r1", "item": "i"})
    two = event(2, ATTESTED, {"run": "r2", "item": "i"})
    state = through_a_snapshot(fold_all([("a", one), ("a", two)]))
    # WHEN one is looked at
    assert state.entry("r1", "i") is not None
    # THEN the other passes on to the next snapshot as it came
    assert type(state.dump()["runs"]["r2"]) is msgspec.Raw
    assert view(through_a_snapshot(state)) == view(fold_all([("a", one), ("a", two)]))
