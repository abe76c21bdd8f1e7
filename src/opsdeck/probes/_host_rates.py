"""Counters that only grow, for who reads them again and again and wants to know how fast.

Each call reads one file of the kernel's (Linux), through psutil. A sum falls when an interface or
a disk is taken away: a rate below nothing is no rate.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from types import ModuleType

from opsdeck.probes import _host_system as system

_LOOPBACK = re.compile(r"lo\d*")

_NO_INTERFACE = re.compile(
    # what is between containers or virtual machines and this one
    r"(veth|docker|br-|virbr|tap|ifb|vnet|cni|cali|lxc|lxdbr|podman|flannel|dummy|nlmon"
    # what passes through another interface as well: tunnels, bundles
    r"|tun|utun|wg|tailscale|sit|gre|erspan|ip6tnl|ip6gre|ip_vti|ip6_vti|tunl|vxlan|bond|team).*"
    # a VLAN of another interface
    r"|.+\.\d+"
)
"""What is no interface of its own, by name: its bytes would count twice, or never left."""

_PART = re.compile(r"(.*\d)p\d+|(.*\D)\d+")
"""A partition: the kernel adds a number to its disk's name, after a `p` where that ends in one."""

_NO_DISK = re.compile(r"(loop|ram|zram|dm-|md|zd|drbd|bcache)\d.*|nvme\d+c\d+n\d+")
"""What is in memory, or lies on other disks that count already; one of several ways to a disk."""

_MAPPED = re.compile(r"dm-\d+")


def network(psutil: ModuleType) -> tuple[int, int]:
    """Bytes received and sent since the start, over all real interfaces.

    Where there are none (in a container everything may be virtual), all but loopback count.
    (0, 0) where the system does not say.
    """
    try:
        found = psutil.net_io_counters(pernic=True, nowrap=False)
    except (OSError, psutil.Error, AssertionError, ValueError):
        return 0, 0
    outward = [name for name in found if not _LOOPBACK.fullmatch(name)]
    real = [name for name in outward if not _NO_INTERFACE.fullmatch(name)] or outward
    return sum(found[n].bytes_recv for n in real), sum(found[n].bytes_sent for n in real)


def disk_io(psutil: ModuleType) -> tuple[int, int]:
    """Bytes read and written since the start, over whole physical disks.

    Where only mapped disks (device mapper) are seen, those count. (0, 0) where there are no disks
    or the system does not say.
    """
    try:
        found = psutil.disk_io_counters(perdisk=True, nowrap=False)
    except (OSError, psutil.Error, NotImplementedError, ValueError):
        return 0, 0
    disks = whole_disks(found)
    return sum(found[d].read_bytes for d in disks), sum(found[d].write_bytes for d in disks)


def whole_disks(names: Collection[str]) -> list[str]:
    """Of all block devices the physical disks; else the mapped ones; else none.

    psutil's own sum would count what lies on other disks (mapped, RAID) once more.
    """
    physical = [n for n in names if not _NO_DISK.fullmatch(n) and not _is_part(n, names)]
    return physical or [n for n in names if _MAPPED.fullmatch(n)]


def _is_part(name: str, names: Collection[str]) -> bool:
    match = _PART.fullmatch(name)
    return match is not None and (match[1] or match[2]) in names


def open_files() -> tuple[int, int] | None:
    """Open files of the whole system, and how many there may be; None where only Linux tells."""
    import psutil

    return system.open_files(psutil)
