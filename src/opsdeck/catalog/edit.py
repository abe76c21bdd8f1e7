"""Change files that people wrote: comments and order stay, and a file is never half-written."""

from __future__ import annotations

import errno
import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from opsdeck.errors import DataError, NotSavedError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_ADVICE = {
    errno.ENOSPC: "free some space on its file system and try again",
    errno.EDQUOT: "your disk quota is used up: free some space and try again",
    errno.EROFS: "its file system is read-only",
    errno.EACCES: "you may not write there: check the rights of the file and its folder",
    errno.EPERM: "you may not write there: check the rights of the file and its folder",
    errno.ENOENT: "its folder does not exist: create it first",
    errno.ENOTDIR: "a part of its path is not a folder",
    errno.ELOOP: "its symbolic links form a loop",
    errno.EIO: "the disk reports an input/output error: check its health",
}


def write_atomically(path: Path, text: str) -> None:
    """Replace the content of a file so that readers see the old one or the new one, never a mix.

    The text is written as UTF-8 exactly as it is (no newline translation) to a temporary file in
    the same folder, flushed to disk and renamed over the old one. Symbolic links are followed;
    an existing file keeps its mode and, where allowed, its owner and group; a new one gets
    what the umask allows.

    Raises `NotSavedError` when it cannot be written; the old content is then intact.
    """
    try:
        target = path.resolve()
        data = text.encode("utf-8")
        old = _existing(target)
        temporary = target.with_name(f".{target.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            _write_whole(temporary, data, old)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except UnicodeEncodeError as error:
        raise NotSavedError(
            f"{path}: not saved: character {error.start + 1} of the new text cannot be written"
            " as UTF-8. The old content is unchanged."
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise NotSavedError(_not_saved(path, error)) from error
    try:
        _flush_folder(target.parent)
    except OSError as error:
        raise NotSavedError(
            f"{path}: written, but the disk did not confirm it: {error.strerror or error};"
            " it may be lost if the machine stops now. Check the disk and save again."
        ) from error


def edit_toml(path: Path, change: Callable[[TOMLDocument], None]) -> bool:
    """Apply a change to a TOML file, keeping its comments, order, line ends and byte-order mark.

    `change` gets the tomlkit document and alters it in place. Returns whether the file's content
    became different; when it did not, the file is not touched.

    Raises `CatalogFaults` when the file cannot be read as TOML, `DataError` when the change would
    not leave valid TOML, and `NotSavedError` when it cannot be written or somebody else
    changed it meanwhile; the file is then as it was.
    """
    # Imported here: most runs of the program change no file.
    import tomlkit

    from opsdeck.catalog.load import read_text, read_toml

    read_toml(path)
    before = read_text(path)
    mark, body = ("\ufeff", before[1:]) if before.startswith("\ufeff") else ("", before)
    document = tomlkit.parse(body)
    change(document)
    after = tomlkit.dumps(document)
    if "\r\n" in body and body.count("\r\n") == body.count("\n"):
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    try:
        tomllib.loads(after)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: the change would not leave valid TOML: {error}") from error
    if after == body:
        return False
    if read_text(path) != before:
        raise NotSavedError(
            f"{path}: not saved: the file was changed by somebody else meanwhile. Try again."
        )
    write_atomically(path, mark + after)
    return True


def _existing(target: Path) -> os.stat_result | None:
    """The status of the regular file to replace, None where there is none yet."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a regular file")
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return status


def _write_whole(temporary: Path, data: bytes, old: os.stat_result | None) -> None:
    """Create the temporary file with all of `data` on disk, with the rights of the old file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    # What is private stays private while the copy is being written.
    handle = os.open(temporary, flags, 0o666 if old is None else 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        if old is not None:
            _keep_rights(handle, old)
        os.fsync(handle)
    finally:
        os.close(handle)


def _keep_rights(handle: int, old: os.stat_result) -> None:
    """Give the new file the owner, group and mode of the old one, as far as we may."""
    mine = os.fstat(handle)
    for owner, group in ((old.st_uid, -1), (-1, old.st_gid)):
        if owner in (-1, mine.st_uid) and group in (-1, mine.st_gid):
            continue
        try:
            os.chown(handle, owner, group)
        except PermissionError:
            # Only root may give files away; the group is kept where we are a member of it.
            continue
    os.fchmod(handle, stat.S_IMODE(old.st_mode))


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable, on file systems that can flush folders."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def _not_saved(path: Path, error: Exception) -> str:
    """What happened to a file that could not be written, and what to do."""
    reason = str(error)
    advice = ""
    if isinstance(error, OSError):
        reason = error.strerror or reason
        advice = f"; {_ADVICE[error.errno]}" if error.errno in _ADVICE else ""
    return f"{path}: not saved: {reason}{advice}. The old content is unchanged."
