"""Gauges as they were while an incident lasted, each as one line of text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from opsdeck.catalog.gauges import GaugeSpec
from opsdeck.gauges.keeping import Last, Past
from opsdeck.gauges.series import Point, Series
from opsdeck.gauges.words import LARGEST, amount
from opsdeck.incidents.model import Incident
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import Recorded

COLUMNS = 32
_HEIGHTS = "▁▂▃▄▅▆▇█"

Kept = tuple[Last | None, Past | None]
"""What `gauges.keeping.read_kept` gives."""


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One gauge over an incident's window.

    `columns` are its values, oldest first, None where nothing is known; each covers `column_s`
    seconds or, where that is None, is one value that an event holds. `peak` is the worst value:
    the highest, or the lowest of a gauge whose low values are the bad ones.
    """

    id: str
    title: str
    unit: str
    columns: tuple[float | None, ...]
    column_s: float | None
    first: float
    peak: float
    last: float
    scale: tuple[float, float]


class _Seen(msgspec.Struct):
    """What events say of one gauge: (time, value), and the extremes of levels it had."""

    title: str = ""
    unit: str = ""
    values: list[tuple[float, float]] = []
    extremes: list[float] = []


def tracks(
    one: Incident,
    beside: Iterable[Recorded],
    bounds: tuple[datetime, datetime],
    kept: Kept = (None, None),
) -> list[Track]:
    """The gauges that the incident, its steps and its commands name, or that changed meanwhile.

    What was kept of them is drawn as time went on, with gaps filled from events; of a gauge of
    which nothing was kept each value that an event holds is a column.
    """
    seen = _seen(one, beside, bounds)
    last, past = kept
    specs = {each.spec.id: each.spec for each in last.gauges} if last is not None else {}
    if one.gauge:
        seen.setdefault(one.gauge, _Seen())
    found = []
    for identity, each in seen.items():
        series = _series(past.series.get(identity)) if past is not None else None
        track = _track(identity, each, specs.get(identity), series, bounds)
        found += [track] if track is not None else []
    return sorted(found, key=lambda track: track.id != one.gauge)


def line_of(track: Track) -> str:
    """`▁▂▅█▂  41 … 96 … 38 %`: its way, then the first, the worst and the last value."""
    spark = "".join(_height(value, track.scale) for value in track.columns)
    values = [amount(value, track.unit) for value in (track.first, track.peak, track.last)]
    if len(set(values)) == 1:
        return f"{spark}  {values[0]}"
    if track.unit not in ("", "B", "B/s"):
        values[:2] = [value.removesuffix(f" {track.unit}") for value in values[:2]]
    return f"{spark}  {' … '.join(values)}"


def _height(value: float | None, scale: tuple[float, float]) -> str:
    if value is None:
        return " "
    low, high = scale
    share = (value - low) / (high - low) if high > low else 0.0
    return _HEIGHTS[max(0, min(7, math.ceil(share * 8) - 1))]


# What events say


def _seen(
    one: Incident, beside: Iterable[Recorded], bounds: tuple[datetime, datetime]
) -> dict[str, _Seen]:
    found: dict[str, _Seen] = {}
    for at, values in _noted(one):
        for each in values:
            _take(found, at, each, each.get("id"))
    for recorded in beside:
        event = recorded.event
        when = parse_wall(event.at) if event.type == ev.GAUGE_CHANGED else None
        if when is None or not bounds[0] <= when <= bounds[1]:
            continue
        seen = _take(found, when.timestamp(), event.data, event.data.get("gauge"))
        began = event.data.get("start")
        start = parse_wall(began) if isinstance(began, str) else None
        if seen is not None and start is not None and start >= bounds[0]:
            extremes = (_number(event.data.get(key)) for key in ("min", "max"))
            seen.extremes += [value for value in extremes if value is not None]
    for seen in found.values():
        seen.values.sort(key=lambda pair: pair[0])  # those of one moment stay in their order
    return found


