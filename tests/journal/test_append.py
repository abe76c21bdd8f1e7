"""What an append leaves on disk."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from opsdeck.errors import NotSavedError
from opsdeck.journal import files
from opsdeck.journal.events import ATTESTED, NOTED
from opsdeck.journal.paging import newest_first
from opsdeck.journal.writing import LARGEST_LINE_BYTES, Draft
from tests.journal.helpers import (
    NOW,
    RUN,
    Desk,
    faults_of,
    file_of,
    lines_of,
    load,
    notes,
    texts,
)


def test_a_line_has_exactly_the_keys_of_the_format_in_their_order(tmp_path: Path) -> None:
    # GIVEN a new deck
    desk = Desk(tmp_path / "deck")
    # WHEN two events are appended
    desk.say(ATTESTED, note="Zertifikat für ✓")
    desk.note("two")
    # THEN the file opens with a line of its own, and every line is JSON of this form
    opened, first, second = [json.loads(line) for line in lines_of(tmp_path / "deck")]
    assert list(first) == ["seq", "at", "clock", "by", "type", "data", "prev"]
    assert opened["type"] == "journal.opened"
    assert opened["data"] == {"format": 1, "writer": "w"}
    assert first["at"] == "2026-11-23T02:38:08.123Z"
    assert first["by"] == "alice"
    assert first["data"] == {"run": RUN, "item": "i", "note": "Zertifikat für ✓"}
    assert [opened["seq"], first["seq"], second["seq"]] == [1, 2, 3]
    assert "✓".encode() in lines_of(tmp_path / "deck")[1]
    assert file_of(tmp_path / "deck").read_bytes().endswith(b"}\n")


def test_each_line_keeps_the_hash_of_the_line_before(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for number in range(5):
        desk.note(str(number))
    lines = lines_of(tmp_path)
    assert json.loads(lines[0])["prev"] == "0" * 64
    for before, line in pairwise(lines):
        assert json.loads(line)["prev"] == sha256(before).hexdigest()


def test_several_events_at_once_are_one_piece(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    saved = desk.journal.append(notes("a", "b", "c"), by="alice", now=NOW, after="")
    assert [e.data["text"] for _, e in saved.own if e.type == NOTED] == ["a", "b", "c"]
    assert texts(load(tmp_path).state) == ["a", "b", "c"]
    assert faults_of(tmp_path) == []


def test_nothing_to_append_leaves_nothing_on_disk(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "deck")
    saved = desk.journal.append([], by="alice", now=NOW, after="")
    assert (saved.events, saved.own, saved.faults) == ([], [], [])
    assert not (tmp_path / "deck").exists()


@pytest.fixture(params=[0o000, 0o777, 0o022], ids=["umask 0", "umask 777", "umask 022"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(home: Path) -> dict[str, int]:
    return {
        str(p.relative_to(home)): stat.S_IMODE(p.stat().st_mode)
        for p in (home, *home.rglob("*"))
        if p.name != files.SHARED_MARKER
    }


def write_all_kinds_of_files(home: Path) -> None:
    desk = Desk(home)
    desk.note("one")
    with file_of(home).open("ab") as torn:
        torn.write(b'{"seq":')
    desk.note("two")
    put_many = Desk(home)
    for _ in range(10):
        put_many.journal.append(notes(*map(str, range(110))), by="a", now=NOW, after="")
    load(home)  # so many events make it write a snapshot


@pytest.mark.usefixtures("umask")
def test_what_is_created_is_private_whatever_the_umask(tmp_path: Path) -> None:
    home = tmp_path / "state" / "deck"
    write_all_kinds_of_files(home)
    found = modes(home)
    assert found == {
        ".": 0o700,
        "journal": 0o700,
        "cache": 0o700,
        "journal/w.jsonl": 0o600,
        "journal/w.lock": 0o600,
        "journal/w.broken": 0o600,
        "cache/state.snapshot": 0o600,
    }
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700


@pytest.mark.usefixtures("umask")
def test_a_shared_deck_is_its_groups(tmp_path: Path) -> None:
    home = tmp_path / "deck"
    home.mkdir()
    home.chmod(0o2770)
    (home / files.SHARED_MARKER).touch()
    (home / files.SHARED_MARKER).chmod(0o660)
    write_all_kinds_of_files(home)
    found = modes(home)
    assert {name: f"{mode:o}" for name, mode in found.items()} == {
        ".": "2770",
        "journal": "2770",
        "cache": "2770",
        "journal/w.jsonl": "660",
        "journal/w.lock": "660",
        "journal/w.broken": "660",
        "cache/state.snapshot": "660",
    }


def test_looking_creates_nothing(tmp_path: Path) -> None:
    home = tmp_path / "deck"
    desk = Desk(home)
    assert not desk.poll()
    assert desk.journal.names() == []
    assert faults_of(home) == []
    assert list(newest_first(home / "journal")) == []
    assert not home.exists()


def test_the_largest_event_is_saved_and_one_byte_more_is_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.note("")
    room = LARGEST_LINE_BYTES - len(lines_of(tmp_path)[-1])
    desk.note("x" * room)
    before = file_of(tmp_path).read_bytes()
    with pytest.raises(NotSavedError, match="shorten it"):
        desk.note("x" * (room + 1))
    assert file_of(tmp_path).read_bytes() == before
    assert faults_of(tmp_path) == []


def test_half_a_character_is_refused_in_words(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    with pytest.raises(NotSavedError, match="lone surrogate"):
        desk.note("\ud800")
    desk.note("whole")
    assert faults_of(tmp_path) == []


def test_without_room_to_keep_the_acknowledgement_the_event_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a lock file that cannot be written to
    desk = Desk(tmp_path)
    desk.note("one")

    def full(_fd: int, _data: bytes, _offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    # WHEN an event is appended, which is on disk before that
    saved = desk.note("two")
    # THEN it is reported as saved, once
    assert len(saved.own) == 1
    assert texts(desk.state) == texts(load(tmp_path).state) == ["one", "two"]
    assert faults_of(tmp_path) == []


def test_a_draft_is_appended_as_it_was_given(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    data = {"run": RUN, "item": "i", "evidence": {"days_left": 83, "chain": [1.5, None, True]}}
    desk.journal.append([Draft("item.checked", data)], by="probe", now=NOW, after="")
    assert json.loads(lines_of(tmp_path)[-1])["data"] == data
