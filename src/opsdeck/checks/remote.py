"""The app's side of the worker: start it, order checks, hand results on, end it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from opsdeck.checks.checker import Subject
from opsdeck.checks.reading import OnReadings, Wanted
from opsdeck.checks.result import Result
from opsdeck.checks.wire import ENCODER, LONGEST_LINE, REPORTS, Order, Ordered, Report, Setting

WORKER = (sys.executable, "-P", "-m", "opsdeck.checks.worker")
"""`-P`: what lies in the working folder must not be imported."""


class WorkerGoneError(Exception):
    """The worker ended before it had answered."""


class _Pass:
    """One order under way."""

    def __init__(
        self, process: asyncio.subprocess.Process, on_report: Callable[[Report], None]
    ) -> None:
        self.process = process
        self.on_report = on_report
        self.done: asyncio.Future[datetime | None] = asyncio.get_running_loop().create_future()


class Remote:
    """Checks items in a process of its own, which is started when it is first needed."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._process: asyncio.subprocess.Process | None = None
        self._readings: set[asyncio.Task[None]] = set()
        self._setting: Setting | None = None
        self._passes: dict[int, _Pass] = {}
        self._last = 0
        self._starting = asyncio.Lock()

    async def check(
        self,
        setting: Setting,
        subjects: Sequence[Subject],
        refusal: Callable[[Subject], str | None],
        on_result: Callable[[Subject, Result], None],
    ) -> datetime | None:
        """Check these; since when the worker found itself offline, or None.

        Cancelling it stops every look. Raises WorkerGoneError when the worker ended meanwhile.
        """

        def told(report: Report) -> None:
            if report.result is not None and report.index is not None:
                on_result(subjects[report.index], report.result)

        items = [
            Ordered(
                checklist=msgspec.structs.replace(s.checklist, items=(s.item,)),
                run=s.run,
                refusal=refusal(s),
            )
            for s in subjects
        ]
        return await self._order(setting, Order(number=0, items=items), told)

    async def read(
        self, setting: Setting, wanted: Sequence[Wanted], on_readings: OnReadings
    ) -> datetime | None:
        """Look and read numbers; otherwise as `check`."""

        def told(report: Report) -> None:
            if report.readings is not None and report.index is not None:
                on_readings(report.index, report.readings)

        return await self._order(setting, Order(number=0, wanted=list(wanted)), told)

    async def _order(
        self, setting: Setting, order: Order, told: Callable[[Report], None]
    ) -> datetime | None:
        async with self._starting:
            process = await self._started()
        self._last += 1
        number = self._last
        own = self._passes[number] = _Pass(process, told)
        new = setting if setting != self._setting else None
        self._setting = setting
        try:
            self._send(process, msgspec.structs.replace(order, number=number, setting=new))
            return await own.done
        except asyncio.CancelledError:
            self._send(process, Order(number=number, stop=True))
            raise
        finally:
            self._passes.pop(number, None)

    async def aclose(self) -> None:
        """Let the worker end, and wait up to three seconds: it puts away what it started."""
        self.leave()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3):
                await self.ended()

    def leave(self) -> None:
        """Let the worker end, without waiting for it."""
        process, self._process = self._process, None
        self._setting = None
        if process is not None and process.stdin is not None:
            process.stdin.close()

    async def ended(self) -> None:
        """Wait until every worker that was told to end has ended."""
        if self._readings:
            await asyncio.wait(self._readings)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._setting = None
            self._process = await asyncio.create_subprocess_exec(
                *WORKER,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=self._environ,
                limit=LONGEST_LINE,
                start_new_session=True,
            )
            reading = asyncio.ensure_future(self._read(self._process))
            self._readings.add(reading)
            reading.add_done_callback(self._readings.discard)
        return self._process

    def _send(self, process: asyncio.subprocess.Process, order: Order) -> None:
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(ENCODER.encode(order) + b"\n")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with contextlib.suppress(msgspec.DecodeError, ValueError):
            while line := await process.stdout.readline():
                report = REPORTS.decode(line)
                found = self._passes.get(report.number)
                if found is None:
                    continue
                found.on_report(report)
                if report.done and not found.done.done():
                    found.done.set_result(report.offline_since)
        if self._process is process:
            self._process = None
        for left in self._passes.values():
            if left.process is process and not left.done.done():
                left.done.set_exception(WorkerGoneError("the process that looks ended"))
        await process.wait()
