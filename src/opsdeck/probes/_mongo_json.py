"""BSON as the driver decodes it -> JSON-like values, bounded in depth, length and size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

DEEPEST = 16
LONGEST_LIST = 300
LONGEST_TEXT = 16_384
LONGEST_KEY = 256
MOST_VALUES = 20_000
MOST_TEXT = 400_000

_ENVELOPE = frozenset({"$clusterTime", "operationTime", "lastCommittedOpTime", "signature"})


def plain(value: Any) -> Any:
    """The value as JSON. What does not fit is cut, and the place says so.

    Dates become ISO 8601 in UTC, ObjectIds and UUIDs text, numbers numbers (a Decimal128 the
    nearest float), NaN and infinities None, binary data its length.
    """
    return _Plainer().value(value, 0)


def reply(document: Mapping[str, Any]) -> dict[str, Any]:
    """A command's reply as JSON, without what only drivers need."""
    found: dict[str, Any] = plain({k: v for k, v in document.items() if k not in _ENVELOPE})
    return found


def iso(moment: datetime) -> str:
    """UTC, to the millisecond."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Plainer:
    def __init__(self) -> None:
        self.values = MOST_VALUES
        self.text = MOST_TEXT

    def value(self, value: Any, depth: int) -> Any:
        self.values -= 1
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and type(value).__name__ != "Code":
            return self.string(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        if isinstance(value, Mapping):
            return self.table(value, depth)
        if isinstance(value, list | tuple):
            return self.list(value, depth)
        if isinstance(value, datetime):
            return iso(value)
        return self.other(value)

    def string(self, value: str) -> str:
        cut = value[: max(0, min(LONGEST_TEXT, self.text))]
        self.text -= len(cut)
        kept = cut.encode("utf-8", "replace").decode("utf-8")
        left = len(value) - len(cut)
        return f"{kept} … {left:,} more characters left out" if left else kept

    def table(self, value: Mapping[Any, Any], depth: int) -> Any:
        if depth >= DEEPEST:
            return f"a table of {len(value)} left out: nested too deeply"
        found: dict[str, Any] = {}
        for key, inner in value.items():
            if self.values <= 0:
                found["left_out"] = len(value) - len(found)
                break
            found[self.string(str(key)[:LONGEST_KEY])] = self.value(inner, depth + 1)
        return found

    def list(self, value: list[Any] | tuple[Any, ...], depth: int) -> Any:
        if depth >= DEEPEST:
            return f"a list of {len(value)} left out: nested too deeply"
        found: list[Any] = []
        for inner in value[:LONGEST_LIST]:
            if self.values <= 0:
                break
            found.append(self.value(inner, depth + 1))
        if len(found) < len(value):
            found.append(f"{len(value) - len(found):,} more left out")
        return found

    def other(self, value: Any) -> Any:
        kind = type(value).__name__
        if kind == "Decimal128":
            number = float(value.to_decimal()) if value.to_decimal().is_finite() else math.nan
            return number if math.isfinite(number) else None
        if kind in ("bytes", "Binary"):
            return {"binary_bytes": len(value)}
        if kind == "Timestamp":
            return iso(value.as_datetime())
        if kind == "Regex":
            return self.string(f"/{value.pattern}/")
        if kind == "DatetimeMS":
            return {"milliseconds_since_1970": int(value)}
        if kind == "DBRef":
            return self.string(f"{value.collection}/{value.id}")
        if kind in ("MinKey", "MaxKey", "Code"):
            return kind
        return self.string(str(value))
