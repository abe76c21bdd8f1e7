"""Items of one command in the order of read-do lists: each as if those before it were done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from opsdeck.deck import Deck
from opsdeck.journal.writing import Draft
from opsdeck.runs import read_do
from opsdeck.runs.acts import Where
from opsdeck.runs.read_do import NO_ORDER, Order

Act = Callable[[Where], Draft]


class InOrder:
    """What of a command's items may be acted on; an item that was counts for those after it."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._settled: dict[str, set[str]] = defaultdict(set)

    def acting(self, act: Act) -> Act:
        """The same act, refused for items of read-do lists whose turn has not come."""

        def in_order(where: Where) -> Draft:
            read_do.check_turn(self._order(where), where)
            return self._settle(where, act(where))

        return in_order

    def skipping(self, reason: str) -> Act:
        """Passes over the next item of a read-do list."""

        def skip(where: Where) -> Draft:
            return self._settle(where, read_do.skip(where, reason, self._order(where)))

        return skip

    def _order(self, where: Where) -> Order:
        if not where.checklist.read_do:
            return NO_ORDER
        view = self._deck.view(where.checklist, where.run)
        return read_do.order_of(view, self._deck.state, self._settled[where.run])

    def _settle(self, where: Where, draft: Draft) -> Draft:
        self._settled[where.run].add(where.item.id)
        return draft
