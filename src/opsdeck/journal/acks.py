"""What a writer's lock file keeps of the last acknowledged event: its `seq` and its line's hash.

The chain alone cannot tell that its newest lines were cut off, or that the very last one was
altered. This can.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from opsdeck.journal.faults import FaultKind, JournalFault
from opsdeck.journal.files import open_to_read
from opsdeck.journal.reading import Cursor

_LENGTH = 12 + 1 + 64 + 1


class Ack(NamedTuple):
    """The last event known to be acknowledged; `seq` 0 when none is, `head` "" when unknown."""

    seq: int = 0
    head: str = ""


def write_ack(fd: int, ack: Ack) -> None:
    """Keep `ack` in an open lock file; one that cannot be kept is let go.

    The event is on disk by then, and an older word stays true: the file holds at least so much.
    """
    try:
        os.pwrite(fd, f"{ack.seq:012d} {ack.head}\n".encode(), 0)
    except OSError:
        return


def parse_ack(kept: bytes) -> Ack:
    """What a lock file's bytes say; nothing where they are not as `write_ack` writes them."""
    seq, _, head = kept.rstrip(b"\n").partition(b" ")
    if len(kept) != _LENGTH or len(seq) != 12 or len(head) != 64 or not seq.isdigit():
        return Ack()
    return Ack(int(seq), head.decode("ascii", "replace"))


def read_ack(fd: int) -> Ack:
    """What an open lock file keeps. Raises OSError."""
    return parse_ack(os.pread(fd, _LENGTH, 0))


def read_acks(folder: Path) -> dict[str, Ack]:
    """Writer -> what its lock file keeps. Read it before the journal files: those only grow."""
    try:
        return {path.stem: _settled(path) for path in folder.iterdir() if path.suffix == ".lock"}
    except OSError:
        return {}


def _settled(path: Path) -> Ack:
    """Read until two readings agree: another process may be writing just now."""
    try:
        fd = open_to_read(path)
    except OSError:
        return Ack()
    try:
        ack = read_ack(fd)
        for _ in range(5):
            ack, before = read_ack(fd), ack
            if ack == before:
                return ack
    except OSError:
        pass
    finally:
        os.close(fd)
    return Ack()


def loss(file: str, cursor: Cursor, ack: Ack, *, exists: bool = True) -> JournalFault | None:
    """What a file that was read to its end lacks of what was acknowledged in it, if anything."""
    if ack.seq > cursor.seq:
        kind: FaultKind = "truncated" if exists else "missing"
        found = f"ends at event {cursor.seq}" if exists else "the file is gone"
        message = f"{found}, but event {ack.seq} was once acknowledged"
        return JournalFault(kind=kind, file=file, line=cursor.lines or None, message=message)
    if ack.seq == cursor.seq > 0 and not cursor.damaged and ack.head not in ("", cursor.head):
        message = "the last line was altered: its hash is not the one that was acknowledged"
        return JournalFault(kind="chain", file=file, line=cursor.lines, message=message)
    return None
