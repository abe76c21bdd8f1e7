"""Eight hours of a deck's gauges in a process of its own, on clocks that the test moves.

Every tick of a second goes through what `Watching.tick` uses: clock, schedule, board. The clock is
set forward by an hour and back by two on the way, and the machine sleeps once for a minute.
"""

from __future__ import annotations

import json
import math
import resource
from collections import Counter
from typing import Any

import psutil

from opsdeck.catalog.gauges import Gauges
from opsdeck.checks.reading import Reading
from opsdeck.gauges import host
from opsdeck.gauges.board import Board, Sample
from opsdeck.gauges.disks import DiskSampler
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.keeping import dump_last, dump_series
from opsdeck.gauges.schedule import Clock, Schedule
from tests.gauges.made import START, above, spec

HOURS = 8
JUMPS = {2 * 3_600: 3_600.0, 5 * 3_600: -7_200.0}
SLEEP_AT, SLEEP_S = 7 * 3_600, 60
FAST = (host.CPU, host.CORES, host.STEAL, host.IOWAIT, host.MEMORY, host.NET_IN, host.NET_OUT)
SLOW = (host.SWAP, host.LOAD, host.FILES, *DiskSampler(psutil).specs("/"))


class World:
    """A wall clock, a steady one, and values that change."""

    def __init__(self) -> None:
        self.steady, self.set_by = 0.0, 0.0

    def wall(self) -> float:
        return START + self.steady + self.set_by

    def value(self, number: int) -> float:
        return 40 + 30 * math.sin(self.steady / 300 + number) + (self.steady * 7 + number) % 3


def main() -> None:
    """Print what came of it as JSON."""
    world = World()
    clock = Clock(world.wall, lambda: world.steady)
    probed = [spec(f"g{n}", every_s=10.0, stat="p95", over=20, **above(60, 90)) for n in range(5)]
    board = Board(Gauges(specs=tuple(probed)))
    schedule: Schedule[str] = Schedule()
    schedule.set([("fast", 1.0), ("slow", 5.0), ("look", 10.0), ("keep", 120.0)], 0.0)
    [watch] = board.watches()
    looks: Counter[str] = Counter()
    rss, changes = [], 0
    for second in range(HOURS * 3_600):
        world.steady += SLEEP_S if second == SLEEP_AT else 1.0
        world.set_by += JUMPS.get(second, 0.0)
        if jumped := clock.jumped():
            board.shift(jumped)
        if second == SLEEP_AT:
            board.wait(clock.now())
        due = schedule.due(clock.steady(), slack=0.1)
        looks.update(due)
        at = clock.now()
        for name, specs in (("fast", FAST), ("slow", SLOW)):
            if name in due:
                samples = [Sample(each, world.value(n)) for n, each in enumerate(specs)]
                changes += len(board.take_samples(samples, at))
        if "look" in due:
            readings = [Reading(value=world.value(n)) for n in range(len(probed))]
            changes += len(board.take_readings(watch, readings, at))
        changes += len(board.lapse(at))
        if "keep" in due:
            dump_last(board, at), dump_series(board, at)
        if second % 3_600 == 3_599:
            rss.append(psutil.Process().memory_info().rss)
    gauges = {gauge.spec.id: _state(gauge, at) for gauge in board.gauges()}
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"looks": looks, "rss": rss, "most": most, "gauges": gauges, "n": changes}))


def _state(gauge: Gauge, at: float) -> dict[str, Any]:
    stats = gauge.series.stats(at, 6 * 3_600)
    seen_s = stats.seen_s if stats is not None else 0.0
    return {"level": gauge.level, "gap_s": at - (gauge.at or 0.0), "seen_s": seen_s}


if __name__ == "__main__":
    main()
