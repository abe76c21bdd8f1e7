"""The process that looks on behalf of the app: `python -P -m opsdeck.checks.worker`.

Clients of databases and clouds take processor time, memory and now and then a thread that never
returns. Here they cost the interface nothing. The worker ends when its pipe does, however the app
ended, and puts away what it started.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from opsdeck.checks.checker import Checker, Subject
from opsdeck.checks.reader import Reader
from opsdeck.checks.reading import Reading
from opsdeck.checks.result import Result
from opsdeck.checks.wire import ENCODER, LONGEST_LINE, ORDERS, Order, Report, Setting
from opsdeck.probes._host_cpu import OURS
from opsdeck.probes.engine import Engine
from opsdeck.probes.online import ANCHOR_PATIENCE_S, Connectivity, anchors
from opsdeck.text import time_of_day

PUT_AWAY_S = 1.5
"""What looks may take to put away what they started, once the app is gone."""


class Worker:
    """Takes orders from one pipe and reports to the other."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._engine: Engine | None = None
        self._online = Connectivity([], ANCHOR_PATIENCE_S)
        self._zone = ZoneInfo("UTC")
        self._passes: dict[int, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def serve(self, orders: asyncio.StreamReader) -> None:
        """Until the pipe ends."""
        while line := await orders.readline():
            order = ORDERS.decode(line)
            if order.stop:
                if (running := self._passes.get(order.number)) is not None:
                    running.cancel()
                continue
            if order.setting is not None:
                await self._settle(order.setting)
            assert self._engine is not None
            # Of now: what was agreed to holds for these targets, not for those of the next order.
            carry_out = self._read if order.wanted else self._carry_out
            task = asyncio.ensure_future(carry_out(order, self._engine))
            self._passes[order.number] = task
        running_ones = list(self._passes.values())
        for task in running_ones:
            task.cancel()
        if running_ones:
            await asyncio.wait(running_ones, timeout=PUT_AWAY_S)

    async def _settle(self, setting: Setting) -> None:
        if self._engine is not None:
            closing = asyncio.ensure_future(_closed(self._engine, list(self._passes.values())))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        self._zone = ZoneInfo(setting.zone)
        self._engine = Engine(
            setting.targets,
            folder=Path(setting.folder) if setting.folder else None,
            jobs=setting.jobs,
            timeout_s=setting.timeout_s,
        )
        targets = [self._engine.target(name) for name in setting.targets]
        self._online.anchors = await anchors(targets, setting.anchors)

    async def _carry_out(self, order: Order, engine: Engine) -> None:
        subjects = [Subject(o.checklist, o.checklist.items[0], o.run) for o in order.items]
        refusals = {id(s): o.refusal for s, o in zip(subjects, order.items, strict=True)}
        places = {id(subject): index for index, subject in enumerate(subjects)}
        checker = Checker(
            engine,
            self._online,
            now=lambda: datetime.now(UTC),
            clock=lambda at: time_of_day(at, datetime.now(UTC), self._zone),
            refusal=lambda subject: refusals[id(subject)],
        )

        def came(subject: Subject, result: Result) -> None:
            self._say(Report(number=order.number, index=places[id(subject)], result=result))

        try:
            await checker.check(subjects, came)
        finally:
            self._done(order)

    async def _read(self, order: Order, engine: Engine) -> None:
        def came(index: int, readings: list[Reading]) -> None:
            self._say(Report(number=order.number, index=index, readings=readings))

        reader = Reader(engine, self._online, now=lambda: datetime.now(UTC))
        try:
            await reader.read(order.wanted, came)
        finally:
            self._done(order)

    def _done(self, order: Order) -> None:
        self._passes.pop(order.number, None)
        since = self._online.offline_since
        self._say(Report(number=order.number, done=True, offline_since=since))

    def _say(self, report: Report) -> None:
        line = memoryview(ENCODER.encode(report) + b"\n")
        try:
            while line:
                line = line[os.write(self._out, line) :]
        except OSError:
            os._exit(0)  # nobody listens any more


async def _closed(engine: Engine, passes: list[asyncio.Task[None]]) -> None:
    """Close what an engine opened, once the passes that look with it have ended."""
    if passes:
        await asyncio.wait(passes)
    await engine.aclose()


async def _main(out: int) -> None:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, reader.feed_eof)
    await Worker(out).serve(reader)


def main() -> None:
    """Serve on stdin and stdout; nothing else that is printed may come between the lines."""
    for number in (signal.SIGINT, signal.SIGHUP):
        with contextlib.suppress(ValueError, OSError):
            signal.signal(number, signal.SIG_IGN)
    # Keys are answered first: what is looked at can wait a moment for a processor.
    with contextlib.suppress(OSError):
        os.nice(5)
    if (app := os.getppid()) > 1:  # 1 is everybody's parent
        OURS.add(app)
    out = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    with contextlib.suppress(Exception):
        asyncio.run(_main(out))
    os._exit(0)  # threads that never return are left behind


if __name__ == "__main__":
    main()
