"""How a glance looks: this machine twice within a moment, all else once and bounded."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import msgspec

from opsdeck.checks.reading import Reading, Wanted
from opsdeck.deck import Deck
from opsdeck.gauges import keeping
from opsdeck.gauges.board import Board, Sample, Watch
from opsdeck.gauges.disks import DiskSampler
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.host import HostSampler
from opsdeck.gauges.schedule import Clock
from opsdeck.probes.blocking import in_thread
from opsdeck.reports.glance import Glance, glance_of
from opsdeck.watching import cache_folder

if TYPE_CHECKING:
    from opsdeck.commands.door import Door
    from opsdeck.looking import Looks

BETWEEN_S = 0.15
"""Between two readings of the processor's counters; longer than its clock is coarse (10 ms)."""
ANCHORS_SHARE, ANCHORS_MOST_S = 0.35, 0.8
"""How much of the patience is for finding out, when nobody answers, whether it is we who are
cut off; the rest is for the looks themselves."""
SPARE_S = 0.05
CLOSING_S = 0.2


class Glancing:
    """One glance, or one after the other, with what must be kept between them."""

    def __init__(self, door: Door, deck: Deck | None = None) -> None:
        import psutil

        self._host, self._disks = HostSampler(psutil, without_own=True), DiskSampler(psutil)
        self._host.fast()  # the first reading, while the deck is loaded
        self._read_at = time.monotonic()
        self.door = door
        self.deck: Deck = deck if deck is not None else door.deck()
        self.clock = Clock()
        self.board = Board(self.deck.config.gauges)
        self._folder = cache_folder(self.deck)
        self._lease = keeping.Lease(self._folder)
        self._looks: Looks | None = None
        self._asked_disks: asyncio.Future[list[Sample]] | None = None
        self._first = True

    async def glance(self, patience_s: float) -> Glance:
        """Look, for at most so long beyond this machine (0: not at all), and say how it is.

        The lease is held for no longer than that: the app must get it, for its events.
        """
        jumped = self.clock.jumped()
        if jumped:
            self.board.shift(jumped)
        keeps = patience_s > 0 and self._lease.take()
        try:
            self._remember(looks=patience_s > 0, keeps=keeps)
            online: bool | None = None
            if patience_s > 0:
                _, online = await asyncio.gather(self._here(patience_s), self._beyond(patience_s))
            self._lapse()
            if keeps:
                self._keep()
        finally:
            self._lease.release()
        now = self.clock.now()
        return glance_of(self.deck, self.board, now, online=online, looked=patience_s > 0)

    # What is known from before

    def _remember(self, *, looks: bool, keeps: bool) -> None:
        """Go on from what was kept; in later glances only from what others have kept."""
        if not self._first and keeps:
            return
        kept = keeping.read_last(self._folder)
        # Without their past, what fills would have no forecast, and be well again.
        past = keeping.read_past(self._folder) if looks and self._first and kept else None
        keeping.restore(self.board, kept, past, self.clock.now())
        self._first = False

    def _lapse(self) -> None:
        """What was not seen for long is unknown; file systems that hang are not gone, though."""
        hung: list[Gauge] = []
        if self._asked_disks is not None:
            hung = [gauge for gauge in self.board.gauges() if not gauge.spec.probe]
        self.board.lapse(self.clock.now())
        for gauge in hung:
            if self.board.gauge(gauge.spec.id) is None:
                self.board.adopt(gauge.spec)
                again = self.board.gauge(gauge.spec.id)
                if again is not None:
                    again.memory, again.series = gauge.memory, gauge.series

    # This machine

    async def _here(self, patience_s: float) -> None:
        until = time.monotonic() + patience_s
        if self._asked_disks is None:  # else they still hang from the last glance
            self._asked_disks = asyncio.ensure_future(in_thread(self._disks.sample))
        await asyncio.sleep(max(0.0, self._read_at + BETWEEN_S - time.monotonic()))
        samples = [*self._host.fast(), *self._host.slow()]
        self._read_at = time.monotonic()
        left_s = max(SPARE_S, until - time.monotonic())
        done, _ = await asyncio.wait([self._asked_disks], timeout=left_s)
        if done:
            found, self._asked_disks = self._asked_disks, None
            with contextlib.suppress(OSError):
                samples += found.result()
        elif (mount := self._disks.asking) is not None:
            said = f"{mount} does not answer: is its disk there?"
            samples += [Sample(spec, None, None, said) for spec in self._disks.specs(mount)]
        self.board.take_samples(samples, self.clock.now())

    # Beyond it

    async def _beyond(self, patience_s: float) -> bool:
        """Whether OpsDeck is online, as far as these looks tell."""
        watches = [watch for watch in self.board.watches() if self._is_needed(watch)]
        if not watches:
            return True
        looks = self._looking()
        anchors_s = min(ANCHORS_MOST_S, patience_s * ANCHORS_SHARE)
        looks.online.timeout_s = anchors_s
        wanted = [
            _bounded(each, looks, patience_s - anchors_s)
            for each in looks.permitted([watch.wanted for watch in watches])
        ]
        silent = set(range(len(watches)))

        def came(index: int, readings: list[Reading]) -> None:
            silent.discard(index)
            self.board.take_readings(watches[index], readings, self.clock.now())

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s + SPARE_S):
                await looks.read(wanted, came)
        for index in sorted(silent):
            nothing = Reading(cause="timeout", message=f"no answer within {patience_s:g} s")
            came(index, [nothing] * len(watches[index].gauges))
        return looks.online.offline_since is None

    def _looking(self) -> Looks:
        if self._looks is None:
            from opsdeck.looking import Looks

            self._looks = Looks(self.deck, self.door.environ)
        self._looks.follow()
        return self._looks

    def _is_needed(self, watch: Watch) -> bool:
        """What another process has just looked at is not asked again."""
        gauges = [self.board.gauge(identity) for identity in watch.gauges]
        now = self.clock.now()
        return any(
            g is None or g.memory.heard is None or not 0 <= now - g.memory.heard <= g.spec.every_s
            for g in gauges
        )

    # Between glances

    def _keep(self) -> None:
        """What was seen is kept for the next glance."""
        at = self.clock.now()
        keeping.write(self._folder, keeping.LAST, keeping.dump_last(self.board, at))
        keeping.write(self._folder, keeping.SERIES, keeping.dump_series(self.board, at))

    def catch_up(self) -> None:
        """Take in what others have written meanwhile, into the deck's files too."""
        self.deck.source.reload_if_changed()
        edited = self.deck.config_watch.poll()
        if edited is not None:
            before = self.deck.config.gauges
            self.deck.take_config(edited)
            if self.deck.config.gauges is not before:
                self.board.configure(self.deck.config.gauges)
        news = self.deck.journal.poll()
        if news.reload:
            self.deck.load()
        else:
            self.deck.absorb_news(news)

    async def aclose(self) -> None:
        """Close every client."""
        if self._looks is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    await self._looks.aclose()


def _bounded(wanted: Wanted, looks: Looks, most_s: float) -> Wanted:
    """The look with so much time at most; what somebody may run was decided before."""
    timeout_s = min(most_s, looks.engine.timeout_of(wanted.probe))
    return msgspec.structs.replace(wanted, probe={**wanted.probe, "timeout": timeout_s})
