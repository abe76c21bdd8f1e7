"""The gauges in short, as the Deck shows them: two beside each other."""

from __future__ import annotations

from rich.cells import cell_len

from opsdeck.catalog.gauges import HOST
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.words import age_words, amount, forecast_words
from opsdeck.screens.gauge_rows import STYLES, fit_right, is_old, level_glyph, trend_text
from opsdeck.screens.wording import NARROW
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Part, Row, fit
from opsdeck.widgets.meters import meter

_BADNESS = {"critical": 0, "warning": 1, "unknown": 2}
_DETAILS = ("host-cores", "host-steal", "host-iowait", "host-inodes", "host-files", "host-io")
_NUMBER = 9


def short_rows(
    gauges: list[Gauge], now: float, width: int, glyphs: Glyphs, lines: int, *, trends: bool
) -> list[Row]:
    """The gauges that matter most: this machine's on the left, the others on the right."""
    own = [g for g in gauges if g.spec.source == HOST and _is_in_short(g)]
    others = [g for g in gauges if g.spec.source != HOST]
    own.sort(key=_badness)
    others.sort(key=_badness)
    if width < NARROW:
        shown = sorted([*own, *others], key=_badness)[:lines]
        return [Row((Part(" "), *_short(g, now, width - 2, glyphs, trends=False))) for g in shown]
    left, right = own[:lines], others[:lines]
    if not right:
        left, right = own[: 2 * lines : 2], own[1 : 2 * lines : 2]
    half = (width - 2) // 2
    rows = []
    for index in range(max(len(left), len(right))):
        parts: list[Part] = [Part(" ")]
        for side in (left, right):
            if index < len(side):
                parts += _short(side[index], now, half, glyphs, trends=trends)
            else:
                parts.append(Part(" " * half))
        rows.append(Row(tuple(parts)))
    return rows


def _badness(gauge: Gauge) -> int:
    return _BADNESS.get(gauge.level or "", 3)


def _is_in_short(gauge: Gauge) -> bool:
    """The parts of the processor, inodes and throughput are for the Gauges screen, unless bad."""
    return gauge.level in ("warning", "critical") or not gauge.spec.id.startswith(_DETAILS)


def _short(gauge: Gauge, now: float, width: int, glyphs: Glyphs, *, trends: bool) -> list[Part]:
    """One gauge in exactly `width` cells; the glyph before it stands for its state."""
    spec, style = gauge.spec, STYLES[gauge.level]
    title_cells, bar_cells = (12, 8) if width < 50 else (20, 14)
    title = fit(glyphs.plain(visible(spec.title)), title_cells, glyphs.ellipsis)
    glyph = level_glyph(glyphs, gauge.level)
    parts = [Part(f" {glyph} ", style), Part(f"{title} ")]
    room = width - title_cells - 4
    if gauge.level == "unknown" or gauge.value is None:
        age = "" if gauge.at is None else f", {age_words(gauge.age_s(now))} old"
        word = f"unknown{age}" if gauge.level else "waiting"
        return [*parts, Part(fit(word, room, glyphs.ellipsis), style)]
    bad = gauge.level in ("warning", "critical")
    limits = ((spec.warn, "warn"), (spec.crit, "bad"))
    parts += meter(glyphs, gauge.value, spec.full, bar_cells, limits, style if bad else "bar")
    number = fit_right(glyphs.plain(visible(amount(gauge.value, spec.unit))), _NUMBER)
    room -= bar_cells
    number = fit(number, min(cell_len(number), room - 2), glyphs.ellipsis)
    parts.append(Part(number, "strong" if bad else ""))
    room -= cell_len(number) + 2
    rest, rest_style = _rest(gauge, now, room, glyphs, trends=trends)
    return [*parts, Part(f" {fit(glyphs.plain(rest), room, glyphs.ellipsis)} ", rest_style)]


def _rest(gauge: Gauge, now: float, room: int, glyphs: Glyphs, *, trends: bool) -> tuple[str, str]:
    """What stands behind the number: how old it is, when it is full, its trend."""
    if is_old(gauge, now):
        old = f"{age_words(gauge.age_s(now))} old"
        return old if cell_len(old) <= room else age_words(gauge.age_s(now)), "warn"
    if words := forecast_words(gauge.forecast):
        brief = words.replace("in about ", "")
        return brief if cell_len(brief) <= room else brief.removeprefix("full "), "warn"
    return (trend_text(gauge, now, room, glyphs) if trends else ""), "accent"
