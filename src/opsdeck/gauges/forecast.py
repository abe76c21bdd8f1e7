"""When something that fills will be full: by a robust line through its past.

A window of the past is cut into a few blocks, and each block is its median, so that wild values
count for nothing. The line through these is Theil and Sen's: the median of the slopes between all
pairs. There is a forecast only where the trend is real:

- the blocks rise by so much more than they differ in their rises that a random walk does not do it
  (Student's t of the rises from block to block): noise, a single step and memory that comes and
  goes give no forecast;
- both halves rise alike: what was filled once, or is levelling off, is not filling;
- it is higher than it was in the days before: what was as high and came down again, as the teeth of
  a saw do, may come down again.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from opsdeck.gauges.series import Series

BLOCKS = 16
LEAST_POINTS = 3 * BLOCKS
LEAST_SPAN_S = 240.0
WARN_S = 24 * 3_600.0
CRIT_S = 4 * 3_600.0
FARTHEST_S = 30 * 86_400.0
"""A forecast is shown up to so far ahead."""

WINDOWS_S = (24 * 3_600.0, 6 * 3_600.0, 2 * 3_600.0, 1_800.0, 600.0)
"""What is looked back on, the longest first: what only now began to fill shows in a shorter one."""
FARTHER_THAN_SEEN = 12
"""A line is drawn on for at most so many times as long as it was seen."""

BEFORE_S = (24 * 3_600.0, 48 * 3_600.0)
"""What was as high within so much time before and came down is not taken to fill: first by fine
slots, which show short peaks, then by coarse ones."""

ALARM_AFTER_S = 3_600.0
"""A trend that was seen for so long counts as a level: what starts up or is built rises as well."""

_SURE = 7.0
"""Student's t from which on the rises from block to block are no chance."""
_ALIKE = 1.6
"""By what factor the rises of both halves may differ."""


class Forecast(NamedTuple):
    """When it will be full, if it goes on like this."""

    full_in_s: float
    per_hour: float
    """How much it rises an hour, in the gauge's unit."""
    seen_s: float = 0.0
    """For how long it was seen to do so."""


class _Line(NamedTuple):
    slope: float
    """A second."""
    now: float
    """Where the line is at the last point."""
    spread: float
    """The median distance of a block from it."""


def forecast_of(series: Series, now: float, full: float, sign: float = 1.0) -> Forecast | None:
    """When what the series measures will be full, by the longest window with a real trend.

    With `sign` -1 for what runs empty: `full` is then what it falls to.
    """
    for window_s in WINDOWS_S:
        points = series.slots(now, window_s)
        if sign != 1.0:
            points = [(at, sign * value) for at, value in points]
        if not points or points[-1][0] - points[0][0] < 0.45 * window_s:
            continue  # a shorter window shows the same, and finer
        found = forecast(points, sign * full)
        if found is not None:
            left, rise = (s * found.per_hour / 3_600 for s in (found.full_in_s, found.seen_s))
            highest = _highest(series, points[0][0], now, sign)
            return found if sign * full - left >= highest + rise / 10 else None
    return None


def _highest(series: Series, start: float, now: float, sign: float) -> float:
    """The worst that was seen before a window."""
    spans = (span_s - (now - start) for span_s in BEFORE_S)
    before = (value for span_s in spans if span_s > 0 for _, value in series.slots(start, span_s))
    return max((sign * value for value in before), default=-math.inf)


def forecast(points: Sequence[tuple[float, float]], full: float) -> Forecast | None:
    """When the value reaches `full`; None where there is no real trend towards it.

    `points` are (seconds, value), oldest first.
    """
    if len(points) < LEAST_POINTS or points[-1][0] - points[0][0] < LEAST_SPAN_S:
        return None
    blocks = _blocks(points)
    if len(blocks) < 3 * BLOCKS // 4 or not _is_sure(blocks):
        return None
    line = _line(blocks, points[-1][0])
    span = points[-1][0] - points[0][0]
    if line is None or line.slope * span < 3 * line.spread:
        return None
    middle = len(blocks) // 2
    halves = (_slope(blocks[:middle]), _slope(blocks[middle:]))
    if any(not line.slope / _ALIKE <= slope <= line.slope * _ALIKE for slope in halves):
        return None
    seconds = max(0.0, (full - line.now) / line.slope)
    if seconds > min(FARTHEST_S, FARTHER_THAN_SEEN * span):
        return None
    return Forecast(seconds, line.slope * 3_600, span)


def _blocks(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The medians of stretches of equal length in time."""
    start = points[0][0]
    width = (points[-1][0] - start) / BLOCKS * (1 + 1e-9)
    times, values = [at for at, _ in points], [value for _, value in points]
    edges = [bisect_left(times, start + number * width) for number in range(1, BLOCKS)]
    return [
        (median(times[first:end]), median(values[first:end]))
        for first, end in pairwise([0, *edges, len(times)])
        if first < end
    ]


def _is_sure(blocks: Sequence[tuple[float, float]]) -> bool:
    """Whether the rises from block to block are more than chance."""
    rises = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(blocks) if b > a]
    mean = sum(rises) / len(rises)
    if mean <= 0 or not math.isfinite(mean):
        return False
    variance = sum((rise - mean) ** 2 for rise in rises) / (len(rises) - 1)
    return mean >= _SURE * math.sqrt(variance / len(rises))


def _line(blocks: Sequence[tuple[float, float]], end: float) -> _Line | None:
    slope = _slope(blocks)
    if slope <= 0:
        return None
    now = median(value + slope * (end - at) for at, value in blocks)
    spread = median(abs(value + slope * (end - at) - now) for at, value in blocks)
    return _Line(slope, now, spread)


def _slope(blocks: Sequence[tuple[float, float]]) -> float:
    """The median slope between pairs, in the unit a second."""
    return median(
        (b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(blocks) for b in blocks[i + 1 :]
    )


def median(values: Iterable[float]) -> float:
    """The middle of some numbers."""
    # Not statistics.median: its module brings along fractions and decimals at every start.
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
