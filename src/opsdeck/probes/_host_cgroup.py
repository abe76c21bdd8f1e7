"""What the control group (cgroup v2) of this process limits it to, and what it uses of that.

A container's limits, and those of a systemd unit, are such groups. Each figure is read from the
kernel's files when it is asked for: a few small files, cheap enough for once a second.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")

_MOST_BYTES = 65_536
"""Of one file; the longest, memory.stat, has some 2,000."""


class Limits(NamedTuple):
    """The tightest limits on the way from a process's own group to the root; None: none binds.

    A limit may be higher than what the machine has. `folder` is the process's own group; None
    where there is no cgroup v2.
    """

    cpus: float | None = None
    """Cores: 0.5 is half of one."""
    memory_bytes: int | None = None
    swap_bytes: int | None = None
    folder: Path | None = None


class CpuUse(NamedTuple):
    """What a group has used of the processor since it was made, and how it was held back."""

    usage_usec: int
    throttled_usec: int
    """How long its threads had to wait because its quota was spent; 0 where it has none."""
    nr_periods: int
    """Periods of the quota in which it had something to do."""
    nr_throttled: int
    """Those of them in which it was held back."""


class _Bound(NamedTuple):
    """A limit in the unit of its file, and the group that has it; `amount` None: no limit."""

    amount: float | None
    folder: str


class Cgroup:
    """This process's group, found once: a process that is moved to another needs a new one.

    Use is that of the group whose limit binds, as that is what the limit is held against: where a
    parent's is the tightest, what its other children use counts too. Without a limit it is that of
    the process's own group.
    """

    def __init__(self, root: Path = ROOT, membership: Path = MEMBERSHIP) -> None:
        self._own = _own_folder(root, membership)
        self._chain = _upwards(self._own, str(root)) if self._own is not None else []

    def limits(self) -> Limits:
        """What binds now; all None where nothing does or can be read."""
        if self._own is None:
            return Limits()
        memory, swap = self._memory().amount, self._swap().amount
        return Limits(
            self._cpu().amount,
            None if memory is None else int(memory),
            None if swap is None else int(swap),
            Path(self._own),
        )

    def memory_use(self) -> tuple[int, int] | None:
        """Bytes in use, and those of them that are file cache the kernel can take back at once."""
        return None if self._own is None else memory_use(self._memory().folder)

    def swap_use(self) -> int | None:
        """Bytes that lie in swap."""
        return None if self._own is None else swap_use(self._swap().folder)

    def cpu_use(self) -> CpuUse | None:
        """Processor time and throttling since the group was made."""
        return None if self._own is None else cpu_use(self._cpu().folder)

    def _cpu(self) -> _Bound:
        return self._tightest((folder, _cores(folder)) for folder in self._chain)

    def _memory(self) -> _Bound:
        names = ("memory.max", "memory.high")
        return self._tightest((f, _number(f, name)) for f in self._chain for name in names)

    def _swap(self) -> _Bound:
        return self._tightest((f, _number(f, "memory.swap.max")) for f in self._chain)

    def _tightest(self, found: Iterable[tuple[str, float | None]]) -> _Bound:
        """The lowest limit; of equal ones the outermost, as more counts against that."""
        least = _Bound(None, self._own or "")
        for folder, amount in found:
            if amount is not None and (least.amount is None or amount <= least.amount):
                least = _Bound(amount, folder)
        return least


def limits(root: Path = ROOT, membership: Path = MEMBERSHIP) -> Limits:
    """What binds the process whose `membership` file this is; never raises.

    `root` is where cgroup v2 is mounted; in a container it may be the container's own group.
    """
    return Cgroup(root, membership).limits()


def memory_use(folder: Path | str) -> tuple[int, int] | None:
    """Bytes that a group uses, and those of them that are file cache not used lately.

    The difference is the working set: what could not be had back for the asking. None where the
    group does not say (the root never does).
    """
    current = _number(str(folder), "memory.current")
    stat = _stat(str(folder), "memory.stat")
    if current is None or "inactive_file" not in stat:
        return None
    return current, stat["inactive_file"]


def swap_use(folder: Path | str) -> int | None:
    """Bytes of a group that lie in swap; None where it does not say."""
    return _number(str(folder), "memory.swap.current")


def cpu_use(folder: Path | str) -> CpuUse | None:
    """Processor time and throttling of a group in microseconds; None where it does not say."""
    stat = _stat(str(folder), "cpu.stat")
    if "usage_usec" not in stat:
        return None
    return CpuUse(*(stat.get(key, 0) for key in CpuUse._fields))


def _own_folder(root: Path, membership: Path) -> str | None:
    """The folder of the group; None without cgroup v2, or where the group lies outside of `root`.

    Where a container shows only its own group as `root`, but the path is the machine's, what `root`
    stands for is left out at its beginning.
    """
    lines = (_read(str(membership)) or b"").splitlines()
    line = next((line for line in lines if line.startswith(b"0::/")), None)
    if line is None:
        return None
    parts = [part for part in os.fsdecode(line[3:]).split("/") if part]
    if ".." in parts:
        return None
    for skipped in range(len(parts) + 1):
        folder = "/".join([str(root), *parts[skipped:]])
        if _read(f"{folder}/cgroup.controllers") is not None:  # every group has it, none of v1
            return folder
    return None


def _upwards(folder: str, root: str) -> list[str]:
    """The group, its parent and so on up to the root."""
    chain = [folder]
    while len(chain[-1]) > len(root):
        chain.append(chain[-1].rpartition("/")[0])
    return chain


def _cores(folder: str) -> float | None:
    """The quota of a group in cores; None for none."""
    quota, _, period = (_read(f"{folder}/cpu.max") or b"").partition(b" ")
    part, whole = _digits(quota), _digits(period)
    return part / whole if part and whole else None


def _number(folder: str, name: str) -> int | None:
    """The number that a file consists of; None for "max" and for whatever else it may be."""
    return _digits(_read(f"{folder}/{name}") or b"")


def _stat(folder: str, name: str) -> dict[str, int]:
    """A file of lines `name number`; other lines are passed over."""
    found: dict[str, int] = {}
    for line in (_read(f"{folder}/{name}") or b"").splitlines():
        key, _, value = line.partition(b" ")
        number = _digits(value)
        if number is not None:
            found[key.decode("ascii", "replace")] = number
    return found


def _digits(text: bytes) -> int | None:
    """A whole number of up to 20 digits, which is what 64 bits have."""
    text = text.strip()
    return int(text) if text.isdigit() and len(text) <= 20 else None


def _read(path: str) -> bytes | None:
    """What a file of the kernel's holds, in one call; None where it cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        return os.read(handle, _MOST_BYTES)
    except OSError:
        return None
    finally:
        os.close(handle)
