"""Standing still and stepping back: keys of the screens that show gauges as they were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from textual.binding import Binding, BindingType

from opsdeck.durations import format_duration
from opsdeck.errors import UsageError
from opsdeck.gauges.gauge import Gauge
from opsdeck.journal.fold import Mark
from opsdeck.screens.gauge_keys import GaugeKeys
from opsdeck.screens.gauge_rows import Seen, seen_at

STEP_S = 60.0
FARTHEST_S = 7 * 86_400.0
_FORMS = ("%H:%M", "%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_GO_BACK = "the past, as it was kept; space goes back to live"


class PastKeys(GaugeKeys):
    """A screen that shows now, or a moment of what was kept; subclasses say what is repainted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *GaugeKeys.BINDINGS,
        Binding("space", "pause", "pause", id="gauges.pause", tooltip="Stand still, or go on live"),
        Binding(
            "left_square_bracket",
            "step(-1)",
            "back 1 min",
            key_display="[",
            id="gauges.back",
            tooltip="A minute back in what was kept",
        ),
        Binding(
            "right_square_bracket",
            "step(1)",
            "on",
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
    ]

    moment: float | None = None
    """The time that is shown; None while it is now."""

    _stood: tuple[float, dict[str, Seen]] = (0.0, {})
    """When it was paused, and how each gauge stood then."""

    def seen(self, gauge: Gauge, turns: Sequence[Mark]) -> Seen:
        """How a gauge is, or was at the moment that is shown."""
        identity, (at, stood) = gauge.spec.id, self._stood
        if self.moment == at and identity in stood:
            return stood[identity]
        return seen_at(gauge, self._now(), self.moment, turns)

    def moment_changed(self) -> None:
        """Show what was there at `moment`."""

    def _now(self) -> float:
        watching = self.host.watching
        return watching.now() if watching is not None else self.deck.now().timestamp()

    def moment_words(self) -> str:
        """Which time is shown: `at 02:20:00, 18 min ago`; "" while it is now."""
        if self.moment is None:
            return ""
        at = datetime.fromtimestamp(self.moment, UTC).astimezone(self.deck.zone)
        today = datetime.fromtimestamp(self._now(), UTC).astimezone(self.deck.zone).date()
        told = f"{at:%H:%M:%S}" if at.date() == today else f"{at:%a %H:%M:%S}"
        return f"at {told}, {format_duration(max(0.0, self._now() - self.moment))} ago"

    def _show(self, moment: float | None) -> None:
        self.moment = moment
        self.moment_changed()
        self.view("header").rebuild()

    # Keys

    def action_pause(self) -> None:
        """space: stand still, or go on."""
        if self.moment is None:
            self._pause()
            self.say("paused: [ and ] step through the past, space goes on", "warn")
        else:
            self.action_live()

    def _pause(self) -> None:
        """Stand still: what stands there must not change with the values of the next seconds."""
        now, watching = self._now(), self.host.watching
        gauges = watching.board.gauges() if watching is not None else []
        self._stood = (
            now,
            {g.spec.id: seen_at(g, now, None)._replace(age_s=None, live=False) for g in gauges},
        )
        self._show(now)

    def action_live(self) -> None:
        """Back to now."""
        if self.moment is not None:
            self._show(None)
            self.say("live again", "good")
        else:
            self.say("this is live: [ steps back, @ goes to a time")

    def action_step(self, minutes: int) -> None:
        """[ and ]: a minute back or forward; forward past now is live."""
        now = self._now()
        start = self.moment if self.moment is not None else now
        moment = start + minutes * STEP_S
        if moment >= now - (STEP_S / 2 if minutes > 0 else 0):
            self.action_live()
        elif moment < now - FARTHEST_S:
            self._show(now - FARTHEST_S)
            self.say("gauges are kept for seven days: this is as far back as it goes", "warn")
        else:
            self._show(moment)
            self.say(_GO_BACK)

    def action_go_to(self) -> None:
        """@: ask for a time."""
        self.app.run_worker(self._ask_time(), group="act")

    async def _ask_time(self) -> None:
        from opsdeck.screens.prompt import Answers, Field, Prompt

        moment: float | None = None

        def check(answers: Answers) -> None:
            nonlocal moment
            moment = self._moment_of(answers["time"])

        prompt = Prompt(
            "What did it look like at …?",
            [Field("time", "Time", "02:20, 02:20:30 or 2026-11-23 02:20")],
            self.glyphs,
            about=f"In the deck's time zone, {self.deck.config.timezone}.",
            check=check,
            keys=("go there", "stay here"),
        )
        if await self.app.push_screen_wait(prompt) is not None and self.ready:
            self._show(moment)
            self.say(_GO_BACK)

    def _moment_of(self, text: str) -> float:
        """The newest such time that has passed; raises UsageError for what is none."""
        now = datetime.fromtimestamp(self._now(), UTC).astimezone(self.deck.zone)
        at = _read_time(text.strip(), now)
        if at is None:
            raise UsageError("write 02:20, or 2026-11-23 02:20")
        if at > now:
            raise UsageError("that is yet to come")
        if (now - at).total_seconds() > FARTHEST_S:
            raise UsageError("gauges are kept for seven days")
        return at.timestamp()


def _read_time(text: str, now: datetime) -> datetime | None:
    """A time as it was typed, in the zone of `now`; a time of day is the last one that passed."""
    for form in _FORMS:
        try:
            given = datetime.strptime(text, form)  # noqa: DTZ007 (zone follows)
        except ValueError:
            continue
        if not form.startswith("%H"):
            return given.replace(tzinfo=now.tzinfo)
        at = given.replace(year=now.year, month=now.month, day=now.day, tzinfo=now.tzinfo)
        return at if at <= now else at - timedelta(days=1)
    return None
