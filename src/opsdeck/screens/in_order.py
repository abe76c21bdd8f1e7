"""Walking a read-do list: only the next item is offered, `s` passes over it and asks why."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.timer import Timer

from opsdeck.journal.writing import Draft
from opsdeck.runs import read_do
from opsdeck.runs.acts import Where
from opsdeck.runs.progress import RunView
from opsdeck.runs.read_do import NO_ORDER, Order
from opsdeck.screens.item_checks import ItemChecks
from opsdeck.screens.prompt import Answers, Field
from opsdeck.text import visible
from opsdeck.widgets.lines import fit
from opsdeck.widgets.list import LineList

FOLLOW_AFTER_S = 0.15
"""The cursor goes on once the keys rest: a key held down deals with one item, not with all."""
_SETTLING = frozenset(
    {"item.attest", "item.waive", "item.defer", "item.override", "item.unuse", "item.skip"}
)
_MESSAGE_MARGIN = 6


class InOrder(ItemChecks):
    """The keys that go by the order of a list; subclasses say which list, item and run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *ItemChecks.BINDINGS,
        Binding(
            "s", "skip", "skip", id="item.skip", tooltip="Read-do: pass over the next, and why"
        ),
        Binding(
            "tab", "next_open", "next open", id="list.next_open", tooltip="To the next open item"
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._order: tuple[RunView | None, Order] = (None, NO_ORDER)
        self._next: tuple[str | None, str] | None = None
        self._left = ""
        self._following: Timer | None = None

    @property
    def items(self) -> LineList:
        """The list."""
        raise NotImplementedError

    def order(self) -> Order:
        """What the list on screen offers now."""
        view = self.run_view()
        if view is None or not view.checklist.read_do:
            return NO_ORDER
        if self._order[0] is not view:
            self._order = (view, read_do.order_of(view, self.deck.state))
        return self._order[1]

    def first_key(self) -> str | None:
        """Where the cursor begins: at the next item of a read-do list, else at the first."""
        order, view = self.order(), self.run_view()
        if order.next is not None:
            return order.next.id
        return view.checklist.items[0].id if view else None

    # What is offered

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only read-do lists have something to skip."""
        if action == "skip":
            checklist = self.checklist
            return True if checklist and checklist.read_do and self.has_item() else None
        return super().check_action(action, parameters)

    def offers(self, name: str) -> bool:
        """Keys that deal with an item are named where its turn has come; the others say why not."""
        if name not in _SETTLING:
            return True
        turn = self.order().turn(self.items.key or "")
        return turn == "next" if name == "item.skip" else turn != "ahead"

    def refusal(self, where: Where) -> str:
        """Which item comes first, as much of it as fits the line."""
        first = self._order_of(where).before(where.item.id)
        if first is None or where.closed:
            return ""
        head, tail = 'read-do: do "', '" first (tab), or skip it (s)'
        text, room = visible(first.text), self.size.width - _MESSAGE_MARGIN - len(head + tail)
        short = fit(text, min(max(8, room), cell_len(text)), self.glyphs.ellipsis)
        return f"{head}{short.rstrip()}{tail}"

    def _order_of(self, where: Where) -> Order:
        if not where.checklist.read_do:
            return NO_ORDER
        return read_do.order_of(self.deck.view(where.checklist, where.run), self.deck.state)

    # The keys

    def action_skip(self) -> None:
        """s: pass over the next item, with a reason."""

        async def skip(where: Where) -> None:
            problem = where.closed or self._no_skip(where)
            if problem:
                self.host.say(problem, "warn")
                return

            def draft(answers: Answers) -> Draft:
                return read_do.skip(where, answers["reason"], self._order_of(where))

            fields = [Field("reason", "Reason", "why it is passed over; it stays open")]
            said = "skipped: it stays open and comes again after the others"
            await self._ask("Skip", where, fields, draft, said)

        self._settle(skip)

    def _no_skip(self, where: Where) -> str:
        """Why an item whose turn it may be cannot be skipped; "" when it can."""
        order = self._order_of(where)
        match order.turn(where.item.id):
            case "next":
                return ""
            case "skipped":
                by = visible(order.skipped[where.item.id].by)
                return f"{by} skipped this already: do it, or go on with the next (tab)"
        return f"nothing to skip: this is {where.status.state}"

    def action_next_open(self) -> None:
        """To the next item that is not done, around the end; in a read-do list to what is next."""
        view, keys, order = self.run_view(), self.items.keys, self.order()
        if view is None:
            return
        waiting = {
            i.id for i, s in zip(view.checklist.items, view.statuses, strict=True) if not s.done
        } - order.ahead
        start = keys.index(self.items.key) + 1 if self.items.key in keys else 0
        after = [k for k in (*keys[start:], *keys[:start]) if k in waiting]
        if order.next is not None and order.next.id in keys and self.items.key != order.next.id:
            self.items.want(order.next.id)
        elif after:
            self.items.want(after[0])
        else:
            self.say("nothing is open here", "good")

    # Going on

    def follow_order(self) -> None:
        """Where the next item is another one now, the cursor that stood on it goes there."""
        view, order, before = self.run_view(), self.order(), self._next
        self._next = (view.run, order.next.id) if view and order.next else None
        if before is None or self._next is None or before == self._next:
            return
        if before[0] == self._next[0] and before[1] == self.items.key:
            self._left = before[1]
            if self._following is not None:
                self._following.stop()
            self._following = self.set_timer(FOLLOW_AFTER_S, self._follow)

    def _follow(self) -> None:
        self._following = None
        following = self.order().next
        if following and self.items.key == self._left and following.id in self.items.keys:
            self.items.want(following.id)
