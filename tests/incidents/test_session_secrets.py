"""Secrets of the session stay in it: commands can print them, the journal does not keep them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.incidents.commands import Ended
from opsdeck.incidents.model import Incident
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.looking import Looks
from opsdeck.walking import Walking
from tests.cli.conftest import CommandLine, opsdeck
from tests.cli.walked import make_deck
from tests.screens.desk import Desk

__all__ = ["opsdeck"]

TOKEN = "zk3-Vq9fXw2LmT7"
SECRETS = {
    "MY_TOKEN": TOKEN,
    "DB_PASSWORD": "correct horse battery",
    "API_KEY": "0f1e2d3c4b5a6978",
}
PATHS = {
    "PWD": "/srv/deck/here",
    "OLDPWD": "/srv/deck/before",
    "SIGNING_KEY": "/srv/keys/signing.pem",
    "SSH_KEY": "~/.ssh/id_of_deck",
    "API_TOKEN": "./tokens/api.txt",
}
HARMLESS = {"TOKEN_COUNT": "seventeen tokens", "OTHER_PASSWORD": "short"}
PLAYBOOK = """# Cause

## One

```sh name="Print"
%s
```
"""


class Walk:
    """A deck whose incident walks a playbook with one command, in an environment with secrets."""

    def __init__(self, folder: Path, text: str, environ: dict[str, str]) -> None:
        self.desk = Desk(folder)
        (folder / "runbooks").mkdir()
        (folder / "runbooks" / "cause.md").write_text(PLAYBOOK % text)
        self.deck: Deck = self.desk.deck()
        basis = {"PATH": os.environ["PATH"], "XDG_DATA_HOME": str(folder / "data")}
        self.looks = Looks(self.deck, {**basis, **environ})
        self.walking = Walking(self.deck, {**basis, **environ}, self._looks, self._commit)
        found = self.walking.playbook("cause")
        assert found is not None
        self.playbook, self.step = found, found.steps[0]
        self.id, drafts = self.walking.start(title="It is slow", playbook=found)
        self.deck.record(*drafts)
        self.walking.trust.add(self.playbook, self.deck.now())

    async def _looks(self) -> Looks:
        return self.looks

    async def _commit(self, drafts: list[Draft]) -> bool:
        self.deck.record(*drafts)
        return True

    def incident(self) -> Incident:
        """The incident as it is now."""
        one = self.walking.incident(self.id)
        assert one is not None
        return one

    async def run(self) -> Ended:
        """See the command to its end."""
        one, [command] = self.incident(), self.step.commands
        ready = self.walking.ready(one, self.playbook, command)
        ended = await self.walking.run(one, self.playbook, self.step, ready)
        assert ended is not None
        return ended

    def kept(self, kind: str) -> dict[str, Any]:
        """What the journal has of the command's beginning or end."""
        [found] = [h.data for h in self.incident().happenings if h.type == kind]
        return found


def bytes_of(home: Path) -> bytes:
    """All that is kept below a deck's home."""
    return b"\n".join(p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file())


@pytest.mark.parametrize("name", SECRETS)
async def test_a_secret_that_is_printed_is_not_kept(name: str, tmp_path: Path) -> None:
    # GIVEN a command that prints a secret of the session, beside what is none
    walk = Walk(tmp_path, f'echo "before ${name} after"', SECRETS)
    # WHEN it is run
    ended = await walk.run()
    # THEN it was told, and the journal has a mark in its place
    assert ended.output == f"before {SECRETS[name]} after\n"
    assert walk.kept(ev.COMMAND_ENDED)["output"] == "before [redacted] after\n"
    # AND nothing on disk has it
    assert SECRETS[name].encode() not in bytes_of(walk.desk.home)


async def test_a_secret_that_was_typed_into_a_command_is_not_kept(tmp_path: Path) -> None:
    # GIVEN a command whose text has it, as an operator's edit may
    walk = Walk(tmp_path, f"echo {TOKEN} | wc -c", SECRETS)
    await walk.run()
    # THEN what was begun is kept without it
    assert walk.kept(ev.COMMAND_BEGAN)["text"] == "echo [redacted] | wc -c"
    assert TOKEN.encode() not in bytes_of(walk.desk.home)


async def test_why_a_command_could_not_be_started_has_no_secret(tmp_path: Path) -> None:
    walk = Walk(tmp_path, "true", SECRETS)
    one, [command] = walk.incident(), walk.step.commands
    ready = walk.walking.ready(one, walk.playbook, command)
    number = await walk.walking.began(one, walk.playbook, walk.step, ready)
    assert number is not None
    ended = Ended(outcome="not started", reason=f"/srv/{TOKEN}: No such file or directory")
    assert await walk.walking.ended(one.id, walk.playbook, walk.step.id, number, ended)
    assert "[redacted]" in walk.kept(ev.COMMAND_ENDED)["reason"]
    assert TOKEN.encode() not in bytes_of(walk.desk.home)


@pytest.mark.parametrize("name", [*PATHS, *HARMLESS])
async def test_paths_and_what_is_no_secret_are_kept(name: str, tmp_path: Path) -> None:
    # GIVEN a command that prints what has the name of a secret and is a path, or is too short
    value = {**PATHS, **HARMLESS}[name]
    # (the shell sets PWD anew: what is printed is the text itself)
    walk = Walk(tmp_path, f"echo 'in {value} now'", {**SECRETS, **PATHS, **HARMLESS})
    await walk.run()
    # THEN it is kept as it is
    assert walk.kept(ev.COMMAND_ENDED)["output"] == f"in {value} now\n"


@pytest.mark.parametrize("name", ["db_password", "api_token", "secret", "AWS_ACCESS_KEY_ID"])
def test_a_variable_that_would_be_a_secret_is_refused(name: str, opsdeck: CommandLine) -> None:
    # GIVEN an incident
    make_deck(opsdeck)
    assert opsdeck("incident", "start", "Orders fail", "--playbook", "own").code == 0
    before = bytes_of(opsdeck.journal)
    # WHEN a variable is set that its name says is secret
    done = opsdeck("incident", "set", f"{name}=hunter2hunter2")
    # THEN it is refused, with what to do instead, and without the value
    assert done.code != 0
    said = " ".join((done.out + done.err).split())
    assert "would stand in the journal" in said
    assert f"set it in the environment, and write ${name.upper()} into the command" in said
    assert "hunter2hunter2" not in said
    # AND nothing is written
    assert bytes_of(opsdeck.journal) == before
    assert b"hunter2hunter2" not in bytes_of(opsdeck.home)
    # AND others are taken still
    assert opsdeck("incident", "set", "host=db-2").code == 0


@pytest.mark.parametrize("name", ["key_id", "token_count", "host", "user", "region"])
def test_a_variable_that_is_no_secret_is_taken(name: str, tmp_path: Path) -> None:
    walk = Walk(tmp_path, "true", {})
    assert acts.variable(walk.incident(), name, "x").data["name"] == name
    with pytest.raises(UsageError, match="would stand in the journal"):
        acts.variable(walk.incident(), f"{name}_password", "x")
