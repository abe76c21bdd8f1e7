"""Forecasts: right for what fills, silent for what only looks like it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from opsdeck.gauges.forecast import Forecast, forecast, forecast_of, median
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.series import Series
from tests.gauges.made import START, above, below, feed, own

HOUR = 720
"""Values an hour, one every five seconds."""

Make = Callable[[random.Random], Iterable[float]]


def series_of(values: Iterable[float]) -> tuple[Series, float]:
    """A series of these, and the moment after the last."""
    series, at = Series(5.0), START
    for number in values:
        at += 5
        series.add(at, number)
    return series, at


def filling(
    rng: random.Random, hours: float, seen: float, start: float, noise: float, wild: float = 0.0
) -> Iterable[float]:
    """Linear from `start`, full (100) `hours` after the `seen` hours shown, with wild values."""
    count = round(seen * HOUR)
    rate = (100 - start) / ((seen + hours) * HOUR)
    for n in range(count):
        number = start + rate * n + rng.gauss(0, noise)
        yield rng.uniform(0, 100) if rng.random() < wild else number


@pytest.mark.parametrize(
    ("hours", "seen", "start", "noise", "wild"),
    [
        (9, 1, 20, 0.3, 0.0),
        (9, 2, 20, 1, 0.0),
        (9, 6, 20, 3, 0.1),
        (9, 6, 30, 1, 0.2),
        (9, 6, 60, 2, 0.1),
        (9, 12, 20, 1, 0.05),
        (2, 2, 50, 1, 0.05),
        (30, 6, 10, 1, 0.05),
        (0.5, 1, 40, 1, 0.05),
        (100, 20, 20, 0.5, 0.02),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_what_fills_is_told_within_a_tenth(
    hours: float, seen: float, start: float, noise: float, wild: float, seed: int
) -> None:
    # GIVEN something that fills in a line, with noise and wild values
    rng = random.Random(seed)
    series, now = series_of(filling(rng, hours, seen, start, noise, wild))
    # THEN when it is full is known
    found = forecast_of(series, now, 100.0)
    assert found is not None
    assert found.full_in_s / 3_600 == pytest.approx(hours, rel=0.1)
    assert found.per_hour == pytest.approx((100 - start) / (seen + hours), rel=0.1)


@pytest.mark.parametrize("flat", [1, 3, 6])
def test_what_only_now_began_to_fill_is_told_as_well(flat: int) -> None:
    # GIVEN hours of standstill, then three of filling
    rng = random.Random(1)
    still = [20 + rng.gauss(0, 1) for _ in range(flat * HOUR)]
    series, now = series_of([*still, *filling(rng, 9, 3, 20, 1, 0.05)])
    found = forecast_of(series, now, 100.0)
    assert found is not None
    assert found.full_in_s / 3_600 == pytest.approx(9, rel=0.1)


def test_what_runs_empty_is_told_as_well() -> None:
    rng = random.Random(3)
    series, now = series_of(100 - v for v in filling(rng, 9, 3, 20, 0.5))
    found = forecast_of(series, now, 0.0, -1.0)
    assert found is not None
    assert found.full_in_s / 3_600 == pytest.approx(9, rel=0.1)
    assert forecast_of(series, now, 100.0) is None


def walk(spread: float, pull: float = 0.0) -> Make:
    def make(rng: random.Random) -> Iterable[float]:
        at = 50.0
        for _ in range(8 * HOUR):
            at = min(95.0, max(5.0, at + rng.gauss(0, spread) + pull * (50 - at)))
            yield at

    return make


def jumps(rng: random.Random) -> Iterable[float]:
    """Programs that come and go."""
    at = 50.0
    for _ in range(8 * HOUR):
        if rng.random() < 0.01:
            at = min(90.0, max(20.0, at + rng.choice([-1, 1]) * rng.expovariate(0.7)))
        yield at + rng.gauss(0, 0.1)


def saw(period: int) -> Make:
    def make(rng: random.Random) -> Iterable[float]:
        return (30 + 40 * (n % period) / period + rng.gauss(0, 0.2) for n in range(8 * HOUR))

    return make


def step(size: float) -> Make:
    def make(rng: random.Random) -> Iterable[float]:
        at = rng.randrange(100, 3 * HOUR)
        return (40 + size * (n > at) + rng.gauss(0, 0.5) for n in range(4 * HOUR))

    return make


def steps_up_and_down(rng: random.Random) -> Iterable[float]:
    return (40 + 15 * (n // 300 % 2) + rng.gauss(0, 0.5) for n in range(6 * HOUR))


def warming_up(rng: random.Random) -> Iterable[float]:
    return (30 + 25 * min(1.0, n / (HOUR / 4)) + rng.gauss(0, 0.3) for n in range(3 * HOUR))


def saturating(rng: random.Random) -> Iterable[float]:
    return (70 - 40 * math.exp(-n / HOUR) + rng.gauss(0, 0.3) for n in range(6 * HOUR))


def noise(rng: random.Random) -> Iterable[float]:
    return (80 + rng.gauss(0, 5) for _ in range(8 * HOUR))


def falling(rng: random.Random) -> Iterable[float]:
    return (90 - n / HOUR * 5 + rng.gauss(0, 0.5) for n in range(8 * HOUR))


QUIET: dict[str, Make] = {
    "noise": noise,
    "constant": lambda rng: [70.0] * (4 * HOUR),
    "falling": falling,
    "walk 0.02": walk(0.02),
    "walk 0.1": walk(0.1),
    "walk 0.3": walk(0.3),
    "walk 1": walk(1.0),
    "pulled back": walk(0.3, 0.001),
    "jumps": jumps,
    "saw of 3 min": saw(36),
    "saw of 10 min": saw(120),
    "saw of 30 min": saw(360),
    "saw of an hour": saw(720),
    "step of 5": step(5),
    "step of 20": step(20),
    "up and down": steps_up_and_down,
    "warming up": warming_up,
}


OFTEN = ("noise", "constant", "falling", "walk 0.1", "jumps", "saw of 10 min", "step of 20")
"""Those of every run; the others take as long again, and have their turn with the slow ones."""


@pytest.mark.parametrize(
    "name", [n if n in OFTEN else pytest.param(n, marks=pytest.mark.slow) for n in QUIET]
)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_what_does_not_fill_raises_no_alarm(name: str, seed: int) -> None:
    """GIVEN hours of what rises now and then WHEN it is followed THEN there never is an alarm."""
    gauge = Gauge(own(fills=True, unit="%", every_s=5.0))
    changes = feed(gauge, QUIET[name](random.Random(seed)))
    assert changes == []
    assert gauge.level == "ok"


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.02, 0.05, 0.1, 0.3, 1.0])
def test_a_day_of_random_walks_raises_no_alarm(spread: float) -> None:
    for seed in range(10):
        rng = random.Random(seed)
        gauge = Gauge(own(fills=True, unit="%", every_s=5.0))
        assert feed(gauge, (v for _ in range(3) for v in walk(spread)(rng))) == []


def test_what_levels_off_is_not_filling() -> None:
    series, now = series_of(saturating(random.Random(0)))
    assert forecast_of(series, now, 100.0) is None


def test_what_was_as_high_before_and_came_down_may_do_so_again() -> None:
    # GIVEN a tooth to 80, and the next one on its way up
    tooth = [30 + 50 * n / HOUR / 2 for n in range(2 * HOUR)]
    series, now = series_of([*tooth, *tooth[: HOUR * 3 // 2]])
    assert forecast_of(series, now, 100.0) is None
    # WHEN it goes beyond the first one THEN it fills
    series, now = series_of([*tooth, *(30 + 50 * n / HOUR / 2 for n in range(HOUR * 5 // 2))])
    assert forecast_of(series, now, 100.0) is not None


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(0.0, 1.0)],
        [(float(n), float(n)) for n in range(20)],
        [(0.0, float(n)) for n in range(100)],
        [(n / 100, float(n)) for n in range(100)],
        [(n * 5.0, 1e38 * (-1) ** n) for n in range(500)],
    ],
    ids=["none", "one", "few", "no time", "little time", "huge"],
)
def test_too_little_gives_no_forecast(points: list[tuple[float, float]]) -> None:
    assert forecast(points, 100.0) is None


def test_an_exact_line_has_an_exact_end() -> None:
    found = forecast([(n * 5.0, n * 0.1) for n in range(500)], 100.0)
    assert found is not None
    assert found.full_in_s == pytest.approx((100 - 49.9) / 0.1 * 5, rel=1e-3)
    # AND what is full already is full now
    full = forecast([(n * 5.0, n * 0.1) for n in range(500)], 10.0)
    assert full is not None
    assert full.full_in_s == 0.0


def test_gaps_do_not_bend_the_line() -> None:
    rng = random.Random(4)
    values = list(filling(rng, 9, 6, 20, 0.5))
    points = [(n * 5.0, v) for n, v in enumerate(values) if not 800 < n < 1400]
    found = forecast(points, 100.0)
    assert found is not None
    assert found.full_in_s / 3_600 == pytest.approx(9, rel=0.1)


# As a level


def followed(hours: float, seen: float, **more: Any) -> tuple[Gauge, list[str]]:
    rng = random.Random(5)
    gauge = Gauge(own(fills=True, every_s=5.0, **more))
    changes = feed(gauge, filling(rng, hours, seen, 20, 0.3))
    return gauge, [f"{change.after} {change.reason}" for change in changes]


def test_what_will_be_full_soon_is_a_level() -> None:
    # GIVEN limits that are far away yet
    gauge, turns = followed(9, 3, **above(85, 95))
    assert (gauge.level, turns) == ("warning", ["warning forecast"])
    assert gauge.memory.reason == "forecast"
    gauge, turns = followed(3, 3, **above(85, 95))
    assert (gauge.level, turns) == ("critical", ["warning forecast", "critical forecast"])
    # AND far enough away it is none
    gauge, turns = followed(60, 6, **above(85, 95))
    assert (gauge.level, turns) == ("ok", [])
    assert gauge.forecast is not None


def test_at_the_edge_of_a_day_it_does_not_flap() -> None:
    # GIVEN something whose end stays about 24 h away, now nearer and now farther
    gauge = Gauge(own(fills=True))
    for n in range(100):
        gauge.memory.forecast = Forecast(86_400.0 + (-1) ** (n // 4) * 5_000, 1.0, 7_200.0)
        gauge._weigh()
    assert gauge.memory.soon == "warning"
    seen = []
    for n in range(100):
        gauge.memory.forecast = Forecast(86_400.0 + (-1) ** (n // 4) * 5_000, 1.0, 7_200.0)
        gauge._weigh()
        seen.append(gauge.memory.soon)
    assert set(seen) == {"warning"}
    # AND a trend that ended is believed after some minutes
    gauge.memory.forecast = None
    for _ in range(3):
        gauge._weigh()
    assert str(gauge.memory.soon) == "ok"


def test_what_runs_empty_becomes_a_level_too() -> None:
    rng = random.Random(6)
    gauge = Gauge(own(fills=True, every_s=5.0, **below(15, 5)))
    feed(gauge, (100 - v for v in filling(rng, 9, 3, 20, 0.3)))
    assert (gauge.level, gauge.memory.reason) == ("warning", "forecast")


def test_without_a_scale_nobody_knows_what_full_is() -> None:
    gauge, turns = followed(3, 3, unit="B")
    assert (gauge.level, gauge.forecast, turns) == ("ok", None, [])


def test_the_middle_of_numbers() -> None:
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median(iter([4.0, 1.0])) == 2.5
