"""What this process does itself, without a keeper: while it lives nobody takes it for dropped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from opsdeck import walking
from opsdeck.incidents.commands import Ended, Ready, forget, heard_of, hold, new_number
from opsdeck.incidents.model import Incident
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.looking import Looks
from opsdeck.walking import Walking
from tests.incidents.test_keeper import ROOT, kept_file
from tests.screens.desk import Desk

PLAYBOOK = """# Cause

## One

```sh name="Ask" interactive risk="none"
read -r which; echo "$which"
```

```sh name="Look" risk="none"
echo looked
```
"""


class Session:
    """One process that walks the newest incident of a deck; there may be several of one writer."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        if not (folder / "runbooks").exists():
            (folder / "runbooks").mkdir()
            (folder / "runbooks" / "cause.md").write_text(PLAYBOOK)
        self.deck = Desk(folder).deck()
        environ = {**os.environ, "XDG_DATA_HOME": str(folder / "data")}
        self.looks = Looks(self.deck, environ)
        self.saves = True
        self.walking = Walking(self.deck, environ, self._looks, self._commit)
        found = self.walking.playbook("cause")
        assert found is not None
        self.playbook, self.step = found, found.steps[0]

    async def _looks(self) -> Looks:
        return self.looks

    async def _commit(self, drafts: list[Draft]) -> bool:
        if self.saves:
            self.deck.record(*drafts)
        return self.saves

    def start(self) -> None:
        """An incident that walks the playbook, which is trusted."""
        _, drafts = self.walking.start(title="It is slow", playbook=self.playbook)
        self.deck.record(*drafts)
        self.walking.trust.add(self.playbook, self.deck.now())

    def incident(self) -> Incident:
        """The newest, as the journal has it now."""
        self.deck.load()
        one = self.walking.incident(max(self.deck.state.incidents.heads))
        assert one is not None
        return one

    def ready(self, number: int) -> Ready:
        """A command of the step."""
        return self.walking.ready(self.incident(), self.playbook, self.step.commands[number])

    async def begin(self) -> str | None:
        """The command that needs the terminal is about to be run."""
        return await self.walking.began(self.incident(), self.playbook, self.step, self.ready(0))

    def ended(self) -> list[dict[str, Any]]:
        """What was saved of commands that ended."""
        return [h.data for h in self.incident().happenings if h.type == ev.COMMAND_ENDED]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    found = Session(tmp_path)
    found.start()
    return found


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody knows anything of is said so with the first question, not with the second."""
    monkeypatch.setattr(walking, "UNHEARD_S", 0.0)


HOLDER = """
import sys
from pathlib import Path
from opsdeck.incidents.commands import hold
hold(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""
BEGINNER = """
import asyncio, sys
from pathlib import Path
from tests.incidents.test_holding import Session
print(asyncio.run(Session(Path(sys.argv[1])).begin()), flush=True)
sys.stdin.read()
"""


@contextmanager
def other(script: str, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process, and the first thing that it says; it stays until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_what_is_held_runs_until_it_is_forgotten(tmp_path: Path) -> None:
    # GIVEN something that this process is at
    number = new_number()
    hold(tmp_path, number)
    # THEN it counts as running, and its file is the operator's own
    assert heard_of(tmp_path, number) is None
    assert [each.name for each in kept_file(tmp_path, number).parent.iterdir()] == [
        f"{number}.json"
    ]
    assert kept_file(tmp_path, number).stat().st_mode & 0o777 == 0o600
    # AND WHEN it is forgotten THEN nobody knows of it
    forget(tmp_path, number)
    found = heard_of(tmp_path, number)
    assert found is not None
    assert found.outcome == "unknown"


def test_who_held_and_was_killed_holds_no_more(tmp_path: Path) -> None:
    # GIVEN another process that is at it
    number = new_number()
    with other(HOLDER, str(tmp_path), number) as (process, said):
        assert said == "held"
        assert heard_of(tmp_path, number) is None
        # WHEN it is killed
        process.kill()
        process.wait()
        # THEN how it ended is unknown
        found = heard_of(tmp_path, number)
        assert found is not None
        assert (found.outcome, found.exit_code) == ("unknown", None)


@pytest.mark.parametrize(
    "more",
    [
        {"since": "1"}, {"since": ""}, {"since": None}, {"since": []}, {"since": 1},
        {"session": True}, {"session": "1"}, {"session": None}, {"session": -1}, {"session": 0},
        {"session": 10**30}, {"session": [1]}, {"session": {"a": 1}}, {"session": 1.0},
    ],
)  # fmt: skip
def test_another_process_of_that_number_holds_nothing(more: dict[str, Any], tmp_path: Path) -> None:
    # GIVEN what a process held, and one that has its number since, or nonsense
    number = new_number()
    hold(tmp_path, number)
    file = kept_file(tmp_path, number)
    file.write_text(json.dumps({**json.loads(file.read_text()), **more}))
    # THEN it counts as dead
    found = heard_of(tmp_path, number)
    assert found is not None
    assert found.outcome == "unknown"


async def test_a_second_session_says_nothing_of_what_the_first_is_at(
    session: Session, tmp_path: Path
) -> None:
    # GIVEN a command that has the terminal of one session
    number = await session.begin()
    assert number is not None
    # WHEN another one of the same writer asks after what was dropped
    second = Session(tmp_path)
    second.incident()
    assert [found[1] for found in second.walking.left_running()] == [number]
    # THEN it says nothing of it, however often it asks
    for _ in range(3):
        assert await second.walking.settle() == []
    assert session.ended() == []
    # AND WHEN its end was saved THEN that stands there, once
    one = session.incident()
    ended = Ended(outcome="exited", exit_code=3)
    assert await session.walking.ended(one.id, session.playbook, session.step.id, number, ended)
    assert not kept_file(session.home, number).exists()
    second.incident()
    assert await second.walking.settle() == []
    assert [(e["outcome"], e["exit_code"]) for e in second.ended()] == [("exited", 3)]


async def test_what_opsdeck_does_itself_is_held_too(session: Session, tmp_path: Path) -> None:
    # GIVEN an operation that is about to be ended, which takes no keeper
    one = session.incident()
    number = await session.walking.begin_act(
        one, session.playbook, session.step, "end operation 7", "db.killOp(7)"
    )
    assert number is not None
    # THEN another session leaves it alone
    second = Session(tmp_path)
    second.incident()
    assert await second.walking.settle() == []
    # AND WHEN the first is gone THEN it is said to be unknown
    forget(session.home, number)
    assert await second.walking.settle() == [number]
    assert [e["outcome"] for e in second.ended()] == ["unknown"]


async def test_what_a_dead_session_was_at_is_settled(session: Session, tmp_path: Path) -> None:
    # GIVEN another process whose command has the terminal
    with other(BEGINNER, str(tmp_path)) as (process, number):
        session.incident()
        assert number.isalnum()
        assert await session.walking.settle() == []
        # WHEN it is killed
        process.kill()
        process.wait()
        # THEN that is found out, and said once
        assert await session.walking.settle() == [number]
        assert [(e["command"], e["outcome"]) for e in session.ended()] == [(number, "unknown")]
        assert await session.walking.settle() == []


async def test_what_could_not_be_saved_is_not_held(session: Session) -> None:
    session.saves = False
    assert await session.begin() is None
    assert list((session.home / "cache" / "commands").iterdir()) == []


async def test_what_has_a_keeper_is_not_held(session: Session) -> None:
    # GIVEN a command that its keeper watches over WHEN it is about to be run
    one = session.incident()
    number = await session.walking.began(one, session.playbook, session.step, session.ready(1))
    # THEN this process vouches for nothing: only the keeper knows
    assert number is not None
    assert not kept_file(session.home, number).exists()
