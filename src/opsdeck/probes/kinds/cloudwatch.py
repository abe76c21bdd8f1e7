"""The `cloudwatch` kind: one metric of CloudWatch, as its newest complete data point."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opsdeck.probes.base import Document, Parameter, ProbeError, Target
from opsdeck.probes.blocking import import_module

ABOUT = "a metric of CloudWatch: its newest complete data point, and those before it"
TARGETS = ("aws",)
PARAMETERS = {
    "namespace": Parameter((str,), "e.g. AWS/EC2, or your agent's", required=True),
    "metric": Parameter((str,), "the metric's name, e.g. CPUUtilization", required=True),
    "dimensions": Parameter((dict,), 'e.g. { InstanceId = "i-0abc" }', {}),
    "statistic": Parameter(
        (str,), "Average, Sum, Minimum, Maximum, SampleCount, or a percentile: p95", "Average"
    ),
    "period": Parameter((int,), "seconds of a data point: 1, 5, 10, 30, or a multiple of 60", 60),
    "points": Parameter((int,), "how many data points come along, 1 to 360", 10),
    "empty": Parameter(
        (int, float), "what no data point means, e.g. 0 for a count of errors (else nothing)"
    ),
    "region": Parameter((str,), "another region than the target's"),
}

STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
_PERCENTILE = re.compile(r"p(?:100|[0-9]{1,2})(?:\.[0-9]{1,10})?")
_SHORT = (1, 5, 10, 30)
LONGEST_PERIOD_S = 86_400
MOST_POINTS = 360
MOST_DIMENSIONS = 30


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What CloudWatch would not accept."""
    for key in ("namespace", "metric"):
        if isinstance(parameters.get(key), str) and not parameters[key].strip():
            yield f"{key} is empty"
    statistic = parameters.get("statistic", "Average")
    known = not isinstance(statistic, str) or statistic in STATISTICS or "{" in statistic
    if not known and not _PERCENTILE.fullmatch(statistic):
        yield f"statistic is {statistic!r}; it must be {', '.join(STATISTICS)} or e.g. p95"
    period = parameters.get("period", 60)
    if isinstance(period, int) and not _is_period(period):
        yield f"period is {period}; it must be 1, 5, 10, 30 or a multiple of 60, at most a day"
    points = parameters.get("points", 10)
    if isinstance(points, int) and not 1 <= points <= MOST_POINTS:
        yield f"points is {points}; it must be 1 to {MOST_POINTS}"
    dimensions = parameters.get("dimensions", {})
    if isinstance(dimensions, Mapping):
        if len(dimensions) > MOST_DIMENSIONS:
            yield f"dimensions has {len(dimensions)} names; CloudWatch takes {MOST_DIMENSIONS}"
        for name, value in dimensions.items():
            if not isinstance(value, str) or not value:
                yield f"dimensions: {name} must be a text"


def _is_period(period: int) -> bool:
    return period in _SHORT or (0 < period <= LONGEST_PERIOD_S and period % 60 == 0)


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """Ask for one metric; raises ProbeError when CloudWatch does not answer or refuses."""
    calls = await import_module("opsdeck.probes._aws_cloudwatch")
    found: Document | ProbeError = (await calls.look_many(target, [parameters], timeout_s))[0]
    if isinstance(found, ProbeError):
        raise found
    return found
