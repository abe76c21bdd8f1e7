"""What needs somebody now, and what is due: the Deck's first two questions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from opsdeck.catalog.model import CADENCES, Cadence, Item
from opsdeck.runs.progress import RunView
from opsdeck.runs.status import Status

WAIVER_ENDS_SOON = timedelta(days=7)

Kind = Literal["failed", "overdue", "missed", "stale", "unknown", "waiver"]
ORDER: tuple[Kind, ...] = ("failed", "overdue", "missed", "stale", "unknown", "waiver")


class Concern(msgspec.Struct, frozen=True):
    """One thing that needs somebody, worst kinds first; `items` are those it is about."""

    kind: Kind
    view: RunView
    items: tuple[tuple[Item, Status], ...] = ()


class Due(msgspec.Struct, frozen=True):
    """Lists of one cadence as one line: a periodic list alone, a release's or standing together."""

    cadence: Cadence
    views: tuple[RunView, ...]

    @property
    def done(self) -> int:
        """Items no longer in the way, in all of them."""
        return sum(v.done for v in self.views)

    @property
    def total(self) -> int:
        """Items in all of them."""
        return sum(v.total for v in self.views)

    @property
    def next_view(self) -> RunView:
        """The first list that is not complete, else the first."""
        return next((v for v in self.views if v.done < v.total), self.views[0])


def concerns(
    views: list[RunView],
    missed: list[RunView],
    now: datetime,
    overdue: Iterable[Concern] = (),
) -> list[Concern]:
    """What needs somebody, given the current runs, the last periods' unfinished ones, and what is
    past a due date of its own."""
    found = [*overdue, *(Concern("missed", view) for view in missed)]
    for view in views:
        pairs = list(zip(view.checklist.items, view.statuses, strict=True))
        found += [Concern("failed", view, (p,)) for p in pairs if p[1].state == "failed"]
        kinds: tuple[Literal["stale", "unknown"], ...] = ("stale", "unknown")
        for kind in kinds:
            these = tuple(p for p in pairs if p[1].state == kind)
            if these:
                found.append(Concern(kind, view, these))
        ending = tuple(
            p
            for p in pairs
            if p[1].state == "waived" and p[1].until and p[1].until - now < WAIVER_ENDS_SOON
        )
        if ending:
            found.append(Concern("waiver", view, ending))
    return sorted(found, key=lambda c: ORDER.index(c.kind))


def due_lines(views: list[RunView]) -> list[Due]:
    """The current runs by cadence, the soonest due first."""
    lines: list[Due] = []
    for cadence in sorted(CADENCES, key=_urgency):
        these = [v for v in views if v.checklist.cadence == cadence]
        if cadence in ("release", "standing"):
            lines += [Due(cadence, tuple(these))] if these else []
        else:
            lines += [Due(cadence, (v,)) for v in these]
    return lines


def _urgency(cadence: Cadence) -> int:
    return ("daily", "weekly", "monthly", "release", "standing").index(cadence)
