"""A list with a cursor: moving it repaints two rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from opsdeck.widgets.lines import Line, LineView, Row


class LineList(LineView, can_focus=True):
    """Rows that a function of the width builds; the cursor stands on rows that have a key."""

    DEFAULT_CSS = """
    LineList { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="list.up", show=False, tooltip="One row up"),
        Binding("down,j", "move(1)", "Down", id="list.down", show=False, tooltip="One row down"),
        Binding(
            "pageup,ctrl+b",
            "page(-1)",
            "Page up",
            id="list.pageup",
            show=False,
            tooltip="A page up",
        ),
        Binding(
            "pagedown,ctrl+f",
            "page(1)",
            "Page down",
            id="list.pagedown",
            show=False,
            tooltip="A page down",
        ),
        Binding("home,g", "edge(-1)", "First", id="list.first", show=False, tooltip="First row"),
        Binding("end,G", "edge(1)", "Last", id="list.last", show=False, tooltip="Last row"),
        Binding("enter", "choose", "open", key_display="enter", id="list.open", tooltip="Open it"),
        Binding("l,right", "choose", show=False, id="list.open_right", tooltip="Open it"),
    ]

    class Moved(Message):
        """The cursor stands on another row."""

        def __init__(self, sender: LineList, key: str | None) -> None:
            super().__init__()
            self.sender = sender
            self.key = key

        @property
        def control(self) -> LineList:
            """The list it happened in."""
            return self.sender

    class Chosen(Moved):
        """The operator opened the row under the cursor."""

    def __init__(
        self, build: Callable[[int], Sequence[Row]], cursor_glyph: str, *, id: str | None = None
    ) -> None:
        super().__init__(self._lines_of, id=id)
        self.cursor_glyph = cursor_glyph
        self._build_rows = build
        self._keys: list[str | None] = []
        self._cursor = -1
        self._wanted: str | None = None

    def _lines_of(self, width: int) -> list[Line]:
        rows = self._build_rows(width)
        self._keys = [row.key for row in rows]
        return [row.line for row in rows]

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._keys[self._cursor] if 0 <= self._cursor < len(self._keys) else None

    @property
    def place_key(self) -> str | None:
        """The key to come back to: the wanted one, for as long as it has not come."""
        return self.key if self._wanted is None else self._wanted

    @property
    def keys(self) -> list[str]:
        """The keys the cursor may stand on, in order."""
        return [key for key in self._keys if key is not None]

    def want(self, key: str | None) -> None:
        """Put the cursor on this key, now or as soon as the list has it."""
        self._wanted = key
        if self.is_mounted:
            self._settle(self.key)

    def rebuild(self) -> None:
        """Build the rows again; the cursor stays on its key, or near where that was."""
        key, after = self.key, self._after_first()
        super().rebuild()
        self._settle(key, after)

    def _after_first(self) -> int:
        """Of several rows with the cursor's key: how many stand before it."""
        return self._cursor - self._keys.index(self.key) if self.key is not None else 0

    def _settle(self, key: str | None, after: int = 0) -> None:
        if self._wanted is not None and self._wanted in self._keys:
            key, after, self._wanted = self._wanted, 0, None
        if key is not None and key in self._keys:
            first = self._keys.index(key)
            again = self._keys[first : first + after + 1]
            self._put(first + (after if again == [key] * (after + 1) else 0))
        else:
            self._put(self._near(max(self._cursor, 0)))

    def _near(self, index: int) -> int:
        """The nearest row that has a key, -1 where there is none."""
        found = [i for i, key in enumerate(self._keys) if key is not None]
        return min(found, key=lambda i: abs(i - index), default=-1)

    def _put(self, index: int) -> None:
        old, self._cursor = self._cursor, index
        self._show_cursor()
        if old != index:
            self.repaint_line(old)
            self.repaint_line(index)
        self.post_message(self.Moved(self, self.key)) if old != index else None

    def _show_cursor(self) -> None:
        height = self.size.height
        if height <= 0:
            return
        if self._cursor < 0:
            self.scroll_lines(-self.top)
            return
        # The headings above the first row come into view with it.
        first = next((i for i, key in enumerate(self._keys) if key is not None), 0)
        at = 0 if self._cursor == first else self._cursor
        top = self.top
        if at < top:
            top = at
        elif self._cursor >= top + height:
            top = self._cursor - height + 1
        top = max(0, min(top, max(0, len(self._keys) - height)))
        if top != self.top:
            self.top = top
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the screen; the cursor's has a mark besides its colour."""
        strip = super().render_line(y)
        if self.cursor_glyph and y + self.top == self._cursor:
            width = self.size.width
            mark = Segment(self.cursor_glyph, self.style_of("accent", self.style_of("cursor")))
            return Strip.join([Strip([mark]), strip.crop(cell_len(self.cursor_glyph), width)])
        return strip

    def line_style(self, y: int) -> str:
        """The row under the cursor stands out."""
        return "cursor" if y == self._cursor else ""

    def action_move(self, by: int) -> None:
        """To the next row up or down that has a key."""
        self._wanted = None
        index = self._cursor + by
        while 0 <= index < len(self._keys) and self._keys[index] is None:
            index += by
        if 0 <= index < len(self._keys):
            self._put(index)

    def action_page(self, by: int) -> None:
        """A page up or down."""
        self._wanted = None
        step = max(1, self.size.height - 1)
        if self._cursor >= 0:
            self.scroll_lines(by * step)
            self._put(self._near(max(0, min(self._cursor + by * step, len(self._keys) - 1))))

    def action_edge(self, side: int) -> None:
        """To the first or last row."""
        self._wanted = None
        self._put(self._near(0 if side < 0 else len(self._keys) - 1))

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a second one on the same row opens it."""
        index = event.y + self.top
        if not 0 <= index < len(self._keys) or self._keys[index] is None:
            return
        self._wanted = None
        if index == self._cursor and event.chain > 1:
            self.action_choose()
        self._put(index)
