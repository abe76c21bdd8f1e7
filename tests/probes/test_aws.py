"""What the aws probe sees, against moto and against answers as AWS gives them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.probes._aws_metrics import percent, with_series
from opsdeck.probes._aws_reply import LONGEST_LIST, Reply, bounded
from opsdeck.probes.base import Document, ProbeError, Target
from opsdeck.probes.kinds import aws as kind
from opsdeck.probes.registry import parameters_of
from tests.probes.partners_aws import KEYS, REGION, SECRET, Moto, Told, aws, aws_target, stub

pytestmark = pytest.mark.slow

__all__ = ["aws"]


async def see(target: Target, service: str, operation: str, **more: Any) -> Document:
    timeout_s = more.pop("timeout_s", 10.0)
    probe = {"kind": "aws", "service": service, "operation": operation, **more}
    try:
        return await kind.look(target, parameters_of(probe), timeout_s)
    finally:
        await target.aclose()


def xml(action: str, inside: str) -> Told:
    """An answer in the query protocol."""
    return Told(
        200,
        f"<{action}Response><{action}Result>{inside}</{action}Result></{action}Response>",
        {"Content-Type": "text/xml"},
    )


def answers(table: Any) -> Told:
    """An answer in the JSON protocol."""
    return Told(200, json.dumps(table), {"Content-Type": "application/x-amz-json-1.1"})


async def test_who_am_i(aws: Moto) -> None:
    # GIVEN an account  WHEN it is asked who asks
    target = aws.target()
    document = await see(target, "sts", "GetCallerIdentity")
    # THEN the reply is the document, with what every document has, and without its metadata
    assert document["Arn"].startswith("arn:aws:sts::")
    assert document["region"] == REGION
    assert (document["found"], document["complete"], document["left_out"]) == (True, True, 0)
    assert 0 < document["latency_ms"] < 10_000
    assert document["pages"] == 1
    assert "ResponseMetadata" not in document
    # AND the secret key is hidden from whatever is kept
    assert SECRET in target.secrets


async def test_a_query_narrows_the_reply(aws: Moto) -> None:
    # GIVEN two log groups
    for name in ("/app/one", "/app/two"):
        aws.client("logs").create_log_group(logGroupName=name)
    # WHEN a query gives a table, a list or nothing
    ask = ("logs", "DescribeLogGroups")
    table = await see(aws.target(), *ask, query="{names: logGroups[].logGroupName}")
    names = await see(aws.target(), *ask, query="logGroups[].logGroupName")
    nothing = await see(aws.target(), *ask, query="nowhere")
    # THEN a table is the document, anything else its result
    assert table["names"] == ["/app/one", "/app/two"]
    assert names["result"] == ["/app/one", "/app/two"]
    assert nothing["result"] is None
    assert nothing["complete"]


async def test_pages_become_one_reply(aws: Moto) -> None:
    # GIVEN seven log groups  WHEN they are read two a page
    for number in range(7):
        aws.client("logs").create_log_group(logGroupName=f"g{number}")
    ask: dict[str, Any] = {"parameters": {"limit": 2}}
    whole = await see(aws.target(), "logs", "DescribeLogGroups", **ask)
    # THEN all are there, without the tokens between them
    assert [g["logGroupName"] for g in whole["logGroups"]] == [f"g{n}" for n in range(7)]
    assert (whole["pages"], whole["complete"]) == (4, True)
    assert "nextToken" not in whole
    # AND when only two pages may be read it is not complete
    part = await see(aws.target(), "logs", "DescribeLogGroups", pages=2, **ask)
    assert (len(part["logGroups"]), part["pages"], part["complete"]) == (4, 2, False)


async def test_pages_that_botocore_knows_nothing_of() -> None:
    # GIVEN an operation without a paginator whose reply has a token
    def say(handler: BaseHTTPRequestHandler, body: bytes) -> Told:
        token = json.loads(body).get("NextPageToken", "0")
        more = {"NextPageToken": str(int(token) + 1)} if int(token) < 2 else {}
        return answers({"ResultsByTime": [{"Total": {"n": {"Amount": token}}}], **more})

    with stub(say) as server:
        period = {"Start": "<month_start>", "End": "<today+1d>"}
        given = {"TimePeriod": period, "Granularity": "DAILY", "Metrics": ["UnblendedCost"]}
        document = await see(aws_target(server.url), "ce", "GetCostAndUsage", parameters=given)
    # THEN its pages are joined, AND the marks became dates
    assert [r["Total"]["n"]["Amount"] for r in document["ResultsByTime"]] == ["0", "1", "2"]
    assert document["complete"]
    sent = json.loads(server.requests[0][1])["TimePeriod"]
    assert sent["Start"] == f"{datetime.now(UTC):%Y-%m}-01"


async def test_the_same_page_again_and_again_ends() -> None:
    with (
        stub(answers({"logGroups": [], "nextToken": "again"})) as server,
        pytest.raises(ProbeError, match="same page again") as caught,
    ):
        await see(aws_target(server.url), "logs", "DescribeLogGroups")
    assert caught.value.cause == "protocol"
    assert len(server.requests) == 2


async def test_each_asks_once_for_every_value(aws: Moto) -> None:
    # GIVEN three groups, two of them with a stream
    logs = aws.client("logs")
    for name in ("a", "b", "c"):
        logs.create_log_group(logGroupName=name)
    for name in ("a", "c"):
        logs.create_log_stream(logGroupName=name, logStreamName=f"of-{name}")
    # WHEN the streams of each are asked for, and the query sees both
    document = await see(
        aws.target(),
        "logs",
        "DescribeLogGroups",
        each={
            "values": "logGroups[].logGroupName",
            "operation": "DescribeLogStreams",
            "parameter": "logGroupName",
            "into": "streams",
            "query": "{names: logStreams[].logStreamName}",
        },
        query="{groups: length(logGroups), streams: streams}",
    )
    # THEN every value has its own, in order
    assert document["groups"] == 3
    assert document["streams"] == [
        {"value": "a", "found": True, "names": ["of-a"]},
        {"value": "b", "found": True, "names": []},
        {"value": "c", "found": True, "names": ["of-c"]},
    ]


async def test_each_with_a_parameter_inside_and_another_service(aws: Moto) -> None:
    # GIVEN a network with two subnets of its own, and alarms' topics in another service
    ec2 = aws.client("ec2")
    network = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    for number in (1, 2):
        ec2.create_subnet(VpcId=network, CidrBlock=f"10.9.{number}.0/24")
    aws.client("sns").create_topic(Name="alarms")
    document = await see(
        aws.target(),
        "ec2",
        "DescribeVpcs",
        parameters={"VpcIds": [network]},
        also={"service": "sns", "operation": "ListTopics", "into": "topics"},
        each=[
            {
                "values": "Vpcs[].VpcId",
                "operation": "DescribeSubnets",
                "parameters": {"Filters": [{"Name": "vpc-id", "Values": ["<value>"]}]},
                "into": "subnets",
                "query": "length(Subnets)",
            },
            {
                "values": "topics.Topics[].TopicArn",
                "service": "sns",
                "operation": "GetTopicAttributes",
                "parameter": "TopicArn",
                "into": "attributes",
            },
        ],
    )
    # THEN what was added by `also` can be asked for by `each`
    assert document["subnets"] == [{"value": network, "found": True, "result": 2}]
    assert document["attributes"][0]["Attributes"]["TopicArn"].endswith(":alarms")


async def test_each_asks_for_at_most_100_values(aws: Moto) -> None:
    for number in range(103):
        aws.client("logs").create_log_group(logGroupName=f"g{number:03}")
    document = await see(
        aws.target(),
        "logs",
        "DescribeLogGroups",
        each={
            "values": "logGroups[].logGroupName",
            "operation": "DescribeLogStreams",
            "parameter": "logGroupName",
            "into": "streams",
        },
        query="{streams: streams}",
    )
    assert (len(document["streams"]), document["left_out"], document["complete"]) == (100, 3, False)


async def test_where_there_is_nothing_to_judge_it_says_so(aws: Moto) -> None:
    # GIVEN an account without log groups, and a probe that needs one
    needs = {"query": "length(logGroups) > `0`", "message": "no log group: attest it"}
    # WHEN it looks  THEN it says so, and where it looked
    with pytest.raises(ProbeError, match=f"no log group: attest it .*{REGION}") as caught:
        await see(aws.target(), "logs", "DescribeLogGroups", needs=needs)
    assert caught.value.cause == "missing"
    # AND once there is one it has a document
    aws.client("logs").create_log_group(logGroupName="here")
    assert (await see(aws.target(), "logs", "DescribeLogGroups", needs=needs))["complete"]


async def test_a_value_of_which_there_is_nothing_says_so(aws: Moto) -> None:
    # GIVEN one log group, and values of which one names no group
    aws.client("logs").create_log_group(logGroupName="here")
    document = await see(
        aws.target(),
        "logs",
        "DescribeLogGroups",
        parameters={"logGroupNamePrefix": "", "logGroupIdentifiers": []},  # as not given at all
        also={
            "operation": "DescribeLogStreams",
            "parameters": {"logGroupName": "nowhere"},
            "into": "streams",
            "query": "length(logStreams)",
        },
        each={
            "values": "['here', 'nowhere', 'here']",
            "operation": "DescribeLogStreams",
            "parameter": "logGroupName",
            "into": "each",
            "query": "length(logStreams)",
        },
    )
    # THEN the others are there, AND the same value is asked for once
    gone = {"found": False, "error": "ResourceNotFoundException"}
    assert document["found"] is True
    assert gone.items() <= document["streams"].items()
    assert document["each"][0] == {"value": "here", "found": True, "result": 0}
    assert {**gone, "value": "nowhere"}.items() <= document["each"][1].items()
    assert len(document["each"]) == 2


@pytest.mark.parametrize(
    ("service", "operation", "given"),
    [
        ("s3", "HeadBucket", {"Bucket": "no-such-bucket-here"}),
        ("s3", "GetBucketPolicy", {"Bucket": "no-such-bucket-here"}),
        ("elbv2", "DescribeLoadBalancers", {"Names": ["nowhere"]}),
        ("iam", "GetRole", {"RoleName": "nobody"}),
        ("logs", "DescribeLogStreams", {"logGroupName": "nowhere"}),
        ("ec2", "DescribeVpcs", {"VpcIds": ["vpc-00000000000000000"]}),
        ("dynamodb", "DescribeTable", {"TableName": "nowhere"}),
    ],
)
async def test_that_there_is_none_is_an_answer(
    aws: Moto, service: str, operation: str, given: dict[str, Any]
) -> None:
    # GIVEN nothing of the kind  WHEN it is asked for, THEN the answer says so, and nothing else
    document = await see(aws.target(), service, operation, parameters=given, query="x.y")
    assert document["found"] is False
    assert document["error"]
    assert "result" not in document


async def test_times_have_an_age(aws: Moto) -> None:
    # GIVEN an event logged 90 s ago
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    at = int((datetime.now(UTC) - timedelta(seconds=90)).timestamp() * 1000)
    event = {"timestamp": at, "message": "hello"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    document = await see(
        aws.target(), "logs", "DescribeLogStreams", parameters={"logGroupName": "g"}
    )
    # THEN whole milliseconds have an age
    [stream] = document["logStreams"]
    assert 89 < stream["lastEventTimestamp_age_s"] < 120
    assert stream["lastEventTimestamp"] == at
    # AND so have times
    topic = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    assert topic
    roles = await see(aws.target(), "iam", "GetRole", parameters={"RoleName": "r"})
    assert roles["Role"]["CreateDate"].endswith("Z")
    assert 0 <= roles["Role"]["CreateDate_age_s"] < 60


async def test_another_region(aws: Moto) -> None:
    aws.client("logs", "us-east-1").create_log_group(logGroupName="over-there")
    document = await see(aws.target(), "logs", "DescribeLogGroups", region="us-east-1")
    assert document["region"] == "us-east-1"
    assert [g["logGroupName"] for g in document["logGroups"]] == ["over-there"]


async def test_a_role_is_assumed_with_the_credentials_found(aws: Moto) -> None:
    target = aws.target(role_arn="arn:aws:iam::123456789012:role/opsdeck")
    document = await see(target, "sts", "GetCallerIdentity")
    assert "assumed-role/opsdeck/opsdeck" in document["Arn"]
    assert len(target.secrets) == 2  # secret key and session token of the role


async def test_a_profile_of_the_credentials_file(aws: Moto, tmp_path: Any) -> None:
    # GIVEN a profile with region and keys in files of the target's environment
    (tmp_path / "credentials").write_text(
        "[prod]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = of-the-profile\n"
    )
    (tmp_path / "config").write_text("[profile prod]\nregion = eu-west-3\n")
    environ = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    for table, more in (({"profile": "prod"}, {}), ({}, {"AWS_PROFILE": "prod"})):
        target = aws_target(aws.url, {**environ, **more}, region="", **table)
        document = await see(target, "sts", "GetCallerIdentity")
        # THEN both are used
        assert document["region"] == "eu-west-3"
        assert target.secrets == {"of-the-profile"}


async def test_series_of_metrics() -> None:
    # GIVEN CloudWatch's answer: newest first, one series without datapoints
    now = datetime.now(UTC)
    times = [(now - timedelta(minutes=m)).timestamp() for m in (1, 2, 3)]
    results = [
        {"Id": "errors", "Timestamps": times, "Values": [1.0, 0.0, 4.0]},
        {"Id": "requests", "Timestamps": times, "Values": [50.0, 100.0, 50.0]},
        {"Id": "none", "Timestamps": [], "Values": []},
    ]
    with stub(answers({"MetricDataResults": results})) as server:
        document = await see(
            aws_target(server.url),
            "cloudwatch",
            "GetMetricData",
            parameters={"StartTime": "<now-1h>", "EndTime": "<now>", "MetricDataQueries": []},
            percent={"of": "errors", "in": "requests"},
        )
    # THEN series go forward in time, and have what people ask of them
    errors = document["series"]["errors"]
    assert document["MetricDataResults"][0]["Values"] == [4.0, 0.0, 1.0]
    assert 55 < errors.pop("latest_age_s") < 75
    assert errors == {"latest": 1.0, "min": 0.0, "max": 4.0, "mean": 5 / 3, "sum": 5.0, "count": 3}
    assert document["series"]["none"]["count"] == 0
    assert document["series"]["none"]["latest"] is None
    assert document["percent"] == 2.5


async def test_statistics_of_a_metric(aws: Moto) -> None:
    cloudwatch = aws.client("cloudwatch")
    now = datetime.now(UTC)
    for minutes, value in ((5, 10.0), (15, 30.0), (10, 20.0)):
        at = now - timedelta(minutes=minutes)
        cloudwatch.put_metric_data(
            Namespace="Test", MetricData=[{"MetricName": "m", "Value": value, "Timestamp": at}]
        )
    document = await see(
        aws.target(),
        "cloudwatch",
        "GetMetricStatistics",
        parameters={
            "Namespace": "Test",
            "MetricName": "m",
            "StartTime": "<now-1h>",
            "EndTime": "<now>",
            "Period": 60,
            "Statistics": ["Average", "Maximum"],
        },
    )
    assert [p["Average"] for p in document["Datapoints"]] == [30.0, 20.0, 10.0]
    assert document["series"]["Average"]["latest"] == 10.0
    assert document["series"]["Maximum"]["max"] == 30.0


@pytest.mark.parametrize(
    ("of", "within", "found"),
    [
        ("a", "b", 25.0),
        ("empty", "b", 0.0),
        ("a", "zero", None),
        ("a", "empty", None),
        ("nowhere", "b", None),
        ("a", "nowhere", None),
    ],
)
def test_percent_of_one_series_in_another(of: str, within: str, found: float | None) -> None:
    moment = datetime.now(UTC)
    named = {"a": [1.0], "b": [4.0], "zero": [0.0], "empty": []}
    results = [
        {"Id": key, "Timestamps": [moment] * len(values), "Values": values}
        for key, values in named.items()
    ]
    series = with_series({"MetricDataResults": results}, moment)["series"]
    assert percent(series, of, within) == found


def test_several_series_under_one_id_are_numbered() -> None:
    results = [{"Id": "s", "Timestamps": [], "Values": []}] * 3
    reply = with_series({"MetricDataResults": results}, datetime.now(UTC))
    assert list(reply["series"]) == ["s", "s_2", "s_3"]


def test_a_reply_becomes_json() -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    reply = Reply(now, "ec2").plain(
        {
            "When": now - timedelta(hours=1),
            "Later": now + timedelta(days=1),
            "Text": "2026-11-23T11:59:00.000+0000",
            "Zulu": "2026-11-23T11:59:00Z",
            "Date": "2026-11-23",
            "lastEventTimestamp": 1_795_000_000_000,
            "Blob": b"\x00\x01",
            "Money": Decimal("1.5"),
            "Not": float("nan"),
            "Huge": 10**30,
            "Half": "\ud800x",
            "Password": "hunter2",
            "SecretKey": "abc",
            "SecretArn": "arn:aws:secret",
            "List": (1, {"UserData": "c2VjcmV0"}),
        }
    )
    assert json.loads(json.dumps(reply, allow_nan=False)) == {
        "When": "2026-11-23T11:00:00Z",
        "When_age_s": 3600.0,
        "Later": "2026-11-24T12:00:00Z",
        "Later_age_s": -86400.0,
        "Text": "2026-11-23T11:59:00.000+0000",
        "Text_age_s": 60.0,
        "Zulu": "2026-11-23T11:59:00Z",
        "Zulu_age_s": 60.0,
        "Date": "2026-11-23",
        "lastEventTimestamp": 1_795_000_000_000,
        "Blob": {"length_bytes": 2},
        "Money": 1.5,
        "Not": None,
        "Huge": 1e30,
        "Half": "?x",
        "Password": "(hidden)",
        "SecretKey": "(hidden)",
        "SecretArn": "arn:aws:secret",
        "List": [1, {"UserData": "(hidden)"}],
    }


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(st.characters(), max_size=20),
    st.binary(max_size=8),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
)
NAMES = st.one_of(st.text(max_size=8), st.sampled_from(["Time", "Timestamp", "Password", "x"]))
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(NAMES, v, max_size=4)
)


@given(VALUES, st.sampled_from(["logs", "ec2"]))
def test_whatever_the_client_parsed_becomes_json(value: Any, service: str) -> None:
    plain = Reply(datetime.now(UTC), service).plain({"value": value})
    kept, _ = bounded(plain)
    json.dumps(kept, allow_nan=False).encode()
    json.dumps(kept, allow_nan=False, ensure_ascii=False).encode()


async def test_what_the_model_calls_sensitive_is_hidden() -> None:
    # GIVEN a function with a password among its variables
    function = {"FunctionName": "f", "Environment": {"Variables": {"DB": "hunter2hunter2"}}}
    with stub(Told(200, json.dumps(function), {"Content-Type": "application/json"})) as server:
        document = await see(
            aws_target(server.url),
            "lambda",
            "GetFunctionConfiguration",
            parameters={"FunctionName": "f"},
        )
    # THEN the variable's name is there, its value is not
    assert document["FunctionName"] == "f"
    assert document["Environment"]["Variables"] == {"DB": "(hidden)"}


def test_documents_are_bounded() -> None:
    deep: Any = "end"
    for _ in range(40):
        deep = {"x": deep}
    kept, left = bounded({"a": list(range(1000)), "b": "x" * 20_000, "c": deep})
    assert len(kept["a"]) == LONGEST_LIST
    assert left == 700 + 1
    assert len(kept["b"]) == 8_001
    assert json.dumps(kept).count('{"x"') < 20


async def test_long_lists_are_cut_after_the_query_saw_them(aws: Moto) -> None:
    groups = [{"logGroupName": f"g{n}"} for n in range(400)]
    with stub(answers({"logGroups": groups})) as server:
        document = await see(
            aws_target(server.url),
            "logs",
            "DescribeLogGroups",
            query="{n: length(logGroups), all: logGroups}",
        )
    assert document["n"] == 400
    assert (len(document["all"]), document["left_out"], document["complete"]) == (300, 100, False)


async def test_many_looks_at_once_share_clients_and_one_search_for_credentials(aws: Moto) -> None:
    target = aws.target()
    probe = {"service": "logs", "operation": "DescribeLogGroups", "pages": 1}
    documents = await asyncio.gather(*(kind.look(target, probe, 10) for _ in range(20)))
    assert all(document["complete"] for document in documents)
    access: Any = await target.shared("aws", pytest.fail)  # made by the first look already
    assert len(access._clients) == 1
    await target.aclose()


async def test_a_closed_target_lets_go_of_its_connections(aws: Moto) -> None:
    target = aws.target()
    probe = {"service": "logs", "operation": "DescribeLogGroups", "pages": 1}
    await kind.look(target, probe, 10)
    access: Any = await target.shared("aws", pytest.fail)
    [client] = access._clients.values()
    await target.aclose()
    assert access._clients == {}
    assert not client._endpoint.http_session._manager.pools


async def test_the_loop_goes_on_while_aws_is_asked(aws: Moto) -> None:
    # GIVEN clients that are there already  WHEN AWS is asked many times
    target = aws.target()
    probe = {"service": "logs", "operation": "DescribeLogGroups", "pages": 1}
    await kind.look(target, probe, 10)
    loop, gaps, done = asyncio.get_running_loop(), [0.0], False

    async def watch() -> None:
        while not done:
            before = loop.time()
            await asyncio.sleep(0.005)
            gaps.append(loop.time() - before - 0.005)

    watching = asyncio.ensure_future(watch())
    await asyncio.gather(*(kind.look(target, probe, 10) for _ in range(10)))
    done = True
    await watching
    # THEN the loop was never held up for long
    assert max(gaps) < 0.25
    await target.aclose()


Say = Callable[[BaseHTTPRequestHandler, bytes], Told | None]


async def test_the_query_protocol_sends_lists_as_aws_wants_them() -> None:
    with stub(xml("DescribeTargetHealth", "<TargetHealthDescriptions/>")) as server:
        document = await see(
            aws_target(server.url, KEYS),
            "elbv2",
            "DescribeTargetHealth",
            parameters={"TargetGroupArn": "arn:x"},
        )
    assert document["TargetHealthDescriptions"] == []
    sent = parse_qs(server.requests[0][1].decode())
    assert sent["Action"] == ["DescribeTargetHealth"]
    assert sent["TargetGroupArn"] == ["arn:x"]
