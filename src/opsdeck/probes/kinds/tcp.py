"""Ports that are open or closed, seen from here; either can be the wish."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opsdeck.probes.address import Address, address_of, checked_port, host_of, parse_address
from opsdeck.probes.base import Document, Parameter, ProbeError, Target
from opsdeck.probes.knock import Knock, failure, knock
from opsdeck.probes.resolve import Endpoint, endpoints_of

ABOUT = "whether TCP ports are open or closed"
TARGETS: tuple[str, ...] = ()
MOST_PORTS = 64
PARAMETERS = {
    "host": Parameter((str,), "HOST or HOST:PORT; the target's own by default"),
    "port": Parameter((int,), "the port; that of the target by default"),
    "ports": Parameter((list,), f"several ports, looked at together, at most {MOST_PORTS}"),
    "witness": Parameter(
        (int, str),
        "a port of the host, or HOST:PORT, that must be open: only then does silence mean closed",
    ),
}
PATIENCE_S = 2.0
"""With a witness a port that is silent for so long is closed: a lost packet was sent again by
then (after 1 s), and the ones to the witness got through."""

Endpoints = Sequence[Endpoint]


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right however the target is."""
    ports = parameters.get("ports")
    if isinstance(ports, list):
        if not 0 < len(ports) <= MOST_PORTS:
            yield f"ports has {len(ports)} entries; it must have 1 to {MOST_PORTS}"
        if parameters.get("port") is not None:
            yield "give either port or ports"
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
    host, ports = _wanted(target, parameters)
    witness = _witness(parameters.get("witness"), host)
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
        "latency_ms": round((time.perf_counter() - began) * 1000, 1),
    }


def _wanted(target: Target, parameters: Mapping[str, Any]) -> tuple[str, list[int]]:
    ports = parameters.get("ports")
    if ports is None:
        address = address_of(target, parameters)
        return address.host, [address.port]
    return host_of(target, parameters), list(dict.fromkeys(checked_port(port) for port in ports))


def _witness(value: Any, host: str) -> Address | None:
    if value is None:
        return None
    if isinstance(value, str) and not value.strip().isdigit():
        return parse_address(value)
    return Address(host, checked_port(value))


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
