"""The processes that use most, held against processes of the tests' own."""

from __future__ import annotations

import os
import pwd
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

from opsdeck.probes import _host_top as top
from opsdeck.probes.registry import problems
from tests.probes.partners_local import document

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")

MB = 1024 * 1024
HOLD = f"held = b'x' * {400 * MB}"
"""More than any program has that may run beside the tests, the other tests' workers among them."""
KEYS = [
    "pid",
    "name",
    "user",
    "cpu_percent",
    "memory_bytes",
    "memory_percent",
    "files",
    "age_s",
    "state",
]


@contextmanager
def child(code: str, then: str = "time.sleep(60)", *words: str) -> Iterator[int]:
    """A process that has done `code` and now does `then`, called with `words`."""
    whole = f"import time\n{code}\nprint(flush=True)\n{then}"
    argv = [sys.executable, "-S", "-c", whole, *words]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


async def tops(most: int) -> dict[str, Any]:
    """What a look at the top alone gives of it."""
    seen = await document("host", Path("/"), target="host", parts=[], top=most)
    assert set(seen) == {"top", "latency_ms"}
    assert seen["latency_ms"] < 2_000
    found: dict[str, Any] = seen["top"]
    return found


def one(entries: list[dict[str, Any]], pid: int) -> dict[str, Any]:
    """The entry of a process, which must be there."""
    return next(entry for entry in entries if entry["pid"] == pid)


async def test_who_works_is_on_top() -> None:
    # GIVEN a process that keeps a core busy
    with child("", "while True: pass") as pid:
        began, before = time.monotonic(), sum(psutil.Process(pid).cpu_times()[:2])
        found = await tops(5)
        used = sum(psutil.Process(pid).cpu_times()[:2]) - before
        got = 100 * used / (time.monotonic() - began)
    # THEN it is among those with most processor, in order, each with all that is told
    entry = one(found["by_cpu"], pid)
    # (what others leave of the core is all that it can have)
    assert entry["cpu_percent"] > min(20, got / 4)
    shares = [e["cpu_percent"] for e in found["by_cpu"]]
    assert shares == sorted(shares, reverse=True)
    assert list(entry) == KEYS
    assert entry["user"] == pwd.getpwuid(os.getuid()).pw_name
    assert 0 <= entry["age_s"] < 60
    # AND no list is longer than was asked for
    assert [len(found[key]) for key in ("by_cpu", "by_memory", "by_files")] == [5, 5, 5]
    assert found["count"] >= 5
    assert 0.4 < found["measured_s"] < 2


@linux
async def test_who_holds_memory_is_on_top() -> None:
    with child(HOLD) as pid:
        found = await tops(10)
        resident = psutil.Process(pid).memory_info().rss
    entry = one(found["by_memory"], pid)
    assert entry["memory_bytes"] == pytest.approx(resident, rel=0.05)
    assert entry["memory_bytes"] > 400 * MB
    whole = psutil.virtual_memory().total
    assert entry["memory_percent"] == pytest.approx(100 * resident / whole, abs=0.1)
    assert entry["state"] == "sleeping"
    sizes = [e["memory_bytes"] for e in found["by_memory"]]
    assert sizes == sorted(sizes, reverse=True)


@linux
async def test_who_has_files_open_is_on_top() -> None:
    with child("import os\nheld = [os.open('/dev/null', 0) for _ in range(500)]") as pid:
        found = await tops(10)
        there = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
    assert one(found["by_files"], pid)["files"] == there >= 500


@linux
async def test_a_hostile_name_is_text_and_the_command_line_is_not_told() -> None:
    # GIVEN a process that calls itself by an escape sequence, markup and half a character
    rename = "import ctypes\nctypes.CDLL(None).prctl(15, b'\\x1b[2J[bold]x\\n\\xff', 0, 0, 0)"
    with child(f"{rename}\n{HOLD}", "time.sleep(60)", "--password=hunter2") as pid:
        found = await tops(10)
    # THEN its name is there as it is, as text that can be written as UTF-8
    name = one(found["by_memory"], pid)["name"]
    assert name == "\x1b[2J[bold]x\n\ufffd"
    name.encode()
    # AND nothing that it was called with
    assert "hunter2" not in str(found)


@linux
def test_a_name_is_never_continued_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a process with a name of 15 characters, whose first argument goes on with a secret
    program = tmp_path / "fifteen-letters"
    program.symlink_to("/bin/sleep")
    argv = ["fifteen-letters:password=hunter2", "60"]
    process = subprocess.Popen(argv, executable=str(program))
    try:
        asked = psutil.Process(process.pid)
        while not asked.cmdline():  # the kernel says that it began before its arguments are there
            time.sleep(0.01)
        assert top._name(psutil, asked) == "fifteen-letters"
        # THEN it ends there, also on a system that has no such file
        fallback = SimpleNamespace(PROCFS_PATH=str(tmp_path), Error=psutil.Error)
        assert "hunter2" in asked.name()
        assert top._name(fallback, asked) == "fifteen-letters"  # type: ignore[arg-type]
    finally:
        process.kill()
        process.wait()


