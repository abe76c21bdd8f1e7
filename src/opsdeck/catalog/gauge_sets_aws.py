"""Ready-made gauges of AWS: what `[[gauge]]` tables with `set = "ec2"` and its like become.

A set is a pure function of the target's name, of the `[[gauge]]` table that asks for it and of the
target's table. Metrics and what they mean: the CloudWatch pages of each service's user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Made = list[dict[str, Any]]
_SLUG = re.compile(r"[^a-z0-9]+")
DEFAULT_PERIOD_S = 60
AGENT_NAMESPACE = "CWAgent"
GB = 1_000_000_000


class _Set:
    """What all gauges of one block have in common."""

    def __init__(self, target: str, block: Mapping[str, Any], table: Mapping[str, Any]) -> None:
        self.target = target
        self.block = block
        self.table = table
        self.period = self._period()

    def _period(self) -> int:
        period = self.block.get("period", DEFAULT_PERIOD_S)
        if not isinstance(period, int) or isinstance(period, bool) or period <= 0:
            raise ValueError(f"period is {period!r}; write whole seconds, such as 60 or 300")
        return period

    def only(self, *known: str) -> None:
        """Raise ValueError for a key that this set does not know."""
        allowed = ("set", "target", "period", *known)
        for key in self.block:
            if key not in allowed:
                raise ValueError(f'has "{key}"; this set knows {", ".join(allowed)}')

    def names(self, key: str, *elsewhere: str) -> list[str]:
        """What the block or the target names: a text, or a list of them."""
        value = self.block.get(key)
        for name in elsewhere:
            value = self.table.get(name) if value is None else value
        values = [value] if isinstance(value, str) else value
        if values is None:
            return []
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            raise ValueError(f'{key} must be names, such as ["a", "b"]')
        return list(values)

    def gauge(
        self, name: str, title: str, namespace: str, metric: str, dimensions: Mapping[str, str],
        *, statistic: str = "Average", empty: float | None = None, **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """One `[[gauge]]` table for a metric."""
        probe: dict[str, Any] = {
            "kind": "cloudwatch",
            "target": self.target,
            "namespace": namespace,
            "metric": metric,
            "dimensions": dict(dimensions),
            "statistic": statistic,
            "period": self.period,
        }
        if empty is not None:
            probe["empty"] = empty
        return {
            "id": _id(self.target, name),
            "title": title,
            "probe": probe,
            "value": "value",
            "every": f"{self.period}s",
            "for": f"{2 * self.period}s",
            **more,
        }


def _id(target: str, name: str) -> str:
    return _SLUG.sub("-", f"{target}-{name}".lower()).strip("-")[:80]


def _percent(warn: float, crit: float, playbook: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"unit": "%", "scale": [0, 100], "warn": warn, "crit": crit}
    return {**found, "playbook": playbook} if playbook else found


def ec2(target: str, block: Mapping[str, Any], table: Mapping[str, Any]) -> Made:
    """Processor, memory and disk of each instance, or of an auto-scaling group as a whole."""
    made = _Set(target, block, table)
    made.only("instances", "auto_scaling_group", "agent_namespace", "disk_dimensions")
    instances = made.names("instances", "instances", "instance_ids")
    groups = [] if instances else made.names("auto_scaling_group", "auto_scaling_group")
    if not instances and not groups:
        raise ValueError(
            f'set = "ec2" needs instances = ["i-…"] here, or auto_scaling_group in'
            f" [targets.{target}]"
        )
    agent = str(block.get("agent_namespace") or table.get("agent_namespace") or AGENT_NAMESPACE)
    disk = block.get("disk_dimensions", {"path": "/"})
    if not isinstance(disk, Mapping):
        raise ValueError('disk_dimensions must be a table, such as { path = "/" }')
    found: Made = []
    for dimension, names in (("InstanceId", instances), ("AutoScalingGroupName", groups)):
        for name in names:
            own = {dimension: name}
            found += [
                made.gauge(
                    f"{name}-cpu", f"{name} CPU", "AWS/EC2", "CPUUtilization", own,
                    **_percent(80, 95, "high-cpu-usage"),
                ),
                made.gauge(
                    f"{name}-memory", f"{name} memory", agent, "mem_used_percent", own,
                    **_percent(85, 95, "high-memory-usage"), fills=True,
                ),
                made.gauge(
                    f"{name}-disk", f"{name} disk", agent, "disk_used_percent", {**own, **disk},
                    statistic="Maximum", **_percent(85, 95, "database-disk-space"), fills=True,
                ),
                made.gauge(
                    f"{name}-status", f"{name} status checks", "AWS/EC2", "StatusCheckFailed", own,
                    statistic="Maximum", warn=1, crit=1, scale=[0, 1],
                ),
            ]  # fmt: skip
    return found


def alb(target: str, block: Mapping[str, Any], table: Mapping[str, Any]) -> Made:
    """Latency and failures of a load balancer, and the healthy hosts of its target groups."""
    made = _Set(target, block, table)
    made.only("load_balancer", "target_groups")
    balancers = [_tail(n, "app/", "net/") for n in made.names("load_balancer", "load_balancer")]
    groups = [_tail(n, "targetgroup/") for n in made.names("target_groups")]
    if not balancers:
        raise ValueError(
            'set = "alb" needs load_balancer = "app/NAME/ID" here, or in'
            f" [targets.{target}]: it is the end of the balancer's ARN"
        )
    found: Made = []
    for balancer in balancers:
        own = {"LoadBalancer": balancer}
        short = balancer.split("/")[1] if "/" in balancer else balancer
        found += [
            made.gauge(
                f"{short}-p95", f"{short} p95", "AWS/ApplicationELB", "TargetResponseTime", own,
                statistic="p95", unit="s", warn=1, crit=3, playbook="api-response-slowdown",
            ),
            made.gauge(
                f"{short}-target-5xx", f"{short} target 5xx", "AWS/ApplicationELB",
                "HTTPCode_Target_5XX_Count", own, statistic="Sum", empty=0, warn=5, crit=50,
                playbook="api-response-slowdown",
            ),
            made.gauge(
                f"{short}-elb-5xx", f"{short} balancer 5xx", "AWS/ApplicationELB",
                "HTTPCode_ELB_5XX_Count", own, statistic="Sum", empty=0, warn=5, crit=50,
                playbook="api-response-slowdown",
            ),
        ]  # fmt: skip
        for group in groups:
            name = group.split("/")[1] if "/" in group else group
            both = {**own, "TargetGroup": group}
            found += [
                made.gauge(
                    f"{name}-healthy", f"{name} healthy", "AWS/ApplicationELB",
                    "HealthyHostCount", both, statistic="Minimum", unit="hosts", warn="< 2",
                    crit="< 1",
                ),
                made.gauge(
                    f"{name}-unhealthy", f"{name} unhealthy", "AWS/ApplicationELB",
                    "UnHealthyHostCount", both, statistic="Maximum", unit="hosts", warn=1,
                ),
            ]  # fmt: skip
    return found


def _tail(name: str, *starts: str) -> str:
    """CloudWatch's name of a thing: the end of its ARN, from `app/` or `targetgroup/` on."""
    for start in starts:
        if f":{start}" in name or f"/{start}" in name:
            return start + name.split(start, 1)[1]
    return name


