"""Read a journal file onward from where one stands; trust nothing, lose nothing.

A line that cannot be understood is named and passed over; the lines behind it are still read.
A last line without its newline is not read: it is torn, or another process is just writing it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from opsdeck.journal.clock import is_stamp
from opsdeck.journal.events import GENESIS, Event, decode_event, line_hash
from opsdeck.journal.faults import FaultKind, JournalFault

CHUNK_BYTES = 4 << 20


class Cursor(msgspec.Struct, array_like=True):
    """How far a file has been read: everything before `offset` (bytes) is known.

    `lines` counts lines, `seq` is that of the last event, `head` the hash of the last line and
    `tail_bytes` its length with newline. `acknowledged` is the highest `seq` ever seen in
    this file: a file that ends before it has lost something. `damaged` files are never appended to.
    """

    offset: int = 0
    lines: int = 0
    seq: int = 0
    head: str = GENESIS
    tail_bytes: int = 0
    acknowledged: int = 0
    damaged: bool = False


class LineReader:
    """Takes the lines of one file in order, gives their events, and notes what is wrong."""

    def __init__(self, file: str, cursor: Cursor) -> None:
        self.file = file
        self.cursor = cursor
        self.faults: list[JournalFault] = []
        self._resync = False

    def take(self, lines: list[bytes]) -> list[Event]:
        """The events of these whole lines (without newlines); the cursor moves past them."""
        cursor = self.cursor
        head, seq, count = cursor.head, cursor.seq, cursor.lines
        size = 0
        events: list[Event] = []
        decode, digest, keep = decode_event, line_hash, events.append
        for line in lines:
            count += 1
            size += len(line) + 1
            try:
                event = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self._fault("garbage", count, f"not an event: {_brief(error)}")
                self._resync = True
                head = digest(line)
                continue
            if event.seq == seq + 1 and event.prev == head and is_stamp(event.clock):
                seq = event.seq
                keep(event)
            elif self._doubtful(event, seq, head, count):
                seq = max(seq, event.seq)
                keep(event)
            head = digest(line)
        if lines:
            cursor.tail_bytes = len(lines[-1]) + 1
        cursor.offset += size
        cursor.head, cursor.seq, cursor.lines = head, seq, count
        cursor.acknowledged = max(cursor.acknowledged, seq)
        return events

    def _doubtful(self, event: Event, seq: int, head: str, line: int) -> bool:
        """Say what is wrong with an event that does not follow; whether it still counts."""
        if not is_stamp(event.clock):
            self._fault("clock", line, f"clock {event.clock[:40]!r} is not of the form 13 digits-5")
            self._resync = True
            return False
        if event.seq <= seq:
            self._fault("sequence", line, f"seq {event.seq} again after {seq}; passed over")
            return False
        if self._resync:
            self._resync = False
            return True
        if event.seq != seq + 1:
            self._fault("sequence", line, f"seq {event.seq} found, {seq + 1} expected")
        if event.prev != head:
            what = "the file does not begin here" if line == 1 else f"line {line - 1} was altered"
            self._fault("chain", line, f"prev is not the hash of the line before: {what}")
        return True

    def _fault(self, kind: FaultKind, line: int, message: str) -> None:
        self.cursor.damaged = True
        self.faults.append(JournalFault(kind=kind, file=self.file, line=line, message=message))


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0][:160]


def read_lines(fd: int, start: int, stop: int | None = None) -> Iterator[list[bytes]]:
    """Whole lines from byte `start`, a chunk at a time; an unfinished last line is left out."""
    position, rest = start, b""
    while True:
        want = CHUNK_BYTES if stop is None else min(CHUNK_BYTES, stop - position)
        chunk = os.pread(fd, want, position) if want > 0 else b""
        if not chunk:
            return
        position += len(chunk)
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if lines:
            yield lines


def read_onward(
    path: Path, cursor: Cursor, take: Callable[[list[Event], int], None]
) -> list[JournalFault]:
    """Read `path` from `cursor` to its end; `take(events, offset)` gets them chunk by chunk.

    Returns the faults found on the way. Raises OSError where the file cannot be read.
    """
    reader = LineReader(path.name, cursor)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        for lines in read_lines(fd, cursor.offset):
            events = reader.take(lines)
            take(events, cursor.offset)
    finally:
        os.close(fd)
    return reader.faults


def tail_still_there(fd: int, cursor: Cursor) -> bool:
    """Whether the line just before the cursor is the one it remembers."""
    if cursor.offset == 0:
        return True
    line = os.pread(fd, cursor.tail_bytes, cursor.offset - cursor.tail_bytes)
    return line[-1:] == b"\n" and line_hash(line[:-1]) == cursor.head
