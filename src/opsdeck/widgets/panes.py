"""Lists side by side: only the one with the focus has a cursor that stands out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.strip import Strip

from opsdeck.widgets.lines import Row
from opsdeck.widgets.list import LineList


class Pane(LineList):
    """One of several lists of a screen; with `marks` its cursor's mark stays without the focus."""

    def __init__(
        self,
        build: Callable[[int], Sequence[Row]],
        cursor_glyph: str,
        *,
        id: str,
        marks: bool = False,
    ) -> None:
        super().__init__(build, cursor_glyph, id=id)
        self._glyph, self._marks = cursor_glyph, marks

    def on_focus(self) -> None:
        """The cursor stands out."""
        self.refresh()

    def on_blur(self) -> None:
        """It is still there, and does not."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        self.cursor_glyph = self._glyph if self.has_focus or self._marks else ""
        return super().render_line(y)

    def line_style(self, y: int) -> str:
        """The row under the cursor, where keys go to this pane."""
        return super().line_style(y) if self.has_focus else ""

    def follow_top(self) -> bool:
        """Whether the cursor stands on the first row that may have it."""
        return self.key is None or self.key == next(iter(self.keys), None)
