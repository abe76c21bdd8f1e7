"""A snapshot changes nothing but speed, and hides nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from opsdeck.journal.events import ATTESTED
from opsdeck.journal.paging import newest_first
from opsdeck.journal.snapshot import MAGIC
from opsdeck.journal.snapshot import NAME as SNAPSHOT
from opsdeck.journal.store import Journal
from opsdeck.journal.writing import Draft
from tests.journal.helpers import (
    NOW,
    RUN,
    Desk,
    chained,
    faults_of,
    file_of,
    load,
    notes,
    places,
    put,
    seen,
)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deck with enough events for a snapshot, and one behind it."""
    home = tmp_path_factory.mktemp("many")
    put(home, chained(notes(*map(str, range(1200)))))
    put(home, chained([Draft(ATTESTED, {"run": RUN, "item": "i"})] * 30), "x")
    load(home)
    Desk(home, "y").note("after")
    return home


def test_a_snapshot_is_used_and_changes_nothing(many: Path) -> None:
    fresh = Journal(many, "r").load(from_snapshot=False)
    read: list[tuple[int, int]] = []
    kept = Journal(many, "r").load(lambda done, total: read.append((done, total)))
    assert seen(kept.state) == seen(fresh.state)
    assert kept.state.count == 1232
    # Only the file behind the snapshot was read.
    assert len(read) == 1
    assert read[-1][0] == read[-1][1]


def test_a_damaged_snapshot_changes_nothing_but_speed(many: Path) -> None:
    path = many / "cache" / SNAPSHOT
    whole = path.read_bytes()
    fresh = seen(Journal(many, "r").load(from_snapshot=False).state)
    step = len(whole) // 40
    damaged = [
        *(whole[:end] for end in range(0, len(whole), step)),
        *(
            whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :]
            for at in (*range(len(MAGIC) + 8), *range(len(MAGIC) + 8, len(whole), step))
        ),
        b"junk" * 999,
    ]
    try:
        for content in damaged:
            path.write_bytes(content)
            state, faults = load(many)
            assert seen(state) == fresh
            assert faults == []
            # A new one was written in its place.
            assert path.read_bytes().startswith(MAGIC)
        path.unlink()
        assert seen(load(many).state) == fresh
        assert path.exists()
    finally:
        path.write_bytes(whole)


def test_a_snapshot_does_not_hide_what_became_of_a_file(many: Path, tmp_path: Path) -> None:
    # GIVEN copies of a deck whose snapshot remembers more than a file now holds
    for name, damage, expected in (
        ("cut", lambda p: p.write_bytes(p.read_bytes()[:5000]), {"torn", "truncated"}),
        ("gone", Path.unlink, {"missing"}),
        ("other", lambda p: p.write_bytes(b"x" * 900_000), {"torn", "truncated"}),
    ):
        home = tmp_path / name
        shutil.copytree(many, home)
        assert not (home / "journal" / "w.lock").exists()
        damage(file_of(home))
        # THEN opening and verifying say so, and say so again
        for faults in (load(home).faults, load(home).faults, faults_of(home)):
            assert {f.kind for f in faults} == expected
            assert {f.file for f in faults} == {"w.jsonl"}


def test_what_a_killed_process_left_of_a_snapshot_is_removed_in_time(
    many: Path, tmp_path: Path
) -> None:
    home = tmp_path / "deck"
    shutil.copytree(many, home)
    old, young = (home / "cache" / f"{SNAPSHOT}.{pid}" for pid in (11, 22))
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (0, 0))
    (home / "cache" / SNAPSHOT).unlink()
    load(home)
    assert (home / "cache" / SNAPSHOT).exists()
    assert not old.exists()
    assert young.exists()


def test_faults_are_still_said_when_their_lines_are_behind_a_snapshot(tmp_path: Path) -> None:
    lines = chained(notes(*map(str, range(1200))))
    put(tmp_path, [*lines[:5], b"garbage", *lines[5:]])
    first = load(tmp_path)
    assert (tmp_path / "cache" / SNAPSHOT).exists()
    again = load(tmp_path)
    assert places(first.faults) == places(again.faults) == [("garbage", "w.jsonl", 6)]


@pytest.mark.parametrize("damage", ["altered", "cut", "gone"])
def test_a_file_put_back_is_whole_again(tmp_path: Path, damage: str) -> None:
    # GIVEN a deck that was damaged, opened (which makes a snapshot) and gone on with
    desk = Desk(tmp_path)
    desk.journal.append(notes(*map(str, range(1200))), by="alice", now=NOW, after="")
    whole = file_of(tmp_path).read_bytes()
    if damage == "gone":
        file_of(tmp_path).unlink()
        put(tmp_path, chained(notes(*map(str, range(1200)))), "x")
    else:
        file_of(tmp_path).write_bytes(
            whole.replace(b'"5"', b'"7"') if damage == "altered" else whole[:-1000]
        )
    Desk(tmp_path).note("meanwhile")
    assert load(tmp_path).faults
    assert (tmp_path / "cache" / SNAPSHOT).exists()
    # WHEN the file is put back
    file_of(tmp_path).write_bytes(whole)
    # THEN no fault is left, and nothing is missing
    state, faults = load(tmp_path)
    assert faults == []
    assert faults_of(tmp_path) == []
    assert {str(n) for n in range(1200)} <= {
        r.event.data.get("text") for r in newest_first(tmp_path / "journal")
    }
    assert seen(state) == seen(Journal(tmp_path, "r").load(from_snapshot=False).state)


def test_a_loss_is_named_no_longer_once_lock_and_snapshot_are_deleted(many: Path) -> None:
    with TemporaryDirectory() as folder:
        home = Path(shutil.copytree(many, Path(folder) / "deck"))
        file_of(home, "y").unlink()
        file_of(home).write_bytes(b"".join(file_of(home).read_bytes().splitlines(True)[:9]))
        assert {f.kind for f in load(home).faults} == {"truncated", "missing"}
        (home / "journal" / "y.lock").unlink()
        (home / "cache" / SNAPSHOT).unlink()
        assert load(home).faults == faults_of(home) == []


def test_numbers_too_large_for_a_snapshot_are_still_read(tmp_path: Path) -> None:
    draft = Draft("x", {"big": 10**40})
    put(tmp_path, chained([*notes(*map(str, range(1200))), draft]))
    state, faults = load(tmp_path)
    assert faults == []
    assert state.recent(1)[0].event.data == {"big": 10**40}
    assert not (tmp_path / "cache" / SNAPSHOT).exists()
