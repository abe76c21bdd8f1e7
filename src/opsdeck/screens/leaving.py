"""Leaving the app: by choice, by signal, with the terminal gone; and the way back from each."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Protocol, runtime_checkable

from textual.timer import Timer

from opsdeck.deck import Deck
from opsdeck.journal.writing import Draft
from opsdeck.screens.host import DeckHost
from opsdeck.session import Place
from opsdeck.widgets.glyphs import Glyphs

KEEP_PLACE_AFTER_S = 0.3


@runtime_checkable
class Outliving(Protocol):
    """A screen that holds what must not be lost with the session."""

    def keep_at_once(self) -> None:
        """Keep it, now."""


class Leaving(DeckHost):
    """What the app does when it ends, and keeps so that the next session begins there."""

    def __init__(self, deck: Deck, glyphs: Glyphs) -> None:
        super().__init__(deck, glyphs)
        self.place_read = False
        """Whether the last session's place was taken over: before, it must not be written over."""
        self._place_timer: Timer | None = None
        self._left = False
        """Whether the operator left by choice: no place is kept from then on."""
        self._warned_of: list[Draft | str] = []

    def keep_place(self) -> None:
        """Before the first screen there is no place, and the last session's is still needed."""
        if self.place_read and self._place_timer is None:
            self._place_timer = self.set_timer(KEEP_PLACE_AFTER_S, self._place_rested)

    def _place_rested(self) -> None:
        self._place_timer = None
        if not self.is_running:
            return  # its screens are going: none can tell any more
        place = self.place_now()
        if place is not None:
            self.run_worker(self.journal_thread.run(lambda: self._keep(place)), group="place")

    def _keep(self, place: Place) -> None:
        """Off the event loop, when its turn comes: the operator may have left meanwhile."""
        if not self._left:
            self.session.keep(place)
        if self._left:
            self.session.forget()

    def _keep_place_at_once(self) -> None:
        place = self.place_now() if self.place_read else None
        if place is not None:
            self.session.keep(place)

    # Leaving

    async def action_retry(self) -> None:
        """Try to save again."""
        self.run_worker(self.retry(), group="act")

    def action_leave(self) -> None:
        """Leave by choice: the next session begins at the deck."""
        if (self.unsaved or self._run_here()) and not self._leaving_twice():
            return
        self._left = True
        self.session.forget()
        self.exit(0)

    def action_interrupt(self) -> None:
        """ctrl+c is typed by habit; it neither leaves nor kills."""
        self.say("q leaves; everything shown is on disk")

    def _run_here(self) -> list[str]:
        """Names of commands that were started here and still run."""
        running = self._walks.walking.running.values() if self._walks is not None else ()
        return [each.ready.name for each in running]

    def _leaving_twice(self) -> bool:
        warned_of: list[Draft | str] = [*self.unsaved, *self._run_here()]
        if self._warned_of == warned_of:
            return True
        self._warned_of = warned_of
        if not self.unsaved:
            names = ", ".join(self._run_here())
            self.say(f"{names} still runs: q once more leaves, and it goes on", "warn")
            return False
        self.say("something is not saved: ctrl+r tries again, q once more leaves without it", "bad")
        return False

    def catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGHUP, self._hung_up)
            loop.add_signal_handler(signal.SIGTERM, self._told_to_end)
        except (NotImplementedError, RuntimeError, ValueError):
            return  # not in the main thread: whoever embeds the app handles its signals

    def _hung_up(self) -> None:
        """The terminal is gone: nothing may be painted any more, so leave at once."""
        self._keep_place_at_once()
        self._keep_typed()
        self.leave_gauges()
        self.journal_thread.wait_idle(0.5)
        os._exit(129)

    def _keep_typed(self) -> None:
        """What stands in an editor whose text outlives the session."""
        for screen in self.screen_stack:
            if isinstance(screen, Outliving):
                screen.keep_at_once()

    def _told_to_end(self) -> None:
        self._keep_place_at_once()
        self._keep_typed()
        self.exit(143)

    def leave_gauges(self) -> None:
        if self.live is not None:
            self.live.watching.leave()
