"""Hosts on EC2 and the alarms about them, for worlds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.probes.partners_aws import REGION, Moto
from tests.probes.partners_cloud import ACTION, Build

Dimensions = Mapping[str, str]
Edit = Callable[[bytes], bytes]
"""Changes moto's answers."""

SCALE = f"arn:aws:autoscaling:{REGION}:123456789012:scalingPolicy:1:autoScalingGroupName/web:up"
RECOVER = f"arn:aws:automate:{REGION}:ec2:recover"
DOCDB = "AWS/DocDB"
TRIO = ("DatabaseConnections", "FreeLocalStorage", "DBInstanceReplicaLag")
DATABASE_KEYS = {"database_namespace": DOCDB, "database_ids": ["orders", "orders-1"]}


def hosts(aws: Moto, count: int, **tags: str) -> list[str]:
    """The ids of as many new instances with these tags; `group` is their auto-scaling group."""
    named = {"aws:autoscaling:groupName" if k == "group" else k: v for k, v in tags.items()}
    pairs = [{"Key": key, "Value": value} for key, value in named.items()]
    more = {"TagSpecifications": [{"ResourceType": "instance", "Tags": pairs}]} if pairs else {}
    made = aws.client("ec2").run_instances(
        ImageId="ami-1", MinCount=count, MaxCount=count, InstanceType="m5.large", **more
    )
    return [str(entry["InstanceId"]) for entry in made["Instances"]]


def tell(aws: Moto, namespace: str, metric: str, *series: Dimensions) -> None:
    """A datapoint of five minutes ago in each series."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    data = [
        {"MetricName": metric, "Value": 40, "Timestamp": at, "Dimensions": _pairs(dimensions)}
        for dimensions in series
    ]
    client = aws.client("cloudwatch")
    for start in range(0, len(data), 20):
        client.put_metric_data(Namespace=namespace, MetricData=data[start : start + 20])


def alarm(
    aws: Moto, name: str, namespace: str, metric: str, dimensions: Dimensions, **changed: Any
) -> None:
    """An alarm as it should be, but for what is `changed`; `state` is the one it is in."""
    client = aws.client("cloudwatch")
    state = changed.pop("state", "OK")
    one = {"Namespace": namespace, "MetricName": metric, "Dimensions": _pairs(dimensions)}
    watched = {} if "Metrics" in changed else {**one, "Statistic": "Average", "Period": 60}
    client.put_metric_alarm(
        **{
            "AlarmName": name,
            "EvaluationPeriods": 5,
            "Threshold": 80.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "AlarmActions": [ACTION],
            "TreatMissingData": "breaching",
            **watched,
            **changed,
        }
    )
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


def composite(rule: str) -> Edit:
    """Puts a composite alarm with this rule, that calls somebody, into moto's answers: moto can
    make none."""
    one = {"AlarmName": "any", "AlarmRule": rule, "ActionsEnabled": True, "AlarmActions": [ACTION]}

    def edit(content: bytes) -> bytes:
        if b"MetricAlarms" not in content:
            return content
        return json.dumps({**json.loads(content), "CompositeAlarms": [one]}).encode()

    return edit


def select(text: str) -> list[dict[str, Any]]:
    """What a Metrics Insights alarm asks."""
    return [{"Id": "q", "Expression": text, "Period": 60, "ReturnData": True}]


def watched_hosts(
    namespace: str,
    metric: str,
    *,
    count: int = 2,
    alarmed: int | None = None,
    by_group: bool = False,
    gone: bool = False,
    other: Sequence[Dimensions] = (),
    query: str = "",
    **changed: Any,
) -> Build:
    """Hosts that report a metric, of which the first `alarmed` (all) have an alarm on it.

    `by_group`: one alarm for the group instead; `query`: one that asks; `gone`: an alarm on a
    host that was terminated; `other`: further series, by path, of each host. `changed` is what
    the last alarm has otherwise.
    """

    def build(aws: Moto) -> Mapping[str, Any]:
        ids = hosts(aws, count, group="web", env="production")
        series: list[dict[str, str]] = [{"InstanceId": one} for one in ids]
        if metric == "disk_used_percent":
            series = [{**one, "path": "/", "fstype": "xfs"} for one in series]
        more = [{"InstanceId": one, **extra} for one in ids for extra in other]
        group = {"AutoScalingGroupName": "web"}
        tell(aws, namespace, metric, *series, *more, group)
        about: list[dict[str, str]] = [group] if by_group else series[:alarmed]
        if query:
            about, changed["Metrics"] = [{}], select(query)
        for number, dimensions in enumerate(about):
            told = changed if number == len(about) - 1 else {}
            alarm(aws, f"a-{number}", namespace, metric, dimensions, **told)
        if gone:
            old = {"state": "INSUFFICIENT_DATA"}
            alarm(aws, "old", namespace, metric, {"InstanceId": "i-0123456789abcdef0"}, **old)
        return {"instance_filters": [{"Name": "tag:env", "Values": ["production"]}]}

    return build


def agents(count: int, *, memory: int, disk: int, apart: int = 0, stopped: int = 0) -> Build:
    """Hosts of which so many tell memory and disk use; `apart` are staging's, and tell nothing."""

    def build(aws: Moto) -> Mapping[str, Any]:
        ids = hosts(aws, count, env="production")
        if apart:
            hosts(aws, apart, env="staging")
        if stopped:
            aws.client("ec2").stop_instances(InstanceIds=hosts(aws, stopped, env="production"))
        tell(aws, "CWAgent", "mem_used_percent", *({"InstanceId": i} for i in ids[:memory]))
        disks = ({"InstanceId": i, "path": "/"} for i in ids[:disk])
        tell(aws, "CWAgent", "disk_used_percent", *disks)
        if not apart:
            return {}
        return {"instance_filters": [{"Name": "tag:env", "Values": ["production"]}]}

    return build


