"""Connections for HTTP: names resolved in threads that may be left, reading in small pieces.

This module imports httpcore, so it is imported by looks only, off the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import select
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any, Literal

import httpcore

from opsdeck.probes._http_names import Resolver, connect_failure, in_turns
from opsdeck.probes.base import ProbeError

# What the first connection would else import on the event loop (60 ms).
for _late in ("anyio._backends._asyncio", "anyio.streams.tls", "encodings.idna", "_strptime"):
    with contextlib.suppress(ImportError):
        importlib.import_module(_late)

SLICE = 8_192
"""Read so much at once: parsing what came holds up the event loop."""
LARGEST_HEAD = 65_536
"""An answer must begin within so many bytes, interim answers (1xx) included."""
MOST_LINES = 2_000
"""And within so many lines: each header takes a quarter of a kilobyte while it is read."""
LARGEST_BODY = 2_097_152
"""More bytes than any content that is read, with the framing of its chunks."""
HEAD_START_S = 0.25
"""How long one address of a host has before the next is tried as well."""

Phase = Literal["resolving", "connecting", "securing", "waiting", "reading"]


class Stage:
    """How far an exchange has come, for words about where it got stuck."""

    def __init__(self) -> None:
        self.phase: Phase = "waiting"
        self.place = ""
        """`HOST:PORT` of the last connection that was tried."""
        self.new = False
        """Whether a connection was made for this exchange."""


STAGE: ContextVar[Stage] = ContextVar("opsdeck_http_stage")


class TooMuchError(Exception):
    """The far end sent more than an answer may take before it made sense."""


class Stream(httpcore.AsyncNetworkStream):
    """A stream that gives little at a time, and in all no more than it is allowed."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._left = LARGEST_HEAD
        self._lines = MOST_LINES
        self._socket = inner.get_extra_info("socket")

    def allow(self, count: int) -> None:
        """From now on so many bytes may come: the content, in any number of lines."""
        self._left = self._lines = count

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes; raises TooMuchError when there have been too many."""
        if self._left <= 0 or self._lines < 0:
            raise TooMuchError
        piece = await self._inner.read(min(max_bytes, SLICE), timeout)
        self._left -= len(piece)
        self._lines -= piece.count(b"\n")
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send; what comes next is the head of an answer."""
        self._left, self._lines = LARGEST_HEAD, MOST_LINES
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """The same connection, encrypted."""
        STAGE.get().phase = "securing"
        try:
            secured = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:  # also when cancelled: nobody else would close it
            await self._inner.aclose()
            raise
        STAGE.get().phase = "waiting"
        return Stream(secured)

    def get_extra_info(self, info: str) -> Any:
        """As the stream below says."""
        if info == "is_readable" and self._socket is not None:
            return _readable(self._socket)
        return self._inner.get_extra_info(info)


def _readable(found: socket.socket) -> bool:
    """Whether something came, or the connection is over; pools ask it of each idle connection
    before each request, and the stream below takes ten times as long."""
    number = found.fileno()
    if number < 0:
        return True
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


class Backend(httpcore.AsyncNetworkBackend):
    """Connects to the first of a host's addresses that answers; raises ProbeError if none does."""

    def __init__(self) -> None:
        self._tcp = httpcore.AnyIOBackend()
        self._resolver = Resolver()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the host."""
        stage = STAGE.get()
        stage.phase, stage.new = "resolving", True
        stage.place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        addresses = await self._resolver.addresses(host, port)
        stage.phase = "connecting"
        if len(addresses) == 1:
            stream = await self._one(addresses[0], port, stage.place)
        else:
            stream = await self._race(addresses, port, stage.place)
        stage.phase = "waiting"
        return Stream(stream)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _one(self, address: str, port: int, place: str) -> httpcore.AsyncNetworkStream:
        try:
            return await self._tcp.connect_tcp(address, port)
        except httpcore.ConnectError as error:
            raise connect_failure(error, place) from error

    async def _race(
        self, addresses: list[str], port: int, place: str
    ) -> httpcore.AsyncNetworkStream:
        """The first that connects; each starts when the one before failed or had its time."""
        waiting = in_turns(addresses)
        running: set[asyncio.Task[httpcore.AsyncNetworkStream]] = set()
        failures: list[ProbeError] = []
        try:
            while waiting or running:
                if waiting:
                    running.add(asyncio.create_task(self._one(waiting.pop(0), port, place)))
                done, running = await asyncio.wait(
                    running,
                    timeout=HEAD_START_S if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for task in done:
                    error = task.exception()
                    if error is None:
                        done.discard(task)
                        running |= done
                        return task.result()
                    if not isinstance(error, ProbeError):
                        raise error
                    failures.append(error)
        finally:
            await _abandon(running)
        # Refused says most: somebody is there at all.
        raise next((f for f in failures if f.cause == "refused"), failures[0])


async def _abandon(tasks: set[asyncio.Task[httpcore.AsyncNetworkStream]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, httpcore.AsyncNetworkStream):
            await outcome.aclose()


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    """A fresh Stage for one exchange."""
    stage = Stage()
    token = STAGE.set(stage)
    try:
        yield stage
    finally:
        STAGE.reset(token)
