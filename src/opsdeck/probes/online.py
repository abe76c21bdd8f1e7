"""Whether this machine is cut off itself, before anybody blames a target.

Anchors are places that answer when the network is up: by default the deck's own targets and the
system's resolvers. One that answers is enough. This machine itself does not count, unless it was
configured to; a deck that looks at nothing but this machine has no anchors and is never offline.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from opsdeck.probes.address import Address, address_of, parse_address
from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.blocking import in_thread
from opsdeck.probes.knock import knock
from opsdeck.probes.resolve import Endpoint, endpoints_of

RESOLV_CONF = Path("/etc/resolv.conf")
PATIENCE_S = 1.5
ANCHOR_PATIENCE_S = 0.8
"""Anchors are asked when a look has failed already: together they stay within a second more."""
MOST = 32
"""Anchors that are asked; a deck with more targets is online by one of these or not at all."""

_ANSWERS = frozenset({0, 3})
"""NOERROR and NXDOMAIN: the server found somebody to ask. SERVFAIL and REFUSED prove nothing."""

_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")


class Anchor(NamedTuple):
    """A place that answers when the network is up: TCP, or a DNS server asked a real question."""

    by: Literal["tcp", "dns"]
    address: Address
    local_counts: bool = False
    """Whether a connection to this very machine proves anything: a tunnel or proxy may."""

    def __str__(self) -> str:
        return f"dns:{self.address}" if self.by == "dns" else str(self.address)


async def anchors(
    targets: Iterable[Target],
    configured: Sequence[str] | None = None,
    *,
    resolv_conf: Path = RESOLV_CONF,
) -> list[Anchor]:
    """The anchors that are configured, else the targets' addresses and the resolvers.

    Configured ones are `HOST:PORT`, `dns:IP` or a URL (only connected to). Raises ProbeError
    `missing` for one that is none of these.
    """
    if configured:
        return [configured_anchor(text) for text in configured][:MOST]
    found = list(dict.fromkeys(address for address in map(_address, targets) if address))
    abroad = [address for address in found if not names_this_machine(address.host)]
    if found and not abroad:
        return []
    servers = await in_thread(lambda: _name_servers(resolv_conf))
    return [
        *(Anchor("dns", Address(server, 53)) for server in servers),
        *(Anchor("tcp", address) for address in abroad),
    ][:MOST]


def configured_anchor(text: str) -> Anchor:
    """`HOST:PORT`, `dns:IP` or a URL; raises ProbeError `missing` for anything else."""
    by, separator, rest = text.strip().partition(":")
    if separator and by == "dns":
        return Anchor("dns", parse_address(rest, 53))
    return Anchor("tcp", parse_address(text), local_counts=True)


async def is_online(anchors: Iterable[Anchor], timeout_s: float = PATIENCE_S) -> bool:
    """Whether any anchor answers; also true without anchors, for then nobody can tell.

    All are asked at once; the first that answers ends it.
    """
    tasks = [asyncio.ensure_future(_answers(anchor, timeout_s)) for anchor in anchors]
    if not tasks:
        return True
    try:
        async with asyncio.timeout(timeout_s):
            for task in asyncio.as_completed(tasks):
                if await task:
                    return True
    except TimeoutError:
        return False
    finally:
        for pending in tasks:
            pending.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return False


class Connectivity:
    """Since when this machine is offline, as far as anybody asked.

    The checker asks when a round met only causes in `CUT_OFF` and no network target answered.
    """

    def __init__(self, anchors: Sequence[Anchor], timeout_s: float = PATIENCE_S) -> None:
        self.anchors = list(anchors)
        self.timeout_s = timeout_s
        self.offline_since: datetime | None = None

    def heard(self) -> None:
        """Something answered over the network: online, without asking."""
        self.offline_since = None

    async def judge(self, now: datetime) -> None:
        """Ask the anchors; the moment when it was first found offline stays."""
        if await is_online(self.anchors, self.timeout_s):
            self.offline_since = None
        elif self.offline_since is None:
            self.offline_since = now


def _address(target: Target) -> Address | None:
    """Where a target listens; None for one that is no place on the network."""
    try:
        return address_of(target, {}, default_port=443)
    except ProbeError:
        return None


def names_this_machine(host: str) -> bool:
    """Whether this is loopback by its look: no resolver is asked."""
    return host.lower() in _LOCAL_NAMES or host.startswith("127.") or host in ("::1", "0.0.0.0")


def _name_servers(path: Path) -> list[str]:
    """The `nameserver` lines of resolv.conf, at most three, as the C library takes them."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    words = (line.split() for line in lines[:1000])
    return [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"][:3]


async def _answers(anchor: Anchor, timeout_s: float) -> bool:
    if anchor.by == "dns":
        return await _dns_answers(anchor.address, timeout_s)
    try:
        endpoints = await endpoints_of(anchor.address.host, anchor.address.port, timeout_s)
    except ProbeError:
        return False
    here = {end for end in endpoints if _is_this_machine(end)}
    if not anchor.local_counts:
        endpoints = [end for end in endpoints if end not in here]
    if not endpoints:
        return False
    result = await knock(endpoints, timeout_s)
    if result.sock is not None:
        result.sock.close()
        return True
    return result.state == "closed" and result.ip not in {end.ip for end in here}


def _is_this_machine(end: Endpoint) -> bool:
    """Whether packets to an address would come from the same address: no packet is sent."""
    try:
        with socket.socket(end.family, socket.SOCK_DGRAM) as sock:
            sock.connect(end.sockaddr)
            return str(sock.getsockname()[0]) == end.ip
    except OSError:
        return False


class _Question(asyncio.DatagramProtocol):
    """Waits for the first datagram that answers the question with this number."""

    def __init__(self, number: bytes) -> None:
        self.number = number
        self.answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if len(data) < 12 or data[:2] != self.number or not data[2] & 0x80:
            return  # junk, or the answer to somebody else's question
        self._settle(data[3] & 0x0F in _ANSWERS)

    def error_received(self, exc: Exception) -> None:
        self._settle(False)  # nothing listens there

    def _settle(self, answered: bool) -> None:
        if not self.answered.done():
            self.answered.set_result(answered)


async def _dns_answers(address: Address, timeout_s: float) -> bool:
    """Whether a name server can name those of the root, which it must know somebody to ask for."""
    number = secrets.token_bytes(2)
    question = number + b"\x01\x00\x00\x01\0\0\0\0\0\0" + b"\0" + b"\x00\x02\x00\x01"
    loop = asyncio.get_running_loop()
    transport: asyncio.DatagramTransport | None = None
    try:
        async with asyncio.timeout(timeout_s):
            endpoint = (await endpoints_of(address.host, address.port, timeout_s))[0]
            transport, protocol = await loop.create_datagram_endpoint(
                lambda: _Question(number), remote_addr=endpoint.sockaddr[:2]
            )
            for wait_s in (timeout_s / 3, timeout_s):  # asked again once: datagrams get lost
                transport.sendto(question)
                done, _ = await asyncio.wait([protocol.answered], timeout=wait_s)
                if done:
                    return protocol.answered.result()
    except (TimeoutError, OSError, ProbeError):
        return False
    finally:
        if transport is not None:
            transport.close()
    return False
