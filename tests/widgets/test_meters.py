"""Bars, trends and plots: absolute, monotonic, exactly as wide as asked, never full too early."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from opsdeck.catalog.gauges import Limit
from opsdeck.gauges.series import Point
from opsdeck.widgets.glyphs import ASCII, UNICODE, Glyphs
from opsdeck.widgets.meters import meter, plot, row_of, share, trend

PERCENT = (0.0, 100.0)
numbers = st.floats(-1e6, 1e6)


def bar(value: float | None, cells: int = 10, glyphs: Glyphs = UNICODE) -> str:
    return "".join(part.text for part in meter(glyphs, value, PERCENT, cells))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "░░░░░░░░░░"),
        (0.1, "█░░░░░░░░░"),
        (50, "█████░░░░░"),
        (99.9, "█████████░"),
        (100, "██████████"),
        (250, "██████████"),
        (-5, "░░░░░░░░░░"),
        (None, "░░░░░░░░░░"),
    ],
)
def test_a_bar_is_absolute_and_only_what_is_full_looks_full(
    value: float | None, shown: str
) -> None:
    assert bar(value) == shown
    assert bar(value, glyphs=ASCII) == shown.replace("█", "#").replace("░", ".")


@given(numbers, numbers, st.integers(1, 60))
def test_a_bar_never_shrinks_while_its_value_rises(one: float, other: float, cells: int) -> None:
    low, high = sorted((one, other))
    assert bar(low, cells).count("█") <= bar(high, cells).count("█")
    assert cell_len(bar(low, cells)) == cells


def test_limits_are_marked_at_their_place_in_their_own_style() -> None:
    limits = ((Limit(">=", 50.0), "warn"), (Limit(">=", 90.0), "bad"), (None, "bad"))
    parts = meter(UNICODE, 30.0, PERCENT, 10, limits, "bar")
    assert "".join(part.text for part in parts) == "███░░│░░░│"
    assert [part.style for part in parts if part.text == "│"] == ["warn", "bad"]


def test_without_a_scale_there_is_no_bar() -> None:
    assert "".join(p.text for p in meter(UNICODE, 5.0, (0.0, 0.0), 6)) == "      "


def point(value: float) -> Point:
    return Point(value, value, value)


def test_a_trend_is_absolute_where_it_has_a_scale() -> None:
    quiet = [point(value) for value in (1.0, 2.0, 1.0, 2.0)]
    # THEN two percent of a hundred stay low, however little else there is
    assert trend(UNICODE, quiet, PERCENT) == "▁▁▁▁"
    assert trend(UNICODE, [point(0.0), None, point(50.0), point(100.0)], PERCENT) == "▁ ▄█"
    # AND without one the highest is the top
    assert trend(UNICODE, quiet, (0.0, 0.0)) == "▄█▄█"
    assert trend(ASCII, [point(0.0), point(100.0)], PERCENT).isascii()


@given(st.lists(st.one_of(st.none(), numbers.map(point)), max_size=80), numbers, numbers)
def test_a_trend_has_a_cell_for_each_point(points: list[Point | None], a: float, b: float) -> None:
    shown = trend(UNICODE, points, (a, b))
    assert len(shown) == len(points)
    assert all((each is None) == (cell == " ") for each, cell in zip(points, shown, strict=True))


def test_a_plot_stands_on_its_ground_and_shows_its_limits() -> None:
    points = [point(0.0), point(25.0), point(50.0), point(75.0), point(100.0), None]
    limits = ((Limit(">=", 50.0), "warn"), (Limit(">=", 90.0), "bad"))
    rows = plot(UNICODE, points, PERCENT, 4, limits)
    assert ["".join(part.text for part in row) for row in rows] == [
        "┄┄┄┄█┄",
        "┄┄┄██┄",
        "  ███ ",
        "▁████ ",
    ]
    assert {p.style for p in rows[0] if p.text.startswith("┄")} == {"bad"}
    assert {p.style for p in rows[1] if p.text.startswith("┄")} == {"warn"}


@given(numbers, st.integers(1, 40))
def test_a_value_lies_in_a_row_of_its_plot(value: float, rows: int) -> None:
    assert 0 <= row_of(value, PERCENT, rows) < rows
    assert 0.0 <= share(value, PERCENT) <= 1.0
