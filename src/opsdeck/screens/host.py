"""What every screen may ask of the app: the Deck, the journal's thread, a word to the operator."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from queue import Queue
from typing import TYPE_CHECKING

from textual import events
from textual.app import App
from textual.binding import Binding

from opsdeck.background import JournalThread
from opsdeck.deck import Deck, Touched
from opsdeck.errors import NotSavedError
from opsdeck.journal.store import Saved
from opsdeck.journal.writing import Draft
from opsdeck.screens.base import Frame
from opsdeck.screens.checking import Checking
from opsdeck.screens.typeahead import Typeahead
from opsdeck.session import Place, Session
from opsdeck.widgets.glyphs import Glyphs

if TYPE_CHECKING:
    from opsdeck.catalog.gauges import GaugeSpec
    from opsdeck.screens.live import Live
    from opsdeck.screens.walks import Walks
    from opsdeck.watching import Watching

SLOW_SAVE_S = 0.15
"""A save that takes longer than this is announced."""

_KEY_NAMES = {"↑": "up", "↓": "down", "←": "left", "→": "right", "⏎": "enter", "⌫": "backspace"}


class DeckHost(App[int]):
    """The app's services; the app itself adds the screens."""

    def __init__(self, deck: Deck, glyphs: Glyphs) -> None:
        # Without colours nothing but the terminal's own may be sent, not even greys.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") is not None else None)
        self.deck = deck
        self.glyphs = glyphs
        self.journal_thread = JournalThread()
        self.session = Session(deck.journal.home, deck.operator)
        self.unsaved: list[Draft] = []
        self.unsaved_reason = ""
        self.key_problems: list[str] = []
        """What is wrong with `[keys]` in opsdeck.toml."""
        self.opening = False
        """An act was asked for that may be about to open its form."""
        self.checking = Checking(self)
        self.live: Live | None = None
        """The gauges in the app; they begin once the first screen is painted."""
        self._walks: Walks | None = None
        self._acts = asyncio.Lock()
        self._retries = asyncio.Lock()
        self._typeahead = Typeahead(self)
        self.typed_at: datetime | None = None
        """When the operator last pressed a key, whatever it did."""

    def on_mount(self) -> None:
        """Output waits for the terminal, and the app never does.

        Textual's thread that writes takes thirty pieces and then keeps the event loop waiting: on a
        terminal that reads no more, not even a signal would get through.
        """
        waiting = self._output_queue()
        if waiting is not None:
            waiting.maxsize = 0

    def _output_queue(self) -> Queue[str | None] | None:
        """What was written and has not left yet; None where there is no terminal."""
        writer = getattr(self._driver, "_writer_thread", None)
        return getattr(writer, "_queue", None)

    def get_key_display(self, binding: Binding) -> str:
        """A key's name as this terminal can show it."""
        shown = super().get_key_display(binding)
        return self.glyphs.plain(_KEY_NAMES.get(shown, shown)) if self.glyphs.ascii else shown

    async def on_event(self, event: events.Event) -> None:
        """Keys go one after the other, each to where the one before it led."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self.is_running and self._typeahead.admits(event):
            self.typed_at = self.deck.now()
            target = self.focused or self.screen
            await super().on_event(event)
            self._typeahead.sent(target)

    @property
    def saving(self) -> bool:
        """Whether an act is on its way to the disk."""
        return self._acts.locked()

    async def commit(self, *drafts: Draft) -> bool:
        """Put events on disk, then show them; False (and a banner) when that failed.

        What was not saved is kept, so that the operator may try again without typing it anew.
        """
        return await self.commit_next(lambda: list(drafts))

    async def commit_next(self, make: Callable[[], list[Draft]]) -> bool:
        """Like `commit`, for events that are made only once all acts before them are shown."""
        self.opening = False
        async with self._acts:
            return await self._commit(make())

    async def commit_unasked(self, drafts: list[Draft]) -> bool:
        """Like `commit`, for events that come of themselves: no key that was typed waits for it."""
        async with self._acts:
            return await self._commit(drafts)

    async def _commit(self, wanted: list[Draft]) -> bool:
        loop = asyncio.get_running_loop()
        slow = loop.call_later(SLOW_SAVE_S, self.say, "saving ...", "warn")
        deck, after = self.deck, self.deck.state.max_clock

        def write() -> Saved:
            return deck.write(wanted, after)

        try:
            saved = await self.journal_thread.run(write)
        except NotSavedError as error:
            self.unsaved += wanted
            self.unsaved_reason = str(error).removeprefix("not saved: ")
            self.show_changes(None)
            return False
        finally:
            slow.cancel()
        touched = deck.absorb(saved)
        if self._walks is not None:
            self._walks.take(touched)
        self.show_changes(touched)
        return True

    def withdraw(self, drafts: list[Draft]) -> None:
        """What could not be saved is no longer meant: trying again leaves it out."""
        self.unsaved = [kept for kept in self.unsaved if not any(kept is d for d in drafts)]
        self.show_changes(None)

    async def retry(self) -> None:
        """Try to save what could not be saved."""
        async with self._retries:  # a second one is for what the first could not save either
            wanted, self.unsaved = self.unsaved, []
            if wanted and await self.commit(*wanted):
                self.unsaved_reason = ""
                self.say(f"saved {len(wanted)} after all", "good")

    def show_changes(self, touched: Touched | None) -> None:
        """Have the screen show what State says now."""
        screen = self._top()
        if screen is not None:
            screen.state_changed(touched)

    def show_checking(self) -> None:
        """Have the screen show how far the looks are that are under way."""
        screen = self._top()
        if screen is not None and screen.ready:
            screen.checking_changed()

    # Incidents

    @property
    def walks(self) -> Walks:
        """What is walked; imported when first needed."""
        if self._walks is None:
            from opsdeck.screens.walks import Walks

            self._walks = Walks(self)
        return self._walks

    def show_walks(self) -> None:
        """Have the screen show what a diagnostic saw or a command printed."""
        screen = self._top()
        if screen is not None and screen.ready:
            screen.walks_changed()

    def open_incident(self, identity: str, playbook: str = "", step: str = "") -> None:
        """Show an incident above the present screen, in place of another one."""
        from opsdeck.screens.incident import IncidentScreen

        screen = IncidentScreen(identity, playbook, step)
        if isinstance(self.screen, IncidentScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    # Gauges

    @property
    def watching(self) -> Watching | None:
        """The gauges; None until they begin."""
        return self.live.watching if self.live is not None else None

    @property
    def slow(self) -> bool:
        """Whether the link is treated as a bad one."""
        return self.live.slow if self.live is not None else self.deck.config.ui.refresh == "slow"

    def be_slow(self, slow: bool) -> None:
        """Every five seconds and no trends, or every second."""
        if self.live is not None:
            self.live.be_slow(slow)

    def show_gauges(self) -> None:
        """Have the screen show the gauges' newest values."""
        screen = self._top()
        if screen is not None and screen.ready:
            screen.gauges_changed()

    def open_gauge(self, identity: str, moment: float | None = None) -> None:
        """Show one gauge above the present screen, as it is or was at a moment."""
        raise NotImplementedError

    async def agree_to_gauge(self, spec: GaugeSpec) -> None:
        """Ask whether a gauge may run its command."""
        from opsdeck.screens.live import agree_to_gauge

        await agree_to_gauge(self, spec)

    def output_waits(self) -> bool:
        """Whether what was written before has not left for the terminal yet."""
        waiting = self._output_queue()
        return waiting is not None and waiting.qsize() > 0

    def ask_for_echo(self) -> None:
        """Ask the terminal something that it answers at once."""

    def say(self, text: str, style: str = "") -> None:
        """A word to the operator, on the line above the keys; beneath a form, if one is open."""
        frames = [screen for screen in self.screen_stack if isinstance(screen, Frame)]
        if frames:
            frames[-1].say(text, style)

    def keep_place(self) -> None:
        """Remember soon where the operator stands."""
        raise NotImplementedError

    def place_now(self) -> Place | None:
        """Where the operator stands; of forms and pages, which are no place, what lies beneath."""
        frames = [screen for screen in self.screen_stack if isinstance(screen, Frame)]
        return next((place for frame in reversed(frames) if (place := frame.place())), None)

    def _top(self) -> Frame | None:
        """The screen in front; None for a form, and while the app ends."""
        stack = self.screen_stack
        return stack[-1] if stack and isinstance(stack[-1], Frame) else None

    def modes(self) -> tuple[tuple[str, str, str, str], ...]:
        """The screens that digits switch to: digit, mode, name, what it shows."""
        raise NotImplementedError

    def open_mode(self, mode: str) -> None:
        """Show one of those screens."""
        raise NotImplementedError

    def open_checklist(
        self, checklist_id: str, run: str | None = None, item: str | None = None
    ) -> None:
        """Show a checklist in a run (None: the current one), the cursor on an item."""
        raise NotImplementedError

    def action_help(self) -> None:
        """Show the keys that apply and what the glyphs mean."""
        raise NotImplementedError

    def place_of(self, **more: str | None) -> Place:
        """The place of the current mode."""
        return Place(mode=self.current_mode, **more)
