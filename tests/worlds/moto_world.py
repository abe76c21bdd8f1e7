"""A world in moto: emptied, filled by a function, and looked at, perhaps at a later time.

What moto lacks is answered by a small server in front of it, as AWS documents it: percentiles
(one value a minute, so its maximum) and what a `Fake` knows.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from opsdeck.probes import _aws_calls
from opsdeck.probes._aws_access import now
from tests.probes.partners_aws import KEYS, NO_FILES, REGION, Moto, Told, in_front, moto, stub
from tests.probes.partners_cloud import Build, Fake
from tests.worlds.harness import Setting, Verdict, World, items


def world(
    item: str,
    verdict: Verdict,
    about: str,
    build: Build,
    *,
    fake: Fake | None = None,
    edit: Callable[[bytes], bytes] | None = None,
    later: timedelta = timedelta(0),
) -> World:
    """An AWS with what `build` puts there, seen `later`; `fake` answers what moto cannot, `edit`
    changes what it answers."""

    def setup(tmp_path: Path) -> AbstractContextManager[Setting]:
        return _setting(item, build, fake, edit, later)

    return World(item, verdict, about, setup)


@contextmanager
def _setting(
    item: str,
    build: Build,
    fake: Fake | None,
    edit: Callable[[bytes], bytes] | None,
    later: timedelta,
) -> Iterator[Setting]:
    aws = moto()
    for service in _services(item):
        _wake(service)
    aws.reset()
    keys = build(aws) or {}
    with ExitStack() as stack:
        url = aws.url
        if fake is not None:
            url = stack.enter_context(stub(_before(aws, fake))).url
        if edit is not None:
            url = stack.enter_context(in_front(aws, edit)).url
        if later:
            stack.enter_context(clock(later))
        table = {"kind": "aws", "region": REGION, "endpoint_url": url, **keys}
        yield Setting({"aws": table}, environ={**NO_FILES, **KEYS})


@cache
def _services(item: str) -> frozenset[str]:
    """The services that an item's probe asks."""
    probe = items()[item].probe or {}
    more = [probe.get(key) or [] for key in ("also", "each")]
    entries = [one for found in more for one in (found if isinstance(found, list) else [found])]
    return frozenset([probe["service"], *(one.get("service", probe["service"]) for one in entries)])


@cache
def _wake(service: str) -> None:
    """Have moto load a service, which takes it longer than a look may."""
    aws = moto()
    name = aws.client(service).meta.service_model.signing_name
    scope = f"AWS4-HMAC-SHA256 Credential=KEY/20261123/{REGION}/{name}/aws4_request"
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=30)
    connection.request("GET", "/", headers={"Authorization": scope})
    connection.getresponse().read()
    connection.close()


def _before(aws: Moto, fake: Fake) -> Fake:
    """What the fake answers, else what moto does."""

    def say(handler: BaseHTTPRequestHandler, body: bytes) -> Told | None:
        told = fake(handler, body)
        if told is not None:
            return told
        body = body.replace(b'"Stat": "p95"', b'"Stat": "Maximum"')
        connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=10)
        headers = {**dict(handler.headers), "Content-Length": str(len(body))}
        connection.request(handler.command, handler.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return Told(answer.status, content, {"Content-Type": answer.headers["Content-Type"] or ""})

    return say


def moto_alone(handler: BaseHTTPRequestHandler, body: bytes) -> Told | None:
    """Moto answers everything (but for percentiles)."""
    return None


@contextmanager
def clock(later: timedelta) -> Iterator[None]:
    """Ages are counted from a later moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_aws_calls, "now", lambda: now() + later)
        yield
