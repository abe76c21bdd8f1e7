"""The processes that use most of this machine. Their command lines may hold secrets: never read.

All processes are read twice, a moment apart, in threads and within a bound of time. Only what the
lists need is then read of the few that are in them.
"""

from __future__ import annotations

import asyncio
import pwd
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from opsdeck.probes._host_system import percent
from opsdeck.probes.base import Document
from opsdeck.probes.blocking import in_thread

INTERVAL_S = 0.5
"""Over which processor use is measured, or three tenths of the timeout where that is less."""

MOST_LOOKED_AT = 5_000

_READING_S = 0.15
"""How long one reading of all processes may take, or a tenth of the timeout; and their files."""

_USERS_S = 0.1
"""How long the names of users are waited for: a directory server may have to be asked."""

_OVER = frozenset({"zombie", "dead"})


class Spent(NamedTuple):
    """A process, and the processor seconds it had used at a moment."""

    process: Any
    moment: float
    cpu_s: float


class Before(NamedTuple):
    """The first reading; processes in `there` that are not in `spent` could not be read in time."""

    began: float
    there: frozenset[int]
    spent: dict[int, Spent]


class Use(NamedTuple):
    """What a process uses: percent of one core, resident bytes, open files (None: not known)."""

    process: Any
    cpu_percent: float
    memory_bytes: int
    started: float
    state: str
    files: int | None = None


class After(NamedTuple):
    """The second reading."""

    uses: dict[int, Use]
    processes: int
    zombies: int
    left_out: int
    measured_s: float


async def measure(psutil: ModuleType, most: int, timeout_s: float) -> Document:
    """The `most` processes each by processor, by memory and by open files."""
    reading_s = min(_READING_S, timeout_s / 10)
    before = await in_thread(lambda: read_first(psutil, reading_s))
    await asyncio.sleep(min(INTERVAL_S, 0.3 * timeout_s))
    after = await in_thread(lambda: read_again(psutil, before, reading_s))
    uses = await in_thread(lambda: with_files(psutil, after.uses, reading_s))
    lists = {
        "by_cpu": _most(uses, most, lambda use: use.cpu_percent),
        "by_memory": _most(uses, most, lambda use: use.memory_bytes),
        "by_files": _most(uses, most, lambda use: use.files),
    }
    chosen = {pid: uses[pid] for pids in lists.values() for pid in pids}
    told = await _told(psutil, chosen)
    found: Document = {
        name: [dict(told[pid]) for pid in pids if pid in told] for name, pids in lists.items()
    }
    return found | {
        "count": after.processes,
        "zombies": after.zombies,
        "left_out": after.left_out,
        "measured_s": round(after.measured_s, 2),
    }


def read_first(psutil: ModuleType, reading_s: float) -> Before:
    """What each process has used of the processor, as many as `reading_s` seconds allow."""
    began = time.monotonic()
    pids = psutil.pids()
    spent = {}
    for pid in pids[:MOST_LOOKED_AT]:
        try:
            process = psutil.Process(pid)
            spent[pid] = Spent(process, time.monotonic(), _cpu_s(process))
        except (psutil.Error, OSError):
            continue
        if time.monotonic() - began > reading_s:
            break
    return Before(began, frozenset(pids), spent)


def read_again(psutil: ModuleType, before: Before, reading_s: float) -> After:
    """What each process has used since `before`; those that ended meanwhile are left out."""
    began = time.monotonic()
    pids = psutil.pids()
    uses: dict[int, Use] = {}
    zombies = left_out = 0
    for pid in pids:
        known = before.spent.get(pid)
        unread = known is None and pid in before.there
        if unread or len(uses) >= MOST_LOOKED_AT or time.monotonic() - began > reading_s:
            left_out += 1
            continue
        try:
            # One that is new since then has used all it has used since then.
            use = _use(known or Spent(psutil.Process(pid), before.began, 0.0))
        except psutil.NoSuchProcess as error:
            zombies += isinstance(error, psutil.ZombieProcess)
        except (psutil.Error, OSError):
            left_out += 1
        else:
            if use.state in _OVER:
                zombies += 1
            else:
                uses[pid] = use
    return After(uses, len(pids), zombies, left_out, began - before.began)


