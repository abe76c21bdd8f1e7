"""One event out of a file of any size: found by bisection, and as a linear scan would find it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsdeck.journal.events import UNDECODABLE, Recorded, decode_event
from opsdeck.journal.paging import find_event
from tests.journal.helpers import Desk, chained, file_of, notes, put

JUNK = (b"", b"{", b"null", b"[1, 2]", b"\xff\xfe", b'{"seq": 3}', b"not json at all", b"{" * 3000)


def scanned(home: Path, writer: str, seq: int) -> Recorded | None:
    """What a reader finds who goes through whole lines from the beginning."""
    try:
        data = file_of(home, writer).read_bytes()
    except OSError:
        return None
    for line in data.split(b"\n")[:-1]:  # behind the last newline stands nothing, or a torn tail
        try:
            event = decode_event(line)
        except UNDECODABLE:
            continue
        if event.seq == seq:
            return Recorded(writer, event)
    return None


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_it_finds_what_a_scan_finds(data: st.DataObject) -> None:
    # GIVEN a file with gaps in its numbers, lines of any length, damage, and a torn tail
    count = data.draw(st.integers(0, 12), "events")
    gaps = data.draw(st.lists(st.integers(1, 4), min_size=count, max_size=count), "gaps")
    seqs = [sum(gaps[: n + 1]) for n in range(count)]
    sizes = data.draw(
        st.lists(st.sampled_from([0, 1, 90, 70_000]), min_size=count, max_size=count), "sizes"
    )
    lines = chained(notes(*("x" * size for size in sizes)), seqs=seqs)
    for junk in data.draw(st.lists(st.sampled_from(JUNK), max_size=2), "damage"):
        lines.insert(data.draw(st.integers(0, len(lines))), junk)
    tails = [b"", *JUNK, b"{" + b"y" * 200_000, *lines[-1:]]
    tail = data.draw(st.sampled_from(tails), "tail")
    writer = data.draw(st.sampled_from(["w", "box@one", "box@one~2", "ü ñ"]), "writer")
    with TemporaryDirectory() as folder:
        home = Path(folder)
        put(home, lines, writer)
        with open(file_of(home, writer), "ab") as stream:
            stream.write(tail)
        # WHEN any event is asked for THEN the answer is that of a scan
        for seq in range(max(seqs, default=0) + 2):
            assert find_event(home / "journal", writer, seq) == scanned(home, writer, seq)


def test_a_line_that_is_written_but_not_ended_is_not_there_yet(tmp_path: Path) -> None:
    lines = chained(notes("one", "two"))
    put(tmp_path, lines)
    file_of(tmp_path).write_bytes(lines[0] + b"\n" + lines[1])
    assert find_event(tmp_path / "journal", "w", 1) is not None
    assert find_event(tmp_path / "journal", "w", 2) is None


@pytest.mark.parametrize(
    "what", ["no folder", "no file", "empty", "a folder", "a pipe", "a device"]
)
def test_where_nothing_is_nothing_is_found_and_nobody_waits(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "journal"
    path = folder / "w.jsonl"
    if what != "no folder":
        folder.mkdir()
    if what == "empty":
        path.touch()
    elif what == "a folder":
        path.mkdir()
    elif what == "a pipe":
        os.mkfifo(path)
    elif what == "a device":
        path.symlink_to("/dev/zero")
    assert find_event(folder, "w", 1) is None


def test_the_writers_second_file_is_another_file(tmp_path: Path) -> None:
    # GIVEN a writer that went on in a second file after the first was damaged
    first, second = Desk(tmp_path, "box@one"), Desk(tmp_path, "box@one~2")
    first.note("in the first")
    second.note("in the second")
    for writer, text in (("box@one", "in the first"), ("box@one~2", "in the second")):
        assert any(
            (found := find_event(tmp_path / "journal", writer, seq)) is not None
            and found.event.data.get("text") == text
            and found.writer == writer
            for seq in (1, 2)
        )


def test_a_long_journal_is_not_read_through(tmp_path: Path) -> None:
    # GIVEN 40,000 events
    put(tmp_path, chained(notes(*(f"note {n} {'x' * 200}" for n in range(40_000)))))
    began = time.perf_counter()
    for seq in (1, 20_000, 39_999, 40_000):
        found = find_event(tmp_path / "journal", "w", seq)
        assert found is not None
        assert found.event.seq == seq
    assert find_event(tmp_path / "journal", "w", 40_001) is None
    # THEN it takes milliseconds (a scan takes a tenth of a second each)
    assert time.perf_counter() - began < 0.1
