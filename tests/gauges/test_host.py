"""This machine's own gauges agree with what the kernel and its everyday programs say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from opsdeck.gauges.board import Sample
from opsdeck.gauges.host import HostSampler
from opsdeck.probes._host_cgroup import Cgroup

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
needs_free = pytest.mark.skipif(shutil.which("free") is None, reason="needs free (procps)")
MB = 1024 * 1024


@pytest.fixture
def unlimited(tmp_path: Path) -> Cgroup:
    """A control group without limits, whatever these tests run in."""
    return Cgroup(tmp_path, tmp_path / "none")


def by_id(samples: list[Sample]) -> dict[str, Sample]:
    return {sample.spec.id: sample for sample in samples}


def proc(name: str) -> dict[str, list[str]]:
    """Lines of a file of /proc by their first word."""
    lines = Path("/proc", name).read_text().splitlines()
    return {line.split()[0].rstrip(":"): line.split()[1:] for line in lines if line.split()}


def cpu_ticks() -> list[int]:
    """User, nice, system, idle, iowait, irq, softirq, steal."""
    return [int(word) for word in proc("stat")["cpu"][:8]]


@linux
def test_the_processor_is_what_proc_stat_says(unlimited: Cgroup) -> None:
    # GIVEN a machine that works for half a second
    sampler = HostSampler(psutil, cgroup=unlimited)
    before = cpu_ticks()
    first = by_id(sampler.fast())
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        pass
    found = by_id(sampler.fast())
    spent = [b - a for a, b in zip(before, cpu_ticks(), strict=True)]
    # THEN the first look has no value, and the second that of the kernel, to a few ticks
    assert first["host-cpu"].value is None
    busy = 100 * (sum(spent) - spent[3] - spent[4]) / sum(spent)
    assert found["host-cpu"].value == pytest.approx(busy, abs=6)
    assert found["host-iowait"].value == pytest.approx(100 * spent[4] / sum(spent), abs=6)
    assert found["host-steal"].value == pytest.approx(100 * spent[7] / sum(spent), abs=6)
    # AND one core was busy all the time
    cores = int(subprocess.check_output(["nproc", "--all"]))
    assert found["host-cpu"].detail == ("1 core" if cores == 1 else f"{cores} cores")
    if cores > 1:
        assert len(found["host-cores"].detail) == cores
        assert found["host-cores"].value == max(found["host-cores"].detail)
        assert max(found["host-cores"].detail) > 60


@linux
def test_memory_is_what_the_kernel_calls_available(unlimited: Cgroup) -> None:
    found = by_id(HostSampler(psutil, cgroup=unlimited).fast())["host-memory"]
    told = proc("meminfo")
    total, available = (int(told[name][0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    assert found.detail.total == total
    assert found.detail.used == pytest.approx(total - available, abs=200 * MB)
    assert found.value == pytest.approx(100 * (total - available) / total, abs=1.5)


@linux
@needs_free
def test_memory_and_swap_agree_with_free(unlimited: Cgroup) -> None:
    sampler = HostSampler(psutil, cgroup=unlimited)
    found = by_id([*sampler.fast(), *sampler.slow()])
    lines = subprocess.check_output(["free", "-b"], text=True, env={"LC_ALL": "C", **os.environ})
    rows = {line.split()[0]: [int(w) for w in line.split()[1:]] for line in lines.splitlines()[1:]}
    total, available = rows["Mem:"][0], rows["Mem:"][5]
    assert found["host-memory"].value == pytest.approx(100 * (1 - available / total), abs=1.5)
    swap = rows["Swap:"]
    assert ("host-swap" in found) == (swap[0] > 0)
    if swap[0]:
        assert found["host-swap"].value == pytest.approx(100 * swap[1] / swap[0], abs=1)


@linux
def test_load_and_open_files_are_the_kernels(unlimited: Cgroup) -> None:
    found = by_id(HostSampler(psutil, cgroup=unlimited).slow())
    load = [float(word) for word in Path("/proc/loadavg").read_text().split()[:3]]
    cores = int(subprocess.check_output(["nproc", "--all"]))
    assert found["host-load"].value == pytest.approx(load[0] / cores, abs=0.3)
    assert found["host-load"].detail == pytest.approx(tuple(load), abs=0.5)
    opened, _, most = (int(word) for word in Path("/proc/sys/fs/file-nr").read_text().split())
    assert found["host-files"].detail.total == most
    assert found["host-files"].detail.used == pytest.approx(opened, abs=500)
    assert found["host-files"].value == pytest.approx(100 * opened / most, abs=0.1)


@linux
def test_what_is_written_to_disk_is_seen(unlimited: Cgroup, tmp_path: Path) -> None:
    # GIVEN a second that the sampler's own clock measures, in which 8 MB are flushed to disk
    clock = iter([10.0, 12.0])
    sampler = HostSampler(psutil, cgroup=unlimited, clock=lambda: next(clock))
    before = psutil.disk_io_counters()
    sampler.fast()
    with (tmp_path / "much").open("wb") as file:
        file.write(os.urandom(8 * MB))
        os.fsync(file.fileno())
    found = by_id(sampler.fast())
    after = psutil.disk_io_counters()
    if before is None or after is None or after.write_bytes == before.write_bytes:
        pytest.skip("this folder lies on no disk that the kernel counts")
    told = found["host-io-write"].value
    assert told is not None
    assert 8 * MB / 2 <= told <= (after.write_bytes - before.write_bytes) / 2  # in two seconds


class Counted:
    """A psutil whose counters a test sets; the rest is the real one."""

    def __init__(self) -> None:
        self.net = {"eth0": (0, 0), "lo": (0, 0)}

    def __getattr__(self, name: str) -> Any:
        return getattr(psutil, name)

    def net_io_counters(self, pernic: bool = False, nowrap: bool = True) -> Any:
        return {
            name: SimpleNamespace(bytes_recv=received, bytes_sent=sent)
            for name, (received, sent) in self.net.items()
        }


def test_the_network_is_counted_without_loopback_and_no_fall_is_shown(unlimited: Cgroup) -> None:
    # GIVEN (stand-in) counters of an interface, as no test can make a real one carry so much
    seen, clock = Counted(), iter([0.0, 2.0, 3.0])
    sampler = HostSampler(seen, cgroup=unlimited, clock=lambda: next(clock))  # type: ignore[arg-type]
    sampler.fast()
    seen.net = {"eth0": (4_000, 600), "lo": (9_999_999, 9_999_999)}
    found = by_id(sampler.fast())
    assert (found["host-net-in"].value, found["host-net-out"].value) == (2_000, 300)
    # AND an interface that began anew brings no value at all
    seen.net = {"eth0": (100, 700), "lo": (0, 0)}
    found = by_id(sampler.fast())
    assert "host-net-in" not in found
    assert found["host-net-out"].value == 100


def container(folder: Path, **files: str) -> Cgroup:
    """A container's control group, as the kernel lays out its files."""
    folder.mkdir(exist_ok=True)
    shared = {"cgroup_controllers": "cpu io memory pids\n", "memory_swap_max": "max\n"}
    for name, text in {**shared, **files}.items():
        (folder / name.replace("_", ".", 1)).write_text(text)
    (folder / "self").write_text("0::/\n")
    return Cgroup(folder, folder / "self")


