"""What the deck knows of its own runs, as a document."""

from __future__ import annotations

from opsdeck.catalog.model import Checklist
from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.journal.clock import parse_wall
from opsdeck.probes.base import Document
from opsdeck.runs.status import ItemState

_COUNTED: tuple[ItemState, ...] = ("open", "failed", "unknown", "stale", "deferred")


class DeckFacts:
    """What the deck knows of its own runs, for the probe that looks at them."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck

    def run_facts(self, run: str, item: str | None) -> Document | None:
        """How a run, or an item in it, stands; None when there is no such run or item."""
        deck = self._deck
        try:
            checklist, key = deck.locate_run(run)
        except UsageError:
            return None
        if item is not None:
            return self._item_facts(checklist, key, item)
        view = deck.view(checklist, key)
        return {
            "run": key,
            "state": view.state,
            "complete": view.done == view.total,
            "total": view.total,
            "done": view.done,
            **{state: view.count(state) for state in _COUNTED},
        }

    def _item_facts(self, checklist: Checklist, run: str, item: str) -> Document | None:
        deck = self._deck
        try:
            status = deck.where(checklist, item, run).status
        except UsageError:
            return None
        said = (
            parse_wall(mark.at)
            for _, mark in deck.history(checklist, item)
            if mark.kind in ("attested", "passed")
        )
        newest = max((at for at in said if at is not None), default=None)
        return {
            "run": run,
            "item": item,
            "state": status.state,
            "done": status.done,
            "by": status.by or None,
            "age_s": (deck.now() - newest).total_seconds() if newest else None,
        }
