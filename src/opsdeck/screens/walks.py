"""Incidents in the app: what was seen and printed in this session, and what still runs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from typing import TYPE_CHECKING

from opsdeck.errors import UsageError
from opsdeck.incidents.beside import events_beside
from opsdeck.incidents.commands import Ended, Printed, Ready
from opsdeck.incidents.found import Found
from opsdeck.incidents.timeline import is_beside
from opsdeck.journal.events import COMMAND_BEGAN, Recorded
from opsdeck.walking import Walking

if TYPE_CHECKING:
    from opsdeck.catalog.playbook import Playbook, Step
    from opsdeck.deck import Touched
    from opsdeck.incidents.model import Incident
    from opsdeck.journal.writing import Draft
    from opsdeck.screens.host import DeckHost

SETTLE_EVERY_S = 2.0
SHOW_EVERY_S = 0.25
MOST_BESIDE = 20_000

Place = tuple[str, str]
"""Digest of a playbook, and the id of one of its steps."""


class Walks:
    """The app's part of walking: everything that is not in the journal, and is lost with it."""

    def __init__(self, host: DeckHost) -> None:
        self.host = host
        self.walking = Walking(
            host.deck,
            os.environ,
            host.checking.looks,
            self._commit,
            lambda: host.watching.board if host.watching is not None else None,
        )
        self.found: dict[Place, dict[int, Found]] = {}
        self.looking: set[Place] = set()
        self._printed: dict[str, str] = {}
        """Number of a command -> what it printed in this session, its end."""
        self.cut: set[str] = set()
        """Numbers of those that printed more than is held."""
        self._blotted: dict[str, tuple[str, str]] = {}
        """The same as it was printed, and without secrets."""
        self.edited: dict[tuple[str, int], str] = {}
        """(digest, line of the command) -> its text as the operator changed it."""
        self.lacks: dict[tuple[str, int, str], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        """(digest, line, text) of a command -> programs and variables that are missing here."""
        self._beside: dict[str, list[Recorded]] = {}
        self._settled_at = float("-inf")
        self._settling = False
        self._shown_at = 0.0
        self._later = False

    async def _commit(self, drafts: list[Draft]) -> bool:
        saved = await self.host.commit_unasked(drafts)
        if not saved and any(draft.type == COMMAND_BEGAN for draft in drafts):
            # What was not begun must not be said to have been, once there is room again.
            self.host.withdraw(drafts)
            self.host.say(f"nothing is run: not saved: {self.host.unsaved_reason}", "bad")
        return saved

    # Following

    def follow(self) -> None:
        """About once a second: ask after commands that a session before this one had begun."""
        if self.host.unsaved or self.host.saving:
            # What could not be saved waits for the disk: it would only be said again. And what is
            # being saved may be the very end that would be asked after.
            return
        now = time.monotonic()
        if self._settling or now - self._settled_at < SETTLE_EVERY_S:
            return
        self._settled_at = now
        if self.host.deck.operator and self.walking.left_running():
            self._settling = True
            self.host.run_worker(self._settle(), group="settle")

    async def _settle(self) -> None:
        try:
            settled = await self.walking.settle()
        finally:
            self._settling = False
        if settled:
            self.host.say("a command that an earlier session had begun has ended: see its step")

    # What else happened

    def beside(self, one: Incident) -> list[Recorded]:
        """What happened beside an incident, as far as it was read."""
        return self._beside.get(one.id, [])

    async def read_beside(self, one: Incident) -> None:
        """Read what happened beside it before the app knew of it."""
        journal = self.host.deck.journal
        found = await self.host.journal_thread.run(lambda: events_beside(journal, one))
        known = {recorded.id for recorded in found}
        later = [r for r in self._beside.get(one.id, ()) if r.id not in known]
        self._beside[one.id] = [*found, *later]

    def take(self, touched: Touched) -> None:
        """New events: those of gauges and items belong to every incident that is open."""
        news = [Recorded(w, event) for w, event in touched.events if is_beside(event)]
        for kept in self._beside.values() if news else ():
            known = {recorded.id for recorded in kept[-500:]}
            kept += [recorded for recorded in news if recorded.id not in known]
            del kept[:-MOST_BESIDE]

    # Diagnostics

    def look(self, playbook: Playbook, step: Step) -> None:
        """Look with the step's diagnostics; the screen is told as they come."""
        place = (playbook.digest, step.id)
        if step.probes and place not in self.looking:
            self.looking.add(place)
            self.host.run_worker(self._look(place, step), group="look")

    async def _look(self, place: Place, step: Step) -> None:
        found = self.found.setdefault(place, {})

        def came(number: int, seen: Found) -> None:
            found[number] = seen
            self.show()

        try:
            await self.walking.look(step.probes, came)
        except UsageError as error:
            self.host.say(str(error), "warn")
        finally:
            self.looking.discard(place)
            self.show()

    # Commands

    def printed(self, number: str) -> str | None:
        """What a command printed in this session, its end, without secrets; None for others."""
        text = self._printed.get(number)
        if text is None:
            return None
        known = self._blotted.get(number)
        if known is None or known[0] is not text:
            from opsdeck.probes.redact import Redactor

            known = self._blotted[number] = text, Redactor(self.host.deck.secrets()).text(text)
        return known[1]

    def run(self, one: Incident, playbook: Playbook, step: Step, ready: Ready) -> None:
        """Run a command in the background of the app."""
        work = self._interact if ready.interactive else self._run
        self.host.run_worker(work(one, playbook, step, ready), group="command")

    async def _run(self, one: Incident, playbook: Playbook, step: Step, ready: Ready) -> None:
        numbers: list[str] = []

        def printed(_: Printed) -> None:
            running = self.walking.running.get(numbers[0])
            if running is not None:
                self._printed[numbers[0]] = running.text
                if running.cut:
                    self.cut.add(numbers[0])
            self.show_soon()

        def began(number: str) -> None:
            numbers.append(number)
            self.show()

        try:
            ended = await self.walking.run(one, playbook, step, ready, printed, began)
        except UsageError as error:
            self.host.say(str(error), "warn")
            return
        self._say_end(ready, ended)

    async def _interact(self, one: Incident, playbook: Playbook, step: Step, ready: Ready) -> None:
        """The app steps aside for a command that needs the terminal, and comes back."""
        from textual.app import SuspendNotSupported

        walking = self.walking
        number: str | None = None
        try:
            number = await walking.began(one, playbook, step, ready)
            if number is None:
                return
            with self.host.suspend():
                ended = interact(ready)
        except UsageError as error:
            self.host.say(str(error), "warn")
            return
        except SuspendNotSupported:
            ended = Ended(outcome="not started", reason="this terminal cannot be handed over")
        await walking.ended(one.id, playbook, step.id, number or "", ended)
        self._say_end(ready, ended)

    def _say_end(self, ready: Ready, ended: Ended | None) -> None:
        if ended is None:
            return
        well = ended.outcome == "exited" and ended.exit_code == 0
        how = f"ended with {ended.exit_code}" if ended.outcome == "exited" else ended.outcome
        why = f": {ended.reason}" if ended.reason else ""
        self.host.say(f"{ready.name}: {how}{why}", "good" if well else "bad")
        self.show()

    def stop(self, number: str) -> bool:
        """Stop a command, whichever session began it; False where it does not run here."""
        from opsdeck.incidents.commands import stop_left

        running = self.walking.running.get(number)
        if running is not None:
            running.stop()
            return True
        return stop_left(self.host.deck.journal.home, number)

    # Showing

    def show(self) -> None:
        """Have the screen in front show what came."""
        self._later = False
        self._shown_at = time.monotonic()
        self.host.show_walks()

    def show_soon(self) -> None:
        """The same, a few times a second at most: a command may print without end."""
        wait = SHOW_EVERY_S - (time.monotonic() - self._shown_at)
        if wait <= 0:
            self.show()
        elif not self._later:
            self._later = True
            asyncio.get_running_loop().call_later(wait, self._shown_later)

    def _shown_later(self) -> None:
        if self._later and self.host.is_running:
            self.show()


def interact(ready: Ready) -> Ended:
    """Run a command in the terminal itself; its output is not kept."""
    import signal

    began = time.monotonic()
    print(f"\n$ {ready.text}\n", flush=True)
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        done = subprocess.run(
            ready.argv, cwd=ready.cwd, env={**os.environ, **ready.env}, check=False
        )
    except OSError as error:
        where = error.filename or ready.argv[0]
        return Ended(outcome="not started", reason=f"{where}: {error.strerror or error}")
    finally:
        signal.signal(signal.SIGINT, before)
    took = round(time.monotonic() - began, 3)
    return Ended(outcome="exited", exit_code=done.returncode, duration_s=took)
