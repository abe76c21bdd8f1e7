"""Lines and files that are gone or were replaced: noticed, named, never built upon."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.journal.acks import Ack, parse_ack
from opsdeck.journal.store import Journal
from tests.journal.helpers import (
    NOW,
    Desk,
    chained,
    faults_of,
    file_of,
    lines_of,
    load,
    notes,
    places,
    put,
    texts,
)


def test_a_file_cut_at_a_line_end_is_a_loss(three: Path) -> None:
    lines = lines_of(three)
    for left in range(4):
        put(three, lines[:left])
        desk = Desk(three)
        assert places(desk.faults) == [("truncated", "w.jsonl", left or None)]
        assert "event 4 was once acknowledged" in desk.faults[0].message
        assert places(faults_of(three)) == places(desk.faults)
        desk.note("new")
        assert lines_of(three) == lines[:left]
        for path in three.glob("journal/w~2*"):
            path.unlink()


def test_a_missing_file_is_a_loss(three: Path) -> None:
    file_of(three).unlink()
    desk = Desk(three)
    assert places(desk.faults) == [("missing", "w.jsonl", None)]
    desk.note("new")
    assert not file_of(three).exists()
    assert lines_of(three, "w~2")
    assert places(faults_of(three)) == [("missing", "w.jsonl", None)]


def test_a_loss_while_the_app_runs_is_noticed(three: Path) -> None:
    # GIVEN two running processes
    desk, other = Desk(three), Desk(three, "x")
    lines = lines_of(three)
    # WHEN lines are cut off, THEN a poll asks for a reload, and that once
    put(three, lines[:2])
    assert other.poll()
    state, faults = other.journal.load()
    assert places(faults) == [("truncated", "w.jsonl", 2)]
    assert texts(state) == ["one"]
    assert not other.poll()
    # AND an append goes elsewhere
    saved = desk.note("new")
    assert places(saved.faults) == [("truncated", "w.jsonl", 4)]
    assert lines_of(three) == lines[:2]
    # WHEN the whole file goes, likewise
    file_of(three).unlink()
    assert other.poll()
    assert places(other.journal.load().faults) == [("missing", "w.jsonl", None)]
    assert not other.poll()


def test_a_line_altered_in_place_while_the_app_runs_is_not_built_upon(three: Path) -> None:
    desk = Desk(three)
    altered = file_of(three).read_bytes().replace(b"three", b"seven")
    file_of(three).write_bytes(altered)
    saved = desk.note("new")
    assert places(saved.faults) == [("truncated", "w.jsonl", 4)]
    assert file_of(three).read_bytes() == altered
    assert texts(load(three).state)[-1] == "new"


def test_a_file_replaced_by_a_longer_one_is_read_afresh(three: Path) -> None:
    # GIVEN a running process that has read another writer's file
    other = Desk(three, "x")
    # WHEN that file is replaced, as a sync may do, by one that is longer and no continuation
    put(three, chained(notes(*"abcdefghi")))
    # THEN a reload is asked for, once, and gives what is there now
    assert other.poll()
    assert texts(other.journal.load().state) == list("abcdefghi")
    assert not other.poll()


def test_an_append_that_was_never_loaded_notices_a_loss_too(three: Path) -> None:
    put(three, lines_of(three)[:2])
    journal = Journal(three, "w")
    saved = journal.append(notes("new"), by="alice", now=NOW, after="")
    assert places(saved.faults) == [("truncated", "w.jsonl", 2)]
    assert [name for name, _ in saved.own] == ["w~2", "w~2"]


def test_several_damaged_files_of_one_writer_are_passed_over_at_once(tmp_path: Path) -> None:
    for name in ("w", "w~2", "w~3"):
        put(tmp_path, [b"garbage"], name)
    saved = Journal(tmp_path, "w").append(notes("new"), by="alice", now=NOW, after="")
    assert {name for name, _ in saved.own} == {"w~4"}


@pytest.mark.parametrize(
    ("kept", "ack"),
    [
        (b"", Ack()),
        (b"000000000007 " + b"a" * 64 + b"\n", Ack(7, "a" * 64)),
        (b"000000000007 " + b"a" * 63 + b"\n", Ack()),
        (b"00000000000x " + b"a" * 64 + b"\n", Ack()),
        (b"\xff" * 78, Ack()),
        ("٣".encode() * 39, Ack()),
    ],
)
def test_a_lock_file_says_what_was_acknowledged_or_nothing(kept: bytes, ack: Ack) -> None:
    assert parse_ack(kept) == ack


@given(st.binary(max_size=100))
def test_any_lock_file_can_be_read(kept: bytes) -> None:
    assert parse_ack(kept).seq >= 0
