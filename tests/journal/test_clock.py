"""Stamps rise whatever the wall clocks say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsdeck.journal.clock import is_stamp, next_stamp, parse_wall, wall_text
from opsdeck.journal.events import ATTESTED
from tests.journal.helpers import (
    NOW,
    RUN,
    Desk,
    chained,
    faults_of,
    lines_of,
    load,
    notes,
    put,
    stamp,
    texts,
)


def test_stamps_never_go_back_when_the_wall_clock_does(tmp_path: Path) -> None:
    # GIVEN an event, and then a wall clock that says yesterday
    desk = Desk(tmp_path)
    desk.say(ATTESTED)
    desk.now -= timedelta(days=1)
    # WHEN the mark is taken back, here and in a process opened later
    desk.say("item.reopened", note="not done")
    later = Desk(tmp_path)
    later.now = desk.now
    later.say("item.waived", reason="frozen")
    # THEN clocks rise although wall times fall, and the last word counts
    events = [json.loads(line) for line in lines_of(tmp_path)]
    clocks = [e["clock"] for e in events]
    assert clocks == sorted(set(clocks))
    assert all(is_stamp(c) for c in clocks)
    assert events[2]["at"] < events[1]["at"]
    entry = load(tmp_path).state.entry(RUN, "i")
    assert entry is not None
    force = entry.in_force()
    assert force is not None
    assert force.kind == "waived"


def test_a_stamp_is_beyond_those_seen_from_other_writers(tmp_path: Path) -> None:
    # GIVEN a writer whose clock is a year ahead
    ahead = Desk(tmp_path, "x", by="bob")
    ahead.now += timedelta(days=365)
    ahead.note("from the future")
    # WHEN another sees that and answers
    desk = Desk(tmp_path)
    desk.note("answer")
    # THEN the answer stands behind it
    assert texts(load(tmp_path).state) == ["from the future", "answer"]


def test_a_stamp_is_beyond_those_of_the_writers_other_processes(tmp_path: Path) -> None:
    # GIVEN two processes of one writer, the first with its clock an hour ahead
    one, again = Desk(tmp_path), Desk(tmp_path)
    one.now += timedelta(hours=1)
    one.note("first")
    # WHEN the other appends without having looked
    again.note("second")
    # THEN it stands behind the first
    assert texts(load(tmp_path).state) == ["first", "second"]


def test_after_the_last_stamp_there_is_events_are_still_saved_and_read(tmp_path: Path) -> None:
    # GIVEN an event from elsewhere whose clock is as late as clocks can be
    line = chained(notes("poison"))[0].replace(stamp(1).encode(), b"9999999999999-99999")
    put(tmp_path, [line], "x")
    # WHEN others go on
    desk = Desk(tmp_path)
    desk.note("one")
    desk.note("two")
    # THEN nothing is lost and order within a writer stands
    assert [t for t in texts(load(tmp_path).state) if t != "poison"] == ["one", "two"]
    assert faults_of(tmp_path) == []


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        ("", NOW, "1795401487123-00000"),
        ("1795401487122-00007", NOW, "1795401487123-00000"),
        ("1795401487123-00007", NOW, "1795401487123-00008"),
        ("1795401999999-99999", NOW, "1795402000000-00000"),
        ("9999999999999-99999", NOW, "9999999999999-99999"),
        ("", datetime(1969, 12, 31, tzinfo=UTC), "0000000000000-00000"),
        ("", datetime(9999, 1, 1, tzinfo=UTC), "9999999999999-00000"),
    ],
)
def test_next_stamp(last: str, now: datetime, expected: str) -> None:
    assert next_stamp(last, now) == expected
    assert is_stamp(expected)


def test_wall_times_read_back() -> None:
    assert wall_text(NOW) == "2026-11-23T02:38:07.123Z"
    assert parse_wall(wall_text(NOW)) == NOW
    assert parse_wall("2026-11-23T03:38:07.123+01:00") == NOW
    assert parse_wall("yesterday") is None
    assert parse_wall("0001-01-01T00:00:00+14:00") is None
