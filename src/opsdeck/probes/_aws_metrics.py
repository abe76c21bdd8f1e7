"""CloudWatch series in order of time, and what people ask of them: latest, sum, percent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


def with_series(reply: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The reply of GetMetricData or GetMetricStatistics with `series`: by its id, or by the
    statistic, the `latest`, `latest_age_s`, `min`, `max`, `mean`, `sum` and `count`.

    AWS gives series newest first, some stand-ins in any order: here they go forward in time.
    """
    series: dict[str, Any] = {}
    results = reply.get("MetricDataResults")
    for result in results if isinstance(results, list) else []:
        if not isinstance(result, dict):
            continue
        points = _points(result.get("Timestamps"), result.get("Values"))
        result["Timestamps"] = [moment for moment, _ in points]
        result["Values"] = [value for _, value in points]
        series[_free(str(result.get("Id", "")), series)] = _summary(points, now)
    datapoints = reply.get("Datapoints")
    if isinstance(datapoints, list):
        found = [p for p in datapoints if isinstance(p, dict)]
        found.sort(key=lambda point: _time(point.get("Timestamp")))
        reply["Datapoints"] = found
        for name in STATISTICS:
            if any(name in point for point in found):
                times = [point.get("Timestamp") for point in found]
                values = [point.get(name) for point in found]
                series[name] = _summary(_points(times, values), now)
    return {**reply, "series": series}


def percent(series: Mapping[str, Any], of: str, within: str) -> float | None:
    """How much of the sum of series `within` the sum of series `of` is; None when there is no
    such series or the whole is nothing. A series without datapoints counts as nothing."""
    part, whole = series.get(of), series.get(within)
    if not isinstance(part, Mapping) or not isinstance(whole, Mapping):
        return None
    total = whole.get("sum") or 0.0
    if total <= 0:
        return None
    return round(100 * float(part.get("sum") or 0.0) / float(total), 3)


def _points(times: Any, values: Any) -> list[tuple[Any, float]]:
    pairs = zip(_list(times), _list(values), strict=False)
    sound = [(t, float(v)) for t, v in pairs if isinstance(v, int | float) and math.isfinite(v)]
    return sorted(sound, key=lambda pair: _time(pair[0]))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(1970, 1, 1, tzinfo=UTC)


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The id, numbered where a search gave several series under one."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _summary(points: list[tuple[Any, float]], now: datetime) -> dict[str, Any]:
    values = [value for _, value in points]
    if not values:
        nothing = dict.fromkeys(("latest", "latest_age_s", "min", "max", "mean"))
        return {**nothing, "sum": 0.0, "count": 0}
    total = sum(values)
    return {
        "latest": values[-1],
        "latest_age_s": round((now - _time(points[-1][0])).total_seconds(), 1),
        "min": min(values),
        "max": max(values),
        "mean": total / len(values),
        "sum": total,
        "count": len(values),
    }