def _use(before: Spent) -> Use:
    process = before.process
    with process.oneshot():
        spent = _cpu_s(process) - before.cpu_s
        passed = max(time.monotonic() - before.moment, 0.001)
        return Use(
            process,
            round(100 * max(spent, 0.0) / passed, 1),
            process.memory_info().rss,
            process.create_time(),
            process.status(),
        )


def with_files(psutil: ModuleType, uses: dict[int, Use], reading_s: float) -> dict[int, Use]:
    """The same with the files that each has open, the largest first while there is time."""
    until = time.monotonic() + reading_s
    found = dict(uses)
    for pid in sorted(uses, key=lambda pid: uses[pid].memory_bytes, reverse=True):
        if time.monotonic() > until:
            break
        found[pid] = uses[pid]._replace(files=_files(psutil, uses[pid].process))
    return found


def _files(psutil: ModuleType, process: Any) -> int | None:
    """How many files it has open; None where this user may not know.

    Linux 6.2 and later tell the number as the size of the folder, however many there are.
    """
    try:
        size = (_proc(psutil) / str(process.pid) / "fd").stat().st_size
    except OSError:
        size = 0
    try:
        return size or int(process.num_fds())
    except (psutil.Error, OSError):
        return None


def _most(uses: dict[int, Use], most: int, amount: Callable[[Use], float | None]) -> list[int]:
    """The processes that have most of something; of equals those with more memory."""
    known = ((amount(use), use.memory_bytes, -pid) for pid, use in uses.items())
    ranked = sorted(((a, m, p) for a, m, p in known if a is not None), reverse=True)
    return [-pid for _, _, pid in ranked[:most]]


async def _told(psutil: ModuleType, chosen: dict[int, Use]) -> dict[int, Document]:
    """Each process as it stands in the document; without those that ended meanwhile."""
    total = await in_thread(lambda: psutil.virtual_memory().total)
    who = await in_thread(lambda: {pid: _who(psutil, use.process) for pid, use in chosen.items()})
    users = await _users({found[1] for found in who.values() if found is not None})
    told = {}
    for pid, use in chosen.items():
        found = who[pid]
        if found is None:
            continue
        name, uid = found
        told[pid] = {
            "pid": pid,
            "name": name,
            "user": None if uid is None else users.get(uid, str(uid)),
            "cpu_percent": use.cpu_percent,
            "memory_bytes": use.memory_bytes,
            "memory_percent": percent(use.memory_bytes, total),
            "files": use.files,
            "age_s": round(max(time.time() - use.started, 0.0), 1),
            "state": use.state,
        }
    return told


def _who(psutil: ModuleType, process: Any) -> tuple[str, int | None] | None:
    """What a process calls itself and whose it is (None: not known); None when it has ended."""
    try:
        if not process.is_running():
            return None
        name = _name(psutil, process)
    except (psutil.Error, OSError):
        return None
    try:
        return name, int(process.uids().real)
    except psutil.AccessDenied:
        return name, None
    except (psutil.Error, OSError):
        return None


def _name(psutil: ModuleType, process: Any) -> str:
    """Its name from the kernel. psutil's is longer where the command line goes on alike, and that
    may hold anything: only the 15 characters that the kernel keeps are taken of it."""
    try:
        found = (_proc(psutil) / str(process.pid) / "comm").read_bytes().removesuffix(b"\n")
    except OSError:
        found = process.name()[:15].encode("utf-8", "surrogateescape")
    return found.decode("utf-8", "replace")


async def _users(uids: set[int | None]) -> dict[int | None, str]:
    """User -> name, or number where it has none; none at all where that takes long."""
    try:
        async with asyncio.timeout(_USERS_S):
            return await in_thread(lambda: {uid: _user(uid) for uid in uids if uid is not None})
    except TimeoutError:
        return {}


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _cpu_s(process: Any) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _proc(psutil: ModuleType) -> Path:
    return Path(getattr(psutil, "PROCFS_PATH", "/proc"))
