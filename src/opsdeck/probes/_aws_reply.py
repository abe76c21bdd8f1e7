"""AWS replies as JSON: times with their age, bytes as lengths, secrets left out, all bounded."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

LONGEST_LIST = 300
LONGEST_TEXT = 8_000
DEEPEST = 16
HIDDEN = "(hidden)"

_SECRET = re.compile(
    r"(?:password|secret|secret_?(?:key|string|binary|value)|secret_?access_?key|private_?key"
    r"|(?:auth|access|session|bearer|join)_?token|auth_?key|user_?data|shared_?secret"
    r"|client_?secret|connection_?string)",
    re.IGNORECASE,
)
_MILLISECONDS = re.compile(r"[A-Za-z]*(?:Time|Timestamp)")
_ISO = re.compile(r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)")


class Reply:
    """Turns what the client parsed into plain JSON, beside each time its age.

    `now` is what ages count from. A time `X` gets a sibling `X_age_s`: seconds since then,
    negative when it is still to come. Whole milliseconds count as times where the service, such as
    CloudWatch Logs, has no other.
    """

    def __init__(self, now: datetime, service: str) -> None:
        self._now = now
        self._milliseconds = service in ("logs", "cloudtrail-data")

    def plain(self, value: Any, shape: Any = None) -> Any:
        """The JSON of a value; `shape` is what the service's model says of it, if it does."""
        if shape is not None and shape.metadata.get("sensitive") and _is_scalar(value):
            return HIDDEN
        if isinstance(value, Mapping):
            return self._table(value, shape)
        if isinstance(value, list | tuple | set | frozenset):
            inner = getattr(shape, "member", None)
            return [self.plain(entry, inner) for entry in value]
        return _scalar(value)

    def _table(self, table: Mapping[Any, Any], shape: Any) -> dict[str, Any]:
        members = getattr(shape, "members", None) or {}
        inner = getattr(shape, "value", None)
        out: dict[str, Any] = {}
        for key, value in table.items():
            name = text(str(key))
            if isinstance(value, str) and value and _SECRET.fullmatch(name):
                out[name] = HIDDEN
                continue
            out[name] = self.plain(value, members.get(key, inner))
            moment = self._moment(name, value)
            if moment is not None and out[name] != HIDDEN:
                out[f"{name}_age_s"] = round((self._now - moment).total_seconds(), 1)
        return out

    def _moment(self, name: str, value: Any) -> datetime | None:
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        if isinstance(value, str) and len(value) < 40 and _ISO.fullmatch(value):
            try:
                return datetime.fromisoformat(value)
            except ValueError:
                return None
        if self._milliseconds and type(value) is int and _MILLISECONDS.fullmatch(name):
            return _from_milliseconds(value)
        return None


def bounded(value: Any, depth: int = 0) -> tuple[Any, int]:
    """The value with long lists and texts cut, and how many entries were left out of it."""
    if isinstance(value, str):
        return (value, 0) if len(value) <= LONGEST_TEXT else (value[:LONGEST_TEXT] + "…", 0)
    if depth >= DEEPEST and isinstance(value, dict | list):
        return "…", len(value)
    if isinstance(value, dict):
        pairs = [(key, bounded(inner, depth + 1)) for key, inner in value.items()]
        kept = {key: inner for key, (inner, _) in pairs[:LONGEST_LIST]}
        return kept, sum(left for _, (_, left) in pairs) + max(0, len(pairs) - LONGEST_LIST)
    if isinstance(value, list):
        found = [bounded(inner, depth + 1) for inner in value[:LONGEST_LIST]]
        left = sum(count for _, count in found) + max(0, len(value) - LONGEST_LIST)
        return [inner for inner, _ in found], left
    return value, 0


def text(value: str) -> str:
    """The text as valid Unicode: half a surrogate pair becomes a question mark."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _is_scalar(value: Any) -> bool:
    if isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)):
        return False
    return value not in (None, "", b"")


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, int | float | Decimal):
        return _finite(value)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes | bytearray):
        return {"length_bytes": len(value)}
    return text(str(value))[:LONGEST_TEXT]


def _finite(value: float | Decimal) -> float | None:
    try:
        number = float(value)
    except (OverflowError, ValueError):  # too large, or a Decimal that signals
        return None
    return number if math.isfinite(number) else None


def _from_milliseconds(value: int) -> datetime | None:
    if not 10**11 <= value < 10**14:  # 1973 to 5138: anything else counts something else
        return None
    return datetime.fromtimestamp(value / 1000, UTC)
