"""A playbook walked at a prompt: where one is, and what is asked."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.commands._walk_lines import InterruptedHereError, Lines
from opsdeck.commands._walk_meanwhile import Meanwhile, tell
from opsdeck.commands._walk_show import show
from opsdeck.commands.output import say
from opsdeck.errors import OpsDeckError, UsageError
from opsdeck.incidents import acts
from opsdeck.text import visible

if TYPE_CHECKING:
    from opsdeck.commands._incident_desk import Desk
    from opsdeck.incidents.model import Incident

OVER = ("done", "skipped")


class AbandonedError(UsageError):
    """A question was not answered."""


class Walk:
    """One walk; `book` and `step` are what was printed last, which numbers refer to."""

    def __init__(self, desk: Desk, lines: Lines, incident: str, book: Playbook) -> None:
        self.desk, self.lines, self.identity = desk, lines, incident
        self.book = book
        self.step = self.first(book)
        self.edited: dict[tuple[str, int], str] = {}
        """(digest, line of the command) -> its text as the operator changed it."""
        self.left = False
        self.meanwhile = Meanwhile(desk, incident)
        desk.on_not_saved = tell

    @property
    def one(self) -> Incident:
        """The incident as it is now."""
        return self.desk.now(self.identity)

    def first(self, book: Playbook) -> Step:
        """Where to go on: the step last worked on, or the one after it where that is over."""
        if not book.steps:
            raise UsageError(f"playbook {book.id} has no steps: nothing of it can be walked")
        walk = self.one.walks.get(book.id)
        at = book.step(walk.at) if walk is not None else None
        if walk is None or at is None:
            return book.steps[0]
        over = walk.step(at.id).state in OVER
        return (self._after(book, at) or at) if over else at

    def _after(self, book: Playbook, step: Step) -> Step | None:
        """The next step that is not over yet."""
        walk = self.one.walks.get(book.id)
        later = book.steps[book.steps.index(step) + 1 :]
        return next((s for s in later if walk is None or walk.step(s.id).state not in OVER), None)

    # The prompt

    async def walk(self, do: Turn) -> None:
        """From line to line, until the operator leaves."""
        self.lines.listen()
        following = asyncio.create_task(self.meanwhile.follow())
        try:
            await self.arrive()
            while not self.left:
                self.meanwhile.tell_news()
                try:
                    line = await self.lines.ask(self._prompt())
                except InterruptedHereError:
                    line = None
                if line is None:
                    break
                try:
                    await do(self, line.strip())
                except InterruptedHereError:
                    say("nothing was done")
                except OpsDeckError as error:
                    tell(error)
        finally:
            following.cancel()
            self._leave()
            self.lines.deafen()

    def _prompt(self) -> str:
        walk = self.one.walks.get(self.book.id)
        state = walk.step(self.step.id).state if walk is not None else "to do"
        number = self.book.steps.index(self.step) + 1
        return f"{number}/{len(self.book.steps)} {state}> "

    def _leave(self) -> None:
        self.meanwhile.leave()
        one = self.desk.walking.incident(self.identity)
        if one is not None and not one.over and self.desk.deck.operator in one.present:
            with contextlib.suppress(OpsDeckError):
                self.desk.record(acts.present(one, here=False))
        if one is not None and one.over:
            say(f"left {self.identity}, which is resolved")
            return
        again = f"opsdeck walk {visible(self.book.id)} --incident {self.identity}"
        say(f"`{again}` goes on here")
        say(f"left {self.identity}")

    # Asking

    async def answer(self, prompt: str) -> str:
        """What is said to a question; raises AbandonedError where nothing is."""
        found = await self.lines.ask(prompt)
        if found is None:
            raise AbandonedError("not answered: nothing was done")
        return found.strip()

    async def yes(self, question: str) -> bool:
        """Whether that is agreed to; what was typed before it was asked does not count."""
        self.lines.drop_typed()
        return (await self.answer(f"{question} [y/N] ")).lower() in ("y", "yes")

    # Going about

    async def go(self, book: Playbook, step: Step, *, begin: bool = False) -> None:
        """To another step; a playbook that was not walked in this incident is opened."""
        if book.id not in self.one.walks:
            self.desk.record(acts.open_playbook(self.identity, book))
        self.book, self.step = book, step
        if begin:
            await self.begin(quiet=True)
        await show(self)

    async def arrive(self) -> None:
        """Begin the step where one is, and show it."""
        await self.go(self.book, self.step, begin=True)

    async def on(self) -> None:
        """To the next step that is not over."""
        following = self._after(self.book, self.step)
        if following is None:
            say("that was the last step: m mitigated, M resolved, o another playbook, q leaves")
            if left := self._open_steps():
                say(f"not over yet: {', '.join(left)} (j N goes to step N)")
        else:
            await self.go(self.book, following, begin=True)

    def _open_steps(self) -> list[str]:
        """Numbers of the steps that are not over."""
        walk = self.one.walks.get(self.book.id)
        steps = enumerate(self.book.steps, 1)
        return [str(n) for n, s in steps if walk is None or walk.step(s.id).state not in OVER]

    async def begin(self, *, quiet: bool = False) -> None:
        """The step is begun, with the gauges as they are, where nobody had begun it."""
        walk = self.one.walks.get(self.book.id)
        state = walk.step(self.step.id).state if walk is not None else "to do"
        if quiet and state not in ("to do", "skipped"):
            return
        await self.desk.see(self.book, self.one)
        values = self.desk.walking.values(self.book, self.one)
        self.desk.record(acts.step(self.one, self.book, self.step, "doing", gauges=values))

    async def check_unchanged(self) -> None:
        """Raises UsageError where the file is not what was printed: numbers may mean others."""
        now = self.desk.walking.playbook(self.book.id)
        if now is None or now.digest == self.book.digest or not now.steps:
            return
        self.book, self.step = now, now.step(self.step.id) or now.steps[0]
        await show(self)
        raise UsageError("nothing was done: the playbook was edited meanwhile; above it is anew")


Turn = Callable[[Walk, str], Awaitable[None]]
"""Does what a line asks for."""
