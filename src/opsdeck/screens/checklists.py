"""All checklists by section, with progress and what is due."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from opsdeck.catalog.model import Checklist
from opsdeck.deck import Touched
from opsdeck.runs.progress import RunView
from opsdeck.screens.list_checks import ListChecks
from opsdeck.screens.wording import occasion, span
from opsdeck.session import Place
from opsdeck.text import visible
from opsdeck.widgets.glyphs import bar
from opsdeck.widgets.lines import Part, Row, fit
from opsdeck.widgets.list import LineList


class ChecklistsScreen(ListChecks):
    """The list of lists."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *ListChecks.BINDINGS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._first: str | None = None

    def start_at(self, key: str | None) -> None:
        """Put the cursor there, now or once the rows exist."""
        self._first = key
        for rows in self.query(LineList):
            rows.want(key)

    def heading(self) -> str:
        """What this is."""
        return "Checklists"

    def body(self) -> Iterable[Widget]:
        """One list."""
        rows = LineList(self._rows, self.glyphs.cursor, id="rows")
        rows.want(self._first)
        yield rows

    @property
    def rows(self) -> LineList:
        """The list."""
        return self.query_one("#rows", LineList)

    def changed(self, touched: Touched | None) -> None:
        """Progress may have changed."""
        self.rows.rebuild()

    def place(self) -> Place | None:
        """The list under the cursor."""
        return self.host.place_of(key=self.rows.key if self.ready else self._first)

    def lists_to_check(self) -> list[Checklist]:
        """The list under the cursor."""
        checklist = self.deck.catalog.checklist(self.rows.key or "")
        return [checklist] if checklist else []

    @on(LineList.Moved)
    def _moved(self) -> None:
        self.host.keep_place()

    @on(LineList.Chosen)
    def _open(self, event: LineList.Chosen) -> None:
        if event.key:
            self.host.open_checklist(event.key)

    def _rows(self, width: int) -> list[Row]:
        rows: list[Row] = []
        section = None
        for checklist in self.deck.catalog.checklists:
            if checklist.section != section:
                rows += [Row(())] if rows else []
                section = checklist.section
                rows.append(self._heading_row(section, width))
            rows.append(self._list_row(self.deck.view(checklist), width))
        return rows

    def _heading_row(self, section: str, width: int) -> Row:
        text = f" {self.glyphs.plain(visible(section))} "
        rule = self.glyphs.rule * max(0, width - cell_len(text))
        return Row((Part(text, "title"), Part(rule, "dim")))

    def _list_row(self, view: RunView, width: int) -> Row:
        glyphs = self.glyphs
        progress = f"   {bar(glyphs, view.done, view.total)}"
        count = f" {view.done:>2}/{view.total:<3}"
        state, style = self._state_words(view)
        right = f" {glyphs.plain(state)} "
        room = width - cell_len(progress) - cell_len(count) - cell_len(right)
        title = visible(view.checklist.title)
        where = f"  {occasion(view.run)}"
        cells = max(8, room - 18)
        name = fit(glyphs.plain(title), min(cells, 30), glyphs.ellipsis)
        body = fit(glyphs.plain(where), room - cell_len(name), glyphs.ellipsis)
        return Row(
            (
                Part(progress, "bar"),
                Part(count, "strong"),
                Part(name),
                Part(body, "dim"),
                Part(right, style),
            ),
            view.checklist.id,
        )

    def _state_words(self, view: RunView) -> tuple[str, str]:
        words, style = [], "dim"
        for state, how in (
            ("failed", "bad"),
            ("stale", "warn"),
            ("unknown", "warn"),
            ("deferred", "warn"),
        ):
            count = view.count(state)  # type: ignore[arg-type]
            if count:
                words.append(f"{count} {state}")
                style = how if style == "dim" else style
        if view.state.startswith("complete"):
            return (view.state, "good" if view.state == "complete" else "warn")
        if view.due is not None:
            words.append(f"due in {span(self.deck.now(), view.due)}")
        if not words:
            words.append(
                "not begun" if view.state == "not started" else f"{view.total - view.done} to do"
            )
        return (", ".join(words), style)
