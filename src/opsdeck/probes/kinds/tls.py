"""Certificates and TLS as a client meets them: trusted or not and why, days left, names, keys."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from opsdeck.probes.address import Address, address_of, ascii_host, parse_address
from opsdeck.probes.base import Document, Parameter, ProbeError, Target
from opsdeck.probes.blocking import in_thread
from opsdeck.probes.certificate import DAY_S, facts
from opsdeck.probes.handshake import Handshake, looking, no_handshake, shake, verifying
from opsdeck.probes.knock import connected
from opsdeck.probes.resolve import Endpoint, endpoints_of

ABOUT = "the TLS certificate and protocol of a server"
TARGETS: tuple[str, ...] = ()
MOST_HOSTS = 32
PARAMETERS = {
    "host": Parameter((str,), "HOST or HOST:PORT; the target's own by default"),
    "port": Parameter((int,), "the port; that of the target's URL, else 443"),
    "hosts": Parameter(
        (list,), f"several HOST or HOST:PORT at once, at most {MOST_HOSTS}; none: the target's own"
    ),
    "sni": Parameter((str,), "the name to ask for and to check; the host by default"),
    "ca": Parameter((str,), "a PEM file of CAs to trust as well; the target's `ca` by default"),
    "old_protocols": Parameter(
        (bool,), "also try whether TLS 1.0 and 1.1 are refused (one more connection)", False
    ),
}
_EXPIRED, _NOT_YET, _SELF_SIGNED, _SELF_SIGNED_ABOVE = 10, 9, 18, 19
_NO_ISSUER = frozenset({2, 20, 21})
_WRONG_NAME = frozenset({62, 64})


class _Look(NamedTuple):
    """What is looked at, and until when (on the loop's clock)."""

    address: Address
    name: str
    context: ssl.SSLContext
    old_protocols: bool
    until: float

    @property
    def left_s(self) -> float:
        return max(0.0, self.until - asyncio.get_running_loop().time())


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right however the target is."""
    port = parameters.get("port")
    if isinstance(port, int) and not 0 < port < 65536:
        yield f"port is {port}; it must be 1 to 65535"
    hosts = parameters.get("hosts")
    if isinstance(hosts, list):
        if len(hosts) > MOST_HOSTS:
            yield f"hosts has {len(hosts)} entries; it must have at most {MOST_HOSTS}"
        if any(not isinstance(host, str) or not host.strip() for host in hosts):
            yield 'hosts must be strings such as "www.example.com" or "db.example.com:27017"'


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """One certificate's document; with `hosts` one that sums up several."""
    until = asyncio.get_running_loop().time() + timeout_s
    ca = parameters.get("ca") or target.values.get("ca")
    context = await verifying(target.path(str(ca)) if ca else None)
    old = bool(parameters.get("old_protocols"))
    hosts = parameters.get("hosts")
    if hosts is None:
        address = address_of(target, parameters, default_port=443, secure=True)
        name = await _name(str(parameters.get("sni") or address.host))
        return await _document(_Look(address, name, context, old, until))
    addresses = [parse_address(str(host), 443) for host in hosts]
    addresses = addresses or [address_of(target, parameters, default_port=443, secure=True)]
    names = [await _name(address.host) for address in addresses]
    looks = [_Look(a, n, context, old, until) for a, n in zip(addresses, names, strict=True)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_tried(look)) for look in looks]
    return _summed_up([task.result() for task in tasks])


async def _name(host: str) -> str:
    """The name to ask for and to check; an IPv6 address without its zone."""
    return (await ascii_host(host)).partition("%")[0]


async def _tried(look: _Look) -> Document | ProbeError:
    try:
        return await _document(look)
    except ProbeError as error:
        return error


def _summed_up(results: list[Document | ProbeError]) -> Document:
    """All the certificates, and what holds for every one; raises the first error there was."""
    for result in results:
        if isinstance(result, ProbeError):
            raise result
    found = [result for result in results if isinstance(result, dict)]
    soonest = min(found, key=lambda one: float(one["days_left"]))
    return {
        "trusted": all(one["trusted"] for one in found),
        "hostname_matches": all(one["hostname_matches"] for one in found),
        "days_left": soonest["days_left"],
        "soonest": f"{soonest['host']}:{soonest['port']}",
        "count": len(found),
        "certificates": [_short(one) for one in found],
        "latency_ms": max(one["latency_ms"] for one in found),
    }