def _noted(one: Incident) -> Iterator[tuple[float, list[Mapping[str, Any]]]]:
    """Gauges as they were when something happened in the incident."""
    for happening in one.happenings:
        values, at = happening.data.get("gauges"), parse_wall(happening.at)
        if isinstance(values, list) and at is not None:
            yield at.timestamp(), [value for value in values if isinstance(value, dict)]


def _take(
    found: dict[str, _Seen], at: float, data: Mapping[str, Any], identity: Any
) -> _Seen | None:
    if not isinstance(identity, str) or not identity:
        return None
    seen = found.setdefault(identity, _Seen())
    title, unit, value = data.get("title"), data.get("unit"), _number(data.get("value"))
    seen.title = title if isinstance(title, str) and title else seen.title
    seen.unit = unit if isinstance(unit, str) and unit else seen.unit
    if value is not None and data.get("to") != "unknown":
        seen.values.append((at, value))
    return seen


def _number(value: Any) -> float | None:
    """A number of an event; another writer may have written anything."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and abs(value) < LARGEST else None


# What was kept


def _series(dump: list[list[Any]] | None) -> Series | None:
    """A gauge's past as it was kept; its finest slots say how long they are."""
    step = dump[0][0] if dump and dump[0] else None
    if dump is None or not isinstance(step, int | float) or not 0 < step < math.inf:
        return None
    series = Series(float(step))
    series.load(dump)
    return series


def _columns(
    seen: _Seen, series: Series | None, bounds: tuple[datetime, datetime]
) -> tuple[list[Point | None], float | None]:
    """One point a column, and how many seconds it covers; None where each is a single value."""
    start, end = (moment.timestamp() for moment in bounds)
    points = series.window(end, max(1.0, end - start), COLUMNS) if series is not None else []
    if series is None or not any(points):
        return [Point(value, value, value) for _, value in seen.values], None
    width = series.column_s(max(1.0, end - start), COLUMNS)
    first = int(end // width) - len(points) + 1
    for at, value in seen.values:
        place = int(at // width) - first
        if 0 <= place < len(points) and points[place] is None:
            points[place] = Point(value, value, value)
    return points, width


def _track(
    identity: str,
    seen: _Seen,
    spec: GaugeSpec | None,
    series: Series | None,
    bounds: tuple[datetime, datetime],
) -> Track | None:
    points, width = _columns(seen, series, bounds)
    known = [point for point in points if point is not None]
    if not known:
        return None
    unit = seen.unit or (spec.unit if spec is not None else "")
    below = any(limit.below for limit in (spec.crit, spec.warn) if limit) if spec else False
    told = [*(value for _, value in seen.values), *seen.extremes]
    lowest = min(*(point.low for point in known), *told, known[0].low)
    highest = max(*(point.high for point in known), *told, known[0].high)
    scale = spec.known_scale if spec is not None else (0.0, 100.0) if unit == "%" else None
    return Track(
        id=identity,
        title=seen.title or (spec.title if spec is not None else identity),
        unit=unit,
        columns=tuple(p.mean if p is not None else None for p in _thinned(points)),
        column_s=width,
        first=known[0].mean,
        peak=lowest if below else highest,
        last=_last(seen, known[-1].mean, width, bounds[1]),
        scale=scale or (min(0.0, lowest), highest),
    )


def _last(seen: _Seen, mean: float, width: float | None, end: datetime) -> float:
    """The newest value: that of an event, unless the last column is newer by far."""
    if not seen.values:
        return mean
    at, value = seen.values[-1]
    return value if end.timestamp() - at <= 2 * max(width or 0.0, 60.0) else mean


def _thinned(points: list[Point | None]) -> list[Point | None]:
    """At most COLUMNS of them, the first and the last among those that stay."""
    if len(points) <= COLUMNS:
        return points
    step = (len(points) - 1) / (COLUMNS - 1)
    return [points[round(place * step)] for place in range(COLUMNS)]
