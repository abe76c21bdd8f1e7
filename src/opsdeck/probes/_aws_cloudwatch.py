"""Many metrics of CloudWatch in as few calls as there can be: 500 in each GetMetricData.

CloudWatch bills metrics and not calls (`_aws_cost`), but limits calls, and each takes its time.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from opsdeck.probes._aws_access import READ_S, Access, access, left, now, resolvable, within
from opsdeck.probes._aws_calls import patiently
from opsdeck.probes._aws_errors import problem
from opsdeck.probes.base import Document, ProbeError, Target
from opsdeck.probes.blocking import in_thread
from opsdeck.probes.fill import fill

MOST_IN_A_CALL = 500
MOST_PAGES = 50
LATE_PERIODS = 3
LATE_S = 300
"""Data points come late: so many periods, and at least so long, are looked back beyond the wanted
ones."""

OPERATION = "GetMetricData"
_DEFAULTS: dict[str, Any] = {
    "dimensions": {},
    "statistic": "Average",
    "period": 60,
    "points": 10,
    "empty": None,
    "region": None,
}


class _Metric(NamedTuple):
    """What is asked for, once however many want it."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period: int

    def query(self, number: int) -> dict[str, Any]:
        dimensions = [{"Name": name, "Value": value} for name, value in self.dimensions]
        metric = {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions}
        stat = {"Metric": metric, "Period": self.period, "Stat": self.statistic}
        return {"Id": f"m{number}", "MetricStat": stat, "ReturnData": True}


class _Points(NamedTuple):
    """The complete data points of a metric, oldest first, or why there are none."""

    points: list[tuple[datetime, float]]
    error: ProbeError | None = None


async def look_many(
    target: Target, many: Sequence[Mapping[str, Any]], timeout_s: float
) -> list[Document | ProbeError]:
    """What CloudWatch says of each of these parameter tables of the `cloudwatch` kind.

    An error that concerns one metric, or one region, is that of it alone.
    """
    deadline = time.monotonic() + timeout_s
    try:
        wanted = [_filled(target, parameters) for parameters in many]
        async with asyncio.timeout(timeout_s):
            found_access = await access(target)
            regions = dict.fromkeys(_region(w, found_access) for w in wanted)
            answers = await asyncio.gather(
                *(_region_answers(found_access, r, wanted, deadline, timeout_s) for r in regions)
            )
    except ProbeError as error:
        return [error] * len(many)
    except TimeoutError:
        late = ProbeError(
            "timeout",
            f"AWS cloudwatch {OPERATION} did not answer within {timeout_s:g} s: check the network"
            " and the proxy, or give the probe a longer timeout",
        )
        return [late] * len(many)
    by_region = dict(zip(regions, answers, strict=True))
    return [_document(w, by_region[_region(w, found_access)], found_access) for w in wanted]


def _filled(target: Target, parameters: Mapping[str, Any]) -> dict[str, Any]:
    given = {k: v for k, v in parameters.items() if k not in ("kind", "target", "timeout")}
    return {**_DEFAULTS, **fill(given, target)}


def _region(wanted: Mapping[str, Any], found: Access) -> str:
    return str(wanted.get("region") or found.default_region or "")


def _metric(wanted: Mapping[str, Any]) -> _Metric:
    dimensions = tuple(sorted((str(k), str(v)) for k, v in wanted["dimensions"].items()))
    return _Metric(
        str(wanted["namespace"]),
        str(wanted["metric"]),
        dimensions,
        str(wanted["statistic"]),
        int(wanted["period"]),
    )


async def _region_answers(
    found: Access,
    region: str,
    wanted: Sequence[Mapping[str, Any]],
    deadline: float,
    timeout_s: float,
) -> dict[_Metric, _Points] | ProbeError:
    """Every metric of one region."""
    mine = [w for w in wanted if _region(w, found) == region]
    # Metrics of one length of time go together: each call has one window.
    lengths: dict[_Metric, int] = {}
    for each in mine:
        metric = _metric(each)
        lengths[metric] = max(lengths.get(metric, 0), int(each["points"]))
    groups: dict[float, list[_Metric]] = {}
    for metric, points in lengths.items():
        span = 2.0 ** math.ceil(math.log2(_span_s(metric, points)))
        groups.setdefault(span, []).append(metric)
    chunks = [
        (span, metrics[start : start + MOST_IN_A_CALL])
        for span, metrics in groups.items()
        for start in range(0, len(metrics), MOST_IN_A_CALL)
    ]
    try:
        client = await found.client("cloudwatch", region, max(READ_S, round(0.4 * timeout_s, 1)))
        await resolvable(str(client.meta.endpoint_url))
        told = await asyncio.gather(
            *(_ask(found, client, metrics, span, deadline) for span, metrics in chunks)
        )
    except ProbeError as error:
        return error
    return {metric: points for answer in told for metric, points in answer.items()}


async def _ask(
    found: Access, client: Any, metrics: list[_Metric], span_s: float, deadline: float
) -> dict[_Metric, _Points]:
    async with found.slots:
        return await in_thread(
            lambda: within(deadline, lambda: _asked(found, client, metrics, span_s))
        )


