"""What is kept of a look: as much of its document as fits, and how the expectations went.

`docs/check.md` describes the form in which the journal keeps it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from opsdeck.checks.brief import shortened
from opsdeck.checks.result import Judged, Result

LIMIT_BYTES = 6_000
MOST_EXPECTATIONS = 20
_LONGEST_KEY = 120
_LONGEST_EXPRESSION = 400
_LONGEST_NOTE = 30
"""What is hardly longer than it may be is not cut: the note would take as much room."""
_CUT_KEY = "…"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence as read back from a journal, whoever wrote it."""

    kind: str = ""
    target: str = ""
    expect: tuple[Judged, ...] = ()
    document: dict[str, Any] | None = None
    took_ms: float = 0.0
    cause: str | None = None


class _Scale(msgspec.Struct, frozen=True):
    """How much may stay: characters of a string, entries of a list or table, levels."""

    text: int
    entries: int
    depth: int


_NO_LIMIT = 10**9
_SCALES = (
    _Scale(_NO_LIMIT, _NO_LIMIT, 24),
    _Scale(4_000, 1_000, 20),
    _Scale(1_000, 200, 16),
    _Scale(400, 100, 12),
    _Scale(200, 50, 10),
    _Scale(200, 20, 8),
    _Scale(120, 12, 6),
    _Scale(80, 8, 5),
    _Scale(60, 5, 4),
    _Scale(40, 3, 3),
    _Scale(40, 2, 2),
)
_FAR, _FARTHER = 3, 5
"""The scales to begin with for what is 8, or 24, times too large."""


def bounded(document: Any, limit_bytes: int = LIMIT_BYTES) -> dict[str, Any]:
    """A JSON-like document in at most `limit_bytes` of JSON, always the same for the same one.

    Long strings, lists and tables are cut and say so, and what lies deep goes first. Where even
    that is too much, the fields at the top stay that fit, plain values before nested ones.
    The order of what stays is kept; text is valid Unicode and numbers are finite.
    """
    whole = document if isinstance(document, Mapping) else {"value": document}
    for scale in _SCALES[_first_scale(whole, limit_bytes) :]:
        kept: dict[str, Any] = _pruned(whole, scale, 0)
        if _size(kept) <= limit_bytes:
            return kept
    return _fitting(kept, limit_bytes)


def _first_scale(document: Mapping[Any, Any], limit_bytes: int) -> int:
    """Which scale to begin with: of what is far too large no whole copy is made first."""
    weight, most = 0, 24 * limit_bytes
    waiting: list[Any] = [document]
    while waiting and weight <= most:
        value = waiting.pop()
        if isinstance(value, Mapping):
            weight += 4 * len(value)
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            weight += 2 * len(value)
            waiting.extend(value[:most])
        elif isinstance(value, str):
            # A long text is no reason to prune lists.
            weight += min(len(value), _SCALES[_FAR].text)
    if weight > most:
        return _FARTHER
    return _FAR if weight > 8 * limit_bytes else 0


def _pruned(value: Any, scale: _Scale, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _cut(value, scale.text)
    if isinstance(value, int | float):
        return _finite(value)
    if isinstance(value, Mapping):
        return _pruned_table(value, scale, depth)
    if isinstance(value, list | tuple):
        return _pruned_list(value, scale, depth)
    return _cut(str(type(value).__name__), scale.text)


def _pruned_table(table: Mapping[Any, Any], scale: _Scale, depth: int) -> Any:
    if depth >= scale.depth and table:
        return f"… ({_counted(len(table), 'field')})"
    kept: dict[str, Any] = {}
    # The fields of the document itself are never dropped here: they are what it says.
    most = scale.entries if depth else max(scale.entries, 100)
    for key, value in table.items():
        name = _cut(str(key), _LONGEST_KEY)
        if len(kept) >= most and name not in kept:
            left = len(table) - len(kept)
            kept[_CUT_KEY] = f"… {left:,} more"
            break
        kept[name] = _pruned(value, scale, depth + 1)
    return kept


def _pruned_list(elements: list[Any] | tuple[Any, ...], scale: _Scale, depth: int) -> Any:
    if depth >= scale.depth and elements:
        return f"… ({_counted(len(elements), 'entry', 'entries')})"
    if len(elements) <= scale.entries + 1:
        # One more is as short as saying that there is one more.
        return [_pruned(inner, scale, depth + 1) for inner in elements]
    kept = [_pruned(inner, scale, depth + 1) for inner in elements[: scale.entries]]
    return [*kept, f"… {len(elements) - scale.entries:,} more"]


def _counted(count: int, noun: str, many: str | None = None) -> str:
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def _cut(text: str, most: int) -> str:
    """The text, valid, and cut where it is longer; it then says how long it was."""
    if len(text) > most + _LONGEST_NOTE:
        text = f"{text[:most]}… ({len(text):,} characters)"
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _finite(number: float) -> Any:
    if isinstance(number, float) and not math.isfinite(number):
        return str(number)
    if isinstance(number, int) and not -(2**63) <= number < 2**64:
        return "a very large number"
    return number


def _fitting(document: dict[str, Any], limit_bytes: int) -> dict[str, Any]:
    """The fields that fit, plain ones first, in the order they had."""
    room = limit_bytes - len('{"…":"… 999,999 more"}'.encode())
    plain = [key for key, value in document.items() if not isinstance(value, dict | list)]
    nested = [key for key in document if key not in plain]
    chosen: set[str] = set()
    for key in (*plain, *nested):
        size = _size({key: document[key]})
        if size <= room and key != _CUT_KEY:
            room -= size
            chosen.add(key)
    kept = {key: value for key, value in document.items() if key in chosen}
    left = len(document) - len(kept)
    return {**kept, _CUT_KEY: f"… {left:,} more"} if left else kept


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def evidence_of(result: Result, limit_bytes: int = LIMIT_BYTES) -> dict[str, Any]:
    """What the journal keeps of a result: the `evidence` of its event."""
    kept: dict[str, Any] = {
        "kind": result.kind,
        "target": result.target,
        "expect": [
            [shortened(one.expression, _LONGEST_EXPRESSION), one.holds, one.found]
            for one in result.expect[:MOST_EXPECTATIONS]
        ],
        "took_ms": _finite(result.took_ms),
    }
    if result.document is not None:
        kept["document"] = bounded(result.document, limit_bytes)
    if result.cause:
        kept["cause"] = result.cause
    return kept


def read_evidence(data: Any) -> Evidence:
    """Evidence out of an event; what is foreign or broken in it is left out."""
    if not isinstance(data, Mapping):
        return Evidence()
    document, cause, took = data.get("document"), data.get("cause"), data.get("took_ms")
    written = data.get("expect")
    return Evidence(
        kind=_text(data.get("kind")),
        target=_text(data.get("target")),
        expect=tuple(_read_judged(written)),
        document=dict(document) if isinstance(document, Mapping) else None,
        took_ms=float(took) if isinstance(took, int | float) and not isinstance(took, bool) else 0,
        cause=cause if isinstance(cause, str) else None,
    )


def _read_judged(written: Any) -> list[Judged]:
    found = []
    for one in written if isinstance(written, list | tuple) else ():
        if isinstance(one, list | tuple) and len(one) >= 2 and isinstance(one[0], str):
            found.append(Judged(one[0], one[1] is True, _text(one[2] if len(one) > 2 else "")))
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


__all__ = ["LIMIT_BYTES", "Evidence", "bounded", "evidence_of", "read_evidence"]
