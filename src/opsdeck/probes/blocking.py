"""Calls that may block (imports, resolvers, clients without asyncio) in threads that may be left.

The threads are daemons of their own: the loop's executor would make the program wait for a
resolver that never answers, both at its limit of threads and when the program ends.
"""

from __future__ import annotations

import _thread
import asyncio
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_thread(call: Callable[[], Result]) -> Result:
    """What `call` returns, from a thread of its own; when cancelled the thread is left behind."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def work() -> None:
        result: Any = None
        failure: BaseException | None = None
        try:
            result = call()
        except StopIteration as error:
            failure = RuntimeError(f"{error!r} from a thread")
        except BaseException as error:
            failure = error
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    # Thread.start() would wait, on the loop, until the thread has its turn: 5 ms among busy ones.
    _thread.start_new_thread(work, ())
    return await future


async def import_module(name: str) -> ModuleType:
    """The module, imported off the event loop if it is not there yet."""
    import sys

    found = sys.modules.get(name)
    if found is not None and not getattr(found.__spec__, "_initializing", False):
        return found
    return await in_thread(lambda: importlib.import_module(name))
