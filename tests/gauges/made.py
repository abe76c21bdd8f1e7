"""Gauges and values made for tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opsdeck.catalog.gauges import GaugeSpec, Limit
from opsdeck.checks.reading import Reading
from opsdeck.gauges.gauge import Change, Gauge

START = 1_795_400_000.0


def above(warn: float, crit: float) -> dict[str, Any]:
    """Limits of which high values are the bad ones."""
    return {"warn": Limit(">=", warn), "crit": Limit(">=", crit)}


def below(warn: float, crit: float) -> dict[str, Any]:
    """Limits of which low values are the bad ones."""
    return {"warn": Limit("<=", warn), "crit": Limit("<=", crit)}


def spec(identity: str = "g", **more: Any) -> GaugeSpec:
    """A gauge of a target, looked at every five seconds."""
    more = {"title": "G", "source": "web", "probe": {"kind": "tcp"}, "every_s": 5.0, **more}
    return GaugeSpec(id=identity, **more)


def own(identity: str = "host-x", **more: Any) -> GaugeSpec:
    """A gauge of this machine."""
    return spec(identity, **{"source": "host", "probe": {}, "unit": "%", **more})


def value(number: float | None) -> Reading:
    """What a look brought; None for a look without an answer."""
    if number is None:
        return Reading(cause="timeout", message="no answer")
    return Reading(value=number)


def feed(
    gauge: Gauge, numbers: Iterable[float | None], start: float = START, step: float = 5.0
) -> list[Change]:
    """Readings one after the other; the changes of level they bring."""
    found = [gauge.take(value(n), start + i * step) for i, n in enumerate(numbers)]
    return [change for change in found if change is not None]
