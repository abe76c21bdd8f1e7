"""Front matter of a playbook: TOML between `+++`, or the plain part of YAML between `---`."""

from __future__ import annotations

import re
import tomllib
from typing import Any

_FENCES = {"+++": "toml", "---": "yaml"}
_PAIR = re.compile(r"^([\w.-]+)[ \t]*:(?:[ \t]+(.*))?$")
_INNER_PAIR = re.compile(r"^([ \t]+)([\w.-]+)[ \t]*:(?:[ \t]+(.*))?$")
_ENTRY = re.compile(r"^[ \t]*-[ \t]+(.*)$")
_QUOTED = re.compile(r"""^(["'])(.*?)\1[ \t]*(?:#.*)?$""")
_LIKE_YAML = re.compile(r"""^(?:$|[ \t#\]}]|-(?:[ \t]|$)|["'?\w][^`]*:(?:[ \t]|$))""")
"""A line as it may stand in YAML; prose and fences do not: they are a text between two rules."""
_LONGEST_LINES = 400


def split_front(text: str) -> tuple[dict[str, Any], int, str]:
    """What the front matter says, how many lines it takes, and what is wrong with it ("": nothing).

    A text that merely begins with a rule has none.
    """
    lines = text.split("\n", _LONGEST_LINES + 2)
    mark = lines[0].rstrip() if lines else ""
    if mark not in _FENCES:
        return {}, 0, ""
    ends = (mark, "...") if mark == "---" else (mark,)
    places = range(1, min(len(lines), _LONGEST_LINES))
    end = next((n for n in places if lines[n].rstrip() in ends), None)
    if end is None:
        return {}, 0, ""
    inner = lines[1:end]
    if _FENCES[mark] == "toml":
        try:
            return tomllib.loads("\n".join(inner)), end + 1, ""
        except (ValueError, RecursionError) as error:
            return {}, end + 1, f"its front matter is no TOML: {error}"
    inner = [line.rstrip(" \t") for line in inner]
    if any(inner) and not (
        any(_PAIR.match(line) for line in inner) and all(_LIKE_YAML.match(line) for line in inner)
    ):
        return {}, 0, ""
    return _yaml(inner), end + 1, ""


def _yaml(lines: list[str]) -> dict[str, Any]:
    """Scalars, lists and pairs of scalars; whatever else there is belongs to other programs."""
    found: dict[str, Any] = {}
    key = indent = ""
    for line in lines:
        pair, entry = _PAIR.match(line), _ENTRY.match(line)
        if pair is not None:
            key, value = pair[1], pair[2] or ""
            found[key] = _value(value)
        elif entry is not None and key:
            if not isinstance(found[key], list):
                found[key] = []
            found[key].append(_scalar(entry[1]))
        elif (inner := _INNER_PAIR.match(line)) is not None and key:
            if found[key] == "":
                found[key], indent = {}, inner[1]
            said = bool(inner[3]) and not inner[3].startswith("#")  # else it has no value
            if isinstance(found[key], dict) and inner[1] == indent and said:
                found[key][inner[2]] = _scalar(inner[3])
    return found


def _value(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(part.strip()) for part in text[1:-1].split(",") if part.strip()]
    return _scalar(text)


def _scalar(text: str) -> str:
    quoted = _QUOTED.match(text)
    if quoted is not None:
        return quoted[2]
    return text.partition(" #")[0].rstrip()


def texts(value: Any) -> tuple[str, ...]:
    """A string or list of strings as a tuple; anything else counts for nothing."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, list):
        return tuple(entry for entry in value if isinstance(entry, str) and entry)
    return ()
