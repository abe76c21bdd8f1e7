"""Opening a TCP connection to a host with one or several addresses, and saying how it went."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Sequence
from typing import Literal, NamedTuple

from opsdeck.probes.address import Address
from opsdeck.probes.base import Cause, ProbeError
from opsdeck.probes.resolve import Endpoint

State = Literal["open", "closed", "silent", "unreachable", "forbidden", "exhausted"]
"""`closed`: refused. `silent`: nothing came back. `unreachable`: no route, or a router said no.
`forbidden`: this machine does not let us. `exhausted`: no descriptors or ports are left here."""

LAG_S = 0.25
"""How long one address may be silent before the next is tried beside it (RFC 8305)."""

_STATES: dict[int, State] = {
    errno.ECONNREFUSED: "closed",
    errno.ECONNRESET: "closed",
    errno.ETIMEDOUT: "silent",
    errno.EPERM: "forbidden",
    errno.EACCES: "forbidden",
    errno.EMFILE: "exhausted",
    errno.ENFILE: "exhausted",
    errno.ENOBUFS: "exhausted",
    errno.EAGAIN: "exhausted",
}
_NOT_FROM_HERE = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""An address of a family this machine has no route for, which says nothing about the others."""


class Knock(NamedTuple):
    """How a connection went; `sock` is the caller's to close when it is open."""

    state: State
    ip: str
    sock: socket.socket | None = None
    error: OSError | None = None


async def knock(endpoints: Sequence[Endpoint], timeout_s: float) -> Knock:
    """Connect to the first address that answers, later ones started `LAG_S` after earlier ones.

    Closed only when every address that can be reached from here refuses.
    """
    failed: list[Knock] = []
    pending: set[asyncio.Task[Knock]] = set()
    waiting = list(endpoints)
    try:
        async with asyncio.timeout(timeout_s):
            while waiting or pending:
                if waiting:
                    pending.add(asyncio.ensure_future(_one(waiting.pop(0))))
                done, pending = await asyncio.wait(
                    pending,
                    timeout=LAG_S if waiting else None,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                results = [task.result() for task in done]
                opened = [result for result in results if result.sock is not None]
                for late in opened[1:]:
                    _close(late)
                if opened:
                    return opened[0]
                failed += results
    except TimeoutError:
        return Knock("silent", endpoints[0].ip)
    finally:
        for task in pending:
            task.add_done_callback(_discard)
            task.cancel()
    return _verdict(failed)


async def connected(
    address: Address, endpoints: Sequence[Endpoint], timeout_s: float
) -> tuple[socket.socket, str]:
    """A connected socket and the IP address it leads to; raises ProbeError."""
    result = await knock(endpoints, timeout_s)
    if result.sock is None:
        raise failure(address, result, timeout_s)
    return result.sock, result.ip


def failure(address: Address, result: Knock, timeout_s: float) -> ProbeError:
    """Why there is no connection, in words an operator can act on."""
    reason = os.strerror(result.error.errno or 0) if result.error is not None else ""
    cause: Cause
    if result.state == "closed":
        cause = "refused"
        words = f"nothing listens at {address} (connection refused): is the service up?"
    elif result.state == "silent":
        cause = "timeout"
        words = (
            f"{address} does not answer within {timeout_s:.1f} s: is the machine up,"
            " and does a firewall drop packets from here?"
        )
    elif result.state == "forbidden":
        cause = "rights"
        words = f"this machine may not connect to {address} ({reason}): check its own firewall"
    elif result.state == "exhausted":
        cause = "internal"
        words = f"no connection to {address} can be opened here ({reason}): raise the limits"
    else:
        cause = "unreachable"
        words = f"there is no way to {address} from here ({reason}): check routes, VPN and firewall"
    return ProbeError(cause, words)


async def _one(endpoint: Endpoint) -> Knock:
    sock: socket.socket | None = None
    try:
        sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, endpoint.sockaddr)
        answer = Knock("open", endpoint.ip, sock)
        sock = None
        return answer
    except OSError as error:
        state = _STATES.get(error.errno or 0, "unreachable")
        return Knock(state, endpoint.ip, error=error)
    finally:
        if sock is not None:
            sock.close()


def _verdict(failed: Sequence[Knock]) -> Knock:
    """What all the addresses together say: the worst word about those that count."""
    local = [k for k in failed if k.error is not None and k.error.errno in _NOT_FROM_HERE]
    counted = [k for k in failed if k not in local] or list(failed)
    order: tuple[State, ...] = ("exhausted", "forbidden", "silent", "unreachable", "closed")
    return min(counted, key=lambda k: order.index(k.state))


def _close(result: Knock) -> None:
    if result.sock is not None:
        result.sock.close()


def _discard(task: asyncio.Task[Knock]) -> None:
    if not task.cancelled() and task.exception() is None:
        _close(task.result())
