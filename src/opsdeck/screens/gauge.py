"""One gauge: its plot over minutes or hours, its limits, its changes, what the probe saw."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.widget import Widget

from opsdeck.catalog.playbooks import find_playbook
from opsdeck.deck import Touched
from opsdeck.durations import format_duration
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.words import (
    age_words,
    amount,
    breach_words,
    detail_words,
    forecast_words,
    limit_words,
)
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Mark
from opsdeck.screens.gauge_keys import GaugeKeys
from opsdeck.screens.gauge_rows import STYLES, level_glyph
from opsdeck.screens.wording import when
from opsdeck.session import Place
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, LineView, Part, fit
from opsdeck.widgets.meters import plot, row_of

SPANS = ((300.0, "5 min"), (3_600.0, "1 h"), (6 * 3_600.0, "6 h"))
MOST_TURNS = 6
_AXIS = 10


class GaugeScreen(GaugeKeys):
    """A gauge in full."""

    AUTO_FOCUS = ""
    KEYS = ("gauge.back", "gauge.span", "gauges.playbook", "gauge.document")
    BINDINGS: ClassVar[list[BindingType]] = [
        *GaugeKeys.BINDINGS,
        Binding("escape,h,left", "back", "back", id="gauge.back", tooltip="Back"),
        Binding(
            "w,tab", "span(1)", "5 min 1 h 6 h", id="gauge.span", tooltip="How much time is shown"
        ),
        Binding("e", "document", "document", id="gauge.document", tooltip="What the probe saw"),
        Binding("y", "agree", show=False, id="gauge.agree", tooltip="Let its command be run"),
    ]

    def __init__(self, identity: str, moment: float | None = None) -> None:
        super().__init__()
        self.identity = identity
        self.moment = moment
        self._span = 0

    def gauge(self) -> Gauge | None:
        """The gauge; None once it is configured no more."""
        watching = self.host.watching
        return watching.board.gauge(self.identity) if watching is not None else None

    def chosen_gauge(self) -> str | None:
        """This one."""
        return self.identity

    def heading(self) -> str:
        """Its name."""
        gauge = self.gauge()
        return visible(gauge.spec.title) if gauge is not None else self.identity

    def body(self) -> Iterable[Widget]:
        """Everything in one view."""
        view = LineView(self._lines, id="gauge")
        view.styles.height = "1fr"
        yield view

    def changed(self, touched: Touched | None) -> None:
        """Its changes of level are events."""
        self.view("gauge").rebuild()

    def gauges_changed(self) -> None:
        """New values."""
        self.view("gauge").rebuild()

    def place(self) -> Place | None:
        """The Gauges screen, at this gauge."""
        return self.host.place_of(key=self.identity)

    # Lines

    def _lines(self, width: int) -> list[Line]:
        gauge = self.gauge()
        if gauge is None:
            return [(), (Part("  this gauge is no longer there: esc goes back", "warn"),)]
        now = self.host.watching.now() if self.host.watching is not None else 0.0
        height = max(20, self.size.height)
        turns = self._turns()
        below = [*self._facts(gauge, now, width), *self._turn_lines(turns, width)]
        rows = max(4, min(16, height - 8 - len(below)))
        return [*self._head(gauge, now, width), *self._plot(gauge, now, width, rows, turns), *below]

    def _head(self, gauge: Gauge, now: float, width: int) -> list[Line]:
        style = STYLES[gauge.level]
        word = f" {level_glyph(self.glyphs, gauge.level)} {gauge.level or 'waiting'}  "
        value = amount(gauge.value, gauge.spec.unit)
        old = f"  {age_words(gauge.age_s(now))} old" if gauge.is_old(now) and gauge.at else ""
        more = [detail_words(gauge), forecast_words(gauge.forecast)]
        if gauge.level in ("warning", "critical"):
            more = [breach_words(gauge, now)]
        elif gauge.level == "unknown":
            more = [visible(gauge.memory.reason)]
        elif (since := gauge.memory.judge.beyond_since()) is not None:
            more.append(f"beyond a limit for {format_duration(now - since)}")
        rest = "   ".join(part for part in more if part)
        head = f"{word}{value}{old}   "
        body = fit(self.glyphs.plain(rest), max(0, width - cell_len(head)), self.glyphs.ellipsis)
        return [(Part(word, style), Part(f"{value}{old}   ", "strong"), Part(body, "dim")), ()]

    def _plot(
        self, gauge: Gauge, now: float, width: int, rows: int, turns: list[Mark]
    ) -> list[Line]:
        spec, glyphs = gauge.spec, self.glyphs
        end = self.moment if self.moment is not None else now
        span, name = SPANS[self._span]
        cells = max(10, width - _AXIS - 3)
        points = gauge.series.window(end, span, cells)
        per = max(1, cells // len(points))
        wide = [point for point in points for _ in range(per)]
        scale = self._scale(gauge, [p.high for p in points if p is not None])
        limits = ((spec.warn, "warn"), (spec.crit, "bad"))
        drawn = plot(glyphs, wide, scale, rows, limits)
        labels = {
            row_of(limit.at, scale, rows): amount(limit.at, spec.unit)
            for limit, _ in limits
            if limit is not None and scale[0] <= limit.at <= scale[1]
        }
        labels |= {0: amount(scale[1], spec.unit), rows - 1: amount(scale[0], spec.unit)}
        lines: list[Line] = []
        for row, parts in enumerate(drawn):
            label = labels.get(row, "")
            axis = f"{glyphs.plain(label):>{_AXIS}} {glyphs.wall}"
            lines.append((Part(axis, "dim"), *parts))
        lines.append(self._marks(turns, end, span, len(wide)))
        left = f"{self._clock(end - span)}, {name}"
        right = self._clock(end)
        gap = " " * max(1, len(wide) - cell_len(left) - cell_len(right))
        lines.append((Part(" " * (_AXIS + 2) + left + gap + right, "dim"),))
        return lines

    def _scale(self, gauge: Gauge, highs: list[float]) -> tuple[float, float]:
        """Absolute where it has a scale; else from nothing to what was seen, rounded up."""
        low, high = gauge.spec.full
        most = max([high, *highs]) if gauge.spec.scale is None else high
        if most <= low:
            most = low + 1.0
        if gauge.spec.scale is None and most > high:
            step = 10.0 ** (len(str(int(most))) - 1) if most >= 1 else 0.1
            most = step * (int(most / step) + 1)
        return (low, most)

    def _marks(self, turns: list[Mark], end: float, span: float, cells: int) -> Line:
        """Under the plot, where the gauge went from one level to another."""
        marks: dict[int, str] = {}
        for turn in turns:
            at = parse_wall(turn.at)
            place = int((at.timestamp() - (end - span)) / span * cells) if at else -1
            if 0 <= place < cells:
                marks[place] = turn.kind
        parts: list[Part] = [Part(" " * (_AXIS + 2))]
        for cell in range(cells):
            kind = marks.get(cell)
            if kind in ("ok", "warning", "critical", "unknown"):
                parts.append(Part(level_glyph(self.glyphs, kind), STYLES[kind]))  # type: ignore[index,arg-type]
            else:
                parts.append(Part(self.glyphs.rule, "dim"))
        return tuple(_joined(parts))

    def _clock(self, moment: float) -> str:
        return f"{datetime.fromtimestamp(moment, UTC).astimezone(self.deck.zone):%H:%M}"

    def _facts(self, gauge: Gauge, now: float, width: int) -> list[Line]:
        spec = gauge.spec
        end = self.moment if self.moment is not None else now
        span, name = SPANS[self._span]
        stats = gauge.series.stats(end, span)
        lines: list[Line] = [()]
        if stats is not None:
            told = (("min", stats.low), ("mean", stats.mean), ("p95", stats.p95))
            words = [f"{key} {amount(value, spec.unit)}" for key, value in told]
            words.append(f"max {amount(stats.high, spec.unit)}")
            lines.append(self._fact(f"in {name}", "   ".join(words), width))
        limits = [
            f"{word} {limit_words(limit, spec.unit)}"
            for word, limit in (("warning", spec.warn), ("critical", spec.crit))
            if limit is not None
        ]
        if limits:
            held = f", once it lasts {format_duration(spec.for_s)}" if spec.for_s else ""
            lines.append(self._fact("limits", f"{'   '.join(limits)}{held}", width))
        kind = spec.probe.get("kind")
        where = f"{kind} probe of {spec.source}" if kind else "this machine"
        lines.append(self._fact("source", f"{where}, every {format_duration(spec.every_s)}", width))
        if spec.playbook:
            found = find_playbook(spec.playbook, self.deck.config.file)
            title = visible(found.title) if found else f"{visible(spec.playbook)} (missing)"
            lines.append(self._fact("playbook", f"{title}   p reads it", width))
        return lines

    def _fact(self, name: str, text: str, width: int) -> Line:
        head = f"   {name:<10}"
        body = fit(self.glyphs.plain(text), max(0, width - len(head)), self.glyphs.ellipsis)
        return (Part(head, "dim"), Part(body.rstrip()))

    # Changes of level

    def _turns(self) -> list[Mark]:
        """What this machine's journal says of it, oldest first."""
        deck = self.deck
        return deck.state.gauges.get(deck.journal.writer, {}).get(self.identity, [])

    def _turn_lines(self, turns: list[Mark], width: int) -> list[Line]:
        lines: list[Line] = []
        for turn in reversed(turns[-MOST_TURNS:]):
            more = turn.more or {}
            at = when(parse_wall(turn.at), self.deck.now(), self.deck.zone)
            lasted = more.get("duration_s")
            words = f"{visible(str(more.get('from') or 'begun'))} to {visible(turn.kind)}"
            if isinstance(lasted, int | float) and lasted >= 1:
                words += f" after {format_duration(lasted)}"
            value = more.get("value")
            if isinstance(value, int | float):
                words += f", at {amount(float(value), visible(str(more.get('unit', ''))))}"
            lines.append(self._fact(at, words, width))
        return lines

    # Keys

    def action_back(self) -> None:
        """esc: to all gauges."""
        self.dismiss()

    def action_span(self, by: int) -> None:
        """w: five minutes, an hour, six hours."""
        self._span = (self._span + by) % len(SPANS)
        self.view("gauge").rebuild()

    def action_document(self) -> None:
        """e: what the probe saw, as it was."""
        gauge = self.gauge()
        reading = gauge.reading if gauge is not None else None
        document = reading.document if reading is not None else None
        if document is None and gauge is not None and not gauge.spec.probe:
            document = {"value": gauge.value, "detail": gauge.detail}
        if document is None:
            said = reading.message if reading is not None and reading.message else "nothing yet"
            self.say(f"there is no document: {said}")
            return
        from opsdeck.screens.reader import Reader

        text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
        lines = [visible(line) for line in text.splitlines()]
        plain = self.glyphs.plain
        title = f"{self.heading()}: what was seen"
        self.app.push_screen(Reader(title, lambda _: [(Part(plain(li)),) for li in lines]))

    def action_agree(self) -> None:
        """y: a command that this gauge runs is shown, and agreed to."""
        gauge = self.gauge()
        if gauge is not None and gauge.spec.probe.get("kind") == "command":
            self.app.run_worker(self.host.agree_to_gauge(gauge.spec), group="act")
        else:
            self.say("this gauge runs nothing: there is nothing to agree to")


def _joined(parts: list[Part]) -> list[Part]:
    """Neighbours of one style as one part."""
    found: list[Part] = []
    for part in parts:
        if found and found[-1].style == part.style:
            found[-1] = Part(found[-1].text + part.text, part.style)
        else:
            found.append(part)
    return found
