"""Files that a command was told to write: whole or not at all, and who may read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from opsdeck.errors import NotSavedError
from opsdeck.journal.files import fsync_folder, in_words

FILE_MODE = 0o600
SHARED_MODE = 0o644
"""Of a file that another user's program reads, as far as the umask allows it."""


@contextmanager
def written_whole(path: Path, *, shared: bool = False) -> Iterator[BinaryIO]:
    """A stream whose content becomes the file `path` when the block ends, and not before.

    The file has mode 0600 whatever the umask, or 0644 less the umask where it is `shared`;
    symbolic links are followed. A pipe or device is written to as it is. Raises NotSavedError,
    and the old content is then intact.
    """
    try:
        target = path.resolve()
        if _is_special(target):
            with open(target, "wb") as stream:
                yield stream
            return
        temporary = target.with_name(f".{target.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = os.open(temporary, flags, SHARED_MODE if shared else FILE_MODE)
        try:
            with open(handle, "wb") as stream:
                if not shared:
                    os.fchmod(handle, FILE_MODE)
                yield stream
                stream.flush()
                os.fsync(handle)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        fsync_folder(target.parent)
    except (OSError, RuntimeError, ValueError) as error:
        reason = in_words(error) if isinstance(error, OSError) else str(error)
        raise NotSavedError(f"{path}: not saved: {reason}") from error


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def write_whole(path: Path, text: str, *, shared: bool = False) -> None:
    """Make `text` the content of a file; raises NotSavedError."""
    with written_whole(path, shared=shared) as stream:
        stream.write(text.encode("utf-8", "replace"))
