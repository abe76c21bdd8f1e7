"""Values out of replies that may be anything: numbers that are numbers, tables that are tables."""

from __future__ import annotations

from typing import Any


def number(value: Any) -> float | None:
    """A number that is one, and finite; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if value == value and abs(value) < 1e18 else None


def count(value: Any) -> int | None:
    """A whole number of things, never below zero; None for anything else."""
    found = number(value)
    return int(found) if found is not None and found >= 0 else None


def table(value: Any, *path: str) -> dict[str, Any]:
    """The table at this path, or {} where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def percent(part: Any, whole: Any) -> float | None:
    """`part` of `whole`, to one decimal; None where that makes no sense."""
    a, b = number(part), number(whole)
    return round(100 * a / b, 1) if a is not None and b is not None and a >= 0 < b else None
