"""Which columns of a line changed: on a slow link only those are sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import get_character_cell_size

if TYPE_CHECKING:
    from opsdeck.widgets.lines import Line

_GROUNDED = frozenset({"alarm"})
"""Styles that show on blanks too."""

APART = 10
"""So many cells that did not change are worth a stretch of their own."""

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
    """The columns (from, up to) between which two lines of `width` cells differ, left to right.

    What lies close together is one stretch: to begin another costs more than a few cells. A wide
    character is never cut in two.
    """
    old, new = cells_of(before, width), cells_of(after, width)
    spans: list[tuple[int, int]] = []
    for x in (x for x in range(width) if old[x] != new[x]):
        if spans and x - spans[-1][1] < APART:
            spans[-1] = (spans[-1][0], x + 1)
        else:
            spans.append((x, x + 1))
    found: list[tuple[int, int]] = []
    for start, end in spans:
        while start > 0 and (not old[start][0] or not new[start][0]):
            start -= 1
        while end < width and (not old[end][0] or not new[end][0]):
            end += 1
        if found and start < found[-1][1]:
            start = found.pop()[0]
        found.append((start, end))
    return found
