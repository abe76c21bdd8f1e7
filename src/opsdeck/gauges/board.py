"""All gauges of a deck: this machine's own and those of `opsdeck.toml`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from opsdeck.catalog.gauges import HOST, Adjustment, Gauges, GaugeSpec
from opsdeck.checks.reading import IN_ONE_CALL, Reading, Wanted
from opsdeck.gauges.gauge import Change, Gauge, Memory
from opsdeck.gauges.levels import RANK, Level

GONE_S = 60.0
"""A gauge of a thing that went away, such as a file system, is shown for so long."""


class Sample(NamedTuple):
    """What was seen of one of this machine's own gauges."""

    spec: GaugeSpec
    value: float | None
    detail: Any = None
    message: str = ""
    """Why there is no value; "" for one that has to be measured over some time first."""


class Room(NamedTuple):
    """Of something that fills, as a detail of its gauge: bytes, or plain counts."""

    used: float
    total: float


class Watch(NamedTuple):
    """One look, and the gauges that read their numbers from it."""

    wanted: Wanted
    every_s: float
    gauges: tuple[str, ...]
    """Ids, one for each of the look's values."""


class Board:
    """Takes what was seen, and knows how every gauge stands. Times: seconds since the epoch."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges: dict[str, Gauge] = {}
        self._adjustments: dict[str, Adjustment] = {}
        self._own: dict[str, tuple[GaugeSpec, Gauge | None]] = {}
        self._kept: dict[str, tuple[Memory, list[list[Any]]]] = {}
        self._moved_s = 0.0
        self._sampled_at = float("-inf")
        self._latest = math.inf
        self._waiting_since: float | None = None
        self.configure(gauges)

    def configure(self, gauges: Gauges) -> None:
        """Go by these from now on; a gauge that is still the same keeps its past."""
        self._adjustments = {a.id: a for a in gauges.adjustments}
        wanted = {spec.id: spec for spec in gauges.specs}
        self._own.clear()
        old, self._gauges = self._gauges, {}
        for identity, gauge in old.items():
            if gauge.spec.source == HOST and not gauge.spec.probe:
                self._gauges[identity] = gauge
        for identity, spec in wanted.items():
            self._gauges[identity] = self._made(spec, old.get(identity))

    def _made(self, spec: GaugeSpec, known: Gauge | None = None) -> Gauge:
        """A gauge by this spec; with the past of the one that was known before, where it still
        measures the same."""
        if known is not None and known.spec == spec:
            return known
        gauge = Gauge(spec)
        if known is not None and _measures(known.spec) == _measures(spec):
            gauge.take_over(known)
        else:
            self._remind(gauge)
        return gauge

    def _remind(self, gauge: Gauge) -> None:
        kept = self._kept.pop(gauge.spec.id, None)
        if kept is not None:
            gauge.memory = kept[0]
            gauge.series.load(kept[1], self._latest)
            gauge.waiting_since = self._waiting_since
            if self._moved_s:
                gauge.shift(self._moved_s)

    # What there is

    def gauges(self) -> list[Gauge]:
        """All of them, those of this machine first, then by source as they were written."""
        own = [g for g in self._gauges.values() if not g.spec.probe]
        own.sort(key=lambda g: host_order(g.spec.id))
        others = [g for g in self._gauges.values() if g.spec.probe]
        order = list(dict.fromkeys(g.spec.source for g in others))
        return own + sorted(others, key=lambda g: order.index(g.spec.source))

    def gauge(self, identity: str) -> Gauge | None:
        """The gauge of this id, or None."""
        return self._gauges.get(identity)

    def breaches(self) -> list[Gauge]:
        """Those at warning or critical, the worst and then the oldest first."""
        found = [g for g in self._gauges.values() if g.level in ("warning", "critical")]
        return sorted(found, key=lambda g: (-RANK[g.level or "ok"], g.memory.tally.began))

    def counts(self) -> dict[Level, int]:
        """How many there are at each level; those not looked at yet are in none."""
        found: dict[Level, int] = {"ok": 0, "warning": 0, "critical": 0, "unknown": 0}
        for gauge in self._gauges.values():
            if gauge.level is not None:
                found[gauge.level] += 1
        return found

    def unused_adjustments(self) -> list[str]:
        """Ids that `[[gauge]]` changes and this machine has not (known once it was looked at)."""
        return [a for a in self._adjustments if a not in self._own]

    def watches(self) -> list[Watch]:
        """What must be looked at for the gauges that have a probe, each look once."""
        grouped: dict[str, list[GaugeSpec]] = {}
        for gauge in self._gauges.values():
            if gauge.spec.probe:
                key = json.dumps(gauge.spec.probe, sort_keys=True, default=str)
                grouped.setdefault(key, []).append(gauge.spec)
        return [
            Watch(
                Wanted(probe=specs[0].probe, values=tuple(s.value for s in specs)),
                max(min(s.every_s for s in specs), _least_every_s(specs[0].probe)),
                tuple(s.id for s in specs),
            )
            for specs in grouped.values()
        ]

    # What comes in

    def take_samples(self, samples: Iterable[Sample], at: float) -> list[Change]:
        """What was seen of this machine."""
        changes = []
        self._sampled_at = at
        for sample in samples:
            gauge = self._own_gauge(sample.spec)
            if gauge is None:
                continue
            gauge.detail = sample.detail
            if sample.value is None and not sample.message:
                continue
            cause = None if sample.value is not None else "missing"
            reading = Reading(value=sample.value, cause=cause, message=sample.message)
            change = gauge.take(reading, at)
            changes += [change] if change is not None else []
        return changes

    def _own_gauge(self, spec: GaugeSpec) -> Gauge | None:
        """The gauge of a sample, made when it is first seen; None for a hidden one."""
        known = self._own.get(spec.id)
        if known is not None and known[0] is spec:
            return known[1]
        change = self._adjustments.get(spec.id)
        gauge = None
        if change is None or not change.hide:
            wanted = change.applied(spec) if change is not None else spec
            gauge = self._gauges[spec.id] = self._made(wanted, self._gauges.get(spec.id))
        else:
            self._gauges.pop(spec.id, None)
        self._own[spec.id] = (spec, gauge)
        return gauge

    def take_readings(self, watch: Watch, readings: Sequence[Reading], at: float) -> list[Change]:
        """What one look brought for the gauges that wait for it."""
        changes = []
        for identity, reading in zip(watch.gauges, readings, strict=False):
            gauge = self._gauges.get(identity)
            change = gauge.take(reading, at) if gauge is not None else None
            changes += [change] if change is not None else []
        return changes

    def lapse(self, now: float) -> list[Change]:
        """Gauges of which nothing has come for too long are unknown; gone ones go."""
        changes = []
        for identity, gauge in list(self._gauges.items()):
            change = gauge.lapse(now)
            changes += [change] if change is not None else []
            # Old while the others of this machine are not: its file system is no longer there.
            times = (gauge.looked_at, gauge.memory.heard, gauge.waiting_since)
            last = max(at or 0.0 for at in times)
            gone = not gauge.spec.probe and now - last > GONE_S
            if gone and gauge.level == "unknown" and now - self._sampled_at < GONE_S / 2:
                self._gauges.pop(identity)
                self._own.pop(identity, None)
        return changes

    def shift(self, by_s: float) -> None:
        """The wall clock was set: everything kept moves along."""
        self._moved_s += by_s
        for gauge in self._gauges.values():
            gauge.shift(by_s)

    def wait(self, now: float) -> None:
        """Nothing could be looked at until now: no gauge is to blame for having no new value."""
        for gauge in self._gauges.values():
            gauge.waiting_since = now

    # Keeping

    def remember(
        self,
        kept: Mapping[str, tuple[Memory, list[list[Any]]]],
        now: float,
        moved_s: float = 0.0,
    ) -> None:
        """Take what an earlier session kept: now, and for gauges that are yet to be seen.

        `moved_s`: by how much the clock was set since then.
        """
        self._kept, self._moved_s = dict(kept), moved_s
        # Without a set clock, what was kept ends before now.
        self._waiting_since, self._latest = now - moved_s, now - moved_s + 2.0
        for identity in list(self._kept):
            gauge = self._gauges.get(identity)
            if gauge is not None and gauge.at is None:
                self._remind(gauge)

    def adopt(self, spec: GaugeSpec) -> None:
        """Show a gauge of this machine as it was kept, before it is seen again."""
        if not spec.probe and spec.id not in self._gauges:
            change = self._adjustments.get(spec.id)
            if change is None or not change.hide:
                self._gauges[spec.id] = self._made(spec)


def _least_every_s(probe: Mapping[str, Any]) -> float:
    """CloudWatch has a new value once a period, and each question costs: never more often."""
    if probe.get("kind") != IN_ONE_CALL:
        return 0.0
    period = probe.get("period", 60)
    return float(period) if isinstance(period, int | float) else 60.0


def _measures(spec: GaugeSpec) -> tuple[Any, ...]:
    """What makes two gauges the same series of values."""
    return (spec.probe, spec.value, spec.every_s, spec.stat, spec.over, spec.rate)


_OWN_ORDER = (
    "host-cpu",
    "host-cores",
    "host-steal",
    "host-iowait",
    "host-load",
    "host-memory",
    "host-swap",
    "host-disk",
    "host-inodes",
    "host-files",
    "host-net",
    "host-io",
)


def host_order(identity: str) -> tuple[int, str]:
    """Where this machine's own gauges stand: processor, memory, disks, the rest."""
    for place, prefix in enumerate(_OWN_ORDER):
        if identity == prefix or identity.startswith(f"{prefix}-"):
            return place, identity
    return len(_OWN_ORDER), identity
