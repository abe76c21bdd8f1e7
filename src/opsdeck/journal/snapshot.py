"""A snapshot of State in `cache/`: opening reads it and then only what came after.

It may be deleted at any time. One that is damaged, of another version, or that does not fit the
files is not used.
"""

from __future__ import annotations

import os
import time
import zlib
from pathlib import Path
from typing import NamedTuple

import msgspec

from opsdeck.journal.faults import JournalFault
from opsdeck.journal.files import file_mode, fsync_folder, open_to_read
from opsdeck.journal.fold import FOLD_VERSION, Kept, State
from opsdeck.journal.reading import Cursor, tail_still_there

MAGIC = b"opsdeck snapshot %d\n" % FOLD_VERSION
NAME = "state.snapshot"

_LEFT_OVER_S = 3600


class Snapshot(NamedTuple):
    """State, how far each file was read for it, and what was wrong with the lines read.

    `changed` says of each damaged file when it was last changed (ns): a repair shows by that.
    """

    state: State
    cursors: dict[str, Cursor]
    faults: list[JournalFault]
    changed: dict[str, int]


class _Body(msgspec.Struct):
    cursors: dict[str, Cursor]
    faults: list[JournalFault]
    changed: dict[str, int]
    state: Kept


# msgspec learns a type at its first use, and crashes where two threads teach it the same one at the
# same time: it knows this one from here on.
_decoded = msgspec.msgpack.Decoder(_Body).decode


def write_snapshot(home: Path, snapshot: Snapshot) -> None:
    """Replace the snapshot by this one; the old one stands where that fails.

    Raises OSError; ValueError, OverflowError or RecursionError where an event holds a value (a
    number of 40 digits, say) that a snapshot cannot.
    """
    body = msgspec.msgpack.encode({**snapshot._asdict(), "state": snapshot.state.dump()})
    path = home / "cache" / NAME
    temporary = path.with_name(f"{NAME}.{os.getpid()}")
    mode = file_mode(home)
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with open(fd, "wb") as out:
            os.fchmod(fd, mode)
            out.write(MAGIC + zlib.crc32(body).to_bytes(4, "big"))
            out.write(body)
            out.flush()
            os.fsync(fd)
        temporary.replace(path)
        fsync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
    _remove_left_over(path)


def _remove_left_over(path: Path) -> None:
    """Unfinished snapshots of processes that were killed an hour ago or earlier."""
    for other in path.parent.glob(f"{NAME}.*"):
        if other.stat().st_mtime < time.time() - _LEFT_OVER_S:
            other.unlink(missing_ok=True)


def read_snapshot(home: Path) -> Snapshot | None:
    """The snapshot; None where there is none that can be used."""
    try:
        whole = (home / "cache" / NAME).read_bytes()
    except OSError:
        return None
    start = len(MAGIC) + 4
    body = memoryview(whole)[start:]
    if (
        whole[: len(MAGIC)] != MAGIC
        or zlib.crc32(body).to_bytes(4, "big") != whole[start - 4 : start]
    ):
        return None
    try:
        found = _decoded(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return Snapshot(State.load(found.state), found.cursors, found.faults, found.changed)


def change_time(folder: Path, name: str) -> int:
    """When a writer's file was last changed (ns), by whatever means; -1 where there is none."""
    try:
        return (folder / f"{name}.jsonl").stat().st_ctime_ns
    except OSError:
        return -1


def all_fit(folder: Path, snapshot: Snapshot) -> bool:
    """Whether every file still holds what the snapshot had read of it."""
    return all(
        fits(folder, name, cursor) for name, cursor in snapshot.cursors.items() if cursor.offset
    ) and all(change_time(folder, name) == then for name, then in snapshot.changed.items())


def snapshot_bytes(home: Path) -> int:
    """How large the snapshot is; 0 where there is none."""
    try:
        return (home / "cache" / NAME).stat().st_size
    except OSError:
        return 0


def fits(folder: Path, name: str, cursor: Cursor) -> bool:
    """Whether the file still holds what the snapshot had read of it."""
    try:
        fd = open_to_read(folder / f"{name}.jsonl")
    except OSError:
        return False
    try:
        return os.fstat(fd).st_size >= cursor.offset and tail_still_there(fd, cursor)
    finally:
        os.close(fd)
