"""Counters of this machine that only ever rise: whoever reads them twice has a rate."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path
from types import ModuleType

_NOT_THE_NETWORK = re.compile(
    r"lo[0-9]*$|.*[.@]|(br|bond|team|tun|wg|gre|sit|vlan|vxlan|macvlan|ipvlan)[-_.0-9]"
    r"|(veth|docker|virbr|tap|ifb|cni|flannel|cali|dummy|ip6tnl|nlmon)"
)
"""Loopback, and what carries the bytes of another interface: VLANs, bonds, bridges, tunnels."""
_PART = re.compile(
    r"(sd[a-z]+|vd[a-z]+|xvd[a-z]+|hd[a-z]+)[0-9]+|(nvme[0-9]+n[0-9]+|mmcblk[0-9]+)p[0-9]+"
)
_NO_DISK = re.compile(r"(loop|ram|zram|sr|fd|dm-|md|nbd)[0-9]*")


def network(psutil: ModuleType) -> tuple[int, int]:
    """Bytes received and sent over all interfaces that lead off this machine.

    Bridges, bonds, tunnels and the ends of containers' cables are left out: they would count
    twice. Where there is nothing else they count, but for loopback.
    """
    seen = psutil.net_io_counters(pernic=True, nowrap=False)
    chosen = [c for name, c in seen.items() if not _NOT_THE_NETWORK.match(name)]
    chosen = chosen or [c for name, c in seen.items() if name != "lo"]
    return sum(c.bytes_recv for c in chosen), sum(c.bytes_sent for c in chosen)


def disk_io(psutil: ModuleType) -> tuple[int, int]:
    """Bytes read and written by whole disks: not again by their partitions and volumes."""
    seen = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
    whole = [c for name, c in seen.items() if not _NO_DISK.match(name) and not _of(name, seen)]
    whole = whole or [c for name, c in seen.items() if name.startswith("dm-")]
    return sum(c.read_bytes for c in whole), sum(c.write_bytes for c in whole)


def _of(name: str, seen: Container[str]) -> bool:
    """Whether it is a partition of a disk that is there as well: some clouds show only the part."""
    part = _PART.fullmatch(name)
    return part is not None and (part[1] or part[2]) in seen


def open_files(psutil: ModuleType) -> tuple[int, int] | None:
    """Open files of the whole system, and how many there may be; None where nobody says."""
    file = Path(getattr(psutil, "PROCFS_PATH", "/proc")) / "sys/fs/file-nr"
    try:
        opened, unused, limit = map(int, file.read_text().split())
    except (OSError, ValueError):
        return None
    return opened - unused, limit
