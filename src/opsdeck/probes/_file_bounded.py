"""Values from outside as a document may hold them: bounded, finite, valid Unicode."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MOST_CHARACTERS = 65_536
MOST_ENTRIES = 300
DEEPEST = 16


def bounded(value: Any) -> Any:
    """The value with long texts, long lists and what lies too deep cut, and saying so."""
    left = [MOST_CHARACTERS]
    return _bounded(value, left, 0)


def _bounded(value: Any, left: list[int], depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)[:100]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping | list | tuple) and (depth >= DEEPEST or left[0] <= 0):
        return "(left out)"
    if isinstance(value, Mapping):
        return _table(value, left, depth)
    if isinstance(value, list | tuple):
        kept = [_bounded(inner, left, depth + 1) for inner in value[:MOST_ENTRIES]]
        more = len(value) - len(kept)
        return [*kept, f"({more:,} more left out)"] if more else kept
    return _text(str(value), left)


def _table(value: Mapping[Any, Any], left: list[int], depth: int) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for number, (key, inner) in enumerate(value.items()):
        if number >= MOST_ENTRIES or left[0] <= 0:
            kept["(left out)"] = len(value) - number
            break
        kept[_text(str(key)[:500], left)] = _bounded(inner, left, depth + 1)
    return kept


def _text(text: str, left: list[int]) -> str:
    """One text, out of the budget that all texts of a document share."""
    sound = text.encode("utf-8", "replace").decode("utf-8")
    kept = sound[: max(left[0], 0)]
    left[0] -= len(kept)
    if len(kept) < len(sound):
        return f"{kept}({len(sound) - len(kept):,} characters left out)"
    return kept
