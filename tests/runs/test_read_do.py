"""Read-do lists: which item is next, what a skip is and when it ends, what is refused."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from opsdeck.catalog.model import Checklist, Item
from opsdeck.errors import UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import GENESIS, Event
from opsdeck.journal.fold import State
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts, read_do
from opsdeck.runs.acts import Where
from opsdeck.runs.progress import RunView, view_run
from opsdeck.runs.read_do import NO_ORDER, Order, order_of
from tests.runs.marks import KINDS, RUN, T0

ITEMS = (
    Item(id="a", text="Announce it"),
    Item(id="b", text="Back it up"),
    Item(id="c", text="Clear the cache", uses="cache"),
    Item(id="d", text="Deploy"),
    Item(id="e", text="Enjoy"),
)
LIST = Checklist(id="ops", title="Ops", section="S", cadence="daily", items=ITEMS, read_do=True)


class Walk:
    """One run of the list above, an event a minute."""

    def __init__(self, checklist: Checklist = LIST) -> None:
        self.checklist = checklist
        self.state = State()
        self.now = T0
        self.seq = 0

    @property
    def view(self) -> RunView:
        return view_run(self.checklist, RUN, self.state, self.now, ZoneInfo("UTC"), ())

    @property
    def order(self) -> Order:
        return order_of(self.view, self.state)

    @property
    def next(self) -> str | None:
        """The id of the next item."""
        return self.order.next.id if self.order.next else None

    def where(self, item: str) -> Where:
        """An item as it stands."""
        view = self.view
        place = [i.id for i in self.checklist.items].index(item)
        return Where(self.checklist, self.checklist.items[place], RUN, view.statuses[place])

    def take(self, draft: Draft, by: str = "alice") -> str:
        """Put it into the journal; the name of its event."""
        self.now += timedelta(minutes=1)
        self.seq += 1
        stamp = f"{int(self.now.timestamp() * 1000):013d}-00000"
        event = Event(self.seq, wall_text(self.now), stamp, by, draft.type, draft.data, GENESIS)
        assert self.state.apply("w", event)
        return f"w:{self.seq}"

    def say(self, kind: str, *items: str) -> None:
        """What a person says of items, or a probe."""
        type_, data = KINDS[kind]
        for item in items:
            self.take(Draft(type_, {"run": RUN, "item": item, **data}))

    def skip(self, item: str, reason: str = "no time") -> str:
        """Pass over an item, by the rules."""
        return self.take(read_do.skip(self.where(item), reason, self.order))

    def undo(self, event: str, item: str) -> None:
        self.take(Draft(ev.UNDONE, {"run": RUN, "item": item, "event": event}))


# What is next


def test_the_first_item_that_is_not_done_is_next() -> None:
    walk = Walk()
    # GIVEN a fresh run THEN the first is next, the others are ahead
    assert (walk.next, set(walk.order.ahead)) == ("a", {"b", "c", "d", "e"})
    walk.say("attested", "a")
    assert walk.next == "b"
    # WHEN one is done THEN what the team does not use is passed by
    walk.say("attested", "b")
    assert (walk.next, set(walk.order.ahead)) == ("d", {"e"})
    walk.say("waived", "d")
    walk.say("overridden", "e")
    assert walk.order == NO_ORDER


def test_what_a_probe_finds_so_is_done_without_a_word() -> None:
    walk = Walk()
    walk.say("passed", "a", "d")
    assert walk.next == "b"
    walk.say("passed", "b")
    assert walk.next == "e"
    # AND an item that fails later is next again
    walk.say("failed", "a")
    assert walk.next == "a"


def test_an_item_that_was_put_off_has_left_the_order() -> None:
    walk = Walk()
    walk.say("deferred", "a")
    assert (walk.next, walk.order.turn("a")) == ("b", "")
    read_do.check_turn(walk.order, walk.where("a"))
    with pytest.raises(UsageError, match="nothing to skip: ops/2026-11-23/a is deferred"):
        walk.skip("a")


def test_other_lists_have_no_order() -> None:
    walk = Walk(Checklist(id="ops", title="Ops", section="S", cadence="daily", items=ITEMS))
    assert walk.order == NO_ORDER
    read_do.check_turn(walk.order, walk.where("e"))
    with pytest.raises(UsageError, match=r"ops is no read-do list.*read_do = true"):
        walk.skip("a")


# Skipping


def test_a_skip_is_a_note_with_its_reason_and_the_item_stays_open() -> None:
    walk = Walk()
    draft = read_do.skip(walk.where("a"), "  nobody is there ", walk.order)
    assert draft == Draft(
        ev.NOTED, {"run": RUN, "item": "a", "text": "nobody is there", "skipped": True}
    )
    walk.take(draft)
    assert walk.next == "b"
    skip = walk.order.skipped["a"]
    assert (skip.by, skip.text) == ("alice", "nobody is there")
    assert acts.is_skip(skip)
    assert acts.kind_of(skip) == "skipped"
    assert read_do.skip_of(walk.where("a"), walk.state) == skip
    assert walk.where("a").status.state == "open"
    assert walk.view.state == "open"


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_skip_wants_a_reason(reason: str) -> None:
    walk = Walk()
    with pytest.raises(UsageError, match="a reason is needed"):
        walk.skip("a", reason)


def test_only_the_next_item_can_be_skipped() -> None:
    walk = Walk()
    with pytest.raises(UsageError, match="b is not next"):
        walk.skip("b")
    walk.skip("a")
    with pytest.raises(UsageError, match="alice has skipped ops/2026-11-23/a already"):
        walk.skip("a")
    walk.say("attested", "b")
    with pytest.raises(UsageError, match="nothing to skip: ops/2026-11-23/b is attested"):
        walk.skip("b")


def test_skipped_items_are_offered_again_after_all_others_and_each_in_turn() -> None:
    walk = Walk()
    walk.skip("a")
    walk.skip("b")
    walk.say("attested", "d", "e")
    # THEN the one that was skipped first comes first, and nothing is ahead
    assert (walk.next, walk.order.turn("b"), set(walk.order.ahead)) == ("a", "skipped", set())
    assert walk.view.state == "open", "a skipped item is not done"
    # WHEN that is skipped again THEN the other one is offered
    walk.skip("a", "still nobody")
    assert walk.next == "b"
    walk.say("attested", "b")
    assert walk.next == "a"
    walk.say("attested", "a")
    assert (walk.order, walk.view.state) == (NO_ORDER, "complete")


@pytest.mark.parametrize("kind", ["attested", "reopened", "overridden", "waived", "passed"])
def test_whatever_is_said_of_an_item_ends_its_skip(kind: str) -> None:
    walk = Walk()
    walk.skip("a")
    walk.say(kind, "a")
    assert walk.order.skipped == {}
    assert walk.next == ("a" if kind == "reopened" else "b")
    # AND what was done and no longer holds is next, not skipped
    walk.say("reopened", "a")
    assert (walk.next, walk.order.skipped) == ("a", {})


@pytest.mark.parametrize("kind", ["failed", "unknown"])
def test_a_probe_that_finds_it_not_so_leaves_the_skip(kind: str) -> None:
    walk = Walk()
    walk.skip("a")
    walk.say(kind, "a")
    assert (walk.next, list(walk.order.skipped)) == ("b", ["a"])


def test_what_a_probe_found_so_and_then_not_so_is_no_longer_skipped() -> None:
    walk = Walk()
    walk.skip("a")
    walk.say("passed", "a")
    walk.say("failed", "a")
    assert (walk.next, walk.order.skipped) == ("a", {})


def test_undo_ends_a_skip_and_brings_it_back() -> None:
    walk = Walk()
    skip = walk.skip("a")
    # WHEN the skip is undone THEN the item is next again
    draft, mark = acts.undo(RUN, walk.state.run(RUN), "alice", walk.now)
    assert (draft.data["event"], draft.data["kind"], mark.id) == (skip, "skipped", skip)
    walk.take(draft)
    assert (walk.next, walk.order.skipped) == ("a", {})
    # WHEN what ended a skip is undone THEN the skip stands again
    walk.skip("a")
    attested = walk.take(acts.attest(walk.where("a")))
    assert walk.order.skipped == {}
    walk.undo(attested, "a")
    assert (walk.next, list(walk.order.skipped)) == ("b", ["a"])


def test_a_note_that_says_skipped_otherwise_is_no_skip() -> None:
    walk = Walk()
    for value in ("true", 1, None):
        walk.take(Draft(ev.NOTED, {"run": RUN, "item": "a", "text": "x", "skipped": value}))
    walk.take(acts.note(walk.where("a"), "skipped: true"))
    assert (walk.next, walk.order.skipped) == ("a", {})


# What is refused


def test_an_item_whose_turn_has_not_come_is_refused_with_what_comes_first() -> None:
    walk = Walk()
    walk.skip("a")
    for item in ("c", "d", "e"):
        with pytest.raises(UsageError) as refused:
            read_do.check_turn(walk.order, walk.where(item))
        assert str(refused.value) == (
            f"ops/2026-11-23/{item} is not next, and ops is a read-do list: do b first"
            " (Back it up), or skip it with `opsdeck skip ops/2026-11-23/b --reason WHY`"
        )
    # BUT not the next, nor what was skipped or done: those are behind
    walk.say("attested", "b")
    for item in ("a", "b", "d"):
        read_do.check_turn(walk.order, walk.where(item))


def test_what_a_command_settles_counts_for_the_items_after_it() -> None:
    walk = Walk()
    order = order_of(walk.view, walk.state, {"a", "b"})
    assert (order.next, set(order.ahead)) == (ITEMS[3], {"e"})
