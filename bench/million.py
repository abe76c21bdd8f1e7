"""Open a journal of a million events, with its snapshot and without, each in a fresh process."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import NamedTuple

from bench.figures import Figure, at_most, paired
from bench.history import write_history
from bench.programs import OPSDECK, Place, place
from bench.programs import run as run_program
from opsdeck.journal.clock import utc_now

EVENTS = 1_000_000
QUICK_EVENTS = 200_000

WITH_SNAPSHOT_S = 1.0
WITHOUT_SNAPSHOT_S = 8.0
MEMORY_MB = 300.0


class Opened(NamedTuple):
    """What one opening cost."""

    took_s: float
    peak_mb: float


def run(quick: bool) -> list[Figure]:
    """Limits on time shrink with the number of events where it is quick."""
    count = QUICK_EVENTS if quick else EVENTS
    share = count / EVENTS
    with place() as here:
        write_history(here.home, count, utc_now())
        decoded, without = [], []
        for _ in range(2 if quick else 3):
            decoded.append(_open(here, count, "decode"))
            without.append(_open_without(here, count))
        kept = [_open(here, count) for _ in range(3 if quick else 7)]
        shown = [_list_checklists(here) for _ in range(3)]
    title = f"open {count:,} events"
    return [
        at_most(f"{title}, snapshot", "s", [o.took_s for o in kept], WITH_SNAPSHOT_S * share),
        at_most(f"{title}, snapshot, peak memory", "MB", [o.peak_mb for o in kept], MEMORY_MB),
        at_most(
            f"{title}, no snapshot, writing one",
            "s",
            [o.took_s for o in without],
            WITHOUT_SNAPSHOT_S * share,
        ),
        paired(
            f"{title}, no snapshot, beside decoding the lines alone",
            "s",
            [(a.took_s, b.took_s) for a, b in zip(without, decoded, strict=True)],
        ),
        at_most(f"{title}, no snapshot, peak memory", "MB", [o.peak_mb for o in without]),
        at_most(f"`opsdeck list checklists` on {count:,} events", "s", shown),
    ]


def _open_without(here: Place, count: int) -> Opened:
    shutil.rmtree(here.home / "cache", ignore_errors=True)
    return _open(here, count)


def _open(here: Place, count: int, *how: str) -> Opened:
    said = run_program([sys.executable, "-m", "bench.open_journal", str(here.home), *how], here)
    cost = json.loads(said)
    if cost["faults"] or cost["events"] < count:
        raise RuntimeError(f"the journal made for this was not read whole: {cost}")
    return Opened(cost["took_s"], cost["peak_mb"])


def _list_checklists(here: Place) -> float:
    began = time.perf_counter()
    run_program([*OPSDECK, "list", "checklists"], here)
    return time.perf_counter() - began
