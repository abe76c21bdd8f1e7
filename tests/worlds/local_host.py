"""Worlds of this machine: its memory, disks, load and processes.

Processes and file systems are real. Memory, swap and load cannot be had at will: psutil reads them
from a folder with the kernel's own files as such a machine has them (its `PROCFS_PATH`).
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.probes.partners_local import write
from tests.worlds.harness import Setting, World

Setup = Callable[[Path], AbstractContextManager[Setting]]

# -- the machine ---------------------------------------------------------------------------------

_GB = 1024 * 1024
STAT = "cpu  9 0 9 99 0 0 0 0 0 0\ncpu0 9 0 9 99 0 0 0 0 0 0\ncpu1 9 0 9 99 0 0 0 0 0 0\n"
_SWAPPING = "pswpin 0\npswpout 0\n"


def kernel(
    *, available_gb: float = 12, swap_gb: float = 2, load: float = 0.3, files: int = 2_000
) -> dict[str, str]:
    """The kernel's own files of a machine with two cores and 16 GB."""
    memory = {
        "MemTotal": 16 * _GB,
        "MemFree": int(available_gb * _GB),
        "MemAvailable": int(available_gb * _GB),
        "Buffers": 0,
        "Cached": 0,
        "Shmem": 0,
        "Active": 0,
        "Inactive": 0,
        "SReclaimable": 0,
        "Slab": 0,
        "SwapTotal": int(swap_gb * _GB),
        "SwapFree": int(swap_gb * _GB),
    }
    return {
        "meminfo": "".join(f"{name}: {size} kB\n" for name, size in memory.items()),
        "loadavg": f"{load} {load} {load} 1/200 4711\n",
        "stat": STAT,
        "cpuinfo": "processor : 0\n\nprocessor : 1\n",
        "vmstat": _SWAPPING,
        "sys/fs/file-nr": f"{files}\t0\t10000\n",
        "sys/vm/swappiness": "10\n",
        "filesystems": Path("/proc/filesystems").read_text(),
        "self/mounts": Path("/proc/self/mounts").read_text(),
    }


def machine(disk: str = "", **state: float) -> Setup:
    """A machine in this state, whose one disk is a real one with room, or `disk`."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        proc = tmp_path / "proc"
        write(proc, kernel(**state))  # type: ignore[arg-type]
        with kernel_at(proc):
            yield Setting({"host": {"kind": "host", "disks": [disk or "/dev/shm"]}})

    return setup


@contextmanager
def kernel_at(proc: Path) -> Iterator[None]:
    """psutil takes the kernel's files from here."""
    before = psutil.PROCFS_PATH
    psutil.PROCFS_PATH = str(proc)
    try:
        yield
    finally:
        psutil.PROCFS_PATH = before


@contextmanager
def full_disk(tmp_path: Path) -> Iterator[Setting]:
    """A file system of 64 KB with nothing left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "opsdeck-test", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("may not mount a file system here")
    try:
        with contextlib.suppress(OSError):
            (disk / "filler").write_bytes(b"x" * 61_440)
        with machine(str(disk))(tmp_path) as setting:
            yield setting
    finally:
        subprocess.run(["umount", str(disk)], check=True)


MACHINE = [
    World("before-going-live/system-resources", "passed", "room everywhere", machine()),
    World(
        "before-going-live/system-resources", "failed", "memory is used", machine(available_gb=3)
    ),
    World("before-going-live/system-resources", "failed", "work is queued", machine(load=4.2)),
    World("before-going-live/system-resources", "failed", "a disk is full", full_disk),
    World("daily-operations/resource-utilization", "passed", "room everywhere", machine()),
    World(
        "daily-operations/resource-utilization", "failed", "memory is used", machine(available_gb=2)
    ),
    World(
        "daily-operations/resource-utilization", "failed", "files are open", machine(files=9_000)
    ),
    World("daily-operations/resource-utilization", "failed", "a disk is full", full_disk),
    World("vertical-scaling/swap-configured", "passed", "2 GB of swap", machine()),
    World("vertical-scaling/swap-configured", "failed", "no swap", machine(swap_gb=0)),
]

# -- processes -----------------------------------------------------------------------------------


@contextmanager
def process(name: str, limit: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """A process that goes by `name` and may open `limit` files."""
    lead = f"ulimit -n {limit} && " if limit else ""
    call = ["bash", "-c", f'{lead}exec -a "$0" sleep 30', name]
    running = subprocess.Popen(call, start_new_session=True)
    try:
        for _ in range(400):
            called = Path(f"/proc/{running.pid}/cmdline").read_bytes()
            if called.split(b"\0")[0] == name.encode():
                break
            time.sleep(0.002)
        yield running
    finally:
        running.send_signal(signal.SIGCONT)
        running.kill()
        running.wait()


def services(*names: str, running: Sequence[str], stopped: str = "", for_s: int = 0) -> Setup:
    """A host that names these services; the `running` ones are up `for_s`, or since now."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        mark = secrets.token_hex(4)
        with ExitStack() as stack:
            pids = []
            for name in running:
                started = stack.enter_context(process(f"{name}-{mark}"))
                pids.append(started.pid)
                if name == stopped:
                    started.send_signal(signal.SIGSTOP)
                    os.waitpid(started.pid, os.WUNTRACED)
            if for_s:
                stack.enter_context(as_if_started(tmp_path / "proc", pids, for_s))
            named = [f"{name}-{mark}" for name in names]
            yield Setting({"host": {"kind": "host", "services": named}})

    return setup


