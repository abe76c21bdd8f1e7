"""Worlds of CloudWatch's alarms: on hosts, on the database, and on anything at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.probes.partners_cloud import Build, nowhere
from tests.probes.partners_fleet import (
    DATABASE_KEYS,
    RECOVER,
    SCALE,
    TRIO,
    both,
    composite,
    database,
    hosts,
    rules,
    watched_hosts,
)
from tests.worlds.harness import Verdict, World
from tests.worlds.moto_world import world

HOUR = timedelta(hours=1)
Row = tuple[Verdict, str, Build]


def _rows(item: str, *rows: Row, later: timedelta = timedelta(0)) -> list[World]:
    return [world(item, verdict, about, build, later=later) for verdict, about, build in rows]


def _on_hosts(item: str, metric: str, namespace: str, *more: Row) -> list[World]:
    """An item about alarms on a metric of hosts: fine, and everything that alarms lack."""

    def of(**how: Any) -> Build:
        return watched_hosts(how.pop("namespace", namespace), how.pop("metric", metric), **how)

    ask = f'SELECT MAX({metric}) FROM SCHEMA("{namespace}", InstanceId) GROUP BY InstanceId'
    elsewhere = f'SELECT MAX({metric}) FROM SCHEMA("Other", InstanceId)'
    return _rows(
        item,
        ("passed", "an alarm for each host", of()),
        ("passed", "one for forty hosts' group", of(count=40, by_group=True)),
        ("passed", "one that asks for all hosts", of(query=ask)),
        ("passed", "one is left of a host that is gone", of(gone=True)),
        ("passed", "staging's host has none", both(_staging, of())),
        ("failed", "there is none", of(alarmed=0)),
        ("failed", "only of a host that is gone", of(alarmed=0, gone=True)),
        ("failed", "one host has none", of(alarmed=1)),
        ("failed", "another namespace's", of(namespace="Other")),
        ("failed", "it asks for another namespace's", of(query=elsewhere)),
        ("failed", "it watches something else", of(metric="requests")),
        ("failed", "it calls nobody", of(AlarmActions=[])),
        ("failed", "it only scales", of(by_group=True, AlarmActions=[SCALE])),
        ("failed", "it only restarts the host", of(AlarmActions=[RECOVER])),
        ("failed", "its actions are off", of(ActionsEnabled=False)),
        ("failed", "it gets no data", of(state="INSUFFICIENT_DATA")),
        ("failed", "its series does not exist", of(Dimensions=[], TreatMissingData="notBreaching")),
        ("failed", "it rings too late", of(Threshold=99.0)),
        ("failed", "it looks the wrong way", of(ComparisonOperator="LessThanThreshold")),
        ("unknown", "nothing runs on EC2", nowhere()),
        *more,
        later=HOUR,
    ) + _rows(
        item,
        ("passed", "one host was launched just now", of(alarmed=1)),
        ("failed", "all were launched just now, no alarm", of(alarmed=0)),
    )


def _staging(aws: Any) -> None:
    hosts(aws, 1, env="staging")


_DISK = "disk_used_percent"
_DATA = {"path": "/var/lib/mongodb", "fstype": "xfs"}
_SNAP = {"path": "/snap/core/1", "fstype": "squashfs"}
DISKS: tuple[Row, ...] = (
    ("failed", "the data volume has none", watched_hosts("CWAgent", _DISK, other=[_DATA])),
    (
        "passed",
        "the group's is for every volume",
        watched_hosts("CWAgent", _DISK, other=[_DATA], by_group=True),
    ),
    ("passed", "a mount that never grows has none", watched_hosts("CWAgent", _DISK, other=[_SNAP])),
)

ERRORS = ("TargetResponseTime", "UnHealthyHostCount", "HTTPCode_Target_5XX_Count")
SILENT = "INSUFFICIENT_DATA"
_ROWS_RULES: tuple[Row, ...] = (
    ("passed", "three alarms that ring somebody", rules(*ERRORS)),
    ("passed", "no errors, so no data on errors", rules(*ERRORS, state=SILENT)),
    ("passed", "one more only scales", both(rules(*ERRORS), rules("Cpu", AlarmActions=[SCALE]))),
    ("failed", "one alarm alone", rules(ERRORS[0])),
    ("failed", "nothing but the bill", rules("Charges", "Fees", "Tax", namespace="AWS/Billing")),
    ("failed", "one's actions are switched off", rules(*ERRORS, ActionsEnabled=False)),
    ("failed", "one has no action", rules(*ERRORS, AlarmActions=[])),
    ("failed", "one has no data", rules(*reversed(ERRORS), state=SILENT)),
    ("failed", "nobody subscribed", rules(*ERRORS, subscribed=False)),
    ("failed", "only auto-scaling's own", rules("a", "b", "c", prefix="TargetTracking-web-")),
    ("failed", "no alarms", nowhere()),
)

_OTHER = {"DBInstanceIdentifier": "orders-staging-1"}
_UP = "GreaterThanThreshold"
_ROWS_DATABASE: tuple[Row, ...] = (
    ("passed", "three alarms", database(*TRIO)),
    ("failed", "one alarm", database(TRIO[0])),
    ("failed", "three on one metric", database(TRIO[0], TRIO[0], TRIO[0])),
    ("failed", "alarms on another database", database(*TRIO, of=_OTHER)),
    ("failed", "alarms on hosts", database(*TRIO, namespace="AWS/EC2")),
    (
        "failed",
        "one looks the wrong way",
        database(TRIO[0], TRIO[2], TRIO[1], ComparisonOperator=_UP),
    ),
    ("failed", "one's actions are switched off", database(*TRIO, ActionsEnabled=False)),
    ("failed", "one calls nobody", database(*TRIO, AlarmActions=[])),
    ("failed", "one only scales", database(*TRIO, AlarmActions=[SCALE])),
    ("failed", "one gets no data", database(*TRIO, state=SILENT)),
    ("failed", "no alarms", nowhere(**DATABASE_KEYS)),
)
_ROWS_ALERTS: tuple[Row, ...] = (
    *_ROWS_DATABASE,
    (
        "passed",
        "two of the database, one of its host's disk",
        both(database(*TRIO[:2]), database("disk_used_percent", namespace="CWAgent")),
    ),
    ("failed", "silence is green", database(*TRIO, TreatMissingData="notBreaching")),
    (
        "failed",
        "three of which one is of the database",
        both(database(TRIO[0]), database("a", "b", namespace="CWAgent")),
    ),
)

_MEMORY = "vertical-scaling/memory-monitoring"
_RULES = "monitoring-logging/alerting-rules"
COMPOSITE: list[World] = [
    world(
        _MEMORY,
        "passed",
        "a composite alarm tells somebody of the last",
        watched_hosts("CWAgent", "mem_used_percent", AlarmActions=[]),
        edit=composite('ALARM("a-0") OR ALARM("a-1")'),
        later=HOUR,
    ),
    world(
        _RULES,
        "passed",
        "one tells a composite alarm, that somebody",
        rules(*ERRORS, AlarmActions=[]),
        edit=composite(f"ALARM({ERRORS[-1]})"),
    ),
    world(
        _RULES,
        "failed",
        "the composite alarm is about another",
        rules(*ERRORS, AlarmActions=[]),
        edit=composite(f"ALARM({ERRORS[0]}) AND NOT ALARM({ERRORS[-1]})"),
    ),
]
"""Alarms without an action of their own, and a composite alarm above them."""

WORLDS: list[World] = [
    *_on_hosts(_MEMORY, "mem_used_percent", "CWAgent"),
    *_on_hosts("vertical-scaling/cpu-monitoring", "CPUUtilization", "AWS/EC2"),
    *_on_hosts("vertical-scaling/disk-monitoring", _DISK, "CWAgent", *DISKS),
    *COMPOSITE,
    *_rows(_RULES, *_ROWS_RULES),
    *_rows("database-readiness/db-monitoring", *_ROWS_DATABASE),
    *_rows("database-failure/database-alerts", *_ROWS_ALERTS),
]
