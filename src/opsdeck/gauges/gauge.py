"""One gauge as it runs: readings come in, a level comes out, and the past is kept."""

from __future__ import annotations

import math
import zlib
from collections import deque
from typing import Any

from opsdeck.catalog.gauges import GaugeSpec
from opsdeck.checks.reading import Reading
from opsdeck.gauges.forecast import (
    ALARM_AFTER_S,
    CRIT_S,
    WARN_S,
    Forecast,
    forecast_of,
)
from opsdeck.gauges.levels import RANK, Latch, Level, worse
from opsdeck.gauges.memory import Change, Memory, Tally
from opsdeck.gauges.series import Series, rank

__all__ = ["Change", "Gauge", "Memory", "Tally", "worst_level"]

FORECAST_EVERY_S = 60.0
FORECAST_FOR = 3
"""So many forecasts in a row must say the same before it counts as a level, or does no more."""
WELL_AWAY = 1.25
"""A level by forecast is left when it is so many times farther away than what set it."""
OLD_AFTER_S = 12.0
"""No value is old before: this machine is looked at every five seconds at least."""

UNANSWERED = frozenset({"refused", "timeout", "dns", "unreachable", "tls", "protocol"})
"""Causes that count as an error where errors are counted: whoever was asked did not answer well."""


class Gauge:
    """A spec and everything that was read for it. Times are seconds since the epoch."""

    def __init__(self, spec: GaugeSpec) -> None:
        self.spec = spec
        self.series = Series(spec.every_s)
        self.memory = Memory()
        self.reading: Reading | None = None
        """The newest look, whether it brought a value or not."""
        self.looked_at: float | None = None
        self.detail: Any = None
        """What only this gauge has to show beside its number, such as the use of each core."""
        self._recent: deque[float] = deque(maxlen=spec.over)
        self._misses = 0
        self._forecast_turn: int | None = None
        self._forecast_phase = zlib.crc32(spec.id.encode()) % FORECAST_EVERY_S
        self.waiting_since: float | None = None
        """Since when looks are expected again: after a start, and after the machine slept."""

    # What is known

    @property
    def level(self) -> Level | None:
        """None until the first look."""
        return self.memory.level

    @property
    def value(self) -> float | None:
        """The newest value, however old."""
        return self.memory.value

    @property
    def at(self) -> float | None:
        """When the newest value was seen."""
        return self.memory.at

    @property
    def forecast(self) -> Forecast | None:
        """When it will be full, if there is a real trend towards that."""
        return self.memory.forecast

    def age_s(self, now: float) -> float | None:
        """How old the newest value is."""
        return None if self.at is None else max(0.0, now - self.at)

    def is_old(self, now: float) -> bool:
        """Whether the value is older than it should be: two looks have brought none."""
        heard = self.memory.heard
        return heard is None or now - heard > max(2 * self.spec.every_s + 2.0, OLD_AFTER_S)

    # What comes in

    def take(self, reading: Reading, at: float) -> Change | None:
        """One look; the change of level that it brings, if any."""
        self.reading, self.looked_at = reading, at
        value = self._value(reading, at)
        if value is None:
            return self._missed(reading, at)
        self._misses = 0
        memory = self.memory
        memory.heard = at
        # What CloudWatch tells now was so some minutes ago.
        at = at if reading.observed_s is None else min(at, reading.observed_s)
        if memory.at is not None and abs(at - memory.at) > self.lapse_s:
            memory.judge.resume(self.spec, value)
        memory.value, memory.at = value, at
        self.series.add(at, value)
        level = memory.judge.take(self.spec, value, at)
        reason = ""
        if self.spec.fills:
            soon = self._soon(at)
            if RANK[soon] > RANK[level]:
                level, reason = soon, "forecast"
        change = self._turned(level, at, reason)
        memory.tally.add(value)
        return change

    def _value(self, reading: Reading, at: float) -> float | None:
        spec = self.spec
        if spec.stat == "errors":
            return self._error_rate(reading)
        value = reading.value
        if value is None or not math.isfinite(value):
            return None
        value = float(value)
        if spec.rate:
            value = self._rate(value, at)
            if value is None or not math.isfinite(value):
                return None
        if spec.stat == "last":
            return value
        self._recent.append(value)
        match spec.stat:
            case "mean":
                return sum(each / len(self._recent) for each in self._recent)
            case "max":
                return max(self._recent)
        return rank(sorted(self._recent), 50 if spec.stat == "p50" else 95)

    def _error_rate(self, reading: Reading) -> float | None:
        """Percent of the last looks that went wrong; `value` is 1 for a good one, 0 for a bad."""
        if reading.value is None and reading.cause not in UNANSWERED:
            return None
        self._recent.append(0.0 if reading.value else 100.0)
        return sum(self._recent) / len(self._recent)

    def _rate(self, counter: float, at: float) -> float | None:
        """The rise a second since the last look; None for the first, and after a reset."""
        before, self.memory.counter = self.memory.counter, (at, counter)
        longest = max(3_600.0, 3 * self.spec.every_s)
        if before is None or counter < before[1] or not 0.2 <= at - before[0] <= longest:
            return None
        return (counter - before[1]) / (at - before[0])

    def _missed(self, reading: Reading, at: float) -> Change | None:
        """No value: unknown at once where it never can be known, else at the second time."""
        if self.spec.rate and reading.value is not None:
            return None  # a counter that was read for the first time, or began anew
        self._misses += 1
        hopeless = self.level is None or reading.cause in ("missing", "untrusted")
        if not hopeless and self._misses < 2 and not self.is_old(at):
            return None
        return self._turned("unknown", at, reading.message)

    @property
    def lapse_s(self) -> float:
        """A value that is older than this tells nothing of now."""
        return max(3 * self.spec.every_s + 5.0, 20.0)

    def lapse(self, now: float) -> Change | None:
        """Nothing has come for too long: unknown, whatever the reason."""
        last = max(self.memory.heard or 0.0, self.waiting_since or 0.0)
        if self.level in (None, "unknown") or now - last <= self.lapse_s:
            return None
        return self._turned("unknown", now, "no look has brought a value for some time")

    def _soon(self, at: float) -> Level:
        """How bad it is that it will be full soon; asked anew once a minute.

        Each gauge has its own second of the minute, so that they do not all reckon at once.
        """
        memory = self.memory
        turn = int((at + self._forecast_phase) // FORECAST_EVERY_S)
        if turn != self._forecast_turn:
            first, self._forecast_turn = self._forecast_turn is None, turn
            if not first:
                memory.forecast = self._reckoned(at)
                self._weigh()
        return memory.soon

    def _reckoned(self, at: float) -> Forecast | None:
        scale = self.spec.known_scale
        if scale is None:
            return None  # nobody knows what full is
        limit = self.spec.crit or self.spec.warn
        if limit is not None and limit.below:
            return forecast_of(self.series, at, scale[0], -1.0)
        return forecast_of(self.series, at, scale[1])

    def _weigh(self) -> None:
        """What the newest forecast says of the level; several must agree to change it."""
        memory, found = self.memory, self.memory.forecast
        says: Level = "ok"
        if found is not None and found.seen_s >= ALARM_AFTER_S:
            away = {level: WELL_AWAY if RANK[memory.soon] >= RANK[level] else 1.0 for level in RANK}
            if found.full_in_s < CRIT_S * away["critical"]:
                says = "critical"
            elif found.full_in_s < WARN_S * away["warning"]:
                says = "warning"
        memory.against = memory.against + 1 if says != memory.soon else 0
        if memory.against >= FORECAST_FOR:
            memory.soon, memory.against = says, 0

    def _turned(self, level: Level, at: float, reason: str) -> Change | None:
        memory = self.memory
        memory.reason = reason
        if level == memory.level:
            return None
        before, tally = memory.level, memory.tally
        memory.level, memory.tally = level, Tally(began=at)
        if before is None and level in ("ok", "unknown"):
            return None  # the first word on a gauge is news only where it is bad
        seen = tally.count > 0
        return Change(
            gauge=self.spec.id,
            title=self.spec.title,
            before=before,
            after=level,
            at=at,
            began=tally.began if before is not None else at,
            low=tally.low if seen else None,
            mean=tally.total / tally.count if seen else None,
            high=tally.high if seen else None,
            value=memory.value,
            reason=reason,
        )

    # Keeping

    def take_over(self, old: Gauge) -> None:
        """Go on with the past of one that measured the same, with other limits perhaps."""
        self.series, self.memory = old.series, old.memory
        self.reading, self.looked_at = old.reading, old.looked_at
        self.waiting_since, self.detail = old.waiting_since, old.detail
        self._recent, self._misses = old._recent, old._misses
        for limit, latch in ((self.spec.warn, "warn"), (self.spec.crit, "crit")):
            if limit is None:  # one that is set again later begins anew
                setattr(self.memory.judge, latch, Latch())

    def shift(self, by_s: float) -> None:
        """Move everything in time: the wall clock was set."""
        self.series.shift(by_s)
        memory = self.memory
        memory.at = None if memory.at is None else memory.at + by_s
        memory.heard = None if memory.heard is None else memory.heard + by_s
        memory.tally.began += by_s
        for latch in (memory.judge.warn, memory.judge.crit):
            latch.since = None if latch.since is None else latch.since + by_s
        if memory.counter is not None:
            memory.counter = (memory.counter[0] + by_s, memory.counter[1])
        self.looked_at = None if self.looked_at is None else self.looked_at + by_s
        if self.waiting_since is not None:
            self.waiting_since += by_s


def worst_level(gauges: list[Gauge]) -> Level:
    """The worst of these; ok where there is none."""
    found: Level = "ok"
    for gauge in gauges:
        found = worse(found, gauge.level or "ok")
    return found
