"""The gauges of a deck as they run: looked at on time, kept, and their changes made into events.

Everything here happens on the event loop of one process; what may wait is done elsewhere: this
machine is read in a thread, its file systems in another, and all else by the process that looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from opsdeck.background import JournalThread
from opsdeck.deck import Deck
from opsdeck.gauges import keeping
from opsdeck.gauges.board import Board, Sample, Watch
from opsdeck.gauges.gauge import Change
from opsdeck.gauges.schedule import Clock, Schedule
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import GAUGE_CHANGED
from opsdeck.journal.writing import Draft

if TYPE_CHECKING:
    from opsdeck.checks.reading import Reading
    from opsdeck.gauges.host import DiskSampler, HostSampler
    from opsdeck.looking import Looks

FAST, SLOW, DISKS, LAST, SERIES = "fast", "slow", "disks", "last", "series"
EVERY_S = {FAST: 1.0, SLOW: 5.0, DISKS: 5.0, LAST: 10.0, SERIES: 120.0}
DISKS_HANG_AFTER_S = 10.0
OPSDECK = "opsdeck"
"""By whom a gauge's event is: nobody pressed a key."""


def cache_folder(deck: Deck) -> Path:
    """Where the deck's derived files lie."""
    return deck.journal.home / "cache"


def draft_of(change: Change, unit: str) -> Draft:
    """A change of level as the event it is."""
    data: dict[str, Any] = {
        "gauge": change.gauge,
        "title": change.title,
        "from": change.before,
        "to": change.after,
        "start": _wall(change.began),
        "end": _wall(change.at),
        "duration_s": round(max(0.0, change.at - change.began), 1),
    }
    seen = (("min", change.low), ("mean", change.mean), ("max", change.high))
    for key, value in (*seen, ("value", change.value)):
        if value is not None:
            data[key] = round(value, 3)
    if unit:
        data["unit"] = unit
    if change.reason:
        data["reason"] = change.reason[:300]
    return Draft(GAUGE_CHANGED, data, by=OPSDECK)


def _wall(at: float) -> str:
    return wall_text(datetime.fromtimestamp(at, UTC))


