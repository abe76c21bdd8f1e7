"""This machine's own gauges, from psutil and the limits of its container.

A sampler is asked again and again from one thread; nothing here waits for anything. The file
systems, which may hang, have a sampler of their own in `opsdeck.gauges.disks`.
"""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from opsdeck.catalog.gauges import HOST, GaugeSpec, Limit
from opsdeck.gauges.board import Room, Sample
from opsdeck.probes import _host_rates as rates
from opsdeck.probes import _host_system as system
from opsdeck.probes._host_cgroup import Cgroup

_MIN_S = 0.05
"""Two readings closer to each other than this give no rate."""


def _above(warn: float, crit: float) -> dict[str, Any]:
    return {"warn": Limit(">=", warn), "crit": Limit(">=", crit)}


def _percent(identity: str, title: str, **more: Any) -> GaugeSpec:
    return GaugeSpec(
        id=identity, title=title, source=HOST, unit="%", scale=(0.0, 100.0), every_s=1.0, **more
    )


CPU = _percent("host-cpu", "CPU", **_above(85, 95), for_s=120.0, playbook="high-cpu-usage")
CORES = _percent("host-cores", "Busiest core")
STEAL = _percent("host-steal", "CPU stolen", **_above(10, 25), for_s=120.0)
IOWAIT = _percent("host-iowait", "Waiting for disk", **_above(25, 50), for_s=120.0)
LOAD = GaugeSpec(
    id="host-load",
    title="Load per core",
    source=HOST,
    scale=(0.0, 4.0),
    every_s=5.0,
    for_s=300.0,
    playbook="high-cpu-usage",
    **_above(1.5, 3),
)
MEMORY = _percent(
    "host-memory",
    "Memory",
    **_above(85, 95),
    for_s=60.0,
    playbook="high-memory-usage",
    fills=True,
)
SWAP = _percent("host-swap", "Swap", **_above(50, 80), for_s=300.0, playbook="high-memory-usage")
FILES = _percent("host-files", "Open files", **_above(70, 90), for_s=60.0)


def _rate(identity: str, title: str) -> GaugeSpec:
    return GaugeSpec(id=identity, title=title, source=HOST, unit="B/s", every_s=1.0)


NET_IN, NET_OUT = _rate("host-net-in", "Network in"), _rate("host-net-out", "Network out")
IO_READ, IO_WRITE = _rate("host-io-read", "Disk reads"), _rate("host-io-write", "Disk writes")


