"""Shown while a long journal is read: how far it is, and that q leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from opsdeck.screens.base import Frame
from opsdeck.session import Place
from opsdeck.widgets.glyphs import bar
from opsdeck.widgets.lines import Line, LineView, Part


class LoadingScreen(Frame):
    """A progress bar."""

    AUTO_FOCUS = ""
    CSS = "LoadingScreen #progress { height: 1fr; padding: 1 2; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "app.quit", "quit", id="loading.quit", tooltip="Leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._done = 0
        self._total = 1

    def body(self) -> Iterable[Widget]:
        """The bar."""
        yield LineView(self._lines, id="progress")

    def place(self) -> Place | None:
        """No place to come back to."""
        return None

    def heading(self) -> str:
        """What is going on."""
        return "reading the journal"

    def advance(self, done: int, total: int) -> None:
        """So many bytes of the whole are read."""
        self._done, self._total = done, max(total, 1)
        self.view("progress").rebuild()

    def _lines(self, width: int) -> list[Line]:
        cells = max(8, min(60, width - 20))
        line = bar(self.glyphs, self._done, self._total, cells)
        percent = 100 * self._done // self._total
        return [
            (Part("Reading the journal", "strong"),),
            (),
            (Part(line, "bar"), Part(f"  {percent:>3} %")),
            (),
            (
                Part(
                    f"{self._total / 1e6:,.0f} MB. The next start is quick: what was read is kept.",
                    "dim",
                ),
            ),
        ]
