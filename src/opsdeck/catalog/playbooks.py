"""Where playbooks lie: below `runbooks/` beside the team's `opsdeck.toml`, else as shipped."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from functools import lru_cache
from pathlib import Path

from opsdeck.catalog.load import shipped_checklists_path
from opsdeck.catalog.playbook import Link, Playbook, Step
from opsdeck.catalog.playbook_read import read_playbook
from opsdeck.catalog.playbook_text import storable_name, title_of

__all__ = ["Playbook", "find_playbook", "playbook_files", "playbook_title", "title_of"]

LARGEST_BYTES = 4_000_000
"""What is read of a file. Of a longer one the digest is still that of all of it."""
LARGEST_FILE = 400_000_000
"""No file is opened that is longer: its digest would take seconds."""
MOST_FILES = 20_000
MOST_FOLDERS = 10_000
TITLE_FOR_S = 30.0
"""A title is asked of the disk again after so long: it stands in rows that are made each second."""
INDEX_FOR_S = 2.0
"""By what playbooks are found is asked again after so long: a list asks for each of its links."""
_SUFFIXES = (".md", ".markdown")


def folders(config_file: Path | None) -> list[Path]:
    """Where playbooks are looked for, the team's own first."""
    found = [config_file.parent / "runbooks"] if config_file is not None else []
    return [*found, shipped_checklists_path().parent / "runbooks"]


class PlaybookFiles(dict[str, Path]):
    """Id -> file. `left_out` says in words what was not looked through; "" where all was."""

    left_out: str = ""


def playbook_files(config_file: Path | None) -> PlaybookFiles:
    """Id -> file of every playbook, in order of id; the team's own go before shipped ones.

    The id is the path below `runbooks/` without its ending.
    """
    found: dict[str, Path] = {}
    left_out = ""
    for folder in folders(config_file):
        files = _files_of(folder)
        left_out = left_out or files.left_out
        for identity, file in files.items():
            found.setdefault(identity, file)
    ordered = PlaybookFiles(sorted(found.items()))
    ordered.left_out = left_out
    return ordered


def _files_of(folder: Path) -> PlaybookFiles:
    """Id -> file of every playbook below one folder."""
    found, seen = PlaybookFiles(), 0
    for count, (path, names, files) in enumerate(os.walk(folder)):
        if count >= MOST_FOLDERS:
            found.left_out = f"{folder}: only its first {MOST_FOLDERS:,} folders are listed"
            return found
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            if name.startswith(".") or not name.lower().endswith(_SUFFIXES):
                continue
            if seen >= MOST_FILES:
                found.left_out = f"{folder}: only its first {MOST_FILES:,} playbooks are listed"
                return found
            seen += 1
            file = Path(path) / name
            identity = file.relative_to(folder).with_suffix("").as_posix()
            found.setdefault(storable_name(identity), file)
    return found


def find_playbook(identity: str, config_file: Path | None) -> Playbook | None:
    """The playbook of this id, the team's own before the shipped one; None where there is none.

    It is also found by the last part of its id, and by the id in its front matter.
    """
    if "\0" in identity or {"", "..", "."} & set(identity.split("/")):
        return None  # no path out of the folder
    for folder in folders(config_file):
        found = _find_below(folder, identity)
        if found is not None:
            return found
    return None


def _find_below(folder: Path, identity: str) -> Playbook | None:
    for suffix in _SUFFIXES:
        found = open_playbook(folder / f"{identity}{suffix}", identity)
        if found is not None:
            return found
    meant = _index(folder, int(time.monotonic() // INDEX_FOR_S)).get(identity.casefold())
    return open_playbook(meant[1], meant[0]) if meant is not None else None


@lru_cache(maxsize=8)
def _index(folder: Path, _turn: int) -> dict[str, tuple[str, Path]]:
    """By what else a playbook is found, in small letters: its id, the last part of it, the id in
    its front matter, in this order. A link that leads nowhere would else read every file."""
    files = _files_of(folder)
    found: dict[str, tuple[str, Path]] = {}
    for known, file in files.items():
        found.setdefault(known.casefold(), (known, file))
    for known, file in files.items():
        found.setdefault(known.rpartition("/")[2].casefold(), (known, file))
    for known, file in files.items():
        if named := _front_id(file):
            found.setdefault(named, (known, file))
    return found


def open_playbook(file: Path, identity: str) -> Playbook | None:
    """The playbook in a file, read anew only when the file changed; None where there is none."""
    try:
        found = file.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_FILE:
        return None
    return _read(file, storable_name(identity), found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _read(file: Path, identity: str, _mtime_ns: int, _size: int) -> Playbook | None:
    whole = ""
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_BYTES)
            if more := opened.read(1_000_000):
                digest = hashlib.sha256(data)
                while more:
                    digest.update(more)
                    more = opened.read(1_000_000)
                whole = digest.hexdigest()
    except OSError:
        return None
    return read_playbook(data, identity, storable_name(str(file)), whole=whole)


def _front_id(file: Path) -> str:
    """The id that its front matter names, in small letters."""
    from opsdeck.catalog.playbook_front import split_front
    from opsdeck.catalog.playbook_toml import MOST_CHARACTERS

    try:
        if not file.is_file():  # a pipe would be waited for
            return ""
        with file.open("rb") as opened:
            head = opened.read(8)
            if head.removeprefix(b"\xef\xbb\xbf")[:3] not in (b"+++", b"---"):
                return ""  # as most files of a large folder
            head += opened.read(MOST_CHARACTERS)
    except OSError:
        return ""
    front, _, _ = split_front(head.decode("utf-8-sig", "replace").replace("\r\n", "\n"))
    named = front.get("id")
    return named.casefold() if isinstance(named, str) else ""


def playbook_title(identity: str, config_file: Path | None) -> str:
    """What it is called; by its id where it is not there."""
    return _title(identity, config_file, int(time.monotonic() // TITLE_FOR_S))


@lru_cache(maxsize=256)
def _title(identity: str, config_file: Path | None, _turn: int) -> str:
    found = find_playbook(identity, config_file)
    return found.title if found is not None else title_of(identity)


def follow(
    link: Link, playbook: Playbook, config_file: Path | None
) -> tuple[Playbook, Step | None] | None:
    """The playbook and step that a link leads to; None where they are not there."""
    found: Playbook | None = playbook
    if link.playbook and link.playbook not in (playbook.id, playbook.id.rpartition("/")[2]):
        found = find_playbook(link.playbook, config_file)
    if found is None:
        return None
    if not link.step:
        return (found, found.steps[0] if found.steps else None)
    step = found.step(link.step)
    return (found, step) if step is not None else None
