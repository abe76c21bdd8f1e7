"""Which columns of a line changed: on a slow link only those are sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import get_character_cell_size

if TYPE_CHECKING:
    from opsdeck.widgets.lines import Line

GAP_CELLS = 14
"""Changes nearer than this are sent as one: moving the terminal's cursor costs as much."""

_GROUNDED = frozenset({"alarm"})
"""Styles that show on blanks too."""

Cell = tuple[str, str]


def cells_of(line: Line, width: int) -> list[Cell]:
    """The line as (character, style) by column; the second half of a wide one is empty."""
    cells: list[Cell] = []
    for text, style in line:
        shown = style if style in _GROUNDED else ""
        if text.isascii():
            cells += [(c, shown if c == " " else style) for c in text]
            continue
        for character in text:
            size = get_character_cell_size(character)
            if size:
                cells.append((character, shown if character == " " else style))
                cells += [("", style)] * (size - 1)
            elif cells:
                cells[-1] = (cells[-1][0] + character, cells[-1][1])
    cells += [(" ", "")] * (width - len(cells))
    return cells[:width]


def changed_spans(before: Line, after: Line, width: int) -> list[tuple[int, int]]:
    """The columns (from, up to) in which two lines of `width` cells differ, near ones together."""
    old, new = cells_of(before, width), cells_of(after, width)
    spans: list[tuple[int, int]] = []
    for x in range(width):
        if old[x] == new[x]:
            continue
        if spans and x - spans[-1][1] < GAP_CELLS:
            spans[-1] = (spans[-1][0], x + 1)
        else:
            spans.append((x, x + 1))
    return [_whole(old, new, start, end) for start, end in spans]


def _whole(old: list[Cell], new: list[Cell], start: int, end: int) -> tuple[int, int]:
    """A span that cuts no wide character in two."""
    while start > 0 and (not old[start][0] or not new[start][0]):
        start -= 1
    while end < len(new) and (not old[end][0] or not new[end][0]):
        end += 1
    return start, end
