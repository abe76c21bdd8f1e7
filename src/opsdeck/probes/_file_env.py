"""Env files: `NAME=value` lines as dotenv and shells read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from opsdeck.probes._file_strength import is_placeholder, is_weak

MOST_KEYS = 500
_LONGEST_NAME = 200

_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,199})[ \t]*=[ \t]*
    (?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|`(?P<back>[^`]*)`|(?P<bare>[^\r\n]*))""",
    re.MULTILINE | re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")


def parse_env(text: str) -> dict[str, str]:
    """The variables of an env file; of one that is named twice the last holds.

    Quoted values may run over several lines; a `#` after a blank begins a comment in bare ones.
    """
    found: dict[str, str] = {}
    for match in _LINE.finditer(text):
        quoted = match["double"] or match["single"] or match["back"]
        if quoted is not None:
            found[match["name"]] = quoted
        else:
            found[match["name"]] = _COMMENT.sub("", match["bare"] or "").strip()
    return found


def keys_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What may be said of variables without showing one: names only."""
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return {
        "keys": sorted(values)[:MOST_KEYS],
        "keys_count": len(values),
        "empty_keys": _names(n for n, v in texts.items() if not v.strip()),
        "placeholders": _names(n for n, v in texts.items() if is_placeholder(v)),
        "weak": _names(n for n, v in texts.items() if is_weak(n, v)),
    }


def _names(names: Any) -> list[str]:
    return sorted(names)[:MOST_KEYS]


def flat(value: Any, prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested tables as `a.b.c` names; lists and what lies deeper than ten are values."""
    if not isinstance(value, Mapping) or depth > 10:
        return {prefix: value} if prefix else {}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        name = str(key)[:_LONGEST_NAME].encode("utf-8", "replace").decode("utf-8")
        found |= flat(inner, f"{prefix}.{name}" if prefix else name, depth + 1)
    return found
