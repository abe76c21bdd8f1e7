"""Disks that fail: an event is on disk and acknowledged, or it is not there and that is said."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journal.helpers import Desk, faults_of, file_of, load

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
APPENDER = [sys.executable, "-m", "tests.journal.appender"]


def works(*command: str) -> bool:
    """Whether this system has the command and lets us use it."""
    try:
        return subprocess.run(command, capture_output=True, timeout=10).returncode == 0
    except OSError:
        return False


needs_strace = pytest.mark.skipif(
    not works("strace", "-qq", "true"), reason="needs strace and the right to use it"
)
needs_mount = pytest.mark.skipif(
    os.geteuid() != 0 or not works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"),
    reason="needs root and the right to mount in a namespace of its own",
)


def run(command: list[str]) -> list[str]:
    """What a child says on standard output; it must end well, with nothing on standard error."""
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert child.stderr == ""
    assert child.returncode == 0
    return child.stdout.splitlines()


def append(home: Path, number: int) -> str:
    """A process appends one note without faults; what it said of it."""
    return run([*APPENDER, str(home), "w", str(number), "1"])[-1]


def append_with(home: Path, number: int, *inject: str) -> tuple[str, bool]:
    """The same with failing system calls on the deck's files; and whether any did fail."""
    trace = home.parent / "trace"
    journal = home / "journal"
    paths = (journal / "w.jsonl", journal / "w.lock", journal / "w.broken", journal, home)
    watched = [word for path in paths for word in ("-P", str(path))]
    rules = [word for rule in inject for word in ("-e", f"inject={rule}")]
    strace = ["strace", "-f", "-qq", "-o", str(trace), *watched, *rules]
    said = run([*strace, *APPENDER, str(home), "w", str(number), "1"])
    return said[-1], "INJECTED" in trace.read_text()


def numbers(home: Path) -> list[int]:
    entry = load(home).state.entry("r", "i")
    return [int(n.text) for n in entry.standing_notes()] if entry else []


def deck(folder: Path, *, torn: bool = False) -> Path:
    """A deck with event 1, perhaps with what a crash left of a second."""
    home = folder / "deck"
    shutil.rmtree(home, ignore_errors=True)
    assert append(home, 1) == "ok 1"
    if torn:
        with file_of(home).open("ab") as tail:
            tail.write(b'{"seq":3,"at":"2026')
    return home


def check(home: Path, said: str) -> None:
    """Event 2 is there or not, as was said; a retry without faults succeeds and heals."""
    there = numbers(home)
    assert there in ([1], [1, 2])
    if said == "ok 2":
        assert there == [1, 2]
    else:
        assert said.startswith("no 2 not saved")
        assert there == [1] or "not saved for certain" in said
    assert {f.kind for f in faults_of(home)} <= {"torn"}
    assert append(home, 3) == "ok 3"
    assert numbers(home) == [*there, 3]
    assert faults_of(home) == []


@needs_strace
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("write:error=ENOSPC", "the disk is full"),
        ("write:error=EDQUOT", "the disk quota is used up"),
        ("write:error=EROFS", "the file system is read-only"),
        ("write:error=EIO", "the disk reported an I/O error"),
        ("write:retval=7", "the disk reported an I/O error"),
        ("write:retval=7:when=1", "the disk reported an I/O error"),
        ("write:retval=0", "the disk reported an I/O error"),
        ("fsync:error=EIO:when=1", "the disk reported an I/O error"),
        ("fsync:error=EIO", "not saved for certain: .*the disk reported an I/O error"),
        ("fsync:error=ENOSPC:when=1", "the disk is full"),
        ("openat:error=EROFS", "the file system is read-only"),
    ],
)
def test_a_failing_disk_is_named_and_the_old_state_stands(
    tmp_path: Path, rule: str, words: str
) -> None:
    home = deck(tmp_path)
    before = file_of(home).read_bytes()
    said, failed = append_with(home, 2, rule)
    assert failed
    assert re.match(f"no 2 .*{words}", said)
    assert file_of(home).read_bytes() == before
    check(home, said)


@needs_strace
@pytest.mark.parametrize("torn", [False, True], ids=["clean", "torn tail"])
@pytest.mark.parametrize("when", ["{}", "{}+"], ids=["once", "for good"])
@pytest.mark.parametrize("call", ["write", "fsync", "ftruncate", "openat", "pwrite64", "pread64"])
def test_whichever_call_fails_it_is_the_old_or_the_new(
    tmp_path: Path, call: str, when: str, torn: bool
) -> None:
    for number in range(1, 40):
        home = deck(tmp_path, torn=torn)
        said, failed = append_with(home, 2, f"{call}:error=EIO:when={when.format(number)}")
        check(home, said)
        if not failed:
            break
    assert not failed
    # Of the calls that every append makes, at least one was made to fail.
    assert number > 1 or (call == "ftruncate" and not torn)


