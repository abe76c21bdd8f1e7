"""How one item stands: its state, derived from catalog, State and the clock, nothing else.

Newer evidence wins, whoever it is from. Expiry and staleness come from the clock: no event says
so, and the same journal seen later may therefore show another state.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from opsdeck.catalog.model import Item
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Entry, Mark

ItemState = Literal[
    "open",
    "checking",
    "passed",
    "attested",
    "failed",
    "unknown",
    "stale",
    "overridden",
    "waived",
    "deferred",
    "inactive",
]

STATE_GLYPHS: dict[ItemState, str] = {
    "open": "·",
    "checking": "∙",
    "passed": "✓",
    "attested": "✓",
    "failed": "✗",
    "unknown": "?",
    "stale": "◇",
    "overridden": "!",
    "waived": "~",
    "deferred": "›",
    "inactive": "–",
}
"""How a state is shown, on screen and in records; the word stands beside it."""

DONE: frozenset[ItemState] = frozenset({"passed", "attested", "overridden", "waived", "inactive"})
"""The states in which an item is no longer in the way of its run."""

WRONG: frozenset[ItemState] = frozenset({"failed", "stale"})
"""The states that somebody should look at now."""


class Status(msgspec.Struct, frozen=True):
    """How an item stands at one moment.

    `mark` is what the state rests on (None: nothing was said); `at` its time, aware UTC; `why` a
    note, reason or finding; `until` when a waiver or the evidence ends.
    """

    state: ItemState
    mark: Mark | None = None
    at: datetime | None = None
    why: str = ""
    until: datetime | None = None

    @property
    def by(self) -> str:
        """Who said so; "" when nobody did."""
        return self.mark.by if self.mark else ""

    @property
    def done(self) -> bool:
        """Whether the item is no longer in the way of its run."""
        return self.state in DONE


_OPEN = Status("open")
WENT_ON = "it went on to the next run, for it was not due yet"
"""Why an item that nobody has put off is deferred in a run that is over."""


def status_of(
    item: Item,
    entry: Entry | None,
    now: datetime,
    uses: Collection[str] = (),
    put_off: datetime | None = None,
) -> Status:
    """The state of `item` given what was said of it, at `now` (aware).

    `put_off` is when it is due, in a run that is over and from which it went on to the next.
    """
    said = _said(item, entry, now) if entry is not None else _OPEN
    if said.state == "open" and said.mark is None and item.uses and item.uses not in uses:
        return Status("inactive", why=f"{item.uses} is not in [deck] uses")
    if put_off is not None and said.state == "open":
        return Status("deferred", said.mark, said.at, said.why or WENT_ON, put_off)
    return said


def _said(item: Item, entry: Entry, now: datetime) -> Status:
    mark, verdict = entry.in_force(), entry.verdict()
    if mark is not None and mark.kind == "waived":
        until = _moment(mark, "until")
        if until is not None and now < until:
            return Status("waived", mark, parse_wall(mark.at), mark.text, until)
        mark = None  # a waiver that has ended, or names no end, says nothing any more
    if mark is not None and mark.kind == "unused":
        return Status("inactive", mark, parse_wall(mark.at), mark.text)
    if verdict is not None and (mark is None or verdict.key > mark.key):
        since = {v.kind for v in entry.verdicts if mark is None or v.key > mark.key}
        if entry.passed is not None and (mark is None or entry.passed.key > mark.key):
            since.add("passed")
        judged = _judged(item, mark, verdict, since, now)
        if judged is not None:
            return judged
    if mark is None:
        return _OPEN
    return _by_person(item, mark, now)


def _judged(
    item: Item, mark: Mark | None, verdict: Mark, kinds: set[str], now: datetime
) -> Status | None:
    """What the newest verdict, and the kinds of all since the mark, make of it; None: the mark
    stands."""
    if verdict.kind == "passed":
        return _aging("passed", item, verdict, now)
    if mark is not None and mark.kind in ("overridden", "deferred") and "passed" not in kinds:
        return None  # it stands until the item passes, and is over from then on
    if mark is not None and mark.kind == "attested" and kinds == {"unknown"}:
        return None  # that the probe could not look takes nothing from a person's word
    state: ItemState = "failed" if verdict.kind == "failed" else "unknown"
    return Status(state, verdict, parse_wall(verdict.at), verdict.text)


def _by_person(item: Item, mark: Mark, now: datetime) -> Status:
    at = parse_wall(mark.at)
    match mark.kind:
        case "attested":
            return _aging("attested", item, mark, now)
        case "overridden":
            return Status("overridden", mark, at, mark.text)
        case "deferred":
            return Status("deferred", mark, at, mark.text, _moment(mark, "due"))
    return Status("open", mark, at, mark.text)


def _aging(state: ItemState, item: Item, mark: Mark, now: datetime) -> Status:
    at = parse_wall(mark.at)
    if item.valid_for_s is None:
        return Status(state, mark, at, mark.text)
    if at is None:
        return Status("stale", mark, at, mark.text)
    until = _later(at, item.valid_for_s)
    return Status(state if now < until else "stale", mark, at, mark.text, until)


def _later(at: datetime, seconds: float) -> datetime:
    """So long after; the end of the calendar where that would be beyond it."""
    try:
        return at + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _moment(mark: Mark, key: str) -> datetime | None:
    found = (mark.more or {}).get(key)
    return parse_wall(found) if isinstance(found, str) else None
