"""When a checklist starts afresh: run keys and the periods they stand for.

Days and weeks are those of the deck's time zone; weeks are ISO 8601 weeks, so 2026-W53 begins
on 28 December. A day that daylight saving shortens or lengthens is still one day.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from opsdeck.catalog.model import Cadence, Checklist

RELEASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
"""What a release may be called: it is part of run keys and file names."""

PERIODIC: tuple[Cadence, ...] = ("daily", "weekly", "monthly")


class RunName(NamedTuple):
    """A run key taken apart: `release/v1/infrastructure` is (infrastructure, release, v1)."""

    checklist: str
    kind: str
    """`release`, `standing` or `period`."""
    occasion: str
    """The release, the period (`2026-11-23`, `2026-W48`, `2026-11`), or "" for standing."""


def parse_run(key: str) -> RunName | None:
    """Take a run key apart; None for what is none."""
    match key.split("/"):
        case ["release", release, checklist] if release and checklist:
            return RunName(checklist, "release", release)
        case ["standing", checklist] if checklist:
            return RunName(checklist, "standing", "")
        case [checklist, period] if checklist and period_days(period):
            return RunName(checklist, "period", period)
    return None


def period_name(cadence: Cadence, day: date) -> str:
    """The day, ISO week or month that a local date lies in."""
    match cadence:
        case "daily":
            return day.isoformat()
        case "weekly":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02d}"
        case "monthly":
            return f"{day:%Y-%m}"
    raise ValueError(f"{cadence} lists have no period")


def period_days(period: str) -> tuple[date, date] | None:
    """First day of a period and the day after its last; None for what is no period."""
    try:
        if found := re.fullmatch(r"(\d{4})-W(\d{2})", period):
            first = date.fromisocalendar(int(found[1]), int(found[2]), 1)
            return first, first + timedelta(days=7)
        if found := re.fullmatch(r"(\d{4})-(\d{2})", period):
            year, month = int(found[1]), int(found[2])
            return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", period):
            first = date.fromisoformat(period)
            return first, first + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return None


def period_bounds(period: str, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """When a period begins and ends, aware UTC; local midnights, whatever the clocks do."""
    days = period_days(period)
    if days is None:
        return None
    try:
        begin, end = (datetime.combine(d, time(), zone).astimezone(UTC) for d in days)
    except OverflowError:
        return None  # the first or last days of the calendar, which are nobody's runs
    return begin, end


def run_key(checklist: Checklist, now: datetime, zone: tzinfo, release: str | None) -> str | None:
    """The run that is current; None for a release list while no release is open."""
    match checklist.cadence:
        case "standing":
            return f"standing/{checklist.id}"
        case "release":
            return f"release/{release}/{checklist.id}" if release else None
    return f"{checklist.id}/{period_name(checklist.cadence, now.astimezone(zone).date())}"


def previous_run_key(checklist: Checklist, now: datetime, zone: tzinfo) -> str | None:
    """The run of the period before the current one; None for lists without periods."""
    if checklist.cadence not in PERIODIC:
        return None
    days = period_days(period_name(checklist.cadence, now.astimezone(zone).date()))
    if days is None:
        return None
    return f"{checklist.id}/{period_name(checklist.cadence, days[0] - timedelta(days=1))}"
