"""A small form: what the journal needs to know before something is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest
from typing import ClassVar, NamedTuple

from rich.highlighter import Highlighter
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from opsdeck.errors import OpsDeckError
from opsdeck.text import visible, visible_lines
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, LineView, Part, wrap, wrap_exact

_AROUND = 10
"""Lines of a form without those to fill in, with one for what is wrong."""
_SHORT = 18
"""With fewer lines a form has no room around it, and what it is about is scrolled as well."""


class Field(NamedTuple):
    """One line to fill in; `hint` stands in it while it is empty."""

    name: str
    label: str
    hint: str = ""
    value: str = ""


Answers = dict[str, str]


def _always(line: Line, _width: int) -> list[Line]:
    return [line]


class Harmless(Highlighter):
    """Shows a line without what a terminal would obey; the line itself stays as it is."""

    def __call__(self, text: str | Text) -> Text:
        """The line as it is shown."""
        shown = text.plain if isinstance(text, Text) else text
        return Text(visible(shown), no_wrap=True, overflow="ignore", end="")

    def highlight(self, text: Text) -> None:
        """Nothing in it stands out."""


class Prompt(ModalScreen[Answers | None]):
    """Asks for a few lines; gives them once `check` has nothing against them, or None."""

    CSS = """
    Prompt { align: center middle; background: $background 60%; }
    Prompt > Vertical {
        width: 76; max-width: 96%; height: auto; padding: 1 2;
        background: $panel; border: round $primary;
    }
    Prompt.-ascii > Vertical { border: ascii $primary; }
    Prompt Input {
        border: none; height: 1; padding: 0 1; margin: 0 0 1 0; background: $boost;
    }
    Prompt Input:focus { border: none; background: $boost; background-tint: $foreground 8%; }
    Prompt LineView { background: $panel; }
    Prompt.-short > Vertical { padding: 0 2; }
    Prompt.-short Input { margin: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="prompt.cancel", tooltip="Record nothing"),
        Binding("down", "app.focus_next", show=False, id="prompt.next", tooltip="Next line"),
        Binding("pagedown", "acts(5)", show=False, id="prompt.pagedown", tooltip="Read on"),
        Binding("pageup", "acts(-5)", show=False, id="prompt.pageup", tooltip="Read back"),
        Binding(
            "up", "app.focus_previous", show=False, id="prompt.previous", tooltip="Line before"
        ),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        glyphs: Glyphs,
        *,
        about: str = "",
        exact: str = "",
        check: Callable[[Answers], object] | None = None,
        keys: tuple[str, str] = ("record", "cancel, nothing is recorded"),
    ) -> None:
        """`exact`: what would be done, shown as it is, to be scrolled where it does not fit.
        `keys`: what enter on the last line, and escape, are called."""
        super().__init__(classes="-ascii" if glyphs.ascii else "")
        self._title = title
        self._fields = fields
        self._glyphs = glyphs
        self._about = about
        self._exact = exact
        self._check = check
        self._keys = keys
        self._problem = ""

    def compose(self) -> ComposeResult:
        """Title, what it is about, the lines, what is wrong, the keys."""
        with Vertical():
            yield LineView(self._head)
            if self._exact:
                yield LineView(self._acts, id="acts")
            for field in self._fields:
                label: Line = (Part(self._plain(field.label), "dim"),)
                yield LineView(partial(_always, label))
                line = Input(
                    field.value,
                    placeholder=self._plain(field.hint),
                    highlighter=Harmless(),
                    id=field.name,
                )
                line.cursor_blink = False
                yield line
            yield LineView(self._foot, id="foot")

    def _plain(self, text: str) -> str:
        return self._glyphs.plain(text)

    @property
    def _is_short(self) -> bool:
        return bool(self._exact) and self.size.height < _SHORT

    def _head(self, width: int) -> list[Line]:
        title: Line = (Part(self._plain(self._title), "title"),)
        return [title] if self._is_short else [title, *self._about_lines(width), ()]

    def _about_lines(self, width: int) -> list[Line]:
        return [
            (Part(line),)
            for text in visible_lines(self._about)
            for line in wrap(self._plain(text), width)
        ]

    def _acts(self, width: int) -> list[Line]:
        lines = self._about_lines(width) if self._is_short else []
        for text in visible_lines(self._exact):
            pieces = wrap_exact(self._plain(text), width - 2)
            for piece, mark in zip_longest(pieces, [self._glyphs.wall], fillvalue=" "):
                lines.append((Part(f"{mark} ", "dim"), Part(piece, "code")))
        return [*lines, ()]

    def on_resize(self) -> None:
        """The lines to fill in and the keys are always there; what would be done gets the rest."""
        if not self._exact:
            self.set_class(self.size.height < 3 * len(self._fields) + _AROUND, "-short")
        for acts in self.query("#acts").results(LineView):
            short = self._is_short
            self.set_class(short, "-short")
            width = min(76, self.size.width * 96 // 100) - 6
            taken = len(self._head(width)) + len(self._foot(width))
            taken += (2 if short else 3) * len(self._fields) + (2 if short else 5)
            acts.styles.max_height = max(1, self.size.height - taken)
            for view in self.query(LineView):
                self.call_after_refresh(view.rebuild)

    def action_acts(self, by: int) -> None:
        """Read on in what would be done, or back."""
        for acts in self.query("#acts").results(LineView):
            acts.scroll_lines(by)
            self.query_one("#foot", LineView).rebuild()

    def _place(self) -> Line:
        for acts in self.query("#acts").results(LineView):
            if 0 < acts.size.height < acts.line_count:
                seen = f"lines {acts.top + 1} to {acts.top + acts.size.height} of {acts.line_count}"
                return (Part(seen, "warn"), Part("  pgdn pgup", "accent"), Part(" read on", "dim"))
        return ()

    def _foot(self, width: int) -> list[Line]:
        lines = list(self.query(Input))
        goes_on = self.focused in lines[:-1]
        done, given_up = self._keys
        keys: Line = (
            Part("enter", "accent"),
            Part(" next line   " if goes_on else f" {done}   ", "dim"),
            Part("esc", "accent"),
            Part(f" {given_up}", "dim"),
        )
        problem = wrap(self._plain(visible(self._problem)), width) if self._problem else []
        place = [self._place()] if self._exact else []
        return [*((Part(line, "bad"),) for line in problem), keys, *place]

    def on_descendant_focus(self) -> None:
        """What enter does depends on the line."""
        self.query_one("#foot", LineView).rebuild()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next line, and from the last one records."""
        event.stop()
        lines = list(self.query(Input))
        later = lines[lines.index(event.input) + 1 :]
        if later:
            later[0].focus()
            return
        answers = {line.id or "": line.value for line in lines}
        try:
            if self._check is not None:
                self._check(answers)
        except OpsDeckError as error:
            self._problem = str(error)
            foot = self.query_one("#foot", LineView)
            foot.refresh(layout=True)
            foot.rebuild()
            self.on_resize()
            return
        self.dismiss(answers)

    def action_cancel(self) -> None:
        """Nothing is recorded."""
        self.dismiss(None)
