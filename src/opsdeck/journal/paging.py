"""The whole journal from its newest event backwards, however long it is, a page at a time."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from pathlib import Path

from opsdeck.journal.clock import is_stamp
from opsdeck.journal.events import UNDECODABLE, Event, Recorded, decode_event
from opsdeck.journal.files import open_to_read

_BLOCK_BYTES = 1 << 16


def _lines_backwards(path: Path) -> Iterator[bytes]:
    """Whole lines, last first; what stands behind the last newline is torn and left out."""
    try:
        fd = open_to_read(path)
    except OSError:
        return
    try:
        position = os.fstat(fd).st_size
        rest, size, torn = b"", _BLOCK_BYTES, True
        while position > 0:
            start = max(0, position - size)
            block = os.pread(fd, position - start, start) + rest
            position = start
            lines = block.split(b"\n")
            rest = lines.pop(0)
            if not lines:
                size *= 2  # a line longer than a block: do not look through it block by block
                continue
            size = _BLOCK_BYTES
            if torn:
                lines.pop()
                torn = False
            yield from (line for line in reversed(lines) if line)
        if rest and not torn:
            yield rest
    except OSError:
        return
    finally:
        os.close(fd)


def _events_backwards(path: Path) -> Iterator[Recorded]:
    for line in _lines_backwards(path):
        try:
            event = decode_event(line)
        except UNDECODABLE:
            continue
        if is_stamp(event.clock):
            yield Recorded(path.stem, event)


def newest_first(folder: Path) -> Iterator[Recorded]:
    """All events of the journal in `folder`, newest first; reads only as far as is asked for."""
    streams = [_events_backwards(p) for p in sorted(folder.glob("*.jsonl"))]
    return heapq.merge(*streams, key=lambda r: r.key, reverse=True)


def find_event(folder: Path, writer: str, seq: int) -> Recorded | None:
    """One event of one writer's file; None where it has none such.

    Found by bisection, for lines stand in the order of `seq`; in a damaged file line by line.
    """
    path = folder / f"{writer}.jsonl"
    try:
        fd = open_to_read(path)
    except OSError:
        return None
    try:
        event = _bisected(fd, seq)
    except UNDECODABLE:
        event = next((r.event for r in _events_backwards(path) if r.event.seq == seq), None)
    except OSError:
        return None
    finally:
        os.close(fd)
    return Recorded(writer, event) if event is not None and is_stamp(event.clock) else None


def _bisected(fd: int, seq: int) -> Event | None:
    """The event with this number; raises OSError, and one of UNDECODABLE for a bad line."""
    low, high = 0, os.fstat(fd).st_size
    if high and os.pread(fd, 1, high - 1) != b"\n":
        high, _ = _line_at(fd, high - 1)  # a torn tail is no line
    while low < high:
        start, line = _line_at(fd, (low + high) // 2)
        event = decode_event(line)
        if event.seq == seq:
            return event
        if event.seq < seq:
            low = start + len(line) + 1
        else:
            high = start
    return None


def _line_at(fd: int, position: int) -> tuple[int, bytes]:
    """Where the line that holds this byte begins, and the line without its newline."""
    start, head = position, b""
    while start > 0:
        begin = max(0, start - _BLOCK_BYTES)
        block = os.pread(fd, start - begin, begin)
        cut = block.rfind(b"\n")
        if cut >= 0:
            head = block[cut + 1 :] + head
            start = begin + cut + 1
            break
        head, start = block + head, begin
    tail, end = b"", position
    while block := os.pread(fd, _BLOCK_BYTES, end):
        cut = block.find(b"\n")
        tail += block if cut < 0 else block[:cut]
        end += len(block)
        if cut >= 0:
            break
    return start, head + tail
