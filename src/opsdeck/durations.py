"""Durations as people write them: `90s`, `5m`, `24h`, `30d`, `2w`, `1d12h`."""

from __future__ import annotations

import re

UNITS: dict[str, int] = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
LONGEST_S = 100 * 365 * 86_400
"""A hundred years: beyond it, adding to a date would leave the calendar."""

_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([wdhms])")
_WRITTEN = 'write for example "90s", "5m", "24h", "30d", "2w" or "1d12h"'


def parse_duration(text: str) -> float:
    """The seconds that a written duration lasts, e.g. `"1d12h"` gives 129600.0.

    Units are w, d, h, m and s; parts go from the largest to the smallest, each unit once.
    Raises `ValueError`, with a message that says what is allowed, for anything else, for zero
    and for more than a hundred years.
    """
    rest = text.strip()
    if not rest:
        raise ValueError(f"the duration is empty; {_WRITTEN}")
    seconds, smallest = 0.0, float("inf")
    while rest:
        part = _PART.match(rest)
        if part is None:
            raise ValueError(f'"{text}" is not a duration; {_WRITTEN}')
        unit = UNITS[part[2]]
        if unit >= smallest:
            raise ValueError(f'"{text}": its units must go from large to small, each once')
        seconds += float(part[1]) * unit
        smallest = unit
        rest = rest[part.end() :].lstrip()
    if seconds <= 0:
        raise ValueError(f'"{text}" is no time at all; a duration must be longer than zero')
    if seconds > LONGEST_S:
        raise ValueError(f'"{text}" is too long; a duration may be at most 100 years')
    return seconds


def format_duration(seconds: float) -> str:
    """A duration in one unit, as short as a screen needs it: `3 d`, `21 h`, `5 min`, `45 s`.

    It is rounded down, so that "due in 21 h" never promises more time than there is; below
    zero it gets a minus sign.
    """
    if seconds != seconds or abs(seconds) == float("inf"):
        return "never"
    sign, whole = ("-", int(-seconds)) if seconds < 0 else ("", int(seconds))
    # Days and hours stay in their unit up to twice the next one: "47 h" says more than "1 d".
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if whole >= (2 * unit if name == "d" else unit):
            return f"{sign}{whole // unit} {name}"
    return f"{sign}{whole} s" if whole else "0 s"
