"""When AWS cannot be asked, refuses, or talks nonsense: what is said, and how soon."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from opsdeck.probes import _aws_access
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.kinds import aws as kind
from opsdeck.probes.registry import parameters_of
from tests.probes.partners_aws import (
    KEYS,
    NO_FILES,
    SECRET,
    Told,
    aws_target,
    free_port,
    silent,
    stub,
)

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:1"


async def fails(
    target: Target, service: str = "sts", operation: str = "GetCallerIdentity", **more: Any
) -> ProbeError:
    """The error of a look that must fail, within its time and without a secret in it."""
    timeout_s = more.pop("timeout_s", 5.0)
    probe = parameters_of({"kind": "aws", "service": service, "operation": operation, **more})
    begun = time.perf_counter()
    try:
        with pytest.raises(ProbeError) as caught:
            await kind.look(target, probe, timeout_s)
    finally:
        await target.aclose()
    assert time.perf_counter() - begun < 3.0
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700
    return caught.value


def bare(environ: Mapping[str, str] = {}, **values: Any) -> Target:
    """A target of a machine that has no AWS credentials, and no metadata service either."""
    closed = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": NOWHERE}
    return aws_target(NOWHERE, {**closed, **environ}, **values)


async def test_no_credentials() -> None:
    error = await fails(bare())
    assert error.cause == "missing"
    assert "no AWS credentials: set AWS_PROFILE or run `aws sso login`" in str(error)


async def test_no_credentials_and_a_metadata_service_that_is_blackholed() -> None:
    # GIVEN a metadata service that takes connections and never answers
    with silent() as url:
        target = bare({"AWS_EC2_METADATA_SERVICE_ENDPOINT": url})
        probe = parameters_of({"kind": "aws", "service": "sts", "operation": "GetCallerIdentity"})
        # WHEN thirty items look at once, and thirty more after them
        begun = time.perf_counter()
        for _ in range(2):
            looks = (kind.look(target, probe, 5.0) for _ in range(30))
            found = await asyncio.gather(*looks, return_exceptions=True)
            # THEN each is told what is missing, and all of them waited for it once
            assert {getattr(error, "cause", error) for error in found} == {"missing"}
        assert time.perf_counter() - begun < 3.0
    await target.aclose()


async def test_an_instance_role_is_found() -> None:
    # GIVEN a metadata service with a role
    role = {
        "Code": "Success",
        "Type": "AWS-HMAC",
        "AccessKeyId": "AKIAROLE",
        "SecretAccessKey": "secret-of-the-role",
        "Token": "token-of-the-role",
        "Expiration": "2099-01-01T00:00:00Z",
    }

    def metadata(handler: BaseHTTPRequestHandler, body: bytes) -> Told:
        if handler.path.endswith("/api/token"):
            return Told(200, "token", {"x-aws-ec2-metadata-token-ttl-seconds": "60"})
        if handler.path.endswith("security-credentials/"):
            return Told(200, "web")
        return Told(200, json.dumps(role))

    identity = "<R><GetCallerIdentityResult><Arn>arn:x</Arn></GetCallerIdentityResult></R>"
    with stub(metadata) as imds, stub(Told(200, identity)) as server:
        environ = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url}
        target = aws_target(server.url, environ)
        probe = parameters_of({"kind": "aws", "service": "sts", "operation": "GetCallerIdentity"})
        document = await kind.look(target, probe, 5.0)
    # THEN it is used, and hidden
    assert document["Arn"] == "arn:x"
    assert target.secrets == {"secret-of-the-role", "token-of-the-role"}
    await target.aclose()


@pytest.mark.parametrize(
    ("files", "values", "cause", "said"),
    [
        ({}, {"profile": "nobody"}, "missing", "nobody"),
        ({"credentials": "[p]\naws_access_key_id=A\n"}, {"profile": "p"}, "missing", "secret key"),
        ({"config": "[broken"}, {"profile": "p"}, "missing", "configuration"),
        (
            {"config": "[profile p]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
             "[sso-session s]\nsso_start_url = https://x\nsso_region = eu-west-1\n"},
            {"profile": "p"},
            "auth",
            "aws sso login",
        ),
        (
            {"config": "[profile p]\nsso_start_url = https://x\nsso_region = eu-west-1\n"
             "sso_account_id = 1\nsso_role_name = r\n"},
            {"profile": "p"},
            "auth",
            "aws sso login",
        ),
        (
            {"config": "[profile p]\ncredential_process = /bin/false\n"},
            {"profile": "p"},
            "auth",
            "aws sso login",
        ),
    ],
)  # fmt: skip
async def test_credentials_that_are_not_right(
    tmp_path: Path, files: dict[str, str], values: dict[str, str], cause: str, said: str
) -> None:
    # GIVEN configuration files that name a profile badly, or one whose session has ended
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    environ = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    error = await fails(bare(environ, **values))
    assert (error.cause, said in str(error)) == (cause, True), str(error)


async def test_a_stack_that_does_not_exist_is_an_answer() -> None:
    # GIVEN CloudFormation, whose word for it is that the request is not valid
    said = "<Code>ValidationError</Code><Message>Stack with id nowhere does not exist</Message>"
    with stub(Told(400, f"<ErrorResponse><Error>{said}</Error></ErrorResponse>")) as server:
        asked = {"kind": "aws", "service": "cloudformation", "operation": "DescribeStacks"}
        document = await kind.look(aws_target(server.url), parameters_of(asked), 3)
    assert (document["found"], document["error"]) == (False, "ValidationError")


async def test_no_region() -> None:
    error = await fails(aws_target("", {**KEYS}, region=""), "ec2", "DescribeVpcs")
    assert (error.cause, str(error)[:13]) == ("missing", "no AWS region")


async def test_an_endpoint_that_is_no_url() -> None:
    error = await fails(aws_target("localhost:4566"))
    assert (error.cause, "endpoint_url" in str(error)) == ("missing", True)


async def test_boto3_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def absent(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(_aws_access, "import_module", absent)
    error = await fails(aws_target(NOWHERE))
    assert (error.cause, str(error)[:12]) == ("missing", "boto3 is not")


@pytest.mark.parametrize(
    ("service", "operation", "said"),
    [
        ("elbv2", "DescribeTargetHealt", "did you mean DescribeTargetHealth"),
        ("elasticthing", "DescribeVpcs", "elasticthing"),
        ("elb-v2", "DescribeTargetHealth", "did you mean elbv2"),
        ("ec2", "TerminateInstances", "refused"),
        ("cloudfront", "GetFunction", "stream"),
        ("cloudfront", "GetNothing", "no operation"),
    ],
)
async def test_operations_that_are_not_asked(service: str, operation: str, said: str) -> None:
    # GIVEN an endpoint  WHEN such an operation is looked for
    with stub(Told(500)) as server:
        error = await fails(aws_target(server.url), service, operation, parameters={"Name": "x"})
        # THEN it is missing, AND nothing was sent
        assert (error.cause, said in str(error)) == ("missing", True), str(error)
        assert server.requests == []


async def test_parameters_that_do_not_fit_are_named() -> None:
    error = await fails(aws_target(NOWHERE), "ec2", "DescribeVpcs", parameters={"VpcIdz": 1})
    assert error.cause == "protocol"
    assert "VpcIdz" in str(error)


async def test_a_query_that_meets_other_types() -> None:
    with stub(Told(200, '{"logGroups": []}')) as server:
        error = await fails(
            aws_target(server.url), "logs", "DescribeLogGroups", query="abs(logGroups)"
        )
    assert (error.cause, "query" in str(error)) == ("protocol", True)


# what stops a request on its way


async def test_nothing_listens() -> None:
    error = await fails(aws_target(f"http://127.0.0.1:{free_port()}"))
    assert (error.cause, "nothing listens" in str(error)) == ("refused", True)


async def test_a_silent_server() -> None:
    with silent() as url:
        error = await fails(aws_target(url))
    assert error.cause == "timeout"


async def test_a_silent_server_within_a_short_timeout() -> None:
    with silent() as url:
        begun = time.perf_counter()
        error = await fails(aws_target(url), timeout_s=0.5)
        assert time.perf_counter() - begun < 1.0
    assert (error.cause, "0.5 s" in str(error)) == ("timeout", True)


async def test_a_name_that_does_not_resolve() -> None:
    error = await fails(aws_target("http://aws.example.invalid"))
    assert error.cause == "dns"


async def test_a_resolver_that_is_blackholed(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a resolver that keeps its asker for long
    over = threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        over.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "again")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    monkeypatch.setattr(_aws_access, "RESOLVE_S", 0.3)
    error = await fails(aws_target("http://aws.example.com"))
    over.set()
    assert error.cause == "dns"


async def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a proxy, which would resolve names in this machine's stead, but does not listen
    monkeypatch.setenv("http_proxy", f"http://user:hunter2@127.0.0.1:{free_port()}")
    error = await fails(aws_target("http://aws.example.invalid"))
    assert (error.cause, "HTTPS_PROXY" in str(error)) == ("unreachable", True), str(error)


async def test_tls_that_is_none() -> None:
    with stub(Told(200)) as server:
        error = await fails(aws_target(server.url.replace("http:", "https:")))
    assert error.cause == "tls"


async def test_a_cancelled_look_ends_at_once() -> None:
    with silent() as url:
        target = aws_target(url)
        probe = parameters_of({"kind": "aws", "service": "sts", "operation": "GetCallerIdentity"})
        look = asyncio.ensure_future(kind.look(target, probe, 5.0))
        await asyncio.sleep(0.3)
        look.cancel()
        begun = time.perf_counter()
        with pytest.raises(asyncio.CancelledError):
            await look
        assert time.perf_counter() - begun < 0.1
        await target.aclose()


# what AWS answers when it refuses


def refusal(protocol: str, status: int, code: str, message: str = "words") -> Told:
    if protocol == "json":
        body = json.dumps({"__type": f"com.amazonaws#{code}", "message": message})
        return Told(status, body, {"Content-Type": "application/x-amz-json-1.1"})
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if protocol == "ec2":
        return Told(status, f"<Response><Errors><Error>{inner}</Error></Errors></Response>")
    if protocol == "s3":
        return Told(status, f"<Error>{inner}</Error>")
    return Told(status, f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>")


ASKS = {
    "json": ("logs", "DescribeLogGroups"),
    "ec2": ("ec2", "DescribeVpcs"),
    "query": ("elbv2", "DescribeTargetGroups"),
    "s3": ("s3", "ListBuckets"),
}
REFUSALS = [
    ("json", 400, "AccessDeniedException", "rights", "logs:DescribeLogGroups"),
    ("ec2", 403, "UnauthorizedOperation", "rights", "ec2:DescribeVpcs"),
    ("query", 403, "AccessDenied", "rights", "elasticloadbalancing:DescribeTargetGroups"),
    ("s3", 403, "AccessDenied", "rights", "s3:ListAllMyBuckets"),
    ("json", 400, "ThrottlingException", "throttled", "less often"),
    ("ec2", 503, "RequestLimitExceeded", "throttled", "less often"),
    ("query", 400, "Throttling", "throttled", "less often"),
    ("s3", 503, "SlowDown", "throttled", "less often"),
    ("json", 429, "TooManyRequestsException", "throttled", "less often"),
    ("json", 400, "ExpiredTokenException", "auth", "aws sso login"),
    ("query", 403, "ExpiredToken", "auth", "aws sso login"),
    ("query", 403, "InvalidClientTokenId", "auth", "credentials"),
    ("json", 400, "UnrecognizedClientException", "auth", "credentials"),
    ("ec2", 401, "AuthFailure", "auth", "credentials"),
    ("query", 403, "SignatureDoesNotMatch", "auth", "credentials"),
    ("s3", 403, "InvalidAccessKeyId", "auth", "credentials"),
    ("s3", 403, "RequestTimeTooSkewed", "auth", "clock"),
    ("query", 403, "OptInRequired", "missing", "does not use"),
    ("json", 400, "ValidationException", "protocol", "parameters"),
    ("ec2", 400, "InvalidParameterValue", "protocol", "parameters"),
    ("query", 400, "MissingParameter", "protocol", "parameters"),
    ("json", 500, "InternalFailure", "protocol", "try again"),
    ("ec2", 503, "Unavailable", "protocol", "try again"),
    ("query", 500, "ServiceFailure", "protocol", "try again"),
    ("json", 418, "Teapot", "protocol", "418"),
]


@pytest.mark.parametrize(("protocol", "status", "code", "cause", "said"), REFUSALS)
async def test_what_aws_refuses(
    protocol: str, status: int, code: str, cause: str, said: str
) -> None:
    # GIVEN an answer as AWS gives it in this protocol  WHEN the probe looks
    with stub(refusal(protocol, status, code)) as server:
        error = await fails(aws_target(server.url), *ASKS[protocol])
        # THEN it is told apart, with what to do, AND only what was too much is tried again
        assert (error.cause, said in str(error)) == (cause, True), str(error)
        assert len(server.requests) == (4 if cause == "throttled" else 1)


async def test_what_was_too_much_at_once_is_asked_again() -> None:
    # GIVEN an AWS that takes the third request  WHEN the probe looks
    busy = refusal("json", 400, "ThrottlingException")
    taken = Told(200, '{"logGroups": []}', {"Content-Type": "application/x-amz-json-1.1"})
    with stub(busy, busy, taken) as server:
        target = aws_target(server.url)
        probe = {"kind": "aws", "service": "logs", "operation": "DescribeLogGroups"}
        document = await kind.look(target, parameters_of(probe), 5.0)
        await target.aclose()
    # THEN it has its answer
    assert document["logGroups"] == []


# nonsense and hostility


def slowly(chunk: bytes, header: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Any:
    def say(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.wfile.write(header)
        for _ in range(200):
            handler.wfile.write(chunk)
            handler.wfile.flush()
            time.sleep(0.05)

    return say


def endless(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(1000):
        handler.wfile.write(b" " * 1_000_000)


def raw(answer: bytes) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    def say(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.wfile.write(answer)

    return say


DEEP = '{"logGroups":' + "[" * 50_000 + "]" * 50_000 + "}"
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in itertools.pairwise("abcdefghi"))
    + "]><R><DescribeTargetGroupsResult>&i;</DescribeTargetGroupsResult></R>"
)
HOSTILE: list[tuple[str, str, Any]] = [
    ("HTML instead of JSON", "json", Told(200, "<html>login</html>")),
    ("HTML instead of XML", "query", Told(200, "<html><br>login</html>")),
    ("nothing instead of XML", "query", Told(200, "")),
    ("a list instead of a table", "json", Told(200, "[1, 2]")),
    ("a number instead of a table", "json", Told(200, "7")),
    ("null", "json", Told(200, "null")),
    ("half a JSON", "json", Told(200, '{"logGroups": [')),
    ("a list that is none", "json", Told(200, '{"logGroups": 7}')),
    ("entries that are none", "json", Told(200, '{"logGroups": [7, null, "x"]}')),
    ("times that are none", "s3", Told(200, "<L><Buckets><Bucket><CreationDate>noon"
     "</CreationDate></Bucket></Buckets></L>")),
    ("deep JSON", "json", Told(200, DEEP)),
    ("an XML bomb", "query", Told(200, BOMB)),
    ("invalid UTF-8", "json", Told(200, b'{"logGroups": [{"logGroupName": "\xff\xfe"}]}')),
    ("escapes in an error", "json", Told(400, '{"__type": "\\u001b[2JBad", "message": "\\u202e"}')),
    ("an error of another world", "json", Told(400, '{"error": {"a": [1]}}')),
    ("an error that is a list", "json", Told(500, "[]")),
    ("an error without a body", "query", Told(400, "")),
    ("a redirect", "query", Told(302, "", {"Location": "http://127.0.0.1:1/"})),
    ("no HTTP", "query", raw(b"220 mail.example.com ESMTP\r\n")),
    ("a closed connection", "json", raw(b"")),
    ("half a header", "json", raw(b"HTTP/1.1 200 OK\r\nContent-")),
    ("fewer bytes than promised", "json", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")),
    ("a broken chunk", "json", raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")),
    ("a huge header", "json", raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n{}")),
    ("an endless answer", "json", endless),
]  # fmt: skip


@pytest.mark.parametrize(("about", "protocol", "say"), HOSTILE, ids=[h[0] for h in HOSTILE])
async def test_hostile_answers(about: str, protocol: str, say: Any) -> None:
    # GIVEN such an answer  WHEN the probe looks
    service, operation = ASKS[protocol]
    probe = parameters_of({"kind": "aws", "service": service, "operation": operation})
    with stub(say) as server:
        target = aws_target(server.url)
        begun = time.perf_counter()
        [found] = await asyncio.gather(kind.look(target, probe, 5.0), return_exceptions=True)
        if isinstance(found, ProbeError):
            # THEN either it says in one line that this makes no sense
            assert found.cause in ("protocol", "timeout"), (found.cause, str(found))
            assert "\n" not in str(found)
            assert len(str(found)) < 700
        else:
            # or there is a document that any JSON writer takes
            json.dumps(found, allow_nan=False).encode()
        assert time.perf_counter() - begun < 4.0
        await target.aclose()


@pytest.mark.parametrize(
    "say",
    [slowly(b" "), slowly(b"x", b"HTTP/1.1 200 OK\r\nX: ")],
    ids=["a body in drops", "a header in drops"],
)
async def test_answers_in_drops_end_with_the_timeout(say: Any) -> None:
    with stub(say) as server:
        error = await fails(aws_target(server.url), timeout_s=0.8)
    assert error.cause == "timeout"


async def test_one_value_that_is_refused_ends_them_all() -> None:
    # GIVEN an answer with two values, the second of which may not be asked for
    def say(handler: BaseHTTPRequestHandler, body: bytes) -> Told:
        name = json.loads(body).get("logGroupName")
        if name is None:
            return Told(200, '{"logGroups": [{"logGroupName": "a"}, {"logGroupName": "b"}]}')
        return Told(200, "{}") if name == "a" else refusal("json", 400, "AccessDeniedException")

    each = {
        "values": "logGroups[].logGroupName",
        "operation": "DescribeLogStreams",
        "parameter": "logGroupName",
        "into": "streams",
    }
    with stub(say) as server:
        error = await fails(aws_target(server.url), "logs", "DescribeLogGroups", each=each)
    # THEN the look could not be made, and says which right is missing
    assert error.cause == "rights"
    assert "logs:DescribeLogStreams" in str(error)


async def test_nothing_of_this_machine_is_used() -> None:
    # GIVEN a target with an environment of its own, THEN that is all its session knows
    assert (await fails(bare(NO_FILES))).cause == "missing"
