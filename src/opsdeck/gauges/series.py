"""A gauge's past in a fixed amount of memory: fine for some hours, then coarser and coarser.

Times are seconds since the epoch. A slot covers `step_s` seconds and keeps the mean, the lowest and
the highest of the values in it; a slot without any value is a gap.
"""

from __future__ import annotations

import math
from array import array
from typing import Any, NamedTuple

NAN = math.nan
FINEST_S = 5.0
FINE_KEPT_S = 6 * 3_600
COARSER = ((60.0, 24 * 3_600), (600.0, 7 * 86_400))
"""What is older than the fine slots: slots of so many seconds, for so long."""

LARGEST = 3e38
"""The slots hold single precision: whatever is beyond it counts as this."""


class Point(NamedTuple):
    """What was seen in one stretch of time."""

    mean: float
    low: float
    high: float


class Stats(NamedTuple):
    """Of a stretch of time: by slots, so `p50` and `p95` are those of the slots' means."""

    low: float
    mean: float
    high: float
    p50: float
    p95: float
    seen_s: float
    """How many seconds of it have values."""


class Ring:
    """Slots of equal length, the newest `size` of them."""

    __slots__ = ("_count", "_high", "_low", "_mean", "_sum", "newest", "size", "step_s")

    def __init__(self, step_s: float, size: int) -> None:
        self.step_s = step_s
        self.size = size
        self.newest = -1
        """The number of the newest slot: its start divided by the step."""
        self._mean = array("f")  # filled when the first value comes
        self._low = array("f")
        self._high = array("f")
        self._sum = 0.0
        self._count = 0

    def add(self, at: float, value: float) -> None:
        """One value; one that is older than the newest slot counts in that."""
        slot = max(0, int(at // self.step_s))
        value = max(-LARGEST, min(LARGEST, value))
        if not self._mean:
            blank = array("f", [NAN]) * self.size
            self._mean, self._low, self._high = blank, blank[:], blank[:]
        if slot > self.newest:
            self._advance(slot)
        place = self.newest % self.size
        self._sum += value
        self._count += 1
        self._mean[place] = self._sum / self._count
        self._low[place] = value if self._count == 1 else min(self._low[place], value)
        self._high[place] = value if self._count == 1 else max(self._high[place], value)

    def _advance(self, slot: int) -> None:
        first = max(self.newest + 1, slot - self.size + 1) if self.newest >= 0 else slot
        for each in range(first, slot + 1):
            place = each % self.size
            self._mean[place] = self._low[place] = self._high[place] = NAN
        self.newest, self._sum, self._count = slot, 0.0, 0

    def point(self, slot: int) -> Point | None:
        """A slot by its number; None for a gap and for what is not kept."""
        if slot > self.newest or slot <= self.newest - self.size or not self._mean:
            return None
        place = slot % self.size
        mean = self._mean[place]
        return None if mean != mean else Point(mean, self._low[place], self._high[place])

    def means(self, first: int, last: int) -> list[tuple[float, float]]:
        """(start in seconds, mean) of every slot with a value, from one number to another."""
        first, last = max(first, self.newest - self.size + 1), min(last, self.newest)
        if first > last or not self._mean:
            return []
        place, count, step_s = first % self.size, last - first + 1, self.step_s
        values = self._mean[place : place + count]
        values += self._mean[: count - len(values)]
        return [(n * step_s, mean) for n, mean in enumerate(values, first) if mean == mean]

    def dump(self) -> list[Any]:
        """As plain values."""
        return [self.step_s, self.size, self.newest, self._count, *map(bytes, self._arrays())]

    def load(self, kept: Any, latest: float = math.inf) -> bool:
        """Take what `dump` gave; False where it is of another shape, no ring at all, or has slots
        later than `latest`."""
        if not isinstance(kept, list) or len(kept) != 7:
            return False
        step_s, size, newest, count, *blobs = kept
        if (step_s, size) != (self.step_s, self.size):
            return False
        if not all(type(number) is int and 0 <= number < 2**53 for number in (newest, count)):
            return False
        if newest * step_s > latest:
            return False
        if any(type(blob) is not bytes or len(blob) != 4 * size for blob in blobs):
            return False
        means, lows, highs = (array("f", blob) for blob in blobs)
        self.newest, self._mean, self._low, self._high = newest, means, lows, highs
        mean = means[newest % size]
        self._count = count if mean == mean else 0
        self._sum = mean * self._count if self._count else 0.0
        return True

    def shift(self, by_s: float) -> None:
        """Move all of it in time: the clock was found to have jumped."""
        if self.newest < 0:
            return
        by = round(by_s / self.step_s)
        start = max(0, self.newest + by)
        turn = (start - self.newest) % self.size
        for mine in ("_mean", "_low", "_high"):
            values = getattr(self, mine)
            if turn:
                setattr(self, mine, values[-turn:] + values[:-turn])
        self.newest = start

    def _arrays(self) -> tuple[array[float], ...]:
        return (self._mean, self._low, self._high)


class Series:
    """All that is kept of one gauge."""

    __slots__ = ("rings",)

    def __init__(self, every_s: float) -> None:
        """`every_s`: how often a value comes; finer slots than that would be gaps."""
        fine = max(FINEST_S, every_s)
        self.rings = [Ring(fine, max(2, math.ceil(FINE_KEPT_S / fine)))]
        self.rings += [Ring(step, math.ceil(kept / step)) for step, kept in COARSER if step > fine]

    @property
    def step_s(self) -> float:
        """The length of the finest slots."""
        return self.rings[0].step_s

    @property
    def newest_s(self) -> float | None:
        """When the newest slot with a value began."""
        ring = self.rings[0]
        return ring.newest * ring.step_s if ring.newest >= 0 else None

    def add(self, at: float, value: float) -> None:
        """One value."""
        for ring in self.rings:
            ring.add(at, value)

    def at(self, moment: float) -> Point | None:
        """What was seen then: of the finest slots that reach back so far."""
        for ring in self.rings:
            slot = int(moment // ring.step_s)
            if slot > ring.newest - ring.size:
                # What comes every minute stands until the next one comes.
                return ring.point(slot) or ring.point(slot - 1)
        return None

    def window(self, end: float, span_s: float, columns: int) -> list[Point | None]:
        """The last `span_s` seconds before `end` in at most so many columns, oldest first.

        Columns begin at multiples of their length, so that they do not change as time goes on.
        """
        width = self.column_s(span_s, columns)
        last = int(end // width)
        count = max(1, math.floor(span_s / width))
        ring = self._ring_for(end - span_s)
        return [_merged(ring, c * width, width) for c in range(last - count + 1, last + 1)]

    def column_s(self, span_s: float, columns: int) -> float:
        """How many seconds a column of such a window covers: a whole number of slots."""
        step = self.step_s
        return step * max(1, math.ceil(span_s / max(1, columns) / step - 1e-9))

    def slots(self, end: float, span_s: float) -> list[tuple[float, float]]:
        """(time, mean) of every slot with a value in the last `span_s` seconds before `end`."""
        ring = self._ring_for(end - span_s)
        return ring.means(int((end - span_s) // ring.step_s) + 1, int(end // ring.step_s))

    def stats(self, end: float, span_s: float) -> Stats | None:
        """Of the last `span_s` seconds before `end`; None where nothing was seen."""
        ring = self._ring_for(end - span_s)
        first = int((end - span_s) // ring.step_s) + 1
        points = [
            p for s in range(first, int(end // ring.step_s) + 1) if (p := ring.point(s)) is not None
        ]
        if not points:
            return None
        means = sorted(p.mean for p in points)
        return Stats(
            min(p.low for p in points),
            sum(means) / len(means),
            max(p.high for p in points),
            rank(means, 50),
            rank(means, 95),
            len(points) * ring.step_s,
        )

    def _ring_for(self, start: float) -> Ring:
        """The finest slots that reach back so far; else the coarsest."""
        for ring in self.rings:
            if ring.newest < 0 or int(start // ring.step_s) > ring.newest - ring.size - 1:
                return ring
        return self.rings[-1]

    def dump(self) -> list[list[Any]]:
        """As plain values."""
        return [ring.dump() for ring in self.rings if ring.newest >= 0]

    def load(self, kept: list[list[Any]], latest: float = math.inf) -> None:
        """Take what `dump` gave, as far as it is of the same shape; nothing later than `latest`."""
        for ring, each in zip(self.rings, kept, strict=False):
            ring.load(each, latest)

    def shift(self, by_s: float) -> None:
        """Move all of it in time."""
        for ring in self.rings:
            ring.shift(by_s)


def _merged(ring: Ring, start: float, width: float) -> Point | None:
    first, last = math.ceil(start / ring.step_s - 1e-9), math.ceil((start + width) / ring.step_s)
    if last <= first:  # the slots are coarser than the columns
        first = int(start // ring.step_s)
        last = first + 1
    total = count = 0.0
    low, high = math.inf, -math.inf
    for slot in range(first, last):
        point = ring.point(slot)
        if point is not None:
            total += point.mean
            count += 1
            low, high = min(low, point.low), max(high, point.high)
    return Point(total / count, low, high) if count else None


def rank(ordered: list[float], percent: float) -> float:
    """The percentile of sorted numbers, by nearest rank."""
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]
