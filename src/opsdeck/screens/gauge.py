"""One gauge: its plot over minutes or hours, its limits, its changes, what the probe saw."""

from __future__ import annotations

import json
from collections.abc import Iterable
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
from opsdeck.screens.gauge_keys import code_lines
from opsdeck.screens.gauge_plot import Span, plot_lines, times_line, turn_words
from opsdeck.screens.gauge_rows import STYLES, is_old, level_glyph
from opsdeck.screens.past import PastKeys
from opsdeck.screens.wording import when
from opsdeck.session import Place
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, LineView, Part, fit, wrap

SPANS = ((300.0, "5 min"), (3_600.0, "1 h"), (6 * 3_600.0, "6 h"))
SLOW_S = 60.0
"""On a bad link the plot moves only so often."""
MOST_TURNS = 6
_GONE = "this gauge is no longer there: esc goes back"
_LOWEST, _HIGHEST, _AROUND = 4, 20, 4
"""Rows of the plot, and of its top, its rule, its times and the blank line under it."""
_LEAST_ROOM = 20


class GaugeScreen(PastKeys):
    """A gauge in full."""

    AUTO_FOCUS = ""
    KEYS = (
        "gauge.back",
        "gauge.span",
        "gauges.playbook",
        "gauge.document",
        "gauges.pause",
        "gauges.back",
        "gauges.forward",
        "gauges.at",
    )
    LABELS: ClassVar[dict[str, str]] = {"gauges.back": "1 min"}
    BINDINGS: ClassVar[list[BindingType]] = [
        *PastKeys.BINDINGS,
        Binding("escape,h,left", "back", "back", id="gauge.back", tooltip="Back"),
        Binding(
            "w,tab",
            "span(1)",
            "5 min, 1 h, 6 h",
            key_display="w",
            id="gauge.span",
            tooltip="How much time is shown",
        ),
        Binding("down,j", "lines(1)", show=False, id="gauge.down", tooltip="A line down"),
        Binding("up,k", "lines(-1)", show=False, id="gauge.up", tooltip="A line up"),
        Binding("e", "document", "document", id="gauge.document", tooltip="What the probe saw"),
        Binding("y", "agree", show=False, id="gauge.agree", tooltip="Let its command be run"),
    ]

    def __init__(self, identity: str, moment: float | None = None) -> None:
        super().__init__()
        self.identity = identity
        self.moment = moment
        self._span = 0
        self._playbook: tuple[str, str] | None = None

    def gauge(self) -> Gauge | None:
        """The gauge; None once it is configured no more."""
        watching = self.host.watching
        return watching.board.gauge(self.identity) if watching is not None else None

    def chosen_gauge(self) -> str | None:
        """This one."""
        return self.identity

    def heading(self) -> str:
        """Its name, and which time is shown."""
        pace = "slow: every 5 s" if self.host.slow else ""
        more = self.moment_words() or pace
        return f"{self._title()}   {more}" if more else self._title()

    def _title(self) -> str:
        gauge = self.gauge()
        return visible(gauge.spec.title if gauge is not None else self.identity)

    def body(self) -> Iterable[Widget]:
        """Everything in one view."""
        view = LineView(self._lines, id="gauge")
        view.styles.height = "1fr"
        yield view

    def changed(self, touched: Touched | None) -> None:
        """Its changes of level are events."""
        self.view("gauge").rebuild()

    def gauges_changed(self) -> None:
        """New values: shown, unless another time is."""
        if self.moment is None:
            self.view("gauge").rebuild()
            self.view("header").rebuild()

    def moment_changed(self) -> None:
        """Another time is shown."""
        self.view("gauge").rebuild()

    def place(self) -> Place | None:
        """The Gauges screen at this gauge, wherever it was opened from."""
        return Place(mode="gauges", key=self.identity)

    # Lines

    def _lines(self, width: int) -> list[Line]:
        gauge = self.gauge()
        if gauge is None:
            waits = self.host.watching is None
            said = "the first values come in a moment" if waits else _GONE
            return [(), (Part(f"   {said}", "dim" if waits else "warn"),)]
        now = self._now()
        end = now if self.moment is None else self.moment
        if self.moment is None and self.host.slow:
            end = now - now % SLOW_S  # a plot that moves is most of the bytes of this screen
        span = Span(end, *SPANS[self._span])
        head = self._head(gauge, now, width)
        below = [*self._facts(gauge, span, width), *self._turn_lines(width)]
        plotted = self._plotted(gauge, span, width, len(head) + len(below))
        return [*head, *plotted, (), *below]

    def _head(self, gauge: Gauge, now: float, width: int) -> list[Line]:
        """State, value, and what is to be said of them, on as many lines as that needs."""
        seen = self.seen(gauge, self._turns())
        glyph, plain = level_glyph(self.glyphs, seen.level), self.glyphs.plain
        word = f" {glyph} {seen.level or ('waiting' if seen.live else 'no value')}  "
        old = seen.live and gauge.at is not None and is_old(gauge, now)
        age = f", {age_words(gauge.age_s(now))} old" if old else ""
        value = plain(visible(f"{amount(seen.value, gauge.spec.unit)}{age}   "))
        past = f"{seen.why}   as it was {self.moment_words()}".lstrip()
        rest = self._rest(gauge, now) if seen.live else past
        room = width - cell_len(word) - cell_len(value)
        texts = wrap(plain(visible(rest)), room if room >= _LEAST_ROOM else width - 3)
        first: list[Part] = [Part(word, STYLES[seen.level]), Part(value, "strong")]
        margin = 3
        if room >= _LEAST_ROOM:
            first.append(Part(texts.pop(0), "dim"))
            margin = width - room
        return [tuple(first), *((Part(" " * margin + text, "dim"),) for text in texts[:3])]

    def _rest(self, gauge: Gauge, now: float) -> str:
        """What stands behind the value: what is wrong, why it is unknown, when it is full."""
        if gauge.level == "unknown":
            return self._with_key(gauge, gauge.memory.reason)
        if gauge.level is None:
            reading = gauge.reading
            return self._with_key(gauge, reading.message if reading is not None else "")
        more = [detail_words(gauge), forecast_words(gauge.forecast)]
        if gauge.level != "ok":
            more = [breach_words(gauge, now), detail_words(gauge)]
        elif (since := gauge.memory.judge.beyond_since()) is not None:
            more.append(f"beyond a limit for {format_duration(now - since)}")
        return "   ".join(part for part in more if part)

    def _with_key(self, gauge: Gauge, reason: str) -> str:
        """Why it is not known; where a word of the operator is all it needs, the key for that."""
        reading = gauge.reading
        untrusted = reading is not None and reading.cause == "untrusted"
        return f"{reason}: y shows what it is" if untrusted and " y " not in reason else reason

    def _plotted(self, gauge: Gauge, span: Span, width: int, below: int) -> list[Line]:
        """The plot, as high as there is room, with what it is over; in a low terminal none."""
        rows = min(_HIGHEST, self.view("gauge").size.height - _AROUND - below)
        rows = max(_LOWEST, rows)
        lines = plot_lines(gauge, span, self._turns(), width, rows, self.glyphs)
        return [*lines, times_line(span, width, self.deck.zone)]

    def _facts(self, gauge: Gauge, span: Span, width: int) -> list[Line]:
        spec = gauge.spec
        stats = gauge.series.stats(span.end, span.length_s)
        told = f"nothing was seen in {span.name}"
        if stats is not None:
            low, mean, high, p50, p95, _ = stats
            told = "   ".join(
                f"{name} {amount(value, spec.unit)}"
                for name, value in (("min", low), ("mean", mean), ("p50", p50), ("p95", p95))
            )
            told += f"   max {amount(high, spec.unit)}"
        lines = [self._fact(f"in {span.name}", told, width)]
        limits = [
            f"{word} {limit_words(limit, spec.unit)}"
            for word, limit in (("warning", spec.warn), ("critical", spec.crit))
            if limit is not None
        ]
        held = f", once it lasts {format_duration(spec.for_s)}" if spec.for_s else ""
        lines.append(self._fact("limits", f"{'   '.join(limits) or 'none'}{held}", width))
        kind = spec.probe.get("kind")
        where = f"{kind} probe of {spec.source}" if kind else "this machine"
        lines.append(self._fact("source", f"{where}, every {format_duration(spec.every_s)}", width))
        if spec.playbook:
            lines.append(self._fact("playbook", self._playbook_words(spec.playbook), width))
        return lines

    def _playbook_words(self, identity: str) -> str:
        """Its title and its key; looked for once, since it lies on a disk."""
        if self._playbook is None or self._playbook[0] != identity:
            found = find_playbook(identity, self.deck.config.file)
            words = f"{found.title}   p reads it" if found else f"{identity} (missing)"
            self._playbook = (identity, words)
        return self._playbook[1]

    def _fact(self, name: str, text: str, width: int) -> Line:
        head = f"   {name:<10}"
        text = self.glyphs.plain(visible(text))
        body = fit(text, max(0, width - len(head)), self.glyphs.ellipsis)
        return (Part(head, "dim"), Part(body.rstrip()))

    # Changes of level

    def _turns(self) -> list[Mark]:
        """What this machine's journal says of it, oldest first."""
        deck = self.deck
        return deck.state.gauges.get(deck.journal.writer, {}).get(self.identity, [])

    def _turn_lines(self, width: int) -> list[Line]:
        now, zone = self.deck.now(), self.deck.zone
        return [
            self._fact(when(parse_wall(turn.at), now, zone), turn_words(turn), width)
            for turn in reversed(self._turns()[-MOST_TURNS:])
        ]

    # Keys

    def action_back(self) -> None:
        """esc: to all gauges."""
        self.dismiss()

    def action_span(self, by: int) -> None:
        """w: five minutes, an hour, six hours."""
        self._span = (self._span + by) % len(SPANS)
        self.view("gauge").rebuild()

    def action_lines(self, by: int) -> None:
        """Scroll, where it is more than the screen shows."""
        self.view("gauge").scroll_lines(by)

    def action_document(self) -> None:
        """e: what the probe saw, as it was."""
        gauge = self.gauge()
        reading = gauge.reading if gauge is not None else None
        document = reading.document if reading is not None else None
        if document is None and gauge is not None and not gauge.spec.probe:
            document = {"value": gauge.value, "detail": _plain(gauge.detail)}
        if document is None:
            said = reading.message if reading is not None and reading.message else "nothing yet"
            self.say(f"there is no document: {said}", "warn")
            return
        from opsdeck.screens.reader import Reader

        text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
        lines = [self.glyphs.plain(visible(line)) for line in text.split("\n")]
        self.app.push_screen(
            Reader(
                f"{self._title()}: what was seen",
                lambda width: [part for line in lines for part in code_lines(line, width)],
            )
        )

    def action_agree(self) -> None:
        """y: a command that this gauge runs is shown, and agreed to."""
        gauge = self.gauge()
        if gauge is not None and gauge.spec.probe.get("kind") == "command":
            self.app.run_worker(self.host.agree_to_gauge(gauge.spec), group="act")
        else:
            self.say("this gauge runs nothing: there is nothing to agree to")


def _plain(detail: object) -> object:
    """A detail with its names, where it has any."""
    named = getattr(detail, "_asdict", None)
    return named() if named is not None else detail
