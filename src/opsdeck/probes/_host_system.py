"""The machine as a whole, from psutil and, on Linux, the kernel's own files."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import socket
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from opsdeck.probes.base import Document, ProbeError

MOST_DISKS = 100

_READ_ONLY = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"})
"""Images that are always full."""

_FILES = frozenset({"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"})
"""What is laid into a container from outside: files of a disk, not the disk."""


def percent(part: float, whole: float) -> float | None:
    """How much of the whole, with one decimal; None of nothing."""
    return round(100 * part / whole, 1) if whole > 0 else None


def memory(psutil: ModuleType) -> Document:
    """Memory; used is what the kernel could not give to a new program."""
    found = psutil.virtual_memory()
    return {
        "total_bytes": found.total,
        "available_bytes": found.available,
        "used_percent": percent(found.total - found.available, found.total),
    }


def swap(psutil: ModuleType) -> Document:
    """Swap; its use is None where there is none, since nothing of nothing is not little."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no counters of pages: not asked for
        found = psutil.swap_memory()
    return {
        "total_bytes": found.total,
        "used_bytes": found.used,
        "used_percent": percent(found.used, found.total),
        "swappiness": _number(_proc(psutil) / "sys/vm/swappiness"),
    }


class Mount(NamedTuple):
    """A mounted file system; `fs` is None where the list of mounts does not say."""

    path: str
    fs: str | None


def mounts(psutil: ModuleType, folders: Iterable[str]) -> list[Mount]:
    """The real file systems, each device once; or those that the folders lie on."""
    listed = psutil.disk_partitions(all=True)
    kinds = {part.mountpoint: part.fstype for part in listed}
    chosen = [Mount(f, kinds.get(_mount_of(f, kinds))) for f in folders]
    if chosen:
        return chosen
    seen: dict[str, Mount] = {}
    for part in psutil.disk_partitions(all=False):
        real = part.fstype not in _READ_ONLY and "ro" not in part.opts.split(",")
        if real and part.mountpoint not in _FILES:
            mount = Mount(part.mountpoint, part.fstype)
            known = seen.get(part.device)
            if known is None or len(mount.path) < len(known.path):
                seen[part.device] = mount
    if not any(mount.path == "/" for mount in seen.values()):
        seen[""] = Mount("/", kinds.get("/"))  # a container's own, which is no device
    return sorted(seen.values())


def _mount_of(folder: str, kinds: Iterable[str]) -> str:
    """The mount that a folder lies on, going by its name."""
    whole = os.path.abspath(folder)  # noqa: PTH100 (links stay as they are)
    above = (m for m in kinds if whole == m or whole.startswith(m.rstrip("/") + "/"))
    return max(above, key=len, default="/")


def disk(psutil: ModuleType, mount: Mount) -> Document | None:
    """One file system; None for one that went away or that this user may not look at."""
    try:
        used = psutil.disk_usage(mount.path)
        counts = os.statvfs(mount.path)
    except FileNotFoundError:
        raise ProbeError("missing", f"there is no folder {mount.path} on this machine") from None
    except OSError:
        return None
    inodes = percent(counts.f_files - counts.f_ffree, counts.f_files)
    return {
        "mount": os.fsencode(mount.path).decode("utf-8", "replace"),
        "fs": mount.fs,
        "total_bytes": used.total,
        "free_bytes": used.free,
        "used_percent": used.percent,
        "inodes_used_percent": inodes,
    }


def fullest(disks: Iterable[Document]) -> Document | None:
    """The disk that has least left, of bytes or of inodes, and how full it is."""

    def fullness(disk: Document) -> float:
        return max(disk["used_percent"] or 0.0, disk["inodes_used_percent"] or 0.0)

    most = max(disks, key=fullness, default=None)
    return None if most is None else {"mount": most["mount"], "percent": fullness(most)}


def load(psutil: ModuleType) -> Document:
    """The load averages, and what each core has of them."""
    try:
        text = (_proc(psutil) / "loadavg").read_text()
        one, five, fifteen = map(float, text.split()[:3])
    except (OSError, ValueError):  # not Linux
        one, five, fifteen = psutil.getloadavg()
    cores = psutil.cpu_count() or 1
    return {
        "one": round(one, 2),
        "five": round(five, 2),
        "fifteen": round(fifteen, 2),
        "one_per_core": round(one / cores, 2),
        "fifteen_per_core": round(fifteen / cores, 2),
    }


def files(psutil: ModuleType) -> Document:
    """Open files of the whole system (Linux), and the limits that a program started here has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened, limit = open_files(psutil) or (None, None)
    return {
        "open": opened,
        "limit": limit,
        "used_percent": percent(opened, limit) if opened is not None and limit else None,
        "soft_limit": None if soft == resource.RLIM_INFINITY else soft,
        "hard_limit": None if hard == resource.RLIM_INFINITY else hard,
    }


def open_files(psutil: ModuleType) -> tuple[int, int] | None:
    """Open files of the whole system, and how many there may be; None but on Linux."""
    try:
        first, _, last = (_proc(psutil) / "sys/fs/file-nr").read_text().split()
        return int(first), int(last)
    except (OSError, ValueError):
        return None


def identity() -> Document:
    """What this machine calls itself."""
    return {"hostname": socket.gethostname(), "kernel": f"{platform.system()} {platform.release()}"}


class _Timex(ctypes.Structure):
    """The beginning of Linux's `struct timex`, which is 208 bytes long; times in microseconds."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


_UNSYNCHRONISED = 0x40
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")


def clock() -> Document:
    """Whether something keeps the clock right, as the kernel was told; None where it is unknown."""
    timex = _Timex()
    if sys.platform != "linux" or _adjtimex(timex) is None:
        return {"synchronized": None, "source": None, "max_error_ms": None}
    found = not timex.status & _UNSYNCHRONISED
    source = "systemd-timesyncd" if _TIMESYNCD.exists() else "kernel"
    return {
        "synchronized": found,
        "source": source,
        "max_error_ms": round(timex.maxerror / 1000, 1) if found else None,
    }


def _adjtimex(timex: _Timex) -> int | None:
    """Read the kernel's clock state (`modes` is 0, so nothing is set)."""
    try:
        call = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    state: int = call(ctypes.byref(timex))
    return None if state < 0 else state


def _proc(psutil: ModuleType) -> Path:
    """Where the kernel's files are; psutil may have been told of another place."""
    return Path(getattr(psutil, "PROCFS_PATH", "/proc"))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