def test_a_limit_of_memory_that_binds_is_the_whole(tmp_path: Path) -> None:
    # GIVEN a container of 512 MB that uses 300 MB, of which 100 MB are old pages of files
    limit, stat = str(512 * MB), f"inactive_file {100 * MB}\n"
    files = {"memory_max": limit, "memory_current": str(300 * MB), "memory_stat": stat}
    found = by_id(HostSampler(psutil, cgroup=container(tmp_path / "g", **files)).fast())
    assert tuple(found["host-memory"].detail) == (200 * MB, 512 * MB)
    assert found["host-memory"].value == pytest.approx(100 * 200 / 512)


@pytest.mark.parametrize("most", ["max", str(2**60)])
def test_a_limit_of_memory_that_does_not_bind_is_none(tmp_path: Path, most: str) -> None:
    files = {"memory_max": most, "memory_current": "1", "memory_stat": "inactive_file 0\n"}
    found = by_id(HostSampler(psutil, cgroup=container(tmp_path / "g", **files)).fast())
    assert found["host-memory"].detail.total == psutil.virtual_memory().total


def test_a_limit_of_processor_time_that_binds_is_the_whole(tmp_path: Path) -> None:
    # GIVEN a container of half a core, which used a quarter of a second in one
    folder, clock = tmp_path / "g", iter([5.0, 5.0, 6.0, 6.0])
    group = container(folder, cpu_max="50000 100000\n", cpu_stat="usage_usec 1000000\n")
    sampler = HostSampler(psutil, cgroup=group, clock=lambda: next(clock))
    sampler.fast()
    (folder / "cpu.stat").write_text("usage_usec 1250000\n")
    first = by_id(sampler.fast())["host-cpu"]
    assert first.value == pytest.approx(50.0)
    assert first.detail == "of the container's 0.5 cores"


def test_what_one_part_cannot_tell_costs_the_others_nothing(unlimited: Cgroup) -> None:
    # GIVEN a machine that refuses to tell of its memory
    class Broken(Counted):
        def virtual_memory(self) -> Any:
            raise PermissionError("/proc/meminfo")

    found = by_id(HostSampler(Broken(), cgroup=unlimited).fast())  # type: ignore[arg-type]
    assert "host-memory" not in found
    assert "host-cpu" in found
