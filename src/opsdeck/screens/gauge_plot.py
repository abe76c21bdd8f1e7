"""The plot of one gauge: its axis, its limits, and under it where it changed its state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from rich.cells import cell_len

from opsdeck.durations import format_duration
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.series import Point
from opsdeck.gauges.words import amount
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Mark
from opsdeck.screens.gauge_rows import STYLES, level_glyph
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, fit
from opsdeck.widgets.meters import plot, row_of

AXIS = 10
"""Cells of the labels left of the plot."""


class Span(NamedTuple):
    """How much time is shown, and up to when."""

    end: float
    length_s: float
    name: str


def plot_lines(
    gauge: Gauge, span: Span, turns: Sequence[Mark], width: int, rows: int, glyphs: Glyphs
) -> list[Line]:
    """`rows` rows between the two ends of the scale, the changes of state, and the times."""
    spec = gauge.spec
    cells = max(10, width - AXIS - 3)
    points = gauge.series.window(span.end, span.length_s, cells)
    start, stop = _covered(gauge, span, cells, len(points))
    wide = [points[cell * len(points) // cells] for cell in range(cells)]
    scale = scale_of(gauge, points)
    limits = ((spec.warn, "warn"), (spec.crit, "bad"))
    labels = {
        row_of(limit.at, scale, rows): amount(limit.at, spec.unit)
        for limit, _ in limits
        if limit is not None and scale[0] <= limit.at <= scale[1]
    }
    lines: list[Line] = [_axis(amount(scale[1], spec.unit), "", glyphs)]
    for row, parts in enumerate(plot(glyphs, wide, scale, rows, limits)):
        lines.append((*_axis(labels.get(row, ""), glyphs.wall, glyphs), *parts))
    marks = state_marks(turns, start, stop, cells, glyphs)
    return [*lines, (*_axis(amount(scale[0], spec.unit), " ", glyphs), *marks)]


def times_line(span: Span, width: int, zone: tzinfo) -> Line:
    """Under a plot: when it begins, how long it is, when it ends."""
    cells = max(10, width - AXIS - 3)
    left, right = (
        f"{datetime.fromtimestamp(at, UTC).astimezone(zone):%H:%M}"
        for at in (span.end - span.length_s, span.end)
    )
    left = f"{left}, {span.name}"
    gap = " " * max(1, cells - cell_len(left) - cell_len(right))
    return (Part(" " * (AXIS + 2) + left + gap + right, "dim"),)


def _covered(gauge: Gauge, span: Span, cells: int, columns: int) -> tuple[float, float]:
    """From when to when the columns go: they begin at multiples of their length."""
    length = gauge.series.column_s(span.length_s, cells)
    stop = (span.end // length + 1) * length
    return stop - columns * length, stop


def _axis(label: str, wall: str, glyphs: Glyphs) -> Line:
    text = glyphs.plain(visible(label))
    text = fit(text, min(cell_len(text), AXIS), glyphs.ellipsis)
    return (Part(f"{' ' * (AXIS - cell_len(text))}{text} {wall}", "dim"),)


def scale_of(gauge: Gauge, points: Sequence[Point | None]) -> tuple[float, float]:
    """Absolute where it has a scale; else from nothing to what was seen, rounded up."""
    low, high = gauge.spec.full
    if gauge.spec.scale is not None:
        return (low, high)
    seen = [point for point in points if point is not None]
    most = max([high, *(point.high for point in seen)])
    low = min([low, *(point.low for point in seen)])
    return (_round_up(low), _round_up(most) if most > high else max(high, low + 1.0))


def _round_up(value: float) -> float:
    """Away from zero, to one figure: 0.34 is 0.4, 1,234 is 2,000."""
    if value == 0:
        return 0.0
    step = 0.1
    while step * 10 <= abs(value):
        step *= 10
    whole = -(-abs(value) // step) * step
    return whole if value > 0 else -whole


def turn_words(turn: Mark) -> str:
    """A change of state: `ok to warning after 4 h, at 86 %`."""
    more = turn.more or {}
    words = f"{more.get('from') or 'begun'} to {turn.kind}"
    lasted, value = more.get("duration_s"), more.get("value")
    if isinstance(lasted, int | float) and lasted >= 1:
        words += f" after {format_duration(lasted)}"
    if isinstance(value, int | float):
        words += f", at {amount(float(value), str(more.get('unit', '')))}"
    return words


def state_marks(
    turns: Sequence[Mark], start: float, stop: float, cells: int, glyphs: Glyphs
) -> Line:
    """A rule with a glyph where the gauge went from one state to another."""
    marks: dict[int, str] = {}
    for turn in turns:
        at = parse_wall(turn.at)
        place = int((at.timestamp() - start) // ((stop - start) / cells)) if at else -1
        if 0 <= place < cells:
            marks[place] = turn.kind
    parts: list[Part] = []
    for cell in range(cells):
        kind = marks.get(cell)
        if kind in ("ok", "warning", "critical", "unknown"):
            parts.append(Part(level_glyph(glyphs, kind), STYLES[kind]))  # type: ignore[index,arg-type]
        elif parts and parts[-1].style == "dim":
            parts[-1] = Part(parts[-1].text + glyphs.rule, "dim")
        else:
            parts.append(Part(glyphs.rule, "dim"))
    return tuple(parts)
