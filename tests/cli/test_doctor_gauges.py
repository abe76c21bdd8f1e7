"""`opsdeck doctor` about gauges: what they cost, what they cannot read, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.doctored import Doctored, doctored, toml
from tests.probes.partners_aws import KEYS, REGION, Moto, aws
from tests.probes.partners_tls import closed_port
from tests.watched import Waiting, service

__all__ = ["aws", "doctored", "service"]


def gauges(doctored: Doctored, *blocks: dict[str, Any]) -> None:
    """Add `[[gauge]]` blocks to the deck's file."""
    file = doctored.opsdeck.folder / "opsdeck.toml"
    lines = [file.read_text(encoding="utf-8")]
    for block in blocks:
        lines += ["[[gauge]]", *(f"{key} = {toml(value)}" for key, value in block.items())]
    file.write_text("\n".join(lines), encoding="utf-8")


def metric(number: int, period: int = 60) -> dict[str, Any]:
    probe = {"kind": "cloudwatch", "target": "aws", "namespace": "Mine", "metric": f"M{number}"}
    return {"id": f"m{number}", "value": "value", "probe": {**probe, "period": period}}


@pytest.fixture
def no_aws(doctored: Doctored) -> Iterator[Doctored]:
    """A deck whose AWS does not answer: what gauges cost is computed, not asked."""
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        doctored.deck({"aws": {"kind": "aws", "region": REGION, "endpoint_url": url}})
        doctored.opsdeck.environ |= KEYS
        yield doctored


# By hand: a metric of a period of 60 s is asked for 1,440 times a day, one of 300 s 288 times, and
# 1,000 metrics asked for cost 0.01 USD.
@pytest.mark.parametrize(
    ("blocks", "level", "told"),
    [
        (
            [metric(1), metric(2), metric(3, 300)],
            "ok",
            "3 metrics, 3,168 times a day while OpsDeck runs: about 0.03 USD a day, 1 USD",
        ),
        (
            [{"set": "alarms", "target": "aws"}],
            "ok",
            "1 other question, 1,440 times a day while OpsDeck runs: about 0.01 USD a day, 0 USD",
        ),
        (
            [metric(1), {"set": "alarms", "target": "aws", "period": 300}],
            "ok",
            "1 metric, 1,440 times a day and 1 other question, 288 times a day",
        ),
        (
            [metric(n) for n in range(348)],
            "warn",
            "348 metrics, 501,120 times a day while OpsDeck runs: about 5.01 USD a day, 150 USD",
        ),
        ([metric(n) for n in range(347)], "ok", "about 5.00 USD a day"),
    ],
)
def test_what_cloudwatch_costs_a_day(
    no_aws: Doctored, blocks: list[dict[str, Any]], level: str, told: str
) -> None:
    gauges(no_aws, *blocks)
    [(said, where, what)] = no_aws.told("gauges", "--quick")
    assert (said, where) == (level, "aws")
    assert told in what
    assert ("a longer period" in what) == (level == "warn")


def test_gauges_that_cost_nothing_are_not_reckoned(no_aws: Doctored) -> None:
    gauges(no_aws, {"id": "host-memory", "warn": 90})
    assert no_aws.told("gauges", "--quick") == []


def test_gauges_that_can_be_read_and_those_that_cannot(
    doctored: Doctored, service: Waiting
) -> None:
    doctored.deck({"web": {"kind": "web", "url": service.partner.url}})
    web = {"kind": "http", "target": "web"}
    gauges(
        doctored,
        {"id": "queue", "probe": web, "value": "body.waiting"},
        {"id": "typo", "probe": web, "value": "body.wating"},
        {"id": "run", "probe": {"kind": "command", "argv": ["uptime"]}, "value": "exit_code"},
    )
    found = {tuple(f["items"]): f for f in doctored.findings() if f["part"] == "gauges"}
    assert found[()]["what"] == "1 gauge could be read"
    typo = found[("typo",)]
    assert (typo["level"], typo["where"]) == ("warn", "web")
    assert "the look tells no body.wating" in typo["what"]
    run = found[("run",)]
    assert (run["level"], "press y" in run["todo"]) == ("warn", True)


def test_without_credentials_it_says_so_once(doctored: Doctored) -> None:
    doctored.deck({"aws": {"kind": "aws", "region": REGION}})
    gauges(doctored, *(metric(n) for n in range(5)))
    told = [f for f in doctored.findings() if f["part"] == "gauges" and f["level"] != "ok"]
    assert [f["items"] for f in told] == [[f"m{n}" for n in range(5)]]
    assert "redential" in told[0]["what"]


@pytest.mark.slow
def test_a_gauge_of_cloudwatch_is_what_was_put(opsdeck: CommandLine, aws: Moto) -> None:
    # GIVEN a metric in AWS
    doctored = Doctored(opsdeck)
    opsdeck.environ |= KEYS
    doctored.deck({"aws": {"kind": "aws", "region": REGION, "endpoint_url": aws.url}})
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2)
    aws.client("cloudwatch").put_metric_data(
        Namespace="Mine",
        MetricData=[
            {"MetricName": "M1", "Timestamp": minute, "Value": 41.25},
            {"MetricName": "M1", "Timestamp": minute, "Value": 42.75},
        ],
    )
    gauges(doctored, {**metric(1), "unit": "ms", "warn": 40, "crit": 50})
    # WHEN somebody glances
    found = opsdeck("glance", "--json", "--timeout", "30")
    [gauge] = [g for g in _gauges(found.out) if g["id"] == "m1"]
    # THEN it is the mean of what was put, and as old as that is
    assert (gauge["value"], gauge["level"]) == (42.0, "warning")
    assert gauge["at"][:16] == f"{minute + timedelta(minutes=1):%Y-%m-%dT%H:%M}"
    # AND the doctor could read it
    assert ("ok", "gauges", "1 gauge could be read") in doctored.told("gauges")


def _gauges(text: str) -> list[dict[str, Any]]:
    import json

    return list(json.loads(text)["gauges"])
