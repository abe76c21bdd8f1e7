"""What a container may use: the limits of cgroup v2, and what is used of them.

A limit binds for all below it, so the tightest on the way from this process's group to the root
counts. Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


class Limits(NamedTuple):
    """The tightest limits, None where none binds, and the groups that set them."""

    cpus: float | None = None
    """In cores."""
    memory_bytes: int | None = None
    cpu_group: Path | None = None
    memory_group: Path | None = None


class Cgroup:
    """This process's group. Nothing here raises: what cannot be read is not limited."""

    def __init__(self, root: Path = ROOT, membership: Path = MEMBERSHIP) -> None:
        self.limits = _limits(list(_groups(root, membership)))

    def cpu_s(self) -> float | None:
        """Processor seconds that the group with the limit has used."""
        group = self.limits.cpu_group
        used = _fields(group / "cpu.stat").get("usage_usec") if group else None
        return None if used is None else used / 1e6

    def memory_used(self) -> int | None:
        """Bytes in use that cannot be taken back at once, as container tools count them: the file
        cache that nobody has looked at lately is left out."""
        group = self.limits.memory_group
        current = _number(group / "memory.current") if group else None
        if group is None or current is None:
            return None
        return max(0, current - _fields(group / "memory.stat").get("inactive_file", 0))


def _groups(root: Path, membership: Path) -> Iterator[Path]:
    """The folders from this process's group up to the root."""
    inside = next((li[3:] for li in _text(membership).splitlines() if li.startswith("0::")), None)
    if inside is None:
        return
    parts = [part for part in inside.split("/") if part]
    if ".." in parts:  # the group lies outside of this namespace: only its root can be seen
        parts = []
    for depth in range(len(parts), -1, -1):
        yield root.joinpath(*parts[:depth])


def _limits(groups: list[Path]) -> Limits:
    found = Limits()
    for group in groups:
        cpus = _cpus(group / "cpu.max")
        if cpus is not None and (found.cpus is None or cpus < found.cpus):
            found = found._replace(cpus=cpus, cpu_group=group)
        bounds = [_number(group / "memory.max"), _number(group / "memory.high")]
        memory = min((bound for bound in bounds if bound), default=None)
        if memory is not None and (found.memory_bytes is None or memory < found.memory_bytes):
            found = found._replace(memory_bytes=memory, memory_group=group)
    return found


def _cpus(file: Path) -> float | None:
    """`cpu.max` is a quota and its period in microseconds, or `max`."""
    words = _text(file).split()
    if len(words) != 2:
        return None
    quota, period = map(_digits, words)
    return quota / period if quota and period else None


def _number(file: Path) -> int | None:
    return _digits(_text(file).strip())


def _digits(text: str) -> int | None:
    return int(text) if text.isdigit() and len(text) < 20 else None


def _fields(file: Path) -> dict[str, int]:
    """A file of `name number` lines."""
    pairs = (line.split() for line in _text(file).splitlines())
    found = {p[0]: _digits(p[1]) for p in pairs if len(p) == 2}
    return {name: number for name, number in found.items() if number is not None}


def _text(file: Path) -> str:
    try:
        return file.read_bytes()[:65_536].decode("ascii", "replace")
    except (OSError, ValueError):
        return ""
