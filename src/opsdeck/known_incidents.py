"""The incidents of a deck as its journal has them, with the playbooks that they walk."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from opsdeck.catalog.playbook import Playbook
from opsdeck.catalog.playbooks import find_playbook, open_playbook
from opsdeck.incidents.model import Incident
from opsdeck.incidents.view import heads, incident_of
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.playbook_facts import Walked
from opsdeck.session import Place

if TYPE_CHECKING:
    from opsdeck.deck import Deck

FILE_FOR_S = 5.0
"""Screens ask for a playbook whenever they are painted: its folders are not searched each time."""

_AT_A_STEP = (ev.INCIDENT_PLAYBOOK, ev.INCIDENT_STEP, ev.INCIDENT_TICKED, ev.COMMAND_BEGAN)
"""What an operator does where they stand; a command may end when they are elsewhere."""


class KnownIncidents:
    """Reads incidents and playbooks; what was read is kept until the journal or a file changes."""

    def __init__(self, deck: Deck) -> None:
        self.deck = deck
        self._heads: tuple[int, int, list[Incident]] = (0, -1, [])
        self._files: dict[str, tuple[float, Path | None, str]] = {}
        """Id of a playbook -> when it was looked for, its file (None: none), and its own id."""
        self._folded: dict[str, tuple[int, int, Incident | None]] = {}

    def incident(self, identity: str) -> Incident | None:
        """An incident as it stands."""
        log = self.deck.state.incidents
        kept = self._folded.get(identity)
        if kept is None or kept[:2] != (id(log), log.revision):
            kept = self._folded[identity] = (id(log), log.revision, incident_of(log, identity))
        return kept[2]

    def incidents(self) -> list[Incident]:
        """All incidents in short, the newest first."""
        log = self.deck.state.incidents
        if self._heads[:2] != (id(log), log.revision):
            self._heads = (id(log), log.revision, heads(self.deck.state))
        return self._heads[2]

    def playbook(self, identity: str) -> Playbook | None:
        """A playbook by its id, as it is on disk now; where its file lies is asked now and then."""
        if not identity:
            return None
        now = time.monotonic()
        known = self._files.get(identity)
        if known is not None and now - known[0] < FILE_FOR_S:
            if known[1] is None:
                return None
            found = open_playbook(known[1], known[2])
            if found is not None:
                return found
        found = find_playbook(identity, self.deck.config.file)
        file = Path(found.file) if found is not None else None
        self._files[identity] = (now, file, found.id if found is not None else identity)
        return found

    def inhibited(self) -> dict[str, str]:
        """Playbook that need not be walked now -> title of the one that says so, which is walked in
        an open incident."""
        found: dict[str, str] = {}
        for head in self.incidents():
            one = self.incident(head.id) if not head.over else None
            for walk in one.walks.values() if one is not None else ():
                playbook = self.playbook(walk.playbook)
                for other in playbook.inhibits if playbook is not None else ():
                    found[other] = walk.title
        return found

    def walked(self) -> dict[str, Walked]:
        """Playbook -> when it was walked last, and when the incident was resolved or mitigated
        with it. Only incidents in which a step was begun count."""
        found: dict[str, Walked] = {}
        for head in self.incidents():
            one = self.incident(head.id)
            for walk in one.walks.values() if one is not None else ():
                times = [step.at for step in walk.steps.values() if step.at is not None]
                if one is None or not times:
                    continue
                well = one.over and any(step.state == "done" for step in walk.steps.values())
                known = found.get(walk.playbook, Walked())
                success = [t for t in (known.success, one.resolved_at if well else None) if t]
                last = [t for t in (known.last, max(times)) if t]
                found[walk.playbook] = Walked(
                    last=max(last, default=None), success=max(success, default=None)
                )
        return found

    @property
    def folder(self) -> Path:
        """Where commands are run, unless they say otherwise."""
        file = self.deck.config.file
        return file.parent.absolute() if file is not None else Path.cwd()

    def place_after(self, place: Place, kept_at: float) -> Place:
        """Where the operator stood: the step they worked on last (the next one, where that was
        then done or skipped), if that was after their place was kept; a session that is cut off
        has not always the time to keep it."""
        newest, at_s = place, kept_at
        for head in self.incidents():
            one = self.incident(head.id) if not head.over else None
            for happening in one.happenings if one is not None else ():
                if happening.type not in _AT_A_STEP or happening.by != self.deck.operator:
                    continue
                step, playbook = happening.data.get("step", ""), happening.data.get("playbook")
                at = parse_wall(happening.at)
                if at is None or at.timestamp() < at_s:
                    continue
                if isinstance(step, str) and isinstance(playbook, str):
                    at_s = at.timestamp()
                    if happening.data.get("state") in ("done", "skipped"):
                        step = self._next_step(playbook, step)
                    newest = Place(mode="deck", incident=head.id, playbook=playbook, key=step)
        return newest

    def _next_step(self, playbook: str, step: str) -> str:
        found = self.playbook(playbook)
        ids = [each.id for each in found.steps] if found is not None else []
        later = ids[ids.index(step) + 1 :] if step in ids else []
        return later[0] if later else step
