"""The lines of the Gauges screen and of the Deck's gauges in short."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

from rich.cells import cell_len

from opsdeck.gauges.board import HOST
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.levels import Level
from opsdeck.gauges.words import age_words, amount, detail_words, forecast_words
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, Row, fit
from opsdeck.widgets.meters import meter, trend

STYLES: dict[Level | None, str] = {
    "ok": "good",
    "warning": "warn",
    "critical": "bad",
    "unknown": "warn",
    None: "dim",
}
TREND_S = 300.0
"""How far back a trend line goes; for what is looked at rarely, as far as there are cells."""


def level_glyph(glyphs: Glyphs, level: Level | None) -> str:
    """The glyph that stands before the word."""
    match level:
        case "ok":
            return glyphs.states["passed"]
        case "warning":
            return glyphs.warn
        case "critical":
            return glyphs.states["failed"]
        case "unknown":
            return glyphs.states["unknown"]
    return glyphs.dot


class Seen(NamedTuple):
    """A gauge at one moment: now, or when the operator has stepped back to."""

    value: float | None
    level: Level | None
    age_s: float | None
    end: float
    """Where its trend ends."""


def seen_at(gauge: Gauge, now: float, moment: float | None) -> Seen:
    """How a gauge is, or how it was at a moment of its kept past."""
    if moment is None:
        return Seen(gauge.value, gauge.level, gauge.age_s(now), now)
    point = gauge.series.at(moment)
    if point is None:
        return Seen(None, None, None, moment)
    spec = gauge.spec
    level: Level = "ok"
    if spec.warn is not None and spec.warn.passed(point.mean):
        level = "warning"
    if spec.crit is not None and spec.crit.passed(point.mean):
        level = "critical"
    return Seen(point.mean, level, None, moment)


class Columns(NamedTuple):
    """Cells of each column."""

    title: int
    bar: int
    number: int
    trend: int


def columns(width: int, *, trends: bool = True) -> Columns:
    """How a line of this width is divided; 12 cells are for the state, 8 for the age."""
    title, bar = (18, 14) if width < 100 else (26, 22)
    if width < 60:
        bar = 0
    number = 10
    rest = width - 13 - title - 1 - bar - 1 - number - 8
    return Columns(title, bar, number, max(0, rest - 1) if trends or rest > 0 else 0)


def gauge_line(
    gauge: Gauge, seen: Seen, width: int, glyphs: Glyphs, *, trends: bool = True
) -> Line:
    """One gauge: state, title, bar, number, trend, age."""
    spec, cols = gauge.spec, columns(width, trends=trends)
    style = STYLES[seen.level]
    head = f"   {level_glyph(glyphs, seen.level)} {seen.level or 'waiting':<8}"
    title = fit(glyphs.plain(visible(spec.title)), cols.title, glyphs.ellipsis)
    number = fit_right(glyphs.plain(amount(seen.value, spec.unit)), cols.number)
    name = style if seen.level in ("warning", "critical") else "bar"
    limits = ((spec.warn, "warn"), (spec.crit, "bad"))
    bar = meter(glyphs, seen.value, spec.full, cols.bar, limits, name) if cols.bar else []
    rest, rest_style = _rest(gauge, seen, cols.trend, glyphs, trends=trends)
    age = "" if seen.age_s is None else age_words(seen.age_s)
    return (
        Part(head, style),
        Part(f" {title} "),
        *bar,
        Part(f" {number} ", "strong" if seen.level in ("warning", "critical") else ""),
        Part(fit(rest, cols.trend), rest_style),
        Part(f"{age:>7} ", "warn" if gauge.is_old(seen.end) and seen.age_s is not None else "dim"),
    )


def _rest(gauge: Gauge, seen: Seen, cells: int, glyphs: Glyphs, *, trends: bool) -> tuple[str, str]:
    """What stands behind the number: why it is unknown, when it is full, its trend."""
    reading = gauge.reading
    if seen.level == "unknown" and gauge.memory.reason:
        return fit(glyphs.plain(visible(gauge.memory.reason)), cells, glyphs.ellipsis), "warn"
    if seen.level is None and reading is not None and reading.message:
        return fit(glyphs.plain(visible(reading.message)), cells, glyphs.ellipsis), "dim"
    forecast = forecast_words(gauge.forecast) if seen.age_s is not None else ""
    if forecast:
        return fit(glyphs.plain(forecast), cells, glyphs.ellipsis), "warn"
    if not trends:
        return fit(glyphs.plain(detail_words(gauge)), cells, glyphs.ellipsis), "dim"
    if gauge.spec.id == "host-cores" and isinstance(gauge.detail, tuple) and seen.age_s is not None:
        each = "".join(glyphs.heights[max(1, round(core / 100 * 8))] for core in gauge.detail)
        return fit(each, cells, glyphs.ellipsis), "accent"
    return trend_text(gauge, seen.end, cells, glyphs), "accent"


_trends: WeakKeyDictionary[Gauge, dict[int, tuple[int, bool, str]]] = WeakKeyDictionary()


def trend_text(gauge: Gauge, end: float, cells: int, glyphs: Glyphs) -> str:
    """A gauge's trend in so many cells, up to the last column that is complete.

    So it changes when a column is, and not with every value: the number beside it is the newest.
    """
    if cells <= 0:
        return ""
    series = gauge.series
    span = max(TREND_S, series.step_s * cells if gauge.spec.every_s > 10 else TREND_S)
    column_s = series.column_s(span, cells)
    last = int(end // column_s) - 1
    kept = _trends.setdefault(gauge, {})
    known = kept.get(cells)
    if known is not None and known[:2] == (last, glyphs.ascii):
        return known[2]
    points = series.window(last * column_s, span, cells)
    scale = gauge.spec.scale or ((0.0, 100.0) if gauge.spec.unit == "%" else (0.0, 0.0))
    text = " " * (cells - len(points)) + trend(glyphs, points, scale)
    if len(kept) > 4:
        kept.clear()
    kept[cells] = (last, glyphs.ascii, text)
    return text


def fit_right(text: str, width: int) -> str:
    """`text` at the right of `width` cells."""
    return " " * max(0, width - cell_len(text)) + text


def source_title(source: str, hostname: str) -> str:
    """What the gauges of a source stand under."""
    return f"THIS MACHINE  {visible(hostname)}" if source == HOST else visible(source)


# The Deck's gauges in short


def short_rows(
    gauges: list[Gauge], now: float, width: int, glyphs: Glyphs, lines: int, *, trends: bool
) -> list[Row]:
    """The gauges that matter most, two beside each other: this machine's left, others right."""
    own = [g for g in gauges if g.spec.source == HOST and _is_in_short(g)]
    others = sorted(
        (g for g in gauges if g.spec.source != HOST),
        key=lambda g: {"critical": 0, "warning": 1, "unknown": 2}.get(g.level or "", 3),
    )
    left, right = own[:lines], others[:lines]
    if not right:
        left, right = own[: 2 * lines : 2], own[1 : 2 * lines : 2]
    half = (width - 3) // 2
    rows = []
    for index in range(max(len(left), len(right))):
        parts: list[Part] = [Part("   ")]
        for side in (left, right):
            if index < len(side):
                parts += _short(side[index], now, half, glyphs, trends=trends)
            else:
                parts.append(Part(" " * half))
        rows.append(Row(tuple(parts), None))
    return rows


