"""Lines as they stand in a journal's files: found in any file, byte for byte, and only whole."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsdeck.journal import lines as lines_module
from opsdeck.journal.events import UNDECODABLE, decode_event, line_hash
from opsdeck.journal.lines import find_lines
from tests.journal.helpers import Desk, chained, file_of, notes, put

JUNK = (b"", b"{", b"null", b"\xff\xfe", b'{"seq": 3}', b'{"seq":x,', b"not json", b"{" * 3000)


def found(home: Path, *numbers: int, writer: str = "w") -> dict[int, bytes]:
    """The lines of these numbers that are there."""
    lines = find_lines(home / "journal", {writer: set(numbers)})
    return {int(key.rpartition(":")[2]): line for key, line in lines.items()}


def scanned(home: Path, numbers: Collection[int], writer: str = "w") -> dict[int, bytes]:
    """What a reader finds who goes through whole lines from the beginning."""
    there: dict[int, bytes] = {}
    for line in file_of(home, writer).read_bytes().split(b"\n")[:-1]:
        try:
            seq = decode_event(line).seq
        except UNDECODABLE:
            continue
        if seq in numbers:
            there.setdefault(seq, line)
    return there


def foreign(line: bytes) -> bytes:
    """The same event as another program would write it: its number is not what comes first."""
    head, _, rest = line[1:-1].partition(b",")
    return b'{"by2":0, ' + rest + b", " + head.replace(b":", b" : ") + b"}"


@pytest.mark.parametrize("count", [1, 2, 3, 1000])
def test_every_line_is_found_alone_and_with_others(tmp_path: Path, count: int) -> None:
    lines = chained(notes(*(f"note {n} {'x' * (n % 7) * 90}" for n in range(count))))
    put(tmp_path, lines)
    for seq in {1, 2, count // 2, count - 1, count} & set(range(1, count + 1)):
        assert found(tmp_path, seq) == {seq: lines[seq - 1]}
    everything = found(tmp_path, *range(count + 3))
    assert everything == dict(enumerate(lines, start=1))
    for step in (3, 40, 90, 400):
        some = range(1, count + 1, step)
        assert found(tmp_path, *some) == {seq: lines[seq - 1] for seq in some}


def test_a_line_is_what_the_next_one_hashes(tmp_path: Path) -> None:
    # GIVEN a journal as a deck writes it
    desk = Desk(tmp_path)
    for text in ("ascii", "größe ✓ \u2028 \x1b[31m", 'quo"te\\n\n', "\U0001f680" * 50):
        desk.note(text)
    there = found(tmp_path, 1, 2, 3, 4, 5, 6)
    # THEN a line's hash is what the line behind it keeps
    for seq in range(1, max(there)):
        assert line_hash(there[seq]) == decode_event(there[seq + 1]).prev


@pytest.mark.parametrize("numbers", [[0], [-1], [4], [999], [10**18], [0, 2, 7]])
def test_numbers_that_are_not_there_are_left_out(tmp_path: Path, numbers: list[int]) -> None:
    lines = chained(notes("one", "two", "three"))
    put(tmp_path, lines)
    assert found(tmp_path, *numbers) == {n: lines[n - 1] for n in numbers if 1 <= n <= 3}


def test_long_lines_between_short_ones_are_found(tmp_path: Path) -> None:
    texts = [("x" * 100_000 if n % 5 == 2 else "y") for n in range(30)]
    lines = chained(notes(*texts))
    put(tmp_path, lines)
    assert found(tmp_path, *range(1, 31)) == dict(enumerate(lines, start=1))
    assert found(tmp_path, 3, 29) == {3: lines[2], 29: lines[28]}


@pytest.mark.parametrize("junk", JUNK)
def test_damage_in_the_middle_hides_only_itself(tmp_path: Path, junk: bytes) -> None:
    lines = chained(notes(*(str(n) for n in range(200))))
    damaged = [*lines[:99], junk, *lines[100:]]
    put(tmp_path, damaged)
    wanted = [1, 2, 50, 99, 100, 101, 150, 199, 200]
    assert found(tmp_path, *wanted) == {n: lines[n - 1] for n in wanted if n != 100}


def test_a_line_that_was_altered_is_given_as_it_stands_now(tmp_path: Path) -> None:
    # GIVEN a line whose number is left as it was
    lines = chained(notes("one", "two", "three"))
    altered = lines[1].replace(b"two", b"owt")
    put(tmp_path, [lines[0], altered, lines[2]])
    # WHEN it is looked for THEN what is found has another hash
    assert found(tmp_path, 2) == {2: altered}
    # AND so it is where it is not even an event any more
    put(tmp_path, [lines[0], b'{"seq":2,"', lines[2]])
    assert found(tmp_path, 1, 2, 3)[2] == b'{"seq":2,"'


def test_lines_out_of_order_are_found_all_the_same(tmp_path: Path) -> None:
    lines = chained(notes(*(str(n) for n in range(100))))
    put(tmp_path, lines[60:] + lines[:60])
    wanted = [1, 30, 60, 61, 100]
    assert found(tmp_path, *wanted) == {n: lines[n - 1] for n in wanted}


def test_a_torn_tail_is_no_line(tmp_path: Path) -> None:
    lines = chained(notes("one", "two"))
    put(tmp_path, lines)
    file_of(tmp_path).write_bytes(lines[0] + b"\n" + lines[1])
    assert found(tmp_path, 1, 2) == {1: lines[0]}
    file_of(tmp_path).write_bytes(lines[0])
    assert found(tmp_path, 1, 2) == {}


def test_another_order_of_keys_is_read(tmp_path: Path) -> None:
    lines = [foreign(line) for line in chained(notes(*(str(n) for n in range(70))))]
    assert decode_event(lines[6]).seq == 7
    put(tmp_path, lines)
    assert found(tmp_path, 1, 7, 70) == {1: lines[0], 7: lines[6], 70: lines[69]}


@pytest.mark.parametrize("what", ["no folder", "no file", "empty", "a folder", "a pipe", "secret"])
def test_where_nothing_can_be_read_nothing_is_found_and_nobody_waits(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    elif what == "secret":
        put(tmp_path, chained(notes("one")))

        def refuse(path: Path) -> int:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(lines_module, "open_to_read", refuse)
    assert found(tmp_path, 1) == {}


@pytest.mark.parametrize("writer", ["../w", "/etc/passwd", "a/b", "w\0", "\ud800", "x" * 5000, ""])
def test_a_name_that_is_no_writer_leads_nowhere(tmp_path: Path, writer: str) -> None:
    put(tmp_path, chained(notes("one")))
    (tmp_path / "w.jsonl").write_bytes(file_of(tmp_path).read_bytes())
    assert find_lines(tmp_path / "journal", {writer: {1}}) == {}


def test_each_writer_has_a_file_of_its_own(tmp_path: Path) -> None:
    files = {w: chained(notes(f"of {w}")) for w in ("box@one", "box@one~2", "ü ñ")}
    for writer, lines in files.items():
        put(tmp_path, lines, writer)
    wanted = {writer: [1] for writer in files} | {"nobody": [1], "box@two": []}
    there = find_lines(tmp_path / "journal", wanted)
    assert there == {f"{writer}:1": lines[0] for writer, lines in files.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_it_finds_what_a_scan_finds(data: st.DataObject) -> None:
    # GIVEN a file with gaps in its numbers, lines of any length, and damage
    count = data.draw(st.integers(0, 12), "events")
    gaps = data.draw(st.lists(st.integers(1, 60), min_size=count, max_size=count), "gaps")
    seqs = [sum(gaps[: n + 1]) for n in range(count)]
    sizes = data.draw(
        st.lists(st.sampled_from([0, 1, 90, 70_000]), min_size=count, max_size=count), "sizes"
    )
    lines = chained(notes(*("x" * size for size in sizes)), seqs=seqs)
    for junk in data.draw(st.lists(st.sampled_from(JUNK), max_size=2), "damage"):
        lines.insert(data.draw(st.integers(0, len(lines))), junk)
    wanted = data.draw(st.sets(st.sampled_from([*seqs, 0, 3, 10_000]) if seqs else st.just(1)))
    with TemporaryDirectory() as folder:
        put(Path(folder), lines)
        # WHEN any of them are asked for THEN the answer is that of a scan
        assert found(Path(folder), *wanted) == scanned(Path(folder), wanted)
