"""Levels: limits in either direction, `for`, and hysteresis against a naive oracle."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.catalog.gauges import GaugeSpec, Limit
from opsdeck.gauges.levels import MOST_CLEAR_S, Judge, Latch, Level, margin_of, worse
from tests.gauges.made import above, below, spec

LEVELS: list[Level] = ["ok", "unknown", "warning", "critical"]


def levels(gauge: GaugeSpec, *values: float, step: float = 5.0) -> list[Level]:
    """The level after each of some values."""
    judge = Judge()
    return [judge.take(gauge, v, n * step) for n, v in enumerate(values)]


@pytest.mark.parametrize(
    ("op", "beyond", "inside"),
    [(">=", [80, 81], [79.9]), (">", [80.1], [80, 79]), ("<=", [80, 79], [81]), ("<", [79], [80])],
)
def test_a_limit_says_what_is_beyond_it(op: str, beyond: list[float], inside: list[float]) -> None:
    limit = Limit(op, 80.0)
    assert all(limit.passed(v) for v in beyond)
    assert not any(limit.passed(v) for v in inside)
    assert limit.below is (op[0] == "<")


@pytest.mark.parametrize(
    ("limits", "values", "expected"),
    [
        (above(80, 90), (79, 80, 90, 85, 70), ("ok", "warning", "critical", "warning", "ok")),
        (below(20, 10), (21, 20, 10, 15, 30), ("ok", "warning", "critical", "warning", "ok")),
        ({"warn": Limit(">", 0)}, (0, 1, 0), ("ok", "warning", "ok")),
        ({"crit": Limit("<", 5)}, (5, 4, 6), ("ok", "critical", "ok")),
        ({}, (1e300, -1e300), ("ok", "ok")),
    ],
    ids=["above", "below", "only warn", "only crit", "none"],
)
def test_either_direction(
    limits: dict[str, Any], values: tuple[float, ...], expected: tuple[Level, ...]
) -> None:
    """GIVEN limits in one direction WHEN values pass them THEN the level follows at once."""
    assert levels(spec(**limits), *values) == list(expected)


@pytest.mark.parametrize("limits", [above(80, 90), below(20, 10)], ids=["above", "below"])
def test_a_value_on_a_limit_does_not_flap(limits: dict[str, Any]) -> None:
    # GIVEN a value that swings around a limit by less than the margin
    at = limits["warn"].at
    good = 50.0 + (50 - at) * 0.4
    seen = levels(spec(unit="%", **limits), good, *[at + 1.5 * (-1) ** n for n in range(40)])
    # THEN it changes its level once
    assert sum(a != b for a, b in pairwise(seen)) == 1
    assert seen[-1] == "warning"


def test_for_is_how_long_it_must_stay_beyond() -> None:
    gauge = spec(for_s=30.0, **above(80, 90))
    # WHEN a value is beyond for less THEN it does not count, and begins anew
    assert set(levels(gauge, *[85] * 6, 70, *[85] * 6)) == {"ok"}
    # WHEN it stays THEN it counts from the 30th second on
    assert levels(gauge, *[85] * 8) == ["ok"] * 6 + ["warning"] * 2


def test_it_is_left_when_it_is_well_inside_for_as_long() -> None:
    gauge = spec(for_s=30.0, **above(80, 90))
    judge = Judge(warn=Latch(on=True))
    seen = [judge.take(gauge, 70.0, n * 5.0) for n in range(8)]
    assert seen == ["warning"] * 6 + ["ok"] * 2
    # AND after a minute at most, however long `for` is
    judge = Judge(warn=Latch(on=True))
    slow = spec(for_s=3_600.0, **above(80, 90))
    seen = [judge.take(slow, 70.0, n * 5.0) for n in range(14)]
    assert seen.index("ok") * 5.0 == MOST_CLEAR_S


def test_after_a_time_without_values_what_was_before_proves_nothing() -> None:
    # GIVEN a value beyond a limit just before a long sleep
    gauge = spec(for_s=60.0, **above(80, 90))
    judge = Judge(crit=Latch(since=0.0), warn=Latch(on=True))
    # WHEN the next value comes hours later
    judge.resume(gauge, 95.0)
    assert judge.take(gauge, 95.0, 30_000.0) == "warning"
    # THEN one that was beyond is so for as long as `for` says, from now on
    assert judge.take(gauge, 95.0, 30_060.0) == "critical"
    # AND one that is well inside by then is believed at once
    judge.resume(gauge, 10.0)
    assert judge.take(gauge, 10.0, 60_000.0) == "ok"


@pytest.mark.parametrize(
    ("more", "inside"),
    [
        (above(10, 100), 0.0),
        (above(30, 300), 0.0),
        (above(1, 5), 0.0),
        ({"unit": "%", **above(1, 50)}, 0.0),
        ({"unit": "%", **below(95, 50)}, 100.0),
        ({"unit": "%", "warn": Limit("<", 99.9)}, 100.0),
        ({"unit": "%", "warn": Limit(">", 0)}, 0.0),
        ({"scale": (0.0, 4.0), **above(0.1, 3)}, 0.0),
        ({"scale": (-50.0, 50.0), **above(0, 10)}, -10.0),
    ],
    ids=str,
)
def test_every_level_can_be_left(more: dict[str, Any], inside: float) -> None:
    """GIVEN limits far apart, or near an end of the scale THEN the best value is inside again."""
    gauge = spec(**more)
    bad = 0.0 if (gauge.warn and gauge.warn.below) else 1e6
    assert levels(gauge, bad, inside)[-1] == "ok"


def test_the_margin_is_of_what_lies_between() -> None:
    gauge = spec(unit="%", **above(85, 95))
    assert gauge.warn is not None
    assert margin_of(gauge, gauge.warn) == 2.0
    lone = spec(unit="%", warn=Limit(">=", 80))
    assert margin_of(lone, Limit(">=", 80)) == pytest.approx(1.6)
    assert margin_of(spec(warn=Limit(">", 0)), Limit(">", 0)) == 0.0
    assert margin_of(spec(scale=(0, 10), warn=Limit(">", 50)), Limit(">", 50)) >= 0.0


def test_the_worse_of_two() -> None:
    for n, one in enumerate(LEVELS):
        for m, other in enumerate(LEVELS):
            assert worse(one, other) == LEVELS[max(n, m)]


def oracle(values: list[float], for_s: float, step: float) -> list[bool]:
    """A latch of `>= 80` with a margin of 2, worked out from all that was seen so far."""
    on, found = False, []
    against = 0
    for v in values:
        speaks = (v < 78) if on else (v >= 80)
        against = against + 1 if speaks else 0
        needed = min(for_s, MOST_CLEAR_S) if on else for_s
        if against and (against - 1) * step >= needed:
            on, against = not on, 0
        found.append(on)
    return found


@given(
    st.lists(st.sampled_from([70.0, 77.9, 78.0, 79.0, 80.0, 90.0]), max_size=80),
    st.sampled_from([0.0, 5.0, 20.0, 120.0]),
    st.sampled_from([1.0, 5.0, 7.0]),
)
def test_a_latch_is_what_the_oracle_says(values: list[float], for_s: float, step: float) -> None:
    latch, seen = Latch(), []
    for n, v in enumerate(values):
        latch.take(Limit(">=", 80.0), 2.0, v, n * step, for_s)
        seen.append(latch.on)
    assert seen == oracle(values, for_s, step)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30))
def test_no_value_is_too_odd_for_it(values: list[float]) -> None:
    assert set(levels(spec(**above(1, 2)), *values)) <= {"ok", "warning", "critical"}


def test_a_clock_that_goes_back_counts_from_then() -> None:
    latch = Latch()
    for at in (100.0, 50.0, 70.0):
        latch.take(Limit(">=", 80.0), 2.0, 90.0, at, 30.0)
        assert not latch.on
    latch.take(Limit(">=", 80.0), 2.0, 90.0, 80.0, 30.0)
    assert latch.on
