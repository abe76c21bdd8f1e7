"""From values to a level: ok, warning, critical or unknown, without flapping.

A limit counts once it was passed for as long as the gauge's `for` says, and is left only when the
value was well inside again (by a margin) for as long, but a minute at most.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from opsdeck.catalog.gauges import GaugeSpec, Limit

Level = Literal["ok", "warning", "critical", "unknown"]
RANK: dict[Level, int] = {"ok": 0, "unknown": 1, "warning": 2, "critical": 3}
"""How bad each is beside the others."""

MOST_CLEAR_S = 60.0
"""A value that is well inside again for so long is believed, however long `for` is."""


class Latch(msgspec.Struct):
    """Whether a limit counts as passed; times are seconds of the gauge's own clock."""

    on: bool = False
    since: float | None = None
    """Since when the value has spoken against `on`."""

    def take(self, limit: Limit, margin: float, value: float, at: float, for_s: float) -> None:
        """One more value."""
        beyond = limit.passed(value, margin if self.on else 0.0)
        if beyond is self.on:
            self.since = None
            return
        if self.since is None or self.since > at:
            self.since = at
        if at - self.since >= (min(for_s, MOST_CLEAR_S) if self.on else for_s):
            self.on, self.since = not self.on, None

    def resume(self, limit: Limit, margin: float, value: float) -> None:
        """The first value after a time without any: what was before proves nothing of that time."""
        self.since = None
        self.on = self.on and limit.passed(value, margin)


class Judge(msgspec.Struct):
    """The two limits of one gauge."""

    warn: Latch = msgspec.field(default_factory=Latch)
    crit: Latch = msgspec.field(default_factory=Latch)

    def take(self, spec: GaugeSpec, value: float, at: float) -> Level:
        """The level after one more value."""
        for limit, latch in self._pairs(spec):
            latch.take(limit, margin_of(spec, limit), value, at, spec.for_s)
        return self.level(spec)

    def resume(self, spec: GaugeSpec, value: float) -> None:
        """Make ready for the first value after a time without any."""
        for limit, latch in self._pairs(spec):
            latch.resume(limit, margin_of(spec, limit), value)

    def _pairs(self, spec: GaugeSpec) -> list[tuple[Limit, Latch]]:
        both = ((spec.crit, self.crit), (spec.warn, self.warn))
        return [(limit, latch) for limit, latch in both if limit is not None]

    def level(self, spec: GaugeSpec) -> Level:
        """The level now."""
        if spec.crit is not None and self.crit.on:
            return "critical"
        return "warning" if spec.warn is not None and self.warn.on else "ok"

    def beyond_since(self) -> float | None:
        """Since when a value is beyond a limit that does not count yet."""
        return min(
            (s.since for s in (self.warn, self.crit) if not s.on and s.since is not None),
            default=None,
        )


def margin_of(spec: GaugeSpec, limit: Limit) -> float:
    """How far inside a limit a value must be to leave it, in the gauge's unit.

    A fifth of what lies between the limits, of a lone one a fiftieth; but never so far that no
    value could be inside: half of what the scale has there, without a scale a tenth of the limit.
    """
    warn, crit = spec.warn, spec.crit
    scale = spec.known_scale
    if warn is not None and crit is not None and warn.at != crit.at:
        margin = abs(crit.at - warn.at) / 5
    else:
        margin = abs(limit.at) / 50
    if scale is None:
        return min(margin, abs(limit.at) / 10)
    room = scale[1] - limit.at if limit.below else limit.at - scale[0]
    return max(0.0, min(margin or (scale[1] - scale[0]) / 50, room / 2))


def worse(one: Level, other: Level) -> Level:
    """The worse of two levels."""
    return one if RANK[one] >= RANK[other] else other
