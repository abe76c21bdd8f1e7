"""The Gauges screen: every gauge by its source, live, paused, or as it was some time ago."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from opsdeck.deck import Touched
from opsdeck.gauges.words import worst_words
from opsdeck.screens.gauge_rows import columns, gauge_line, source_title
from opsdeck.screens.past import PastKeys
from opsdeck.screens.rows import RowsFrame
from opsdeck.widgets.lines import Part, Row, fit
from opsdeck.widgets.list import LineList


class GaugesScreen(PastKeys, RowsFrame):
    """All gauges."""

    KEYS = ("list.open", "gauges.pause", "gauges.back", "gauges.forward", "gauges.processes")
    LABELS: ClassVar[dict[str, str]] = {"list.open": "open"}
    BINDINGS: ClassVar[list[BindingType]] = [
        *PastKeys.BINDINGS,
        Binding("t", "processes", "top", id="gauges.processes", tooltip="Top processes"),
        Binding("escape", "live", show=False, id="gauges.live", tooltip="Back to live"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._hostname = socket.gethostname()

    def heading(self) -> str:
        """How many are bad, or which time is shown."""
        watching = self.host.watching
        if watching is None:
            return "Gauges"
        if self.moment is not None:
            return f"Gauges {self.moment_words()}"
        gauges = watching.board.gauges()
        known = bool(gauges) and all(gauge.level is not None for gauge in gauges)
        words = worst_words(gauges) or ("all ok" if known else "")
        pace = "slow: every 5 s" if self.host.slow else ""
        return "   ".join(part for part in ("Gauges", words, pace) if part)

    def body(self) -> Iterable[Widget]:
        """One list."""
        rows = LineList(self._rows, self.glyphs.cursor, id="rows")
        rows.want(self.first)
        yield rows

    def chosen_gauge(self) -> str | None:
        """The gauge under the cursor."""
        return self.rows.key if self.ready else None

    def changed(self, touched: Touched | None) -> None:
        """The list may have others in it."""
        self.rows.rebuild()

    def moment_changed(self) -> None:
        """Another time is shown."""
        self.rows.rebuild()

    def gauges_changed(self) -> None:
        """New values: shown, unless another time is."""
        if self.moment is None:
            self.rows.rebuild()
            self.view("header").rebuild()

    @on(LineList.Chosen)
    def _open(self, event: LineList.Chosen) -> None:
        if event.key:
            self.host.open_gauge(event.key, self.moment)

    # The rows

    def _rows(self, width: int) -> list[Row]:
        glyphs, watching = self.glyphs, self.host.watching
        if watching is None or not (gauges := watching.board.gauges()):
            return [Row((Part("   the first values come in a moment", "dim"),))]
        cols = columns(width)
        turns = self.deck.state.gauges.get(self.deck.journal.writer, {})
        rows: list[Row] = []
        source = None
        for gauge in gauges:
            if gauge.spec.source != source:
                source = gauge.spec.source
                rows.append(self._title(source_title(source, self._hostname), width))
            seen = self.seen(gauge, turns.get(gauge.spec.id, ()))
            line = gauge_line(gauge, seen, cols, glyphs, trends=not self.host.slow)
            rows.append(Row(line, gauge.spec.id))
        return rows

    def _title(self, text: str, width: int) -> Row:
        text = fit(self.glyphs.plain(text), min(cell_len(text), width - 4), self.glyphs.ellipsis)
        rule = self.glyphs.rule * max(0, width - cell_len(text) - 3)
        return Row((Part(f" {text} ", "title"), Part(rule, "dim")))

    def action_processes(self) -> None:
        """t: what runs here."""
        from opsdeck.screens.processes import ProcessesScreen

        self.app.push_screen(ProcessesScreen())
