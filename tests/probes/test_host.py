"""This machine, held against what its kernel says."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from opsdeck.probes import _host_cpu as cpu
from opsdeck.probes import _host_system as system
from opsdeck.probes.base import ProbeError
from opsdeck.probes.registry import problems
from tests.probes.partners_local import document, see

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")


async def host(**parameters: Any) -> dict[str, Any]:
    """What a look at this machine gives."""
    return await document("host", Path("/"), target="host", **parameters)


def meminfo() -> dict[str, int]:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}


@linux
async def test_memory_is_what_the_kernel_means() -> None:
    seen = await host(parts=["memory", "swap"])
    kernel = meminfo()
    assert seen["memory"]["total_bytes"] == kernel["MemTotal"]
    available = seen["memory"]["available_bytes"]
    assert available == pytest.approx(kernel["MemAvailable"], rel=0.2)
    used = 100 * (1 - available / kernel["MemTotal"])
    assert seen["memory"]["used_percent"] == pytest.approx(used, abs=0.1)
    assert seen["swap"]["total_bytes"] == kernel["SwapTotal"]
    assert (seen["swap"]["used_percent"] is None) == (kernel["SwapTotal"] == 0)


async def test_everything_at_once_in_well_under_a_second() -> None:
    seen = await host()
    assert set(seen) >= {
        "cpu",
        "memory",
        "swap",
        "disks",
        "fullest",
        "load",
        "files",
        "uptime_s",
        "time",
        "hostname",
        "kernel",
        "latency_ms",
    }
    assert 0 <= seen["cpu"]["percent"] <= 100
    assert seen["cpu"]["count"] == os.cpu_count()
    assert seen["hostname"] == socket.gethostname()
    assert seen["uptime_s"] > 0


async def test_only_the_parts_that_are_asked_for() -> None:
    seen = await host(parts=["load"])
    assert set(seen) == {"load", "latency_ms"}
    assert seen["load"]["one"] == pytest.approx(os.getloadavg()[0], abs=0.5)
    assert seen["load"]["one_per_core"] == pytest.approx(
        seen["load"]["one"] / (os.cpu_count() or 1), abs=0.02
    )


async def test_a_busy_core_shows() -> None:
    # GIVEN a process that keeps one core busy
    with running([sys.executable, "-c", "while True: pass"], "spinning"):
        await asyncio.sleep(0.05)
        seen = await host(parts=["cpu"], process="spinning")
    # THEN the processor and the process are busy
    assert seen["cpu"]["busiest_core_percent"] > 20
    assert seen["processes"][0]["cpu_percent"] > 10


def times(**spent: float) -> Any:
    """One core's times."""
    fields = {"user": 0.0, "system": 0.0, "idle": 0.0, "iowait": 0.0, "steal": 0.0} | spent
    return SimpleNamespace(**fields, _fields=tuple(fields))


def test_shares_of_the_processor() -> None:
    # GIVEN one core that worked half of the time and one that was stolen or waited
    before = [times(), times()]
    after = [times(user=5, idle=5), times(steal=2, iowait=3, idle=5)]
    # THEN waiting is not work, and what was stolen is not free
    seen = cpu.use(cpu.Reading(before, 7.0), cpu.Reading(after, 7.0))
    assert (seen["percent"], seen["steal_percent"], seen["iowait_percent"]) == (35.0, 10.0, 15.0)
    assert (seen["busiest_core_percent"], seen["own_percent"]) == (50.0, 0.0)
    # AND OpsDeck's own work is told apart
    seen = cpu.use(cpu.Reading(before, 7.0), cpu.Reading(after, 9.0))
    assert (seen["percent"], seen["own_percent"]) == (25.0, 10.0)
    # NOR is there ever less than none
    seen = cpu.use(cpu.Reading(before, 7.0), cpu.Reading(after, 99.0))
    assert (seen["percent"], seen["own_percent"]) == (0.0, 35.0)


def test_what_opsdeck_starts_counts_as_its_own_work() -> None:
    # GIVEN a program that this one starts, and that works for 0.3 s by the kernel's finer count
    before, children = cpu.own_s(psutil), resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", code], check=True)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = ended.ru_utime + ended.ru_stime - children.ru_utime - children.ru_stime
    assert worked >= 0.3
    # THEN the child's counts too, also once it has ended: each of the four counts in whole ticks
    assert cpu.own_s(psutil) - before >= worked - 4 / os.sysconf("SC_CLK_TCK")


@linux
async def test_disks_are_real_file_systems() -> None:
    seen = await host(parts=["disks"])
    assert seen["disks"]
    assert not {d["fs"] for d in seen["disks"]} & {"proc", "sysfs", "cgroup2", "squashfs"}
    root = next(d for d in seen["disks"] if d["mount"] == "/")
    counts = os.statvfs("/")
    assert root["total_bytes"] == counts.f_blocks * counts.f_frsize
    assert seen["fullest"]["percent"] >= root["used_percent"]


async def test_disks_of_folders(tmp_path: Path) -> None:
    seen = await host(parts=["disks"], disks=[str(tmp_path)])
    assert [d["mount"] for d in seen["disks"]] == [str(tmp_path)]
    seen_not = await see("host", Path("/"), target="host", parts=["disks"], disks=["/no/such"])
    assert (seen_not.cause, seen_not.document) == ("missing", None)


