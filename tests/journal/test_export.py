"""The journal as one stream for other programs."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path

import pytest

from opsdeck.journal.events import NOTED, WAIVED, Recorded
from opsdeck.journal.export import COLUMNS, Format, export
from opsdeck.journal.writing import Draft
from tests.journal.helpers import (
    RUN,
    Desk,
    chained,
    file_of,
    lines_of,
    load,
    notes,
    places,
    put,
    texts,
)


def exported(home: Path, how: Format) -> str:
    out = io.BytesIO()
    count, faults = export(home / "journal", out, how)
    text = out.getvalue().decode()
    table = csv.reader(io.StringIO(text, newline=""))
    rows = text.count("\n") if how == "jsonl" else len(list(table)) - 1
    assert count == rows
    assert faults == []
    return text


def table(home: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exported(home, "csv"), newline="")))


def test_json_lines_are_the_lines_with_their_writer_oldest_first(tmp_path: Path) -> None:
    # GIVEN two writers who take turns
    one, two = Desk(tmp_path), Desk(tmp_path, "x", by="bob")
    for number in range(3):
        for desk in (one, two):
            desk.poll()
            desk.note(f"{desk.by} {number} ✓")
    # WHEN the journal is exported
    lines = exported(tmp_path, "jsonl").splitlines()
    # THEN their events alternate, and each line begins as it stands in its file
    events = [json.loads(line) for line in lines]
    said = [e["data"]["text"] for e in events if e["type"] == NOTED]
    assert said == texts(one.state) or said == texts(two.state)
    assert [e["clock"] for e in events] == sorted(e["clock"] for e in events)
    for writer in ("w", "x"):
        own = [line for line, e in zip(lines, events, strict=True) if e["writer"] == writer]
        tail = f',"writer":"{writer}"}}'
        assert [o.removesuffix(tail).encode() + b"}" for o in own] == lines_of(tmp_path, writer)


def test_what_this_version_does_not_know_is_exported_too(tmp_path: Path) -> None:
    line = chained([Draft("incident.opened", {"id": "INC-1"})])[0]
    put(tmp_path, [line[:-1] + b',"site":"b"}'])
    [event] = map(json.loads, exported(tmp_path, "jsonl").splitlines())
    assert event["type"] == "incident.opened"
    assert event["site"] == "b"
    assert event["writer"] == "w"
    [row] = table(tmp_path)
    assert json.loads(row["more"]) == {"id": "INC-1"}
    assert (row["run"], row["item"], row["text"]) == ("", "", "")


def test_a_table_has_a_column_for_what_people_look_for(tmp_path: Path) -> None:
    data = {"run": RUN, "item": "i", "reason": 'no CDN,\nyet "now"', "approver": "carol"}
    put(tmp_path, chained([Draft(WAIVED, data)]))
    [row] = table(tmp_path)
    assert tuple(row) == COLUMNS
    assert row == {
        "at": "2026-11-23T02:38:07.123Z",
        "clock": "1763865487001-00000",
        "writer": "w",
        "seq": "1",
        "by": "bob",
        "type": "item.waived",
        "run": RUN,
        "item": "i",
        "text": 'no CDN,\nyet "now"',
        "more": '{"approver":"carol"}',
    }


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")']
)
def test_no_cell_of_a_table_is_a_formula(tmp_path: Path, text: str) -> None:
    put(tmp_path, chained([Draft(text, {"run": text, "item": text, "text": text})]))
    [row] = table(tmp_path)
    assert [row[c] for c in ("type", "run", "item", "text")] == [f"'{text}"] * 4
    # JSON lines are for programs: there it stays what it is.
    assert json.loads(exported(tmp_path, "jsonl"))["data"]["text"] == text


def test_odd_values_go_where_they_can_be_read(tmp_path: Path) -> None:
    put(tmp_path, chained([Draft(NOTED, {"run": 3, "item": ["i"], "text": 5, "note": "n"})]))
    [row] = table(tmp_path)
    assert (row["run"], row["item"], row["text"]) == ("", "", "n")
    assert json.loads(row["more"]) == {"run": 3, "item": ["i"], "text": 5}


def test_two_texts_are_both_kept(tmp_path: Path) -> None:
    put(tmp_path, chained([Draft(NOTED, {"run": "r", "item": "i", "note": "n", "reason": "r"})]))
    [row] = table(tmp_path)
    assert row["text"] == "n"
    assert json.loads(row["more"]) == {"reason": "r"}


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path, chained(notes("a", "b", "c")))
    out = io.BytesIO()

    def wanted(recorded: Recorded) -> bool:
        return "b" in recorded.event.data.values()

    assert export(tmp_path / "journal", out, "jsonl", wanted).written == 1
    assert json.loads(out.getvalue())["data"]["text"] == "b"


def test_of_a_damaged_journal_every_event_once(tmp_path: Path) -> None:
    # GIVEN garbage, a line that is there twice, and a torn tail
    lines = chained(notes("1", "2", "3", "4"))
    put(tmp_path, [lines[0], b"garbage", lines[1], lines[2], lines[1], lines[3], lines[3]])
    with file_of(tmp_path).open("ab") as tail:
        tail.write(lines[3])
    file_of(tmp_path, "folder").mkdir()
    # WHEN it is exported
    out = io.BytesIO()
    count, faults = export(tmp_path / "journal", out, "jsonl")
    # THEN it holds what State holds, and what was wrong is named
    said = [json.loads(line)["data"]["text"] for line in out.getvalue().splitlines()]
    assert said == texts(load(tmp_path).state) == ["1", "2", "3", "4"]
    assert count == 4
    assert ("garbage", "w.jsonl", 2) in places(faults)
    assert ("unreadable", "folder.jsonl", None) in places(faults)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("not a folder")
    count, faults = export(tmp_path / "journal", io.BytesIO(), "csv")
    assert count == 0
    assert places(faults) == [("unreadable", "journal", None)]


def test_an_empty_journal(tmp_path: Path) -> None:
    assert exported(tmp_path, "jsonl") == ""
    assert exported(tmp_path, "csv") == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize("how", ["jsonl", "csv"])
def test_a_long_journal_is_not_held_in_memory(tmp_path: Path, how: Format) -> None:
    # GIVEN 6 MB of journal
    put(tmp_path, chained(notes(*(f"{n} {'x' * 300}" for n in range(6000)))), "w")
    put(tmp_path, chained(notes(*(f"{n} {'y' * 300}" for n in range(6000)))), "x")
    tracemalloc.start()
    try:
        with (tmp_path / "out").open("wb") as out:
            assert export(tmp_path / "journal", out, how).written == 12000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out").stat().st_size > 4_000_000
    assert peak < 2_500_000
