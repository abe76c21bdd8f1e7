"""Append to one's own journal file: locked, chained, written whole, flushed, then acknowledged."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from opsdeck.errors import NotSavedError
from opsdeck.journal.acks import Ack, loss, read_ack, write_ack
from opsdeck.journal.clock import next_stamp, wall_text
from opsdeck.journal.events import OPENED, Event, encode_event, line_hash
from opsdeck.journal.faults import JournalFault
from opsdeck.journal.files import fsync_folder, in_words, locked, not_saved, open_file
from opsdeck.journal.reading import Cursor, LineReader, read_lines, tail_still_there

LARGEST_LINE_BYTES = 1 << 20


class Draft(NamedTuple):
    """An event that is yet to be written: its type and data.

    `by` is whose event it is where that is not the operator's: a gauge turns by itself.
    """

    type: str
    data: dict[str, Any]
    by: str | None = None


class Appended(NamedTuple):
    """What an append brought: own events and those another process had added before them."""

    events: list[Event]
    own: list[Event]
    faults: list[JournalFault]


class LogFile:
    """The one file that this writer appends to; several processes may do so at once.

    Its methods take the cursor that says how far the caller has read the file, and move it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / f"{name}.jsonl"
        self._lock_path = folder / f"{name}.lock"
        self._home = folder.parent

    def append(
        self, drafts: list[Draft], cursor: Cursor, *, by: str, now: datetime, after: str
    ) -> Appended:
        """Write these events as one write and one flush; `after` is the newest stamp known.

        Raises NotSavedError when they are not on disk: the file then ends where it ended before,
        but the cursor may have moved.
        """
        try:
            with locked(self._lock_path, self._home) as lock_fd:
                fd = open_file(self.path, os.O_RDWR | os.O_APPEND, self._home)
                try:
                    foreign, faults = self._catch_up(fd, cursor, read_ack(lock_fd))
                    if cursor.damaged:
                        return Appended(foreign, [], faults)
                    stamps = [after, *(e.clock for e in foreign)]
                    own = self._write(fd, cursor, drafts, by, now, max(stamps))
                finally:
                    os.close(fd)
                write_ack(lock_fd, Ack(cursor.seq, cursor.head))
        except OSError as error:
            raise not_saved(self.path, error) from error
        return Appended(foreign + own, own, faults)

    def _catch_up(
        self, fd: int, cursor: Cursor, ack: Ack
    ) -> tuple[list[Event], list[JournalFault]]:
        """Check the tail, take what other processes appended, set a torn tail aside."""
        reader = LineReader(self.path.name, cursor)
        size = os.fstat(fd).st_size
        if size < cursor.offset or not tail_still_there(fd, cursor):
            cursor.damaged = True
            message = f"changed or cut since line {cursor.lines} was read; no longer appended to"
            return [], [
                JournalFault(
                    kind="truncated", file=self.path.name, line=cursor.lines, message=message
                )
            ]
        events = [e for lines in read_lines(fd, cursor.offset, size) for e in reader.take(lines)]
        if not cursor.damaged and (lost := loss(self.path.name, cursor, ack)):
            cursor.damaged = True
            reader.faults.append(lost)
        if not cursor.damaged and cursor.offset < size:
            self._set_torn_tail_aside(fd, cursor.offset, size)
        if cursor.offset == 0:
            # Whoever created the file may have died before its name was durable.
            fsync_folder(self.path.parent)
            fsync_folder(self._home)
        return events, reader.faults

    def _set_torn_tail_aside(self, fd: int, start: int, size: int) -> None:
        """What a crash left of a line that was never acknowledged goes to `.broken`."""
        torn = os.pread(fd, size - start, start)
        broken = open_file(self.path.with_suffix(".broken"), os.O_WRONLY | os.O_APPEND, self._home)
        try:
            _write_whole(broken, torn + b"\n")
            os.fsync(broken)
        finally:
            os.close(broken)
        os.ftruncate(fd, start)
        os.fsync(fd)

    def _write(
        self, fd: int, cursor: Cursor, drafts: list[Draft], by: str, now: datetime, after: str
    ) -> list[Event]:
        if cursor.seq == 0 and cursor.offset == 0:
            drafts = [Draft(OPENED, {"format": 1, "writer": self.name}), *drafts]
        at, head, stamp = wall_text(now), cursor.head, after
        events, lines = [], []
        for number, draft in enumerate(drafts, cursor.seq + 1):
            stamp = next_stamp(stamp, now)
            event = Event(number, at, stamp, draft.by or by, draft.type, draft.data, head)
            line = _encode(event)
            if len(line) > LARGEST_LINE_BYTES:
                raise NotSavedError(
                    f"not saved: {draft.type} would be {len(line):,} bytes,"
                    f" more than the {LARGEST_LINE_BYTES:,} one event may have; shorten it"
                )
            head = line_hash(line)
            events.append(event)
            lines.append(line)
        whole = b"\n".join(lines) + b"\n"
        try:
            _write_whole(fd, whole)
            os.fsync(fd)
        except OSError as error:
            if not _cut_back(fd, cursor.offset):
                raise NotSavedError(
                    f"not saved for certain: {self.path}: {in_words(error)}; what was written"
                    " could not be taken back either, so look whether it is there before a retry"
                ) from error
            raise
        cursor.offset += len(whole)
        cursor.lines += len(lines)
        cursor.seq = cursor.acknowledged = events[-1].seq
        cursor.head, cursor.tail_bytes = head, len(lines[-1]) + 1
        return events


def _cut_back(fd: int, end: int) -> bool:
    """Take back what a failed append left; where that fails too, the next one finds it."""
    try:
        if os.fstat(fd).st_size > end:
            os.ftruncate(fd, end)
            os.fsync(fd)
    except OSError:
        return False
    return True


def _encode(event: Event) -> bytes:
    try:
        return encode_event(event)
    except UnicodeEncodeError:
        raise NotSavedError(
            f"not saved: {event.type} holds half a character (a lone surrogate); type it again"
        ) from None


def _write_whole(fd: int, data: bytes) -> None:
    """One write of everything; OSError when the system takes only a part."""
    written = os.write(fd, data)
    if written != len(data):
        # The rest says why: on a full disk the second write fails with its reason.
        os.write(fd, data[written:])
        raise OSError(5, f"the system took {written} of {len(data)} bytes")
