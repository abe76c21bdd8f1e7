"""Whether an answer has in it what it should have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MOST = 20


def differences(wanted: Any, found: Any) -> list[str]:
    """Where `found` is not as wanted, at most 20; a table may have more keys than are wanted."""
    differing: list[str] = []
    for difference in _differences(wanted, found, ""):
        differing.append(difference)
        if len(differing) == MOST:
            break
    return differing


def _differences(wanted: Any, found: Any, where: str) -> Iterator[str]:
    place = where or "the body"
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            yield f"{place} is no table"
            return
        for key, inner in wanted.items():
            below = f"{where}.{key}" if where else str(key)
            if key in found:
                yield from _differences(inner, found[key], below)
            else:
                yield f"{below} is missing"
    elif isinstance(wanted, list):
        if not isinstance(found, list):
            yield f"{place} is no list"
        elif len(found) != len(wanted):
            yield f"{place} has {len(found)} entries, not {len(wanted)}"
        else:
            for index, inner in enumerate(wanted):
                yield from _differences(inner, found[index], f"{where}[{index}]")
    elif isinstance(wanted, bool) is not isinstance(found, bool) or wanted != found:
        yield f"{place} is {_shown(found)}, not {_shown(wanted)}"


def _shown(value: Any) -> str:
    return repr(value)[:60]
