"""CloudWatch's figures equal what was put, however many are asked for in one call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from opsdeck.probes._aws_cloudwatch import look_many
from opsdeck.probes._aws_cost import metric_cost_per_day, request_cost_per_day
from opsdeck.probes.base import Document, ProbeError
from opsdeck.probes.engine import Engine, Round
from opsdeck.probes.kinds import cloudwatch
from opsdeck.probes.registry import problems
from tests.probes.partners_aws import KEYS, NO_FILES, REGION, Moto, Told, aws, aws_target, stub

__all__ = ["aws"]
SPACE = "opsdeck/test"
MINUTE = timedelta(minutes=1)


def minute(ago: int) -> datetime:
    """The beginning of a minute, so many minutes ago."""
    return datetime.now(UTC).replace(second=0, microsecond=0) - ago * MINUTE


def put(aws: Moto, name: str, points: list[tuple[int, float]], **dimensions: str) -> None:
    """Put data points, each (minutes ago, value)."""
    aws.client("cloudwatch").put_metric_data(
        Namespace=SPACE,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                "Timestamp": minute(ago),
                "Value": value,
            }
            for ago, value in points
        ],
    )


def wanted(name: str, **more: Any) -> dict[str, Any]:
    return {"kind": "cloudwatch", "namespace": SPACE, "metric": name, **more}


def document(found: Document | ProbeError) -> Document:
    assert not isinstance(found, ProbeError), found
    return found


@pytest.mark.slow
async def test_the_newest_complete_point_is_what_was_put(aws: Moto) -> None:
    # GIVEN three minutes of values, and a minute that has not ended
    put(aws, "Depth", [(4, 10.0), (3, 20.0), (2, 30.5), (0, 99.0)], Queue="mails")
    # WHEN it is looked at
    target = aws.target()
    found = document(
        (await look_many(target, [wanted("Depth", dimensions={"Queue": "mails"})], 10.0))[0]
    )
    await target.aclose()
    # THEN the value is that of the last minute that is over, and those before it come along
    assert found["value"] == 30.5
    assert found["values"] == [10.0, 20.0, 30.5]
    end = minute(1)
    assert found["at"] == f"{end:%Y-%m-%dT%H:%M:%SZ}"
    assert found["observed_s"] == end.timestamp()
    assert found["region"] == REGION
    assert found["dimensions"] == {"Queue": "mails"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statistic", "value"),
    [("Average", 25.0), ("Sum", 100.0), ("Minimum", 10.0), ("Maximum", 40.0), ("SampleCount", 4)],
)
async def test_every_statistic(aws: Moto, statistic: str, value: float) -> None:
    # GIVEN four values in one minute (percentiles: moto answers 500 to them, so the documented
    # request for p95 is checked against a stub below)
    put(aws, "Took", [(3, 10.0), (3, 20.0), (3, 30.0), (3, 40.0)])
    target = aws.target()
    found = document((await look_many(target, [wanted("Took", statistic=statistic)], 10.0))[0])
    await target.aclose()
    assert found["value"] == value


@pytest.mark.slow
async def test_no_data_is_no_value_unless_that_means_something(aws: Moto) -> None:
    target = aws.target()
    plain, zero = await look_many(target, [wanted("None"), wanted("None", empty=0)], 10.0)
    await target.aclose()
    assert document(plain)["value"] is None
    # AND it says so itself, for the gauge that shows nothing else
    [unseen] = document(plain)["not_seen"]
    assert unseen["figures"] == ["value"]
    assert unseen["why"].startswith("no value in CloudWatch for ")
    assert document(zero)["not_seen"] == []
    assert (document(zero)["value"], document(zero)["at"]) == (0, None)


@pytest.mark.slow
async def test_more_than_a_call_takes_come_back_each_with_its_own_value(aws: Moto) -> None:
    # GIVEN 501 metrics, each with its own value
    client = aws.client("cloudwatch")
    names = [f"m{n}" for n in range(501)]
    for start in range(0, 501, 100):
        client.put_metric_data(
            Namespace=SPACE,
            MetricData=[
                {"MetricName": name, "Timestamp": minute(3), "Value": 1000.0 + int(name[1:])}
                for name in names[start : start + 100]
            ],
        )
    # WHEN all are asked for at once, some of them twice
    target = aws.target()
    found = await look_many(target, [wanted(name) for name in [*names, "m7", "m7"]], 30.0)
    await target.aclose()
    # THEN each has what was put
    values = [document(each)["value"] for each in found]
    assert values == [*(1000.0 + n for n in range(501)), 1007.0, 1007.0]


@pytest.mark.slow
async def test_as_a_probe_of_the_engine(aws: Moto) -> None:
    put(aws, "Depth", [(2, 5.0)])
    table = {"kind": "aws", "region": REGION, "endpoint_url": aws.url}
    engine = Engine({"cloud": table}, environ={**KEYS, **NO_FILES})
    seen = await Round(engine).look(wanted("Depth", target="cloud"))
    await engine.aclose()
    assert seen.document is not None
    assert seen.document["value"] == 5.0


# What only a stub can answer: how many calls were made, and errors as AWS words them


class Asked:
    """The requests that a stub of CloudWatch got, and its answers one after the other."""

    def __init__(self, *answers: Told) -> None:
        self.queries: list[dict[str, Any]] = []
        self._answers = iter(answers)

    def __call__(self, handler: BaseHTTPRequestHandler, body: bytes) -> Told:
        self.queries.append(json.loads(body))
        return next(self._answers)


def told(results: list[dict[str, Any]], **more: Any) -> Told:
    text = json.dumps({"MetricDataResults": results, **more})
    return Told(200, text, {"Content-Type": "application/x-amz-json-1.0"})


def result(number: int, values: list[float], status: str = "Complete") -> dict[str, Any]:
    times = [minute(3 + n).timestamp() for n in range(len(values))]
    return {
        "Id": f"m{number}",
        "Label": "x",
        "Timestamps": times,
        "Values": values,
        "StatusCode": status,
    }


def refused(code: str, status: int = 400) -> Told:
    text = json.dumps({"__type": f"com.amazonaws#{code}", "message": "no"})
    return Told(
        status,
        text,
        {"Content-Type": "application/x-amz-json-1.0", "x-amzn-query-error": f"{code};Sender"},
    )


async def asked(stubbed: Asked, many: list[dict[str, Any]]) -> list[Document | ProbeError]:
    with stub(stubbed) as server:
        target = aws_target(server.url)
        try:
            return await look_many(target, many, 5.0)
        finally:
            await target.aclose()


@pytest.mark.slow
async def test_500_metrics_are_one_call_and_its_pages_are_read_to_the_end() -> None:
    # GIVEN a CloudWatch that answers in two pages
    first = [result(n, [float(n)]) for n in range(300)]
    second = [result(n, [float(n)]) for n in range(300, 500)]
    cloud = Asked(told(first, NextToken="more"), told(second))
    # WHEN 500 metrics are asked for
    found = await asked(cloud, [wanted(f"x{n}", statistic="p95") for n in range(500)])
    # THEN all have their values, from one question whose second page was asked for
    assert [document(each)["value"] for each in found] == [float(n) for n in range(500)]
    assert len(cloud.queries) == 2
    assert len(cloud.queries[0]["MetricDataQueries"]) == 500
    assert cloud.queries[0]["MetricDataQueries"][0]["MetricStat"]["Stat"] == "p95"
    assert cloud.queries[1]["NextToken"] == "more"


@pytest.mark.slow
async def test_what_comes_in_any_order_goes_forward_in_time() -> None:
    # GIVEN values newest first, as AWS gives them by default
    cloud = Asked(told([result(0, [3.0, 2.0, 1.0])]))
    found = document((await asked(cloud, [wanted("x")]))[0])
    assert found["values"] == [1.0, 2.0, 3.0]
    assert found["value"] == 3.0


@pytest.mark.slow
async def test_an_error_of_one_metric_is_its_own() -> None:
    cloud = Asked(told([result(0, [1.0]), result(1, [], "Forbidden"), result(2, [2.0])]))
    one, two, three = await asked(cloud, [wanted("a"), wanted("b"), wanted("c")])
    assert document(one)["value"] == 1.0
    assert isinstance(two, ProbeError)
    assert two.cause == "rights"
    assert document(three)["value"] == 2.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "cause"),
    [
        ([refused("ThrottlingException")] * 4, "throttled"),
        ([refused("AccessDeniedException", 403)], "rights"),
        ([Told(200, "{", {"Content-Type": "application/x-amz-json-1.0"})], "protocol"),
        ([Told(200, "[]", {"Content-Type": "application/x-amz-json-1.0"})], "protocol"),
        ([told([]), told([])], None),
        ([told([{"Id": "m0", "Timestamps": ["x"], "Values": ["y"]}])], "protocol"),
        ([told([], NextToken="same")] * 3, "protocol"),
    ],
)
async def test_what_goes_wrong_is_told(answers: list[Told], cause: str | None) -> None:
    found = (await asked(Asked(*answers), [wanted("x")]))[0]
    if cause is None:
        assert document(found)["value"] is None
    else:
        assert isinstance(found, ProbeError), found
        assert found.cause == cause


@pytest.mark.slow
async def test_without_credentials_every_metric_says_so() -> None:
    closed = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}
    target = aws_target("http://127.0.0.1:1", closed)
    found = await look_many(target, [wanted("a"), wanted("b")], 5.0)
    await target.aclose()
    for each in found:
        assert isinstance(each, ProbeError)
        assert each.cause == "missing"
        assert "no AWS credentials" in str(each)


# What cannot be right


def bad() -> Iterator[tuple[dict[str, Any], str]]:
    yield {"statistic": "Mean"}, "statistic is 'Mean'"
    yield {"statistic": "p101"}, "statistic is 'p101'"
    yield {"period": 45}, "period is 45"
    yield {"period": 0}, "period is 0"
    yield {"points": 0}, "points is 0"
    yield {"dimensions": {"InstanceId": 5}}, "dimensions: InstanceId must be a text"
    yield {"namespace": " "}, "namespace is empty"


@pytest.mark.parametrize(("more", "fault"), list(bad()))
def test_what_cloudwatch_would_not_take_is_a_fault(more: dict[str, Any], fault: str) -> None:
    found = list(problems({**wanted("x"), "target": "cloud", **more}))
    assert any(fault in each for each in found), found


def test_what_it_takes_is_none() -> None:
    for statistic in (*cloudwatch.STATISTICS, "p50", "p99.9", "p100"):
        assert list(problems({**wanted("x"), "target": "c", "statistic": statistic})) == []


def test_the_price_of_a_day() -> None:
    # GIVEN ten metrics every minute: 14,400 a day at 0.01 USD a thousand
    assert metric_cost_per_day([60.0] * 10) == pytest.approx(0.144)
    assert request_cost_per_day([60.0]) == pytest.approx(0.0144)
