"""What commands this operator has agreed to on this machine, remembered like direnv's `allow`.

The file is the operator's own (never in a shared deck's folder): trust cannot be given for others.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from opsdeck.catalog.edit import write_atomically
from opsdeck.checks.checker import Ask
from opsdeck.errors import NotSavedError


def trust_file(environ: Mapping[str, str]) -> Path:
    """`$XDG_DATA_HOME/opsdeck/trusted.json`, else below `~/.local/share`."""
    named = environ.get("XDG_DATA_HOME")
    home = environ.get("HOME")
    base = Path(named) if named and Path(named).is_absolute() else None
    if base is None:
        base = Path(home) if home else Path("~").expanduser()
        base = base / ".local" / "share"
    return base / "opsdeck" / "trusted.json"


class Trust:
    """The fingerprints of the commands that were agreed to."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._known: dict[str, Any] = read_private(file)

    def __contains__(self, fingerprint: str) -> bool:
        return fingerprint in self._known

    def missing(self, asks: Iterable[Ask]) -> list[Ask]:
        """Those commands that were not agreed to as they are now."""
        return [a for a in asks if a.consent.kind == "command" and a.fingerprint not in self]

    def add(self, asks: Iterable[Ask], at: datetime) -> None:
        """Remember that these were agreed to; raises NotSavedError."""
        said = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        new = {
            ask.fingerprint: {"item": ask.subject.address, "text": ask.kept, "at": said}
            for ask in asks
        }
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with locked(self.file.parent):
                known = {**read_private(self.file), **new}
                make_private(self.file)
                write_atomically(self.file, json.dumps(known, indent=1) + "\n")
        except OSError as error:
            raise NotSavedError(f"not saved: {self.file}: {error.strerror or error}") from error
        self._known = known


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """What two processes add at once is added one after the other."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def make_private(file: Path) -> None:
    """The file is there, and writable for its owner alone: else it would not be believed."""
    fd = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(fd, 0o600)
    finally:
        os.close(fd)


def read_private(file: Path) -> dict[str, Any]:
    """What a file of one's own says; nothing where it is missing, damaged or open to others."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as stream:
            found = os.fstat(fd)
            private = found.st_uid == os.geteuid() and not found.st_mode & 0o022
            if not private or not stat.S_ISREG(found.st_mode):
                return {}
            known = json.loads(stream.read(4_000_000))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
