"""Gauges on disk: their last values and their past, in `cache/`; never in the journal.

Two files, both derived and free to be deleted. `gauges.last` is small and written often: what a
glance shows when nothing can be looked at. `gauges.series` holds the past. One process of a deck
keeps them and writes the events of its gauges: the one that holds `gauges.lock`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import math
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from opsdeck.catalog.gauge_values import MOST_OVER
from opsdeck.catalog.gauges import GaugeSpec
from opsdeck.gauges.board import Board
from opsdeck.gauges.gauge import Gauge, Memory

LAST, SERIES, LOCK = "gauges.last", "gauges.series", "gauges.lock"
VERSION = 1
MAGIC = b"opsdeck gauges\n"
_SUM_BYTES = 16
LARGEST_BYTES = 256_000_000
_LATEST = 32_503_680_000.0
"""The year 3000: later times cannot be shown."""


class Kept(msgspec.Struct, array_like=True):
    """One gauge in `gauges.last`."""

    spec: GaugeSpec
    memory: Memory
    message: str = ""
    """Why there is no newer value."""


class Last(msgspec.Struct):
    """All of `gauges.last`; `at` is when it was written, seconds since the epoch."""

    version: int
    at: float
    gauges: list[Kept]


class Past(msgspec.Struct):
    """All of `gauges.series`: by gauge its rings, as `Series.dump` gives them."""

    version: int
    at: float
    series: dict[str, list[list[Any]]]


_encoder = msgspec.msgpack.Encoder()


class Lease:
    """Being the one process of a deck that keeps its gauges."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / LOCK
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process is the one."""
        return self._fd is not None

    def take(self) -> bool:
        """Become it, unless another process is; never waits."""
        if self._fd is not None and self._is_there(self._fd):
            return True
        self.release()  # what lies in a cache may be deleted, and another one lock a new file
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def _is_there(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self._file.stat())
        except OSError:
            return False

    def release(self) -> None:
        """Let another one be it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def dump_last(board: Board, at: float) -> bytes:
    """The content of `gauges.last`."""
    kept = [Kept(g.spec, g.memory, _message(g)) for g in board.gauges() if g.level is not None]
    return _encoder.encode(Last(VERSION, at, kept))


def _message(gauge: Gauge) -> str:
    reading = gauge.reading
    return reading.message if reading is not None and reading.value is None else ""


def dump_series(board: Board, at: float) -> bytes:
    """The content of `gauges.series`."""
    series = {g.spec.id: g.series.dump() for g in board.gauges() if g.at is not None}
    return _encoder.encode(Past(VERSION, at, series))


def write(folder: Path, name: str, content: bytes) -> None:
    """Put it in place of the old one; what is derived need not be flushed. OSError is let pass:
    the gauges on screen matter more than their file."""
    # Only who holds the lease writes; but its thread may hang when the program ends.
    main = threading.current_thread() is threading.main_thread()
    new = folder / f"{name}.{'end' if main else 'new'}"
    summed = MAGIC + hashlib.blake2b(content, digest_size=_SUM_BYTES).digest() + content
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.write_bytes(summed)
        new.replace(folder / name)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()


def read_last(folder: Path) -> Last | None:
    """What was kept last; None where there is nothing that can be read."""
    found = _read(folder / LAST, Last)
    return found if isinstance(found, Last) else None


def read_past(folder: Path) -> Past | None:
    """The series that were kept."""
    found = _read(folder / SERIES, Past)
    return found if isinstance(found, Past) else None


def _read(file: Path, kind: type[Any]) -> Any:
    try:
        if not file.is_file() or file.stat().st_size > LARGEST_BYTES:  # a pipe would be waited for
            return None
        content = _unsummed(file.read_bytes())
        found = msgspec.msgpack.decode(content, type=kind) if content is not None else None
    except (OSError, MemoryError, RecursionError, msgspec.DecodeError):
        return None
    if found is None:
        return None
    return found if found.version == VERSION else None


def _unsummed(whole: bytes) -> bytes | None:
    """What was written, if it is whole."""
    start = len(MAGIC) + _SUM_BYTES
    content = whole[start:]
    there = hashlib.blake2b(content, digest_size=_SUM_BYTES).digest()
    return content if whole[:start] == MAGIC + there else None


def read_kept(folder: Path) -> tuple[Last | None, Past | None]:
    """All that was kept."""
    last = read_last(folder)
    return last, read_past(folder) if last is not None else None


def restore(
    board: Board,
    last: Last | None,
    past: Past | None,
    now: float,
    turned: Mapping[str, Memory] | None = None,
) -> None:
    """Have the board go on where the last session ended.

    `turned` is what the journal knows of gauges: for those of which nothing was kept, or nothing
    as new.
    """
    gauges = [kept for kept in last.gauges if _is_sound(kept)] if last is not None else []
    # A clock that was set back since then: nothing may lie in the future.
    ahead = max((kept.memory.at or 0.0 for kept in gauges), default=0.0) - now
    rings = past.series if past is not None else {}
    found = {identity: (memory, _NO_RINGS) for identity, memory in (turned or {}).items()}
    for kept in gauges:
        identity = kept.spec.id
        memory = _as_recorded(kept.memory, (turned or {}).get(identity))
        found[identity] = (memory, rings.get(identity, _NO_RINGS))
    board.remember(found, now, -ahead if ahead > 1.0 else 0.0)
    for each in gauges:
        board.adopt(each.spec)


def _as_recorded(kept: Memory, turned: Memory | None) -> Memory:
    """What was kept, with the level that the journal says it has had since."""
    if turned is None or kept.at is None or turned.tally.began <= kept.at:
        return kept
    return msgspec.structs.replace(kept, level=turned.level, judge=turned.judge, tally=turned.tally)


_NO_RINGS: list[list[Any]] = []


def _is_sound(kept: Kept) -> bool:
    """Whether it can be worked with: the file is whole, but who knows who wrote it."""
    spec, memory = kept.spec, kept.memory
    latches = (memory.judge.warn.since, memory.judge.crit.since)
    counter = memory.counter or (None, None)
    times = (memory.at, memory.heard, memory.tally.began, *latches, counter[0])
    tally = (memory.tally.total, memory.tally.low, memory.tally.high)
    limits = [limit.at for limit in (spec.warn, spec.crit) if limit is not None]
    numbers = (memory.value, *tally, counter[1], *limits, *(spec.scale or ()))
    forecast = memory.forecast or ()
    return (
        all(time is None or 0 <= time < _LATEST for time in times)
        and all(number is None or math.isfinite(number) for number in (*numbers, *forecast))
        and 0 < spec.every_s < _LATEST
        and 1 <= spec.over <= MOST_OVER
        and memory.tally.count >= 0
    )
