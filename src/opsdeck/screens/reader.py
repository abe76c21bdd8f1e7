"""A page to read and to find words in: help, an item in full, an event as it stands on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from opsdeck.deck import Touched
from opsdeck.screens.base import Frame
from opsdeck.session import Place
from opsdeck.widgets.lines import Line, LineView


class Page(LineView, can_focus=True):
    """Lines that scroll; the one that was found stands out."""

    DEFAULT_CSS = """
    Page { height: 1fr; padding: 0 1; }
    """

    def __init__(self, build: Callable[[int], Sequence[Line]], *, id: str) -> None:
        super().__init__(build, id=id)
        self.found: int | None = None

    def line_style(self, y: int) -> str:
        """The found line is laid on the cursor's ground."""
        return "cursor" if y == self.found else ""

    def show_found(self, y: int | None) -> None:
        """Bring a line into view and mark it."""
        before, self.found = self.found, y
        for line in (before, y):
            if line is not None:
                self.repaint_line(line)
        if y is not None and not self.top <= y < self.top + self.size.height:
            self.scroll_lines(y - self.top - self.size.height // 3)


class Reader(Frame):
    """Lines that a function of the width builds, to be scrolled and left."""

    AUTO_FOCUS = "Page"
    DEFAULT_CSS = """
    Reader #find { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
    Reader #find.-shown { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,h,left", "back", "back", id="reader.back", tooltip="Back"),
        Binding("down,j", "lines(1)", "down", id="reader.down", tooltip="A line down"),
        Binding("up,k", "lines(-1)", "up", id="reader.up", tooltip="A line up"),
        Binding("pagedown,space", "pages(1)", "page", id="reader.pagedown", tooltip="A page down"),
        Binding("pageup", "pages(-1)", show=False, id="reader.pageup", tooltip="A page up"),
        Binding("home,g", "lines(-100000)", show=False, id="reader.top", tooltip="To the top"),
        Binding("end,G", "lines(100000)", show=False, id="reader.end", tooltip="To the end"),
        Binding(
            "slash", "find", "find", key_display="/", id="reader.find", tooltip="Find words here"
        ),
        Binding("n", "again(1)", show=False, id="reader.next", tooltip="The next that was found"),
        Binding("N", "again(-1)", show=False, id="reader.previous", tooltip="The one before"),
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
        find = Input(id="find", placeholder="words to find; enter, then n and N")
        find.cursor_blink = False
        find.can_focus = False
        yield find

    @property
    def page(self) -> Page:
        """The page."""
        return self.query_one("#page", Page)

    def changed(self, touched: Touched | None) -> None:
        """What is read may have changed."""
        self.view("page").rebuild()

    def place(self) -> Place | None:
        """A page is no place to come back to."""
        return None

    def action_back(self) -> None:
        """To the screen before; the line to find with goes first."""
        if self.query_one("#find", Input).has_class("-shown"):
            self.page.show_found(None)
            self._leave_find()
        else:
            self.dismiss()

    def action_find(self) -> None:
        """Ask for words."""
        find = self.query_one("#find", Input)
        find.add_class("-shown")
        find.can_focus = True
        self.set_focus(find)  # at once: what is typed behind the / goes there

    @on(Input.Changed, "#find")
    def _typed(self, event: Input.Changed) -> None:
        if event.input.has_focus:
            self._go_to_found(self.page.top, 1, here_too=True)

    @on(Input.Submitted, "#find")
    def _submitted(self) -> None:
        self._leave_find()

    def _leave_find(self) -> None:
        find = self.query_one("#find", Input)
        find.remove_class("-shown")
        find.can_focus = False
        self.set_focus(self.page)

    def action_again(self, by: int) -> None:
        """The next line that holds the words, around the end."""
        page = self.page
        self._go_to_found(page.top if page.found is None else page.found, by)

    def _go_to_found(self, start: int, by: int, *, here_too: bool = False) -> None:
        words = self.query_one("#find", Input).value.casefold()
        lines = [line.casefold() for line in self.page.plain_lines()]
        if not words:
            self.page.show_found(None)
            return
        first = 0 if here_too else 1
        for step in range(first, len(lines) + 1):
            y = (start + step * by) % len(lines)
            if words in lines[y]:
                self.page.show_found(y)
                return
        self.page.show_found(None)
        self.say("not found here", "warn")

    def action_lines(self, by: int) -> None:
        """Scroll by lines."""
        self.view("page").scroll_lines(by)

    def action_pages(self, by: int) -> None:
        """Scroll by pages."""
        page = self.view("page")
        page.scroll_lines(by * max(1, page.size.height - 1))
