"""The Deck: what needs somebody now, what is due, what happened last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import BindingType
from textual.geometry import Size
from textual.widget import Widget

from opsdeck.catalog.model import Checklist
from opsdeck.deck import Touched
from opsdeck.runs.overview import concerns
from opsdeck.runs.progress import RunView
from opsdeck.screens.deck_due import due_rows
from opsdeck.screens.deck_rows import concern_row, last_rows
from opsdeck.screens.gauge_keys import GaugeKeys, open_playbook
from opsdeck.screens.list_checks import ListChecks
from opsdeck.screens.rows import RowsFrame
from opsdeck.widgets.lines import Part, Row, cut, fit
from opsdeck.widgets.list import LineList

MOST_CONCERNS = 4
GAUGE_LINES, MORE_GAUGE_LINES = 4, 8
TALL = 34
"""From so many rows on there is room for more gauges."""


class DeckScreen(ListChecks, GaugeKeys, RowsFrame):
    """The first screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *ListChecks.BINDINGS,
        *GaugeKeys.BINDINGS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._still: tuple[Size, list[Row], list[Row], list[Row]] | None = None
        """Size, and the rows of NOW, DUE and LAST that do not depend on gauges."""

    def body(self) -> Iterable[Widget]:
        """One list of everything."""
        rows = LineList(self._rows, self.glyphs.cursor, id="rows")
        rows.want(self.first)
        yield rows

    def changed(self, touched: Touched | None) -> None:
        """Everything here may depend on anything."""
        self._still = None
        self.rows.rebuild()

    def gauges_changed(self) -> None:
        """Only what shows gauges is made anew."""
        self.rows.rebuild()

    def chosen_gauge(self) -> str | None:
        """The gauge whose breach is under the cursor."""
        kind, _, rest = (self.rows.key or "").partition(" ")
        return rest if kind == "gauge" else None

    def action_playbook(self) -> None:
        """p: the playbook of the breach under the cursor; else of the worst one."""
        watching = self.host.watching
        breaches = watching.board.breaches() if watching is not None else []
        named = self.playbook_of_chosen()
        if named is None and self.chosen_gauge() is None:
            named = next((g.spec.playbook for g in breaches if g.spec.playbook), None)
        if named is not None:
            open_playbook(self, named)
        elif breaches:
            self.say("no playbook is named for this: playbook = in its [[gauge]] names one")
        else:
            self.say("no gauge is out of bounds: there is no playbook to call")

    def lists_to_check(self) -> list[Checklist]:
        """Everything."""
        return list(self.deck.catalog.checklists)

    def spared(self, run: str) -> str:
        """A release that is signed off: nobody has asked for its lists by name."""
        return self.deck.signed(run, off=True)

    @on(LineList.Chosen)
    def _open(self, event: LineList.Chosen) -> None:
        kind, _, rest = (event.key or "").partition(" ")
        if kind == "list":
            checklist, _, item = rest.partition(" ")
            self.host.open_checklist(checklist, item=item or None)
        elif kind == "run":
            checklist, _, run = rest.partition(" ")
            self.host.open_checklist(checklist, run=run)
        elif kind == "signoff":
            self._open_signoff(rest)
        elif kind == "event":
            self.host.open_mode("journal")
        elif kind == "incident":
            self.host.open_incident(rest)
        elif kind == "gauge":
            self.host.open_gauge(rest)
        elif kind == "gauges":
            self.host.open_mode("gauges")

    def _open_signoff(self, release: str) -> None:
        """Show the sign-off of a release."""
        from opsdeck.screens.signoff import SignoffScreen

        self.host.open_mode("signoff")
        screen = self.host.screen
        if isinstance(screen, SignoffScreen):
            if screen.release_name() != release:
                screen.seen = None
            current = release == self.deck.release()
            screen.start_at("form" if current else f"form {release}")

    # The rows

    def _rows(self, width: int) -> list[Row]:
        if self._still is None or self._still[0] != self.size:
            self._still = (self.size, *self._still_rows(width))
        _, now, due, last = self._still
        breaches = self._breaches(width)
        if breaches and now[0] == self._all_well(width):
            now = now[1:]
        return [
            *self._section("NOW", width),
            *breaches,
            *now,
            *self._section("DUE", width),
            *due,
            *self._gauges(width),
            *self._section("LAST", width),
            *last,
        ]

    def _still_rows(self, width: int) -> tuple[list[Row], list[Row], list[Row]]:
        deck = self.deck
        views = [deck.view(c) for c in deck.catalog.checklists]
        due = due_rows(deck, views, width, self.glyphs)
        return self._now(views, width), due, last_rows(deck, width, self.glyphs)

    # Gauges

    def _breaches(self, width: int) -> list[Row]:
        """What is out of bounds, the worst first, each with its playbook."""
        watching = self.host.watching
        if watching is None:
            return []
        from opsdeck.screens.deck_gauges import breach_rows

        deck, most = self.deck, self._most()
        inhibited = self.host.walks.walking.inhibited() if deck.state.incidents.heads else {}
        return breach_rows(watching, deck.config.file, width, self.glyphs, most, inhibited)

    def _gauges(self, width: int) -> list[Row]:
        watching = self.host.watching
        if watching is None or not watching.board.gauges():
            waiting = Row((Part("   the first values come in a moment", "dim"),))
            return [*self._section("GAUGES", width), waiting]
        from opsdeck.screens.deck_gauges import gauge_rows

        lines = GAUGE_LINES if self.size.height < TALL else MORE_GAUGE_LINES
        words, rows = gauge_rows(watching, width, self.glyphs, lines, trends=not self.host.slow)
        title = self._section(f"GAUGES  {words}" if words else "GAUGES", width)
        return [*(Row(row.line, "gauges") for row in title), *rows]

    def _most(self) -> int:
        """How many breaches and concerns are named, so that in 24 rows all sections are seen."""
        return MOST_CONCERNS if self.size.height < TALL else 2 * MOST_CONCERNS

    def _all_well(self, width: int) -> Row:
        glyph = self.glyphs.states["passed"]
        text = "Nothing needs you now. Enter opens the list under the bar."
        return Row(cut((Part(f"   {glyph} ", "good"), Part(text)), width, self.glyphs.ellipsis))

    def _section(self, name: str, width: int) -> list[Row]:
        rule = self.glyphs.rule * max(0, width - cell_len(name) - 2)
        return [Row((Part(f" {name} ", "title"), Part(rule, "dim")))]

    def _now(self, views: list[RunView], width: int) -> list[Row]:
        deck, glyphs = self.deck, self.glyphs
        now = deck.now()
        found = concerns(views, self._missed(), now, deck.reviews().overdue(views, now))
        most = self._most()
        rows = self._incidents(width)
        rows += [concern_row(c, width, glyphs) for c in found[:most]]
        if found[most:]:
            more = f"     and {len(found) - most} more: press 2 for all lists"
            rows.append(Row((Part(more, "dim"),)))
        if not rows:
            rows.append(self._all_well(width))
        if deck.config.file is None:
            hint = "No opsdeck.toml yet (`opsdeck init`): what only some teams use is inactive"
            line = fit(glyphs.plain(f"   {glyphs.dot} {hint}"), width, glyphs.ellipsis)
            rows.append(Row((Part(line, "dim"),)))
        return rows

    def _incidents(self, width: int) -> list[Row]:
        """Incidents that are open, first of all."""
        if not self.deck.state.incidents.heads:
            return []
        from opsdeck.screens.deck_incidents import open_rows

        return open_rows(self.deck, width, self.glyphs)

    def _missed(self) -> list[RunView]:
        deck = self.deck
        previous = [(c, deck.previous_run(c)) for c in deck.catalog.checklists]
        views = [deck.view(c, run) for c, run in previous if run]
        return [v for v in views if v.state == "missed"]
