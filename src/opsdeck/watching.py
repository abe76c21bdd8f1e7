"""The gauges of a deck as they run: looked at on time, kept, and their changes made into events.

Everything here happens on the event loop of one process; what may wait is done elsewhere: this
machine is read in a thread, its file systems in another, and all else by the process that looks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsdeck.background import JournalThread
from opsdeck.deck import Deck
from opsdeck.errors import NotSavedError
from opsdeck.gauges import keeping
from opsdeck.gauges.board import Board, Sample, Watch
from opsdeck.gauges.gauge import Change, Memory
from opsdeck.gauges.schedule import Clock, Schedule
from opsdeck.gauges.turns import draft_of, memory_of
from opsdeck.journal.writing import Draft

if TYPE_CHECKING:
    from opsdeck.checks.reading import Reading
    from opsdeck.gauges.disks import DiskSampler
    from opsdeck.gauges.host import HostSampler
    from opsdeck.looking import Looks

FAST, SLOW, DISKS, LAST, SERIES = "fast", "slow", "disks", "last", "series"
RECORDING = "recording"
EVERY_S = {FAST: 1.0, SLOW: 5.0, DISKS: 5.0, LAST: 10.0, SERIES: 120.0}
DISKS_HANG_AFTER_S = 10.0
ASLEEP_AFTER_S = 10.0
"""Who did not tick for so long was asleep: nothing could be looked at."""
MOST_UNSAVED = 1_000


def cache_folder(deck: Deck) -> Path:
    """Where the deck's derived files lie."""
    return deck.journal.home / "cache"


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
        self.owes: Callable[[], bool] = lambda: False
        """Whether events that `record` took still wait to be saved."""
        self._looks = looks
        self._record = record
        self._gauges = deck.config.gauges
        self._watches: dict[str, Watch] = {}
        """By what is looked at: a look that is under way outlasts another configuration."""
        self._schedule: Schedule[str] = Schedule()
        self._host: HostSampler | None = None
        self._disks: DiskSampler | None = None
        self._threads = {name: JournalThread() for name in (FAST, DISKS, LAST)}
        self._busy: set[str] = set()
        self._disks_since = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._changes: list[Change] = []
        self._unsaved: list[Draft] = []
        self._ticked = self.clock.steady()
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
        keeping.restore(self.board, *last, self.now(), self._turned())
        self._host, self._disks = await self._threads[FAST].run(_samplers)
        self._configure()
        self._ticked = self.clock.steady()
        self._begun = True

    def _turned(self) -> dict[str, Memory]:
        """Where the cache is gone, the journal still knows what was last said of a gauge here."""
        turns = self.deck.state.gauges.get(self.deck.journal.writer, {})
        found = {identity: memory_of(marks[-1]) for identity, marks in turns.items() if marks}
        return {identity: memory for identity, memory in found.items() if memory is not None}

    def _configure(self) -> None:
        self._watches = {_key(watch): watch for watch in self.board.watches()}
        intervals = [(name, self._every(name)) for name in EVERY_S]
        looks = [(key, watch.every_s) for key, watch in self._watches.items()]
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
            if not self._is_ahead():
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
        steady = self.clock.steady()
        late_s, self._ticked = steady - self._ticked, steady
        if late_s > ASLEEP_AFTER_S:
            self.board.wait(self.now())
        due = self._schedule.due(steady, slack=0.1)
        if FAST in due or SLOW in due:
            await self._read_host(due)
        self._begin_disks(DISKS in due)
        wanted = [key for key in due if key in self._watches and key not in self._busy]
        if wanted:
            self._busy |= set(wanted)
            self._spawn(self._read_beyond(wanted))
        self._changes += self.board.lapse(self.now())
        await self._settle()
        if LAST in due or SERIES in due:
            self._keep(series=SERIES in due)
        return self.revision != before

    async def _read_host(self, due: list[str]) -> None:
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
        hangs_s = self.clock.steady() - self._disks_since
        if DISKS in self._busy and disks.asking is not None and hangs_s > DISKS_HANG_AFTER_S:
            disks.give_up()  # its thread is left behind; the other disks go on in a new one
            self._threads[DISKS] = JournalThread()
            self._busy.discard(DISKS)
            due = True
        if due and disks.hanging:
            self._take(self.board.take_samples(disks.without(), self.now()))
        if due and DISKS not in self._busy:
            self._busy.add(DISKS)
            self._disks_since = self.clock.steady()
            self._spawn(self._read_disks(disks, self._threads[DISKS]))

    async def _read_disks(self, disks: DiskSampler, thread: JournalThread) -> None:
        try:
            samples = await thread.run(disks.sample)
        finally:
            if thread is self._threads[DISKS]:
                self._busy.discard(DISKS)
        self._take(self.board.take_samples(samples, self.now()))

    async def _read_beyond(self, keys: list[str]) -> None:
        watches = [self._watches[key] for key in keys]

        def came(index: int, readings: list[Reading]) -> None:
            self._busy.discard(keys[index])
            self._take(self.board.take_readings(watches[index], readings, self.now()))

        try:
            looks = await self._looks()
            wanted = looks.permitted([watch.wanted for watch in watches])
            await looks.read(wanted, came)
        finally:
            self._busy -= set(keys)

    def _take(self, changes: list[Change]) -> None:
        self.revision += 1
        self._changes += changes

    async def _settle(self) -> None:
        """Record what changed, if it is this process that does so."""
        changes, self._changes = self._changes, []
        for change in changes:
            self.on_change(change)
        if (changes or self._unsaved) and self.lease.take():
            for change in changes:
                gauge = self.board.gauge(change.gauge)
                self._unsaved.append(draft_of(change, gauge.spec.unit if gauge is not None else ""))
            if self._unsaved and RECORDING not in self._busy:
                self._busy.add(RECORDING)
                self._spawn(self._recorded())

    async def _recorded(self) -> None:
        """One after the other; what could not be saved is tried again with the next tick."""
        drafts, self._unsaved = self._unsaved, []
        try:
            await self._record(drafts)
        except NotSavedError:
            self._unsaved = [*drafts, *self._unsaved][-MOST_UNSAVED:]
        finally:
            self._busy.discard(RECORDING)

    def _is_ahead(self) -> bool:
        """Whether the levels here are not all on disk yet as events.

        Until then they are not kept either: the next start sees the change, and records it.
        """
        return bool(self._unsaved) or RECORDING in self._busy or self.owes()

    def _keep(self, *, series: bool) -> None:
        """Write what is known to the cache, in a thread."""
        if LAST in self._busy or not self.lease.take():
            return
        self._busy.add(LAST)
        folder, at = cache_folder(self.deck), self.now()
        files = {} if self._is_ahead() else {keeping.LAST: keeping.dump_last(self.board, at)}
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


def _samplers() -> tuple[HostSampler, DiskSampler]:
    """What reads this machine; importing it takes a moment."""
    import psutil

    from opsdeck.gauges.disks import DiskSampler
    from opsdeck.gauges.host import HostSampler

    return HostSampler(psutil), DiskSampler(psutil)


def _key(watch: Watch) -> str:
    return "look " + json.dumps(watch.wanted.probe, sort_keys=True, default=str)
