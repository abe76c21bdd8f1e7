"""Parameters of a probe that come from the target: `{key}` and `{key|default}`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from opsdeck.probes.base import ProbeError, Target

_PLACE = re.compile(r"(?<!\$)\{([a-z][a-z0-9_]*)(?:\|([^{}]*))?\}")
_VARIABLE_OR_PLACE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|" + _PLACE.pattern)


def fill(parameters: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """The parameters with their placeholders replaced by what the target's table says.

    A string that is one placeholder takes the value with its type, and its default is read as
    JSON where it is JSON; within a longer string the value is put in as text. `${VARIABLES}` are
    filled in too. Raises ProbeError (missing) for a key that has neither value nor default.
    """
    return {key: _filled(value, target) for key, value in parameters.items()}


def placeholders(value: Any) -> Iterator[tuple[str, str | None]]:
    """The keys that placeholders in a value name, at any depth, each with its default or None."""
    if isinstance(value, str):
        for match in _PLACE.finditer(value):
            yield match[1], match[2]
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from placeholders(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from placeholders(inner)


def _filled(value: Any, target: Target) -> Any:
    if isinstance(value, str):
        whole = _PLACE.fullmatch(value)
        if whole is not None:
            return _value(whole, target)

        def text(match: re.Match[str]) -> str:
            return _text(match, target) if match[1] else str(target.filled(match[0]))

        # Both at once: what has been filled in is never looked through again.
        return _VARIABLE_OR_PLACE.sub(text, value)
    if isinstance(value, Mapping):
        return {key: _filled(inner, target) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, target) for inner in value]
    return value


def _found(match: re.Match[str], target: Target) -> Any:
    """What the target says, else None; raises ProbeError where there is no default either."""
    found = target.values.get(match[1])
    if found is None and match[2] is None:
        name = target.name or "NAME"
        key = match[1]
        raise ProbeError("missing", f"target {name} has no {key}; add it to [targets.{name}]")
    return found


def _value(match: re.Match[str], target: Target) -> Any:
    found = _found(match, target)
    if found is not None:
        return found
    try:
        return json.loads(match[2], parse_constant=_no_number)
    except (ValueError, RecursionError):
        return match[2]


def _text(match: re.Match[str], target: Target) -> str:
    """The value within a longer text: strings as they are, all else as JSON writes it."""
    found = _found(match, target)
    if found is None:
        return match[2]
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, default=str)


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")
