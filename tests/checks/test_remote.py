"""The process that looks for the app: real workers, real sockets, every way it can end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from opsdeck.catalog.model import Checklist, Item
from opsdeck.checks.checker import Subject
from opsdeck.checks.remote import Remote, WorkerGoneError
from opsdeck.checks.result import Result
from opsdeck.checks.wire import Setting
from tests.probes.partners_http import blackhole, free_port

SETTING = Setting(targets={}, anchors=[], folder=None, zone="UTC", jobs=4, timeout_s=None)


def subject(name: str, port: int, timeout: str | None = None) -> Subject:
    """An item that passes when nothing listens at this port; with a timeout, one that waits."""
    probe = {"kind": "tls" if timeout else "tcp", "host": "127.0.0.1", "port": port}
    if timeout:
        probe["timeout"] = timeout
    item = Item(id=name, text=name, probe=probe, expect=("open == `false`",))
    checklist = Checklist(id="l", title="L", section="S", cadence="standing", items=(item,))
    return Subject(checklist, item, "standing/l")


class Asking:
    """An app's side: orders checks and keeps what came."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.came: list[Result] = []

    async def check(self, *subjects: Subject) -> None:
        """Until all are answered."""
        await self.remote.check(SETTING, subjects, lambda s: None, lambda s, r: self.came.append(r))


@asynccontextmanager
async def asking() -> AsyncIterator[Asking]:
    """A worker that is started when it is needed, and ends after the test."""
    found = Asking(Remote(os.environ))
    try:
        yield found
    finally:
        await found.remote.aclose()


def workers() -> list[psutil.Process]:
    """The worker processes of this one."""
    children = psutil.Process().children()
    return [c for c in children if "opsdeck.checks.worker" in c.cmdline()]


async def test_a_worker_is_started_when_needed_and_ends_when_told() -> None:
    # GIVEN nothing was checked
    async with asking() as app:
        assert workers() == []
        # WHEN something is
        await app.check(subject("a", free_port()))
        assert [r.verdict for r in app.came] == ["passed"]
        (worker,) = workers()
        # THEN its working folder is not searched for modules, and it keeps no terminal
        assert "-P" in worker.cmdline()
        assert worker.terminal() is None
    # AND it ends
    assert workers() == []


async def test_the_end_of_an_old_worker_fails_no_look_of_a_new_one() -> None:
    with blackhole() as silent:
        async with asking() as app:
            # GIVEN a worker that was told to end, and is still there
            await app.check(subject("a", free_port()))
            (old,) = workers()
            old.suspend()
            app.remote.leave()
            # WHEN it ends while a new one looks
            looking = asyncio.ensure_future(app.check(subject("b", silent, "1s")))
            while len(workers()) < 2:
                await asyncio.sleep(0.01)
            old.resume()
            while old.is_running() and old.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.01)
            # THEN the look goes on to its own end
            await looking
            assert [(r.verdict, r.cause) for r in app.came] == [
                ("passed", None),
                ("unknown", "timeout"),
            ]


async def test_a_worker_that_is_killed_is_told_of_and_replaced() -> None:
    with blackhole() as silent:
        async with asking() as app:
            # GIVEN a look under way
            await app.check(subject("a", free_port()))
            looking = asyncio.ensure_future(app.check(subject("b", silent, "30s")))
            await asyncio.sleep(0.1)
            # WHEN its process is killed
            (worker,) = workers()
            worker.send_signal(signal.SIGKILL)
            # THEN that is said at once
            with pytest.raises(WorkerGoneError):
                await looking
            # AND the next check has a new one
            await app.check(subject("c", free_port()))
            assert [r.item for r in app.came] == ["a", "c"]
