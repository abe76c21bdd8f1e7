"""Ports that are open or closed, seen from here; either can be the wish."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from opsdeck.probes.address import Address, address_of, checked_port, host_of, parse_address
from opsdeck.probes.base import Document, Parameter, ProbeError, Target
from opsdeck.probes.knock import Knock, failure, knock
from opsdeck.probes.resolve import Endpoint, endpoints_of

ABOUT = "whether TCP ports are open or closed"
TARGETS: tuple[str, ...] = ()
MOST_PORTS = 64
MOST_HOSTS = 32
OWN = "own"
PARAMETERS = {
    "host": Parameter((str,), "HOST or HOST:PORT; the target's own by default"),
    "port": Parameter((int,), "the port; that of the target by default"),
    "hosts": Parameter(
        (list,), f"several hosts, at most {MOST_HOSTS}, each with its ports; none: the target's own"
    ),
    "ports": Parameter((list,), f"several ports, looked at together, at most {MOST_PORTS}"),
    "witness": Parameter(
        (int, str),
        f"a port of the host, HOST:PORT, or {OWN!r} for the port of the target's url, that must be"
        " open: only then does silence mean closed",
    ),
}
PATIENCE_S = 2.0
"""With a witness a port that is silent for so long is closed: a lost packet was sent again by
then (after 1 s), and the ones to the witness got through."""

_NO_PORT = 0
Endpoints = Sequence[Endpoint]


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right however the target is."""
    ports = parameters.get("ports")
    if isinstance(ports, list):
        if not 0 < len(ports) <= MOST_PORTS:
            yield f"ports has {len(ports)} entries; it must have 1 to {MOST_PORTS}"
        if parameters.get("port") is not None:
            yield "give either port or ports"
    hosts = parameters.get("hosts")
    if isinstance(hosts, list):
        if len(hosts) > MOST_HOSTS:
            yield f"hosts has {len(hosts)} entries; it must have at most {MOST_HOSTS}"
        if any(not isinstance(host, str) or not host.strip() for host in hosts):
            yield 'hosts must be strings such as "app1.example.com" or "203.0.113.7:22"'
        if parameters.get("host") is not None:
            yield "give either host or hosts"
    single = [parameters.get(key) for key in ("port", "witness")]
    for port in [*(ports if isinstance(ports, list) else ()), *single]:
        try:
            if port is not None and not isinstance(port, str):
                checked_port(port)
        except ProbeError as error:
            yield str(error)


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """How each port answered; raises ProbeError where silence could mean anything."""
    began = time.perf_counter()
    until = asyncio.get_running_loop().time() + timeout_s
    hosts = parameters.get("hosts")
    wanted = [_wanted(target, parameters, host) for host in hosts or [None]]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_tried(one, timeout_s, until)) for one in wanted]
    found = [_seen(task.result()) for task in tasks]
    document = found[0] if hosts is None else _summed_up(found)
    return document | {"latency_ms": round((time.perf_counter() - began) * 1000, 1)}


class _Wanted(NamedTuple):
    """One host, which of its ports, and what proves that packets get there."""

    host: str
    ports: list[int]
    witness: Address | None


def _wanted(target: Target, parameters: Mapping[str, Any], host: str | None) -> _Wanted:
    own_port = None
    if host is not None:
        address = parse_address(host, _NO_PORT)
        own_port = None if address.port == _NO_PORT else address.port
        parameters = {**parameters, "host": address.host}
    ports = parameters.get("ports")
    if ports is None:
        address = address_of(target, parameters)
        host, ports = address.host, [own_port or address.port]
    else:
        host = host_of(target, parameters)
    witness = _witness(target, parameters.get("witness"), host, own_port)
    return _Wanted(host, list(dict.fromkeys(checked_port(port) for port in ports)), witness)