def _is_in_short(gauge: Gauge) -> bool:
    """The parts of the processor, inodes and throughput are for the Gauges screen, unless bad."""
    if gauge.level in ("warning", "critical"):
        return True
    hidden = ("host-cores", "host-steal", "host-iowait", "host-inodes", "host-files", "host-io")
    return not gauge.spec.id.startswith(hidden)


def _short(gauge: Gauge, now: float, width: int, glyphs: Glyphs, *, trends: bool) -> list[Part]:
    spec, level = gauge.spec, gauge.level
    title_cells = 12 if width < 50 else 20
    bar_cells = 10 if width < 50 else 16
    title = fit(glyphs.plain(visible(spec.title)), title_cells, glyphs.ellipsis)
    name = STYLES[level] if level in ("warning", "critical") else "bar"
    number = fit_right(glyphs.plain(amount(gauge.value, spec.unit)), 9)
    room = width - title_cells - 1 - bar_cells - 9 - 2
    limits = ((spec.warn, "warn"), (spec.crit, "bad"))
    if level == "unknown" or gauge.is_old(now):
        rest, style = f"? {age_words(gauge.age_s(now))}", "warn"
    elif words := forecast_words(gauge.forecast):
        rest, style = words.removeprefix("full in about "), "warn"
    else:
        rest, style = (trend_text(gauge, now, room, glyphs) if trends else ""), "accent"
    return [
        Part(f"{title} "),
        *meter(glyphs, gauge.value, spec.full, bar_cells, limits, name),
        Part(number, "strong" if name != "bar" else ""),
        Part(f" {fit(glyphs.plain(rest), room, glyphs.ellipsis)} ", style),
    ]
