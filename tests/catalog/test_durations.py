"""Durations as people write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("24h", 86_400),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
        ("1d12h", 129_600),
        (" 1d 12h ", 129_600),
        ("1w2d3h4m5s", 788_645),
        ("1.5h", 5_400),
        ("0d1s", 1),
    ],
)
def test_reads_what_people_write(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("5", "not a duration"),
        ("h", "not a duration"),
        ("5 minutes", "not a duration"),
        ("-5m", "not a duration"),
        ("5M", "not a duration"),
        ("1y", "not a duration"),
        ("٣d", "not a duration"),
        ("1e3s", "not a duration"),
        ("12h1d", "large to small"),
        ("1h1h", "each once"),
        ("0s", "longer than zero"),
        ("36501d", "100 years"),
        ("9" * 400 + "d", "not a duration"),
    ],
)
def test_says_why_it_cannot_read(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (45, "45 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (31 * 60, "31 min"),
        (2 * 3600, "2 h"),
        (21 * 3600 + 3599, "21 h"),
        (47 * 3600, "47 h"),
        (48 * 3600, "2 d"),
        (3 * 86_400, "3 d"),
        (365 * 86_400, "365 d"),
        (-7200, "-2 h"),
        (-0.5, "0 s"),
        (float("inf"), "never"),
    ],
)
def test_shows_one_short_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.text())
def test_arbitrary_text_gives_seconds_or_a_value_error(text: str) -> None:
    reason = ""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        seconds, reason = 0, str(error)
    assert seconds > 0 or reason
