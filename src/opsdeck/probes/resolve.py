"""Names to addresses by the system's resolver, which may hang for longer than a probe may."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, NamedTuple

from opsdeck.probes.address import ascii_host, is_ip
from opsdeck.probes.base import ProbeError
from opsdeck.probes.blocking import in_thread

MOST = 16
"""Addresses of one name that are looked at: a name with thousands is hostile or broken."""


class Endpoint(NamedTuple):
    """One IP address and port, as sockets want it."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def ip(self) -> str:
        return str(self.sockaddr[0])


async def endpoints_of(host: str, port: int, timeout_s: float) -> list[Endpoint]:
    """Every address of a host, in the system's order, at most 16; raises ProbeError `dns`.

    The resolver is asked in a thread that is left behind when it does not answer in time.
    """
    name = await ascii_host(host)

    def ask() -> list[Any]:
        return socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)

    try:
        if is_ip(name):
            found = ask()  # a number is only taken apart: nothing is asked
        else:
            async with asyncio.timeout(timeout_s):
                found = await in_thread(ask)
    except TimeoutError:
        raise ProbeError(
            "dns",
            f"the resolver gave no answer for {name} within {timeout_s:.1f} s:"
            " check this machine's network and /etc/resolv.conf",
        ) from None
    except (OSError, UnicodeError) as error:
        raise _no_address(name, error) from None
    unique = dict.fromkeys(Endpoint(family, sockaddr) for family, _, _, _, sockaddr in found)
    return list(unique)[:MOST]


def _no_address(name: str, error: OSError | UnicodeError) -> ProbeError:
    code = error.errno if isinstance(error, OSError) else None
    if code == socket.EAI_AGAIN:
        return ProbeError(
            "dns", f"the resolver cannot answer for {name} just now: check this machine's DNS"
        )
    if code in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None)):
        return ProbeError(
            "dns", f"there is no host named {name}: check the spelling and its DNS record"
        )
    words = error.strerror if isinstance(error, OSError) and error.strerror else "not a valid name"
    return ProbeError("dns", f"{name:.80} cannot be resolved ({words}): check the name")
