"""CloudWatch's alarms and metrics with what people ask of them: what an alarm watches, whether
it calls somebody, whether it looks the wrong way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_CALLS = re.compile(r"arn:aws[\w-]*:(?:sns|ssm|ssm-incidents|ssm-contacts|lambda):")
"""Actions that reach people; those of EC2 and of auto-scaling only do something to machines."""

_CHILD = re.compile(r"(?<!NOT )\bALARM\s*\(\s*(?:\"([^\"]+)\"|([^\s\")]+))\s*\)")
_SELECT = re.compile(
    r"SELECT\s+\w+\(\s*\"?([^\s\")]+)\"?\s*\)\s+FROM\s+(?:SCHEMA\(\s*)?(?:\"([^\"]+)\"|([^\s\",)]+))",
    re.IGNORECASE,
)
_WHERE = re.compile(r"\"?([\w.\-]+)\"?\s*=\s*'([^']*)'")

_FALLS = re.compile(r"free|(?<!un)available|hit_?rat|remaining|credit_?balance|oplog_?window", re.I)
_RISES = re.compile(
    r"connections|_?lag|used|utili[sz]ation|usage|latency|errors|5xx|queue|deadlock|unhealthy", re.I
)

_SPARSE = {
    "AWS/ApplicationELB": re.compile(
        r"HTTPCode_(?:Target|ELB)_[345](?:XX|0\d)_Count|TargetConnectionErrorCount"
        r"|ClientTLSNegotiationErrorCount|TargetTLSNegotiationErrorCount|RejectedConnectionCount"
    ),
    "AWS/Backup": re.compile(r"NumberOf(?:Backup|Copy|Restore)Jobs(?:Failed|Expired|Aborted)"),
}
"""Counts that have no datapoint as long as nothing goes wrong."""


def with_facts(reply: dict[str, Any]) -> dict[str, Any]:
    """The reply of DescribeAlarms with, for each metric alarm,

    - `watches`: the series it is about, each `{ namespace, metric, dimensions, query }`;
    - `rings`: whether it tells somebody, itself or through a composite alarm;
    - `scaling`: whether auto-scaling made it for itself;
    - `backward`: whether it rings when all is well (free space above, connections below);
    - `sparse`: whether no data means that nothing went wrong.
    """
    alarms, composites = _list(reply, "MetricAlarms"), _list(reply, "CompositeAlarms")
    heard = _heard(composites)
    for alarm in alarms:
        watches = list(_watches(alarm))
        alarm["watches"] = watches
        alarm["rings"] = _calls(alarm) or str(alarm.get("AlarmName")) in heard
        alarm["scaling"] = str(alarm.get("AlarmName", "")).startswith("TargetTracking-")
        alarm["backward"] = any(_backward(alarm, watch["metric"]) for watch in watches)
        alarm["sparse"] = any(_sparse(watch) for watch in watches)
    return reply


def with_dimensions(reply: dict[str, Any]) -> dict[str, Any]:
    """The reply of ListMetrics in which every metric also is a table of the same form as those
    in an alarm's `watches`."""
    for metric in _list(reply, "Metrics"):
        metric.update(_series(metric))
    return reply


def _calls(alarm: Mapping[str, Any]) -> bool:
    actions = alarm.get("AlarmActions")
    found = actions if isinstance(actions, list) else []
    return bool(alarm.get("ActionsEnabled")) and any(_CALLS.match(str(one)) for one in found)


def _heard(composites: Iterable[Mapping[str, Any]]) -> set[str]:
    """The names of the alarms on whose account a composite alarm calls somebody."""
    rules = {str(one.get("AlarmName")): _children(one) for one in composites}
    left = [str(one.get("AlarmName")) for one in composites if _calls(one)]
    heard: set[str] = set()
    while left:
        for child in rules.get(left.pop(), set()) - heard:
            heard.add(child)
            left.append(child)
    return heard


def _children(composite: Mapping[str, Any]) -> set[str]:
    found = _CHILD.findall(str(composite.get("AlarmRule", "")))
    return {re.sub(r"^arn:aws.*?:alarm:", "", quoted or plain) for quoted, plain in found}


def _watches(alarm: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if alarm.get("MetricName"):
        yield _series(alarm)
    for part in _list(alarm, "Metrics"):
        stat, expression = part.get("MetricStat"), part.get("Expression")
        if isinstance(stat, Mapping) and isinstance(stat.get("Metric"), Mapping):
            yield _series(stat["Metric"])
        elif isinstance(expression, str) and (select := _SELECT.search(expression)):
            where = re.split(r"\bWHERE\b", expression, maxsplit=1, flags=re.IGNORECASE)[1:]
            yield {
                "namespace": select[2] or select[3],
                "metric": select[1],
                "dimensions": dict(_WHERE.findall(where[0])) if where else {},
                "query": True,
            }


def _series(metric: Mapping[str, Any]) -> dict[str, Any]:
    dimensions = _list(metric, "Dimensions")
    return {
        "namespace": str(metric.get("Namespace", "")),
        "metric": str(metric.get("MetricName", "")),
        "dimensions": {str(one.get("Name")): str(one.get("Value")) for one in dimensions},
        "query": False,
    }


def _backward(alarm: Mapping[str, Any], metric: str) -> bool:
    comparison = str(alarm.get("ComparisonOperator", ""))
    if _FALLS.search(metric):
        return comparison.startswith("GreaterThan")
    return (
        bool(_RISES.search(metric))
        and comparison.startswith("LessThan")
        and ("OrGreaterThan" not in comparison)
    )


def _sparse(watch: Mapping[str, Any]) -> bool:
    pattern = _SPARSE.get(str(watch["namespace"]))
    return bool(pattern and pattern.fullmatch(str(watch["metric"])))


def _list(table: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = table.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
