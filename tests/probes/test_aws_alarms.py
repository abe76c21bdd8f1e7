"""What an alarm watches, whether it calls somebody, and the functions that lay lists together."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest

from opsdeck.probes._aws_alarms import with_dimensions, with_facts
from opsdeck.probes._aws_functions import options

SNS = "arn:aws:sns:eu-central-1:123456789012:pager"


def of(**alarm: Any) -> dict[str, Any]:
    """One alarm with its facts."""
    given = {"AlarmName": "a", "ActionsEnabled": True, "AlarmActions": [SNS], **alarm}
    found: dict[str, Any] = with_facts({"MetricAlarms": [given]})["MetricAlarms"][0]
    return found


@pytest.mark.parametrize(
    ("expression", "namespace", "metric", "dimensions"),
    [
        ("SELECT MAX(mem) FROM CWAgent", "CWAgent", "mem", {}),
        ('SELECT MAX("mem") FROM "CWAgent"', "CWAgent", "mem", {}),
        ('select AVG(cpu) from SCHEMA("AWS/EC2", InstanceId) group by X', "AWS/EC2", "cpu", {}),
        (
            "SELECT MAX(mem) FROM SCHEMA(CWAgent, InstanceId) WHERE InstanceId = 'i-1'",
            "CWAgent",
            "mem",
            {"InstanceId": "i-1"},
        ),
    ],
)
def test_a_query_watches_what_it_selects(
    expression: str, namespace: str, metric: str, dimensions: dict[str, str]
) -> None:
    about = {"namespace": namespace, "metric": metric, "dimensions": dimensions, "query": True}
    assert of(Metrics=[{"Id": "q", "Expression": expression}])["watches"] == [about]


def test_a_calculation_watches_every_metric_in_it() -> None:
    # GIVEN errors / requests
    parts = [
        {"Id": name, "MetricStat": {"Metric": {"Namespace": "N", "MetricName": name}}}
        for name in ("errors", "requests")
    ]
    watches = of(Metrics=[{"Id": "e", "Expression": "errors / requests"}, *parts])["watches"]
    # THEN it is about both, AND the calculation itself is no metric
    assert [one["metric"] for one in watches] == ["errors", "requests"]


@pytest.mark.parametrize(
    ("action", "rings"),
    [
        (SNS, True),
        ("arn:aws-us-gov:sns:us-gov-west-1:1:pager", True),
        ("arn:aws:ssm:eu-central-1:1:opsitem:1#CATEGORY=Availability", True),
        ("arn:aws:ssm-incidents::1:response-plan/web", True),
        ("arn:aws:lambda:eu-central-1:1:function:slack", True),
        ("arn:aws:automate:eu-central-1:ec2:recover", False),
        ("arn:aws:autoscaling:eu-central-1:1:scalingPolicy:x", False),
    ],
)
def test_only_what_reaches_people_rings(action: str, rings: bool) -> None:
    assert of(AlarmActions=[action])["rings"] is rings
    assert of(AlarmActions=[action], ActionsEnabled=False)["rings"] is False


def test_composite_alarms_ring_for_those_below_them() -> None:
    # GIVEN one that calls somebody above another that is above two alarms, one of them by its ARN
    names = ("b", "c d", "e", "f")
    alarms = [{"AlarmName": name, "AlarmActions": [], "ActionsEnabled": True} for name in names]
    arn = "arn:aws:cloudwatch:eu-central-1:1:alarm:c d"
    composites: list[dict[str, Any]] = [
        {"AlarmName": "top", "AlarmRule": "ALARM(low)", "AlarmActions": [SNS]},
        {"AlarmName": "low", "AlarmRule": f'ALARM(b) OR (ALARM("{arn}") AND NOT ALARM(e))'},
        {"AlarmName": "mute", "AlarmRule": "ALARM(f)", "AlarmActions": []},
    ]
    given = [{"ActionsEnabled": True, **one} for one in composites]
    # WHEN their facts are told
    found = with_facts({"MetricAlarms": alarms, "CompositeAlarms": given})["MetricAlarms"]
    # THEN those two ring, AND neither what only holds it back nor what a mute one is above
    assert {one["AlarmName"] for one in found if one["rings"]} == {"b", "c d"}


@pytest.mark.parametrize(
    ("metric", "comparison", "backward"),
    [
        ("FreeStorageSpace", "LessThanThreshold", False),
        ("FreeStorageSpace", "GreaterThanThreshold", True),
        ("DatabaseConnections", "GreaterThanOrEqualToThreshold", False),
        ("DatabaseConnections", "LessThanThreshold", True),
        ("connections_available", "LessThanThreshold", False),
        ("BufferCacheHitRatio", "GreaterThanThreshold", True),
        ("UnavailableMembers", "GreaterThanThreshold", False),
        ("DatabaseConnections", "LessThanLowerOrGreaterThanUpperThreshold", False),
        ("orders_per_minute", "LessThanThreshold", False),
        ("orders_per_minute", "GreaterThanThreshold", False),
    ],
)
def test_which_alarms_look_the_wrong_way(metric: str, comparison: str, backward: bool) -> None:
    assert of(MetricName=metric, ComparisonOperator=comparison)["backward"] is backward


def test_nonsense_has_no_facts() -> None:
    assert with_facts({"MetricAlarms": None, "CompositeAlarms": "x"})["MetricAlarms"] is None
    assert with_facts({"MetricAlarms": [{}, 3]})["MetricAlarms"][0]["watches"] == []
    assert with_dimensions({"Metrics": [{"Dimensions": 3}]})["Metrics"][0]["dimensions"] == {}


GIVEN: dict[str, Any] = {
    "hosts": [{"id": "a", "group": "web", "zone": None}, {"id": "b", "group": "jobs"}, "noise"],
    "own": [{"dimensions": {"id": "a", "path": "/"}}],
    "group": [{"dimensions": {"group": "jobs"}}],
    "all": [{"dimensions": {}}],
    "other": [{"dimensions": {"zone": "x"}}, {"dimensions": {"id": "a", "group": "jobs"}}],
    "disks": [{"id": "a", "path": "/"}, {"id": "z", "path": "/"}],
    "watches": [
        {"namespace": "N", "metric": "m", "dimensions": {"id": "a", "x": "1"}},
        {"namespace": "N", "metric": "m", "dimensions": {"id": "a"}},
        {"namespace": "N", "metric": "m", "dimensions": {}, "query": True},
    ],
    "metrics": [{"namespace": "N", "metric": "m", "dimensions": {"x": "1", "id": "a"}}],
}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lacking(hosts, 'id', ['a'])[].id", ["b"]),
        ("lacking(hosts, 'id', nothing)[].id", ["a", "b"]),
        ("lacking(nothing, 'id', ['a'])", []),
        ("joined(disks, 'id', hosts)", [{"id": "a", "group": "web", "path": "/", "zone": None}]),
        ("joined(disks, 'id', nothing)", []),
        ("uncovered(hosts, own)[].id", ["b"]),
        ("uncovered(hosts, group)[].id", ["a"]),
        ("uncovered(hosts, all)", []),
        ("uncovered(hosts, other)[].id", ["a", "b"]),
        ("uncovered(hosts, nothing)[].id", ["a", "b"]),
        ("fed(watches, metrics) == [watches[0], watches[2]]", True),
        ("unique(['b', 'a', 'b'])", ["b", "a"]),
        ("unique(nothing)", []),
    ],
)
def test_functions_lay_lists_beside_each_other(query: str, found: Any) -> None:
    assert jmespath.search(query, GIVEN, options=options()) == found
