"""Several processes and writers at one deck."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from opsdeck.errors import NotSavedError
from opsdeck.journal import files
from opsdeck.journal.writing import LARGEST_LINE_BYTES
from tests.journal.helpers import (
    Desk,
    faults_of,
    lines_of,
    load,
    texts,
)

ROOT = Path(__file__).parents[2]


def test_two_decks_open_at_once_see_each_others_events(tmp_path: Path) -> None:
    # GIVEN two operators and a second process of the first, all opened on an empty deck
    one, two, again = Desk(tmp_path), Desk(tmp_path, "x", by="bob"), Desk(tmp_path)
    # WHEN each says something
    one.note("from one")
    two.note("from two")
    again.note("from again")
    # THEN each sees all of it, once
    for desk in (one, two, again):
        assert not desk.poll()
        assert desk.state.count == 5
        assert not desk.poll()
        assert desk.state.count == 5
    assert sorted(texts(one.state)) == ["from again", "from one", "from two"]
    assert texts(one.state) == texts(two.state) == texts(again.state)
    assert faults_of(tmp_path) == []


def test_an_append_gives_what_another_process_of_the_writer_had_added(tmp_path: Path) -> None:
    one, again = Desk(tmp_path), Desk(tmp_path)
    one.note("first")
    saved = again.note("second")
    assert [e.data.get("text") for _, e in saved.events] == [None, "first", "second"]
    assert [e.data.get("text") for _, e in saved.own] == ["second"]


def test_what_another_process_had_added_is_not_lost_when_saving_fails(tmp_path: Path) -> None:
    # GIVEN an event of another process that this one has not seen
    one, again = Desk(tmp_path), Desk(tmp_path)
    one.note("first")
    # WHEN an append fails after it has read that far
    with pytest.raises(NotSavedError, match="more than the 1,048,576"):
        again.note("x" * LARGEST_LINE_BYTES)
    # THEN the next look still gives the event
    assert not again.poll()
    assert texts(again.state) == ["first"]
    again.note("second")
    assert texts(load(tmp_path).state) == ["first", "second"]


def appender(home: Path, writer: str, first: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.journal.appender", home, writer, str(first), str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_of_one_writer_append_at_once(tmp_path: Path) -> None:
    # GIVEN three processes of one writer and one of another, on a deck that does not exist yet
    home = tmp_path / "deck"
    children = [appender(home, "x" if n == 3 else "w", n * 1000, 40) for n in range(4)]
    # WHEN all append as fast as they can
    said = [child.communicate(timeout=30)[0].splitlines() for child in children]
    # THEN every event was acknowledged and is there once, in its process's order; chains whole
    for n, lines in enumerate(said):
        assert lines == ["ready", *(f"ok {n * 1000 + i}" for i in range(40))]
    state, faults = load(home)
    assert faults == []
    assert faults_of(home) == []
    assert state.count == 4 * 40 + 2
    for writer, parts in (("w", (0, 1, 2)), ("x", (3,))):
        texts = [
            int(json.loads(line)["data"]["text"])
            for line in lines_of(home, writer)
            if b'"item.noted"' in line
        ]
        for n in parts:
            assert [t for t in texts if t // 1000 == n] == [n * 1000 + i for i in range(40)]


def test_opening_while_others_append_finds_no_fault(tmp_path: Path) -> None:
    # GIVEN a process that appends without pause
    child = appender(tmp_path, "w", 0, 1500)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    # WHEN the deck is opened again and again meanwhile
    with child, ThreadPoolExecutor(1) as pool:
        rest = pool.submit(child.stdout.read)
        rounds = 0
        while not rest.done():
            assert load(tmp_path).faults == []
            assert faults_of(tmp_path) == []
            rounds += 1
    # THEN no half-written line or late acknowledgement was taken for damage
    assert rounds > 3
    assert load(tmp_path).state.count == 1501


HOLD = """
import fcntl, os, signal, sys
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(fd, fcntl.LOCK_EX)
print("held", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def hold(lock: Path) -> Callable[[], None]:
    """Another process takes the lock and is stopped; gives what ends it."""
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLD,
            lock,
        ],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"

    def end() -> None:
        holder.kill()
        holder.communicate()

    return end


def test_a_stopped_lock_holder_is_waited_for_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a deck whose lock another process holds, which is stopped
    desk = Desk(tmp_path)
    desk.note("one")
    lock = tmp_path / "journal" / "w.lock"
    end = hold(lock)
    # WHEN an event is appended, with a shorter patience than the usual five seconds
    assert files.LOCK_WAIT_S == 5.0
    monkeypatch.setattr(files, "LOCK_WAIT_S", 0.3)
    began = time.monotonic()
    try:
        with pytest.raises(NotSavedError, match=r"held .*w\.lock for"):
            desk.note("two")
    finally:
        end()
    # THEN it ends in bounded time, nothing is written, and a retry succeeds
    assert 0.3 <= time.monotonic() - began < 2
    assert texts(load(tmp_path).state) == ["one"]
    desk.note("two")
    assert texts(load(tmp_path).state) == ["one", "two"]


def test_a_reader_needs_no_lock(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.note("one")
    with (tmp_path / "journal" / "w.lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert texts(load(tmp_path).state) == ["one"]
        assert faults_of(tmp_path) == []
