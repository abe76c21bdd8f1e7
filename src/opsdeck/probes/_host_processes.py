"""Processes by name or port. Their command lines may hold secrets and are never shown."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, NamedTuple

from opsdeck.probes.base import Document, ProbeError

MOST_PROCESSES = 100

_INTERPRETERS = (
    "node",
    "nodejs",
    "python",
    "ruby",
    "perl",
    "php",
    "java",
    "bun",
    "deno",
    "sh",
    "bash",
)
_OVER = frozenset({"zombie", "dead"})


class Chosen(NamedTuple):
    """Processes that were asked for, each with what it had used of the processor at that moment."""

    names: dict[str, list[int]]
    """Name -> processes."""
    ports: dict[int, list[int]]
    """Port that something listens on -> processes (none where another user's may not be seen)."""
    wanted_ports: list[int]
    spent: dict[int, tuple[float, float]]
    """Process -> (moment, processor seconds)."""
    hidden: bool
    """Whether the kernel keeps other users' processes from this one."""


def choose(psutil: ModuleType, names: Sequence[str], ports: Sequence[int]) -> Chosen:
    """Find the processes; those that are over but not buried do not count, nor does this one."""
    by_name: dict[str, list[int]] = {name: [] for name in names}
    by_port: dict[int, list[int]] = {}
    hidden = False
    if names:
        own = os.getpid()
        hidden = 1 not in psutil.pids()
        for process in psutil.process_iter(["name", "cmdline", "status"]):
            seen = process.info
            hidden = hidden or seen["name"] is None
            if process.pid == own or seen["status"] in _OVER:
                continue
            called = _called(seen["name"] or "", seen["cmdline"] or [])
            for name in names:
                if _is(name, called):
                    by_name[name].append(process.pid)
    if ports:
        by_port = _listening(psutil, set(ports))
    chosen = sorted({pid for pids in (*by_name.values(), *by_port.values()) for pid in pids})
    spent = {pid: (time.monotonic(), _spent(psutil, pid)) for pid in chosen[:MOST_PROCESSES]}
    return Chosen(by_name, by_port, list(ports), spent, hidden)


def _called(name: str, words: list[str]) -> list[str]:
    """What a process goes by: its name, its program, and the script that an interpreter runs.

    Other arguments do not count: an editor that has `server.js` open is no server.
    """
    called = [name]
    if words and words[0]:
        program = PurePath(words[0].split()[0]).name if words[0].strip() else ""
        called += [program.rstrip(":"), words[0]]
        if name.startswith(_INTERPRETERS) or program.startswith(_INTERPRETERS):
            called += [next((word for word in words[1:] if not word.startswith("-")), "")]
    return called


def _is(name: str, called: list[str]) -> bool:
    return any(text == name or text.endswith(f"/{name}") for text in called if text)


def _listening(psutil: ModuleType, ports: set[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        raise ProbeError(
            "rights", "this user may not see who listens on this machine: run OpsDeck as root"
        ) from None
    for seen in connections:
        if seen.status == psutil.CONN_LISTEN and seen.laddr and seen.laddr.port in ports:
            pids = found.setdefault(seen.laddr.port, [])
            if seen.pid is not None and seen.pid not in pids:
                pids.append(seen.pid)
    return found


def describe(psutil: ModuleType, chosen: Chosen) -> Document:
    """What was found, what was not, and how each process is."""
    everyone = {pid for pids in (*chosen.names.values(), *chosen.ports.values()) for pid in pids}
    told = {pid: _told(psutil, pid, before) for pid, before in chosen.spent.items()}
    there = {pid for pid in everyone if told.get(pid, {}) is not None}
    running = {name: [p for p in pids if p in there] for name, pids in chosen.names.items()}
    absent = [name for name, pids in running.items() if not pids]
    if absent and chosen.hidden:
        raise ProbeError(
            "rights",
            f"{', '.join(absent)}: not found, but /proc hides other users' processes from this one:"
            " run OpsDeck as root, or in the group that may see them",
        )
    return {
        "processes": [seen for seen in told.values() if seen is not None],
        "processes_left_out": len(everyone) - len(chosen.spent),
        "services": [
            {"name": name, "count": len(pids), "oldest_s": _oldest_s(told, pids)}
            for name, pids in running.items()
        ],
        "absent": absent,
        "closed_ports": [port for port in chosen.wanted_ports if port not in chosen.ports],
    }


def _oldest_s(told: dict[int, Document | None], pids: Sequence[int]) -> float | None:
    """How long the oldest of some processes runs: of a service that dies again and again, seconds.

    None where none runs or none of them was looked at.
    """
    seen = [found["age_s"] for pid in pids if (found := told.get(pid)) is not None]
    return max(seen, default=None)


def _told(psutil: ModuleType, pid: int, before: tuple[float, float]) -> Document | None:
    """One process; None when it has ended meanwhile. What may not be seen of it is None."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            if process.status() in _OVER:
                return None
            moment, spent = before
            passed = max(time.monotonic() - moment, 0.001)
            return {
                "pid": pid,
                "name": process.name(),
                "user": _or_none(psutil, process.username),
                "status": process.status(),
                "cpu_percent": round(100 * max(_spent(psutil, pid) - spent, 0.0) / passed, 1),
                "memory_bytes": process.memory_info().rss,
                "age_s": round(max(time.time() - process.create_time(), 0.0), 1),
                "threads": process.num_threads(),
                "files_open": _or_none(psutil, process.num_fds),
                "files_limit": _files_limit(psutil, pid),
            }
    except psutil.Error:
        return None


def _spent(psutil: ModuleType, pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _or_none(psutil: ModuleType, ask: Any) -> Any:
    try:
        return ask()
    except (psutil.Error, KeyError):
        return None


def _files_limit(psutil: ModuleType, pid: int) -> int | None:
    """How many files it may open (Linux: everybody may read it)."""
    try:
        lines = Path(f"{getattr(psutil, 'PROCFS_PATH', '/proc')}/{pid}/limits").read_text()
    except OSError:
        return None
    line = next((line for line in lines.splitlines() if line.startswith("Max open files")), "")
    soft = line.removeprefix("Max open files").split()[:1]
    return int(soft[0]) if soft and soft[0].isdigit() else None
