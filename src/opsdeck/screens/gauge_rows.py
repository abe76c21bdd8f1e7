"""The lines of the Gauges screen and of the Deck's gauges in short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from rich.cells import cell_len

from opsdeck.catalog.gauges import HOST
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.levels import Level
from opsdeck.gauges.words import age_words, amount, detail_words, forecast_words
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Mark
from opsdeck.screens.wording import NARROW
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, fit
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
    live: bool = True
    why: str = ""
    """Why there is no number, or none that is new."""
    detail: str = ""
    """What stands behind the number."""
    full: str = ""
    """When it will be full."""


def seen_at(gauge: Gauge, now: float, moment: float | None, turns: Sequence[Mark] = ()) -> Seen:
    """How a gauge is, or how it was at a moment of its kept past; `turns` are its events."""
    if moment is None:
        return Seen(
            gauge.value,
            gauge.level,
            gauge.age_s(now),
            now,
            why=_why(gauge),
            detail=visible(detail_words(gauge)),
            full=forecast_words(gauge.forecast),
        )
    point = gauge.series.at(moment)
    level = _level_at(turns, moment)
    if point is None:
        return Seen(None, "unknown" if level == "unknown" else None, None, moment, live=False)
    if level is None or level == "unknown":
        level = _level_of(gauge, point.mean)
    return Seen(point.mean, level, None, moment, live=False)


def _level_at(turns: Sequence[Mark], moment: float) -> Level | None:
    """What was said of a gauge then; None where no event tells."""
    told: str | None = None
    for turn in turns:
        at = parse_wall(turn.at)
        if at is not None and at.timestamp() <= moment:
            told = turn.kind
    return told if told in ("ok", "warning", "critical", "unknown") else None  # type: ignore[return-value]


def _level_of(gauge: Gauge, value: float) -> Level:
    """What its limits say of a value alone."""
    if gauge.spec.crit is not None and gauge.spec.crit.passed(value):
        return "critical"
    if gauge.spec.warn is not None and gauge.spec.warn.passed(value):
        return "warning"
    return "ok"


class Columns(NamedTuple):
    """Cells of each column; a column of none is left out."""

    title: int
    bar: int
    number: int
    detail: int
    """What stands behind the number: `11.2 of 15.6 GB`."""
    trend: int
    age: int


_STATE, _BETWEEN = 13, 4


def columns(width: int) -> Columns:
    """How a line of this width is divided; 13 cells are for the state."""
    number, age = 10, 8
    if width < NARROW:
        return Columns(max(4, width - _STATE - number - _BETWEEN - 1), 0, number, 0, 0, 0)
    title, bar, detail = (18, 14, 0) if width < 100 else (26, 16, 20)
    rest = width - _STATE - title - bar - number - _BETWEEN - detail - age
    return Columns(title, bar, number, detail, max(0, rest), age)


_lines: WeakKeyDictionary[Gauge, tuple[tuple[object, ...], Line]] = WeakKeyDictionary()


def gauge_line(
    gauge: Gauge, seen: Seen, cols: Columns, glyphs: Glyphs, *, trends: bool = True
) -> Line:
    """One gauge: state, title, bar, number, what stands behind it, trend, age.

    Most gauges say every second what they said before: then it is the line of before.
    """
    age = "" if seen.age_s is None else age_words(seen.age_s)
    old = seen.live and seen.age_s is not None and is_old(gauge, seen.end)
    trend = trend_text(gauge, seen.end, cols.trend, glyphs) if trends else ""
    says = seen._replace(age_s=None, end=0.0)
    key = (says, age, old, trend, gauge.detail, gauge.spec, cols, glyphs.ascii, trends)
    known = _lines.get(gauge)
    if known is None or known[0] != key:
        known = _lines[gauge] = key, _made_line(gauge, seen, cols, glyphs, trends=trends)
    return known[1]


def _made_line(gauge: Gauge, seen: Seen, cols: Columns, glyphs: Glyphs, *, trends: bool) -> Line:
    spec, style, ellipsis = gauge.spec, STYLES[seen.level], glyphs.ellipsis
    word = seen.level or ("waiting" if seen.live else "no value")
    head = f"   {level_glyph(glyphs, seen.level)} {word:<8} "
    title = f"{fit(glyphs.plain(visible(spec.title)), cols.title, ellipsis)} "
    room = cols.detail + cols.trend
    parts = [Part(head, style), Part(title)]
    why = seen.why
    if why and (cols.age or seen.value is None):  # where it is narrow, a last value says more
        room += cols.bar + cols.number + 2
        if seen.age_s is None:  # then there is no age to stand behind it
            return (
                *parts,
                Part(f" {fit(glyphs.plain(why), room + cols.age - 2, ellipsis)}", style),
            )
        parts.append(Part(f" {fit(glyphs.plain(why), room - 1, ellipsis)}", style))
    else:
        bad = seen.level in ("warning", "critical")
        limits = ((spec.warn, "warn"), (spec.crit, "bad"))
        parts += meter(glyphs, seen.value, spec.full, cols.bar, limits, style if bad else "bar")
        number = fit_right(glyphs.plain(visible(amount(seen.value, spec.unit))), cols.number)
        room -= cell_len(number) - cols.number
        number = fit(number, min(cell_len(number), cols.number + max(0, room)), ellipsis)
        parts.append(Part(f" {number} ", "strong" if bad else ""))
        parts += _behind(gauge, seen, cols, room, glyphs, trends=trends)
    if cols.age:
        age = "" if seen.age_s is None else age_words(seen.age_s)
        old = seen.live and seen.age_s is not None and is_old(gauge, seen.end)
        parts.append(Part(f"{age:>7} ", "warn" if old else "dim"))
    return tuple(parts)


def is_old(gauge: Gauge, now: float) -> bool:
    """Whether its value is older than it should be; what came just now never is."""
    return gauge.is_old(now) and (gauge.age_s(now) or 0.0) >= 10


def _why(gauge: Gauge) -> str:
    """Why there is no number, or none that is new; "" where there is one."""
    if gauge.level not in ("unknown", None):
        return ""
    reading = gauge.reading
    why = gauge.memory.reason if gauge.level else reading.message if reading is not None else ""
    value = gauge.value
    last = f"last {amount(value, gauge.spec.unit)}: " if why and value is not None else ""
    return visible(f"{last}{why}")


def _behind(
    gauge: Gauge, seen: Seen, cols: Columns, room: int, glyphs: Glyphs, *, trends: bool
) -> list[Part]:
    """What stands behind the number: its detail, when it is full, its trend."""
    forecast, detail = seen.full, glyphs.plain(seen.detail)
    wide = min(cols.detail, max(0, room))
    trend_cells = max(0, room - wide)
    if not wide and (forecast or not trends):
        text = _short_forecast(forecast, trend_cells) or detail
        style = "warn" if forecast else "dim"
        return [Part(fit(glyphs.plain(text), trend_cells, glyphs.ellipsis), style)]
    parts = [Part(f"{fit(detail, wide - 1, glyphs.ellipsis)} ", "dim")] if wide else []
    if forecast:
        text, style = _short_forecast(forecast, trend_cells), "warn"
    elif not trends:
        text, style = "", ""
    else:
        text, style = _trend_or_cores(gauge, seen, trend_cells, glyphs), "accent"
    return [*parts, Part(fit(glyphs.plain(text), trend_cells, glyphs.ellipsis), style)]


def _short_forecast(words: str, cells: int) -> str:
    """When it will be full, in fewer words where there is no room for all of them."""
    return words if cell_len(words) <= cells else words.replace("in about", "in")


def _trend_or_cores(gauge: Gauge, seen: Seen, cells: int, glyphs: Glyphs) -> str:
    """The trend; for the busiest core, how busy each of them is, where they fit."""
    cores = gauge.detail if seen.live and gauge.spec.id == "host-cores" else None
    if isinstance(cores, tuple) and len(cores) <= cells:
        return "".join(_core(glyphs, core) for core in cores)
    return trend_text(gauge, seen.end, cells, glyphs)


def _core(glyphs: Glyphs, core: float) -> str:
    return glyphs.heights[min(8, max(1, round(core / 100 * 8)))]


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
    text = " " * (cells - len(points)) + trend(glyphs, points, gauge.spec.full)
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
