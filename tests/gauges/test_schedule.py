"""When is looked: nothing missed, nothing doubled, whatever clocks do."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.gauges.schedule import Clock, Schedule, steady


class Made:
    """A wall clock and a steady one."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady)


@pytest.mark.parametrize("by", [3_600.0, -86_400.0, 2.5])
def test_a_clock_that_was_set_is_told_once(by: float) -> None:
    # GIVEN a clock that somebody sets
    made = Made()
    clock = made.clock()
    made.go(10)
    assert (clock.now(), clock.jumped()) == (1_000_010.0, 0.0)
    made.wall += by
    # THEN time goes on as before until the jump was told, and is right from then on
    made.go(1)
    assert clock.now() == 1_000_011.0
    assert clock.jumped() == by
    assert clock.now() == 1_000_011.0 + by
    assert clock.jumped() == 0.0


def test_a_clock_that_drifts_a_little_is_not_set() -> None:
    made = Made()
    clock = made.clock()
    made.wall += 1.5
    assert clock.jumped() == 0.0
    assert clock.now() == 1_000_000.0


def test_the_steady_clock_goes_on() -> None:
    assert 0 <= steady() <= steady()


def test_what_is_new_is_due_at_once_and_what_is_late_is_done_once() -> None:
    schedule: Schedule[str] = Schedule()
    assert schedule.next_in(5.0) is None
    schedule.set([("a", 1.0), ("b", 5.0)], 100.0)
    assert schedule.due(100.0) == ["a", "b"]
    assert schedule.due(100.5) == []
    assert schedule.next_in(100.5) == 0.5
    assert schedule.due(101.0) == ["a"]
    # WHEN the machine slept for a minute
    assert schedule.due(160.3) == ["a", "b"]
    # THEN it goes on in the old rhythm
    assert schedule.due(160.9) == []
    assert schedule.due(161.0) == ["a"]


def test_another_configuration_keeps_the_rhythm_of_what_stays() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.set([("a", 10.0), ("b", 10.0)], 0.0)
    schedule.due(0.0)
    schedule.set([("a", 10.0), ("c", 10.0)], 4.0)
    assert schedule.due(4.0) == ["c"]
    assert schedule.due(10.0) == ["a"]
    # AND another pace begins at once
    schedule.set([("a", 2.0)], 11.0)
    assert schedule.due(11.0) == ["a"]


@given(
    st.lists(st.floats(0.9, 1.1), min_size=30, max_size=120),
    st.sampled_from([1.0, 2.0, 5.0]),
)
def test_ticks_that_come_early_and_late_miss_and_double_nothing(
    gaps: list[float], every: float
) -> None:
    # GIVEN a tick that comes about once a second, and slack for one that comes early
    schedule: Schedule[str] = Schedule()
    schedule.set([("a", every)], 0.0)
    now, looks = 0.0, [0.0 for _ in schedule.due(0.0)]
    for gap in gaps:
        now += gap
        looks += [now for _ in schedule.due(now, slack=0.1)]
    # THEN there were no more looks than intervals, and no tick was let pass that was due
    assert len(looks) - 1 <= now / every + 0.1
    assert all(b - a <= every + 1.1 for a, b in pairwise(looks))
