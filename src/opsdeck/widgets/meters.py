"""Bars, trends and plots as text: what they show is on an absolute scale, from nothing to full."""

from __future__ import annotations

import math
from collections.abc import Sequence

from opsdeck.catalog.gauges import Limit
from opsdeck.gauges.series import Point
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part


def share(value: float, scale: tuple[float, float]) -> float:
    """Where a value lies between nothing (0) and full (1)."""
    low, high = scale
    if high <= low:
        return 0.0
    return min(1.0, max(0.0, (value - low) / (high - low)))


def meter(
    glyphs: Glyphs,
    value: float | None,
    scale: tuple[float, float],
    cells: int,
    limits: Sequence[tuple[Limit | None, str]] = (),
    style: str = "",
) -> list[Part]:
    """A bar of so many cells; each limit is a mark in its own style at its place."""
    if scale[1] <= scale[0]:
        return [Part(" " * cells)]
    filled = 0
    if value is not None:
        filled = round(share(value, scale) * cells)
        if value > scale[0] and filled == 0:
            filled = 1
        elif value < scale[1] and filled == cells:
            filled = cells - 1  # only what is full looks full
    marks: dict[int, str] = {}
    for limit, name in limits:
        if limit is not None and scale[0] < limit.at < scale[1]:
            marks[min(cells - 1, int(share(limit.at, scale) * cells))] = name
    parts: list[Part] = []
    for cell in range(cells):
        if cell in marks:
            parts.append(Part(glyphs.mark, marks[cell]))
            continue
        full = cell < filled
        text, name = (glyphs.filled, style) if full else (glyphs.unfilled, "dim")
        if parts and parts[-1].style == name and parts[-1].text[0] == text:
            parts[-1] = Part(parts[-1].text + text, name)
        else:
            parts.append(Part(text, name))
    return parts


def trend(glyphs: Glyphs, points: Sequence[Point | None], scale: tuple[float, float]) -> str:
    """A line of as many cells as there are points: how high each is; a gap is blank."""
    low, high = scale
    if high <= low:  # no scale of its own: from nothing to the highest that was seen
        tops = [point.high for point in points if point is not None]
        low, high = 0.0, max(tops, default=0.0)
    return "".join(
        " " if point is None else _height(glyphs, share(point.mean, (low, high)))
        for point in points
    )


def _height(glyphs: Glyphs, part: float) -> str:
    return glyphs.heights[max(1, min(8, math.ceil(part * 8)))]


def row_of(value: float, scale: tuple[float, float], rows: int) -> int:
    """The row of a plot, from the top, in which a value lies."""
    return rows - 1 - min(rows - 1, int(share(value, scale) * rows))


def plot(
    glyphs: Glyphs,
    points: Sequence[Point | None],
    scale: tuple[float, float],
    rows: int,
    limits: Sequence[tuple[Limit | None, str]] = (),
    style: str = "bar",
) -> list[Line]:
    """Columns of so many rows, the highest first; limits are lines behind them."""
    at = {}
    for limit, name in limits:
        if limit is not None and scale[0] <= limit.at <= scale[1]:
            at[row_of(limit.at, scale, rows)] = name
    heights = [None if p is None else share(p.mean, scale) * rows for p in points]
    lines: list[Line] = []
    for row in range(rows):
        floor = rows - 1 - row
        parts: list[Part] = []
        for height in heights:
            above = None if height is None else height - floor
            if above is None or (above <= 0 and not (floor == 0 and above == 0)):
                text, name = (glyphs.level, at[row]) if row in at else (" ", "")
            else:
                text, name = glyphs.heights[max(1, min(8, math.ceil(above * 8)))], style
            if parts and parts[-1].style == name:
                parts[-1] = Part(parts[-1].text + text, name)
            else:
                parts.append(Part(text, name))
        lines.append(tuple(parts))
    return lines