def rds(target: str, block: Mapping[str, Any], table: Mapping[str, Any]) -> Made:
    """Processor, memory, storage, connections and latency of RDS instances."""
    made = _Set(target, block, table)
    made.only("databases", "connection_limit", "storage_gb")
    names = made.names("databases", "database_ids")
    if not names:
        raise ValueError(
            f'set = "rds" needs databases = ["NAME"] here, or database_ids in [targets.{target}]'
        )
    found: Made = []
    for name in names:
        own = {"DBInstanceIdentifier": name}
        found += _database(made, name, "AWS/RDS", own)
        storage = _storage_limits(block)
        found += [
            made.gauge(
                f"{name}-storage", f"{name} free storage", "AWS/RDS", "FreeStorageSpace", own,
                statistic="Minimum", unit="B", **storage, playbook="database-disk-space",
            ),
            made.gauge(
                f"{name}-read", f"{name} read", "AWS/RDS", "ReadLatency", own, unit="s",
                warn=0.02, crit=0.1,
            ),
            made.gauge(
                f"{name}-write", f"{name} write", "AWS/RDS", "WriteLatency", own, unit="s",
                warn=0.02, crit=0.1,
            ),
        ]  # fmt: skip
    return found


def _storage_limits(block: Mapping[str, Any]) -> dict[str, Any]:
    """A fifth and a tenth of the storage where its size is told, else 10 and 2 GB."""
    size = block.get("storage_gb")
    if isinstance(size, int | float) and not isinstance(size, bool) and size > 0:
        limits = {"warn": f"< {round(size * GB / 5)}", "crit": f"< {round(size * GB / 10)}"}
        return {**limits, "scale": [0, round(size * GB)]}
    return {"warn": f"< {10 * GB}", "crit": f"< {2 * GB}"}


