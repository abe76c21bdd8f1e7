"""The journal, newest first: everything that happened, and each event as it stands on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from itertools import islice
from typing import ClassVar

import msgspec
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from opsdeck.deck import Touched
from opsdeck.journal.events import Recorded
from opsdeck.journal.paging import newest_first
from opsdeck.screens.base import Frame
from opsdeck.screens.deck_rows import nothing_yet
from opsdeck.screens.reader import Reader
from opsdeck.screens.wording import event_text, event_time
from opsdeck.session import Place
from opsdeck.text import plural, visible
from opsdeck.widgets.lines import Line, Part, Row, fit, wrap
from opsdeck.widgets.list import LineList

PAGE = 500


class JournalScreen(Frame):
    """All events; older ones are read as the cursor comes near them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "z",
            "zone",
            "UTC or local",
            id="journal.zone",
            tooltip="Times in UTC or the deck's zone",
        ),
    ]

    LABELS: ClassVar[dict[str, str]] = {"list.open": "event in full"}

    def __init__(self) -> None:
        super().__init__()
        self._events: list[Recorded] = []
        self._older: Iterator[Recorded] | None = None
        self._reading = False
        self._utc = False

    def heading(self) -> str:
        """How much there is, and in which zone its times are."""
        zone = "UTC" if self._utc else self.deck.config.timezone
        return f"Journal · {plural(self.deck.state.count, 'event')} · {zone}"

    def body(self) -> Iterable[Widget]:
        """One list."""
        yield LineList(self._rows, self.glyphs.cursor, id="rows")

    @property
    def rows(self) -> LineList:
        """The list."""
        return self.query_one("#rows", LineList)

    def place(self) -> Place | None:
        """The journal itself."""
        return self.host.place_of()

    def changed(self, touched: Touched | None) -> None:
        """New events come on top."""
        recent = self.deck.state.recent()
        known = {r.id for r in self._events}
        if known.isdisjoint(r.id for r in recent):
            # More happened than State keeps: what lies between is read again from the files.
            self._events, self._older = [], None
        newest = [r for r in recent if r.id not in known]
        self._events = sorted([*newest, *self._events], key=lambda r: r.key, reverse=True)
        at_top = self.rows.key is None or self.rows.key == next(iter(self.rows.keys), None)
        self.rows.rebuild()
        if at_top:
            self.rows.action_edge(-1)

    def action_zone(self) -> None:
        """Show times in UTC, or in the deck's zone."""
        self._utc = not self._utc
        self.state_changed(None)

    @on(LineList.Moved)
    def _near_the_end(self, event: LineList.Moved) -> None:
        ids = self.rows.keys
        if event.key is None or event.key not in ids[-60:] or self._reading:
            return
        if len(self._events) < self.deck.state.count:
            self._reading = True
            self.run_worker(self._read_older(), group="older")

    async def _read_older(self) -> None:
        deck = self.deck
        if self._older is None:
            self._older = newest_first(deck.journal.folder)
        older = self._older
        more = await self.host.journal_thread.run(lambda: list(islice(older, PAGE)))
        known = {r.id for r in self._events}
        self._events += [r for r in more if r.id not in known]
        self._events.sort(key=lambda r: r.key, reverse=True)
        self._reading = False
        self.rows.rebuild()

    def _rows(self, width: int) -> list[Row]:
        zone = UTC if self._utc else self.deck.zone
        glyphs = self.glyphs
        rows = []
        for recorded in self._events:
            at = event_time(recorded.event)
            stamp = f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else "(no time)"
            text = fit(
                glyphs.plain(event_text(recorded.event, self.deck.catalog)),
                width - 23,
                glyphs.ellipsis,
            )
            rows.append(Row((Part(f" {stamp:<19}  ", "dim"), Part(text)), recorded.id))
        return rows or [nothing_yet(width, glyphs)]

    @on(LineList.Chosen)
    def _open(self, event: LineList.Chosen) -> None:
        recorded = next((r for r in self._events if r.id == event.key), None)
        if recorded is not None:
            self.app.push_screen(Reader(f"Event {visible(recorded.id)}", self._full(recorded)))

    def _full(self, recorded: Recorded) -> Callable[[int], list[Line]]:
        glyphs = self.glyphs

        def build(width: int) -> list[Line]:
            text = msgspec.json.format(msgspec.json.encode(recorded.event), indent=2).decode()
            lines: list[Line] = [
                (Part(f"in journal/{visible(recorded.writer)}.jsonl, line by line:", "dim"),),
                (),
            ]
            for raw in text.splitlines():
                indent = len(raw) - len(raw.lstrip())
                for part in wrap(glyphs.plain(visible(raw)), width - indent) or [""]:
                    lines.append((Part(" " * indent + part),))
            return lines

        return build
