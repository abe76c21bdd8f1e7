"""Where playbooks lie: `runbooks/ID.md` beside the team's `opsdeck.toml`, else as shipped."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from opsdeck.catalog.load import shipped_checklists_path

LARGEST_BYTES = 4_000_000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HEADING = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)
_FRONT = re.compile(r"\A\+\+\+[ \t]*\r?\n.*?^\+\+\+[ \t]*\r?\n", re.MULTILINE | re.DOTALL)


class Playbook(NamedTuple):
    """A playbook as it was found."""

    id: str
    title: str
    file: Path
    text: str
    """Its Markdown, without the front matter."""


def find_playbook(identity: str, config_file: Path | None) -> Playbook | None:
    """The playbook of this id, the team's own before the shipped one; None where there is none."""
    if not _ID.fullmatch(identity):
        return None
    folders = [config_file.parent / "runbooks"] if config_file is not None else []
    folders.append(shipped_checklists_path().parent / "runbooks")
    for folder in folders:
        file = folder / f"{identity}.md"
        try:
            with file.open("rb") as opened:
                text = opened.read(LARGEST_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
        text = _FRONT.sub("", text)
        heading = _HEADING.search(text)
        return Playbook(identity, heading[1] if heading else title_of(identity), file, text)
    return None


@lru_cache(maxsize=256)
def playbook_title(identity: str, config_file: Path | None) -> str:
    """What it is called, read once; by its id where it is not there."""
    found = find_playbook(identity, config_file)
    return found.title if found is not None else title_of(identity)


def title_of(identity: str) -> str:
    """What a playbook is called by its id alone: `high-cpu-usage` is `High cpu usage`."""
    words = identity.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
