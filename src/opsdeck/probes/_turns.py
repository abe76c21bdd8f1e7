"""Turns: a bounded number of looks at once, in all and at each target; targets take turns about."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Turns:
    """Turns, at most `size` at once and `most(target)` at one target.

    The next turn goes to the target with the fewest looks under way, and among those to the one
    that was not served for longest: one that does not answer holds up its own looks alone.
    """

    def __init__(self, size: int, most: Callable[[str], int]) -> None:
        self._free = size
        self._most = most
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._running: dict[str, int] = {}
        self._planned = False

    def turn(self, name: str) -> _Turn:
        """To be waited for with `async with`; given back at its end."""
        return _Turn(self, name)

    async def take(self, name: str) -> None:
        """Wait for a turn."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, deque()).append(future)
        if not self._planned:  # looks asked for in one go are dealt out together, in rotation
            self._planned = True
            asyncio.get_running_loop().call_soon(self._deal)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.give(name)
            raise

    def give(self, name: str) -> None:
        """Give a turn back."""
        self._free += 1
        self._running[name] -= 1
        self._deal()

    def _deal(self) -> None:
        self._planned = False
        while self._free > 0:
            name = self._next()
            if name is None:
                return
            queue = self._waiting.pop(name)
            future = queue.popleft()
            if queue:
                self._waiting[name] = queue  # behind all the others
            if future.cancelled():
                continue
            self._free -= 1
            self._running[name] = self._running.get(name, 0) + 1
            future.set_result(None)

    def _next(self) -> str | None:
        running = self._running
        ready = [n for n in self._waiting if running.get(n, 0) < max(1, self._most(n))]
        return min(ready, key=lambda name: running.get(name, 0), default=None)


class _Turn:
    def __init__(self, turns: Turns, name: str) -> None:
        self._turns = turns
        self._name = name

    async def __aenter__(self) -> None:
        await self._turns.take(self._name)

    async def __aexit__(self, *_: object) -> None:
        self._turns.give(self._name)
