"""Counters of the machine, held against the kernel's own files."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from opsdeck.probes import _host_rates as rates

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")

PARTITIONS = "vda vda1 vda15 sda sda1 nvme0n1 nvme0n1p1 nvme0n1p2 nvme0n10 mmcblk0 mmcblk0p1"
DOUBLES = "loop0 loop10 ram0 zram0 dm-0 dm-1 dm-10 md0 md127 md127p1 zd0 nvme0c0n1 bcache0"


def interfaces() -> dict[str, tuple[int, int]]:
    """Interface -> bytes received and sent, from /proc/net/dev."""
    found = {}
    for line in Path("/proc/net/dev").read_text().splitlines()[2:]:
        name, _, fields = line.rpartition(":")
        numbers = fields.split()
        found[name.strip()] = (int(numbers[0]), int(numbers[8]))
    return found


def disks() -> dict[str, tuple[int, int]]:
    """Block device -> bytes read and written, from /proc/diskstats."""
    found = {}
    for line in Path("/proc/diskstats").read_text().splitlines():
        fields = line.split()
        found[fields[2]] = (int(fields[5]) * 512, int(fields[9]) * 512)
    return found


def told(counts: dict[str, tuple[int, int]]) -> Any:
    """A psutil that tells of these interfaces and disks."""
    nics = {n: SimpleNamespace(bytes_recv=a, bytes_sent=b) for n, (a, b) in counts.items()}
    blocks = {n: SimpleNamespace(read_bytes=a, write_bytes=b) for n, (a, b) in counts.items()}
    return SimpleNamespace(
        net_io_counters=lambda **_: nics, disk_io_counters=lambda **_: blocks, Error=psutil.Error
    )


def between(before: tuple[int, int], seen: tuple[int, int], after: tuple[int, int]) -> bool:
    """Whether counters that grow all the while are in order."""
    return all(a <= s <= b for a, s, b in zip(before, seen, after, strict=True))


def total(counts: dict[str, tuple[int, int]], names: list[str]) -> tuple[int, int]:
    """The sums of some counters."""
    return sum(counts[n][0] for n in names), sum(counts[n][1] for n in names)


@linux
def test_the_network_is_what_the_kernel_counts() -> None:
    before = interfaces()
    seen = rates.network(psutil)
    after = interfaces()
    own = ("lo", "veth", "docker", "br-", "virbr", "tap", "ifb")
    real = [n for n in before if not n.startswith(own)] or [n for n in before if n != "lo"]
    assert between(total(before, real), seen, total(after, real))


@linux
def test_what_a_machine_sends_to_itself_does_not_count() -> None:
    # GIVEN 64 MB over loopback
    before, own = rates.network(psutil), interfaces()["lo"]
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sender,
        server.accept()[0] as receiver,
    ):
        for _ in range(1_000):
            sender.sendall(b"x" * 65_536)
            left = 65_536
            while left:
                left -= len(receiver.recv(left))
    # THEN the kernel has counted it, and what went out or came in has not grown by it
    assert interfaces()["lo"][0] - own[0] > 60_000_000
    assert rates.network(psutil)[1] - before[1] < 60_000_000


@pytest.mark.parametrize(
    ("names", "real"),
    [
        ("lo eth0 ens5 docker0 br-0a1b veth12 virbr0 tap0 ifb0", "eth0 ens5"),
        ("lo0 en0 utun3", "en0"),
        ("lo bond0 eth0 eth1 eth0.100 wg0 tun0 sit0", "eth0 eth1"),
        ("lo wlp3s0 enp0s31f6 br0", "wlp3s0 enp0s31f6 br0"),
        ("lo veth0 tap1", "veth0 tap1"),
        ("lo", ""),
        ("", ""),
    ],
)
def test_interfaces_that_count(names: str, real: str) -> None:
    # GIVEN interfaces that have each counted another power of two
    counts = {name: (2**i, 2 ** (i + 20)) for i, name in enumerate(names.split())}
    # THEN the sum tells which were taken
    assert rates.network(told(counts)) == total(counts, real.split())


@linux
def test_disks_are_what_the_kernel_counts() -> None:
    before = disks()
    seen = rates.disk_io(psutil)
    after = disks()
    # THEN they are those that the kernel knows as devices, without what is no hardware
    there = [p.name.replace("!", "/") for p in Path("/sys/block").iterdir()]
    real = [n for n in there if n in before and (Path("/sys/block") / n / "device").exists()]
    if not real:
        pytest.skip("no disk of this machine is hardware")
    assert sorted(rates.whole_disks(before)) == sorted(real)
    assert between(total(before, real), seen, total(after, real))


def test_disks_that_count() -> None:
    names = [*PARTITIONS.split(), *DOUBLES.split()]
    real = ["vda", "sda", "nvme0n1", "nvme0n10", "mmcblk0"]
    assert rates.whole_disks(names) == real
    counts = {name: (2**i, 2 ** (i + 30)) for i, name in enumerate(names)}
    assert rates.disk_io(told(counts)) == total(counts, real)


@pytest.mark.parametrize(
    ("names", "real"),
    [
        ("dm-0 dm-1 dm-10 loop0", "dm-0 dm-1 dm-10"),
        ("xvda1 xvdb", "xvda1 xvdb"),
        ("cciss/c0d0 cciss/c0d0p1", "cciss/c0d0"),
        ("sr0 sr1 sr10 nbd0 nbd0p1", "sr0 sr1 sr10 nbd0"),
        ("disk0 disk1 disk10", "disk0 disk1 disk10"),
        ("loop0 ram0", ""),
        ("", ""),
    ],
)
def test_disks_of_other_machines(names: str, real: str) -> None:
    assert rates.whole_disks(names.split()) == real.split()


def test_a_system_that_does_not_say() -> None:
    def refused(**_: Any) -> Any:
        raise NotImplementedError

    def missing(**_: Any) -> Any:
        raise FileNotFoundError

    silent: Any = SimpleNamespace(
        net_io_counters=missing, disk_io_counters=refused, Error=psutil.Error
    )
    assert rates.network(silent) == (0, 0)
    assert rates.disk_io(silent) == (0, 0)


@linux
def test_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, limit = map(int, Path("/proc/sys/fs/file-nr").read_text().split()[::2])
    seen = rates.open_files()
    assert seen is not None
    assert seen[1] == limit
    assert seen[0] == pytest.approx(opened, rel=0.5)
    # AND psutil's word where the kernel's files are counts
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert rates.open_files() is None
    (tmp_path / "sys/fs").mkdir(parents=True)
    (tmp_path / "sys/fs/file-nr").write_text("7\t0\t99\n")
    assert rates.open_files() == (7, 99)
    (tmp_path / "sys/fs/file-nr").write_text("junk\n")
    assert rates.open_files() is None


@pytest.mark.parametrize(
    "read", [lambda: rates.network(psutil), lambda: rates.disk_io(psutil), rates.open_files]
)
def test_it_costs_less_than_a_millisecond(read: Callable[[], object]) -> None:
    took = []
    for _ in range(50):
        began = time.perf_counter()
        read()
        took.append(time.perf_counter() - began)
    assert min(took) < 0.001