def _witness(target: Target, value: Any, host: str, own_port: int | None) -> Address | None:
    """The witness of a host; a port that is named with the host itself goes before all else."""
    if value is None:
        return None
    if own_port is not None:
        return Address(host, own_port)
    if value == OWN:
        return Address(host, address_of(target, {}, default_port=443).port)
    if isinstance(value, str) and not value.strip().isdigit():
        return parse_address(value)
    return Address(host, checked_port(value))


async def _tried(wanted: _Wanted, timeout_s: float, until: float) -> Document | ProbeError:
    try:
        return await _host(wanted, timeout_s, until)
    except ProbeError as error:
        return error


def _seen(result: Document | ProbeError) -> Document:
    if isinstance(result, ProbeError):
        raise result
    return result


async def _host(wanted: _Wanted, timeout_s: float, until: float) -> Document:
    """One host's document, without how long it took."""
    host, ports, witness = wanted
    endpoints = await endpoints_of(host, ports[0], timeout_s)
    others = endpoints
    if witness is not None and witness.host != host:
        others = await endpoints_of(witness.host, witness.port, _left(until))
    patience_s = min(_left(until), PATIENCE_S) if witness is not None else _left(until)
    async with asyncio.TaskGroup() as group:
        if witness is not None:
            seen = group.create_task(_knock(others, witness.port, _left(until)))
        tasks = [group.create_task(_knock(endpoints, port, patience_s)) for port in ports]
    results = {port: task.result() for port, task in zip(ports, tasks, strict=True)}
    if witness is not None:
        _check_witness(witness, seen.result(), timeout_s)
    _check_looked(host, results, witness is not None, timeout_s)
    return {
        **_document(results),
        "host": host,
        "ip": next(iter(results.values())).ip,
        "witness": None if witness is None else str(witness),
    }


def _summed_up(found: list[Document]) -> Document:
    """What holds for all hosts together, and each by itself."""
    counts = ("open_count", "closed_count", "silent_count")
    return {
        "open": all(one["open"] for one in found),
        "closed": all(one["closed"] for one in found),
        **{count: sum(one[count] for one in found) for count in counts},
        "open_ports": [f"{one['host']}:{port}" for one in found for port in one["open_ports"]],
        "count": len(found),
        "hosts": found,
    }


async def _knock(endpoints: Endpoints, port: int, timeout_s: float) -> Knock:
    placed = [Endpoint(end.family, (end.sockaddr[0], port, *end.sockaddr[2:])) for end in endpoints]
    result = await knock(placed, timeout_s)
    if result.sock is not None:
        result.sock.close()
    return result


def _check_witness(witness: Address, result: Knock, timeout_s: float) -> None:
    if result.state == "open":
        return
    why = failure(witness, result, timeout_s)
    raise ProbeError(
        why.cause, f"the witness must be open before silence means anything, but {why}"
    )


def _check_looked(
    host: str, results: Mapping[int, Knock], witnessed: bool, timeout_s: float
) -> None:
    """Raise for a port that could not be looked at: silence proves nothing by itself."""
    reached = witnessed or any(knock.state in ("open", "closed") for knock in results.values())
    for port, result in results.items():
        local = result.state in ("forbidden", "exhausted")
        if local or (not reached and result.state in ("silent", "unreachable")):
            raise failure(Address(host, port), result, timeout_s)


def _document(results: Mapping[int, Knock]) -> Document:
    words = {"open": "open", "closed": "closed"}
    states = {str(port): words.get(knock.state, "silent") for port, knock in results.items()}
    opened = [port for port, knock in results.items() if knock.state == "open"]
    return {
        "open": len(opened) == len(results),
        "closed": not opened,
        "ports": states,
        "open_ports": opened,
        "open_count": len(opened),
        "closed_count": sum(state == "closed" for state in states.values()),
        "silent_count": sum(state == "silent" for state in states.values()),
    }


def _left(until: float) -> float:
    return max(0.0, until - asyncio.get_running_loop().time())
