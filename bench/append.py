"""Append of one event beside what it cannot do without: flock, one write, fsync."""

from __future__ import annotations

import fcntl
import os
import statistics
import time
from pathlib import Path

from bench.figures import Figure
from bench.programs import place
from opsdeck.journal.clock import utc_now
from opsdeck.journal.events import ATTESTED
from opsdeck.journal.store import Journal
from opsdeck.journal.writing import Draft

LIMIT = 1.5
WARM_UP = 30


class BareLog:
    """A file held open: lock, write, flush, unlock."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, data: bytes) -> None:
        """Make `data` durable at the end of the file."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        os.write(self._fd, data)
        os.fsync(self._fd)
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def run(quick: bool) -> list[Figure]:
    """Both in turn in one process, each first in every other round, the same bytes each."""
    rounds = 500 if quick else 2000
    with place() as here:
        ours, bare = _measure(here.home, rounds)
    return [
        Figure(
            what=f"append one event, {name}, beside flock + write + fsync",
            ours=of(ours) * 1e3,
            theirs=of(bare) * 1e3,
            ratio=of(ours) / of(bare),
            unit="ms",
            limit=LIMIT,
            runs=rounds,
        )
        for name, of in (("p50", statistics.median), ("mean", statistics.fmean))
    ]


def _measure(home: Path, rounds: int) -> tuple[list[float], list[float]]:
    journal = Journal(home, "alice@bench")
    state = journal.load().state
    data = {"run": "release/v1.4.2/infrastructure", "item": "tls-certificate"}
    ours: list[float] = []
    bare: list[float] = []
    written = home / "journal" / "alice@bench.jsonl"

    def append_ours() -> float:
        began = time.perf_counter()
        saved = journal.append(
            [Draft(ATTESTED, data)], by="alice", now=utc_now(), after=state.max_clock
        )
        took = time.perf_counter() - began
        for writer, event in saved.events:
            state.apply(writer, event)
        return took

    def append_bare(log: BareLog, line: bytes) -> float:
        began = time.perf_counter()
        log.append(line)
        return time.perf_counter() - began

    append_ours()
    line = written.read_bytes().splitlines(keepends=True)[-1]
    log = BareLog(home / "journal" / "bare.log")
    try:
        for number in range(-WARM_UP, rounds):
            if number % 2:
                b, a = append_bare(log, line), append_ours()
            else:
                a, b = append_ours(), append_bare(log, line)
            if number >= 0:
                ours.append(a)
                bare.append(b)
    finally:
        log.close()
    return ours, bare
