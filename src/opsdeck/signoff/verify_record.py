"""Whether the files of `signoffs/` are what the journal says they should be."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from opsdeck.errors import OpsDeckError
from opsdeck.journal import events as ev
from opsdeck.journal.happenings import Happening
from opsdeck.runs.cadence import RELEASE_NAME
from opsdeck.signoff.model import Release
from opsdeck.signoff.record import (
    content_name,
    record_name,
    record_of,
    signature_name,
    statement_name,
    sums_name,
)
from opsdeck.signoff.record_file import FOLDER, record_files
from opsdeck.signoff.releases import folded
from opsdeck.signoff.verdict import Problem, bad, warn
from opsdeck.signoff.verify_content import Opened
from opsdeck.text import plural

LARGEST_BYTES = 64_000_000
MOST_STATES = 8
"""So many earlier states of a release are tried for a record that is not the newest one."""
_KEPT = re.compile(r"[0-9]+[.]toml")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ANEW = "the journal has it all, so the record can be written anew"


def record_problems(
    home: Path, release: Release, happenings: Sequence[Happening], contents: Mapping[str, Opened]
) -> Iterator[Problem]:
    """What of the record's files is not, byte for byte, what the journal says; what is missing."""
    yield from _lost(home, release)
    signed = [one.content for one in release.signatures if one.content in contents]
    missing: list[str] = []
    for digest in dict.fromkeys(reversed(signed)):
        for name, wanted in _files(release, contents[digest]).items():
            is_record = name == record_name(release.name)
            if is_record and digest != signed[-1]:
                continue
            found = _content(home / FOLDER / name)
            if found is None:
                missing.append(name)
            elif found != wanted:
                older = None
                if is_record and isinstance(found, bytes):
                    older = _older(found, release, happenings, contents)
                yield older or bad("record", f"{FOLDER}/{name}", _altered(found))
    if missing:
        more = f" (and {len(missing) - 1} more)" if missing[1:] else ""
        yield warn("record", f"{FOLDER}/{missing[0]}{more}", f"not there: {_ANEW}")


def _lost(home: Path, release: Release) -> Iterator[Problem]:
    """What was once written down of signatures, and of which the journal knows nothing."""
    if not RELEASE_NAME.fullmatch(release.name):
        return
    known = {record_name(release.name)} if release.signatures else set()
    for one in release.signatures:
        known |= {statement_name(release.name, one), signature_name(release.name, one)}
    for digest in release.contents:
        if _SHA256.fullmatch(digest):
            known |= {content_name(release.name, digest), sums_name(release.name, digest)}
    for name in written(home):
        own, tilde, rest = name.partition("~")
        is_own = name == record_name(release.name) or (tilde and own == release.name)
        if is_own and "~" not in rest and name not in known and not _KEPT.fullmatch(rest):
            said = "it was written once, and the journal has nothing of it: something was lost"
            yield bad("record", f"{FOLDER}/{name}", said)


def written(home: Path) -> list[str]:
    """The names of what lies in `signoffs/`."""
    try:
        return sorted(path.name for path in (home / FOLDER).iterdir())
    except OSError:
        return []


def recorded(home: Path) -> list[str]:
    """The releases of which there is a record."""
    stems = [name.removesuffix(".toml") for name in written(home) if name.endswith(".toml")]
    return [stem for stem in stems if RELEASE_NAME.fullmatch(stem)]


def _altered(found: bytes | Literal["link", "unreadable"]) -> str:
    if isinstance(found, bytes):
        return "it is not what the journal says: one of the two was altered"
    return "it is no plain file" if found == "link" else "it cannot be read"


def _files(release: Release, content: Opened) -> dict[str, bytes]:
    try:
        return record_files(record_of(release, content.data, content.sha256))
    except OpsDeckError:
        return {}  # why it is none is among the problems of the content


def _older(
    found: bytes, release: Release, happenings: Sequence[Happening], contents: Mapping[str, Opened]
) -> Problem | None:
    """That it is a record of this release as it was before; None where it is none."""
    name, text = record_name(release.name), found.decode("utf-8", "replace")
    places = [n for n, h in enumerate(happenings, 1) if h.type in ev.RELEASE_HEADS]
    tried = 0
    for count in reversed(places):
        before = folded(release.name, happenings[:count])
        signed = [one.content for one in before.signatures if one.content in contents]
        # To make a record takes long: only those that could be this one.
        if not signed or signed[-1] not in text:
            continue
        if text.count("\n[[signature]]\n") != len(before.over(signed[-1])) or tried >= MOST_STATES:
            continue
        tried += 1
        if _files(before, contents[signed[-1]]).get(name) == found:
            since = plural(len(release.signatures) - len(before.signatures), "signature")
            said = f"it is older than the journal, which has {since} more; {_ANEW}"
            return warn("record", f"{FOLDER}/{name}", said)
    return None


def _content(path: Path) -> bytes | Literal["link", "unreadable"] | None:
    """What a plain file holds; None where nothing has this name."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError:
        return "link" if path.is_symlink() else "unreadable"
    with open(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return "link"
        try:
            return stream.read(LARGEST_BYTES)
        except OSError:
            return "unreadable"
