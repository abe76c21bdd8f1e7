"""How a glance looks: this machine twice within a moment, all else once and bounded."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from opsdeck.deck import Deck
from opsdeck.gauges import keeping
from opsdeck.gauges.board import Board, Watch
from opsdeck.gauges.disks import DiskSampler
from opsdeck.gauges.host import HostSampler
from opsdeck.gauges.schedule import Clock
from opsdeck.probes.blocking import in_thread
from opsdeck.reports.glance import Glance, glance_of
from opsdeck.watching import cache_folder

if TYPE_CHECKING:
    from opsdeck.checks.reading import Reading
    from opsdeck.commands.door import Door
    from opsdeck.looking import Looks

BETWEEN_S = 0.15
"""Between two readings of the processor's counters; longer than its clock is coarse (10 ms)."""
DISKS_S = 0.4
"""File systems that have not answered by then are shown as last known."""


class Glancing:
    """One glance, or one after the other, with what must be kept between them."""

    def __init__(self, door: Door) -> None:
        import psutil

        self._host, self._disks = HostSampler(psutil, without_own=True), DiskSampler(psutil)
        self._host.fast()  # the first reading, while the deck is loaded
        self._read_at = time.monotonic()
        self.door = door
        self.deck: Deck = door.deck()
        self.clock = Clock()
        self.board = Board(self.deck.config.gauges)
        self._folder = cache_folder(self.deck)
        self._lease = keeping.Lease(self._folder)
        self._looks: Looks | None = None
        self._first = True

    async def glance(self, patience_s: float) -> Glance:
        """Look, for at most so long beyond this machine (0: not at all), and say how it is."""
        kept = keeping.read_last(self._folder)
        keeps = self._first and patience_s > 0 and self._lease.take()
        past = keeping.read_past(self._folder) if keeps else None
        if self._first or not self._lease.held:
            keeping.restore(self.board, kept, past, self.clock.now())
        self._first = False
        online = True
        if patience_s > 0:
            wait = asyncio.ensure_future(self._beyond(patience_s))
            await self._here()
            online = await wait
        self.board.lapse(self.clock.now())
        if patience_s > 0:
            self._keep()
        return glance_of(self.deck, self.board, self.clock.now(), online=online)

    async def _here(self) -> None:
        disks = asyncio.ensure_future(in_thread(self._disks.sample))
        await asyncio.sleep(max(0.0, self._read_at + BETWEEN_S - time.monotonic()))
        samples = [*self._host.fast(), *self._host.slow()]
        self._read_at = time.monotonic()
        done, _ = await asyncio.wait([disks], timeout=DISKS_S)
        if done:
            samples += disks.result()
        self.board.take_samples(samples, self.clock.now())

    async def _beyond(self, patience_s: float) -> bool:
        """Whether OpsDeck is online, as far as these looks tell."""
        watches = [watch for watch in self.board.watches() if self._is_needed(watch)]
        if not watches:
            return True
        from opsdeck.looking import Looks

        if self._looks is None:
            self._looks = Looks(self.deck, self.door.environ)

        def came(index: int, readings: list[Reading]) -> None:
            self.board.take_readings(watches[index], readings, self.clock.now())

        wanted = self._looks.permitted([watch.wanted for watch in watches])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._looks.read(wanted, came)
        return self._looks.online.offline_since is None

    def _is_needed(self, watch: Watch) -> bool:
        """What another process has just looked at is not asked again."""
        gauges = [self.board.gauge(identity) for identity in watch.gauges]
        now = self.clock.now()
        return any(
            g is None or g.memory.heard is None or now - g.memory.heard > g.spec.every_s
            for g in gauges
        )

    def _keep(self) -> None:
        """What was seen is kept for the next glance, unless the app keeps it already."""
        if self._lease.held:
            at = self.clock.now()
            keeping.write(self._folder, keeping.LAST, keeping.dump_last(self.board, at))
            keeping.write(self._folder, keeping.SERIES, keeping.dump_series(self.board, at))

    def catch_up(self) -> None:
        """Take in what others have written meanwhile."""
        news = self.deck.journal.poll()
        if news.reload:
            self.deck.load()
        else:
            self.deck.absorb_news(news)

    async def aclose(self) -> None:
        """Close every client."""
        self._lease.release()
        if self._looks is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._looks.aclose()
