"""One gauge: what a reading becomes, and what is said when it turns."""

from __future__ import annotations

import math
from typing import Any

import pytest

from opsdeck.checks.reading import Reading
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.turns import draft_of, memory_of
from opsdeck.journal.fold import Mark
from tests.gauges.made import START, above, feed, spec


def test_a_change_tells_of_the_time_at_the_old_level() -> None:
    # GIVEN a gauge that is well for a minute, then is not
    gauge = Gauge(spec(unit="%", title="CPU", **above(80, 95)))
    [turn] = feed(gauge, [10.0, 20.0, 30.0, 97.0])
    assert (turn.before, turn.after, turn.value) == ("ok", "critical", 97.0)
    assert (turn.began, turn.at) == (START, START + 15)
    assert (turn.low, turn.mean, turn.high) == (10.0, 20.0, 30.0)
    # AND the event says it in full
    data = draft_of(turn, "%").data
    assert draft_of(turn, "%").by == "opsdeck"
    assert (data["gauge"], data["from"], data["to"]) == ("g", "ok", "critical")
    assert (data["duration_s"], data["min"], data["mean"], data["max"]) == (15.0, 10, 20, 30)
    assert data["start"] < data["end"]


def test_the_first_word_is_news_only_where_it_is_bad() -> None:
    assert feed(Gauge(spec(**above(50, 90))), [1.0]) == []
    assert feed(Gauge(spec(**above(50, 90))), [None]) == []
    [turn] = feed(Gauge(spec(**above(50, 90))), [60.0])
    assert (turn.before, turn.after, turn.low) == (None, "warning", None)


def test_one_look_that_is_lost_changes_nothing_and_two_do() -> None:
    gauge = Gauge(spec(**above(50, 90)))
    assert feed(gauge, [10.0, None]) == []
    [turn] = feed(gauge, [None], START + 10)
    assert (turn.after, turn.reason) == ("unknown", "no answer")
    # AND the last value stands
    assert (gauge.value, gauge.at) == (10.0, START)
    [turn] = feed(gauge, [11.0], START + 15)
    assert (turn.before, turn.after) == ("unknown", "ok")


@pytest.mark.parametrize("cause", ["missing", "untrusted"])
def test_what_can_never_be_known_is_unknown_at_once(cause: Any) -> None:
    gauge = Gauge(spec())
    feed(gauge, [1.0])
    turn = gauge.take(Reading(cause=cause, message="no credentials"), START + 5)
    assert turn is not None
    assert (turn.after, gauge.memory.reason) == ("unknown", "no credentials")


def test_nothing_at_all_is_unknown_after_three_intervals() -> None:
    gauge = Gauge(spec(every_s=10.0))
    feed(gauge, [1.0])
    assert gauge.lapse(START + 35) is None
    turn = gauge.lapse(START + 36)
    assert turn is not None
    assert turn.after == "unknown"
    assert gauge.lapse(START + 99) is None


@pytest.mark.parametrize(
    ("stat", "value"), [("last", 9.0), ("mean", 5.0), ("max", 9.0), ("p50", 5.0), ("p95", 9.0)]
)
def test_statistics_over_the_last_looks(stat: Any, value: float) -> None:
    gauge = Gauge(spec(stat=stat, over=5))
    feed(gauge, [100.0, 1.0, 3.0, 5.0, 7.0, 9.0])
    assert gauge.value == pytest.approx(value, abs=0.5)


def test_errors_are_the_share_of_bad_answers_and_of_none() -> None:
    # GIVEN good and bad answers, and looks that were not answered
    gauge = Gauge(spec(stat="errors", over=4))
    feed(gauge, [1.0, 0.0, None, 1.0])
    assert gauge.value == 50.0
    # AND one that could not even be tried counts as neither
    gauge.take(Reading(cause="dns", message=""), START + 25)
    assert gauge.value == 75.0
    gauge.take(Reading(cause="offline", message=""), START + 30)
    assert gauge.value == 75.0


def test_a_counter_is_told_by_its_rise_and_may_begin_anew() -> None:
    gauge = Gauge(spec(rate=True))
    assert feed(gauge, [1_000.0]) == []
    assert (gauge.value, gauge.level) == (None, None)
    feed(gauge, [1_500.0], START + 5)
    assert gauge.value == 100.0
    feed(gauge, [10.0], START + 10)
    assert gauge.value == 100.0
    feed(gauge, [60.0], START + 15)
    assert gauge.value == 10.0


def test_a_value_of_some_minutes_ago_is_told_with_its_own_time() -> None:
    # GIVEN CloudWatch, which tells at 12:05 how it was at 12:02
    gauge = Gauge(spec(every_s=60.0))
    gauge.take(Reading(value=3.0, observed_s=START - 180), START)
    assert gauge.at == START - 180
    # THEN it is as old as that, and yet not stale: it was heard just now
    assert gauge.age_s(START) == 180
    assert not gauge.is_old(START + 60)
    assert gauge.lapse(START + 60) is None
    # AND what claims to be of the future is of now
    gauge.take(Reading(value=3.0, observed_s=START + 900), START + 60)
    assert gauge.at == START + 60


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_no_value(number: float) -> None:
    gauge = Gauge(spec(stat="mean"))
    feed(gauge, [1.0, number, number])
    assert (gauge.value, gauge.level) == (1.0, "unknown")


def test_the_journal_tells_how_a_gauge_stood() -> None:
    mark = Mark("c", "w", 1, "critical", "2026-11-23T02:52:11.000Z", "opsdeck")
    memory = memory_of(mark)
    assert memory is not None
    assert (memory.level, memory.judge.crit.on, memory.judge.warn.on) == ("critical", True, True)
    assert memory.tally.began == 1_795_402_331.0
    assert memory_of(Mark("c", "w", 1, "gone", "", "opsdeck")) is None
