"""Values in a few words, for one line of a screen or report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opsdeck.text import visible

_DEEPEST = 3
_NAMES = ("name", "id", "_id", "title", "path", "file", "host", "key", "ns", "arn")
_NAME_ENDINGS = ("name", "identifier", "id", "arn", "key")
_LONGEST_NAME = 40


def brief(value: Any, limit: int = 120) -> str:
    """A JSON-like value in about `limit` characters; null is `nothing`."""
    return shortened(_brief(value, limit, 0), limit)


def shortened(text: str, limit: int) -> str:
    """One harmless line of at most `limit` characters."""
    line = visible(text[: limit + 1])
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _brief(value: Any, room: int, depth: int) -> str:
    if value is None:
        return "nothing" if depth == 0 else "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value[: room + 1], ensure_ascii=False)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        return _listed(
            "{}",
            ((f"{str(key)[:room]}: ", inner) for key, inner in value.items()),
            (room, depth),
        )
    if isinstance(value, list | tuple):
        return _listed("[]", (("", inner) for inner in value), (room, depth))
    return type(value).__name__


def _number(value: float) -> str:
    try:
        return repr(value)
    except ValueError:  # longer than Python is willing to print
        return "a very large number"


def _listed(brackets: str, parts: Any, room_depth: tuple[int, int]) -> str:
    """The first parts of a list or table, as many as there is room for."""
    room, depth = room_depth
    if depth >= _DEEPEST:
        return f"{brackets[0]}…{brackets[1]}"
    shown: list[str] = []
    for lead, inner in parts:
        if room <= 0:
            shown.append("…")
            break
        shown.append(lead + _brief(inner, room, depth + 1))
        room -= len(shown[-1]) + 2
    return brackets[0] + ", ".join(shown) + brackets[1]


def names_of(elements: Any, most: int = 3) -> str:
    """The names of the first elements of a list, e.g. `cpu-high, mem-high, …`; "" without any."""
    if not isinstance(elements, list | tuple):
        return ""
    names = [name for name in map(_name_of, elements[:most]) if name]
    if not names:
        return ""
    return ", ".join(names) + (", …" if len(elements) > len(names) else "")


def _name_of(element: Any) -> str:
    if isinstance(element, Mapping):
        return next((name for value in _named(element) if (name := _scalar(value))), "")
    return _scalar(element)


def _named(element: Mapping[Any, Any]) -> list[Any]:
    """The values that may be the name of a thing, the likeliest first."""
    keys = {str(key).lower(): value for key, value in list(element.items())[:50]}
    exact = [keys[name] for name in _NAMES if name in keys]
    ends = [
        value
        for ending in _NAME_ENDINGS
        for key, value in keys.items()
        if key not in _NAMES and key.endswith(ending)
    ]
    return exact + ends


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return shortened(value.strip(), _LONGEST_NAME)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value)
    return ""
