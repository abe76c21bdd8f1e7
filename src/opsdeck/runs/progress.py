"""How a run stands as a whole: counts, completeness, when it is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, tzinfo
from typing import Literal

import msgspec

from opsdeck.catalog.model import Checklist
from opsdeck.journal.fold import State
from opsdeck.runs.cadence import parse_run, period_bounds
from opsdeck.runs.status import DONE, ItemState, Status, status_of

RunState = Literal[
    "open", "complete", "complete except deferred", "missed", "completed late", "not started"
]
"""A run whose period ended before it was complete was missed, and stays so in name for ever:
`completed late` when everything was done after all."""


class RunView(msgspec.Struct, frozen=True):
    """A checklist in one run at one moment: each item's status, and what they add up to.

    `run` is None for a release list while no release is open. `as_of` is the moment the statuses
    are for: now, or the end of a period that is over. `due` is when the period ends.
    """

    checklist: Checklist
    run: str | None
    as_of: datetime
    statuses: tuple[Status, ...]
    counts: dict[ItemState, int]
    state: RunState
    due: datetime | None = None
    over: bool = False

    @property
    def done(self) -> int:
        """How many items are no longer in the way."""
        return sum(n for state, n in self.counts.items() if state in DONE)

    @property
    def total(self) -> int:
        """How many items the list has."""
        return len(self.statuses)

    def count(self, state: ItemState) -> int:
        """How many items are in this state."""
        return self.counts.get(state, 0)


def view_run(
    checklist: Checklist,
    run: str | None,
    state: State,
    now: datetime,
    zone: tzinfo,
    uses: Collection[str],
    frozen_at: datetime | None = None,
    put_off: Mapping[str, datetime] | None = None,
) -> RunView:
    """How `checklist` stands in `run` at `now`; a period that is over is judged as of its end.

    `frozen_at` is when a release ended, signed or abandoned: it is judged as of then. `put_off`
    has when items are due that go on from run to run.
    """
    end = run_end(run, zone)
    over = end is not None and now >= end
    as_of = judged_at(run, now, zone, frozen_at)
    found = state.run(run) if run else None
    entries, due = found.entries if found else {}, put_off or {}
    statuses = tuple(
        status_of(i, entries.get(i.id), as_of, uses, due.get(i.id)) for i in checklist.items
    )
    counts: dict[ItemState, int] = dict(Counter(s.state for s in statuses))
    return RunView(
        checklist,
        run,
        as_of,
        statuses,
        counts,
        _run_state(statuses, end if over else None, touched=bool(entries)),
        end,
        over,
    )


def run_end(run: str | None, zone: tzinfo) -> datetime | None:
    """When the period of a run ends; None for runs that end with no period."""
    name = parse_run(run) if run else None
    bounds = period_bounds(name.occasion, zone) if name and name.kind == "period" else None
    return bounds[1] if bounds else None


def judged_at(
    run: str | None, now: datetime, zone: tzinfo, frozen_at: datetime | None = None
) -> datetime:
    """The moment that items are judged for: now, or the end of a run that is over."""
    return min(now, run_end(run, zone) or now, frozen_at or now)


def _run_state(statuses: tuple[Status, ...], ended: datetime | None, touched: bool) -> RunState:
    if all(s.state in DONE for s in statuses):
        late = ended is not None and any(s.at and s.at > ended for s in statuses)
        return "completed late" if late else "complete"
    if all(s.state in DONE or s.state == "deferred" for s in statuses):
        return "complete except deferred"
    if ended is not None:
        return "missed"
    return "open" if touched else "not started"
