"""A question before something is run or sent: y says yes, everything else says no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from opsdeck.text import visible, visible_lines
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, LineView, Part, wrap

_FOOT_LINES = 2
_FRAME_LINES = 6


class Confirm(ModalScreen[bool]):
    """Shows exactly what would be done, all of it, and asks. Enter does nothing: it is a habit."""

    CSS = """
    Confirm { align: center middle; background: $background 60%; }
    Confirm > Vertical {
        width: 96; max-width: 96%; height: auto; max-height: 100%; padding: 1 2;
        background: $panel; border: round $warning;
    }
    Confirm.-ascii > Vertical { border: ascii $warning; }
    Confirm LineView { background: $panel; }
    Confirm #acts { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes", tooltip="Do what is shown"),
        Binding("n,escape,q", "answer(False)", "No", id="confirm.no", tooltip="Do nothing"),
        Binding("down,j", "lines(1)", show=False, id="confirm.down", tooltip="A line down"),
        Binding("up,k", "lines(-1)", show=False, id="confirm.up", tooltip="A line up"),
        Binding(
            "pagedown,space", "lines(10)", show=False, id="confirm.pagedown", tooltip="Further down"
        ),
        Binding("pageup", "lines(-10)", show=False, id="confirm.pageup", tooltip="Further up"),
    ]

    def __init__(
        self, title: str, about: str, acts: Sequence[tuple[str, str]], glyphs: Glyphs, yes: str
    ) -> None:
        """`acts`: for what, and what would be done, line by line."""
        super().__init__(classes="-ascii" if glyphs.ascii else "")
        self._title = title
        self._about = about
        self._what = acts
        self._glyphs = glyphs
        self._yes = yes

    def compose(self) -> ComposeResult:
        """What is asked, what would be done, the keys."""
        with Vertical():
            yield LineView(self._head)
            yield LineView(self._acts, id="acts")
            yield LineView(self._foot, id="foot")

    def on_resize(self) -> None:
        """The question and the keys are always there; what would be done gets the rest."""
        _, acts, foot = self.query(LineView)
        width = min(96, self.size.width * 96 // 100) - 6
        taken = len(self._head(width)) + _FOOT_LINES + _FRAME_LINES
        acts.styles.max_height = max(1, self.size.height - taken)
        self.call_after_refresh(foot.rebuild)

    def _head(self, width: int) -> list[Line]:
        plain = self._glyphs.plain
        lines: list[Line] = [(Part(plain(self._title), "title"),)]
        lines += [(Part(line),) for line in wrap(plain(visible(self._about)), width)]
        return [*lines, ()]

    def _acts(self, width: int) -> list[Line]:
        plain = self._glyphs.plain
        lines: list[Line] = []
        for label, act in self._what:
            lines += [()] if lines else []
            lines += [(Part(line, "dim"),) for line in wrap(plain(visible(label)), width)]
            for number, text in enumerate(visible_lines(act)):
                indent = "  " if number == 0 else "    "
                pieces = wrap(plain(text), width - len(indent))
                lines += [(Part(f"{indent}{piece}", "code"),) for piece in pieces]
        return lines

    def _foot(self, width: int) -> list[Line]:
        plain, acts = self._glyphs.plain, self.query_one("#acts", LineView)
        hidden = acts.line_count - acts.size.height if acts.size.height else 0
        keys: list[Part] = [
            Part("y", "accent"),
            Part(f" {plain(self._yes)}   ", "dim"),
            Part("esc", "accent"),
            Part(" no, nothing is done", "dim"),
        ]
        if hidden > 0:
            seen = f"   lines {acts.top + 1} to {acts.top + acts.size.height} of {acts.line_count}"
            keys += [Part(seen, "warn"), Part(plain("  ↓"), "accent"), Part(" more", "dim")]
        return [(), tuple(keys)]

    def action_answer(self, yes: bool) -> None:
        """The operator decided."""
        self.dismiss(yes)

    def action_lines(self, by: int) -> None:
        """Read on, or back."""
        self.query_one("#acts", LineView).scroll_lines(by)
        self.query_one("#foot", LineView).rebuild()