def streams(count: int, *ages_h: float, group: str = "/app") -> Build:
    """Hosts of which the first have a stream in a log group, with an event of these ages."""

    def build(aws: Moto) -> Mapping[str, Any]:
        logs = aws.client("logs")
        logs.create_log_group(logGroupName=group)
        ids = hosts(aws, count) if count else []
        for instance, age in zip(ids, ages_h, strict=False):
            name = f"{instance}/app.log"
            logs.create_log_stream(logGroupName=group, logStreamName=name)
            event = {"timestamp": int((time.time() - 3600 * age) * 1000), "message": "{}"}
            logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=[event])
        return {"log_group": "/app"}

    return build


def rules(*metrics: str, subscribed: bool = True, prefix: str = "", **changed: Any) -> Build:
    """Alarms on a balancer's metrics, and the topic they tell; `changed` is the last one."""

    def build(aws: Moto) -> None:
        sns = aws.client("sns")
        topic = sns.create_topic(Name="pager")["TopicArn"]
        if subscribed:
            sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+4915112345678")
        told = dict(changed)
        namespace = told.pop("namespace", "AWS/ApplicationELB")
        for metric in metrics:
            last = told if metric == metrics[-1] else {}
            name = f"{prefix}{metric}"
            alarm(aws, name, namespace, metric, {"LoadBalancer": "app/web/1"}, **last)

    return build


def database(
    *metrics: str, of: Dimensions | None = None, namespace: str = DOCDB, **changed: Any
) -> Build:
    """Alarms on a database's metrics, looking the right way; `changed` is the last one."""

    def build(aws: Moto) -> Mapping[str, Any]:
        dimensions = {"DBInstanceIdentifier": "orders-1"} if of is None else of
        for number, metric in enumerate(metrics):
            falls = metric.startswith("Free")
            way = {"ComparisonOperator": "LessThanThreshold"} if falls else {}
            told = {**way, **(changed if number == len(metrics) - 1 else {})}
            alarm(aws, f"mongo-{metric}-{number}", namespace, metric, dimensions, **told)
        return DATABASE_KEYS

    return build


def both(*builds: Build) -> Build:
    """All of these together."""

    def build(aws: Moto) -> Mapping[str, Any]:
        keys: dict[str, Any] = {}
        for one in builds:
            keys |= one(aws) or {}
        return keys

    return build


def _pairs(dimensions: Dimensions) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]