class Watching:
    """Looks at a deck's gauges for as long as `tick` is called, about once a second."""

    def __init__(
        self,
        deck: Deck,
        looks: Callable[[], Awaitable[Looks]],
        record: Callable[[list[Draft]], Awaitable[Any]],
        *,
        clock: Clock | None = None,
    ) -> None:
        """`record` writes events; `looks` gives what looks beyond this machine."""
        self.deck = deck
        self.clock = Clock() if clock is None else clock
        self.board = Board(deck.config.gauges)
        self.lease = keeping.Lease(cache_folder(deck))
        self.slow = False
        """Whether this machine is read every five seconds only."""
        self.on_change: Callable[[Change], None] = lambda change: None
        """Is told of every change of level, recorded here or by another process."""
        self._looks = looks
        self._record = record
        self._gauges = deck.config.gauges
        self._watches: list[Watch] = []
        self._schedule: Schedule[str | int] = Schedule()
        self._host: HostSampler | None = None
        self._disks: DiskSampler | None = None
        self._threads = {name: JournalThread() for name in (FAST, DISKS, LAST)}
        self._busy: set[str | int] = set()
        self._disks_since = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._changes: list[Change] = []
        self._begun = False
        self.revision = 0
        """Counts whatever came in, so that a screen knows whether there is anything new."""

    @property
    def beyond(self) -> bool:
        """Whether any gauge needs the process that looks."""
        return bool(self._watches)

    def now(self) -> float:
        """The time that readings are stamped with."""
        return self.clock.now()

    # Beginning and ending

    async def begin(self) -> None:
        """Read what was kept, and import what reads this machine: both off the event loop."""
        folder = cache_folder(self.deck)
        last = await self._threads[LAST].run(lambda: keeping.read_kept(folder))
        keeping.restore(self.board, *last, self.now())
        self._adopt_levels()
        host, psutil = await self._threads[FAST].run(_host_modules)
        self._host, self._disks = host.HostSampler(psutil), host.DiskSampler(psutil)
        self._configure()
        self._begun = True

    def _adopt_levels(self) -> None:
        """Where the cache is gone, the journal still knows what was last said of a gauge here."""
        turns = self.deck.state.gauges.get(self.deck.journal.writer, {})
        for identity, marks in turns.items():
            gauge = self.board.gauge(identity)
            if gauge is not None and gauge.level is None:
                level = marks[-1].kind
                if level in ("ok", "warning", "critical", "unknown"):
                    gauge.memory.level = level  # type: ignore[assignment]

    def _configure(self) -> None:
        self._watches = self.board.watches()
        intervals = [(name, self._every(name)) for name in EVERY_S]
        looks = [(n, watch.every_s) for n, watch in enumerate(self._watches)]
        self._schedule.set([*intervals, *looks], self.clock.steady())

    def _every(self, name: str) -> float:
        return 5.0 if self.slow and name == FAST else EVERY_S[name]

    def be_slow(self, slow: bool) -> None:
        """Read this machine every five seconds, or every second."""
        self.slow = slow
        if self._begun:
            self._configure()

    def follow(self) -> None:
        """Go by the gauges that the configuration names now."""
        if self._gauges is not self.deck.config.gauges:
            self._gauges = self.deck.config.gauges
            self.board.configure(self._gauges)
            if self._begun:
                self._configure()

    def leave(self) -> None:
        """The program ends: keep what is known, without waiting for it."""
        for task in self._tasks:
            task.cancel()
        if self.lease.held:
            folder, at = cache_folder(self.deck), self.now()
            keeping.write(folder, keeping.LAST, keeping.dump_last(self.board, at))
            keeping.write(folder, keeping.SERIES, keeping.dump_series(self.board, at))
            self.lease.release()

    # Ticking

    async def tick(self) -> bool:
        """Look at what is due; whether anything came in since the last tick."""
        before = self.revision
        self.follow()
        jumped = self.clock.jumped()
        if jumped:
            self.board.shift(jumped)
        due = self._schedule.due(self.clock.steady(), slack=0.1)
        if FAST in due or SLOW in due:
            await self._read_host(due)
        self._begin_disks(DISKS in due)
        wanted = [n for n in due if isinstance(n, int) and n not in self._busy]
        if wanted:
            self._spawn(self._read_beyond(wanted))
        self._changes += self.board.lapse(self.now())
        await self._settle()
        if LAST in due or SERIES in due:
            self._keep(series=SERIES in due)
        return self.revision != before

    async def _read_host(self, due: list[str | int]) -> None:
        host = self._host
        if host is None or FAST in self._busy:
            return
        self._busy.add(FAST)

        def read() -> list[Sample]:
            slow = host.slow() if SLOW in due else []
            return [*(host.fast() if FAST in due else []), *slow]

        try:
            samples = await self._threads[FAST].run(read)
        finally:
            self._busy.discard(FAST)
        self._take(self.board.take_samples(samples, self.now()))

    def _begin_disks(self, due: bool) -> None:
        disks = self._disks
        if disks is None:
            return
        if DISKS not in self._busy:
            if due:
                self._busy.add(DISKS)
                self._disks_since = self.clock.steady()
                self._spawn(self._read_disks(disks))
        elif disks.asking is not None:
            hangs_s = self.clock.steady() - self._disks_since
            if hangs_s > DISKS_HANG_AFTER_S:
                said = f"{disks.asking} does not answer: is its disk there?"
                samples = [Sample(spec, None, None, said) for spec in disks.specs(disks.asking)]
                self._take(self.board.take_samples(samples, self.now()))

    async def _read_disks(self, disks: DiskSampler) -> None:
        try:
            samples = await self._threads[DISKS].run(disks.sample)
        finally:
            self._busy.discard(DISKS)
        self._take(self.board.take_samples(samples, self.now()))

    async def _read_beyond(self, numbers: list[int]) -> None:
        watches = [self._watches[n] for n in numbers]
        self._busy |= set(numbers)

        def came(index: int, readings: list[Reading]) -> None:
            self._busy.discard(numbers[index])
            self._take(self.board.take_readings(watches[index], readings, self.now()))

        try:
            looks = await self._looks()
            wanted = looks.permitted([watch.wanted for watch in watches])
            await looks.read(wanted, came)
        finally:
            self._busy -= set(numbers)

    def _take(self, changes: list[Change]) -> None:
        self.revision += 1
        self._changes += changes

    async def _settle(self) -> None:
        """Record what changed, if it is this process that does so."""
        changes, self._changes = self._changes, []
        for change in changes:
            self.on_change(change)
        if not changes or not self.lease.take():
            return
        drafts = []
        for change in changes:
            gauge = self.board.gauge(change.gauge)
            drafts.append(draft_of(change, gauge.spec.unit if gauge is not None else ""))
        self._spawn(self._recorded(drafts))

    async def _recorded(self, drafts: list[Draft]) -> None:
        await self._record(drafts)

    def _keep(self, *, series: bool) -> None:
        """Write what is known to the cache, in a thread."""
        if LAST in self._busy or not self.lease.take():
            return
        self._busy.add(LAST)
        folder, at = cache_folder(self.deck), self.now()
        files = {keeping.LAST: keeping.dump_last(self.board, at)}
        if series:
            files[keeping.SERIES] = keeping.dump_series(self.board, at)
        self._spawn(self._written(folder, files))

    async def _written(self, folder: Path, files: dict[str, bytes]) -> None:
        def write() -> None:
            for name, content in files.items():
                keeping.write(folder, name, content)

        try:
            await self._threads[LAST].run(write)
        finally:
            self._busy.discard(LAST)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _host_modules() -> tuple[ModuleType, ModuleType]:
    import psutil

    from opsdeck.gauges import host

    return host, psutil
