"""One of several: a list above the present screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, LineView, Part, Row
from opsdeck.widgets.list import LineList

_AROUND = 4 + 3
"""Lines that frame, title and keys take."""


class Pick(ModalScreen[str | None]):
    """Which one? Gives the key of the chosen row, or None."""

    CSS = """
    Pick { align: center middle; background: $background 60%; }
    Pick > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 100%; padding: 1 2;
        background: $panel; border: round $primary;
    }
    Pick.-ascii > Vertical { border: ascii $primary; }
    Pick LineView { background: $panel; }
    Pick LineList { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,h,left", "cancel", "Cancel", id="pick.cancel", tooltip="None of them"),
    ]

    def __init__(
        self, title: str, rows: Callable[[int], Sequence[Row]], glyphs: Glyphs, *, does: str
    ) -> None:
        """`rows` builds the rows for a width; `does` is what enter does."""
        super().__init__(classes="-ascii" if glyphs.ascii else "")
        self._title = title
        self._build = rows
        self._glyphs = glyphs
        self._does = does

    def compose(self) -> ComposeResult:
        """A title, the keys, and the list."""
        with Vertical():
            yield LineView(self._head)
            yield LineList(self._build, self._glyphs.cursor, id="rows")

    def on_mount(self) -> None:
        """Keys go to the list."""
        self.query_one(LineList).focus()

    def on_resize(self) -> None:
        """The list takes what it needs, as far as there is room."""
        most = max(1, self.size.height * 80 // 100 - _AROUND)
        self.query_one(LineList).styles.max_height = most

    def _head(self, width: int) -> list[Line]:
        plain = self._glyphs.plain
        keys: Line = (
            Part("enter", "accent"),
            Part(f" {plain(self._does)}   ", "dim"),
            Part("esc", "accent"),
            Part(" none", "dim"),
        )
        return [(Part(plain(self._title), "title"),), keys, ()]

    @on(LineList.Chosen)
    def _chosen(self, event: LineList.Chosen) -> None:
        if event.key is not None:
            self.dismiss(event.key)

    def action_cancel(self) -> None:
        """None of them."""
        self.dismiss(None)
