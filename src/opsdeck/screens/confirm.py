"""A question before something is run or sent: y says yes, everything else says no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, LineView, Part, wrap

SHOWN = 12
"""So many lines of what would be done; the rest is counted."""


class Confirm(ModalScreen[bool]):
    """Shows exactly what would be done and asks. Enter does nothing: it is typed by habit."""

    CSS = """
    Confirm { align: center middle; background: $background 60%; }
    Confirm > Vertical {
        width: 76; max-width: 96%; height: auto; padding: 1 2;
        background: $panel; border: round $warning;
    }
    Confirm.-ascii > Vertical { border: ascii $warning; }
    Confirm LineView { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes", tooltip="Do what is shown"),
        Binding("n,escape,q", "answer(False)", "No", id="confirm.no", tooltip="Do nothing"),
    ]

    def __init__(
        self, title: str, about: str, lines: Sequence[str], glyphs: Glyphs, yes: str
    ) -> None:
        super().__init__(classes="-ascii" if glyphs.ascii else "")
        self._title = title
        self._about = about
        self._shown = lines
        self._glyphs = glyphs
        self._yes = yes

    def compose(self) -> ComposeResult:
        """All of it in one widget."""
        with Vertical():
            yield LineView(self._lines)

    def _lines(self, width: int) -> list[Line]:
        plain = self._glyphs.plain
        lines: list[Line] = [(Part(plain(self._title), "title"),)]
        lines += [(Part(line),) for line in wrap(plain(visible(self._about)), width)]
        lines.append(())
        done = [
            (Part(f"  {line}", "code"),)
            for text in self._shown
            for line in wrap(plain(visible(text)), width - 2)
        ]
        lines += done[:SHOWN]
        if done[SHOWN:]:
            lines.append((Part(f"  and {len(done) - SHOWN} more lines", "dim"),))
        keys = (
            Part("y", "accent"),
            Part(f" {plain(self._yes)}   ", "dim"),
            Part("esc", "accent"),
            Part(" no, nothing is done", "dim"),
        )
        return [*lines, (), keys]

    def action_answer(self, yes: bool) -> None:
        """The operator decided."""
        self.dismiss(yes)