def _short(document: Document) -> Document:
    return {**document, "sans": document["sans"][:10]}


async def _document(look: _Look) -> Document:
    began = time.perf_counter()
    endpoints = await endpoints_of(look.address.host, look.address.port, look.left_s)
    sock, ip = await connected(look.address, endpoints, look.left_s)
    latency_ms = _ms(began)
    handshake, fault = await _handshake(look, sock, endpoints)
    refused = None
    if look.old_protocols:
        refused = await _old_refused(look, endpoints)
    now = datetime.now(UTC)
    found = await in_thread(lambda: facts(handshake.certificate, look.name, now))
    return {
        "trusted": fault is None,
        "why_not": None if fault is None else _why_not(fault, found, look.name),
        **found,
        "chain_length": handshake.chain_length,
        "protocol": handshake.protocol,
        "cipher": handshake.cipher,
        "old_protocols_refused": refused,
        "host": look.name,
        "ip": ip,
        "port": look.address.port,
        "connect_ms": latency_ms,
        "latency_ms": _ms(began),
    }


async def _handshake(
    look: _Look, sock: socket.socket, endpoints: list[Endpoint]
) -> tuple[Handshake, ssl.SSLCertVerificationError | None]:
    """The handshake and why it does not verify; a second one shows the untrusted certificate."""
    try:
        return await _within(look, sock, look.context), None
    except ssl.SSLCertVerificationError as error:
        fault = error
    except OSError as error:
        raise no_handshake(look.address, look.name, error) from None
    again, _ = await connected(look.address, endpoints, look.left_s)
    try:
        return await _within(look, again, looking()), fault
    except OSError as error:
        raise no_handshake(look.address, look.name, error) from None


async def _within(look: _Look, sock: socket.socket, context: ssl.SSLContext) -> Handshake:
    left_s = look.left_s
    try:
        return await in_thread(lambda: shake(sock, context, look.name, left_s))
    except TimeoutError:
        raise ProbeError(
            "timeout",
            f"{look.address} takes the connection but does not answer the TLS handshake:"
            " does it speak TLS, and is it overloaded?",
        ) from None


async def _old_refused(look: _Look, endpoints: list[Endpoint]) -> bool | None:
    """Whether TLS 1.0 and 1.1 are refused; None where that cannot be found out here."""
    try:
        context = looking(old_only=True)
    except (ValueError, ssl.SSLError):
        return None  # this machine's OpenSSL is built without them
    sock, _ = await connected(look.address, endpoints, look.left_s)
    try:
        await _within(look, sock, context)
    except ssl.SSLError as error:
        return None if error.reason == "NO_PROTOCOLS_AVAILABLE" else True
    except OSError:
        return True
    return False


def _why_not(fault: ssl.SSLCertVerificationError, found: Document, name: str) -> str:
    """Every reason there is, in words, the one the handshake met first."""
    code = fault.verify_code
    reasons = [_reason(code, fault.verify_message, found)]
    if found["days_left"] < 0 and code != _EXPIRED:
        reasons.append(_expired(found))
    if not found["hostname_matches"]:
        known = ", ".join(found["sans"][:3]) or "no name at all"
        reasons.append(f"does not cover {name} (it is for {known:.200})")
    return "; ".join(reason for reason in reasons if reason)


def _reason(code: int, message: str, found: Document) -> str:
    if code == _EXPIRED and found["days_left"] < 0:
        return _expired(found)
    if code == _EXPIRED:
        return "a certificate above it in the chain has expired"
    if code == _NOT_YET:
        if datetime.now(UTC) < datetime.fromisoformat(found["not_before"]):
            return f"not valid before {found['not_before']}"
        return "a certificate above it in the chain is not valid yet"
    if code == _SELF_SIGNED:
        return "self-signed"
    if code == _SELF_SIGNED_ABOVE:
        return f"issued by a CA this machine does not trust ({found['issuer']:.200})"
    if code in _NO_ISSUER:
        return f"unknown issuer {found['issuer']:.200} (intermediate missing?)"
    if code in _WRONG_NAME:
        return ""  # said with the names it is for
    return f"{message:.200}"


def _expired(found: Document) -> str:
    ago_s = (datetime.now(UTC) - datetime.fromisoformat(found["not_after"])).total_seconds()
    count, unit = int(ago_s / DAY_S), "day"
    if count == 0:
        count, unit = max(1, round(ago_s / 3600)), "hour"
    return f"expired {count:,} {unit}{'s' if count != 1 else ''} ago"


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
