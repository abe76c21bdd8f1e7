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
from opsdeck.journal.events import GENESIS, UNDECODABLE, Event, decode_event, line_hash
from opsdeck.journal.faults import FaultKind, JournalFault
from opsdeck.journal.files import open_to_read

CHUNK_BYTES = 4 << 20

_LARGEST_SEQ = 10**12 - 1


class Cursor(msgspec.Struct, array_like=True):
    """How far a file has been read: everything before `offset` (bytes) is known.

    `lines` counts lines, `seq` is the highest of its events, `head` the hash of the last line and
    `tail_bytes` its length with newline. `acknowledged` is the highest `seq` ever seen in
    this file while it was whole: a file that ends before it has lost something. `damaged` files
    are never appended to.
    """

    offset: int = 0
    lines: int = 0
    seq: int = 0
    head: str = GENESIS
    tail_bytes: int = 0
    acknowledged: int = 0
    damaged: bool = False


class LineReader:
    """Takes the lines of one file in order, gives their events, and notes what is wrong.

    An event whose line was altered in its data is still given, since its place in the file is
    certain. One whose own `seq` does not fit although `prev` does is passed over: under a wrong
    number it could stand in for another event. An event may be given twice when its line is there
    twice; State takes it once.
    """

    def __init__(self, file: str, cursor: Cursor) -> None:
        self.file = file
        self.cursor = cursor
        self.faults: list[JournalFault] = []
        self._last = cursor.seq
        self._passed_over = -1
        # The line after one that was passed over cannot fit: that is no fault of its own.
        self._bad_line = -1

    def take(self, lines: list[bytes]) -> list[Event]:
        """The events of these whole lines (without newlines); the cursor moves past them."""
        cursor = self.cursor
        head, last, count = cursor.head, self._last, cursor.lines
        highest, size = cursor.seq, 0
        events: list[Event] = []
        decode, digest, keep = decode_event, line_hash, events.append
        for line in lines:
            count += 1
            size += len(line) + 1
            try:
                event = decode(line)
            except UNDECODABLE as error:
                self._fault("garbage", count, f"not an event: {_brief(error)}")
                self._bad_line = count
                head = digest(line)
                continue
            seq = event.seq
            if seq == last + 1 and event.prev == head and is_stamp(event.clock):
                last = seq
                keep(event)
            elif self._doubtful(event, last, head, count):
                highest = max(highest, last)
                last = seq
                keep(event)
            else:
                last += 1
            head = digest(line)
        if lines:
            cursor.tail_bytes = len(lines[-1]) + 1
        cursor.offset += size
        cursor.head, cursor.seq, cursor.lines = head, max(highest, last), count
        self._last = last
        if not cursor.damaged:
            cursor.acknowledged = max(cursor.acknowledged, cursor.seq)
        return events

    def _doubtful(self, event: Event, last: int, head: str, line: int) -> bool:
        """Say what is wrong with an event that does not follow `last`; whether it still counts."""
        after_bad, last_bad = self._bad_line == line - 1, self._bad_line
        self._bad_line = line
        if not is_stamp(event.clock):
            form = "13 digits, a hyphen, 5 digits"
            self._fault("clock", line, f"clock {event.clock[:40]!r} is not {form}; passed over")
            return False
        goes_on = event.seq in (last + 1, self._passed_over + 1)
        if not 0 < event.seq <= _LARGEST_SEQ or (event.prev == head and not goes_on):
            self._passed_over = event.seq
            found = event.seq if abs(event.seq) <= _LARGEST_SEQ else "out of range"
            self._fault("sequence", line, f"seq {found} found, {last + 1} expected; passed over")
            return False
        if event.seq > last:
            self._bad_line = last_bad
        if after_bad:
            return True
        if event.seq != last + 1:
            again = " again" if event.seq <= last else ""
            self._fault("sequence", line, f"seq {event.seq}{again} found, {last + 1} expected")
        if event.prev != head:
            what = "the file does not begin here" if line == 1 else f"line {line - 1} was altered"
            self._fault("chain", line, f"prev is not the hash of the line before: {what}")
        return True

    def _fault(self, kind: FaultKind, line: int, message: str) -> None:
        self.cursor.damaged = True
        self.faults.append(JournalFault(kind=kind, file=self.file, line=line, message=message))


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0][:160]


def read_lines(
    fd: int, start: int, stop: int | None = None, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[list[bytes]]:
    """Whole lines from byte `start`, a chunk at a time; an unfinished last line is left out."""
    position, rest = start, b""
    while True:
        want = chunk_bytes if stop is None else min(chunk_bytes, stop - position)
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
    fd = open_to_read(path)
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
