"""A question before something is run or sent: y says yes, n leaves it out, esc gives it all up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar, Literal

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen

from opsdeck.text import visible, visible_lines
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, LineView, Part, wrap, wrap_exact

_FRAME_LINES = 4
_FRAME_LINES_SHORT = 2
_SHORT = 18

Answer = Literal["yes", "without", "stop"]


class Confirm(ModalScreen[Answer]):
    """Shows exactly what would be done, all of it, and asks. Enter does nothing: it is a habit.

    A y that was typed before the question could be read is no answer to it.
    """

    CSS = """
    Confirm { align: center middle; background: $background 60%; }
    Confirm > Vertical {
        width: 96; max-width: 96%; height: auto; max-height: 100%; padding: 1 2;
        background: $panel; border: round $warning;
    }
    Confirm.-ascii > Vertical { border: ascii $warning; }
    Confirm LineView { background: $panel; }
    Confirm #acts { height: auto; }
    Confirm.-short > Vertical { padding: 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('yes')", "Yes", id="confirm.yes", tooltip="Do what is shown"),
        Binding("n", "answer('without')", "No", id="confirm.no", tooltip="Leave it out"),
        Binding("escape,q", "answer('stop')", "Stop", id="confirm.stop", tooltip="Do nothing"),
        Binding("down,j", "lines(1)", show=False, id="confirm.down", tooltip="A line down"),
        Binding("up,k", "lines(-1)", show=False, id="confirm.up", tooltip="A line up"),
        Binding(
            "pagedown,space", "lines(10)", show=False, id="confirm.pagedown", tooltip="Further down"
        ),
        Binding("pageup", "lines(-10)", show=False, id="confirm.pageup", tooltip="Further up"),
    ]

    def __init__(
        self,
        title: str,
        about: str,
        acts: Sequence[tuple[str, str]],
        glyphs: Glyphs,
        *,
        yes: str,
        without: str = "",
    ) -> None:
        """`acts`: for what, and what would be done, line by line. `without`: what n does, where
        there is something to do besides."""
        super().__init__(classes="-ascii" if glyphs.ascii else "")
        self._title = title
        self._about = about
        self._what = acts
        self._glyphs = glyphs
        self._yes = yes
        self._without = without
        self._painted_at = float("inf")

    def compose(self) -> ComposeResult:
        """What is asked, what would be done, the keys."""
        with Vertical():
            yield LineView(self._head)
            yield LineView(self._acts, id="acts")
            yield LineView(self._foot, id="foot")

    def on_mount(self) -> None:
        """From the first paint on it can be answered."""
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self._painted_at = Message().time  # the clock by which keys are stamped

    @property
    def can_be_answered(self) -> bool:
        """Whether it was painted: a key that is typed from now on is meant for it."""
        return self._painted_at < float("inf")

    def on_key(self, event: events.Key) -> None:
        """A key that was typed before there was a question says nothing about it."""
        if event.time < self._painted_at:
            event.stop()
            event.prevent_default()

    def on_resize(self) -> None:
        """The question and the keys are always there; what would be done gets the rest."""
        _, acts, foot = self.query(LineView)
        short = self.size.height < _SHORT
        self.set_class(short, "-short")
        width = min(96, self.size.width * 96 // 100) - 6
        taken = len(self._head(width)) + len(self._foot(width))
        taken += _FRAME_LINES_SHORT if short else _FRAME_LINES
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
            for text in visible_lines(act):
                # Exactly: a blank more or less is another file. What goes on has no wall.
                pieces = wrap_exact(plain(text), width - 4)
                for piece, mark in zip_longest(pieces, [self._glyphs.wall], fillvalue=" "):
                    lines.append((Part(f"  {mark} ", "dim"), Part(piece, "code")))
        return lines

    def _foot(self, width: int) -> list[Line]:
        """The keys, each with what it does, on as many lines as they need; then how far one is."""
        plain = self._glyphs.plain
        keys = [("y", self._yes)]
        keys += [("n", self._without)] if self._without else []
        keys += [("esc", "check nothing at all" if self._without else "no, nothing is done")]
        lines: list[list[Part]] = [[]]
        used = 0
        for key, does in keys:
            size = cell_len(f"{key} {does}   ")
            if lines[-1] and used + size > width + 3:
                lines.append([])
                used = 0
            lines[-1] += [Part(key, "accent"), Part(f" {plain(does)}   ", "dim")]
            used += size
        return [(), *map(tuple, lines), self._place()]

    def _place(self) -> Line:
        """How far one has read, where not all of it can be shown at once."""
        acts = self.query_one("#acts", LineView)
        hidden = acts.line_count - acts.size.height if acts.size.height else 0
        if hidden <= 0:
            return ()
        plain = self._glyphs.plain
        seen = f"lines {acts.top + 1} to {acts.top + acts.size.height} of {acts.line_count}"
        return (Part(seen, "warn"), Part(plain("  ↓ ↑"), "accent"), Part(" read on", "dim"))

    def action_answer(self, answer: Answer) -> None:
        """The operator decided."""
        self.dismiss(answer)

    def action_lines(self, by: int) -> None:
        """Read on, or back."""
        self.query_one("#acts", LineView).scroll_lines(by)
        self.query_one("#foot", LineView).rebuild()
