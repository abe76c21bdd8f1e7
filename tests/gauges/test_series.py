"""A gauge's past: fixed rings against a naive list of all that was seen."""

from __future__ import annotations

import math
import tracemalloc
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.gauges.series import LARGEST, Point, Ring, Series, rank
from tests.gauges.made import START

VALUES = st.floats(-1e6, 1e6, width=32)
STEPS = st.lists(st.tuples(st.integers(0, 40), VALUES), min_size=1, max_size=60)


def naive(seen: list[tuple[float, float]], start: float, end: float) -> Point | None:
    """What a list of all values says of a stretch of time."""
    inside = [v for at, v in seen if start <= at < end]
    return Point(mean(inside), min(inside), max(inside)) if inside else None


def same(one: Point | None, other: Point | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(
        math.isclose(a, b, rel_tol=1e-5, abs_tol=0.2) for a, b in zip(one, other, strict=True)
    )


@given(STEPS)
def test_a_ring_is_the_end_of_the_list(steps: list[tuple[int, float]]) -> None:
    """GIVEN values at rising times THEN each slot kept is what the list has there; others none."""
    ring, seen, at = Ring(5.0, 20), [], START
    for wait, number in steps:
        at += wait
        ring.add(at, number)
        seen.append((at, number))
    newest = int(at // 5)
    assert ring.newest == newest
    for slot in range(newest - 30, newest + 3):
        kept = newest - 20 < slot <= newest
        expected = naive(seen, slot * 5, slot * 5 + 5) if kept else None
        assert same(ring.point(slot), expected)


@given(STEPS, st.integers(-200, 200))
def test_a_shift_moves_every_slot(steps: list[tuple[int, float]], by: int) -> None:
    ring, at = Ring(5.0, 20), START
    for wait, number in steps:
        at += wait
        ring.add(at, number)
    before = {slot: ring.point(slot) for slot in range(ring.newest - 19, ring.newest + 1)}
    ring.shift(by * 5.0)
    assert {
        slot - by: ring.point(slot) for slot in range(ring.newest - 19, ring.newest + 1)
    } == before


@given(STEPS, STEPS)
def test_what_was_dumped_goes_on_as_if_nothing_had_happened(
    first: list[tuple[int, float]], then: list[tuple[int, float]]
) -> None:
    # GIVEN a series, and one that is dumped and loaded in the middle
    whole, part, at = Series(5.0), Series(5.0), START
    for wait, number in first:
        at += wait
        whole.add(at, number)
        part.add(at, number)
    loaded = Series(5.0)
    loaded.load(part.dump(), at)
    # WHEN both go on
    for wait, number in then:
        at += wait
        whole.add(at, number)
        loaded.add(at, number)
    # THEN they are the same: the slot that was under way has lost nothing
    for ring, other in zip(whole.rings, loaded.rings, strict=True):
        for slot in range(ring.newest - 30, ring.newest + 1):
            assert same(ring.point(slot), other.point(slot))


def test_six_hours_are_fine_and_days_coarse() -> None:
    series = Series(1.0)
    assert [(ring.step_s, ring.step_s * ring.size) for ring in series.rings] == [
        (5.0, 6 * 3_600.0),
        (60.0, 86_400.0),
        (600.0, 7 * 86_400.0),
    ]
    # AND what is looked at rarely has no finer slots than that
    assert [ring.step_s for ring in Series(60.0).rings] == [60.0, 600.0]
    assert [ring.step_s for ring in Series(86_400.0).rings] == [86_400.0]


def test_memory_is_flat_and_what_is_old_is_thinned() -> None:
    # GIVEN a series of some hours
    series, spike = Series(5.0), START + 3_000
    tracemalloc.start()
    try:
        for n in range(720):
            series.add(START + n * 5, 100.0 if START + n * 5 == spike else 1.0)
        before = tracemalloc.get_traced_memory()[0]
        # WHEN two days more come
        for n in range(720, 2 * 17_280, 7):
            series.add(START + n * 5, 1.0)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # THEN it takes no more room
    assert after <= before * 1.05
    # AND the spike is still seen where only coarse slots reach
    kept = series.at(spike)
    assert kept is not None
    assert (kept.high, kept.low) == (100.0, 1.0)
    assert 1.0 < kept.mean < 3.0


@pytest.mark.parametrize("number", [1e300, -1e300, 3.5e38, LARGEST])
def test_huge_values_stay_numbers(number: float) -> None:
    ring = Ring(5.0, 4)
    for _ in range(100):
        ring.add(START, number)
    point = ring.point(ring.newest)
    assert point is not None
    assert all(map(math.isfinite, point))


def test_times_before_the_epoch_do_no_harm() -> None:
    series = Series(5.0)
    series.add(-100.0, 1.0)
    series.add(2.0, 3.0)
    series.shift(-1e9)
    assert series.stats(5.0, 10.0) is not None
    series.add(START, 2.0)
    assert series.at(START) == Point(2.0, 2.0, 2.0)


FOREIGN: list[Any] = [
    None,
    [],
    [5.0],
    ["x", 4, 1, 0, b"", b"", b""],
    [5.0, 4, 1, 0, b"", b"", b""],
    [5.0, 4, -1, 0, *[bytes(16)] * 3],
    [5.0, 4, "1", 0, *[bytes(16)] * 3],
    [5.0, 4, True, 0, *[bytes(16)] * 3],
    [5.0, 4, 2**60, 0, *[bytes(16)] * 3],
    [5.0, 4, 1, -1, *[bytes(16)] * 3],
    [5.0, 4, 1, 1, "x" * 16, bytes(16), bytes(16)],
    [60.0, 4, 1, 1, *[bytes(16)] * 3],
    [5.0, 5, 1, 1, *[bytes(20)] * 3],
    [5.0, 4, 400, 1, *[bytes(16)] * 3],
]


@pytest.mark.parametrize("kept", FOREIGN, ids=str)
def test_a_foreign_ring_is_not_taken(kept: Any) -> None:
    """GIVEN what is no ring, one of another shape, or of the future THEN it changes nothing."""
    ring = Ring(5.0, 4)
    ring.add(1_000.0, 7.0)
    assert ring.load(kept, latest=1_000.0) is False
    assert ring.point(200) == Point(7.0, 7.0, 7.0)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 30), VALUES), min_size=1, max_size=100))
