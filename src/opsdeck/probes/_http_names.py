"""Host names to addresses, and failed connections in words."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
from itertools import zip_longest

from opsdeck.probes.base import ProbeError
from opsdeck.probes.resolve import endpoints_of

MOST_ADDRESSES = 8
RESOLVER_S = 30.0
_UNREACHABLE = {
    errno.ENETUNREACH: "there is no route to its network",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.ENETDOWN: "the network of this machine is down",
    errno.EADDRNOTAVAIL: "this machine has no address to reach it from",
    errno.EHOSTDOWN: "the host is down",
    errno.EACCES: "a firewall of this machine forbids it",
    errno.EPERM: "a firewall of this machine forbids it",
}


class Resolver:
    """Resolves in daemon threads; looks that ask for the same name at once share one thread."""

    def __init__(self) -> None:
        self._asked: dict[str, asyncio.Task[list[str]]] = {}

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, best first; raises ProbeError (dns) when it has none."""
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        task = self._asked.get(host)
        if task is None:
            task = self._asked[host] = asyncio.create_task(_resolved(host, port))
            task.add_done_callback(lambda done: self._answered(host, done))
        return await asyncio.shield(task)

    def _answered(self, host: str, task: asyncio.Task[list[str]]) -> None:
        self._asked.pop(host, None)
        if not task.cancelled():
            task.exception()


async def _resolved(host: str, port: int) -> list[str]:
    # The look's own time limit counts; a resolver that hangs is asked by one thread at a time.
    found = await endpoints_of(host, port, RESOLVER_S)
    return list(dict.fromkeys(endpoint.ip for endpoint in found))[:MOST_ADDRESSES]


def in_turns(addresses: list[str]) -> list[str]:
    """The addresses with IPv6 and IPv4 in turns, the family of the first one first."""
    first = ":" in addresses[0]
    leading = [address for address in addresses if (":" in address) == first]
    others = [address for address in addresses if (":" in address) != first]
    pairs = zip_longest(leading, others)
    return [address for pair in pairs for address in pair if address is not None]


def connect_failure(error: BaseException, place: str) -> ProbeError:
    """What a failed TCP connection means."""
    number = _errno(error)
    if number in (errno.ECONNREFUSED, errno.ECONNRESET):
        return ProbeError(
            "refused", f"nothing listens at {place} (connection refused): is the service up?"
        )
    if number == errno.ETIMEDOUT:
        return ProbeError(
            "timeout", f"no answer from {place}: is a firewall or security group in the way?"
        )
    if number in (errno.EMFILE, errno.ENFILE):
        return ProbeError("internal", "this machine has no file descriptors left for a connection")
    reason = _UNREACHABLE.get(number or 0, str(error) or "the connection failed")
    return ProbeError("unreachable", f"{place} cannot be reached: {reason}")


def _errno(error: BaseException | None) -> int | None:
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__ or error.__context__
    return None
