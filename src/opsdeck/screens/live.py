"""The gauges in the app: ticking, told to the screen in front, slower where the link is bad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsdeck.gauges.levels import RANK
from opsdeck.gauges.schedule import Clock
from opsdeck.gauges.words import breach_words, sourced_title
from opsdeck.text import visible
from opsdeck.watching import Watching

if TYPE_CHECKING:
    from opsdeck.catalog.gauges import GaugeSpec
    from opsdeck.gauges.gauge import Change
    from opsdeck.journal.writing import Draft
    from opsdeck.screens.host import DeckHost

TICK_S = 1.0
SLOW_TICKS = 5
"""On a bad link only every so many ticks is one."""
BEHIND_TICKS = 3
"""So many ticks in a row with output still waiting: the link does not keep up."""
ECHO_EVERY_TICKS = 10
ECHO_WITHIN_TICKS = 3
"""A terminal that answered before and takes more ticks than this is behind a bad link. Ticks, not
seconds: after the program itself was stopped for a while, the answer lies there to be read."""
_SLOWED = "this link cannot keep up: every 5 s, no trend lines; s goes back"


class Live:
    """Ticks the gauges of an app. All of it runs on the event loop."""

    def __init__(self, host: DeckHost, clock: Clock | None = None) -> None:
        self.host = host
        self.watching = Watching(host.deck, host.checking.looks, self._record, clock=clock)
        self.watching.on_change = self._turned
        self.watching.owes = lambda: bool(host.unsaved)
        self.slow = host.deck.config.ui.refresh == "slow"
        self.watching.slow = self.slow
        self._begun = False
        self._ticking = False
        self._ticks = 0
        self._echo = Echo()
        self._behind = 0
        self._news = False
        self._slowed = False
        """Whether the operator is still to be told that it slowed down by itself."""
        self._changes: list[Change] = []

    async def begin(self) -> None:
        """Read what was kept, and the first values; then tick."""
        await self.watching.begin()
        self._begun = True
        self.host.show_gauges()  # as the last session left them, with their age
        await self.tick()
        self.host.set_timer(0.3, self.tick)  # what is measured over a time needs a second look
        self.host.set_interval(TICK_S, self.tick)

    async def tick(self) -> None:
        """About once a second: look at what is due and have it shown."""
        if not self._begun:
            return
        self._ticks += 1
        self._watch_link()
        if self._ticking or (self.slow and self._ticks > 2 and self._ticks % SLOW_TICKS):
            return
        self._ticking = True
        try:
            self._news |= await self.watching.tick()
        finally:
            self._ticking = False
        self._say_changes()
        self.host.checking.notice_offline()
        # What the terminal has not taken yet is old already: new values wait until it has.
        if self._news and not self.host.output_waits():
            self._news = False
            self.host.show_gauges()

    async def _record(self, drafts: list[Draft]) -> Any:
        return await self.host.commit_unasked(drafts)

    def _turned(self, change: Change) -> None:
        self._changes.append(change)

    def _say_changes(self) -> None:
        """A new breach is said whatever is in front; of several the worst, and how many."""
        board = self.watching.board
        changes = [c for c in self._changes if board.gauge(c.gauge) is not None]
        self._changes = []
        news = [c for c in changes if c.after in ("warning", "critical")]
        better = [c for c in changes if c.after == "ok" and c.before in ("warning", "critical")]
        told = sorted(news, key=lambda c: -RANK[c.after]) or better
        gauge = board.gauge(told[0].gauge) if told else None
        if gauge is None:
            return
        more = f", and {len(told) - 1} more" if told[1:] else ""
        if told is better:
            self.host.say(f"{visible(sourced_title(gauge))} is ok again{more}", "good")
            return
        words = visible(breach_words(gauge, self.watching.now(), sourced_title(gauge)))
        if told[0].after == "critical":
            self.host.say(f"CRITICAL: {words}{more}", "bad")
        else:
            self.host.say(f"warning: {words}{more}", "warn")

    # Bad links

    def be_slow(self, slow: bool) -> None:
        """Every five seconds without trend lines, or every second with them."""
        self.slow = slow
        self._behind = 0
        self._echo.begin_anew()
        self.watching.be_slow(slow)

    def _watch_link(self) -> None:
        """Notice a link that cannot keep up with a tick a second, and say so once it has room."""
        if self._slowed and not self.host.output_waits():
            self._slowed = False
            self.host.say(_SLOWED, "warn")
        if self.slow:
            return
        self._behind = self._behind + 1 if self.host.output_waits() else 0
        if self._ticks % ECHO_EVERY_TICKS == 0 and self._echo.may_ask():
            self.host.ask_for_echo()
            self._echo.asked()
        if self._behind >= BEHIND_TICKS or self._echo.late():
            self.be_slow(True)
            self._slowed = self._news = True

    def echoed(self) -> None:
        """The terminal has answered."""
        self._echo.answered()


class Echo:
    """How long the terminal takes to answer; one that never did is not asked."""

    def __init__(self) -> None:
        self._known = False
        self._ticks: int | None = None
        """How many ticks the question is old; None while none is under way."""

    def may_ask(self) -> bool:
        """Whether an answer can be hoped for, and none is awaited."""
        return self._known and self._ticks is None

    def begin_anew(self) -> None:
        """A question that was not answered counts no more."""
        self._ticks = None

    def asked(self) -> None:
        """The question is on its way."""
        self._ticks = 0

    def answered(self) -> None:
        """The answer came."""
        self._known, self._ticks = True, None

    def late(self) -> bool:
        """Asked once a tick: whether the answer is overdue."""
        if self._ticks is None:
            return False
        self._ticks += 1
        return self._ticks > ECHO_WITHIN_TICKS + 1


async def agree_to_gauge(host: DeckHost, spec: GaugeSpec) -> None:
    """Show what a gauge would run, and remember the operator's word."""
    from opsdeck.checks.checker import gauge_subject
    from opsdeck.errors import NotSavedError
    from opsdeck.screens.confirm import Confirm

    looks = await host.checking.looks()
    asks = looks.asks([gauge_subject(spec.id, spec.title, spec.probe)])
    if not asks:
        host.say("its command was agreed to already, or cannot be run: see its reason")
        return
    about = "It is run now, and again and again for this gauge, until it changes."
    shown = [(f"gauge {spec.id}", ask.consent.text) for ask in asks]
    question = Confirm("Run this on this machine?", about, shown, host.glyphs, yes="run")
    if await host.push_screen_wait(question) != "yes":
        host.say("nothing is run")
        return
    try:
        await host.journal_thread.run(lambda: looks.remember(asks))
        host.say("agreed: the first value comes with its next look", "good")
    except NotSavedError as error:
        host.say(f"agreed for this time only: {error}", "warn")