def test_one_that_ends_meanwhile_is_left_out() -> None:
    # GIVEN one process that ends between the readings, and one after them
    with child("") as second:
        with child("") as first:
            before = top.read_first(psutil, 5)
            assert {first, second} <= set(before.spent)
        after = top.read_again(psutil, before, 5)
        assert first not in after.uses
        process = after.uses[second].process
    # THEN neither is told of
    assert top._who(psutil, process) is None
    assert top._files(psutil, process) is None


def test_one_that_is_over_but_not_buried_is_only_counted() -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", "pass"])
    try:
        for _ in range(500):
            if psutil.Process(process.pid).status() == "zombie":
                break
            time.sleep(0.01)
        after = top.read_again(psutil, top.read_first(psutil, 5), 5)
        assert process.pid not in after.uses
        assert after.zombies >= 1
    finally:
        process.wait()


def test_one_that_begins_meanwhile_has_used_what_it_has_used() -> None:
    before = top.read_first(psutil, 5)
    with child("while time.process_time() < 0.2: pass") as pid:
        after = top.read_again(psutil, before, 5)
    assert after.uses[pid].cpu_percent > 5


@linux
def test_threads_of_the_kernel_hold_nothing() -> None:
    if not Path("/proc/2/comm").exists() or Path("/proc/2/comm").read_text() != "kthreadd\n":
        pytest.skip("threads of the kernel are not seen here")
    after = top.read_again(psutil, top.read_first(psutil, 5), 5)
    assert after.uses[2].memory_bytes == 0
    assert not top._files(psutil, after.uses[2].process)
    assert top._who(psutil, after.uses[2].process) == ("kthreadd", 0)


def test_what_time_does_not_allow_is_left_out() -> None:
    # GIVEN a machine on which no more than one process can be read in time
    before = top.read_first(psutil, 0)
    assert len(before.spent) <= 1
    # THEN those that were there and not read are not taken for new ones that used all at once
    after = top.read_again(psutil, before, 5)
    assert len(after.uses) < after.processes
    assert after.left_out >= len(before.there) - len(before.spent) - 20
    # AND files that were not counted in time are not known
    whole = top.read_again(psutil, top.read_first(psutil, 5), 5)
    assert {use.files for use in top.with_files(psutil, whole.uses, -1).values()} == {None}


def test_no_more_than_so_many_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top, "MOST_LOOKED_AT", 2)
    before = top.read_first(psutil, 5)
    after = top.read_again(psutil, before, 5)
    assert len(before.spent) <= 2
    assert len(after.uses) <= 2
    assert after.processes > 2


def test_files_that_this_user_may_not_see_are_not_known(tmp_path: Path) -> None:
    # GIVEN a process whose files are another's
    def refused() -> int:
        raise psutil.AccessDenied

    told = SimpleNamespace(PROCFS_PATH=str(tmp_path), Error=psutil.Error)
    process = SimpleNamespace(pid=7, num_fds=refused)
    use = top.Use(process, 1.0, MB, 0.0, "sleeping")
    # THEN their number is unknown, and it is in no list of those with most
    found = top.with_files(told, {7: use}, 5)  # type: ignore[arg-type]
    assert found[7].files is None
    assert top._most(found, 5, lambda use: use.files) == []
    assert top._most(found, 5, lambda use: use.memory_bytes) == [7]


async def test_a_directory_of_users_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a directory server that hangs
    monkeypatch.setattr(top, "_user", lambda uid: time.sleep(3))
    began = time.monotonic()
    found = await tops(3)
    # THEN users are told by their numbers, in time
    assert time.monotonic() - began < 2.5
    assert all(entry["user"].isdigit() for entry in found["by_cpu"])


@pytest.mark.parametrize("most", [0, -1, 51])
def test_a_number_that_cannot_be_right(most: int) -> None:
    said = list(problems({"kind": "host", "parts": [], "top": most}))
    assert any("it must be 1 to 50" in problem for problem in said)


@pytest.mark.parametrize("most", [True, 1.5, "5", [5]])
def test_what_is_no_number(most: Any) -> None:
    assert list(problems({"kind": "host", "top": most}))


@pytest.mark.parametrize("most", [1, 50, "{top|5}"])
def test_the_top_alone_is_a_look(most: Any) -> None:
    assert list(problems({"kind": "host", "parts": [], "top": most})) == []
