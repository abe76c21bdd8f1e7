"""What the commands of incidents work with: a deck, its walks, and gauges seen when it counts."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.catalog.playbooks import find_playbook, playbook_files
from opsdeck.commands.output import warn
from opsdeck.errors import OpsDeckError, UsageError
from opsdeck.incidents.acts import incident_meant
from opsdeck.text import plural
from opsdeck.walking import Walking

if TYPE_CHECKING:
    from collections.abc import Callable

    from opsdeck.commands._glance_look import Glancing
    from opsdeck.commands.door import Door
    from opsdeck.deck import Deck
    from opsdeck.gauges.board import Board
    from opsdeck.incidents.commands import Ended
    from opsdeck.incidents.model import Incident
    from opsdeck.journal.writing import Draft
    from opsdeck.looking import Looks

PATIENCE_S = 0.7
"""How long gauges beyond this machine are waited for when a step begins or ends."""


class SeeingWalking(Walking):
    """Looks at the gauges before it says how they are."""

    desk: Desk

    async def begin_act(
        self,
        one: Incident,
        playbook: Playbook,
        step: Step,
        name: str,
        text: str,
        *,
        cwd: str = "",
        risk: str = "",
        holds: bool = True,
    ) -> str | None:
        """Save that something is about to be done."""
        await self.desk.see(playbook, one)
        return await super().begin_act(
            one, playbook, step, name, text, cwd=cwd, risk=risk, holds=holds
        )

    async def ended(
        self, incident: str, playbook: Playbook | None, step: str, number: str, ended: Ended
    ) -> bool:
        """Save how a command ended."""
        await self.desk.see(playbook, self.incident(incident))
        return await super().ended(incident, playbook, step, number, ended)


class Desk:
    """One deck, for one operator who acts; `aclose` when done."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.deck: Deck = door.deck(acting=True)
        self.walking = SeeingWalking(
            self.deck, door.environ, self._looking, self.commit, lambda: self._board
        )
        self.walking.desk = self
        self.on_not_saved: Callable[[OpsDeckError], None] | None = None
        """Who tells the operator that a command's ends could not be saved; else it is raised."""
        self._board: Board | None = None
        self._glancing: Glancing | None = None
        self._looks: Looks | None = None

    def record(self, *drafts: Draft) -> None:
        """Put these on disk; raises NotSavedError."""
        faults = len(self.deck.faults)
        self.deck.record(*drafts)
        if new := len(self.deck.faults) - faults:
            warn(f"the journal has {plural(new, 'fault')}: see `opsdeck journal verify`")

    async def commit(self, drafts: list[Draft]) -> bool:
        """The same, for Walking."""
        try:
            self.record(*drafts)
        except OpsDeckError as error:
            if self.on_not_saved is None:
                raise
            self.on_not_saved(error)
            return False
        return True

    # Which one

    def meant(self, word: str | None) -> Incident:
        """The incident of this id, of its beginning, or the one that is open."""
        return self.now(incident_meant(self.walking.incidents(), word).id)

    def now(self, identity: str) -> Incident:
        """An incident as it stands."""
        found = self.walking.incident(identity)
        if found is None:
            raise UsageError(f"{identity} is no longer in the journal")
        return found

    # Looking

    async def see(self, playbook: Playbook | None, one: Incident | None) -> None:
        """Look at the gauges, where this playbook or incident has any."""
        specs = self.deck.config.gauges.specs
        named = playbook is not None and (
            playbook.gauges or any(spec.playbook == playbook.id for spec in specs)
        )
        if named or (one is not None and one.gauge):
            await self.see_gauges()

    async def see_gauges(self) -> Board:
        """Look at all gauges once, bounded as a glance is."""
        if self._glancing is None:
            from opsdeck.commands._glance_look import Glancing

            self._glancing = Glancing(self.door, self.deck)
        await self._glancing.glance(PATIENCE_S)
        self._board = self._glancing.board
        return self._board

    async def _looking(self) -> Looks:
        if self._looks is None:
            from opsdeck.looking import Looks

            self._looks = Looks(self.deck, self.door.environ)
        self._looks.follow()
        return self._looks

    async def aclose(self) -> None:
        """Close what was opened for looking."""
        if self._looks is not None:
            await self._looks.aclose()
        if self._glancing is not None:
            await self._glancing.aclose()


def playbook_meant(deck: Deck, word: str) -> Playbook:
    """The playbook of this id; raises UsageError with the nearest that there is."""
    found = find_playbook(word.strip(), deck.config.file)
    if found is None:
        known = list(playbook_files(deck.config.file))
        near = get_close_matches(word.strip(), known, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(
            f"there is no playbook {word!r}{hint} (`opsdeck list playbooks` shows them all)"
        )
    return found


def step_meant(playbook: Playbook, word: str) -> Step:
    """The step of this number, id or unique beginning of an id; raises UsageError."""
    word, steps = word.strip(), playbook.steps
    if word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= len(steps):
        return steps[int(word[:9]) - 1]
    exact = [step for step in steps if step.id == word]
    near = exact or [step for step in steps if word and step.id.startswith(word.lower())]
    if len(near) == 1:
        return near[0]
    if not steps:
        raise UsageError(f"playbook {playbook.id} has no steps")
    what = "can mean several steps" if near else "is no step"
    raise UsageError(
        f"{word!r} {what} of {playbook.id}: write a number from 1 to {len(steps)},"
        f" or an id such as {steps[0].id}"
    )


def walked_playbook(deck: Deck, one: Incident, word: str | None) -> Playbook:
    """The playbook that is meant in an incident: the one that is named, else the one walked now."""
    if word is None and not one.current:
        raise UsageError(f"{one.id} walks no playbook yet: name one with --playbook ID")
    return playbook_meant(deck, word if word is not None else one.current)
