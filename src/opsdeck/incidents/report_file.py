"""`incidents/ID.md`: the report on disk. What people wrote in it is never written over."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

import msgspec

from opsdeck.errors import NotSavedError, UsageError
from opsdeck.journal.files import NO_LINKS, file_mode, make_folder, not_saved, written_beside

FOLDER = "incidents"
LARGEST_BYTES = 16_000_000
"""No report is so large: whatever is in such a file is not ours."""
MOST_BESIDE = 1_000

_ID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{4}[a-z]?")
_MARKER = (
    "<!-- opsdeck: sha256 {} of all lines above; edit freely:"
    " an edited report is never written over -->"
)


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A report that is on disk. `sha256` is that of the whole `file`, marker and all; `kept` is the
    edited report that was left as it is, None where there was none."""

    file: Path
    sha256: str
    kept: Path | None = None


def write_report(home: Path, one_id: str, markdown: str) -> Written:
    """Write a report as `home/incidents/ID.md`, whole and on disk.

    A report that nobody edited is replaced. One that is not as it was written, or that is no plain
    file, is left byte for byte, and the new one is written beside it: `ID.new.md`, and where that
    was edited too `ID.new-2.md` and so on. Raises UsageError for what is no incident's id and
    NotSavedError when it cannot be written; what was there is then intact.
    """
    if not _ID.fullmatch(one_id):
        raise UsageError(f"{one_id!r} is no incident's id: one looks like 2026-11-23-0241")
    content = marked(markdown)
    file = home / FOLDER / f"{one_id}.md"
    try:
        folder = _open_folder(home)
        try:
            mode = file_mode(home)
            name, kept = _place(folder, one_id, content, mode)
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise not_saved(file, error) from error
    return Written(
        file=file.with_name(name),
        sha256=hashlib.sha256(content).hexdigest(),
        kept=file.with_name(kept) if kept else None,
    )


def marked(markdown: str) -> bytes:
    """The bytes of a report, with the line at its end by which an edit is known."""
    body = (markdown.rstrip("\n") + "\n\n").encode("utf-8", "replace")
    return body + _MARKER.format(hashlib.sha256(body).hexdigest()).encode() + b"\n"


def is_unedited(content: bytes) -> bool:
    """Whether these are the bytes of a report as it was written, with nothing changed since."""
    body, _, last = content.removesuffix(b"\n").rpartition(b"\n")
    wanted = _MARKER.format(hashlib.sha256(body + b"\n").hexdigest()).encode()
    return content.endswith(b"\n") and last == wanted


def _open_folder(home: Path) -> int:
    """The folder of reports, which must be a folder of the deck's own."""
    folder = home / FOLDER
    if folder.is_symlink():
        raise NotSavedError(
            f"not saved: {folder} is a symbolic link, and reports do not leave the deck's folder;"
            " put a folder in its place"
        )
    make_folder(home, FOLDER)
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _place(folder: int, one_id: str, content: bytes, mode: int) -> tuple[str, str]:
    """Put it where nothing edited stands: its name, and the name of the first edited one or ""."""
    kept = ""
    for name in _names(one_id):
        while (there := _read(folder, name)) is None or is_unedited(there):
            if there == content or _put(folder, name, content, mode, there):
                return name, kept
        kept = kept or name
    raise NotSavedError(
        f"not saved: {MOST_BESIDE:,} edited reports of {one_id} lie in {FOLDER}/: move some away"
    )


def _names(one_id: str) -> list[str]:
    more = (f"{one_id}.new-{number}.md" for number in range(2, MOST_BESIDE))
    return [f"{one_id}.md", f"{one_id}.new.md", *more]


def _read(folder: int, name: str) -> bytes | None:
    """What a file of the folder holds; None where there is none, b"" for what is none of ours."""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError:
        return b""  # a symbolic link, or not to be read: not ours to replace
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_BYTES:
            return b""
        with open(handle, "rb", closefd=False) as stream:
            return stream.read(LARGEST_BYTES + 1)
    finally:
        os.close(handle)


def _put(folder: int, name: str, content: bytes, mode: int, there: bytes | None) -> bool:
    """Put the content in the place of `there`; False where that is no longer there."""
    with written_beside(folder, name, content, mode) as temporary:
        return _rename(folder, temporary, name, there)


def _rename(folder: int, temporary: str, name: str, there: bytes | None) -> bool:
    """Give it its name, unless what is there is no longer what was read."""
    if there is None:
        try:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            return True
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
    if _read(folder, name) != there:
        return False
    os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    return True
