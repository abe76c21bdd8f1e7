"""Lines of styled text as one widget: what changes is repainted, and nothing else.

Text goes to the terminal as it is, never as markup; whoever builds a line passes text from
outside through `opsdeck.text.visible`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.color import Color as RichColor
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from opsdeck.widgets.diff import changed_spans

_STYLES: dict[str, tuple[str, str, bool]] = {
    "good": ("deck-good", "", False),
    "bad": ("deck-bad", "", False),
    "warn": ("deck-warn", "", False),
    "dim": ("deck-dim", "", False),
    "accent": ("deck-accent", "", False),
    "code": ("deck-code", "", False),
    "bar": ("deck-good", "", False),
    "strong": ("", "", True),
    "title": ("deck-title", "", True),
    "alarm": ("deck-on-alarm", "deck-alarm", True),
    "cursor": ("", "deck-cursor", True),
}
"""Name of a part's style -> the theme's variables for text and ground, and whether it is bold."""


def _palette() -> dict[tuple[int, int, int], int]:
    """Red, green, blue -> its number in every terminal of 256 colours (xterm's cube and greys)."""
    levels = (0, 95, 135, 175, 215, 255)
    cube = [(r, g, b) for r in levels for g in levels for b in levels]
    greys = [(8 + 10 * step,) * 3 for step in range(24)]
    return {colour: number for number, colour in enumerate([*cube, *greys], 16)}


_PALETTE = _palette()


def _short(colour: RichColor | None) -> RichColor | None:
    """The same colour by its number, where it has one: half the bytes on the wire."""
    if colour is None or colour.triplet is None or colour.triplet not in _PALETTE:
        return colour
    return RichColor(colour.name, ColorType.EIGHT_BIT, _PALETTE[colour.triplet], colour.triplet)


@lru_cache(maxsize=64)
def _shortened(style: Style) -> Style:
    return style + Style(color=_short(style.color), bgcolor=_short(style.bgcolor))


_theme_styles: WeakKeyDictionary[App[Any], tuple[str, dict[str, Style]]] = WeakKeyDictionary()


def line_styles(app: App[Any]) -> dict[str, Style]:
    """The styles of the app's theme by name: computed once a theme, without the stylesheet."""
    known = _theme_styles.get(app)
    if known is not None and known[0] == app.theme:
        return known[1]
    colours = {
        name: _short(Color.parse(value).rich_color)
        for name, value in app.theme_variables.items()
        if name.startswith("deck-")
    }
    styles = {
        name: Style(color=colours.get(text), bgcolor=colours.get(ground), bold=bold or None)
        for name, (text, ground, bold) in _STYLES.items()
    }
    _theme_styles[app] = (app.theme, styles)
    return styles


class Part(NamedTuple):
    """A stretch of text in one style."""

    text: str
    style: str = ""


Line = tuple[Part, ...]
"""A line; what lacks to the widget's width is blank."""


class Row(NamedTuple):
    """A line of a list; with a key the cursor may stand on it."""

    line: Line
    key: str | None = None


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """`text` in exactly `width` cells: cut with an ellipsis, or filled with blanks."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - cell_len(ellipsis)) + ellipsis


def cut(line: Line, width: int, ellipsis: str = "…") -> Line:
    """The line in at most `width` cells, with an ellipsis where something was left out."""
    kept: list[Part] = []
    room = width
    for part in line:
        size = cell_len(part.text)
        if size > room:
            return (*kept, Part(fit(part.text, room, ellipsis), part.style))
        kept.append(part)
        room -= size
    return line


def indented(line: Line, cells: int) -> Line:
    """The line moved to the right, without a part of its own for the margin."""
    if not line:
        return line
    return (Part(" " * cells + line[0].text, line[0].style), *line[1:])


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at blanks where there are any."""
    lines: list[str] = []
    width = max(width, 1)
    current = ""
    far = 4 * width
    for word in text.split():
        # Of a very long word no more is measured than could stand in one line.
        while len(word) > far or cell_len(word) > width:
            room = width - cell_len(current) - 1 if current else width
            if room < 8 and current:
                lines.append(current)
                current = ""
                continue
            # In a single cell no wide character fits: it is cut by the edge, and the rest goes on.
            head = set_cell_size(word[:far], room).rstrip() or word[0]
            lines.append(f"{current} {head}" if current else head)
            current, word = "", word[len(head) :]
        if not current:
            current = word
        elif cell_len(current) + 1 + cell_len(word) <= width:
            current = f"{current} {word}"
        else:
            lines.append(current)
            current = word
    return [*lines, current] if current or not lines else lines


def wrap_exact(text: str, width: int) -> list[str]:
    """`text` in pieces of at most `width` cells that together are it, every blank kept; broken
    behind a blank where there is one."""
    pieces: list[str] = []
    at, width = 0, max(width, 2)
    while at < len(text):
        # Of a very long line no more is measured than could stand in one piece.
        window = text[at : at + 4 * width]
        if cell_len(window) <= width:
            head = window
        else:
            head = chop_cells(window, width)[0]
            while cell_len(head) > width:  # a joiner that joins nothing is counted otherwise there
                head = head[:-1]
            blank = head.rfind(" ") + 1
            if head[:blank].strip():
                head = head[:blank]
        pieces.append(head)
        at += len(head)
    return pieces or [""]


class LineView(Widget):
    """Lines that a function of the width builds; `rebuild` repaints those that differ."""

    DEFAULT_CSS = """
    LineView { height: auto; width: 1fr; }
    """
    ALLOW_SELECT = False

    def __init__(self, build: Callable[[int], Sequence[Line]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._build = build
        self._lines: list[Line] = []
        self._built_for = -1
        self.top = 0

    @property
    def line_count(self) -> int:
        """How many lines there are, shown or not."""
        return len(self._lines)

    def plain_lines(self) -> list[str]:
        """All lines as text."""
        return ["".join(part.text for part in line).rstrip() for line in self._lines]

    def rebuild(self) -> None:
        """Build the lines again; those that changed are repainted."""
        if self.is_mounted and not self._pruning and self.size.width:
            self._take(list(self._build(self.size.width)))

    def _take(self, lines: list[Line]) -> None:
        old, self._lines = self._lines, lines
        if self._built_for != self.size.width:
            self._built_for = self.size.width
            self.refresh()
            return
        for y in range(max(len(old), len(lines))):
            before = old[y] if y < len(old) else ()
            after = lines[y] if y < len(lines) else ()
            if before != after and self.top <= y < self.top + self.size.height:
                for start, end in changed_spans(before, after, self.size.width):
                    self.refresh(Region(start, y - self.top, end - start, 1))

    def repaint_line(self, y: int) -> None:
        """Have line `y` painted again, if it can be seen."""
        if self.top <= y < self.top + self.size.height:
            self.refresh(Region(0, y - self.top, self.size.width, 1))

    def scroll_lines(self, by: int) -> None:
        """Move what is shown up or down, within what there is."""
        top = max(0, min(self.top + by, len(self._lines) - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Lines are built for a width."""
        self.top = max(0, min(self.top, len(self._lines) - event.size.height))
        self.rebuild()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as lines, for widgets whose height is auto."""
        return len(list(self._build(width)))

    def style_of(self, name: str, ground: Style | None = None) -> Style:
        """The style a part's name stands for, on `ground` or the widget's own."""
        base = _shortened(self.rich_style) if ground is None else ground
        return base + line_styles(self.app)[name] if name else base

    def line_style(self, y: int) -> str:
        """The style that a whole line is laid on."""
        return ""

    def render_line(self, y: int) -> Strip:
        """One row of the screen."""
        width, index = self.size.width, y + self.top
        ground = self.style_of(self.line_style(index))
        if not 0 <= index < len(self._lines):
            return Strip.blank(width, ground)
        segments = [
            Segment(part.text, self.style_of(part.style if part.text.strip() else "", ground))
            for part in self._lines[index]
        ]
        return Strip(segments).adjust_cell_length(width, ground).simplify()

    def on_mouse_scroll_down(self) -> None:
        """The wheel moves what is shown."""
        self.scroll_lines(3)

    def on_mouse_scroll_up(self) -> None:
        """The wheel moves what is shown."""
        self.scroll_lines(-3)
