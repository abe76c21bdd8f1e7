"""A strict parser of TAP 14, as far as a producer without subtests goes."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_PLAN = re.compile(r"1\.\.(\d+)(?: # (.+))?")
_POINT = re.compile(
    r"(?P<no>not )?ok (?P<number>\d+) - (?P<text>(?:[^\\#]|\\[\\#])*?)(?: # (?P<directive>.+))?"
)
_DIRECTIVE = re.compile(r"(skip|todo)(?: .+)?", re.IGNORECASE)
_ENTRY = re.compile(
    r'(?P<key>[a-z_]+):(?: (?P<value>"(?:[^"\\]|\\.)*"|-?[0-9.]+|true|false|[a-z]+))?'
)


class Point(NamedTuple):
    """One test point."""

    ok: bool
    text: str
    directive: str
    yaml: dict[str, Any] | None


def parse(document: str) -> list[Point]:
    """The test points; raises AssertionError at the first line that the grammar does not allow."""
    assert document.endswith("\n")
    lines = document.removesuffix("\n").split("\n")
    assert lines[0] == "TAP version 14"
    plan = _PLAN.fullmatch(lines[1])
    assert plan, lines[1]
    points: list[Point] = []
    at = 2
    while at < len(lines):
        if lines[at].startswith("# "):
            at += 1
            continue
        point = _POINT.fullmatch(lines[at])
        assert point, lines[at]
        assert int(point["number"]) == len(points) + 1
        assert point["directive"] is None or _DIRECTIVE.fullmatch(point["directive"])
        at += 1
        block = None
        if at < len(lines) and lines[at] == "  ---":
            end = lines.index("  ...", at)
            block = _block(lines[at + 1 : end])
            at = end + 1
        text = re.sub(r"\\([\\#])", r"\1", point["text"])
        points.append(Point(point["no"] is None, text, point["directive"] or "", block))
    assert int(plan[1]) == len(points)
    return points


def _block(lines: list[str]) -> dict[str, Any]:
    """A YAML block of one level, or with one list of one-level maps in it."""
    found: dict[str, Any] = {}
    entries: list[dict[str, Any]] = []
    for line in lines:
        lead, into = "  ", found
        if line.startswith("    - "):
            entries.append({})
            lead, into = "    - ", entries[-1]
        elif line.startswith("      "):
            lead, into = "      ", entries[-1]
        entry = _ENTRY.fullmatch(line.removeprefix(lead))
        assert entry, line
        value = entry["value"]
        if value is None:
            into[entry["key"]] = entries
        else:
            bare = value.isalpha() and value not in ("true", "false")
            into[entry["key"]] = value if bare else json.loads(value)
    return found
