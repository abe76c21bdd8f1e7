"""Break-glass reviews: whoever signs against a closed gate has it reviewed in a few business days.

Nothing of them is stored. They follow from the signatures with a reason, and from what people said
of their items, so every machine sees the same ones. A review is a manual item that stands in one
list beside the catalog's own: the first daily one, else the first weekly, else the first monthly.
`opsdeck.signoff.review_book` works them out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from opsdeck.catalog.model import Checklist, Item
from opsdeck.runs.cadence import parse_run, period_bounds, period_days
from opsdeck.runs.progress import RunView, run_end
from opsdeck.runs.status import Status
from opsdeck.signoff.model import Signed

if TYPE_CHECKING:
    from opsdeck.runs.overview import Concern

_NO_LIST = Checklist(id="", title="Sign-off reviews", section="", cadence="daily", items=())

Key = tuple[str, str, int]


class Settled(NamedTuple):
    """That a person's word ends a review: in the run that begins on `day`, by the event `key`;
    `until` when it ends (a waiver's end), None for good."""

    day: date
    until: datetime | None
    key: Key


class Review(msgspec.Struct, frozen=True):
    """One review: of which break-glass signatures, from the run that begins `since`, due at the end
    of `due_day`, which is the moment `due` (aware UTC)."""

    release: str
    item: Item
    signed: tuple[Signed, ...]
    since: date
    due_day: date
    due: datetime
    settled: tuple[Settled, ...] = ()

    def stands_on(self, day: date, zone: tzinfo) -> bool:
        """Whether it stands in the run that begins on this day: from the signing until the run in
        which it was dealt with."""
        if day < self.since:
            return False
        return not any(one.day < day and _holds(one, day, zone) for one in self.settled)


def _holds(one: Settled, day: date, zone: tzinfo) -> bool:
    bounds = period_bounds(day.isoformat(), zone) if one.until is not None else None
    return one.until is None or bounds is None or bounds[0] < one.until


class Reviews(msgspec.Struct, frozen=True):
    """All reviews, and the list in which they stand; "" where the catalog has none for them."""

    found: tuple[Review, ...] = ()
    checklist: str = ""
    zone: tzinfo = UTC

    def in_run(self, run: str | None) -> list[Review]:
        """Those that stand in a run, in the order in which they were asked for."""
        name = parse_run(run) if run and self.found else None
        if name is None or name.kind != "period" or name.checklist != self.checklist:
            return []
        days = period_days(name.occasion)
        return [one for one in self.found if days and one.stands_on(days[0], self.zone)]

    def listed(self, checklist: Checklist, run: str | None) -> Checklist:
        """The list with the reviews that stand in this run; it may have those of another run."""
        if not self.found or checklist.id != self.checklist:
            return checklist
        reviews = {one.item.id for one in self.found}
        own = [item for item in checklist.items if item.id not in reviews]
        items = (*own, *(one.item for one in self.in_run(run)))
        return msgspec.structs.replace(checklist, items=items)

    def put_off(self, run: str | None, now: datetime) -> dict[str, datetime]:
        """Id -> the day it is due, of what stands in a run that is over and was not due in it: it
        was not missed there, for it went on to the next run."""
        if not self.found or not (run or "").startswith(f"{self.checklist}/"):
            return {}
        end = run_end(run, self.zone)
        if end is None or now < end:
            return {}
        return {one.item.id: _utc(one.due_day) for one in self.in_run(run) if end < one.due}

    def overdue(self, views: Iterable[RunView], now: datetime) -> list[Concern]:
        """Those that are past their day and not done, given the current runs."""
        late = {one.item.id: one.item for one in self.found if now >= one.due}
        if not late:
            return []
        from opsdeck.runs.overview import Concern

        if not self.checklist:
            return [Concern("overdue", *_nowhere(item, now)) for item in late.values()]
        return [
            Concern("overdue", view, ((item, status),))
            for view in views
            if view.checklist.id == self.checklist
            for item, status in zip(view.checklist.items, view.statuses, strict=True)
            if item.id in late and not status.done
        ]


NONE = Reviews()


def _utc(day: date) -> datetime:
    """A date as a deferral's `due` has it."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _nowhere(item: Item, now: datetime) -> tuple[RunView, tuple[tuple[Item, Status], ...]]:
    """A view for a review that no list of the catalog can have."""
    status = Status("open")
    listed = msgspec.structs.replace(_NO_LIST, items=(item,))
    return RunView(listed, None, now, (status,), {"open": 1}, "open"), ((item, status),)
