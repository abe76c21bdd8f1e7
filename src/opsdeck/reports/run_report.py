"""A run, or all runs of a release, as one report: plain values that every format is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from opsdeck.catalog.model import Checklist, Item
from opsdeck.deck import Deck
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Mark
from opsdeck.runs.acts import is_skip
from opsdeck.runs.progress import RunView
from opsdeck.runs.status import ItemState, Status


class Note(msgspec.Struct, frozen=True):
    """A note that stands beside an item: when (aware UTC), who, what.

    `skipped` when it is the reason for which an item of a read-do list was passed over.
    """

    at: datetime | None
    by: str
    text: str
    skipped: bool = False


class ItemReport(msgspec.Struct, frozen=True, kw_only=True):
    """One item as it stood; times are aware UTC.

    `why` is the note, reason or finding that the state rests on; `approver` and `zone` (that of
    `until`, as it was written) belong to a waiver.
    """

    id: str
    text: str
    group: tuple[str, ...]
    sensed: bool
    state: ItemState
    by: str
    at: datetime | None
    why: str
    until: datetime | None
    approver: str
    zone: str
    notes: tuple[Note, ...]


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """One run: its view and its items in the order of the catalog."""

    view: RunView
    items: tuple[ItemReport, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a report says; `zone` is the name of the time zone that people read it in."""

    title: str
    deck: str
    generated_at: datetime
    zone: str
    runs: tuple[RunReport, ...]

    @property
    def done(self) -> int:
        """Items no longer in the way, of all runs."""
        return sum(run.view.done for run in self.runs)

    @property
    def total(self) -> int:
        """Items of all runs."""
        return sum(run.view.total for run in self.runs)


def build_report(deck: Deck, runs: Sequence[tuple[Checklist, str]], title: str) -> Report:
    """The report on these runs as they stand now."""
    return Report(
        title=title,
        deck=deck.config.name,
        generated_at=deck.now(),
        zone=deck.config.timezone,
        runs=tuple(_run_report(deck, checklist, run) for checklist, run in runs),
    )


def _run_report(deck: Deck, checklist: Checklist, run: str) -> RunReport:
    view = deck.view(checklist, run)
    pairs = zip(view.checklist.items, view.statuses, strict=True)
    return RunReport(
        view=view, items=tuple(_item_report(deck, run, item, status) for item, status in pairs)
    )


def _item_report(deck: Deck, run: str, item: Item, status: Status) -> ItemReport:
    entry = deck.state.entry(run, item.id)
    more: dict[str, Any] = (status.mark.more if status.mark else None) or {}
    return ItemReport(
        id=item.id,
        text=item.text,
        group=item.group,
        sensed=item.sensed,
        state=status.state,
        by=status.by,
        at=status.at,
        why=status.why,
        until=status.until,
        approver=str(more.get("approver", "")),
        zone=str(more.get("zone", "")),
        notes=tuple(_note(mark) for mark in entry.standing_notes()) if entry else (),
    )


def _note(mark: Mark) -> Note:
    return Note(parse_wall(mark.at), mark.by, mark.text, is_skip(mark))
