"""The Gauges screen: every gauge by its source, live, paused, or as it was some time ago."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from opsdeck.deck import Touched
from opsdeck.durations import format_duration
from opsdeck.errors import UsageError
from opsdeck.gauges.words import worst_words
from opsdeck.screens.gauge_keys import GaugeKeys
from opsdeck.screens.gauge_rows import gauge_line, seen_at, source_title
from opsdeck.session import Place
from opsdeck.widgets.lines import Part, Row
from opsdeck.widgets.list import LineList

STEP_S = 60.0
LEAP_S = 600.0
FARTHEST_S = 7 * 86_400.0


class GaugesScreen(GaugeKeys):
    """All gauges."""

    KEYS = ("list.open", "gauges.pause", "gauges.back", "gauges.forward", "gauges.processes")
    LABELS: ClassVar[dict[str, str]] = {"list.open": "open"}
    BINDINGS: ClassVar[list[BindingType]] = [
        *GaugeKeys.BINDINGS,
        Binding("space", "pause", "pause", id="gauges.pause", tooltip="Stand still, or go on live"),
        Binding(
            "left_square_bracket",
            "step(-1)",
            "back",
            key_display="[",
            id="gauges.back",
            tooltip="A minute back in what was kept",
        ),
        Binding(
            "right_square_bracket",
            "step(1)",
            "forward",
            key_display="]",
            id="gauges.forward",
            tooltip="A minute forward",
        ),
        Binding(
            "left_curly_bracket",
            "step(-10)",
            show=False,
            key_display="{",
            id="gauges.far_back",
            tooltip="Ten minutes back",
        ),
        Binding(
            "right_curly_bracket",
            "step(10)",
            show=False,
            key_display="}",
            id="gauges.far_forward",
            tooltip="Ten minutes forward",
        ),
        Binding("@", "go_to", "time", key_display="@", id="gauges.at", tooltip="Go to a time"),
        Binding("t", "processes", "top", id="gauges.processes", tooltip="Top processes"),
        Binding("escape", "live", show=False, id="gauges.live", tooltip="Back to live"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.moment: float | None = None
        """The time that is shown; None while it is now."""
        self._first: str | None = None
        self._hostname = socket.gethostname()

    def heading(self) -> str:
        """How many are bad, or which time is shown."""
        watching = self.host.watching
        if watching is None:
            return "Gauges"
        if self.moment is None:
            words = worst_words(watching.board.gauges())
            return f"Gauges   {words}" if words else "Gauges   all ok"
        back = max(0.0, watching.now() - self.moment)
        return f"Gauges at {self._clock(self.moment)}, {format_duration(back)} ago"

    def _clock(self, moment: float) -> str:
        at = datetime.fromtimestamp(moment, UTC).astimezone(self.deck.zone)
        today = self.deck.now().astimezone(self.deck.zone).date()
        return f"{at:%H:%M:%S}" if at.date() == today else f"{at:%a %H:%M:%S}"

    def body(self) -> Iterable[Widget]:
        """One list."""
        rows = LineList(self._rows, self.glyphs.cursor, id="rows")
        rows.want(self._first)
        yield rows

    @property
    def rows(self) -> LineList:
        """The list."""
        return self.query_one("#rows", LineList)

    def start_at(self, key: str | None) -> None:
        """Put the cursor there, now or once the rows exist."""
        self._first = key
        for rows in self.query(LineList):
            rows.want(key)

    def place(self) -> Place | None:
        """The gauge under the cursor."""
        return self.host.place_of(key=self.rows.key if self.ready else self._first)

    def chosen_gauge(self) -> str | None:
        """The gauge under the cursor."""
        return self.rows.key if self.ready else None

    def changed(self, touched: Touched | None) -> None:
        """The list may have others in it."""
        self.rows.rebuild()

    def gauges_changed(self) -> None:
        """New values: shown, unless another time is."""
        if self.moment is None:
            self.rows.rebuild()
            self.view("header").rebuild()

    @on(LineList.Moved)
    def _moved(self) -> None:
        self.host.keep_place()

    @on(LineList.Chosen)
    def _open(self, event: LineList.Chosen) -> None:
        if event.key:
            self.host.open_gauge(event.key, self.moment)

    # The rows

    def _rows(self, width: int) -> list[Row]:
        glyphs, watching = self.glyphs, self.host.watching
        now = self._now()
        gauges = watching.board.gauges() if watching is not None else []
        rows: list[Row] = []
        source = None
        for gauge in gauges:
            if gauge.spec.source != source:
                source = gauge.spec.source
                rows.append(self._title(source_title(source, self._hostname), width))
            seen = seen_at(gauge, now, self.moment)
            line = gauge_line(gauge, seen, width, glyphs, trends=not self.host.slow)
            rows.append(Row(line, gauge.spec.id))
        if not gauges:
            rows.append(Row((Part("   the first values come in a moment", "dim"),)))
        return rows

    def _title(self, text: str, width: int) -> Row:
        text = self.glyphs.plain(text)
        rule = self.glyphs.rule * max(0, width - cell_len(text) - 3)
        return Row((Part(f" {text} ", "title"), Part(rule, "dim")))

    # Time

    def _now(self) -> float:
        watching = self.host.watching
        return watching.now() if watching is not None else self.deck.now().timestamp()

    def action_pause(self) -> None:
        """space: stand still, or go on."""
        if self.moment is None:
            self._show(self._now())
            self.say("paused; [ and ] step through the past, space goes on", "warn")
        else:
            self.action_live()

    def action_live(self) -> None:
        """esc: back to now."""
        if self.moment is not None:
            self._show(None)
            self.say("live again", "good")

    def action_step(self, minutes: int) -> None:
        """[ and ]: a minute back or forward; forward past now is live."""
        now = self._now()
        start = self.moment if self.moment is not None else now
        moment = start + minutes * STEP_S
        if moment >= now:
            self.action_live()
            return
        self._show(max(moment, now - FARTHEST_S))
        self.say("the past, as it was kept; space or esc goes back to live")

    def action_go_to(self) -> None:
        """@: ask for a time."""
        self.app.run_worker(self._ask_time(), group="act")

    async def _ask_time(self) -> None:
        from opsdeck.screens.prompt import Answers, Field, Prompt

        def check(answers: Answers) -> float:
            return self._moment_of(answers["time"])

        prompt = Prompt(
            "What did it look like at …?",
            [Field("time", "Time", "02:20, 02:20:30 or 2026-11-23 02:20")],
            self.glyphs,
            about=f"In the deck's time zone, {self.deck.config.timezone}.",
            check=check,
            keys=("go there", "stay here"),
        )
        answers = await self.app.push_screen_wait(prompt)
        if answers is not None:
            self._show(self._moment_of(answers["time"]))
            self.say("the past, as it was kept; space or esc goes back to live")

    def _moment_of(self, text: str) -> float:
        """The newest such time that has passed; raises UsageError for what is none."""
        now = self.deck.now().astimezone(self.deck.zone)
        for form in ("%H:%M", "%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"):
            try:
                given = datetime.strptime(text.strip(), form)  # noqa: DTZ007 (zone follows)
            except ValueError:
                continue
            if form.startswith("%H"):
                given = given.replace(year=now.year, month=now.month, day=now.day)
            at = given.replace(tzinfo=self.deck.zone)
            if form.startswith("%H") and at > now:
                at -= timedelta(days=1)
            if at > now:
                raise UsageError("that is yet to come")
            if (now - at).total_seconds() > FARTHEST_S:
                raise UsageError("gauges are kept for seven days")
            return at.timestamp()
        raise UsageError("write 02:20, or 2026-11-23 02:20")

    def _show(self, moment: float | None) -> None:
        self.moment = moment
        self.rows.rebuild()
        self.view("header").rebuild()

    def action_processes(self) -> None:
        """t: what runs here."""
        from opsdeck.screens.processes import ProcessesScreen

        self.app.push_screen(ProcessesScreen())
