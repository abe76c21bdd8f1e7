"""Why the http kind could not look: each cause told apart, in words, in time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from opsdeck.probes._http_names import connect_failure
from opsdeck.probes.base import ProbeError
from tests.probes.partners_http import (
    blackhole,
    free_port,
    good_tls,
    look,
    partner,
    reply,
    self_signed_tls,
    stranger_tls,
    target_at,
    trusted,
)

TIMEOUT_S = 0.5
Server = AbstractContextManager[str]
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # handshake_failure


@contextlib.contextmanager
def tls(
    make: Callable[[Path], ssl.SSLContext], folder: Path, host: str = "localhost"
) -> Iterator[str]:
    with partner(reply("secret"), make(folder)) as server:
        yield f"https://{host}:{server.port}"


@contextlib.contextmanager
def raw(sends: bytes, scheme: str, *, reset: bool = False) -> Iterator[str]:
    """A server that sends something as soon as anything came, and closes or resets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4_096)
                    connection.sendall(sends)
                    if reset:
                        linger = b"\x01\0\0\0\0\0\0\0"
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    else:
                        connection.shutdown(socket.SHUT_WR)
                        connection.recv(4_096)

        serving = asyncio.get_running_loop().run_in_executor(None, serve)
        try:
            yield f"{scheme}://127.0.0.1:{port}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            del serving


@contextlib.contextmanager
def listening(scheme: str) -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=5) as listener:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"


@contextlib.contextmanager
def hole() -> Iterator[str]:
    with blackhole() as port:
        yield f"http://127.0.0.1:{port}"


class Failure(NamedTuple):
    about: str
    server: Callable[[Path], Server]
    cause: str
    says: str


def url(text: str) -> Callable[[Path], Server]:
    return lambda folder: contextlib.nullcontext(text)


FAILURES = [
    Failure("no such name", url("http://no-such-host.invalid"), "dns", "no-such-host.invalid"),
    Failure(
        "nothing listens",
        lambda folder: contextlib.nullcontext(f"http://127.0.0.1:{free_port()}"),
        "refused",
        r"nothing listens at 127.0.0.1:\d+ \(connection refused\): is the service up\?",
    ),
    Failure("blackhole", lambda folder: hole(), "timeout", r"no answer from 127.* within 0.5 s"),
    Failure("silence", lambda folder: listening("http"), "timeout", "but did not answer within"),
    Failure("TLS silence", lambda folder: listening("https"), "timeout", "no TLS came about"),
    Failure(
        "expired",
        lambda folder: tls(lambda _: good_tls(days=-2), folder),
        "tls",
        r"the certificate of localhost:\d+ has expired: renew it",
    ),
    Failure(
        "self-signed", lambda folder: tls(self_signed_tls, folder), "tls", "is self-signed: install"
    ),
    Failure(
        "unknown authority",
        lambda folder: tls(lambda _: stranger_tls(), folder),
        "tls",
        "comes from an authority this machine does not know",
    ),
    Failure(
        "another name",
        lambda folder: tls(lambda _: good_tls("other.example"), folder),
        "tls",
        "is for another name",
    ),
    Failure(
        "another address",
        lambda folder: tls(lambda _: good_tls(), folder, "127.0.0.1"),
        "tls",
        "is for another address",
    ),
    Failure("handshake refused", lambda folder: raw(ALERT, "https"), "tls", "handshake failure"),
    Failure("handshake cut", lambda folder: raw(b"", "https"), "tls", "during the TLS handshake"),
    Failure(
        "https at an http port",
        lambda folder: raw(b"HTTP/1.1 400 No\r\n\r\n", "https"),
        "tls",
        "is it HTTPS",
    ),
    Failure(
        "http at an https port",
        lambda folder: raw(ALERT, "http"),
        "protocol",
        "is it the right port",
    ),
    Failure(
        "reset",
        lambda folder: raw(b"", "http", reset=True),
        "protocol",
        "cut the connection before it answered",
    ),
    Failure(
        "reset in the middle",
        lambda folder: raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "http", reset=True),
        "protocol",
        "in the middle of its answer|before it answered",
    ),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: f.about)