def _asked(
    found: Access, client: Any, metrics: list[_Metric], span_s: float
) -> dict[_Metric, _Points]:
    """One call with all its pages; blocks; raises ProbeError."""
    moment = now()
    # Whole periods: else data points would not begin where those of other tools do.
    step = max(60, *(metric.period for metric in metrics))
    first = datetime.fromtimestamp((moment.timestamp() - span_s) // step * step, UTC)
    parameters: dict[str, Any] = {
        "MetricDataQueries": [metric.query(number) for number, metric in enumerate(metrics)],
        "StartTime": first,
        "EndTime": moment,
        "ScanBy": "TimestampAscending",
    }
    seen: dict[str, list[tuple[datetime, float]]] = {}
    said: dict[str, str] = {}
    region = str(client.meta.region_name)
    try:
        found.hide()  # they may have been renewed since
        for _ in range(MOST_PAGES):
            if left() <= 0:
                raise TimeoutError
            page = patiently(client.get_metric_data, parameters)
            _take(page, seen, said)
            token = page.get("NextToken")
            if not token:
                break
            if token == parameters.get("NextToken"):
                raise ProbeError("protocol", f"AWS {OPERATION} gives the same page again and again")
            parameters["NextToken"] = token
    except (AttributeError, TypeError, KeyError, ValueError):
        raise ProbeError(
            "protocol", f"AWS cloudwatch {OPERATION} in {region} gave an answer that makes no sense"
        ) from None
    except Exception as error:
        raise problem(error, "cloudwatch", OPERATION, region) from None
    return {
        metric: _points(metric, f"m{n}", seen, said, moment) for n, metric in enumerate(metrics)
    }


def _take(page: Any, seen: dict[str, list[tuple[datetime, float]]], said: dict[str, str]) -> None:
    results = page["MetricDataResults"]
    for result in results if isinstance(results, list) else []:
        name = str(result.get("Id"))
        pairs = zip(result.get("Timestamps") or [], result.get("Values") or [], strict=False)
        seen.setdefault(name, []).extend(
            (at, float(value))
            for at, value in pairs
            if isinstance(at, datetime) and isinstance(value, int | float) and math.isfinite(value)
        )
        status = str(result.get("StatusCode") or "Complete")
        if status in ("InternalError", "Forbidden"):
            said[name] = status


def _points(
    metric: _Metric,
    name: str,
    seen: Mapping[str, list[tuple[datetime, float]]],
    said: Mapping[str, str],
    moment: datetime,
) -> _Points:
    if said.get(name) == "Forbidden":
        what = f"{metric.namespace} {metric.name}"
        return _Points([], ProbeError("rights", f"{what}: these credentials may not read it"))
    if name in said and not seen.get(name):
        return _Points([], ProbeError("protocol", f"CloudWatch failed for {metric.name}: again"))
    # A period that has not ended yet has only a part of its values.
    ended = [
        (at, value)
        for at, value in seen.get(name, ())
        if _utc(at) + timedelta(seconds=metric.period) <= moment
    ]
    return _Points(sorted((_utc(at), value) for at, value in dict(ended).items()))


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _document(
    wanted: Mapping[str, Any], answers: dict[_Metric, _Points] | ProbeError, found: Access
) -> Document | ProbeError:
    if isinstance(answers, ProbeError):
        return answers
    metric = _metric(wanted)
    told = answers[metric]
    if told.error is not None:
        return told.error
    kept = told.points[-int(wanted["points"]) :]
    period = timedelta(seconds=metric.period)
    ends = [at + period for at, _ in kept]
    empty = wanted.get("empty")
    value = kept[-1][1] if kept else empty
    if kept and empty is not None and now() - ends[-1] > period * LATE_PERIODS + _LATE:
        value = empty  # nothing was counted since
    observed = ends[-1] if kept and value is not empty else None
    return {
        "value": value,
        "at": f"{observed:%Y-%m-%dT%H:%M:%SZ}" if observed else None,
        "age_s": round((now() - observed).total_seconds(), 1) if observed else None,
        "observed_s": observed.timestamp() if observed else None,
        "values": [value for _, value in kept],
        "times": [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in ends],
        "namespace": metric.namespace,
        "metric": metric.name,
        "dimensions": json.loads(json.dumps(dict(metric.dimensions))),
        "statistic": metric.statistic,
        "period_s": metric.period,
        "region": _region(wanted, found),
        "not_seen": [] if value is not None else [_nothing(metric, int(wanted["points"]))],
    }


def _nothing(metric: _Metric, points: int) -> Document:
    minutes = _span_s(metric, points) / 60
    why = f"no value in CloudWatch for {minutes:.0f} min"
    return {"part": metric.name, "why": why, "figures": ["value"]}


def _span_s(metric: _Metric, points: int) -> float:
    """How far back must be asked for so many points; the newest may be late."""
    return metric.period * (points + LATE_PERIODS) + LATE_S


_LATE = timedelta(seconds=LATE_S)
