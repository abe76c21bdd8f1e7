"""Where the operator stood when the session ended, so that the next one begins there."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from opsdeck.journal.files import file_mode, make_folder, safe_name


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A screen and what the cursor stood on: `mode` is that of a digit key."""

    mode: str = "deck"
    checklist: str | None = None
    run: str | None = None
    key: str | None = None
    incident: str | None = None
    playbook: str | None = None


class Session:
    """Keeps the operator's place in `cache/`; it may be deleted at any time."""

    def __init__(self, home: Path, operator: str) -> None:
        self._home = home
        self._path = home / "cache" / f"session-{safe_name(operator)}.json"
        self._kept: bytes | None = None

    def read(self) -> Place | None:
        """The place an interrupted session left; None where there is none."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Place)
        except (OSError, msgspec.DecodeError):
            return None

    def kept_at(self) -> float:
        """When the place was last kept, seconds since the epoch; 0 where it never was."""
        try:
            return self._path.stat().st_mtime
        except OSError:
            return 0.0

    def keep(self, place: Place) -> None:
        """Remember the place; failing to costs only the way back."""
        text = msgspec.json.encode(place)
        if text == self._kept or not self._home.is_dir():
            return
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            make_folder(self._home, "cache")
            mode = file_mode(self._home)
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
            with open(fd, "wb") as out:
                os.fchmod(fd, mode)
                out.write(text)
            temporary.replace(self._path)
        except OSError:
            return
        self._kept = text

    def forget(self) -> None:
        """The operator left by choice: the next session begins at the deck."""
        self._kept = None
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return
