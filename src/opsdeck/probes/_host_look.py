"""One look at this machine: its parts side by side, each in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from opsdeck.probes import _host_cpu as cpu
from opsdeck.probes import _host_processes as processes
from opsdeck.probes import _host_system as system
from opsdeck.probes import _host_top as top
from opsdeck.probes.base import Document, ProbeError
from opsdeck.probes.blocking import import_module, in_thread

if TYPE_CHECKING:
    from types import ModuleType

INTERVAL_S = 0.2
"""Over which the processor use of single processes is measured."""


async def look(parameters: Mapping[str, Any], known: tuple[str, ...], timeout_s: float) -> Document:
    """What was asked for, each part under its name."""
    began = time.perf_counter()
    psutil = await import_module("psutil")
    try:
        async with asyncio.timeout(timeout_s):
            document = await _look(psutil, parameters, known, timeout_s)
    except TimeoutError:
        raise ProbeError(
            "timeout",
            f"this machine did not say how it is within {timeout_s:g} s: is it overloaded?",
        ) from None
    document["latency_ms"] = round((time.perf_counter() - began) * 1000, 1)
    return document


async def _look(
    psutil: ModuleType, parameters: Mapping[str, Any], known: tuple[str, ...], timeout_s: float
) -> Document:
    parts = parameters.get("parts")
    wanted: list[str] = list(known if parts is None else parts)
    simple: dict[str, Callable[[], Any]] = {
        "memory": lambda: system.memory(psutil),
        "swap": lambda: system.swap(psutil),
        "load": lambda: system.load(psutil),
        "files": lambda: system.files(psutil),
        "uptime": lambda: round(time.time() - psutil.boot_time(), 1),
        "time": system.clock,
        "system": system.identity,
    }
    looks = {_KEYS.get(p, p): in_thread(simple[p]) for p in wanted if p in simple}
    if "cpu" in wanted:
        looks["cpu"] = cpu.measure(psutil, timeout_s)
    if "disks" in wanted:
        looks["disks"] = _disks(psutil, parameters.get("disks") or [], timeout_s)
    if parameters.get("process") or parameters.get("listening"):
        looks["processes"] = _processes(psutil, parameters)
    if parameters.get("top"):
        looks["top"] = top.measure(psutil, parameters["top"], timeout_s)
    found = await asyncio.gather(*looks.values())
    document: Document = dict(zip(looks, found, strict=True))
    for key in ("disks", "processes", "system"):
        if key in document:
            document |= document.pop(key)
    return document


_KEYS = {"uptime": "uptime_s"}


async def _disks(psutil: ModuleType, folders: list[str], timeout_s: float) -> Document:
    """Each disk in a thread of its own, so that the one that hangs can be named."""
    mounts = await in_thread(lambda: system.mounts(psutil, folders))
    looks = {
        mount: asyncio.ensure_future(in_thread(partial(system.disk, psutil, mount)))
        for mount in mounts
    }
    if looks:
        await asyncio.wait(looks.values(), timeout=timeout_s * 0.8)
    for mount, look_at_it in looks.items():
        if not look_at_it.done():
            raise ProbeError(
                "timeout", f"the file system at {mount.path} does not answer: is its disk there?"
            )
    found = [disk for task in looks.values() if (disk := task.result()) is not None]
    return {"disks": found[: system.MOST_DISKS], "fullest": system.fullest(found)}


async def _processes(psutil: ModuleType, parameters: Mapping[str, Any]) -> Document:
    names = _list(parameters.get("process"))
    ports = _list(parameters.get("listening"))
    chosen = await in_thread(lambda: processes.choose(psutil, names, ports))
    await asyncio.sleep(INTERVAL_S)
    return await in_thread(lambda: processes.describe(psutil, chosen))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
