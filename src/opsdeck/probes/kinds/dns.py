"""The records of a name, as a resolver or one named server gives them."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsdeck.probes.address import ascii_host, host_of, is_ip, parse_address
from opsdeck.probes.base import Document, Parameter, ProbeError, Target
from opsdeck.probes.blocking import import_module, in_thread
from opsdeck.probes.resolve import endpoints_of

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver
    from dns.resolver import Answer, NoNameservers

ABOUT = "the DNS records of a name"
TARGETS: tuple[str, ...] = ()
TYPES = ("A", "AAAA", "CNAME", "MX", "TXT", "NS", "SRV", "CAA", "SOA")
PARAMETERS = {
    "name": Parameter((str,), "the name to ask for; the target's host by default"),
    "type": Parameter((str,), "the type of record", "A", choices=TYPES),
    "server": Parameter((str,), "HOST or HOST:PORT of a name server; the system's by default"),
}
MOST_RECORDS = 100
LONGEST = 4_000
"""Characters of one record that are kept."""

_DNS_SHARE = 0.7
"""The part of the timeout for DNS itself where the system's other sources are asked after it."""


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right however the target is."""
    name = parameters.get("name")
    if isinstance(name, str) and is_ip(name.strip()):
        yield f"name is the address {name}; DNS is asked for names"


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """What a name has; that it does not exist is a document as well. Raises ProbeError `dns`."""
    began = time.perf_counter()
    until = asyncio.get_running_loop().time() + timeout_s
    name = await ascii_host(str(parameters.get("name") or host_of(target, parameters)))
    kind = str(parameters.get("type", "A"))
    if is_ip(name):  # a target may be known by its address: there is nothing to ask
        return {"name": name, "type": kind, **_known([name], "address"), "latency_ms": 0.0}
    given = parameters.get("server")
    resolver = await _resolver(None if given is None else str(given), until)
    share = 1.0 if given is not None or kind not in ("A", "AAAA") else _DNS_SHARE
    document: Document | None = None
    fault: ProbeError | None = None
    try:
        document = await _asked(resolver, name, kind, _left(until) * share, given is None)
    except ProbeError as error:
        fault = error
    if (document is None or document["nxdomain"]) and share < 1:
        # /etc/hosts, mDNS and the like know names that no DNS server does.
        document = await _known_here(name, kind, _left(until)) or document
    if document is None:
        assert fault is not None
        raise fault
    return {
        "name": name,
        "type": kind,
        **document,
        "latency_ms": round((time.perf_counter() - began) * 1000, 1),
    }


async def _resolver(server: str | None, until: float) -> Resolver:
    await import_module("dns.asyncresolver")
    import dns.asyncresolver
    import dns.resolver

    if server is None:
        try:
            return await in_thread(dns.asyncresolver.Resolver)
        except dns.resolver.NoResolverConfiguration:
            return dns.asyncresolver.Resolver(configure=False)
    address = parse_address(server, 53)
    endpoints = await endpoints_of(address.host, address.port, _left(until))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [endpoints[0].ip]
    resolver.port = address.port
    return resolver


async def _asked(
    resolver: Resolver, name: str, kind: str, timeout_s: float, system: bool
) -> Document:
    """What DNS says; raises ProbeError `dns` when it says nothing of use."""
    import dns.exception
    import dns.resolver

    servers = ", ".join(str(server) for server in resolver.nameservers) or "none"
    resolver.timeout = max(0.05, timeout_s / 2)  # so that a lost packet is asked for again
    resolver.lifetime = timeout_s
    try:
        async with asyncio.timeout(timeout_s):
            answer = await resolver.resolve(
                name,
                kind,
                lifetime=timeout_s,
                search=system and "." not in name,
                raise_on_no_answer=False,
            )
    except dns.resolver.NXDOMAIN:
        return _nothing("NXDOMAIN", servers)
    except (TimeoutError, dns.exception.Timeout):
        raise ProbeError(
            "dns",
            f"no DNS server answered for {name} within {timeout_s:.1f} s (asked: {servers}):"
            " check the network and the resolver",
        ) from None
    except dns.resolver.NoNameservers as error:
        raise ProbeError(
            "dns",
            f"DNS gives no usable answer for {name} ({_refusal(error)}; asked: {servers}):"
            " is its zone healthy, and does the server answer this machine?",
        ) from None
    except (dns.exception.DNSException, OSError, EOFError) as error:
        raise ProbeError(
            "dns", f"{name} cannot be asked for ({type(error).__name__}; asked: {servers})"
        ) from None
    return _document(answer, kind)


def _refusal(error: NoNameservers) -> str:
    """SERVFAIL, REFUSED or the like, out of what dnspython collected of its tries."""
    faults = [found[3] for found in error.kwargs.get("errors", ())]
    words = [fault if isinstance(fault, str) else type(fault).__name__ for fault in faults]
    return ", ".join(dict.fromkeys(words)) or "none is reachable"


def _document(answer: Answer, kind: str) -> Document:
    import dns.flags
    import dns.rcode

    response = answer.response
    records = [str(record)[:LONGEST] for record in answer.rrset or ()]
    addresses = sorted(records[:MOST_RECORDS]) if kind in ("A", "AAAA") else []
    canonical = str(answer.canonical_name).rstrip(".").lower()
    asked = str(answer.qname).rstrip(".").lower()
    ttls = [rrset.ttl for rrset in response.answer]
    return {
        "exists": True,
        "nxdomain": False,
        "rcode": dns.rcode.to_text(response.rcode()),
        "addresses": addresses,
        "private": _private(addresses),
        "cname": canonical if canonical != asked else _own_cname(records, kind),
        "records": records[:MOST_RECORDS],
        "count": len(records),
        "ttl_s": min(ttls) if ttls else None,
        "authoritative": bool(response.flags & dns.flags.AA),
        "server": answer.nameserver,
        "source": "dns",
    }


def _private(addresses: Sequence[str]) -> bool | None:
    """Whether no address can be reached over the internet; None without addresses."""
    return all(ipaddress.ip_address(one).is_private for one in addresses) if addresses else None


def _own_cname(records: Sequence[str], kind: str) -> str | None:
    return records[0].rstrip(".").lower() if kind == "CNAME" and records else None


def _nothing(rcode: str, servers: str) -> Document:
    return {
        "exists": False,
        "nxdomain": True,
        "rcode": rcode,
        "addresses": [],
        "private": None,
        "cname": None,
        "records": [],
        "count": 0,
        "ttl_s": None,
        "authoritative": False,
        "server": servers,
        "source": "dns",
    }


async def _known_here(name: str, kind: str, timeout_s: float) -> Document | None:
    """What this machine's own sources say of a name, None when they do not know it either."""
    try:
        endpoints = await endpoints_of(name, 0, timeout_s)
    except ProbeError:
        return None
    found = sorted({end.ip for end in endpoints if (":" in end.ip) == (kind == "AAAA")})
    return _known(found, "system")


def _known(addresses: list[str], source: str) -> Document:
    """Addresses that no DNS server was needed for."""
    return {
        **_nothing("", ""),
        "exists": True,
        "nxdomain": False,
        "rcode": None,
        "addresses": addresses,
        "private": _private(addresses),
        "records": addresses,
        "count": len(addresses),
        "server": None,
        "source": source,
    }


def _left(until: float) -> float:
    return max(0.05, until - asyncio.get_running_loop().time())
