"""How busy the processor is with other things than OpsDeck itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

from opsdeck.probes._host_system import percent
from opsdeck.probes.base import Document
from opsdeck.probes.blocking import in_thread

INTERVAL_S = 1.0
"""Over which it is measured, or two fifths of the timeout where that is less."""

OURS: set[int] = set()
"""Processes that are OpsDeck's beside this one and its children: the app of a worker."""

_OF_CPU = ("busy", "steal", "iowait")


class Reading(NamedTuple):
    """The times of each core, and the seconds that OpsDeck itself has spent on any of them."""

    cores: Sequence[Any]
    own_s: float


async def measure(psutil: ModuleType, timeout_s: float) -> Document:
    """Processor use over a second, without OpsDeck's own."""
    before = await in_thread(lambda: read(psutil))
    await asyncio.sleep(min(INTERVAL_S, 0.4 * timeout_s))
    after = await in_thread(lambda: read(psutil))
    return use(before, after)


def read(psutil: ModuleType) -> Reading:
    """How much was spent until now."""
    return Reading(psutil.cpu_times(percpu=True), own_s(psutil))


def own_s(psutil: ModuleType) -> float:
    """Processor seconds of OpsDeck's processes and all they started, ended ones included."""
    spent = sum(os.times()[:4])
    seen = {os.getpid()}
    for root in (os.getpid(), *OURS):
        try:
            process = psutil.Process(root)
            family = [process, *process.children(recursive=True)]
        except psutil.Error:
            continue
        for one in family:
            if one.pid not in seen:
                seen.add(one.pid)
                spent += _of_process(psutil, one)
    return float(spent)


def _of_process(psutil: ModuleType, process: Any) -> float:
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.Error:
        return 0.0  # it has ended: its parent has what it spent


def use(before: Reading, after: Reading) -> Document:
    """Processor use between two readings."""
    cores = [_between(a, b) for a, b in zip(before.cores, after.cores, strict=False)]
    whole = {key: sum(core.get(key, 0.0) for core in cores) for key in ("all", *_OF_CPU)}
    own = min(max(0.0, after.own_s - before.own_s), whole["busy"])
    busiest = max((percent(c["busy"], c["all"]) or 0.0 for c in cores), default=None)
    found: Document = {
        "count": len(cores),
        "percent": percent(whole["busy"] - own, whole["all"]) or 0.0,
        "own_percent": percent(own, whole["all"]) or 0.0,
    }
    for key in ("steal", "iowait"):
        known = any(hasattr(core, key) for core in after.cores)
        found[f"{key}_percent"] = (percent(whole[key], whole["all"]) or 0.0) if known else None
    return found | {"busiest_core_percent": busiest}


def _between(before: Any, after: Any) -> dict[str, float]:
    """Seconds that one core spent: in all, working, stolen by the hypervisor, waiting for disks."""
    spent = {
        name: max(0.0, getattr(after, name) - getattr(before, name, 0.0))
        for name in after._fields
        if name not in ("guest", "guest_nice")  # the kernel counts these in user and nice too
    }
    whole = sum(spent.values())
    idle = spent.get("idle", 0.0) + spent.get("iowait", 0.0)
    return spent | {"all": whole, "busy": whole - idle}
