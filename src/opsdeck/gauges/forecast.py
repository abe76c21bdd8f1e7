"""When something that fills will be full: by a robust line through its past.

The line is Theil and Sen's: the median of the slopes between all pairs of points. A third of the
points may be wild without moving it. Whether there is a trend at all is asked of the ranks (Mann
and Kendall), so that noise, a saw-tooth and a single step give no forecast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from opsdeck.gauges.series import Series

MOST_POINTS = 60
LEAST_POINTS = 24
LEAST_SPAN_S = 120.0
WARN_S = 24 * 3_600.0
CRIT_S = 4 * 3_600.0
FARTHEST_S = 30 * 86_400.0
"""A forecast is shown up to so far ahead."""

WINDOWS_S = (6 * 3_600.0, 2 * 3_600.0, 1_800.0, 600.0)
"""What is looked back on, the longest first: what only now began to fill shows in a shorter one."""
FARTHER_THAN_SEEN = 12
"""A line is drawn on for at most so many times as long as it was seen."""

_SURE = 4.0
"""Standard deviations of Mann and Kendall's sum beyond which ranks are no chance."""


class Forecast(NamedTuple):
    """When it will be full, if it goes on like this."""

    full_in_s: float
    per_hour: float
    """How much it rises an hour, in the gauge's unit."""


def forecast_of(series: Series, now: float, full: float) -> Forecast | None:
    """When what the series measures will be full, by the longest window with a real trend."""
    for window_s in WINDOWS_S:
        found = forecast(series.slots(now, window_s), full)
        if found is not None:
            return found
    return None


def forecast(points: Sequence[tuple[float, float]], full: float) -> Forecast | None:
    """When the value reaches `full`; None where there is no real trend towards it.

    `points` are (seconds, value), oldest first.
    """
    if len(points) < LEAST_POINTS or points[-1][0] - points[0][0] < LEAST_SPAN_S:
        return None
    points = _thinned(points)
    span = points[-1][0] - points[0][0]
    left = full - points[-1][1]
    # Most things do not fill: a look at both ends tells, before all pairs are compared.
    if (points[-1][1] - points[0][1]) * FARTHER_THAN_SEEN * 2 < left or not _is_sure(points):
        return None
    slope = _slope(points)
    if slope <= 0:
        return None
    start = points[0][0]
    level = median(value - slope * (at - start) for at, value in points)
    spread = median(abs(value - level - slope * (at - start)) for at, value in points)
    rise = slope * span
    # The last part must still rise as the whole does: what was filled once is not filling.
    recent = points[-max(8, len(points) // 3) :]
    if rise < 3 * spread or _slope(recent) < slope / 4:
        return None
    seconds = max(0.0, left / slope)
    if seconds > min(FARTHEST_S, FARTHER_THAN_SEEN * span):
        return None
    return Forecast(seconds, slope * 3_600)


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most MOST_POINTS, each the mean of a stretch of equal length in time."""
    if len(points) <= MOST_POINTS:
        return list(points)
    start = points[0][0]
    width = (points[-1][0] - start) / MOST_POINTS * (1 + 1e-9)
    groups: dict[int, list[tuple[float, float]]] = {}
    for point in points:
        groups.setdefault(int((point[0] - start) / width), []).append(point)
    return [
        (sum(p[0] for p in group) / len(group), sum(p[1] for p in group) / len(group))
        for _, group in sorted(groups.items())
    ]


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """The median slope between pairs, in the unit a second."""
    slopes = [
        (b[1] - a[1]) / (b[0] - a[0])
        for i, a in enumerate(points)
        for b in points[i + 1 :]
        if b[0] > a[0]
    ]
    return median(slopes) if slopes else 0.0


def median(values: Iterable[float]) -> float:
    """The middle of some numbers."""
    # Not statistics.median: its module brings along fractions and decimals at every start.
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def _is_sure(points: Sequence[tuple[float, float]]) -> bool:
    """Whether later values are higher far more often than chance would have it."""
    values = [value for _, value in points]
    n = len(values)
    score = sum(
        (later > value) - (later < value)
        for i, value in enumerate(values)
        for later in values[i + 1 :]
    )
    deviation = math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return score / deviation > _SURE