def test_the_columns_of_a_window_are_its_parts(steps: list[tuple[int, float]]) -> None:
    # GIVEN a series
    series, seen, at = Series(5.0), [], START
    for wait, number in steps:
        at += wait
        series.add(at, number)
        seen.append((at, number))
    # WHEN it is shown in columns
    columns = series.window(at, 600.0, 50)
    width = series.column_s(600.0, 50)
    # THEN there are no more than asked for, and each has its own lows and highs
    assert len(columns) <= 50
    last = int(at // width)
    for number_, column in enumerate(columns, last - len(columns) + 1):
        expected = naive(seen, number_ * width, (number_ + 1) * width)
        assert (column is None) == (expected is None)
        if column is not None and expected is not None:
            assert (column.low, column.high) == (expected.low, expected.high)


def test_columns_stand_still_as_time_goes_on() -> None:
    series = Series(5.0)
    for n in range(600):
        series.add(START + n * 5, float(n))
    now = START + 599 * 5
    width = series.column_s(3_000.0, 40)
    first, then = series.window(now, 3_000.0, 40), series.window(now + width, 3_000.0, 40)
    assert then[:-2] == first[1:-1]


def test_stats_of_a_stretch() -> None:
    series = Series(5.0)
    for n in range(100):
        series.add(START + n * 5, float(n + 1))
    found = series.stats(START + 99 * 5, 10_000.0)
    assert found is not None
    assert (found.low, found.mean, found.high) == (1.0, 50.5, 100.0)
    assert (found.p50, found.p95, found.seen_s) == (50.0, 95.0, 500.0)
    assert series.stats(START - 10_000, 100.0) is None


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50), st.floats(0, 100))
def test_a_percentile_is_the_nearest_rank(values: list[float], percent: float) -> None:
    ordered = sorted(values)
    found = rank(ordered, percent)
    assert sum(v <= found for v in ordered) >= percent / 100 * len(ordered) - 1e-6
    assert found in ordered
