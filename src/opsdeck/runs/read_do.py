"""Read-do lists: the next item is the only one offered, and passing over it asks why.

Which one is next follows from how the items stand; a skip is a note that says so. So a skip ends
by itself once the item was dealt with, and what a probe finds done moves the list on.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from opsdeck.catalog.model import Item
from opsdeck.errors import UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.fold import Entry, Mark, State
from opsdeck.journal.writing import Draft
from opsdeck.runs.acts import Where, checked_text, is_skip
from opsdeck.runs.progress import RunView
from opsdeck.runs.status import Status

Turn = Literal["", "next", "skipped", "ahead"]
"""What the order says of an item; "" where it says nothing: done, deferred, no read-do list."""


class Order(msgspec.Struct, frozen=True):
    """What a read-do list offers now.

    `next` is None when nothing waits, and in lists that are not read-do. `skipped` has the skip of
    every item that was passed over and still waits; `ahead` are the ids whose turn has not come.
    """

    next: Item | None = None
    skipped: dict[str, Mark] = {}
    ahead: frozenset[str] = frozenset()

    def turn(self, item_id: str) -> Turn:
        """What this order says of an item."""
        if self.next is not None and self.next.id == item_id:
            return "next"
        if item_id in self.ahead:
            return "ahead"
        return "skipped" if item_id in self.skipped else ""

    def before(self, item_id: str) -> Item | None:
        """What must be done or skipped before anything is said of this item; None: nothing."""
        return self.next if item_id in self.ahead else None


NO_ORDER = Order()
"""That of a list whose items may be done in any order."""


def order_of(view: RunView, state: State, settled: Collection[str] = ()) -> Order:
    """What a list offers in this run, once the items `settled` (ids) are dealt with too.

    Next is the first item that is neither done, deferred nor skipped; when there is none left,
    skipped ones are offered again, the one that was skipped first before the others.
    """
    checklist = view.checklist
    if not checklist.read_do:
        return NO_ORDER
    run = state.run(view.run) if view.run else None
    entries = run.entries if run else {}
    pairs = list(zip(checklist.items, view.statuses, strict=True))
    waiting = [i for i, status in pairs if _waits(status) and i.id not in settled]
    skipped = {i.id: skip for i in waiting if (skip := _standing(entries.get(i.id))) is not None}
    first = [i for i in waiting if i.id not in skipped]
    if not first:
        again = sorted(waiting, key=lambda i: skipped[i.id].key)
        return Order(again[0] if again else None, skipped)
    ahead = {i.id for i in first[1:]}
    # What the team does not use counts as done, but to say anything of it has its turn too.
    place = checklist.items.index(first[0])
    ahead |= {i.id for i, s in pairs[place:] if s.state == "inactive" and s.mark is None}
    return Order(first[0], skipped, frozenset(ahead))


def skip_of(where: Where, state: State) -> Mark | None:
    """The skip that stands for an item of a read-do list, or None."""
    if not where.checklist.read_do or not _waits(where.status):
        return None
    return _standing(state.entry(where.run, where.item.id))


def check_turn(order: Order, where: Where) -> None:
    """Raise UsageError while another item of the read-do list comes before this one."""
    first = order.before(where.item.id)
    if first is not None and not where.closed:
        raise UsageError(
            f"{where.address} is not next, and {where.checklist.id} is a read-do list:"
            f" do {first.id} first ({first.text}), or skip it with"
            f" `opsdeck skip {where.run}/{first.id} --reason WHY`"
        )


def skip(where: Where, reason: str, order: Order) -> Draft:
    """Pass over the next item: it stays open, and is offered again after all others."""
    if not where.checklist.read_do:
        raise UsageError(
            f"nothing to skip: {where.checklist.id} is no read-do list, its items may be done in"
            " any order; `read_do = true` in checklists.toml makes it one"
        )
    if not _waits(where.status):
        raise UsageError(f"nothing to skip: {where.address} is {where.status.state}")
    check_turn(order, where)
    if order.turn(where.item.id) == "skipped":
        by = order.skipped[where.item.id].by
        raise UsageError(f"nothing to skip: {by} has skipped {where.address} already")
    data = {**where.data(text=checked_text(reason, "reason")), "skipped": True}
    return Draft(ev.NOTED, data)


def _waits(status: Status) -> bool:
    """Whether an item is still in the way of its list; one put off has left the order."""
    return not status.done and status.state != "deferred"


def _standing(entry: Entry | None) -> Mark | None:
    """The newest skip that was not undone and after which nothing was said or proved."""
    if entry is None:
        return None
    found = next((note for note in reversed(entry.standing_notes()) if is_skip(note)), None)
    later = (entry.in_force(), entry.passed)
    if found is None or any(mark is not None and mark.key > found.key for mark in later):
        return None
    return found