@pytest.mark.slow
async def test_a_full_disk(tmp_path: Path) -> None:
    # GIVEN a file system of 64 KB, filled
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "x", str(tmp_path)])
    if mounted.returncode != 0:
        pytest.skip("may not mount here")
    try:
        with pytest.raises(OSError, match="No space"), (tmp_path / "x").open("wb") as handle:
            handle.write(b"x" * 200_000)
        seen = await host(parts=["disks"], disks=[str(tmp_path)])
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    assert seen["disks"][0]["used_percent"] == 100
    assert seen["disks"][0]["fs"] == "tmpfs"


async def test_a_disk_that_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a file system that does not answer
    monkeypatch.setattr(system, "disk", lambda psutil, mount: time.sleep(3))
    began = time.monotonic()
    seen = await see(
        "host", Path("/"), target="host", parts=["disks"], disks=["/mnt/x"], timeout=0.3
    )
    # THEN the look ends, and says which
    assert (seen.cause, seen.document) == ("timeout", None)
    assert "/mnt/x" in seen.message
    assert time.monotonic() - began < 2


async def test_limits_of_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    seen = (await host(parts=["files"]))["files"]
    assert (seen["soft_limit"], seen["hard_limit"]) == (soft, hard)
    if sys.platform == "linux":
        assert 0 < seen["open"] < seen["limit"]


@contextmanager
def running(argv: list[str], name: str = "", limit: int | None = None) -> Iterator[int]:
    """A process of the test's own, called `name`, that may open `limit` files."""
    call = [name or argv[0], *argv[1:]]
    lead = f"ulimit -n {limit} && " if limit else ""
    script = f'{lead}exec -a "$0" {argv[0]} "$@"'
    process = subprocess.Popen(["bash", "-c", script, *call], start_new_session=True)
    try:
        for _ in range(200):
            words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
            if words[0].decode() == call[0]:
                break
            time.sleep(0.005)
        yield process.pid
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@linux
async def test_processes_by_name() -> None:
    # GIVEN a service that may open 512 files, whose command line holds a secret
    with running(["sleep", "61.25"], "orders-api", 512) as pid:
        seen = await host(parts=[], process=["orders-api", "no-such-service"])
    # THEN it is found, with its limits, and what it was called with is not shown
    process = next(p for p in seen["processes"] if p["pid"] == pid)
    assert process["files_limit"] == 512
    assert process["files_open"] > 0
    assert process["memory_bytes"] > 0
    assert 0 <= process["age_s"] < 60
    assert seen["services"] == [
        {"name": "orders-api", "count": 1, "oldest_s": process["age_s"]},
        {"name": "no-such-service", "count": 0, "oldest_s": None},
    ]
    assert seen["absent"] == ["no-such-service"]
    assert "61.25" not in str(seen)


@linux
async def test_a_script_is_found_and_who_edits_it_is_not(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text("import time; time.sleep(60)")
    with running([sys.executable, str(script)]), running(["tail", "-f", str(script)]):
        seen = await host(parts=[], process="worker.py")
    assert len(seen["processes"]) == 1
    assert seen["processes"][0]["name"].startswith("python")


@linux
async def test_one_that_is_over_but_not_buried_does_not_run() -> None:
    process = subprocess.Popen(["true"])
    await asyncio.sleep(0.1)
    try:
        seen = await host(parts=[], process="true")
        assert seen["absent"] == ["true"]
    finally:
        process.wait()


@linux
async def test_hidden_processes_are_not_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a kernel that hides other users' processes, the first one among them
    own = tmp_path / str(os.getpid())
    own.mkdir()
    (tmp_path / "stat").write_text("btime 1\n")
    for name in ("stat", "status", "cmdline"):
        (own / name).write_bytes(Path(f"/proc/self/{name}").read_bytes())
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    seen = await see("host", Path("/"), target="host", parts=[], process="mongod")
    # THEN that one is not found is no finding
    assert seen.cause == "rights", seen.message
    assert "hides other users' processes" in seen.message


async def test_processes_by_port() -> None:
    # GIVEN one open port and one that was open
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        seen = await host(parts=[], listening=[port, 1])
    assert seen["closed_ports"] == [1]
    assert [p["pid"] for p in seen["processes"]] == [os.getpid()]


@linux
async def test_the_clock() -> None:
    # THEN the kernel's word is what `adjtimex` gives, or nobody may ask here
    seen = (await host(parts=["time"]))["time"]
    assert seen["synchronized"] in (True, False, None)
    assert (seen["source"] is None) == (seen["synchronized"] is None)


async def test_a_slow_machine_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "memory", lambda psutil: time.sleep(2))
    seen = await see("host", Path("/"), target="host", parts=["memory"], timeout=0.2)
    assert seen.cause == "timeout"
    assert "overloaded" in seen.message


def test_nothing_of_nothing_is_not_little() -> None:
    assert system.percent(0, 0) is None
    assert system.fullest([]) is None
    with pytest.raises(ProbeError):
        system.disk(psutil, system.Mount("/no/such/place", None))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"parts": ["gpu"]}, "there is no part"),
        ({"parts": []}, "nothing would be looked at"),
        ({"listening": 0}, "a port is a number"),
        ({"listening": [True]}, "a port is a number"),
        ({"process": [""]}, "must be names"),
    ],
)
def test_what_cannot_be_right(parameters: dict[str, Any], words: str) -> None:
    assert any(words in problem for problem in problems({"kind": "host", **parameters}))
