"""Where playbooks lie: below `runbooks/` beside the team's `opsdeck.toml`, else as shipped."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from opsdeck.catalog.load import shipped_checklists_path
from opsdeck.catalog.playbook import Link, Playbook, Step
from opsdeck.catalog.playbook_read import read_playbook, title_of

__all__ = ["Playbook", "find_playbook", "playbook_files", "playbook_title", "title_of"]

LARGEST_BYTES = 4_000_000
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


def playbook_files(config_file: Path | None) -> dict[str, Path]:
    """Id -> file of every playbook, in order of id; the team's own go before shipped ones.

    The id is the path below `runbooks/` without its ending.
    """
    found: dict[str, Path] = {}
    for folder in folders(config_file):
        for identity, file in _files_of(folder).items():
            found.setdefault(identity, file)
    return dict(sorted(found.items()))


def _files_of(folder: Path) -> dict[str, Path]:
    """Id -> file of every playbook below one folder."""
    found: dict[str, Path] = {}
    for file in _files_below(folder):
        found.setdefault(file.relative_to(folder).with_suffix("").as_posix(), file)
    return found


def _files_below(folder: Path) -> Iterator[Path]:
    seen = 0
    for count, (path, names, files) in enumerate(os.walk(folder)):
        if count >= MOST_FOLDERS:
            return
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            if name.startswith(".") or not name.lower().endswith(_SUFFIXES):
                continue
            seen += 1
            if seen > MOST_FILES:
                return
            yield Path(path) / name


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
    if not stat.S_ISREG(found.st_mode):
        return None
    return _read(file, identity, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _read(file: Path, identity: str, _mtime_ns: int, _size: int) -> Playbook | None:
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_BYTES)
    except OSError:
        return None
    return read_playbook(data, identity, str(file))


def _front_id(file: Path) -> str:
    """The id that its front matter names, in small letters."""
    from opsdeck.catalog.playbook_front import split_front

    try:
        if not file.is_file():  # a pipe would be waited for
            return ""
        with file.open("rb") as opened:
            head = opened.read(4_000)
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
