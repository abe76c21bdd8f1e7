"""Certificates by days left, from the evidence that items' last looks left in the journal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from opsdeck.catalog.model import Checklist, Item
from opsdeck.deck import Deck
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Entry, Mark
from opsdeck.journal.paging import find_event
from opsdeck.runs.progress import RunView

RUNS_BACK = 3
"""A new run begins without evidence; what the last ones saw is still the newest that is known."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that some item looks at, by the evidence of the last look that saw it.

    `days_left` is as of now. One whose item is `waived` changes no status.
    """

    host: str
    days_left: float
    checklist: str
    item: str
    at: datetime
    waived: bool = False


def certificates(deck: Deck, views: list[RunView]) -> tuple[Certificate, ...]:
    """Each host's certificate once, by its newest look; the one that ends first comes first."""
    newest: dict[str, Certificate] = {}
    for view in views:
        for item, status in zip(view.checklist.items, view.statuses, strict=True):
            if (item.probe or {}).get("kind") != "tls" or status.state == "inactive":
                continue
            for found in _seen_by(deck, view.checklist, item, waived=status.state == "waived"):
                known = newest.get(found.host)
                if known is None or found.at > known.at:
                    newest[found.host] = found
    return tuple(sorted(newest.values(), key=lambda c: (c.days_left, c.host)))


def _seen_by(
    deck: Deck, checklist: Checklist, item: Item, *, waived: bool
) -> Iterator[Certificate]:
    """What the newest look of an item that saw anything has seen."""
    now = deck.now()
    for run in reversed(deck.runs_of(checklist)[-RUNS_BACK:]):
        entry = deck.state.entry(run, item.id)
        for mark in _looks(entry) if entry is not None else ():
            found = list(_days_left(deck, mark))
            at = parse_wall(mark.at)
            if not found or at is None:
                continue
            gone = (now - at).total_seconds() / 86_400
            for host, days in found:
                yield Certificate(
                    host=host,
                    days_left=round(days - gone, 1),
                    checklist=checklist.id,
                    item=item.id,
                    at=at,
                    waived=waived,
                )
            return


def _looks(entry: Entry) -> Iterable[Mark]:
    """The looks at an item, the newest first: one that got no answer takes nothing from those
    before it."""
    marks = {m.id: m for m in (*entry.verdicts, entry.passed, entry.looked) if m is not None}
    return sorted(marks.values(), key=lambda mark: mark.key, reverse=True)


def _days_left(deck: Deck, mark: Mark) -> Iterator[tuple[str, float]]:
    """(host, days) in the evidence of a look, which may have been at several."""
    recorded = find_event(deck.journal.home / "journal", mark.writer, mark.seq)
    evidence = recorded.event.data.get("evidence") if recorded is not None else None
    document = evidence.get("document") if isinstance(evidence, dict) else None
    if not isinstance(document, dict):
        return
    several = document.get("certificates")
    each = [one for one in several if isinstance(one, dict)] if isinstance(several, list) else []
    for one in each or [document]:
        days = one.get("days_left")
        if isinstance(days, int | float) and not isinstance(days, bool) and math.isfinite(days):
            yield _name_of(one) or str((evidence or {}).get("target") or ""), float(days)


def _name_of(document: dict[str, Any]) -> str:
    """`app.example.com`, `db.example.com:27017`."""
    host, port = document.get("host"), document.get("port")
    if not isinstance(host, str) or not host:
        return str(document.get("soonest") or "")
    return host if port in (None, 443) else f"{host}:{port}"
