"""How gauges and their changes are told."""

from __future__ import annotations

from typing import Any

import pytest

from opsdeck.catalog.gauges import Limit
from opsdeck.gauges.board import Room
from opsdeck.gauges.forecast import Forecast
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.words import (
    age_words,
    amount,
    breach_words,
    detail_words,
    forecast_words,
    limit_words,
    turn_words,
    worst_words,
)
from tests.gauges.made import START, above, feed, own, spec

TURN = {
    "gauge": "host-memory",
    "title": "Memory",
    "from": "ok",
    "to": "warning",
    "duration_s": 20_680.4,
    "min": 41.208,
    "mean": 57.93,
    "max": 86.017,
    "value": 85.9,
    "unit": "%",
}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "%", "-"),
        (0.0, "%", "0 %"),
        (0.04, "%", "0.0 %"),
        (3.46, "%", "3.5 %"),
        (48.2, "%", "48 %"),
        (1_840.4, "ms", "1,840 ms"),
        (0.4, "ms", "0.4 ms"),
        (1_800_000_000, "B", "1.8 GB"),
        (999_600, "B", "1.0 MB"),
        (12_300, "B/s", "12 kB/s"),
        (0.42, "", "0.42"),
        (3, "", "3"),
        (-2.5, "s", "-2.5 s"),
        (1e40, "", "1.00e+40"),
    ],
)
def test_amounts(value: float | None, unit: str, text: str) -> None:
    assert amount(value, unit) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [(None, "never"), (0, "now"), (9.9, "now"), (10, "10 s"), (59, "50 s"), (240, "4 min")],
)
def test_ages_do_not_change_every_second(age: float | None, text: str) -> None:
    assert age_words(age) == text


def test_limits_and_forecasts() -> None:
    assert limit_words(Limit("<=", 20.0), "%") == "below 20 %"
    assert limit_words(Limit(">=", 80.0), "%") == "80 %"
    assert limit_words(None) == ""
    assert forecast_words(Forecast(9.4 * 3_600, 1.0)) == "full in about 9 h"
    assert forecast_words(Forecast(20, 1.0)) == "full any moment"
    assert forecast_words(None) == ""


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "Memory: warning at 86 %, after 5 h ok (41 % to 86 %)"),
        ({"from": None}, "Memory: warning at 86 %"),
        (
            {"to": "unknown", "reason": "no answer within 5 s"},
            "Memory: unknown, after 5 h ok (41 % to 86 %): no answer within 5 s",
        ),
        (
            {"reason": "forecast"},
            "Memory: warning at 86 %, after 5 h ok (41 % to 86 %): it will be full soon",
        ),
        ({"min": 86.0, "max": 86.0}, "Memory: warning at 86 %, after 5 h ok (86 %)"),
        ({"title": None}, "host-memory: warning at 86 %, after 5 h ok (41 % to 86 %)"),
        ({"value": "x", "min": [], "duration_s": True}, "Memory: warning"),
        ({"duration_s": 10**400}, "Memory: warning at 86 %"),
    ],
)
def test_a_change_of_level_in_words(more: dict[str, Any], text: str) -> None:
    assert turn_words({**TURN, **more}) == text


def test_a_breach_in_words() -> None:
    gauge = Gauge(own(title="CPU", **above(85, 95)))
    feed(gauge, [10.0, 97.0])
    assert breach_words(gauge, START + 6) == "CPU 97 %, limit 95 %"
    assert breach_words(gauge, START + 5 + 240) == "CPU 97 %, limit 95 %, for 4 min"


def test_what_stands_behind_a_number() -> None:
    memory, load = Gauge(own("host-memory")), Gauge(own("host-load"))
    memory.detail, load.detail = Room(11_200_000_000, 15_600_000_000), (0.5, 1.0, 2.25)
    assert detail_words(memory) == "11 GB of 16 GB"
    assert detail_words(load) == "load 0.50 1.00 2.25"
    files = Gauge(own("host-files"))
    files.detail = Room(797, 2_466_177)
    assert detail_words(files) == "797 of 2,466,177"
    assert detail_words(Gauge(spec())) == ""


def test_how_many_are_bad() -> None:
    good, bad = Gauge(spec("a", **above(5, 10))), Gauge(spec("b", **above(5, 10)))
    feed(good, [1.0])
    feed(bad, [11.0])
    assert worst_words([good, bad]) == "1 critical"
    assert worst_words([good]) == ""
