"""Gauges on disk: their last values and their past, in `cache/`; never in the journal.

Two files, both derived and free to be deleted. `gauges.last` is small and written often: what a
glance shows when nothing can be looked at. `gauges.series` holds the past. One process of a deck
keeps them and writes the events of its gauges: the one that holds `gauges.lock`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Any

import msgspec

from opsdeck.catalog.gauges import GaugeSpec
from opsdeck.gauges.board import Board
from opsdeck.gauges.gauge import Gauge, Memory

LAST, SERIES, LOCK = "gauges.last", "gauges.series", "gauges.lock"
VERSION = 1
LARGEST_BYTES = 256_000_000


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
        if self._fd is not None:
            return True
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
    new = folder / f"{name}.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.write_bytes(content)
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
        if file.stat().st_size > LARGEST_BYTES:
            return None
        found = msgspec.msgpack.decode(file.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return None
    return found if found.version == VERSION else None


def read_kept(folder: Path) -> tuple[Last | None, Past | None]:
    """All that was kept."""
    last = read_last(folder)
    return last, read_past(folder) if last is not None else None


def restore(board: Board, last: Last | None, past: Past | None, now: float) -> None:
    """Have the board go on where the last session ended."""
    if last is None:
        return
    # A clock that was set back since then: nothing may lie in the future.
    ahead = max((k.memory.at or 0.0 for k in last.gauges), default=0.0) - now
    rings = past.series if past is not None else {}
    kept = {k.spec.id: (k.memory, rings.get(k.spec.id, [])) for k in last.gauges}
    board.remember(kept, -ahead if ahead > 1.0 else 0.0)
    for each in last.gauges:
        board.adopt(each.spec)
