"""One thread for everything that may wait for a disk; the interface never does."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class JournalThread:
    """Runs calls one after the other, off the event loop, in the order they were asked for.

    It is a daemon: a disk that never answers cannot keep the program from ending.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._started = False
        self._pending = 0
        self._idle = threading.Condition()

    @property
    def pending(self) -> int:
        """How many calls have not ended yet."""
        return self._pending

    async def run(self, call: Callable[[], Result]) -> Result:
        """What `call` returns, once its turn came; its exceptions are raised here."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()

        def work() -> None:
            try:
                result = call()
            except BaseException as error:
                self._answer(loop, future, error=error)
            else:
                self._answer(loop, future, result=result)

        with self._idle:
            self._pending += 1
        self._calls.put(work)
        if not self._started:
            self._started = True
            threading.Thread(target=self._work, name="journal", daemon=True).start()
        return await future

    def _answer(
        self,
        loop: asyncio.AbstractEventLoop,
        future: asyncio.Future[Any],
        result: Any = None,
        error: BaseException | None = None,
    ) -> None:
        def settle() -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:
            return  # the loop is closed: nobody waits for the answer any more

    def _work(self) -> None:
        while True:
            self._calls.get()()
            with self._idle:
                self._pending -= 1
                self._idle.notify_all()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until every call has ended; False when some have not after `timeout_s`."""
        with self._idle:
            return self._idle.wait_for(lambda: self._pending == 0, timeout_s)
