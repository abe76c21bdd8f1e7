"""When to look: a clock that survives jumps, and a schedule that neither misses nor doubles."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

JUMP_S = 2.0
"""A wall clock that is off by more than this has been set."""


def steady() -> float:
    """Seconds that go on whatever is done to the wall clock, also while the machine sleeps."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Clock:
    """Wall time in seconds since the epoch that only moves on; `jumped` follows a set clock."""

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = steady
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()

    def now(self) -> float:
        """The time."""
        return self._steady() + self._offset

    def steady(self) -> float:
        """Seconds of no particular beginning that never jump."""
        return self._steady()

    def jumped(self) -> float:
        """By how many seconds the wall clock was set since this was last asked; usually 0.

        What was kept by the time of before must be moved by as much.
        """
        by = self._wall() - self.now()
        if abs(by) <= JUMP_S:
            return 0.0
        self._offset += by
        return by


class Schedule(Generic[Key]):
    """What is due, by intervals in steady seconds. What was late is done once, not made up for."""

    def __init__(self) -> None:
        self._every: dict[Key, float] = {}
        self._next: dict[Key, float] = {}

    def set(self, intervals: Iterable[tuple[Key, float]], now: float) -> None:
        """What is looked at from now on, and how often; what is new is due at once."""
        wanted = dict(intervals)
        for key, every in wanted.items():
            if self._every.get(key) != every:
                self._next[key] = now
        for key in self._every.keys() - wanted.keys():
            del self._next[key]
        self._every = wanted

    def due(self, now: float, slack: float = 0.0) -> list[Key]:
        """What is due; with `slack`, also what would be due in so many seconds."""
        found = [key for key, at in self._next.items() if at <= now + slack]
        for key in found:
            every, at = self._every[key], self._next[key] + self._every[key]
            if at <= now:
                at = now + every - (now - at) % every
            self._next[key] = at
        return found

    def next_in(self, now: float) -> float | None:
        """Seconds until something is due; None where nothing ever is."""
        return max(0.0, min(self._next.values()) - now) if self._next else None
