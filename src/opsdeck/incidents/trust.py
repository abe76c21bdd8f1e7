"""Which playbooks this operator has trusted, by their exact content, on this machine.

Commands of a playbook run only once its content was read and trusted; when the file changes, what
is different is shown first. The record is the operator's own, like that of commands of probes.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from opsdeck.catalog.edit import write_atomically
from opsdeck.catalog.playbook import Command, Playbook, Step
from opsdeck.checks.trust import locked, make_private, read_private, trust_file
from opsdeck.errors import NotSavedError

State = Literal["trusted", "new", "changed"]

_FILE = "trusted-playbooks.json"
_TEXTS = "playbooks"


def asked_of(step: Step, command: Command) -> str:
    """What a command is, beside its text, for who is asked to trust it: a command that is said only
    to look runs on one key."""
    facts = [command.risk_words, "runs on r alone" if command.risk == "none" else ""]
    facts += [f"in {command.cwd}" if command.cwd else ""]
    facts += [f"with {key}={value}" for key, value in command.env.items()]
    facts += [f"asks for the word {command.confirm}" if command.confirm else ""]
    facts += ["takes the terminal" if command.interactive else ""]
    return f"{step.title}: {command.name} ({'; '.join(filter(None, facts))})"


class PlaybookTrust:
    """Digest of a trusted content -> which file it was, and when; and those texts, to compare."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.file = trust_file(environ).with_name(_FILE)
        self._texts = self.file.with_name(_TEXTS)

    def state(self, playbook: Playbook) -> State:
        """Whether its commands may be run as they are now."""
        known = read_private(self.file)
        if playbook.digest in known:
            return "trusted"
        return "changed" if _last_of(known, playbook) else "new"

    def diff(self, playbook: Playbook) -> list[str]:
        """What is different from what was last trusted of this file, as a unified diff."""
        digest = _last_of(read_private(self.file), playbook)
        old = _text_of(self._texts / f"{digest}.md") if digest else None
        if old is None:
            return ["what was trusted before is no longer kept: read all of it"]
        new = playbook.text.split("\n")
        return list(difflib.unified_diff(old, new, "as trusted", "as it is now", n=2, lineterm=""))

    def add(self, playbook: Playbook, at: datetime) -> None:
        """Remember that this content was trusted; raises NotSavedError."""
        said = f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._texts.mkdir(mode=0o700, exist_ok=True)
            with locked(self.file.parent):
                entry = {"file": playbook.file, "title": playbook.title, "at": said}
                known = {**read_private(self.file), playbook.digest: entry}
                kept = self._texts / f"{playbook.digest}.md"
                make_private(kept)
                write_atomically(kept, playbook.text)
                make_private(self.file)
                write_atomically(self.file, json.dumps(known, indent=1) + "\n")
        except OSError as error:
            raise NotSavedError(f"not saved: {self.file}: {error.strerror or error}") from error


def _last_of(known: Mapping[str, Any], playbook: Playbook) -> str:
    """The digest of what was last trusted of this file; "" for nothing."""
    found = [
        (str(entry.get("at", "")), digest)
        for digest, entry in known.items()
        if isinstance(entry, dict) and entry.get("file") == playbook.file
    ]
    return max(found, default=("", ""))[1]


def _text_of(file: Path) -> list[str] | None:
    """The lines of a kept text; None where it is not there any more."""
    try:
        return file.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError):
        return None
