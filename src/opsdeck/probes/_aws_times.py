"""Times and values in the parameters of an AWS call: `<now-1h>`, `<today-30d>`, `<value>`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

MARK = re.compile(r"<([a-z_]+)(?:([+-])([0-9]{1,6})([smhdw]))?>")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
NAMES = ("now", "now_ms", "today", "month_start", "last_month_start")
"""`now` is a time, `now_ms` whole milliseconds since 1970 (CloudWatch Logs wants those), the
others dates (Cost Explorer); all in UTC."""

VALUE = "value"


def filled(parameters: Any, now: datetime, value: Any = None) -> Any:
    """The parameters with every mark replaced; a string that is wholly `<value>` or `<now_ms>`
    takes the thing itself, with its type."""
    if isinstance(parameters, str):
        whole = MARK.fullmatch(parameters)
        if whole is not None:
            return _meant(whole, now, value)
        return MARK.sub(lambda mark: str(_meant(mark, now, value)), parameters)
    if isinstance(parameters, Mapping):
        return {key: filled(inner, now, value) for key, inner in parameters.items()}
    if isinstance(parameters, Sequence):
        return [filled(inner, now, value) for inner in parameters]
    return parameters


def unknown_marks(parameters: Any, *, value: bool) -> Iterator[str]:
    """The marks that mean nothing here; `value` says whether `<value>` does."""
    if isinstance(parameters, str):
        for mark in MARK.finditer(parameters):
            if mark[1] not in NAMES and not (value and mark[0] == f"<{VALUE}>"):
                yield mark[0]
    elif isinstance(parameters, Mapping):
        for inner in parameters.values():
            yield from unknown_marks(inner, value=value)
    elif isinstance(parameters, Sequence):
        for inner in parameters:
            yield from unknown_marks(inner, value=value)


def _meant(mark: re.Match[str], now: datetime, value: Any) -> Any:
    name = mark[1]
    if name == VALUE:
        return value
    if name not in NAMES:
        return mark[0]
    moment = _started(name, now.astimezone(UTC))
    if mark[2]:
        amount = int(mark[3]) * (1 if mark[2] == "+" else -1)
        try:
            moment += timedelta(**{_UNITS[mark[4]]: amount})
        except OverflowError:
            moment = datetime(1970, 1, 1, tzinfo=UTC)
    if name == "now_ms":
        return int(moment.timestamp() * 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if name == "now" else "%Y-%m-%d")


def _started(name: str, now: datetime) -> datetime:
    if name.startswith("now"):
        return now
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "today":
        return day
    first = day.replace(day=1)
    return first if name == "month_start" else (first - timedelta(days=1)).replace(day=1)
