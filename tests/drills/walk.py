"""An operator at the keys: sees the breach, starts the incident, walks its playbook, ends it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial

from textual.css.query import NoMatches
from textual.widgets import Input

from opsdeck.incidents.model import Incident, StepWalked
from opsdeck.screens.command import CommandScreen
from opsdeck.screens.deck import DeckScreen
from opsdeck.screens.incident import IncidentScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.widgets.list import LineList
from tests.drills.drill import Drill
from tests.screens.desk import AppPilot, app_of, asked, listed, row, says, until

PATIENCE_S = 60.0
SIZE = (120, 45)


class Operator:
    """Alice, who has only the keys."""

    def __init__(self, pilot: AppPilot, drill: Drill) -> None:
        self.pilot = pilot
        self.drill = drill
        self.press = pilot.press

    def level(self) -> str | None:
        """Of the drill's gauge, as the app has it."""
        watching = app_of(self.pilot).watching
        gauge = watching.board.gauge(self.drill.gauge.id) if watching is not None else None
        return gauge.level if gauge is not None else None

    @property
    def screen(self) -> IncidentScreen:
        """The incident in front."""
        screen = self.pilot.app.screen
        assert isinstance(screen, IncidentScreen)
        return screen

    def incident(self) -> Incident:
        """The drill's incident as it stands."""
        found = self.screen.incident()
        assert found is not None
        return found

    def step(self) -> StepWalked:
        """How the step stands that is shown."""
        here = self.screen.here()
        assert here is not None
        return self.incident().walks[here[0].id].step(here[1].id)

    def title(self) -> str:
        """Of the step that is shown."""
        here = self.screen.here()
        return here[1].title if here is not None else ""

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for it, on a busy machine too. What holds already is not waited for."""
        with contextlib.suppress(NoMatches, AssertionError):
            if holds():
                return
        await until(self.pilot, holds, PATIENCE_S)

    async def to_row(self, rows: LineList, key: str) -> None:
        """The cursor goes there; on the way it would pass every row."""
        assert key in rows.keys
        rows.want(key)
        await self.until(lambda: rows.key == key)

    # The Deck

    async def is_well(self) -> None:
        """Nothing is wrong yet, and that was seen."""
        await self.until(lambda: isinstance(self.pilot.app.screen, DeckScreen))
        await self.until(lambda: self.level() == "ok")

    async def starts_incident(self, level: str = "critical") -> None:
        """Sees the breach on the Deck, with the playbook that is suggested; i, and the form."""
        gauge, title = self.drill.gauge, self.drill.book.title
        await self.until(lambda: f" p {title}" in row(self.pilot, f"{gauge.title} "))
        assert f" {level} " in row(self.pilot, f"{gauge.title} ")
        await self.to_row(listed(self.pilot), f"gauge {gauge.id}")
        await self.press("i")
        await self.until(lambda: isinstance(self.pilot.app.screen, Prompt))
        await self.press("enter", "enter", "enter")
        await self.until(lambda: self.screen.is_mounted and self.title())
        one = self.incident()
        assert (one.gauge, one.current, one.severity) == (gauge.id, self.drill.playbook, level)

    # Steps

    async def begins(self, title: str) -> None:
        """enter on the step at the left, which is the one that is meant."""
        await self.until(lambda: self.title() == title)
        if self.screen.focused is self.screen.pane("page"):
            await self.press("escape")
        await self.press("enter")
        await self.until(lambda: self.step().state == "doing")

    async def done(self) -> None:
        """space: done, and the next one is shown."""
        await self._over("done", "space")

    async def skips(self, title: str, reason: str) -> None:
        """s, and why."""
        await self.until(lambda: self.title() == title)
        await self._over("skipped", "s", reason)

    async def _over(self, state: str, key: str, reason: str = "") -> None:
        here = self.screen.here()
        assert here is not None
        playbook, step = here
        if self.screen.tick_here() is not None:
            await self.press("home")  # or it would be the check box that is meant
        await self.press(key)
        if reason:
            await self.types(reason)
        last = step is playbook.steps[-1]
        await self.until(
            lambda: (
                self.incident().walks[playbook.id].step(step.id).state == state
                and (last or self.title() != step.title)
            )
        )

    async def types(self, *lines: str) -> None:
        """Fills in a form."""
        await self.until(lambda: isinstance(self.pilot.app.screen, Prompt))
        form = self.pilot.app.screen
        for field, line in zip(form.query(Input), lines, strict=True):
            field.value = line
            await self.press("enter")
        await self.until(lambda: self.pilot.app.screen is not form)

    async def finds(self, text: str) -> None:
        """A diagnostic of the step shows it; c looks again, where a busy machine did not tell."""
        for _ in range(10):
            await self.until(lambda: says(self.pilot, "  seen "))
            if says(self.pilot, text):
                return
            await self.press("c")
        raise AssertionError(f"no diagnostic shows {text!r}")

    async def agrees(self, question: str) -> None:
        """y, once the question can be read."""
        await asked(self.pilot, question, PATIENCE_S)
        await self.press("y")

    async def runs(self, name: str, word: str = "", **variables: str) -> None:
        """r on a command: trusts the playbook, says what stands for what, types the word (or y,
        where none is asked for); waits for its end, and goes back."""
        here = self.screen.here()
        assert here is not None
        number = [command.name for command in here[1].commands].index(name)
        await self.to_row(self.screen.pane("page"), f"command {number}")
        before = set(self.incident().ran)
        await self.press("r")
        await self.agrees("Trust the commands of")
        if variables:
            await self.until(lambda: says(self.pilot, "What do these stand for?"))
            await self.types(*variables.values())
        if word:
            await self.until(lambda: says(self.pilot, f"Type {word} to run it"))
            await self.types(word)
        else:
            await self.agrees("Run this on this machine?")
        await self.until(lambda: isinstance(self.pilot.app.screen, CommandScreen))
        await self.until(lambda: says(self.pilot, "ended with 0"))
        await self.press("escape")
        await self.until(lambda: self.incident() is not None)
        [ran] = [ran for number, ran in self.incident().ran.items() if number not in before]
        assert ran.exit_code == 0

    async def ticks(self) -> None:
        """space on each check box of the step."""
        here = self.screen.here()
        assert here is not None
        for number in range(len(here[1].ticks)):
            await self.to_row(self.screen.pane("page"), f"tick {number}")
            await self.press("space")
            await self.until(partial(self._ticked, number + 1))

    def _ticked(self, count: int) -> bool:
        return len(self.incident().walks[self.drill.playbook].ticks) == count

    # The end

    async def recovers(self) -> None:
        """Sees that it is well again, and that this is on disk."""
        await self.until(lambda: self.level() == "ok")
        await self.until(lambda: self.drill.turns()[-1][1] == "ok")

    async def mitigates(self, note: str) -> None:
        """m."""
        await self.press("m")
        await self.types(note)
        await self.until(lambda: self.incident().state == "mitigated")

    async def resolves(self, note: str) -> None:
        """M; gives her word for what the incident proves of the Incident Response Plan."""
        await self.press("M")
        await self.types(note)
        await self.agrees("This incident shows that")
        await self.until(lambda: says(self.pilot, "attested:"))
        assert self.incident().state == "resolved"
