"""Look at this machine: processor, memory, disks, files, processes, clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsdeck.probes.base import Document, Parameter, Target
from opsdeck.probes.blocking import import_module

PARTS = ("cpu", "memory", "swap", "disks", "load", "files", "uptime", "time", "system")

MOST_TOP = 50

ABOUT = "looks at this machine: cpu, memory, swap, disks, load, files, processes, clock"
TARGETS = ("host",)
PARAMETERS = {
    "parts": Parameter((list,), f"what is looked at, of {', '.join(PARTS)} (default: all)"),
    "disks": Parameter((list,), "folders whose disks count (default: all real file systems)"),
    "process": Parameter((str, list), "processes by name, program or script"),
    "listening": Parameter((int, list), "processes by the TCP ports they listen on"),
    "top": Parameter((int,), f"how many of the processes that use most, 1 to {MOST_TOP}"),
}


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right in a look at the host."""
    parts = parameters.get("parts")
    if isinstance(parts, list):
        if not parts and not any(parameters.get(key) for key in ("process", "listening", "top")):
            yield "parts is empty: nothing would be looked at"
        for part in parts:
            if part not in PARTS:
                yield f"there is no part {part!r}; known are {', '.join(PARTS)}"
    for key in ("process", "disks"):
        value = parameters.get(key)
        if isinstance(value, list) and not all(isinstance(v, str) and v.strip() for v in value):
            yield f"{key} must be names"
    ports = parameters.get("listening")
    for port in ports if isinstance(ports, list) else [ports]:
        if not isinstance(port, str | None) and not (type(port) is int and 0 < port < 65_536):
            yield f"listening is {port!r}; a port is a number from 1 to 65535"
    top = parameters.get("top")
    if isinstance(top, int) and not 1 <= top <= MOST_TOP:
        yield f"top is {top}; it must be 1 to {MOST_TOP}"


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """What was asked for, each part under its name."""
    looks = await import_module("opsdeck.probes._host_look")
    document: Document = await looks.look(parameters, PARTS, timeout_s)
    return document
