"""A snapshot of State in `cache/`: opening reads it and then only what came after.

It may be deleted at any time. One that is damaged, of another version, or that does not fit the
files is not used.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import msgspec

from opsdeck.journal.files import file_mode, fsync_folder
from opsdeck.journal.fold import FOLD_VERSION, Kept, State
from opsdeck.journal.reading import Cursor, tail_still_there

MAGIC = b"opsdeck snapshot %d\n" % FOLD_VERSION
NAME = "state.snapshot"


class _Body(msgspec.Struct):
    cursors: dict[str, Cursor]
    state: Kept


def write_snapshot(home: Path, state: State, cursors: dict[str, Cursor]) -> None:
    """Replace the snapshot by one of this State; raises OSError, the old one then stands."""
    body = msgspec.msgpack.encode({"cursors": cursors, "state": state.dump()})
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


def read_snapshot(home: Path) -> tuple[State, dict[str, Cursor]] | None:
    """State and how far each file was read; None where there is none that can be used."""
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
        found = msgspec.msgpack.decode(body, type=_Body)
    except (msgspec.DecodeError, ValueError):
        return None
    return State.load(found.state), found.cursors


def fits(folder: Path, name: str, cursor: Cursor) -> bool:
    """Whether the file still holds what the snapshot had read of it."""
    try:
        fd = os.open(folder / f"{name}.jsonl", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return os.fstat(fd).st_size >= cursor.offset and tail_still_there(fd, cursor)
    finally:
        os.close(fd)
