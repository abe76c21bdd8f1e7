"""Damaged lines: named with file and line, nothing that can be read is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from opsdeck.journal import store
from opsdeck.journal.events import ATTESTED, NOTED
from opsdeck.journal.paging import newest_first
from opsdeck.journal.writing import Draft
from tests.journal.helpers import (
    Desk,
    chained,
    faults_of,
    file_of,
    lines_of,
    load,
    notes,
    places,
    put,
    stamp,
    texts,
)


def unacknowledged(home: Path) -> None:
    shutil.copy(home.parent / "lock before", home / "journal" / "w.lock")


# A torn tail


def test_a_line_torn_at_any_byte_is_set_aside_and_nothing_else_is_lost(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "TORN_PAUSE_S", 0.0)  # nobody is writing here
    whole = file_of(three).read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start + 1, len(whole)):
        # GIVEN a crash in the middle of the last line, which was never acknowledged
        file_of(three).write_bytes(whole[:end])
        unacknowledged(three)
        (three / "journal" / "w.broken").unlink(missing_ok=True)
        # WHEN the deck is opened
        desk = Desk(three)
        # THEN the tear is reported, with the events before it in place
        assert places(desk.faults) == [("torn", "w.jsonl", 4)]
        assert texts(desk.state) == ["one", "two"]
        assert [r.event.seq for r in newest_first(three / "journal")] == [3, 2, 1]
        # AND the next append sets it aside and succeeds
        desk.note("new")
        assert (three / "journal" / "w.broken").read_bytes() == whole[start:end] + b"\n"
        assert faults_of(three) == []
        assert texts(load(three).state) == ["one", "two", "new"]


def test_a_line_torn_after_it_was_acknowledged_is_a_loss(three: Path) -> None:
    whole = file_of(three).read_bytes()
    for cut in (1, 2, 40):
        # GIVEN a file that lacks bytes of an acknowledged line
        file_of(three).write_bytes(whole[:-cut])
        # WHEN the deck is opened
        desk = Desk(three)
        # THEN that is said, and the file is left for whoever looks into it
        assert places(desk.faults) == [("torn", "w.jsonl", 4), ("truncated", "w.jsonl", 3)]
        desk.note("new")
        assert file_of(three).read_bytes() == whole[:-cut]
        assert texts(load(three).state) == ["one", "two", "new"]
        for path in three.glob("journal/w~2*"):
            path.unlink()


def test_zeros_behind_the_last_line_are_a_torn_tail(three: Path) -> None:
    with file_of(three).open("ab") as tail:
        tail.write(bytes(4096))
    desk = Desk(three)
    assert places(desk.faults) == [("torn", "w.jsonl", 5)]
    desk.note("new")
    assert faults_of(three) == []
    assert texts(load(three).state) == ["one", "two", "three", "new"]


def test_a_torn_line_of_another_writer_is_reported_and_left_alone(three: Path) -> None:
    with file_of(three).open("ab") as tail:
        tail.write(b'{"seq":5,')
    before = file_of(three).read_bytes()
    desk = Desk(three, "x", by="bob")
    desk.note("from x")
    assert places(faults_of(three)) == [("torn", "w.jsonl", 5)]
    assert file_of(three).read_bytes() == before


# Damage within a file


def insert(line: bytes, at: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [*lines[:at], line, *lines[at:]]


def change(at: int, old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    def changed(lines: list[bytes]) -> list[bytes]:
        assert old in lines[at]
        return [*lines[:at], lines[at].replace(old, new), *lines[at + 1 :]]

    return changed


Places = list[tuple[str, int]]

DAMAGES: dict[str, tuple[Callable[[list[bytes]], list[bytes]], Places, list[int]]] = {
    # name: what happens to ten lines, the faults it makes, the notes that are lost
    "garbage between lines": (insert(b"%$ garbage", 5), [("garbage", 6)], []),
    "an empty line": (insert(b"", 5), [("garbage", 6)], []),
    "NUL bytes": (insert(bytes(300), 5), [("garbage", 6)], []),
    "not UTF-8": (insert(b'{"seq":\xff\xfe}', 5), [("garbage", 6)], []),
    "a line of 2 MB": (insert(b"x" * (2 << 20), 5), [("garbage", 6)], []),
    "data nested without end": (insert(b'{"data":' + b"[" * 99999, 5), [("garbage", 6)], []),
    "JSON that is no event": (insert(b'{"seq": 5}', 5), [("garbage", 6)], []),
    "a line made garbage": (change(5, b'"by"', b"'by'"), [("garbage", 6)], [6]),
    "two lines run together": (
        lambda ls: [*ls[:5], ls[5] + b"K" + ls[6], *ls[7:]],
        [("garbage", 6)],
        [6, 7],
    ),
    "text altered": (change(5, b'"at":"2026', b'"at":"2025'), [("chain", 7)], []),
    "two lines altered": (
        lambda ls: change(6, b"bob", b"eve")(change(5, b"bob", b"eve")(ls)),
        [("chain", 7), ("chain", 8)],
        [],
    ),
    "hash altered": (change(5, b'"prev":"', b'"prev":"0'), [("chain", 6), ("chain", 7)], []),
    "number too high": (change(5, b'"seq":6', b'"seq":60'), [("sequence", 6)], [6]),
    "number too low": (change(5, b'"seq":6', b'"seq":4'), [("sequence", 6)], [6]),
    "number absurd": (change(5, b'"seq":6', b'"seq":%b' % (b"9" * 30)), [("sequence", 6)], [6]),
    "number negative": (change(5, b'"seq":6', b'"seq":-6'), [("sequence", 6)], [6]),
    "clock not a stamp": (change(5, stamp(6).encode(), b"noon"), [("clock", 6)], [6]),
    "line missing": (lambda ls: ls[:5] + ls[6:], [("sequence", 6), ("chain", 6)], [6]),
    "first line missing": (lambda ls: ls[1:], [("sequence", 1), ("chain", 1)], [1]),
    "line twice": (lambda ls: insert(ls[5], 6)(ls), [("sequence", 7), ("chain", 7)], []),
    "lines swapped": (
        lambda ls: [*ls[:5], ls[6], ls[5], *ls[7:]],
        [("sequence", 6), ("chain", 6), ("sequence", 7), ("chain", 7)],
        [],
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_in_the_middle_is_named_and_passed_over(tmp_path: Path, name: str) -> None:
    # GIVEN a file of ten notes with something wrong in the middle
    damage, expected, lost = DAMAGES[name]
    put(tmp_path, damage(chained(notes(*map(str, range(1, 11))))))
    before = file_of(tmp_path).read_bytes()
    # WHEN its writer opens it
    desk = Desk(tmp_path)
    # THEN kind and line are named, and every other event is there
    assert places(desk.faults) == [(kind, "w.jsonl", line) for kind, line in expected]
    assert texts(desk.state) == [str(n) for n in range(1, 11) if n not in lost]
    # AND what is appended goes to a new file, as it does from then on
    desk.note("new")
    Desk(tmp_path).note("newer")
    assert file_of(tmp_path).read_bytes() == before
    assert [json.loads(line)["type"] for line in lines_of(tmp_path, "w~2")] == [
        "journal.opened",
        NOTED,
        NOTED,
    ]
    state, faults = load(tmp_path)
    assert texts(state)[-2:] == ["new", "newer"]
    assert places(faults) == places(desk.faults) == places(faults_of(tmp_path))


def test_line_ends_of_windows_are_named_and_every_event_kept(tmp_path: Path) -> None:
    put(tmp_path, [line + b"\r" for line in chained(notes("1", "2", "3"))])
    assert places(faults_of(tmp_path)) == [("chain", "w.jsonl", 2), ("chain", "w.jsonl", 3)]
    assert texts(load(tmp_path).state) == ["1", "2", "3"]


def test_a_file_whose_numbers_skip_although_its_chain_is_right(tmp_path: Path) -> None:
    put(tmp_path, chained(notes("1", "2", "4", "5"), seqs=[1, 2, 4, 5]))
    assert places(faults_of(tmp_path)) == [("sequence", "w.jsonl", 3)]
    assert texts(load(tmp_path).state) == ["1", "2", "5"]


def test_an_event_of_a_newer_version_is_no_fault(tmp_path: Path) -> None:
    lines = chained([*notes("1"), Draft("incident.opened", {"id": "INC-1"}), *notes("2")])
    put(tmp_path, lines)
    state, faults = load(tmp_path)
    assert faults == []
    assert state.unknown_types == {"incident.opened": 1}
    assert texts(state) == ["1", "2"]
    desk = Desk(tmp_path)
    desk.note("3")
    assert file_of(tmp_path).read_bytes().startswith(b"\n".join(lines) + b"\n")
    assert faults_of(tmp_path) == []


def test_an_event_that_lacks_what_its_type_needs_is_a_fault(tmp_path: Path) -> None:
    put(tmp_path, chained([*notes("1"), Draft(ATTESTED, {"item": "i"})]))
    [fault] = load(tmp_path).faults
    assert str(fault) == "w.jsonl: data: event 2 (item.attested) lacks what its type needs"


def test_every_flipped_bit_is_noticed(three: Path) -> None:
    # GIVEN a whole file, and the acknowledgement of its last line
    whole = file_of(three).read_bytes()
    for offset in range(len(whole)):
        for bit in (offset % 8, 7) if offset % 3 == 0 else (offset % 8,):
            # WHEN one bit of it flips
            flipped = bytearray(whole)
            flipped[offset] ^= 1 << bit
            file_of(three).write_bytes(flipped)
            faults = faults_of(three)
            # THEN that is said, of that file and of that line or the one behind it
            line = whole.count(b"\n", 0, offset) + 1
            assert faults, f"bit {bit} of byte {offset} in line {line} of 4"
            assert {f.file for f in faults} == {"w.jsonl"}
            assert min(f.line for f in faults if f.line) in (line - 1, line, line + 1)


def test_an_altered_last_line_is_noticed_by_its_acknowledgement(three: Path) -> None:
    # GIVEN a last line that someone rewrote
    file_of(three).write_bytes(file_of(three).read_bytes().replace(b"three", b"seven"))
    # WHEN its writer opens the deck and goes on
    desk = Desk(three)
    assert places(desk.faults) == [("chain", "w.jsonl", 4)]
    desk.note("new")
    # THEN the file stays as it is
    assert places(faults_of(three)) == [("chain", "w.jsonl", 4)]
    assert texts(load(three).state) == ["one", "two", "seven", "new"]


def test_a_device_in_place_of_a_journal_file_is_named_and_never_read(tmp_path: Path) -> None:
    # GIVEN something endless where a journal file is expected
    folder = tmp_path / "journal"
    folder.mkdir()
    (folder / "eve@x.jsonl").symlink_to("/dev/zero")
    # WHEN the journal is opened THEN it is a fault, and nothing waits
    faults = store.Journal(tmp_path, "alice@x").load().faults
    assert [(f.kind, f.file) for f in faults] == [("unreadable", "eve@x.jsonl")]
