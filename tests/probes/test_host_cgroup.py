"""Control groups: folders as the kernel lays them out, and a real one where it may be made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsdeck.probes import _host_cgroup as cgroup
from opsdeck.probes._host_cgroup import Cgroup, CpuUse, Limits

MB = 1024 * 1024
CONTROLLERS = "cpuset cpu io memory pids\n"
STAT = "anon 1048576\nfile 4194304\nactive_file 1048576\ninactive_file 3145728\nslab 77\n"
CPU_STAT = (
    "usage_usec 5000000\nuser_usec 4000000\nsystem_usec 1000000\n"
    "nr_periods 120\nnr_throttled 30\nthrottled_usec 900000\nnr_bursts 0\nburst_usec 0\n"
)
NOTHING = Limits(None, None, None, None)


def group(folder: Path, **files: str) -> Path:
    """A group's folder with its files; in their names `_` stands for a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.controllers").write_text(CONTROLLERS)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def unlimited(folder: Path) -> Path:
    """A group as the kernel makes it, before anybody sets a limit."""
    none = {"memory_max": "max\n", "memory_high": "max\n", "memory_swap_max": "max\n"}
    return group(folder, cpu_max="max 100000\n", **none)


def member(tmp_path: Path, text: str) -> Path:
    """A process's /proc/PID/cgroup."""
    path = tmp_path / "cgroup"
    path.write_text(text)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a machine's tree, which has no limits."""
    return group(tmp_path / "fs", cpu_stat="usage_usec 1\n")


def test_the_limits_of_a_container_that_sees_only_its_own_group(tmp_path: Path) -> None:
    # GIVEN a container with a namespace for its group: the files lie in the root
    root = group(
        tmp_path / "fs",
        cpu_max="150000 100000\n",
        memory_max="536870912\n",
        memory_high="max\n",
        memory_swap_max="0\n",
    )
    # THEN its limits are cores and bytes, and no swap at all is a limit too
    found = cgroup.limits(root, member(tmp_path, "0::/\n"))
    assert found == Limits(1.5, 512 * MB, 0, root)


def test_the_tightest_limit_on_the_way_up_binds(tmp_path: Path, root: Path) -> None:
    # GIVEN a slice with less memory than its service, and a service with less processor
    group(root / "app.slice", cpu_max="400000 100000\n", memory_max=f"{256 * MB}\n")
    own = group(root / "app.slice/x.service", cpu_max="50000 100000\n", memory_max=f"{512 * MB}\n")
    # THEN each limit is that of the one that binds
    found = cgroup.limits(root, member(tmp_path, "0::/app.slice/x.service\n"))
    assert found == Limits(0.5, 256 * MB, None, own)


def test_the_group_that_others_are_in_does_not_bind(tmp_path: Path, root: Path) -> None:
    # GIVEN limits beside the process's group and below it
    own = unlimited(root / "app.slice")
    group(root / "app.slice/child", memory_max=f"{MB}\n")
    group(root / "other.slice", memory_max=f"{MB}\n")
    # THEN none of them is its own
    found = cgroup.limits(root, member(tmp_path, "0::/app.slice\n"))
    assert found == Limits(None, None, None, own)


def test_where_reclaim_begins_is_a_limit_when_it_is_lower(tmp_path: Path, root: Path) -> None:
    group(root / "a", memory_max=f"{512 * MB}\n", memory_high=f"{384 * MB}\n")
    assert cgroup.limits(root, member(tmp_path, "0::/a\n")).memory_bytes == 384 * MB
    group(root / "a", memory_high=f"{768 * MB}\n")
    assert cgroup.limits(root, member(tmp_path, "0::/a\n")).memory_bytes == 512 * MB


def test_the_lines_of_version_1_beside_that_of_version_2_are_passed_over(
    tmp_path: Path, root: Path
) -> None:
    own = group(root / "a", memory_max=f"{MB}\n")
    text = "9:name=systemd:/b\n4:memory:/b\n0::/a\n"
    assert cgroup.limits(root, member(tmp_path, text)) == Limits(None, MB, None, own)