@needs_strace
def test_where_nothing_can_be_taken_back_the_next_append_heals(tmp_path: Path) -> None:
    # GIVEN a write that fails half-way on a disk that then refuses to shorten the file
    home = deck(tmp_path)
    said, _ = append_with(home, 2, "fsync:error=EIO", "ftruncate:error=EIO")
    # THEN it is said that this is not certain, and nothing is doubled afterwards
    assert said.startswith("no 2 not saved for certain")
    check(home, said)


@needs_strace
def test_names_are_durable_before_the_first_event_is_acknowledged(tmp_path: Path) -> None:
    # GIVEN a place where nothing is yet
    home = tmp_path / "state" / "deck"
    trace = tmp_path / "trace"
    # WHEN the first event is appended
    strace = ["strace", "-f", "-qq", "-y", "-o", str(trace), "-e", "trace=fsync,write,openat"]
    assert run([*strace, *APPENDER, str(home), "w", "1", "1"])[-1] == "ok 1"
    # THEN every folder that got a new name was flushed after it and before the acknowledgement
    lines = trace.read_text().splitlines()
    ok = next(i for i, line in enumerate(lines) if '"ok 1' in line)
    for path in (tmp_path, tmp_path / "state", home, home / "journal", file_of(home)):
        assert any(re.search(rf"fsync\(\d+<{re.escape(str(path))}>\)", x) for x in lines[:ok])
    created = next(i for i, x in enumerate(lines) if "w.jsonl" in x and "O_CREAT" in x)
    flushed = "journal>) = 0"
    assert any("fsync" in x and flushed in x for x in lines[created:ok])


@needs_strace
def test_a_name_that_a_crash_left_undurable_is_flushed_by_the_next(tmp_path: Path) -> None:
    # GIVEN a file whose creator died before its name was durable
    home = tmp_path / "deck"
    file_of(home).parent.mkdir(parents=True)
    file_of(home).touch()
    # WHEN another process writes the first event
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-y", "-o", str(trace), "-e", "trace=fsync"]
    run([*strace, *APPENDER, str(home), "w", "1", "1"])
    # THEN it flushes the name first
    assert f"<{home / 'journal'}>) = 0" in trace.read_text()


def run_on_own_mount(script: str) -> list[str]:
    """The same for a shell script that may mount what it likes."""
    return run(["unshare", "-m", "sh", "-ec", script])


def acknowledged(said: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in said if line.startswith("ok")]


@needs_mount
def test_a_full_disk(tmp_path: Path) -> None:
    # GIVEN a disk of 64 KB
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    appender = " ".join(APPENDER)
    # WHEN events are appended until it is full, then it is made larger
    said = run_on_own_mount(
        f"mount -t tmpfs -o size=64k none {disk}\n"
        f"{appender} {disk}/deck w 1 400\n"
        f"mount -o remount,size=256k {disk}\n"
        f"{appender} {disk}/deck w 401 2\n"
        f"cp -a {disk}/deck {kept}"
    )
    # THEN each event that was acknowledged is there, and no other
    acked = acknowledged(said)
    assert 100 < len(acked) < 400
    assert acked[-2:] == [401, 402]
    assert any("the disk is full; free some space" in line for line in said)
    assert sorted(all_numbers(kept)) == acked
    assert faults_of(kept) == []


@needs_mount
def test_a_disk_that_turns_read_only(tmp_path: Path) -> None:
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    appender = " ".join(APPENDER)
    said = run_on_own_mount(
        f"mount -t tmpfs none {disk}\n"
        f"{appender} {disk}/deck w 1 3\n"
        f"mount -o remount,ro {disk}\n"
        f"{appender} {disk}/deck w 4 2\n"
        f"mount -o remount,rw {disk}\n"
        f"{appender} {disk}/deck w 6 1\n"
        f"cp -a {disk}/deck {kept}"
    )
    assert acknowledged(said) == [1, 2, 3, 6]
    assert sum("the file system is read-only" in line for line in said) == 2
    assert all_numbers(kept) == [1, 2, 3, 6]
    assert faults_of(kept) == []


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    # GIVEN a limit in the middle of a line, so that the system takes a part of it
    appender = " ".join(APPENDER)
    home = tmp_path / "deck"
    said = run(["sh", "-ec", f"ulimit -f 5; exec {appender} {home} w 1 40"])
    # THEN the part is taken back
    acked = acknowledged(said)
    assert 5 < len(acked) < 40
    assert "larger than the limit; see `ulimit -f`" in said[-1]
    assert all_numbers(home) == acked
    assert faults_of(home) == []
    desk = Desk(home)
    desk.note("beyond")
    assert faults_of(home) == []


def all_numbers(home: Path) -> list[int]:
    return [
        int(found)
        for found in re.findall(rb'"item.noted".*?"text":"(\d+)"', file_of(home).read_bytes())
    ]
