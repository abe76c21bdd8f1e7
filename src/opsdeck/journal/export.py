"""The whole journal as one stream, oldest event first: JSON lines or CSV.

What is held in memory is a chunk of each writer's file, however long the journal is.
"""

from __future__ import annotations

import csv
import heapq
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import msgspec

from opsdeck.journal.events import Recorded
from opsdeck.journal.faults import JournalFault
from opsdeck.journal.files import in_words, open_to_read
from opsdeck.journal.reading import Cursor, LineReader, read_lines

Format = Literal["jsonl", "csv"]

COLUMNS = ("at", "clock", "writer", "seq", "by", "type", "run", "item", "text", "more")

_CHUNK_BYTES = 1 << 18
_FLUSH_BYTES = 1 << 16
_TEXTS = ("note", "reason", "text")
# What spreadsheets take for the start of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Exported(NamedTuple):
    """How many events were written, and what was wrong with the files they came from."""

    written: int
    faults: list[JournalFault]


class _Line(NamedTuple):
    recorded: Recorded
    line: bytes


def export(
    folder: Path,
    out: BinaryIO,
    format: Format,
    only: Callable[[Recorded], bool] | None = None,
) -> Exported:
    """Write the events of the journal in `folder` to `out` as UTF-8.

    `jsonl` gives each line as it stands with a last key `writer`; `csv` a table with COLUMNS,
    `more` being JSON of the data that has no column of its own. `only` picks events. Events that
    State passes over (see `docs/journal.md`) are left out, and named among the faults. Raises
    OSError from `out`.
    """
    faults: list[JournalFault] = []
    lines = _merged(folder, faults)
    if only:
        lines = (found for found in lines if only(found.recorded))
    count = _write_csv(lines, out) if format == "csv" else _write_jsonl(lines, out)
    return Exported(count, faults)


def _merged(folder: Path, faults: list[JournalFault]) -> Iterator[_Line]:
    """Every event with its line as it stands, in the order of all events."""
    try:
        paths = sorted(p for p in folder.iterdir() if p.suffix == ".jsonl")
    except FileNotFoundError:
        paths = []
    except OSError as error:
        faults.append(_unreadable(folder, error))
        paths = []
    streams = (_lines(path, faults) for path in paths)
    return heapq.merge(*streams, key=lambda found: found.recorded.key)


def _lines(path: Path, faults: list[JournalFault]) -> Iterator[_Line]:
    writer = path.name.removesuffix(".jsonl")
    reader = LineReader(path.name, Cursor())
    # An event's line may be there twice only in a damaged file: from then on each is remembered.
    whole_upto, beyond = 0, set[int]()
    try:
        fd = open_to_read(path)
    except OSError as error:
        faults.append(_unreadable(path, error))
        return
    try:
        for lines in read_lines(fd, 0, chunk_bytes=_CHUNK_BYTES):
            for line in lines:
                for event in reader.take([line]):
                    if not reader.cursor.damaged:
                        whole_upto = event.seq
                    elif event.seq <= whole_upto or event.seq in beyond:
                        continue
                    else:
                        beyond.add(event.seq)
                    yield _Line(Recorded(writer, event), line)
    except OSError as error:
        faults.append(_unreadable(path, error))
    finally:
        os.close(fd)
        faults += reader.faults


def _unreadable(path: Path, error: OSError) -> JournalFault:
    return JournalFault(kind="unreadable", file=path.name, line=None, message=in_words(error))


def _write_jsonl(lines: Iterator[_Line], out: BinaryIO) -> int:
    encode = msgspec.json.Encoder().encode
    count, waiting = 0, bytearray()
    for recorded, line in lines:
        count += 1
        writer = recorded.writer.encode("utf-8", "replace").decode()
        waiting += line.strip()[:-1] + b',"writer":' + encode(writer) + b"}\n"
        if len(waiting) > _FLUSH_BYTES:
            out.write(bytes(waiting))
            waiting.clear()
    out.write(bytes(waiting))
    return count


def _write_csv(lines: Iterator[_Line], out: BinaryIO) -> int:
    table = io.StringIO(newline="")
    write = csv.writer(table).writerow  # lines end in CR LF (RFC 4180); a lone CR is then quoted
    write(COLUMNS)
    count = 0
    for found in lines:
        count += 1
        write(_row(found.recorded))
        if table.tell() > _FLUSH_BYTES:
            out.write(_drained(table))
    out.write(_drained(table))
    return count


def _drained(table: io.StringIO) -> bytes:
    text = table.getvalue()
    table.seek(0)
    table.truncate()
    return text.encode("utf-8", "replace")


def _row(recorded: Recorded) -> list[str]:
    event = recorded.event
    rest = dict(event.data)
    run, item = _taken(rest, "run"), _taken(rest, "item")
    text = next(filter(None, (_taken(rest, key) for key in _TEXTS if rest.get(key))), "")
    more = msgspec.json.encode(rest).decode() if rest else ""
    cells = (event.at, event.clock, recorded.writer, str(event.seq), event.by, event.type)
    return [_harmless(cell) for cell in (*cells, run, item, text, more)]


def _taken(rest: dict[str, Any], key: str) -> str:
    """The text under `key`, moved out of `rest`; "" where there is none."""
    return rest.pop(key) if isinstance(rest.get(key), str) else ""


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