def test_a_machines_path_where_only_the_containers_group_is_seen(tmp_path: Path) -> None:
    # GIVEN a container without a namespace for its group, whose root is what is its own
    root = group(tmp_path / "fs", memory_max=f"{64 * MB}\n")
    own = unlimited(root / "worker")
    # THEN the beginning of the path, which is not seen here, is left out
    text = "0::/system.slice/docker-0a1b.scope/worker\n"
    assert cgroup.limits(root, member(tmp_path, text)) == Limits(None, 64 * MB, None, own)


def test_a_group_outside_of_what_is_seen_is_not_bound_by_it(tmp_path: Path) -> None:
    root = group(tmp_path / "fs", memory_max=f"{64 * MB}\n")
    assert cgroup.limits(root, member(tmp_path, "0::/../other\n")) == NOTHING


def test_version_1_is_none(tmp_path: Path) -> None:
    # GIVEN the layout of version 1, and that of both with the second elsewhere
    root = tmp_path / "fs"
    (root / "memory/a").mkdir(parents=True)
    (root / "memory/a/memory.limit_in_bytes").write_text("1048576\n")
    for text in ("4:memory:/a\n1:cpu:/a\n", "4:memory:/a\n0::/a\n", "4:memory:/a\n0::/\n"):
        reader = Cgroup(root, member(tmp_path, text))
        # THEN nothing is known
        assert reader.limits() == NOTHING
        assert (reader.memory_use(), reader.swap_use(), reader.cpu_use()) == (None, None, None)


@pytest.mark.parametrize(
    "text", ["", "\n", "0::\n", "0:\n", "\0\0\n", "0::/a\0b\n", "0::/" + "x/" * 5000, "\xff"]
)
def test_a_membership_that_is_junk(tmp_path: Path, text: str) -> None:
    assert cgroup.limits(tmp_path / "fs", member(tmp_path, text)) == NOTHING


def test_files_that_are_missing_are_no_error(tmp_path: Path, root: Path) -> None:
    assert cgroup.limits(root, tmp_path / "none") == NOTHING
    assert cgroup.limits(tmp_path / "none", member(tmp_path, "0::/\n")) == NOTHING
    assert cgroup.limits(root, member(tmp_path, "0::/\n")) == Limits(None, None, None, root)
    assert (cgroup.memory_use(root), cgroup.swap_use(root)) == (None, None)
    assert cgroup.cpu_use(tmp_path / "none") is None


@pytest.mark.parametrize("junk", ["", "\n", "-1\n", "1.5\n", "9" * 30, "MAX", "\0", "0x10\n", "²"])
def test_junk_in_the_files_is_no_limit(tmp_path: Path, root: Path, junk: str) -> None:
    own = group(
        root / "a", cpu_max=junk, memory_max=junk, memory_high=junk, memory_swap_max=junk,
        memory_current=junk, memory_stat=junk, cpu_stat=junk, memory_swap_current=junk,
    )  # fmt: skip
    assert cgroup.limits(root, member(tmp_path, "0::/a\n")) == Limits(None, None, None, own)
    assert cgroup.memory_use(own) is None
    assert cgroup.swap_use(own) is None
    assert cgroup.cpu_use(own) is None


@pytest.mark.parametrize("text", ["100000 0\n", "0 100000\n", "100000\n", "max\n", "1 2 3\n"])
def test_a_quota_that_makes_no_sense(tmp_path: Path, root: Path, text: str) -> None:
    group(root / "a", cpu_max=text)
    assert cgroup.limits(root, member(tmp_path, "0::/a\n")).cpus is None


def test_files_that_cannot_be_read_are_no_limit(tmp_path: Path, root: Path) -> None:
    # GIVEN a folder, a pipe without a writer and a link to itself where files should be
    own = group(root / "a", cpu_max="100000 100000\n")
    (own / "memory.max").mkdir()
    os.mkfifo(own / "memory.high")
    (own / "memory.swap.max").symlink_to("memory.swap.max")
    # THEN the look ends, and knows what it can
    assert cgroup.limits(root, member(tmp_path, "0::/a\n")) == Limits(1.0, None, None, own)


