"""`opsdeck journal`: verify, tail, export."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

import pytest

from tests.cli.conftest import CommandLine

TLS = "infrastructure/tls-certificate"


def own_file(opsdeck: CommandLine) -> Path:
    """The one file of the journal."""
    (path,) = opsdeck.journal.glob("*.jsonl")
    return path


def test_verify_counts_what_is_whole(released: CommandLine) -> None:
    result = released("journal", "verify")
    assert (result.code, result.out, result.err) == (0, "1 file, 2 events: no faults\n", "")
    assert released.json("journal", "verify") == {"files": 1, "events": 2, "faults": []}


def test_verify_without_a_journal(opsdeck: CommandLine) -> None:
    result = opsdeck("journal", "verify")
    assert (result.code, result.out) == (0, f"no journal yet at {opsdeck.journal}\n")
    assert not opsdeck.home.exists()


def test_verify_names_file_line_and_kind_of_every_fault(released: CommandLine) -> None:
    released("attest", TLS)
    path = own_file(released)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"v1", b"v\xc2\x9b") + b"\x1b[31m\n" + b'{"seq')

    result = released("journal", "verify")
    assert result.code == 2
    assert f"{path.name}:3: garbage: " in result.out
    assert f"{path.name}:4: torn: " in result.out
    assert result.lines[-1].endswith("in 1 file, 2 events")
    assert "\x1b" not in result.out
    shown = json.loads(released("journal", "verify", "--json").out)
    assert {"kind", "file", "line", "message"} == set(shown["faults"][0])
    assert {fault["kind"] for fault in shown["faults"]} >= {"garbage", "torn"}


def test_verify_keeps_events_of_a_newer_version(released: CommandLine) -> None:
    from opsdeck.journal.clock import utc_now
    from opsdeck.journal.store import Journal
    from opsdeck.journal.writing import Draft

    journal = Journal(released.home, "x@y")
    journal.append([Draft("item.frobnicated", {})], by="x", now=utc_now(), after="")
    result = released("journal", "verify")
    assert result.code == 0
    assert "1 event of the newer type item.frobnicated: kept, not understood" in result.out


@pytest.mark.parametrize("command", ["verify", "tail", "export"])
def test_a_file_in_place_of_the_folder_is_told(opsdeck: CommandLine, command: str) -> None:
    opsdeck.home.mkdir()
    opsdeck.journal.write_text("in the way")
    result = opsdeck("journal", command)
    assert (result.code, result.out) == (66, "")
    assert f"{opsdeck.journal}: cannot be read" in result.err


def test_tail_is_for_people(released: CommandLine) -> None:
    released("attest", TLS, "--note", 'it said "ok"\n')
    released("waive", TLS, "-r", "own CA", "--approver", "carol", "--until", "2099-01-01")
    released("undo", "infrastructure")

    lines = [line.split(" ", 2)[2] for line in released("journal", "tail").lines]
    assert lines[1:] == [
        "alice started release v1",
        f'alice attested release/v1/{TLS} "it said "ok""',
        f'alice waived release/v1/{TLS} "own CA" approver carol until 2099-01-01T23:59+00:00',
        f"alice took back waived of release/v1/{TLS}",
    ]
    assert lines[0].startswith("alice opened journal file ")
    assert len(released("journal", "tail", "-n", "2").lines) == 2
    assert released("journal", "tail", "-n", "0").out == ""


def test_tail_as_json_is_one_object_a_line(released: CommandLine) -> None:
    lines = [json.loads(line) for line in released("journal", "tail", "--json").lines]
    assert [event["type"] for event in lines] == ["journal.opened", "release.started"]
    assert set(lines[0]) == {"writer", "seq", "at", "clock", "by", "type", "data", "prev"}


def test_tail_without_a_journal(opsdeck: CommandLine) -> None:
    result = opsdeck("journal", "tail")
    assert (result.code, result.out) == (0, "")
    assert "no journal yet at" in result.err


def next_line(stream: IO[bytes] | None) -> str:
    """The next line of a program that is running."""
    assert stream is not None
    return stream.readline().decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_following_shows_each_event_once_and_ends_cleanly(
    released: CommandLine, number: signal.Signals
) -> None:
    process = released.program("journal", "tail", "-n", "1", "-f")
    with process:
        assert "started release v1" in next_line(process.stdout)
        released("attest", TLS)
        assert f"alice attested release/v1/{TLS}" in next_line(process.stdout)
        released("reopen", TLS)
        assert f"alice reopened release/v1/{TLS}" in next_line(process.stdout)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_following_ends_with_its_reader(released: CommandLine) -> None:
    process = released.program("journal", "tail", "-n", "1", "-f")
    with process:
        next_line(process.stdout)
        assert process.stdout is not None
        process.stdout.close()
        began = time.monotonic()
        assert process.wait(timeout=10) in (0, 141)
        assert time.monotonic() - began < 5
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_export_gives_every_event(released: CommandLine) -> None:
    released("attest", TLS, "--note", "=cmd()\x1b[31m|\u202e")

    lines = [json.loads(line) for line in released("journal", "export").lines]
    assert [e["type"] for e in lines] == ["journal.opened", "release.started", "item.attested"]
    assert lines[-1]["data"]["note"] == "=cmd()\x1b[31m|\u202e"
    result = released("journal", "export", "--format", "csv")
    rows = list(csv.DictReader(result.lines))
    assert len(rows) == 3
    assert rows[-1]["item"] == "tls-certificate"
    assert not rows[-1]["text"].startswith("=")
    for text in (result.out, released("journal", "export").out):
        assert not {"\x1b", "\u202e"} & set(text)


def test_export_into_a_file_is_private_and_whole(released: CommandLine) -> None:
    target = released.folder / "events.jsonl"
    target.write_text("old")
    before = os.umask(0)
    try:
        result = released("journal", "export", "--output", "events.jsonl")
    finally:
        os.umask(before)
    assert (result.code, result.out) == (0, "exported the journal to events.jsonl\n")
    assert target.stat().st_mode & 0o777 == 0o600
    assert len(target.read_bytes().splitlines()) == 2
    assert sorted(p.name for p in released.folder.iterdir()) == ["events.jsonl", "home"]


def test_export_that_cannot_be_written_is_told(released: CommandLine) -> None:
    for target in ("nowhere/x.csv", "home"):
        result = released("journal", "export", "--output", target)
        assert (result.code, result.out) == (74, "")
        assert f"{target}: not saved: " in result.err
    assert sorted(p.name for p in released.folder.iterdir()) == ["home"]


def test_export_into_a_pipe_writes_into_it(released: CommandLine) -> None:
    pipe = released.folder / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        assert released("journal", "export", "-o", "pipe").code == 0
        out = reader.communicate(timeout=10)[0]
    assert len(out.splitlines()) == 2
    assert pipe.is_fifo()