def documentdb(target: str, block: Mapping[str, Any], table: Mapping[str, Any]) -> Made:
    """Processor, memory, connections, cache, lag and volume of a DocumentDB cluster."""
    made = _Set(target, block, table)
    made.only("cluster", "instances", "connection_limit")
    clusters = made.names("cluster", "database_cluster")
    known = made.names("instances")
    if not clusters and not known:
        known = made.names("database_ids", "database_ids")
    if not clusters and not known:
        raise ValueError(
            'set = "documentdb" needs cluster = "NAME" or instances = ["NAME"] here, or'
            f" database_ids in [targets.{target}]"
        )
    found: Made = []
    for name in clusters:
        own = {"DBClusterIdentifier": name}
        found += _database(made, name, "AWS/DocDB", own)
        found += [
            made.gauge(
                f"{name}-lag", f"{name} replica lag", "AWS/DocDB", "DBClusterReplicaLagMaximum",
                own, statistic="Maximum", unit="ms", warn=1_000, crit=10_000,
            ),
            made.gauge(
                f"{name}-volume", f"{name} volume", "AWS/DocDB", "VolumeBytesUsed", own, unit="B"
            ),
        ]  # fmt: skip
    for name in known:
        own = {"DBInstanceIdentifier": name}
        found += _database(made, name, "AWS/DocDB", own)
        found.append(
            made.gauge(
                f"{name}-cache", f"{name} cache hits", "AWS/DocDB", "BufferCacheHitRatio", own,
                unit="%", scale=[0, 100], warn="< 95", crit="< 80",
            )
        )  # fmt: skip
    return found


def _database(made: _Set, name: str, namespace: str, own: Mapping[str, str]) -> Made:
    """What every database has."""
    limit = made.block.get("connection_limit")
    limits: dict[str, Any] = {}
    if isinstance(limit, int | float) and not isinstance(limit, bool) and limit > 0:
        limits = {"warn": 0.8 * limit, "crit": 0.95 * limit, "scale": [0, limit]}
    return [
        made.gauge(
            f"{name}-cpu", f"{name} CPU", namespace, "CPUUtilization", own,
            **_percent(80, 95, "high-cpu-usage"),
        ),
        made.gauge(
            f"{name}-memory", f"{name} free memory", namespace, "FreeableMemory", own,
            statistic="Minimum", unit="B", warn=f"< {GB // 2}", crit=f"< {GB // 5}",
            playbook="high-memory-usage",
        ),
        made.gauge(
            f"{name}-connections", f"{name} connections", namespace, "DatabaseConnections", own,
            statistic="Maximum", **limits, playbook="database-connection-pool-exhausted",
        ),
    ]  # fmt: skip


def alarms(target: str, block: Mapping[str, Any], table: Mapping[str, Any]) -> Made:
    """How many of CloudWatch's own alarms ring."""
    made = _Set(target, block, table)
    made.only("alarm_prefix")
    prefix = block.get("alarm_prefix") or table.get("alarm_prefix") or ""
    parameters: dict[str, Any] = {"StateValue": "ALARM"}
    if prefix:
        parameters["AlarmNamePrefix"] = str(prefix)
    parameters["AlarmTypes"] = ["MetricAlarm", "CompositeAlarm"]
    probe = {
        "kind": "aws",
        "target": target,
        "service": "cloudwatch",
        "operation": "DescribeAlarms",
        "parameters": parameters,
    }
    return [
        {
            "id": _id(target, "alarms"),
            "title": "Alarms that ring",
            "probe": probe,
            "value": "sum([length(MetricAlarms || `[]`), length(CompositeAlarms || `[]`)])",
            "every": f"{made.period}s",
            "warn": 1,
            "crit": 1,
        }
    ]


SETS: dict[str, Callable[[str, Mapping[str, Any], Mapping[str, Any]], Made]] = {
    "ec2": ec2,
    "alb": alb,
    "rds": rds,
    "documentdb": documentdb,
    "alarms": alarms,
}
