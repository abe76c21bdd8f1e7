"""What of a gauge outlasts a restart, and what is said when it changes its level."""

from __future__ import annotations

import msgspec

from opsdeck.gauges.forecast import Forecast
from opsdeck.gauges.levels import Judge, Level


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A gauge went from one level to another; what is said is of the time at the old one."""

    gauge: str
    title: str
    before: Level | None
    after: Level
    at: float
    began: float
    low: float | None
    mean: float | None
    high: float | None
    value: float | None
    reason: str


class Tally(msgspec.Struct):
    """What was seen while one level lasted."""

    began: float = 0.0
    count: int = 0
    total: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def add(self, value: float) -> None:
        """One value more."""
        self.low = min(self.low, value) if self.count else value
        self.high = max(self.high, value) if self.count else value
        self.count += 1
        self.total += value


class Memory(msgspec.Struct):
    """What of a gauge must outlast a restart beside its series."""

    level: Level | None = None
    value: float | None = None
    at: float | None = None
    """When the value was so."""
    heard: float | None = None
    """When it was last told, if only to be what it was."""
    judge: Judge = msgspec.field(default_factory=Judge)
    tally: Tally = msgspec.field(default_factory=Tally)
    forecast: Forecast | None = None
    soon: Level = "ok"
    """How bad it is that it will be full soon."""
    against: int = 0
    """How many forecasts in a row spoke against that."""
    reason: str = ""
    counter: tuple[float, float] | None = None
    """Of a rate: when the counter was read, and what it said."""
