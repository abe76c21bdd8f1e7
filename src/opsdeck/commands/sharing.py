"""Make a state folder that a group shares: the only thing that is ever group-writable."""

from __future__ import annotations

import grp
import os
import stat
from difflib import get_close_matches
from pathlib import Path

from opsdeck.errors import NotSavedError, UsageError
from opsdeck.journal.files import SHARED_MARKER, fsync_folder, in_words
from opsdeck.text import plural, visible

FOLDER_MODE = 0o2770
FILE_MODE = 0o660
MARKER_MODE = 0o640
FOLDERS = ("journal", "cache")
_OURS = frozenset({*FOLDERS, SHARED_MARKER, "signoffs", "incidents"})


def share(home: Path, group: str) -> list[str]:
    """Make `home` a folder that the members of `group` share; lines that say what was done.

    A folder that exists must be empty or hold a deck's state; files of a journal in it become
    the group's. Raises UsageError for an unknown group or a foreign folder, NotSavedError when
    the system does not allow it.
    """
    gid = _group_id(group)
    _check(home)
    try:
        done = [_share_folder(home, gid, group)]
        done += [_share_folder(home / name, gid, group) for name in FOLDERS]
        files = [p for p in (home / "journal").iterdir() if p.is_file() and not p.is_symlink()]
        for path in files:
            os.chown(path, -1, gid)
            path.chmod(FILE_MODE)
        if files:
            done.append(f"{plural(len(files), 'file')} of the journal: writable for {group}")
        _write_marker(home, gid, group)
    except OSError as error:
        where = os.fsdecode(error.filename) if error.filename is not None else str(home)
        hint = (
            f"; only a member of {group} can give a folder to it (log in again after being added)"
            if isinstance(error, PermissionError)
            else ""
        )
        raise NotSavedError(f"not shared: {where}: {in_words(error)}{hint}") from error
    return [visible(line) for line in done]


def _group_id(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):
        near = get_close_matches(group, [g.gr_name for g in grp.getgrall()], n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"there is no group {group!r} on this machine{hint}") from None


def _check(home: Path) -> None:
    """Refuse a folder that is somebody else's: its rights are not ours to change."""
    try:
        foreign = sorted(p.name for p in home.iterdir() if p.name not in _OURS)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{home} cannot keep the state: {in_words(error)}") from error
    if foreign:
        raise UsageError(
            f"{home} holds other things ({foreign[0]}): name an empty or new folder with --home"
        )


def _share_folder(folder: Path, gid: int, group: str) -> str:
    """Make the folder where missing, then give it to the group; durable when it returns."""
    made = not folder.exists()
    missing = [p for p in folder.parents if not p.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o755)
        fsync_folder(path.parent)
    if made:
        folder.mkdir(mode=0o700)
        fsync_folder(folder.parent)
    os.chown(folder, -1, gid)
    folder.chmod(FOLDER_MODE)
    if stat.S_IMODE(folder.stat().st_mode) != FOLDER_MODE:
        raise PermissionError(1, "the system did not keep the group's bit", str(folder))
    fsync_folder(folder)
    return f"{'made' if made else 'shared'} {folder}: writable for the group {group} (2770)"


def _write_marker(home: Path, gid: int, group: str) -> None:
    """The marker comes last: until it is there, nothing in the folder is written for a group."""
    temporary = home / f".{SHARED_MARKER}.{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            os.write(handle, f"{group}\n".encode())
            os.fchown(handle, -1, gid)
            os.fchmod(handle, MARKER_MODE)
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.replace(home / SHARED_MARKER)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(home)