class HostSampler:
    """Processor, memory, load, files, network and disk throughput."""

    def __init__(
        self,
        psutil: ModuleType,
        *,
        cgroup: Cgroup | None = None,
        clock: Callable[[], float] = time.monotonic,
        without_own: bool = False,
    ) -> None:
        """`without_own`: leave out what this very process takes of the processor."""
        self._psutil = psutil
        self._own_s = sum(os.times()[:4]) if without_own else None
        self._cgroup = Cgroup() if cgroup is None else cgroup
        self._limits = self._cgroup.limits()
        self._clock = clock
        self._cores: Sequence[Any] = ()
        self._busy: tuple[float, float] | None = None
        self._counters: tuple[float, tuple[int, int], tuple[int, int]] | None = None

    def fast(self) -> list[Sample]:
        """What is worth a look every second; what needs two looks has no value at the first."""
        return _gathered(self._cpu, self._memory, self._throughput)

    def slow(self) -> list[Sample]:
        """What changes slowly, or is the mean of minutes already."""
        self._limits = self._cgroup.limits()  # of a running container they can be changed
        return _gathered(self._swap, self._load, self._files)

    # Processor

    def _cpu(self) -> Iterator[Sample]:
        before, self._cores = self._cores, self._psutil.cpu_times(percpu=True)
        spent = [_spent(a, b) for a, b in zip(before, self._cores, strict=False)]
        limit = self._limits.cpus
        count = len(self._cores)
        whole = sum(core.all for core in spent)
        own, limited = self._own(), limit is not None and limit < count
        if limit is not None and limited:
            yield self._limited_cpu(limit, own)
        if not whole:
            yield from () if limited else [Sample(CPU, None)]
            return
        if not limited:
            busy = 100 * max(0.0, sum(core.busy for core in spent) - own) / whole
            yield Sample(CPU, busy, f"{count} cores" if count > 1 else "1 core")
        each = [100 * core.busy / core.all if core.all else 0.0 for core in spent]
        if count > 1:
            yield Sample(CORES, max(each), tuple(each))
        if hasattr(self._cores[0], "steal"):
            yield Sample(STEAL, 100 * sum(core.steal for core in spent) / whole)
        if hasattr(self._cores[0], "iowait"):
            yield Sample(IOWAIT, 100 * sum(core.iowait for core in spent) / whole)

    def _own(self) -> float:
        """Processor seconds that this process took since the last look, if they are left out."""
        if self._own_s is None:
            return 0.0
        before, self._own_s = self._own_s, sum(os.times()[:4])
        return self._own_s - before

    def _limited_cpu(self, limit: float, own_s: float) -> Sample:
        """Of what the container may use, not of the machine."""
        seen, now = self._cgroup.cpu_use(), self._clock()
        use = seen.usage_usec / 1e6 if seen is not None else None
        before, self._busy = self._busy, None if use is None else (now, use)
        if before is None or use is None or now - before[0] < _MIN_S:
            return Sample(CPU, None)
        share = 100 * (use - before[1] - own_s) / (now - before[0]) / limit
        return Sample(CPU, min(100.0, max(0.0, share)), f"of the container's {limit:g} cores")

    # Memory

    def _memory(self) -> Iterator[Sample]:
        found = self._psutil.virtual_memory()
        limit, seen = self._limits.memory_bytes, None
        if limit is not None and limit < found.total:
            seen = self._cgroup.memory_use()
        if limit is not None and seen is not None:
            # What of the file cache nobody has looked at lately can be taken back at once.
            used = max(0, seen[0] - seen[1])
            yield Sample(MEMORY, 100 * used / limit, Room(used, limit))
            return
        taken = found.total - found.available
        yield Sample(MEMORY, 100 * taken / found.total, Room(taken, found.total))

    def _swap(self) -> Iterator[Sample]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # no counters of pages: not asked for
            found = self._psutil.swap_memory()
        if found.total:
            yield Sample(SWAP, 100 * found.used / found.total, Room(found.used, found.total))

    # The rest

    def _load(self) -> Iterator[Sample]:
        found = system.load(self._psutil)
        cores = self._psutil.cpu_count() or 1
        yield Sample(LOAD, found["one"] / cores, (found["one"], found["five"], found["fifteen"]))

    def _files(self) -> Iterator[Sample]:
        found = rates.open_files()
        if found is not None and found[1] > 0:
            yield Sample(FILES, 100 * found[0] / found[1], Room(*found))

    def _throughput(self) -> Iterator[Sample]:
        now = self._clock()
        net, disk = rates.network(self._psutil), rates.disk_io(self._psutil)
        before, self._counters = self._counters, (now, net, disk)
        if before is None or now - before[0] < _MIN_S:
            return
        span = now - before[0]
        pairs = (
            (NET_IN, net[0] - before[1][0]),
            (NET_OUT, net[1] - before[1][1]),
            (IO_READ, disk[0] - before[2][0]),
            (IO_WRITE, disk[1] - before[2][1]),
        )
        for spec, more in pairs:
            if more >= 0:  # else the counters began anew: an interface came or went
                yield Sample(spec, more / span)


def _gathered(*parts: Callable[[], Iterable[Sample]]) -> list[Sample]:
    """What each part sees; one that this machine does not tell of costs the others nothing."""
    found: list[Sample] = []
    for part in parts:
        with contextlib.suppress(Exception):
            found += part()
    return found


class _Spent(NamedTuple):
    all: float
    busy: float
    steal: float
    iowait: float


def _spent(before: Any, after: Any) -> _Spent:
    """Seconds that one core spent between two readings."""
    spent = {
        name: max(0.0, getattr(after, name) - getattr(before, name))
        for name in after._fields
        if name not in ("guest", "guest_nice")  # the kernel counts these in user and nice too
    }
    whole = sum(spent.values())
    iowait = spent.get("iowait", 0.0)
    return _Spent(whole, whole - spent.get("idle", 0.0) - iowait, spent.get("steal", 0.0), iowait)
