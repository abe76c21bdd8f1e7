"""The gauges of this machine's file systems. One that hangs does not stop the others."""

from __future__ import annotations

import os
import re
import time
import zlib
from collections.abc import Callable, Iterator
from types import ModuleType

from opsdeck.catalog.gauges import HOST, GaugeSpec, Limit
from opsdeck.gauges.board import Room, Sample
from opsdeck.probes import _host_system as system

MOUNTS_EVERY_S = 30.0
MOST_DISKS = 30


def _spec(kind: str, title: str, slug: str) -> GaugeSpec:
    return GaugeSpec(
        id=f"host-{kind}-{slug}",
        title=title,
        source=HOST,
        unit="%",
        scale=(0.0, 100.0),
        every_s=5.0,
        for_s=30.0,
        playbook="database-disk-space",
        fills=True,
        warn=Limit(">=", 85.0),
        crit=Limit(">=", 95.0),
    )


def _slug(mount: str) -> str:
    slug = re.sub(r"[^a-z0-9._]+", "-", mount.lower()).strip("-.")[:50]
    return slug or "root"


class DiskSampler:
    """Every real file system: bytes and inodes."""

    def __init__(self, psutil: ModuleType, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._psutil = psutil
        self._clock = clock
        self._mounts: list[str] = []
        self._read_at = float("-inf")
        self._specs: dict[str, tuple[GaugeSpec, GaugeSpec]] = {}
        self._pass = 0
        self.asking: str | None = None
        """The file system that is being asked now: the one to name when it does not answer."""
        self.hanging: set[str] = set()
        """Those that were given up: they are not asked until they have answered."""

    def sample(self) -> list[Sample]:
        """How full each is; nothing where the pass was given up meanwhile."""
        self._pass += 1
        mine = self._pass
        if self._clock() - self._read_at >= MOUNTS_EVERY_S:
            self._read_at = self._clock()
            self._mounts = self._mounted()
            kept = {*self._mounts, *self.hanging}
            self._specs = {path: spec for path, spec in self._specs.items() if path in kept}
        found: list[Sample] = []
        for path in self._mounts:
            if path in self.hanging:
                continue
            self.asking = path
            found += self._of(path)
            if self._pass != mine:  # it hung, and another pass goes on
                self.hanging.discard(path)
                return []
        self.asking = None
        return found

    def give_up(self) -> None:
        """What is being asked does not answer: go on without it, in another thread."""
        if self.asking is not None:
            self.hanging.add(self.asking)
            self.asking = None
            self._pass += 1

    def without(self) -> list[Sample]:
        """What to say of those that were given up."""
        return [
            Sample(spec, None, None, f"{path} does not answer: is its disk there?")
            for path in sorted(self.hanging)
            for spec in self.specs(path)
        ]

    def specs(self, mount: str) -> tuple[GaugeSpec, GaugeSpec]:
        """The two gauges of a file system: bytes and inodes."""
        known = self._specs.get(mount)
        if known is None:
            name = os.fsencode(mount).decode("utf-8", "replace")
            slug, taken = _slug(name), {both[0].id for both in self._specs.values()}
            if f"host-disk-{slug}" in taken:  # "/a-b" beside "/a/b"
                slug = f"{slug}-{zlib.crc32(os.fsencode(mount)):08x}"
            both = (
                _spec("disk", f"Disk {name}", slug),
                _spec("inodes", f"Inodes {name}", slug),
            )
            known = self._specs[mount] = both
        return known

    def _mounted(self) -> list[str]:
        return sorted({mount.path for mount in system.mounts(self._psutil, ())})[:MOST_DISKS]

    def _of(self, path: str) -> Iterator[Sample]:
        try:
            found = os.statvfs(path)
        except OSError:
            return  # it went away, or this user may not look at it
        bytes_spec, inodes = self.specs(path)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        room = used + found.f_bavail * found.f_frsize  # as df counts: what root keeps is not there
        if room > 0:
            yield Sample(bytes_spec, 100 * used / room, Room(used, room))
        if found.f_files > 0:
            taken = found.f_files - found.f_ffree
            yield Sample(inodes, 100 * taken / found.f_files, Room(taken, found.f_files))
