"""`signoffs/`: the record of a release, and what was signed, as files beside the journal.

Nothing that lies there is ever lost: what stands in a file's place and is not what is to be
written is kept beside it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

import msgspec

from opsdeck.errors import DataError, NotSavedError
from opsdeck.journal.files import (
    NO_LINKS,
    file_mode,
    locked,
    make_folder,
    not_saved,
    written_beside,
)
from opsdeck.signoff.content import content_of
from opsdeck.signoff.record import (
    Record,
    content_name,
    record_name,
    signature_name,
    statement_name,
    sums_name,
)
from opsdeck.signoff.record_toml import record_toml

FOLDER = "signoffs"
MOST_KEPT = 1_000
"""No more of one file are kept."""
LARGEST_BYTES = 64_000_000
"""Larger files are not compared."""
_LOCK = ".lock"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is on disk: `file` is its TOML, `files` are all of them, `kept` those that hold
    what stood in their places before."""

    file: Path
    files: tuple[Path, ...]
    kept: tuple[Path, ...] = ()


def write_record(home: Path, record: Record) -> Written:
    """Write a record into `home/signoffs/`, whole and on disk.

    What is there already as it should be is left alone. Anything else in a file's place, an older
    record or what somebody made of it, is kept as `NAME~1`, `NAME~2` … before the new file takes
    the place; of two processes one waits for the other. Raises UsageError for what is no release's
    name, DataError for a content that is not the one that was signed, and NotSavedError when the
    record cannot be written: what was there is then intact.
    """
    contents = record_files(record)
    kept: list[str] = []
    place = home / FOLDER
    try:
        with _folder(home) as folder:
            mode = file_mode(home)
            for name, content in contents.items():
                place = home / FOLDER / name
                if found := _place(folder, name, content, mode):
                    kept.append(found)
            os.fsync(folder)
    except OSError as error:
        raise not_saved(place, error) from error
    names = list(contents)
    return Written(
        file=home / FOLDER / names[-1],
        files=tuple(home / FOLDER / name for name in names),
        kept=tuple(home / FOLDER / name for name in kept),
    )


def record_files(record: Record) -> dict[str, bytes]:
    """Name -> content of every file of a record; the record itself is the last.

    Raises UsageError and DataError as write_record does.
    """
    name = record.release.name
    made = content_of(record.content)
    if made.sha256 != record.sha256:
        raise DataError(
            f"the content of release {name} has the SHA-256 {made.sha256}, and"
            f" {record.sha256} was signed: see `opsdeck signoff verify {name}`"
        )
    found = {content_name(name, made.sha256): made.text, sums_name(name, made.sha256): made.sums}
    for one, _ in record.signed:
        found[statement_name(name, one)] = one.statement.encode("utf-8", "replace")
        if one.signature:
            found[signature_name(name, one)] = one.signature.encode("utf-8", "replace")
    found[record_name(name)] = record_toml(record).encode()
    return found


@contextmanager
def _folder(home: Path) -> Iterator[int]:
    """The folder of records, which must be a folder of the deck's own, for this process alone."""
    path = home / FOLDER
    for one in (path, path / _LOCK):
        if one.is_symlink():
            raise NotSavedError(
                f"not saved: {one} is a symbolic link, and records do not leave the deck's folder;"
                " remove it"
            )
    make_folder(home, FOLDER)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with locked(path / _LOCK, home):
            yield folder
    finally:
        os.close(folder)


def _place(folder: int, name: str, content: bytes, mode: int) -> str:
    """Give a file this content; the name under which what stood in its place is kept, or ""."""
    if _holds(folder, name, content):
        return ""
    with written_beside(folder, name, content, mode) as temporary:
        return _exchange(folder, temporary, name)


def _exchange(folder: int, temporary: str, name: str) -> str:
    """Give the new file its name, and what has it now another: that one, or ""."""
    kept = ""
    try:
        for _ in range(MOST_KEPT):
            there = _status(folder, name)
            if there is None:
                if _link(folder, temporary, name) or _move(folder, temporary, name):
                    return _once(folder, name, kept)
                continue
            kept = _keep(folder, name, there)
            if _same(_status(folder, name), _status(folder, kept)):
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                return _once(folder, name, kept)
    except OSError:
        if kept:
            _give_back(folder, name, kept)
        raise
    raise NotSavedError(f"not saved: {FOLDER}/{name} changes all the time: somebody writes it")


def _give_back(folder: int, name: str, kept: str) -> None:
    """What was to be kept has its own name again, and no other."""
    with suppress(OSError):
        if _same(_status(folder, name), _status(folder, kept)):
            os.unlink(kept, dir_fd=folder)
        else:
            _move(folder, kept, name)


def _keep(folder: int, name: str, there: os.stat_result) -> str:
    """Give what stands there a further name, or another one where it can have only one."""
    for kept in _kept_names(name):
        if _status(folder, kept) is not None:
            continue
        if stat.S_ISREG(there.st_mode) and _link(folder, name, kept):
            return kept
        if _move(folder, name, kept):
            return kept
    raise NotSavedError(
        f"not saved: {MOST_KEPT:,} older files of {name} lie in {FOLDER}/: move some away"
    )


def _kept_names(name: str) -> Iterator[str]:
    path = PurePath(name)
    return (f"{path.stem}~{number}{path.suffix}" for number in range(1, MOST_KEPT + 1))


def _once(folder: int, name: str, kept: str) -> str:
    """The name of what is kept: the older one where the same is kept twice."""
    content = _content(folder, kept) if kept else None
    if content is None or len(content) >= LARGEST_BYTES:
        return kept
    for older in _kept_names(name):
        if older == kept:
            break
        if _holds(folder, older, content):
            os.unlink(kept, dir_fd=folder)
            return older
    return kept


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    return one is not None and other is not None and os.path.samestat(one, other)


def _link(folder: int, name: str, further: str) -> bool:
    """Give a file a further name; False where that is taken, or links are not to be had."""
    try:
        os.link(name, further, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return False
    return True


def _move(folder: int, name: str, other: str) -> bool:
    """Give something another name; False where that is taken."""
    if _status(folder, other) is not None:
        return False
    os.rename(name, other, src_dir_fd=folder, dst_dir_fd=folder)
    return True


def _holds(folder: int, name: str, content: bytes) -> bool:
    """Whether a file has exactly this content."""
    return _content(folder, name, len(content) + 1) == content


def _content(folder: int, name: str, most_bytes: int = LARGEST_BYTES) -> bytes | None:
    """What a plain file begins with; None for anything else, and where it cannot be read."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(name, flags, dir_fd=folder)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        with open(handle, "rb", closefd=False) as stream:
            return stream.read(most_bytes)
    finally:
        os.close(handle)
