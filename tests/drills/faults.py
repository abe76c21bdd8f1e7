"""The five common faults, produced and ended for real, each with the gauge that sees it.

What a gauge measures is the fault's own (this process, this file system, this server), not the
machine's sum: what else the machine does at the time makes no drill fail. Limits are such that a
busy machine does not reach them, and the fault does, however busy the machine is.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from secantus.server import SecantusDBServer  # type: ignore[import-untyped]

from tests.drills.instances import Instance
from tests.probes.partners_http import Asked, Partner, json_reply
from tests.probes.partners_mongo import Proxy, Reply

CONNECTIONS_ALLOWED = 50
SLOW_S = 0.9
DISK_BYTES = 4 << 20
_ROLL_BACK = "set its timeout lower. Since a deployment: roll it back."
FEATURE_OFF = {
    _ROLL_BACK: f"""{_ROLL_BACK}

```sh name="Switch a feature off" risk="users miss it" timeout="20s"
rm -v recommendations.on
```"""
}
"""What a team adds to the step of a slowdown's playbook that says: switch its feature off."""


class Gauge(NamedTuple):
    """A `[[gauge]]` block, and what else `opsdeck.toml` needs for it."""

    id: str
    title: str
    toml: str


def _gauge(identity: str, title: str, target: str = "", **keys: str) -> Gauge:
    """A gauge that looks once a second; the values of its keys are written as they are given."""
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    own = f'[[gauge]]\nid = "{identity}"\ntitle = "{title}"\nevery = "1s"\n{lines}'
    return Gauge(identity, title, f"{target}\n{own}")


# Processes


def cpu_gauge(instance: Instance) -> Gauge:
    """What the process uses of a core. The larger of two looks: one that got no turn at all from a
    busy machine while it was looked at has not recovered."""
    return _gauge(
        "orders-cpu",
        "Orders CPU",
        probe=f'{{ kind = "host", target = "host", parts = [], process = "{instance.name}" }}',
        value='"sum(processes[].cpu_percent)"',
        unit='"%"',
        crit="10",
        stat='"max"',
        over="2",
        playbook='"high-cpu-usage"',
    )


def memory_gauge(instance: Instance) -> Gauge:
    """What the process holds of memory."""
    return _gauge(
        "orders-memory",
        "Orders memory",
        probe=f'{{ kind = "host", target = "host", parts = [], process = "{instance.name}" }}',
        value='"sum(processes[].memory_bytes)"',
        unit='"B"',
        scale="[0, 200_000_000]",
        warn="60_000_000",
        crit="80_000_000",
        playbook='"high-memory-usage"',
    )


# Connections


@cache
def _server() -> SecantusDBServer:
    """A server that no other test uses; it ends with the process, for stopping it takes seconds."""
    made = SecantusDBServer(port=0, storage_path=":memory:")
    made.start()
    return made


@contextlib.contextmanager
def database() -> Iterator[tuple[str, Gauge]]:
    """A server of the drill's own: its URI for applications, and the gauge of its connections.

    The connections are real, and the server counts them itself. It has no limit of them and says
    that none is available: OpsDeck looks through a proxy that patches `connections.available` of
    serverStatus, and nothing else.
    """
    server = _server()

    def limited(_: Reply, real: Reply) -> Reply:
        counts = real["connections"]
        free = max(0, CONNECTIONS_ALLOWED - counts["current"])
        return {**real, "connections": {**counts, "available": free}}

    with Proxy({"serverStatus": limited}) as proxy:
        proxy.behind = server.port
        target = f'[targets.mongodb]\nkind = "mongodb"\nuri = "{proxy.uri()}"\n'
        gauge = _gauge(
            "mongodb-connections",
            "Connections used",
            target,
            probe='{ kind = "mongodb", target = "mongodb", look = "gauges" }',
            value='"connections_used_percent"',
            unit='"%"',
            warn="80",
            crit="90",
            playbook='"database-connection-pool-exhausted"',
        )
        yield f"mongodb://127.0.0.1:{server.port}/?directConnection=true", gauge


# A small file system


class Disk:
    """Room for a few megabytes, and how full it is."""

    def __init__(self, folder: Path, gauge: Gauge) -> None:
        self.folder = folder
        self.gauge = gauge

    def fill(self) -> None:
        """The fault: dumps, until there is hardly any room left."""
        for number in range(15):
            (self.folder / f"dump-{number}.tmp").write_bytes(b"x" * (DISK_BYTES // 16))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A file system of 4 MiB of its own, which needs no privileges: a child mounts it in name
    spaces of its own, and it is reached through the child's root.

    Where the kernel refuses that, a folder whose files may be 4 MiB together stands for it, and
    the gauge is of what they add up to: no real disk, but real files that are really deleted.
    """
    place = folder / "orders-data"
    place.mkdir()
    mount = f'mount -t tmpfs -o size={DISK_BYTES},mode=777 drill "$0" && echo ready && exec cat'
    child = subprocess.Popen(  # by a shell, which ends in peace where there is no unshare
        ["sh", "-c", 'exec unshare -Urm sh -c "$1" "$0"', str(place), mount],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert child.stdout is not None
        mounted = child.stdout.readline() == b"ready\n"
        seen = Path(f"/proc/{child.pid}/root{place}")
        if mounted and os.statvfs(seen).f_blocks * os.statvfs(seen).f_frsize == DISK_BYTES:
            yield Disk(seen, _disk_gauge(seen))
        else:
            yield Disk(place, _folder_gauge(place))
    finally:
        child.communicate(timeout=20)


def _disk_gauge(folder: Path) -> Gauge:
    disks = json.dumps([str(folder)])
    return _gauge(
        "orders-disk",
        "Disk of orders",
        probe=f'{{ kind = "host", target = "host", parts = ["disks"], disks = {disks} }}',
        value='"disks[0].used_percent"',
        unit='"%"',
        warn="80",
        crit="90",
        playbook='"database-disk-space"',
    )


def _folder_gauge(folder: Path) -> Gauge:
    return _gauge(
        "orders-disk",
        "Disk of orders",
        probe=f'{{ kind = "file", path = "", glob = {json.dumps(f"{folder}/*")} }}',
        value='"total_bytes || `0`"',
        unit='"B"',
        scale=f"[0, {DISK_BYTES}]",
        warn=str(DISK_BYTES * 80 // 100),
        crit=str(DISK_BYTES * 90 // 100),
        playbook='"database-disk-space"',
    )


# A slow server


class Shop:
    """A server that asks a slow service for each answer, while a feature is switched on."""

    def __init__(self, folder: Path) -> None:
        self.feature = folder / "recommendations.on"
        self.partner = Partner(self._answer)
        target = f'[targets.web]\nkind = "web"\nurl = "{self.partner.url}"\n'
        self.gauge = _gauge(
            "web-latency",
            "Latency",
            target,
            probe='{ kind = "http", target = "web", path = "/health", timeout = "10s" }',
            value='"latency_ms"',
            unit='"ms"',
            scale="[0, 1_500]",
            crit="700",
            playbook='"api-response-slowdown"',
        )

    def _answer(self, asked: Asked) -> bytes:
        if self.feature.exists():
            time.sleep(SLOW_S)
        return json_reply('{"status": "ok"}')

    def slow_down(self) -> None:
        """The fault begins."""
        self.feature.touch()


@contextlib.contextmanager
def shop(folder: Path) -> Iterator[Shop]:
    """One that is fast, and ends with the test."""
    made = Shop(folder)
    try:
        yield made
    finally:
        made.partner.close()