async def test_failures_are_told_apart(failure: Failure, tmp_path: Path) -> None:
    # GIVEN a target that cannot be looked at
    with failure.server(tmp_path) as address:
        async with target_at(address, ca=trusted(tmp_path)) as target:
            # WHEN a look is taken
            began = time.perf_counter()
            with pytest.raises(ProbeError, match=failure.says) as caught:
                await look(target, TIMEOUT_S)
            took_s = time.perf_counter() - began
    # THEN the cause is right, and it did not take longer than it may
    assert caught.value.cause == failure.cause
    assert took_s < TIMEOUT_S + 0.4


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_ca_that_cannot_be_read(tmp_path: Path, content: str | None) -> None:
    """GIVEN a `ca` that is not there, or none, THEN that is said, not a fault of the server's."""
    if content is not None:
        (tmp_path / "team.pem").write_text(content)
    async with target_at("https://localhost:1", ca=str(tmp_path / "team.pem")) as target:
        with pytest.raises(ProbeError, match=r"the ca of target web cannot be read: team.pem"):
            await look(target)


NUMBERS = [
    (errno.ECONNREFUSED, "refused", "nothing listens at a:80"),
    (errno.ETIMEDOUT, "timeout", "no answer from a:80"),
    (errno.ENETUNREACH, "unreachable", "there is no route to its network"),
    (errno.EHOSTUNREACH, "unreachable", "there is no route to it"),
    (errno.EPERM, "unreachable", "a firewall of this machine forbids it"),
    (errno.EMFILE, "internal", "no file descriptors left"),
    (errno.EIO, "unreachable", "a:80 cannot be reached"),
]


@pytest.mark.parametrize(("number", "cause", "says"), NUMBERS)
def test_what_the_system_says_of_a_connection(number: int, cause: str, says: str) -> None:
    """GIVEN an error number below the client's own errors THEN it is told in words."""
    wrapped = RuntimeError("all attempts failed")
    wrapped.__context__ = OSError(number, "so the system says")
    failure = connect_failure(wrapped, "a:80")
    assert (failure.cause, says in str(failure)) == (cause, True)


async def test_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a resolver that never answers THEN two looks end in time and share one thread."""
    calls = []

    def hangs(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        time.sleep(1.5)
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    async with target_at("http://app.example.com") as target:
        began = time.perf_counter()
        outcomes = await asyncio.gather(
            look(target, 0.3), look(target, 0.3), return_exceptions=True
        )
        assert time.perf_counter() - began < 0.7
    for outcome in outcomes:
        assert isinstance(outcome, ProbeError)
        assert (outcome.cause, len(calls)) == ("dns", 1)
        assert "app.example.com did not resolve within 0.3 s" in str(outcome)


def resolving(*addresses: str) -> Callable[..., Any]:
    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    return resolve


async def test_first_address_dead_second_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a name whose first address is a blackhole THEN the second serves after a moment."""
    listener = socket.create_server(("127.0.0.2", 0), backlog=0)
    port = listener.getsockname()[1]
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.2", port))
    alive = socket.create_server(("127.0.0.3", port))
    monkeypatch.setattr(socket, "getaddrinfo", resolving("127.0.0.2", "127.0.0.3"))

    def serve() -> None:
        connection, _ = alive.accept()
        with connection:
            connection.recv(4_096)
            connection.sendall(reply("alive"))

    serving = asyncio.get_running_loop().run_in_executor(None, serve)
    try:
        async with target_at(f"http://app.example.com:{port}") as target:
            document = await look(target, 2)
        await serving
        assert (document["body"], document["ip"]) == ("alive", "127.0.0.3")
        assert 200 < document["latency_ms"] < 1_000
    finally:
        for opened in (listener, alive, *fillers):
            opened.close()


async def test_every_address_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN two addresses that refuse THEN it is refused, at once."""
    port = free_port()
    monkeypatch.setattr(socket, "getaddrinfo", resolving("127.0.0.2", "127.0.0.3"))
    async with target_at(f"http://app.example.com:{port}") as target:
        with pytest.raises(ProbeError, match=r"nothing listens at app.example.com") as caught:
            await look(target)
    assert caught.value.cause == "refused"


async def test_event_loop_stays_free_while_a_server_floods() -> None:
    """GIVEN a server that floods with tiny answers THEN the loop is never held for long."""

    def flood() -> Iterator[bytes]:
        while True:
            yield b"HTTP/1.1 100 Go on\r\n\r\n" * 3_000

    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began)

    with partner(lambda asked: flood()) as server:
        async with target_at(server.url) as target:
            with contextlib.suppress(ProbeError):
                await look(target, 1)  # imports
            watching = asyncio.create_task(watch())
            with pytest.raises(ProbeError):
                await look(target, 1)
            watching.cancel()
    assert longest < 0.4  # seconds; the flooding server is in this process too
