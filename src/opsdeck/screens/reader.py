"""A page to read: help, an item in full, an event as it stands in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from opsdeck.deck import Touched
from opsdeck.screens.base import Frame
from opsdeck.session import Place
from opsdeck.widgets.lines import Line, LineView


class Page(LineView, can_focus=True):
    """Lines that scroll."""

    DEFAULT_CSS = """
    Page { height: 1fr; padding: 0 1; }
    """


class Reader(Frame):
    """Lines that a function of the width builds, to be scrolled and left."""

    AUTO_FOCUS = "Page"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,h,left", "back", "back", id="reader.back", tooltip="Back"),
        Binding("down,j", "lines(1)", "down", id="reader.down", tooltip="A line down"),
        Binding("up,k", "lines(-1)", "up", id="reader.up", tooltip="A line up"),
        Binding("pagedown,space", "pages(1)", "page", id="reader.pagedown", tooltip="A page down"),
        Binding("pageup", "pages(-1)", show=False, id="reader.pageup", tooltip="A page up"),
        Binding("home,g", "lines(-100000)", show=False, id="reader.top", tooltip="To the top"),
        Binding("end,G", "lines(100000)", show=False, id="reader.end", tooltip="To the end"),
    ]

    def __init__(self, title: str, build: Callable[[int], Sequence[Line]]) -> None:
        super().__init__()
        self._title = title
        self._build_page = build

    def heading(self) -> str:
        """What is read."""
        return self._title

    def body(self) -> Iterable[Widget]:
        """The page."""
        yield Page(self._build_page, id="page")

    def changed(self, touched: Touched | None) -> None:
        """What is read may have changed."""
        self.view("page").rebuild()

    def place(self) -> Place | None:
        """A page is no place to come back to."""
        return None

    def action_back(self) -> None:
        """To the screen before."""
        self.dismiss()

    def action_lines(self, by: int) -> None:
        """Scroll by lines."""
        self.view("page").scroll_lines(by)

    def action_pages(self, by: int) -> None:
        """Scroll by pages."""
        page = self.view("page")
        page.scroll_lines(by * max(1, page.size.height - 1))
