"""What is measured again and again, and from when on it matters: `[[gauge]]` blocks as values.

`opsdeck.catalog.gauges_read` reads them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Stat = Literal["last", "mean", "max", "p50", "p95", "errors"]
STATS: tuple[Stat, ...] = ("last", "mean", "max", "p50", "p95", "errors")
"""What of the last looks is shown: the newest, or something of the last `over` of them."""

HOST = "host"
"""The source of this machine's own gauges."""

DEFAULT_EVERY_S = 10.0
DEFAULT_OVER = 20


class Limit(msgspec.Struct, frozen=True, array_like=True):
    """From where on a value matters: `op` is `>=`, `>`, `<=` or `<`."""

    op: str
    at: float

    @property
    def below(self) -> bool:
        """Whether low values are the bad ones."""
        return self.op[0] == "<"

    def before(self, other: Limit) -> bool:
        """Whether a value that gets worse passes this one first, or both at once."""
        return self.at >= other.at if self.below else self.at <= other.at

    def passed(self, value: float, margin: float = 0.0) -> bool:
        """Whether a value is beyond it; with a margin it stays so until it is well inside."""
        at = self.at + margin if self.below else self.at - margin
        match self.op:
            case ">=":
                return value >= at
            case ">":
                return value > at
            case "<=":
                return value <= at
        return value < at


class GaugeSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One gauge as it was written: a probe, the number in its document, and its limits.

    `for_s` is how long a value must stay beyond a limit before it counts, `every_s` how often it
    is looked at; `scale` what an empty and a full bar mean. `fills`: what it measures can run
    full, so that its trend is worth a forecast. `rate`: the value is a counter, and its rise a
    second is what is shown.
    """

    id: str
    title: str
    source: str
    """The target's name; `HOST` for this machine."""
    probe: dict[str, Any] = {}
    value: str = "value"
    unit: str = ""
    warn: Limit | None = None
    crit: Limit | None = None
    for_s: float = 0.0
    every_s: float = DEFAULT_EVERY_S
    playbook: str | None = None
    scale: tuple[float, float] | None = None
    stat: Stat = "last"
    over: int = DEFAULT_OVER
    rate: bool = False
    fills: bool = False

    @property
    def known_scale(self) -> tuple[float, float] | None:
        """What an empty and a full bar mean, where that is known; no value lies beyond them."""
        if self.scale is None and self.unit == "%":
            return (0.0, 100.0)
        return self.scale

    @property
    def full(self) -> tuple[float, float]:
        """What an empty and a full bar mean; for a gauge without a scale, as far as is known."""
        known = self.known_scale
        if known is not None:
            return known
        tops = [limit.at for limit in (self.warn, self.crit) if limit is not None]
        top = max(tops, default=0.0)
        return (0.0, top * 1.25) if top > 0 else (0.0, 0.0)


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """What a `[[gauge]]` block without a probe changes of one of this machine's own gauges."""

    id: str
    hide: bool = False
    changes: dict[str, Any] = {}

    def applied(self, spec: GaugeSpec) -> GaugeSpec:
        """The gauge with what this says of it.

        What is written goes before what the gauge came with: a limit of its own that would
        contradict the one that is written goes (another direction) or gives way (the worse first).
        """
        found = msgspec.structs.replace(spec, **self.changes)
        written = [self.changes[key] for key in ("warn", "crit") if self.changes.get(key)]
        if len(written) != 1 or found.warn is None or found.crit is None:
            return found
        [limit] = written
        other = "crit" if limit is found.warn else "warn"
        if found.warn.below != found.crit.below:
            return msgspec.structs.replace(found, **{other: None})
        if found.warn.before(found.crit):
            return found
        return msgspec.structs.replace(found, **{other: limit})


class Gauges(msgspec.Struct, frozen=True, kw_only=True):
    """All of `[[gauge]]`."""

    specs: tuple[GaugeSpec, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
