"""CPU of putting a list of 150 rows on screen, beside that of an empty screen."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from bench.figures import Figure, paired
from bench.long_list import ROWS, write_deck
from bench.mount_one import SIZE, OneScreen, loaded_deck, make_screen, quiet
from bench.programs import Place, place
from bench.programs import run as run_program

LIMIT = 2.0


def run(quick: bool) -> list[Figure]:
    """Both in the same app, in fresh processes as it starts, and pushed when it is warm."""
    rounds = 9 if quick else 21
    with place() as here:
        write_deck(here.folder, here.home)
        fresh = [_fresh_pair(here, number) for number in range(rounds + 1)][1:]
        pushed = json.loads(run_program([*_SELF, str(here.folder), str(rounds)], here))
    title = f"mount {ROWS} rows beside an empty screen"
    return [
        paired(f"{title}, CPU of the app's start", "ms", fresh, LIMIT),
        paired(f"{title}, CPU in an app that runs", "ms", pushed),
    ]


_SELF = (sys.executable, "-c", "from bench.mount import push_in_turn; push_in_turn()")


def _fresh_pair(here: Place, number: int) -> tuple[float, float]:
    kinds = ("list", "empty") if number % 2 else ("empty", "list")
    took = {
        kind: float(
            run_program([sys.executable, "-m", "bench.mount_one", str(here.folder), kind], here)
        )
        for kind in kinds
    }
    return took["list"], took["empty"]


def push_in_turn() -> None:
    """In a process of its own: print pairs of CPU ms, after two of each to warm up."""

    async def measure() -> list[tuple[float, float]]:
        pairs = []
        app = OneScreen(loaded_deck(Path(sys.argv[1])), make_screen("empty"))
        async with app.run_test(size=SIZE) as pilot:
            await quiet(pilot)
            for _ in range(int(sys.argv[2]) + 2):
                pairs.append((await _push(pilot, "list"), await _push(pilot, "empty")))
        return pairs[2:]

    print(json.dumps(asyncio.run(measure())))


async def _push(pilot: Pilot[Any], kind: str) -> float:
    """CPU in ms from the push until the screen is painted; it is popped again."""
    gc.collect()
    began = time.process_time()
    await pilot.app.push_screen(make_screen(kind))
    await quiet(pilot)
    took = time.process_time() - began
    await pilot.app.pop_screen()
    await quiet(pilot)
    return took * 1e3
