"""Walking without a terminal: where one stood, what is inhibited, and what is not run twice."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from opsdeck.catalog.playbook import Playbook
from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.looking import Looks
from opsdeck.session import Place
from opsdeck.walking import Walking
from tests.screens.desk import Desk

PLAYBOOK = """+++
inhibits = ["effect"]
+++
# Cause

## One

```sh name="Touch" risk="none"
echo once >> ran
```

## Two

## Three
"""


class Walk:
    """A deck whose incident walks a playbook of three steps."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(folder)
        (folder / "runbooks").mkdir()
        (folder / "runbooks" / "cause.md").write_text(PLAYBOOK)
        self.deck: Deck = self.desk.deck()
        self.environ = {**os.environ, "XDG_DATA_HOME": str(folder / "data")}
        self.looks = Looks(self.deck, self.environ)
        self.walking = Walking(self.deck, self.environ, self._looks, self._commit)
        found = self.walking.playbook("cause")
        assert found is not None
        self.playbook: Playbook = found
        self.id, drafts = self.walking.start(title="It is slow", playbook=found)
        self.deck.record(*drafts)

    async def _looks(self) -> Looks:
        return self.looks

    async def _commit(self, drafts: list[Draft]) -> bool:
        self.deck.record(*drafts)
        return True

    def step(self, number: int, state: Any, reason: str = "") -> None:
        """A minute later, a step is in another state."""
        self.desk.clock.forward(minutes=1)
        one = self.walking.incident(self.id)
        assert one is not None
        at = self.playbook.steps[number]
        self.deck.record(acts.step(one, self.playbook, at, state, reason=reason))


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    return Walk(tmp_path)


KEPT = Place(mode="gauges", key="queue")


@pytest.mark.parametrize(
    ("steps", "key"),
    [
        ([], ""),
        ([(0, "doing")], "one"),
        ([(0, "doing"), (0, "done")], "two"),
        ([(1, "skipped")], "three"),
        ([(2, "done")], "three"),
        ([(2, "done"), (0, "failed")], "one"),
    ],
)
def test_one_stands_where_one_worked_last(
    walk: Walk, steps: list[tuple[int, str]], key: str
) -> None:
    # GIVEN what was done after the place was kept
    kept_at = (walk.desk.clock() - timedelta(seconds=1)).timestamp()
    for number, state in steps:
        walk.step(number, state, "a reason")
    # THEN that is where the next session stands
    place = walk.walking.place_after(KEPT, kept_at)
    assert (place.incident, place.playbook, place.key) == (walk.id, "cause", key)


def test_what_was_done_before_does_not_count(walk: Walk) -> None:
    walk.step(1, "doing")
    later = (walk.desk.clock() + timedelta(seconds=1)).timestamp()
    assert walk.walking.place_after(KEPT, later) is KEPT
    # AND neither does what others do, nor a command that ends
    bob = walk.desk.deck("bob", "box@two")
    bob.record(
        Draft(
            ev.INCIDENT_STEP,
            {"incident": walk.id, "playbook": "cause", "step": "three", "state": "doing"},
        )
    )
    walk.deck.load()
    walk.desk.clock.forward(minutes=5)
    end = {"incident": walk.id, "command": "x", "playbook": "cause", "step": "three"}
    walk.deck.record(Draft(ev.COMMAND_ENDED, {**end, "outcome": "exited"}))
    assert walk.walking.place_after(KEPT, later) is KEPT


def test_an_incident_that_is_over_is_no_place(walk: Walk) -> None:
    kept_at = walk.desk.clock().timestamp()
    walk.step(1, "doing")
    one = walk.walking.incident(walk.id)
    assert one is not None
    assert walk.walking.inhibited() == {"effect": "Cause"}
    walk.deck.record(acts.state(one, "resolved"))
    assert walk.walking.place_after(KEPT, kept_at) is KEPT
    # AND nothing is inhibited by it any more
    assert walk.walking.inhibited() == {}


async def test_a_command_that_runs_is_not_begun_again(walk: Walk) -> None:
    # GIVEN a trusted playbook, and one of its commands that is begun
    walking, playbook = walk.walking, walk.playbook
    step = playbook.steps[0]
    one = walking.incident(walk.id)
    assert one is not None
    with pytest.raises(UsageError, match="not trusted yet"):
        await walking.began(one, playbook, step, walking.ready(one, playbook, step.commands[0]))
    walking.trust.add(playbook, walk.desk.clock())
    ready = walking.ready(one, playbook, step.commands[0])
    number = await walking.began(one, playbook, step, ready)
    assert number is not None
    # WHEN it is run once more before its end is known THEN that is refused
    one = walking.incident(walk.id)
    assert one is not None
    with pytest.raises(UsageError, match="is running already"):
        await walking.run(one, playbook, step, ready)
    assert not (walk.desk.home.parent / "ran").exists()
    # AND WHEN its end is known THEN it may be
    from opsdeck.incidents.commands import Ended

    await walking.ended(one.id, playbook, step.id, number, Ended(outcome="unknown"))
    one = walking.incident(walk.id)
    assert one is not None
    ended = await walking.run(one, playbook, step, ready)
    assert ended is not None
    assert (ended.outcome, ended.exit_code) == ("exited", 0)
    assert (walk.desk.home.parent / "ran").read_text() == "once\n"


async def test_an_end_is_saved_once_however_long_that_takes(walk: Walk) -> None:
    # GIVEN a disk that is so slow that what runs is asked after while an end is being saved
    walking, playbook = walk.walking, walk.playbook
    walking.trust.add(playbook, walk.desk.clock())
    settled: list[str] = []
    asked: list[bool] = []

    async def slowly(drafts: list[Draft]) -> bool:
        if any(draft.type == ev.COMMAND_ENDED for draft in drafts) and not asked:
            asked.append(True)
            settled.extend(await walking.settle())
        walk.deck.record(*drafts)
        return True

    walking._commit = slowly
    step, one = playbook.steps[0], walking.incident(walk.id)
    assert one is not None
    # WHEN a command is run to its end
    ended = await walking.run(one, playbook, step, walking.ready(one, playbook, step.commands[0]))
    # THEN that end is saved by who ran it, and by nobody else
    assert ended is not None
    assert settled == []
    one = walking.incident(walk.id)
    assert one is not None
    assert [h.data["outcome"] for h in one.happenings if h.type == ev.COMMAND_ENDED] == ["exited"]
    assert walking.running == {}


def test_when_playbooks_were_walked_is_known(walk: Walk) -> None:
    assert walk.walking.walked() == {}
    walk.step(0, "done")
    [found] = walk.walking.walked().values()
    assert (found.last, found.success) == (walk.desk.clock(), None)
    one = walk.walking.incident(walk.id)
    assert one is not None
    walk.deck.record(acts.state(one, "resolved"))
    [found] = walk.walking.walked().values()
    assert found.success == walk.desk.clock()
