"""How releases stand is a function of the set of events, whatever way and shape they come."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.journal import events as ev
from opsdeck.journal.fold import Kept, State
from opsdeck.runs import acts
from opsdeck.signoff import acts as release_acts
from opsdeck.signoff.model import FIELDS, Needs
from opsdeck.signoff.releases import (
    counted,
    current_of,
    head_of,
    heads,
    is_complete,
    missing,
    release_of,
    signers,
)
from tests.screens.desk import Desk
from tests.signoff.said import Written, at, content, release, said, signed, state_of

STARTED = said(0, ev.RELEASE_STARTED)


def current(events: list[Written]) -> str | None:
    found = current_of(heads(state_of(events)))
    return found.name if found else None


def names(state: State) -> list[tuple[str, str]]:
    return [(one.name, one.state) for one in heads(state)]


# Starting, changing


def test_a_release_begins_with_what_was_said_at_its_start() -> None:
    start = said(0, ev.RELEASE_STARTED, note="hotfix", window="22:00", stakeholders="sales")
    found = release([start])
    assert (found.state, found.started_by, found.started_at) == ("open", "alice", at(0))
    assert (found.note, found.said("window"), found.said("stakeholders")) == (
        "hotfix",
        "22:00",
        "sales",
    )
    assert (found.said("notes"), found.ended_at, found.complete) == ("", None, "")


def test_the_newest_word_on_each_field_wins_and_nothing_clears_it() -> None:
    found = release(
        [
            STARTED,
            said(1, ev.RELEASE_CHANGED, window="22:00", notes="one\n  two"),
            said(3, ev.RELEASE_CHANGED, "bob", notes=""),
            said(2, ev.RELEASE_CHANGED, "carol", notes="three", date="2026-11-24"),
        ]
    )
    assert {field: found.said(field) for field in FIELDS} == {
        "date": "2026-11-24",
        "window": "22:00",
        "stakeholders": "",
        "notes": "",
    }
    assert (found.fields["notes"].by, found.fields["notes"].at) == ("bob", at(3))


def test_the_earlier_of_two_starts_counts() -> None:
    found = release([said(4, ev.RELEASE_STARTED, "bob", note="mine"), STARTED])
    assert (found.started_by, found.started_at, found.note) == ("alice", at(0), "")
    assert found.chosen[0] == STARTED[1].clock


def test_what_is_said_of_a_release_that_was_never_started_makes_none() -> None:
    state = state_of([said(0, ev.RELEASE_CHOSEN), said(1, ev.RELEASE_ABANDONED), content(2)])
    assert (heads(state), release_of(state, "v1"), state.malformed) == ([], None, [])


# Which one is current


def test_the_newest_started_or_chosen_of_the_open_ones_is_current() -> None:
    events = [STARTED, said(1, ev.RELEASE_STARTED, release="v2")]
    assert current(events) == "v2"
    events.append(said(2, ev.RELEASE_CHOSEN))
    assert current(events) == "v1"
    events.append(said(3, ev.RELEASE_ABANDONED, reason="r"))
    assert current(events) == "v2"
    events.append(said(4, ev.RELEASE_ABANDONED, release="v2", reason="r"))
    assert current(events) is None
    assert current([]) is None


def test_choosing_an_abandoned_release_opens_it_again() -> None:
    abandoned = [STARTED, said(1, ev.RELEASE_ABANDONED, "bob", reason="no")]
    found = release(abandoned)
    assert (found.state, found.why, found.ended_by, found.ended_at) == (
        "abandoned",
        "no",
        "bob",
        at(1),
    )
    again = release([*abandoned, said(2, ev.RELEASE_CHOSEN)])
    assert (again.state, again.why, again.ended_by, again.ended_at) == ("open", "", "", None)
    assert current([*abandoned, said(2, ev.RELEASE_CHOSEN)]) == "v1"


def test_without_an_open_release_the_one_that_was_signed_last_started_is_current() -> None:
    sign = [content(1), signed(2, "a", "deployer"), signed(3, "b", "verifier")]
    events = [STARTED, *sign, signed(4, "c", "approver")]
    assert current(events) == "v1"
    assert current([*events, said(5, ev.RELEASE_STARTED, release="v2")]) == "v2"


# Signing


ALL = [signed(2, "ann", "deployer"), signed(3, "bob", "verifier"), signed(4, "cid", "approver")]


def test_a_release_is_signed_when_all_roles_have_signed_one_content() -> None:
    for left_out in range(3):
        some = [one for place, one in enumerate(ALL) if place != left_out]
        assert release([STARTED, content(1), *some]).state == "open"
    found = release([STARTED, content(1), *ALL])
    assert (found.state, found.complete) == ("signed", "d1")
    assert (found.ended_at, found.ended_by) == (at(4), "cid")


def test_roles_over_different_contents_or_over_an_unknown_one_are_not_together() -> None:
    both = [content(0), content(1, "d2")]
    mixed = [*ALL[:2], signed(4, "cid", "approver", "d2")]
    assert release([STARTED, *both, *mixed]).state == "open"
    assert release([STARTED, *ALL]).state == "open"


@pytest.mark.parametrize(
    ("needs", "signers", "state"),
    [
        ({}, {"deployer": "a", "verifier": "b", "approver": "a"}, "open"),
        ({}, {"deployer": "a", "verifier": "a", "approver": "b"}, "open"),
        ({}, {"deployer": "a", "verifier": "b", "approver": "b"}, "signed"),
        ({"verifier_apart": False}, {"deployer": "a", "verifier": "a", "approver": "b"}, "signed"),
        ({"approver_apart": False}, {"deployer": "a", "verifier": "b", "approver": "a"}, "signed"),
        ({"approver": 2}, {"deployer": "a", "verifier": "b", "approver": "c"}, "open"),
        ({"approver": 2}, {"deployer": "a", "verifier": "b", "approver": "cd"}, "signed"),
        ({"approver": 2}, {"deployer": "a", "verifier": "b", "approver": "cc"}, "open"),
        ({"approver": 2}, {"deployer": "a", "verifier": "b", "approver": "ca"}, "open"),
        ({"verifier": 0}, {"deployer": "a", "verifier": "", "approver": "c"}, "signed"),
    ],
)
def test_who_counts_is_said_by_the_needs_of_the_content(
    needs: dict[str, Any], signers: dict[str, str], state: str
) -> None:
    pairs = [(by, role) for role, everyone in signers.items() for by in everyone]
    signatures = [signed(2 + n, by, role) for n, (by, role) in enumerate(pairs)]
    assert release([STARTED, content(1, **needs), *signatures]).state == state


def test_needs_that_are_none_are_the_usual_ones_and_the_first_ones_count() -> None:
    odd: tuple[Any, ...] = (None, 3, [], {"approver": -1}, {"approver": 10**9}, {"approver": "two"})
    for needs in odd:
        found = release(
            [STARTED, said(1, ev.SIGNOFF_CONTENT, sha256="d1", content="{}", needs=needs)]
        )
        assert found.contents["d1"].needs == Needs()
    later = content(5, approver=0)
    assert release([STARTED, later, content(1)]).contents["d1"].needs.approver == 1


def test_everybody_who_signed_is_named_in_their_roles() -> None:
    both = [
        signed(2, "ann", "approver"),
        signed(3, "ann", "deployer"),
        signed(4, "bob", "approver"),
    ]
    found = release([STARTED, content(1), *both, signed(5, "bob", "approver")])
    assert signers(found, "d1") == {
        "deployer": ["ann"],
        "verifier": [],
        "approver": ["ann", "bob"],
    }


def test_who_counts_for_a_role_and_who_is_missing() -> None:
    # GIVEN a deployer who signed as approver too, of whom two are needed
    people = [signed(2, "ann", "deployer"), signed(3, "ann", "approver")]
    more = [signed(4, "bob", "approver"), signed(5, "bob", "verifier")]
    found = release([STARTED, content(1, approver=2), *people, *more])
    # THEN the deployer counts for no other role
    assert counted(found, "d1") == {"deployer": ["ann"], "verifier": ["bob"], "approver": ["bob"]}
    assert missing(found, "d1") == {"deployer": 0, "verifier": 0, "approver": 1}
    assert not is_complete(found, "d1")
    # AND of a content that the journal does not have all are missing
    assert missing(found, "d2") == {"deployer": 1, "verifier": 1, "approver": 1}
    assert not is_complete(found, "d2")
    # WHEN it may be the same person THEN each counts
    lax = release([STARTED, content(1, approver=2, approver_apart=False), *people, *more])
    assert counted(lax, "d1")["approver"] == ["ann", "bob"]
    assert is_complete(lax, "d1")


def test_signing_again_keeps_what_was_signed_before() -> None:
    again = [content(6, "d2"), signed(7, "ann", "deployer", "d2")]
    begun = release([STARTED, content(1), *ALL, *again])
    assert (begun.state, begun.complete, begun.ended_at) == ("signed", "d1", at(4))
    rest = [signed(8, "bob", "verifier", "d2"), signed(9, "cid", "approver", "d2")]
    done = release([STARTED, content(1), *ALL, *again, *rest])
    assert (done.state, done.complete) == ("signed", "d2")
    assert [(one.by, one.content) for one in done.signatures] == [
        *(("ann", "d1"), ("bob", "d1"), ("cid", "d1")),
        *(("ann", "d2"), ("bob", "d2"), ("cid", "d2")),
    ]
    assert [one.by for one in done.over("d1")] == ["ann", "bob", "cid"]


def test_of_two_signatures_of_a_person_in_a_role_the_newer_one_stands() -> None:
    found = release([STARTED, content(1), ALL[0], signed(5, "ann", "deployer", reason="in haste")])
    assert [(one.by, one.reason) for one in found.over("d1")] == [("ann", "in haste")]
    assert [one.reason for one in found.break_glass] == ["in haste"]


def test_what_was_signed_is_not_abandoned_and_what_was_abandoned_is_not_signed() -> None:
    abandoned = said(5, ev.RELEASE_ABANDONED, reason="late")
    assert release([STARTED, content(1), *ALL, abandoned]).state == "signed"
    early = said(3, ev.RELEASE_ABANDONED, "dan", reason="early")
    found = release([STARTED, content(1), *ALL, early])
    assert (found.state, found.why, found.ended_at) == ("abandoned", "early", at(3))


# Any order, any data


@given(st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(random: Random) -> None:
    events = [
        STARTED,
        said(1, ev.RELEASE_STARTED, "bob", release="v2", note="n"),
        said(2, ev.RELEASE_CHANGED, window="22:00"),
        said(3, ev.RELEASE_CHANGED, "bob", window="23:00", notes="x"),
        said(4, ev.RELEASE_ABANDONED, "bob", reason="r"),
        said(5, ev.RELEASE_CHOSEN),
        content(6),
        *(signed(7, "ann", "deployer"), signed(8, "bob", "verifier"), signed(9, "cid", "approver")),
        said(10, ev.RELEASE_ABANDONED, release="v2", reason="q"),
    ]
    shuffled = [*events, *random.choices(events, k=4)]
    random.shuffle(shuffled)
    state, wanted = state_of(shuffled), state_of(events)
    for name in ("v1", "v2"):
        assert release_of(state, name) == release_of(wanted, name)
        assert head_of(state, name) == head_of(wanted, name)
    assert names(state) == [("v2", "abandoned"), ("v1", "signed")]
    # AND through a snapshot, cut anywhere
    cut = random.randrange(len(shuffled))
    kept = msgspec.msgpack.encode(state_of(shuffled[:cut]).dump())
    restored = State.load(msgspec.msgpack.decode(kept, type=Kept))
    for writer, event in shuffled[cut:]:
        restored.apply(writer, event)
    assert release_of(restored, "v1") == release_of(wanted, "v1")


_junk: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.booleans(),
    st.text(max_size=3),
    st.lists(st.just("x"), max_size=1),
    st.dictionaries(st.sampled_from(["approver", "x"]), st.integers(-1, 2), max_size=2),
)
_KEYS = (
    *("role", "content", "sha256", "needs", "statement", "signature", "key", "identity"),
    *("reason", "window", "notes", "note"),
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(ev.RELEASES)),
            st.one_of(st.just("v1"), _junk),
            st.dictionaries(st.sampled_from(_KEYS), _junk),
        ),
        max_size=8,
    )
)
def test_no_data_whatever_breaks_the_fold(happened: list[tuple[str, Any, dict[str, Any]]]) -> None:
    events = [
        said(minute, kind, release=name, **data)
        for minute, (kind, name, data) in enumerate(happened)
    ]
    state = state_of([*events, said(20, ev.RELEASE_STARTED)])
    found = release_of(state, "v1")
    assert found is not None
    assert head_of(state, "v1").state == found.state
    assert all(kind in ev.RELEASES for _, _, kind in state.malformed)


# Two machines that did not see each other


def test_two_offline_machines_come_to_the_same(tmp_path: Path) -> None:
    # GIVEN two machines with one release, and no connection
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()
    one, two = map(Desk, folders)
    first = one.deck("alice", "one@x")
    first.record(acts.start_release("v1", []), acts.start_release("v2", []))
    shutil.copytree(one.home, two.home)
    second = two.deck("bob", "two@x")
    assert second.release() == "v2"
    # WHEN one changes and abandons, and the other chooses and starts the same name
    first.record(
        release_acts.change(head_of(first.state, "v1"), {"window": "22:00"}),
        acts.start_release("v3", [], "alice's"),
    )
    two.clock.forward(minutes=1)
    second.record(
        release_acts.choose(head_of(second.state, "v1"), heads(second.state)),
        release_acts.abandon(head_of(second.state, "v2"), "not this one"),
    )
    two.clock.forward(minutes=1)
    second.record(acts.start_release("v3", [], "bob's"))
    # AND each gets the other's file
    for source, target, writer in ((one, two, "one@x"), (two, one, "two@x")):
        shutil.copy(
            source.home / "journal" / f"{writer}.jsonl",
            target.home / "journal" / f"{writer}.jsonl",
        )
    # THEN both say the same: the earlier start of v3 counts, the choice is newer than it
    for desk, writer in ((one, "reader@one"), (two, "reader@two")):
        deck = desk.deck("carol", writer)
        assert deck.faults == []
        assert names(deck.state) == [("v3", "open"), ("v2", "abandoned"), ("v1", "open")]
        assert deck.release() == "v1"
        merged = release_of(deck.state, "v3")
        assert merged is not None
        assert (merged.started_by, merged.note) == ("alice", "alice's")
