"""Files as a look may meet them: only regular ones are read, never more than a megabyte of them."""

from __future__ import annotations

import errno
import fnmatch
import os
import re
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from opsdeck.probes.base import ProbeError

MOST_BYTES = 1_000_000
MOST_PATHS = 5_000
"""How many paths a pattern may give, and how many entries of folders are looked through."""
MOST_ENTRIES = 200_000

DEEPEST = 60
"""How many folders deep a path may be for `**` to go on below it."""

NOT_ENTERED = frozenset({".git", "node_modules", ".venv", "__pycache__"})
"""Folders that a pattern's `**` leaves out: what is in them was not written by the team."""

_TYPES = (
    (stat.S_ISREG, "file"),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


class Deadline:
    """A moment after which a thread gives up by itself, or at once when told to."""

    def __init__(self, timeout_s: float, doing: str) -> None:
        self._until = time.monotonic() + timeout_s
        self._doing = doing
        self.timeout_s = timeout_s

    @property
    def left_s(self) -> float:
        """The seconds that are left, never quite none."""
        return max(self._until - time.monotonic(), 0.001)

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._until = 0.0

    def check(self) -> None:
        """Raises ProbeError (timeout) when the time is over."""
        if time.monotonic() > self._until:
            raise ProbeError(
                "timeout",
                f"{self._doing} took longer than {self.timeout_s:g} s: look at fewer files, or"
                " give the probe a longer timeout",
            )


class Found(NamedTuple):
    """What is at a path; `stat` follows symbolic links and is None where they lead nowhere."""

    path: Path
    stat: os.stat_result | None
    is_symlink: bool

    @property
    def type(self) -> str | None:
        """`file`, `directory`, `fifo`, `socket` or `device`; None where there is nothing."""
        if self.stat is None:
            return None
        return next((name for test, name in _TYPES if test(self.stat.st_mode)), "other")


def shown(path: Path | str) -> str:
    """A path as valid Unicode, whatever bytes its name is made of."""
    return os.fsencode(path).decode("utf-8", "replace")


def find(path: Path) -> Found:
    """What is at `path`; raises ProbeError where that cannot be told."""
    try:
        link = stat.S_ISLNK(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return Found(path, None, False)
    except (OSError, ValueError) as error:
        raise trouble(path, error) from None
    try:
        return Found(path, os.stat(path), link)  # noqa: PTH116 (the same call as above, following)
    except (FileNotFoundError, NotADirectoryError):
        return Found(path, None, link)
    except OSError as error:
        raise trouble(path, error) from None


def read(found: Found, most: int = MOST_BYTES) -> bytes:
    """The first `most` bytes of a regular file; raises ProbeError for anything else.

    A device or FIFO is not even opened; should one take the file's place just now, opening it
    does not wait.
    """
    if found.type != "file":
        raise ProbeError("protocol", f"{shown(found.path)} is a {found.type}, not a file")
    try:
        handle = os.open(found.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise trouble(found.path, error) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ProbeError("protocol", f"{shown(found.path)} is not a file any more")
        return _read(handle, most)
    except OSError as error:
        raise trouble(found.path, error) from None
    finally:
        os.close(handle)


def _read(handle: int, most: int) -> bytes:
    parts: list[bytes] = []
    left = most
    while left > 0 and (part := os.read(handle, min(left, 65_536))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def decoded(data: bytes) -> str:
    """Text of UTF-8, or of UTF-16 with its mark; what is neither becomes U+FFFD."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def trouble(path: Path, error: OSError | ValueError) -> ProbeError:
    """Why a path cannot be looked at, in words to act on."""
    name = shown(path) if "\0" not in str(path) else repr(str(path))
    if isinstance(error, PermissionError):
        return ProbeError(
            "rights", f"{name} may not be read by this user: run as its owner, or grant it"
        )
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ELOOP:
        return ProbeError("protocol", f"the symbolic links at {name} go round in circles")
    reason = os.strerror(code) if code else str(error)
    return ProbeError("internal", f"{name} cannot be looked at: {reason}")


def expand(root: Path, pattern: str, deadline: Deadline) -> Iterator[Path]:
    """Paths that match a pattern (`*`, `?`, `[...]`, and `**` for any folders), in order.

    Symbolic links to folders are not followed by `**`, so that no circle is walked.
    """
    whole = Path(pattern).expanduser()
    base = Path(whole.anchor) if whole.is_absolute() else root
    parts = whole.parts[1:] if whole.is_absolute() else whole.parts
    budget = [MOST_ENTRIES]
    for count, path in enumerate(_matches(base, parts, deadline, budget)):
        if count >= MOST_PATHS:
            raise ProbeError("protocol", f"{pattern} matches more than {MOST_PATHS:,} files")
        yield path


def _matches(
    folder: Path, parts: tuple[str, ...], deadline: Deadline, budget: list[int], named: bool = True
) -> Iterator[Path]:
    """`named` folders are those that the pattern itself leads to: they must be readable."""
    if not parts:
        yield folder
        return
    head, rest = parts[0], parts[1:]
    if head == "**":
        yield from _matches(folder, rest or ("*",), deadline, budget, named)
        if len(folder.parts) < DEEPEST:
            for entry in _entries(folder, deadline, budget, named):
                if entry.name not in NOT_ENTERED and entry.is_dir(follow_symlinks=False):
                    yield from _matches(folder / entry.name, parts, deadline, budget, False)
    elif not is_pattern(head):
        if os.path.lexists(folder / head):
            yield from _matches(folder / head, rest, deadline, budget, named)
    else:
        test = re.compile(fnmatch.translate(head))
        for entry in _entries(folder, deadline, budget, named):
            if entry.name.startswith(".") and not head.startswith("."):
                continue
            if test.match(entry.name) and (not rest or entry.is_dir()):
                yield from _matches(folder / entry.name, rest, deadline, budget, named)


def _entries(
    folder: Path, deadline: Deadline, budget: list[int], named: bool
) -> list[os.DirEntry[str]]:
    """A folder's entries by name; none where there is no such folder.

    Raises ProbeError for a `named` one that may not be read: nothing found there is no finding.
    """
    found: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                budget[0] -= 1
                if budget[0] < 0:
                    raise ProbeError(
                        "protocol",
                        f"{shown(folder)} and what lies beside it hold more than"
                        f" {MOST_ENTRIES:,} entries: name a narrower pattern",
                    )
                if len(found) % 1000 == 0:
                    deadline.check()
                found.append(entry)
    except PermissionError as error:
        if named:
            raise trouble(folder, error) from None
        return []
    except OSError:
        return []
    return sorted(found, key=lambda entry: entry.name)


def is_pattern(text: str) -> bool:
    """Whether a path is a pattern for several."""
    return any(sign in text for sign in "*?[")


def facts(found: Found, root: Path, now: float) -> dict[str, Any]:
    """What the file system says of a path, its age in seconds before `now` (Unix time)."""
    document: dict[str, Any] = {
        "exists": found.stat is not None,
        "path": below(found.path, root),
        "is_symlink": found.is_symlink,
        "type": found.type,
    }
    if found.stat is not None:
        mode = found.stat.st_mode
        document |= {
            "size_bytes": found.stat.st_size,
            "mode": f"{stat.S_IMODE(mode):04o}",
            "owner": _name_of(found.stat.st_uid, "pwd"),
            "group": _name_of(found.stat.st_gid, "grp"),
            "group_readable": bool(mode & stat.S_IRGRP),
            "world_readable": bool(mode & stat.S_IROTH),
            "world_writable": bool(mode & stat.S_IWOTH),
            "age_s": age_s(found.stat.st_mtime, now),
        }
    return document


def below(path: Path, root: Path) -> str:
    """A path as people call it: relative to the target where it lies below it."""
    plain = Path(os.path.normpath(path))
    base = Path(os.path.normpath(root))
    return shown(plain.relative_to(base) if plain.is_relative_to(base) else plain)


def age_s(then: float, now: float) -> float:
    """Seconds since a moment; one in the future (a clock that is wrong) is now."""
    return round(max(0.0, now - then), 1)


def _name_of(number: int, base: str) -> str:
    """A user's or group's name, or its number where it has none."""
    try:
        if base == "pwd":
            import pwd

            return pwd.getpwuid(number).pw_name
        import grp

        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
