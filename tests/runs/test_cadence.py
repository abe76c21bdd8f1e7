"""Runs start afresh when the deck's own calendar says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.catalog.model import Cadence, Checklist, Item
from opsdeck.runs.cadence import (
    PERIODIC,
    RunName,
    parse_run,
    period_bounds,
    period_days,
    period_name,
    previous_run_key,
    run_key,
)

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Pacific/Apia",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
]


def a_list(cadence: Cadence) -> Checklist:
    return Checklist(id="ops", title="Ops", section="S", cadence=cadence, items=(ITEM,))


ITEM = Item(id="i", text="an item")


def hours(period: str, zone: str) -> float:
    bounds = period_bounds(period, ZoneInfo(zone))
    assert bounds is not None
    return (bounds[1] - bounds[0]) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("period", "zone", "long"),
    [
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-10-24", "Europe/Berlin", 24),
        ("2026-W13", "Europe/Berlin", 7 * 24 - 1),
        ("2026-W43", "Europe/Berlin", 7 * 24 + 1),
        ("2026-10", "Europe/Berlin", 31 * 24 + 1),
        ("2026-02", "Asia/Kolkata", 28 * 24),
        ("2028-02", "Asia/Kolkata", 29 * 24),
        # In 2018 the clocks of Sao Paulo went from 00:00 to 01:00 on 4 November.
        ("2018-11-04", "America/Sao_Paulo", 23),
        # Apia went over the date line: 30 December 2011 was not.
        ("2011-12-30", "Pacific/Apia", 0),
        ("2011-12-31", "Pacific/Apia", 24),
    ],
)
def test_a_period_is_as_long_as_the_clocks_of_its_zone_make_it(
    period: str, zone: str, long: float
) -> None:
    assert hours(period, zone) == long


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2026, 12, 27), "2026-W52"),
        (date(2026, 12, 28), "2026-W53"),
        (date(2027, 1, 3), "2026-W53"),
        (date(2027, 1, 4), "2027-W01"),
        (date(2020, 12, 31), "2020-W53"),
        (date(2021, 1, 3), "2020-W53"),
        (date(2024, 12, 30), "2025-W01"),
        (date(2023, 1, 1), "2022-W52"),
    ],
)
def test_weeks_are_those_of_iso_8601(day: date, week: str) -> None:
    assert period_name("weekly", day) == week
    first, after = period_days(week) or (day, day)
    assert first <= day < after


def test_a_list_starts_afresh_at_midnight_of_its_zone_and_not_of_utc() -> None:
    daily = a_list("daily")
    just_before = datetime(2026, 11, 23, 18, 29, 59, tzinfo=UTC)
    zone = ZoneInfo("Asia/Kolkata")
    assert run_key(daily, just_before, zone, None) == "ops/2026-11-23"
    assert run_key(daily, just_before + timedelta(seconds=1), zone, None) == "ops/2026-11-24"
    assert run_key(daily, just_before + timedelta(seconds=1), UTC, None) == "ops/2026-11-23"


def test_each_cadence_has_its_key() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    keys = {c: run_key(a_list(c), now, UTC, "v1.4.2") for c in (*PERIODIC, "release", "standing")}
    assert keys == {
        "daily": "ops/2026-11-23",
        "weekly": "ops/2026-W48",
        "monthly": "ops/2026-11",
        "release": "release/v1.4.2/ops",
        "standing": "standing/ops",
    }
    assert run_key(a_list("release"), now, UTC, None) is None


@pytest.mark.parametrize(
    ("cadence", "now", "before"),
    [
        ("daily", datetime(2027, 1, 1, tzinfo=UTC), "ops/2026-12-31"),
        ("daily", datetime(2028, 3, 1, tzinfo=UTC), "ops/2028-02-29"),
        ("weekly", datetime(2027, 1, 4, tzinfo=UTC), "ops/2026-W53"),
        ("weekly", datetime(2027, 1, 3, tzinfo=UTC), "ops/2026-W52"),
        ("monthly", datetime(2027, 1, 31, tzinfo=UTC), "ops/2026-12"),
        ("monthly", datetime(2026, 3, 31, tzinfo=UTC), "ops/2026-02"),
        ("release", datetime(2027, 1, 1, tzinfo=UTC), None),
        ("standing", datetime(2027, 1, 1, tzinfo=UTC), None),
    ],
)
def test_the_run_before_is_that_of_the_period_before(
    cadence: Cadence, now: datetime, before: str | None
) -> None:
    assert previous_run_key(a_list(cadence), now, UTC) == before


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("release/v1.4.2/infra", RunName("infra", "release", "v1.4.2")),
        ("standing/scaling", RunName("scaling", "standing", "")),
        ("ops/2026-11-23", RunName("ops", "period", "2026-11-23")),
        ("ops/2026-W53", RunName("ops", "period", "2026-W53")),
        ("ops/2026-11", RunName("ops", "period", "2026-11")),
        ("ops/2025-W53", None),
        ("ops/2026-13", None),
        ("ops/2026-02-30", None),
        ("ops/9999-12-31", None),
        ("ops/0000-01-01", None),
        ("release//infra", None),
        ("release/v1/", None),
        ("standing/", None),
        ("/2026-11", None),
        ("ops", None),
        ("", None),
        ("a/b/c/d", None),
    ],
)
def test_a_run_key_is_taken_apart_or_is_none(key: str, name: RunName | None) -> None:
    assert parse_run(key) == name


@pytest.mark.parametrize("period", ["0001-01-01", "0001-W01", "0001-01", "9999-12-30", "9999-W51"])
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Sao_Paulo", "Pacific/Kiritimati"])
def test_the_ends_of_the_calendar_raise_nothing(period: str, zone: str) -> None:
    bounds = period_bounds(period, ZoneInfo(zone))
    assert bounds is None or bounds[0] < bounds[1]


MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(PERIODIC))
def test_the_period_of_any_moment_contains_it(
    moment: datetime, zone_name: str, cadence: Cadence
) -> None:
    zone = ZoneInfo(zone_name)
    bounds = period_bounds(period_name(cadence, moment.astimezone(zone).date()), zone)
    assert bounds is not None
    assert bounds[0] <= moment < bounds[1]


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(PERIODIC))
def test_a_period_begins_where_the_one_before_ends(
    moment: datetime, zone_name: str, cadence: Cadence
) -> None:
    zone, checklist = ZoneInfo(zone_name), a_list(cadence)
    now, before = run_key(checklist, moment, zone, None), previous_run_key(checklist, moment, zone)
    assert now is not None
    assert before is not None
    this, last = (period_bounds(key.split("/")[1], zone) for key in (now, before))
    assert this is not None
    assert last is not None
    assert last[1] == this[0]
