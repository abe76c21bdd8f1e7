"""Time as the journal keeps it: wall time for people, a hybrid logical clock for order.

The hybrid logical clock is that of Kulkarni et al., "Logical Physical Clocks" (2014): wall
milliseconds while they advance, a counter while they do not. A stamp is never behind any stamp
its writer has seen, so a clock that jumps back cannot put an effect before its cause.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

STAMP_LENGTH = 19
"""`1763865487123-00004`: 13 digits of milliseconds since 1970, a hyphen, 5 digits of counter."""

_COUNTER_LIMIT = 100_000
_LARGEST_MS = 9_999_999_999_999


_STAMP = re.compile(r"[0-9]{13}-[0-9]{5}")


def is_stamp(text: str) -> bool:
    """Whether `text` has the form of a stamp; such strings compare in order of time."""
    return _STAMP.fullmatch(text) is not None


def next_stamp(last: str, now: datetime) -> str:
    """The stamp that follows `last` ("" for none) at wall time `now`.

    Behind the last stamp there is (someone's clock said the year 2286) the same one is given
    again: writer and `seq` then decide the order.
    """
    wall_ms = min(max(int(now.timestamp() * 1000), 0), _LARGEST_MS)
    if not last:
        return f"{wall_ms:013d}-00000"
    last_ms, counter = int(last[:13]), int(last[14:])
    if wall_ms > last_ms:
        return f"{wall_ms:013d}-00000"
    if counter + 1 < _COUNTER_LIMIT:
        return f"{last_ms:013d}-{counter + 1:05d}"
    return f"{last_ms + 1:013d}-00000" if last_ms < _LARGEST_MS else last


def utc_now() -> datetime:
    """The wall clock, aware, UTC."""
    return datetime.now(UTC)


def wall_text(when: datetime) -> str:
    """`2026-11-23T02:38:07.123Z`: what an event's `at` says."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_wall(text: str) -> datetime | None:
    """The moment an `at` names, aware UTC; None where it names none."""
    try:
        when = datetime.fromisoformat(text)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
