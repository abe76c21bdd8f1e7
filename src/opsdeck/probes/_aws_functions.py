"""What JMESPath lacks to lay two lists beside each other: functions that `query` may use.

JMESPath cannot look out of a filter, so it cannot ask which instances have no alarm. Each function
takes null for a list that is not there, and leaves out entries that are no tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

NAMES = ("fed", "joined", "lacking", "uncovered", "unique")


@cache
def options() -> Any:
    """JMESPath's options with these functions."""
    import jmespath
    from jmespath import functions

    lists = {"types": ["array", "null"]}
    text = {"types": ["string"]}

    class Functions(functions.Functions):  # type: ignore[misc]
        """JMESPath's own functions, and ours."""

        @functions.signature(lists, lists)  # type: ignore[untyped-decorator]
        def _func_fed(self, watches: Any, metrics: Any) -> list[Any]:
            return fed(watches, metrics)

        @functions.signature(lists, text, lists)  # type: ignore[untyped-decorator]
        def _func_joined(self, entries: Any, key: str, others: Any) -> list[Any]:
            return joined(entries, key, others)

        @functions.signature(lists, text, lists)  # type: ignore[untyped-decorator]
        def _func_lacking(self, entries: Any, key: str, values: Any) -> list[Any]:
            return lacking(entries, key, values)

        @functions.signature(lists, lists)  # type: ignore[untyped-decorator]
        def _func_uncovered(self, things: Any, watches: Any) -> list[Any]:
            return uncovered(things, watches)

        @functions.signature(lists)  # type: ignore[untyped-decorator]
        def _func_unique(self, values: Any) -> list[Any]:
            return unique(values)

    return jmespath.Options(custom_functions=Functions())


def lacking(entries: Any, key: str, values: Any) -> list[dict[str, Any]]:
    """The entries whose `key` is not among the values."""
    known = values or []
    return [entry for entry in _tables(entries) if entry.get(key) not in known]


def joined(entries: Any, key: str, others: Any) -> list[dict[str, Any]]:
    """Each entry with what the first of the others with the same `key` says besides; entries
    without such a one are left out."""
    first: dict[str, dict[str, Any]] = {}
    for other in _tables(others):
        first.setdefault(str(other.get(key)), other)
    found = [(first.get(str(entry.get(key))), entry) for entry in _tables(entries)]
    return [{**other, **_said(entry)} for other, entry in found if other is not None]


def uncovered(things: Any, watches: Any) -> list[dict[str, Any]]:
    """The things that none of the watches is about.

    A watch is about a thing when the two have a dimension in common and differ in none; a watch
    without dimensions is about everything.
    """
    dimensions = [_dimensions(watch) for watch in _tables(watches)]
    return [t for t in _tables(things) if not any(_covers(one, t) for one in dimensions)]


def _covers(dimensions: Mapping[str, Any], thing: Mapping[str, Any]) -> bool:
    shared = [key for key in dimensions if thing.get(key) is not None]
    return not dimensions or (bool(shared) and all(dimensions[key] == thing[key] for key in shared))


def fed(watches: Any, metrics: Any) -> list[dict[str, Any]]:
    """The watches whose very series (namespace, metric, every dimension) is among the metrics;
    and those that are queries, which take whatever series there are."""
    known = {_series(metric) for metric in _tables(metrics)}
    return [watch for watch in _tables(watches) if watch.get("query") or _series(watch) in known]


def unique(values: Any) -> list[Any]:
    """The values, each once, in order."""
    found: list[Any] = []
    for value in values or []:
        if value not in found:
            found.append(value)
    return found


def _series(table: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        str(table.get("namespace")),
        str(table.get("metric")),
        *sorted((str(key), str(value)) for key, value in _dimensions(table).items()),
    )


def _dimensions(table: Mapping[str, Any]) -> dict[str, Any]:
    found = table.get("dimensions")
    return found if isinstance(found, dict) else {}


def _said(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}


def _tables(entries: Any) -> list[dict[str, Any]]:
    return [entry for entry in entries or [] if isinstance(entry, dict)]