def test_use_is_held_against_the_group_whose_limit_binds(tmp_path: Path, root: Path) -> None:
    # GIVEN a parent with the tighter limit, in which others use memory too
    group(
        root / "a",
        memory_max=f"{64 * MB}\n",
        memory_current=f"{50 * MB}\n",
        memory_stat=STAT,
        memory_swap_max="max\n",
        memory_swap_current=f"{9 * MB}\n",
        cpu_max="max 100000\n",
    )
    own = group(
        root / "a/b",
        memory_max="max\n",
        memory_current=f"{5 * MB}\n",
        memory_stat=STAT,
        cpu_max="100000 100000\n",
        memory_swap_current=f"{2 * MB}\n",
        cpu_stat=CPU_STAT,
    )
    reader = Cgroup(root, member(tmp_path, "0::/a/b\n"))
    # THEN memory is the parent's; swap and processor, which it does not limit, the process's own
    assert reader.memory_use() == (50 * MB, 3 * MB)
    assert reader.swap_use() == 2 * MB
    assert reader.cpu_use() == CpuUse(5_000_000, 900_000, 120, 30)
    # AND a limit that is set later is seen
    (own / "memory.max").write_text(f"{32 * MB}\n")
    assert reader.limits().memory_bytes == 32 * MB
    assert reader.memory_use() == (5 * MB, 3 * MB)


def test_a_group_without_a_quota_was_never_held_back(root: Path) -> None:
    group(root / "a", cpu_stat="usage_usec 7\nuser_usec 5\nsystem_usec 2\n")
    assert cgroup.cpu_use(root / "a") == CpuUse(7, 0, 0, 0)


def test_this_process_is_looked_at_without_an_error() -> None:
    found = cgroup.limits()
    assert found.cpus is None or found.cpus > 0
    assert (found.folder is None) == (Cgroup().cpu_use() is None)


@pytest.fixture
def made() -> Iterator[Path]:
    """A real group of the test's own, where version 2 is mounted and this user may make one."""
    mounts = Path("/proc/self/mountinfo")
    lines = mounts.read_text().splitlines() if mounts.exists() else []
    roots = [line.split()[4] for line in lines if " - cgroup2 " in line]
    if not roots:
        pytest.skip("cgroup v2 is not mounted here")
    folder = Path(roots[0]) / f"opsdeck-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"this user may make no group here: {error.strerror}")
    try:
        yield folder
    finally:
        folder.rmdir()


def test_a_real_group(made: Path, tmp_path: Path) -> None:
    # GIVEN a group of the kernel's, and a process in it that works for 0.2 s
    code = "import time\nwhile time.process_time() < 0.2: pass"
    move = f"echo $$ > {made}/cgroup.procs && cat /proc/self/cgroup && exec {sys.executable} -c '"
    done = subprocess.run(["sh", "-c", f"{move}{code}'"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"this user may move no process here: {done.stderr.strip()}")
    # THEN it is found from what the process says of itself, with what it used
    reader = Cgroup(made.parent, member(tmp_path, done.stdout))
    assert reader.limits() == Limits(None, None, None, made)
    used = reader.cpu_use()
    assert used is not None
    assert 200_000 <= used.usage_usec < 5_000_000
    assert used.throttled_usec == 0


def test_the_limits_of_a_real_group(made: Path, tmp_path: Path) -> None:
    if not (made / "memory.max").exists() or not (made / "cpu.max").exists():
        # Where version 1 manages memory and processor, a group of version 2 limits neither.
        assert Cgroup(made.parent, member(tmp_path, f"0::/{made.name}\n")).limits() == Limits(
            None, None, None, made
        )
        return
    # GIVEN a group of the kernel's with limits
    (made / "memory.max").write_text(str(64 * MB))
    (made / "cpu.max").write_text("50000 100000")
    # THEN they are read as they were set
    text = member(tmp_path, f"0::/{made.name}\n")
    found = cgroup.limits(made.parent, text)
    assert (found.cpus, found.memory_bytes) == (0.5, 64 * MB)
    used = Cgroup(made.parent, text).memory_use()
    assert used is not None
    assert 0 <= used[1] <= used[0] <= 64 * MB
