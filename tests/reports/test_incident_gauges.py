"""Gauges in the post-incident report, each as one line; and its words for times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from opsdeck.catalog.gauges import GaugeSpec, Limit
from opsdeck.gauges import keeping
from opsdeck.gauges.memory import Memory
from opsdeck.gauges.series import Series
from opsdeck.reports.incident_gauges import COLUMNS, Track, line_of
from opsdeck.reports.incident_markdown import incident_markdown
from opsdeck.reports.incident_report import read_incident
from opsdeck.reports.incident_words import Moments, span
from tests.incidents.outage import GAUGE, ID, START, alarmed, suffered, turned
from tests.screens.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def keep(desk: Desk, values: dict[int, float], **spec: Any) -> None:
    """A past of the gauge in the cache, by seconds after the start."""
    series = Series(10.0)
    for second, value in sorted(values.items()):
        series.add((START + timedelta(seconds=second)).timestamp(), value)
    folder, encode = desk.home / "cache", msgspec.msgpack.encode
    found = GaugeSpec(id=GAUGE, title="Pool", source="db", **spec)
    last = keeping.Last(keeping.VERSION, 0.0, [keeping.Kept(found, Memory())])
    past = keeping.Past(keeping.VERSION, 0.0, {GAUGE: series.dump()})
    keeping.write(folder, keeping.LAST, encode(last))
    keeping.write(folder, keeping.SERIES, encode(past))


def test_what_was_kept_of_a_gauge_is_drawn_over_time(desk: Desk) -> None:
    # GIVEN a gauge that rose and fell, of which some minutes were not looked at
    deck = desk.deck()
    suffered(deck, desk.clock)
    rise = dict.fromkeys(range(-2100, 0, 10), 20.0)
    fall = {second: 90.0 - second / 20 for second in range(300, 1080, 10)}
    keep(desk, {**rise, **fall, 300: 97.0}, unit="%")
    # WHEN it is drawn
    (track,) = read_incident(deck, ID).tracks
    # THEN its columns are time, with the values of events where nothing was kept, else gaps
    assert (track.title, track.unit, track.column_s) == ("Connections", "%", 100.0)
    assert len(track.columns) == 31
    assert track.columns[0] == 20.0
    assert (track.first, track.peak, round(track.last)) == (20.0, 99.0, 38)
    assert None in track.columns
    line = line_of(track)
    assert line.startswith("▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂")
    assert "█" in line or "▇" in line
    assert line.endswith("  20 … 99 … 38 %")


def test_of_a_gauge_whose_low_values_are_bad_the_worst_is_the_lowest(desk: Desk) -> None:
    deck = desk.deck()
    suffered(deck, desk.clock)
    keep(desk, {0: 50.0}, unit="%", crit=Limit("<=", 10.0))
    (track,) = read_incident(deck, ID).tracks
    assert track.peak == 38.0


def test_without_a_past_each_recorded_value_is_a_column(desk: Desk) -> None:
    deck = desk.deck()
    suffered(deck, desk.clock)
    report = read_incident(deck, ID)
    (track,) = report.tracks
    assert (track.columns, track.column_s) == ((96, 96, 96, 41, 96, 41, 38), None)
    text = incident_markdown(report)
    assert "```text\nConnections  ███▄█▄▄  96 … 99 … 38 %\n```\n" in text
    assert "From 2026-11-23 02:07 UTC to 2026-11-23 02:59 UTC" in text


def test_a_past_that_is_broken_is_none(desk: Desk) -> None:
    deck = desk.deck()
    suffered(deck, desk.clock)
    keep(desk, {0: 50.0})
    shapes: list[list[Any]] = [[], [[]], [["x"]], [[0, 1, 2, 3, b"", b"", b""]], [[-5.0] * 7]]
    for broken in shapes:
        past = keeping.Past(keeping.VERSION, 0.0, {GAUGE: broken})
        keeping.write(desk.home / "cache", keeping.SERIES, msgspec.msgpack.encode(past))
        assert len(read_incident(deck, ID).tracks[0].columns) == 7


def test_many_recorded_values_are_thinned(desk: Desk) -> None:
    deck = desk.deck()
    alarmed(deck, desk.clock)
    deck.record(*(turned("ok", float(number), "other") for number in range(100)))
    own, other = read_incident(deck, ID).tracks
    assert (own.id, other.id) == (GAUGE, "other")
    assert len(other.columns) == COLUMNS
    assert (other.columns[0], other.columns[-1]) == (0.0, 99.0)


@pytest.mark.parametrize(
    ("values", "unit", "scale", "wanted"),
    [
        ((41, 96, 38), "%", (0, 100), "▄█▄  41 … 96 … 38 %"),
        ((0, None, 100), "%", (0, 100), "▁ █  0 … 100 … 100 %"),
        ((5, 5), "", (0, 5), "██  5"),
        ((0, 0), "", (0, 0), "▁▁  0"),
        ((500, 2e9), "B", (0, 2e9), "▁█  500 B … 2.0 GB … 2.0 GB"),
        ((1840, 12), "ms", (0, 1840), "█▁  1,840 … 1,840 … 12 ms"),
    ],
)
def test_a_gauge_is_one_line(
    values: tuple[float | None, ...], unit: str, scale: tuple[float, float], wanted: str
) -> None:
    known = [value for value in values if value is not None]
    ends = {"first": known[0], "peak": max(known), "last": known[-1]}
    track = Track(id="g", title="G", unit=unit, columns=values, column_s=None, scale=scale, **ends)
    assert line_of(track) == wanted


# Words


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (None, "not known"),
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (221, "3 min 41 s"),
        (3_600, "1 h"),
        (4_321, "1 h 12 min"),
        (3_601, "1 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_spans_have_two_units(seconds: float | None, wanted: str) -> None:
    assert span(seconds) == wanted


def test_times_name_their_zone_where_it_changes() -> None:
    before = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    moments = Moments(ZoneInfo("Europe/Berlin"), [before, before + timedelta(hours=1)])
    assert moments.short(before) == "02:30:00 CEST"
    assert moments.short(before + timedelta(hours=1)) == "02:30:00 CET"
    assert moments.full(None) == "not known"
    assert moments.short(datetime.max.replace(tzinfo=UTC)).startswith("23:59:59")