def may_open(limit: int) -> bool:
    """Whether a process started here may be given so many files."""
    asked = ["bash", "-c", f"ulimit -n {limit}"]
    return subprocess.run(asked, capture_output=True).returncode == 0


def limits(*allowed: int) -> Setup:
    """One service for each limit of open files."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        real = may_open(max(allowed))
        with ExitStack() as stack:
            mark = secrets.token_hex(4)
            names = [f"svc{number}-{mark}" for number in range(len(allowed))]
            running = [
                stack.enter_context(process(name, limit if real else 0))
                for name, limit in zip(names, allowed, strict=True)
            ]
            if not real:
                pids = {one.pid: limit for one, limit in zip(running, allowed, strict=True)}
                stack.enter_context(as_if_allowed(tmp_path / "proc", pids))
            yield Setting({"host": {"kind": "host", "services": names}})

    return setup


@contextmanager
def as_if_allowed(proc: Path, pids: Mapping[int, int]) -> Iterator[None]:
    """The kernel's files of these processes, with limits that this user may not set here."""
    for pid, limit in pids.items():
        files = _files_of(pid)
        line = f"Max open files            {limit:<20} {limit:<20} files"
        files["limits"] = re.sub("(?m)^Max open files.*$", line, files["limits"])
        write(proc / str(pid), files)
    with _processes_at(proc):
        yield


@contextmanager
def as_if_started(proc: Path, pids: Sequence[int], seconds_ago: int) -> Iterator[None]:
    """The kernel's files of these processes, started so long before they were."""
    for pid in pids:
        files = _files_of(pid)
        lead, _, told = files["stat"].rpartition(") ")
        fields = told.split()
        # Field 22: when it was started, in ticks since the machine was.
        fields[19] = str(max(0, int(fields[19]) - seconds_ago * os.sysconf("SC_CLK_TCK")))
        write(proc / str(pid), files | {"stat": f"{lead}) {' '.join(fields)}\n"})
    with _processes_at(proc):
        yield


def _files_of(pid: int) -> dict[str, str]:
    names = ("stat", "status", "cmdline", "statm", "limits")
    files = {name: Path(f"/proc/{pid}/{name}").read_text() for name in names}
    return files | {"fd/0": "", "fd/1": "", "fd/2": ""}


@contextmanager
def _processes_at(proc: Path) -> Iterator[None]:
    write(proc, kernel() | {"stat": Path("/proc/stat").read_text()})
    with kernel_at(proc):
        yield


PROCESSES = [
    World(
        "before-going-live/services-running",
        "passed",
        "both run",
        services("orders", "worker", running=["orders", "worker"], for_s=60),
    ),
    World(
        "before-going-live/services-running",
        "failed",
        "both have just been started",
        services("orders", "worker", running=["orders", "worker"]),
    ),
    World(
        "before-going-live/services-running",
        "failed",
        "one does not run",
        services("orders", "worker", running=["orders"]),
    ),
    World(
        "before-going-live/services-running",
        "failed",
        "one was stopped",
        services("orders", "worker", running=["orders", "worker"], stopped="worker", for_s=60),
    ),
    World("vertical-scaling/descriptor-limits", "passed", "65,535 files", limits(65_535)),
    World("vertical-scaling/descriptor-limits", "failed", "1,024 files", limits(1_024)),
    World("vertical-scaling/descriptor-limits", "failed", "one has 1,024", limits(65_535, 1_024)),
]

WORLDS = [*MACHINE, *PROCESSES]
