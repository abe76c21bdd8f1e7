"""Folders and files as the journal needs them: private, flushed, locked, errors in words."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from opsdeck.errors import NotSavedError

SHARED_MARKER = "shared"
"""A file of this name in the deck's folder, written by `init --shared`, makes it a group's."""

LOCK_WAIT_S = 5.0

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
"""What a file system says that knows no hard links."""

_WORDS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; see `mount` and `dmesg`",
    errno.EIO: "the disk reported an I/O error; see `dmesg`",
    errno.EACCES: "no right to write there; see the owner and mode of the file",
    errno.EPERM: "the system forbids it; see the file's attributes (`lsattr`)",
    errno.ENOENT: "the folder is gone",
    errno.EFBIG: "the file would be larger than the limit; see `ulimit -f`",
}


def in_words(error: OSError) -> str:
    """What went wrong, in words an operator can act on."""
    return _WORDS.get(error.errno or 0, error.strerror or str(error))


def not_saved(path: Path, error: OSError) -> NotSavedError:
    """The error that says that nothing was recorded, and why."""
    return NotSavedError(f"not saved: {path}: {in_words(error)}")


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def is_shared(home: Path) -> bool:
    """Whether `init --shared` made this deck's folder a group's."""
    return (home / SHARED_MARKER).is_file()


def file_mode(home: Path) -> int:
    """0600, in a shared deck 0660."""
    return 0o660 if is_shared(home) else 0o600


def make_folder(home: Path, *names: str) -> Path:
    """`home/names…`, made where missing: 0700 (shared: 2770), whatever the umask, and durable."""
    mode = 0o2770 if is_shared(home) else 0o700
    folder = home
    for part in (None, *names):
        folder = folder / part if part else folder
        if folder.is_dir():
            continue
        missing = [p for p in (folder, *folder.parents) if not p.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
            path.chmod(mode)
            fsync_folder(path.parent)
    return folder


def open_file(path: Path, flags: int, home: Path) -> int:
    """Open a file of the deck in `home`; a new one has the right mode and a durable name."""
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except FileNotFoundError:
        mode = file_mode(home)
        fd = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        os.fchmod(fd, mode)
        fsync_folder(path.parent)
    except OSError:
        os.close(fd)
        raise
    return fd


@contextmanager
def written_beside(folder: int, name: str, content: bytes, mode: int) -> Iterator[str]:
    """A new file in an open folder, on disk, that is to be given this name: the one it has so far.

    It is gone afterwards where nothing gave it another. Raises OSError.
    """
    temporary = f".{name}.{os.getpid()}.{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(temporary, flags, mode, dir_fd=folder)
    try:
        with open(handle, "wb") as stream:
            os.fchmod(handle, mode)
            stream.write(content)
            stream.flush()
            os.fsync(handle)
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)


def open_to_read(path: Path) -> int:
    """Open a regular file for reading; anything else is refused, and never waited for.

    Raises OSError.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return fd


@contextmanager
def locked(path: Path, home: Path) -> Iterator[int]:
    """Hold the exclusive lock on `path`, a file of the deck in `home`; gives its descriptor.

    The file is never replaced: a lock holds for a file, not for its name.
    Raises NotSavedError when another process holds it for longer than LOCK_WAIT_S.
    """
    fd = open_file(path, os.O_RDWR, home)
    try:
        _lock(fd, path)
        yield fd
    finally:
        os.close(fd)


def _lock(fd: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    pause_s = 0.0005
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise NotSavedError(
                    f"not saved: another OpsDeck process has held {path} for {LOCK_WAIT_S:.0f} s;"
                    f" find it with `fuser {path}`"
                ) from None
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.02)


def safe_name(text: str) -> str:
    """`text` as part of a file name: letters, digits and `._-+` kept, anything else `-`."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-.")[:64] or "unnamed"
