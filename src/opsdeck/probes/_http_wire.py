"""One HTTP exchange: sent, followed through its redirects, read within bounds.

This module imports httpcore, so it is imported by looks only, off the event loop.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpcore

from opsdeck.probes._http_body import Collector
from opsdeck.probes._http_errors import explained, out_of_time
from opsdeck.probes._http_net import LARGEST_BODY, Stage, Stream, staged
from opsdeck.probes._http_pools import pool_for
from opsdeck.probes._http_request import SAFE_METHODS, Request
from opsdeck.probes._http_url import Address, followed
from opsdeck.probes.base import ProbeError, Target

_REDIRECTS = (301, 302, 303, 307, 308)
_BREATHE_EVERY = 32
MOST_PIECES = 4_000
"""A body in more chunks than that is one that nobody means to be read."""


class Answer(NamedTuple):
    """What came back in the end."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    content: Collector
    address: Address
    redirects: list[str]
    stopped: str | None
    """Why the last redirect was not followed, where it was one."""
    http_version: str
    ip: str | None
    tls: dict[str, Any] | None
    head_ms: float
    total_ms: float


async def ask(target: Target, request: Request, deadline: float, timeout_s: float) -> Answer:
    """The answer to a request; raises ProbeError when there is none by `deadline` (loop time)."""
    passed: list[str] = []
    with staged() as stage:
        try:
            async with asyncio.timeout_at(deadline):
                await pool_for(target, request.address)  # making one is no latency of the target
                began = time.perf_counter()
                while True:
                    stage.new = False
                    answer = await _exchange(target, request, stage, began)
                    step = _next(request, answer, len(passed))
                    if not isinstance(step, Request):
                        return answer._replace(redirects=passed, stopped=step)
                    passed.append(step.address.text)
                    request = step
        except TimeoutError:
            place = stage.place or request.address.place
            failure = out_of_time(stage.phase, place, timeout_s)
        except ProbeError as error:
            failure = error
        if stage.place in ("", request.address.place):
            raise failure
        raise ProbeError(failure.cause, f"{failure} (asked through the proxy {stage.place})")


def _next(request: Request, answer: Answer, followed_so_far: int) -> Request | str | None:
    """The request that a redirect asks for, or why it is not made (None: it is no redirect)."""
    location = next((value for name, value in answer.headers if name == "location"), None)
    if answer.status not in _REDIRECTS or location is None or request.redirects == 0:
        return None
    if followed_so_far >= request.redirects:
        return f"more than {request.redirects} redirects"
    try:
        address = followed(request.address, location)
    except ValueError as error:
        return f"its Location leads nowhere: {error}"
    method, body = request.method, request.body
    if method not in SAFE_METHODS and answer.status in (301, 302, 303):
        method, body = "GET", None
    if address.origin == request.address.origin:
        return request._replace(method=method, body=body, address=address)
    if method not in SAFE_METHODS:
        return f"a {method} is not repeated at another origin"
    return Request(method, address, redirects=request.redirects)


async def _exchange(target: Target, request: Request, stage: Stage, began: float) -> Answer:
    """One request and its answer; once more if a kept connection turned out to be closed."""
    while True:
        stage.phase = "waiting"
        retry = not stage.new and request.method in SAFE_METHODS
        try:
            return await _once(target, request, stage, began)
        except (ProbeError, TimeoutError):
            raise
        except Exception as error:
            stale = isinstance(
                error, httpcore.ReadError | httpcore.WriteError | httpcore.RemoteProtocolError
            )
            if stale and retry and not stage.new and stage.phase == "waiting":
                stage.new = True  # so that it happens once only
                continue
            raise explained(error, request.address, stage) from error


async def _once(target: Target, request: Request, stage: Stage, began: float) -> Answer:
    address = request.address
    pool = await pool_for(target, address)
    async with pool.stream(
        request.method,
        httpcore.URL(
            scheme=address.scheme.encode(),
            host=address.host.encode(),
            port=address.port,
            target=address.target.encode(),
        ),
        headers=_head(request),
        content=request.body,
    ) as response:
        head_ms = _ms_since(began)
        stage.phase = "reading"
        stream = response.extensions.get("network_stream")
        if isinstance(stream, Stream):
            stream.allow(LARGEST_BODY)
        headers = [(name.decode("ascii").lower(), _text(value)) for name, value in response.headers]
        encodings = [value for name, value in headers if name == "content-encoding"]
        content = Collector(", ".join(encodings))
        await _read(response, content)
        server = stream.get_extra_info("server_addr") if stream is not None else None
        return Answer(
            status=response.status,
            reason=_text(response.extensions.get("reason_phrase", b""))[:200],
            headers=headers,
            content=content,
            address=address,
            redirects=[],
            stopped=None,
            http_version=_text(response.extensions.get("http_version", b"")).removeprefix("HTTP/"),
            ip=str(server[0]) if isinstance(server, tuple) else None,
            tls=_tls(stream.get_extra_info("ssl_object") if stream is not None else None),
            head_ms=head_ms,
            total_ms=_ms_since(began),
        )


async def _read(response: httpcore.Response, content: Collector) -> None:
    pieces = 0
    async for piece in response.aiter_stream():
        content.feed(piece)
        pieces += 1
        content.truncated |= pieces >= MOST_PIECES
        if content.truncated:
            return
        if pieces % _BREATHE_EVERY == 0:
            await asyncio.sleep(0)
    content.end()


def _head(request: Request) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name in request.headers}
    lines = [("Host", request.host or request.address.netloc)]
    usual = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "OpsDeck"}
    lines += [(name, value) for name, value in usual.items() if name.lower() not in given]
    lines += request.headers.items()
    if request.body is not None or request.method not in SAFE_METHODS:
        lines.append(("Content-Length", str(len(request.body or b""))))
    return [(name.encode("ascii"), value.encode("utf-8")) for name, value in lines]


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _tls(connection: ssl.SSLObject | None) -> dict[str, Any] | None:
    """What is known of an encrypted connection whose certificate was verified."""
    if connection is None:
        return None
    certificate = connection.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(certificate.get("notAfter")))
    cipher = connection.cipher()
    return {
        "days_left": round((ends - time.time()) / 86_400, 1),
        "not_after": datetime.fromtimestamp(ends, UTC).isoformat().replace("+00:00", "Z"),
        "protocol": connection.version(),
        "cipher": cipher[0] if cipher else None,
    }


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
