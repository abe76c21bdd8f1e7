"""File systems: the real ones, as df counts them; one that fills; one that hangs."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from opsdeck.catalog.gauges import Gauges
from opsdeck.gauges.board import Board
from opsdeck.gauges.disks import DiskSampler
from tests.gauges.made import START

MB = 1024 * 1024


class Mounted:
    """A psutil that knows of these file systems; each is a path and a type."""

    PROCFS_PATH = "/nowhere"

    def __init__(self, *parts: tuple[str, str]) -> None:
        self.parts = [
            SimpleNamespace(device=f"/dev/{n}", mountpoint=path, fstype=kind, opts="rw")
            for n, (path, kind) in enumerate(parts)
        ]

    def disk_partitions(self, all: bool = False) -> list[Any]:
        return self.parts


def sampler(*parts: tuple[str, str], **more: Any) -> DiskSampler:
    return DiskSampler(Mounted(*parts), **more)  # type: ignore[arg-type]


def df(path: str, *columns: str) -> list[int]:
    """What df says of a path."""
    out = subprocess.check_output(["df", "-B1", f"--output={','.join(columns)}", path], text=True)
    return [int(word) for word in out.splitlines()[1].split()]


@pytest.mark.skipif(shutil.which("df") is None, reason="needs df")
def test_every_real_file_system_is_as_df_counts_it() -> None:
    # WHEN this machine is looked at
    found = {s.spec.id: s for s in DiskSampler(psutil).sample()}
    for sample in found.values():
        # THEN each agrees with df, to what others write meanwhile
        path = sample.spec.title.partition(" ")[2]
        if sample.spec.id.startswith("host-disk-"):
            used, free = df(path, "used", "avail")
            assert sample.detail.used == pytest.approx(used, abs=300 * MB)
            assert sample.detail.total == pytest.approx(used + free, abs=300 * MB)
            assert sample.value == pytest.approx(100 * used / (used + free), abs=1)
        else:
            taken, all_of_them = df(path, "iused", "itotal")
            assert sample.detail.total == all_of_them
            assert sample.value == pytest.approx(100 * taken / all_of_them, abs=1)
    assert len({sample.spec.title for sample in found.values()}) == len(found)


def test_what_is_no_real_file_system_has_no_gauge() -> None:
    kinds = ("overlay", "tmpfs", "squashfs", "proc", "devtmpfs", "nsfs")
    # As psutil lists them: only those with a device of the machine's own, unless asked for all
    disks = DiskSampler(Listed(*[(f"/{kind}", kind) for kind in kinds]))  # type: ignore[arg-type]
    assert {s.spec.title for s in disks.sample()} == {"Disk /", "Inodes /"}


class Listed(Mounted):
    """A psutil of a container, whose root is an overlay and whose names are laid in as files."""

    def disk_partitions(self, all: bool = False) -> list[Any]:
        made = SimpleNamespace(device="/dev/x", mountpoint="/etc/hosts", fstype="ext4", opts="rw")
        image = SimpleNamespace(device="/dev/y", mountpoint="/snap/x", fstype="squashfs", opts="rw")
        return [*self.parts, made, image] if all else [made, image]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 10 MB in memory."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m", "opsdeck-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("only root may mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until there is no more room. Raises OSError."""
    with path.open("wb", 0) as file:
        while True:
            file.write(bytes(64 * 1024))


def test_one_that_fills_is_told_and_is_well_again(small: Path) -> None:
    # GIVEN a file system that fills; it is in memory, which a made list of mounts hides
    disks, board, at = sampler((str(small), "ext4")), Board(Gauges()), START
    identity = disks.specs(str(small))[0].id

    def look(seconds: int) -> str:
        nonlocal at
        for _ in range(seconds // 5):
            at += 5
            board.take_samples(disks.sample(), at)
        gauge = board.gauge(identity)
        assert gauge is not None
        return str(gauge.level)

    assert look(30) == "ok"
    # WHEN it is nine tenths full, and then to its last byte
    (small / "a").write_bytes(bytes(9 * MB))
    assert [look(25), look(10)] == ["ok", "warning"]
    with pytest.raises(OSError, match="space"):
        fill(small / "b")
    assert look(40) == "critical"
    gauge = board.gauge(identity)
    assert gauge is not None
    used, free = df(str(small), "used", "avail")
    assert gauge.value == pytest.approx(100 * used / (used + free))
    # THEN a little room is not enough to be well, and much is
    os.truncate(small / "b", 900 * 1024)
    assert look(60) == "critical"
    (small / "a").unlink()
    assert look(60) == "ok"


def test_one_that_hangs_is_named_and_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN (stand-in) a file system that answers no more, as only a dead server's does
    answer, asked, real = threading.Event(), threading.Event(), os.statvfs

    def statvfs(path: str) -> Any:
        if path == "/b":
            asked.set()
            answer.wait(30)
        return real(tmp_path)

    monkeypatch.setattr(os, "statvfs", statvfs)
    disks = sampler(("/a", "ext4"), ("/b", "nfs"), ("/c", "ext4"))
    late: list[Any] = []
    thread = threading.Thread(target=lambda: late.append(disks.sample()))
    thread.start()
    assert asked.wait(10)
    assert disks.asking == "/b"
    # WHEN it is given up
    disks.give_up()
    # THEN the others are looked at, and of it is said why there is nothing
    assert {s.spec.title for s in disks.sample() if s.spec.id.startswith("host-disk")} == {
        "Disk /",
        "Disk /a",
        "Disk /c",
    }
    assert {s.message for s in disks.without()} == {"/b does not answer: is its disk there?"}
    # AND when it answers at last, the late pass tells nothing, and it is asked again
    answer.set()
    thread.join(10)
    assert late == [[]]
    assert disks.hanging == set()
    assert "Disk /b" in {s.spec.title for s in disks.sample()}


def test_names_that_are_alike_have_ids_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda path, real=os.statvfs: real("/"))
    found = sampler(("/a/b", "ext4"), ("/a-b", "ext4"), ("/", "ext4"), ("/\udcff", "ext4"))
    ids = [s.spec.id for s in found.sample()]
    assert len(ids) == len(set(ids))
    assert "host-disk-root" in ids
    for sample in found.sample():
        sample.spec.title.encode()
