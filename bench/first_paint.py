"""Start of the app on a used deck beside a bare Textual app."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.bare_app import READY
from bench.figures import Figure, at_most, paired
from bench.history import write_history
from bench.programs import BARE_APP, OPSDECK, Place, place
from bench.programs import run as run_program
from bench.tty import Tty
from opsdeck.journal.clock import utc_now

EVENTS = 10_000

PAINT_LIMIT = 1.25
CPU_LIMIT = 1.5
MEMORY_LIMIT = 1.5
"""With psutil and the gauges of this machine, which begin after the first paint."""

DECK_SHOWN = r"(?s)\bNOW\b.*\bLAST\b.*\battested\b"
"""The deck with what the journal says, down to its last events."""

REST_S = 0.7


class Start(NamedTuple):
    """What a start cost until all was painted."""

    paint_ms: float
    cpu_ms: float
    rss_mb: float


def run(quick: bool) -> list[Figure]:
    """A B A B …, the order in a pair changing, after one of each to warm the caches."""
    pairs = []
    with place() as here:
        write_history(here.home, EVENTS, utc_now())
        run_program([*OPSDECK, "list", "checklists"], here)
        for number in range(-1, 9 if quick else 15):
            if number % 2:
                pair = _ours(here), _bare(here)
            else:
                bare = _bare(here)
                pair = _ours(here), bare
            if number >= 0:
                pairs.append(pair)
        uncompiled = [_first_ever(here) for _ in range(3)]
        cold = [_without_snapshot(here) for _ in range(3)]

    def beside(what: str, unit: str, field: int, limit: float) -> Figure:
        return paired(what, unit, [(a[field], b[field]) for a, b in pairs], limit)

    usual = statistics.median(ours.paint_ms for ours, _ in pairs)
    first = at_most("first paint, first start, nothing compiled", "ms", uncompiled)
    return [
        beside(f"first paint of the deck, {EVENTS:,} events", "ms", 0, PAINT_LIMIT),
        beside("CPU of the start", "ms", 1, CPU_LIMIT),
        beside("resident memory", "MB", 2, MEMORY_LIMIT),
        at_most(f"first paint, {EVENTS:,} events, no snapshot", "ms", cold),
        Figure(
            what=f"{first.what}, beside compiled",
            ours=first.ours,
            theirs=usual,
            ratio=first.ours / usual,
            unit="ms",
            runs=first.runs,
        ),
    ]


def start(
    argv: Sequence[str], here: Place, shown: str, extra: Mapping[str, str] | None = None
) -> Start:
    """Start a program, wait until `shown` is on its screen and it is quiet."""
    env = {**here.env, **(extra or {})}
    with Tty(argv, env=env, cwd=here.folder) as tty:
        painted_s = tty.wait_for(shown)
        began = time.perf_counter()
        tty.settle(REST_S, limit_s=REST_S)
        tty.idle(max(0.0, began + REST_S - time.perf_counter()))
        return Start(painted_s * 1e3, tty.cpu_s() * 1e3, tty.rss_mb())


def _ours(here: Place) -> Start:
    return start(OPSDECK, here, DECK_SHOWN)


def _bare(here: Place) -> Start:
    return start(BARE_APP, here, READY)


def _first_ever(here: Place) -> float:
    compiled = here.folder / "compiled"
    shutil.rmtree(compiled, ignore_errors=True)
    return start(OPSDECK, here, DECK_SHOWN, {"PYTHONPYCACHEPREFIX": str(compiled)}).paint_ms


def _without_snapshot(here: Place) -> float:
    shutil.rmtree(here.home / "cache", ignore_errors=True)
    return start(OPSDECK, here, DECK_SHOWN).paint_ms
