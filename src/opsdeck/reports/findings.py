"""What `opsdeck doctor` found, as lines for people and as an object for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any, Literal

import msgspec

from opsdeck.text import visible

Level = Literal["ok", "warn", "bad", "unknown"]
LEVELS: tuple[Level, ...] = ("ok", "warn", "bad", "unknown")

_EXIT_CODES: dict[Level, int] = {"ok": 0, "warn": 1, "bad": 2, "unknown": 3}
_GRAVEST: tuple[Level, ...] = ("bad", "warn", "unknown")
_NARROWEST = 24
"""Cells that a text is given at the least, however narrow the terminal."""

_MOST_NAMED = 3
"""Items that a line names; a program is given them all."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried.

    `where` is a target, a key or a file; `what` was found there and `todo` mends it, both without
    secrets and one line each (but for a command of several); `items` are the CHECKLIST/ITEMs that
    it is about.
    """

    level: Level
    part: str
    where: str
    what: str
    todo: str = ""
    items: tuple[str, ...] = ()


def gravest(findings: Iterable[Finding]) -> Level:
    """What they come to: `bad` before `warn` before `unknown`."""
    levels = {finding.level for finding in findings}
    return next((level for level in _GRAVEST if level in levels), "ok")


def exit_code(findings: Iterable[Finding]) -> int:
    """0 all well, 1 warnings, 2 something is bad, 3 something is unknown and nothing worse."""
    return _EXIT_CODES[gravest(findings)]


def summary(findings: Sequence[Finding]) -> str:
    """How many there are of each level, e.g. `12 ok, 2 warn, 1 bad`."""
    counts = {level: sum(1 for f in findings if f.level == level) for level in LEVELS}
    return ", ".join(f"{count} {level}" for level, count in counts.items() if count)


def lines(findings: Sequence[Finding], limit: int | None) -> Iterator[str]:
    """Aligned lines of one part; those that do not fit `limit` cells go on beneath themselves."""
    size = max((len(visible(finding.where)) for finding in findings), default=0)
    for finding in findings:
        lead = f"  {finding.level:<7}  {visible(finding.where):<{size}}  "
        room = None if limit is None else max(limit - len(lead), _NARROWEST)
        for line in _told(finding, room):
            yield (lead + line).rstrip()
            lead = " " * len(lead)


def _told(finding: Finding, room: int | None) -> Iterator[str]:
    """What is said of a finding; a text of several lines keeps them, as a command must."""
    texts = finding.what.splitlines() or [""]
    texts[-1] += _named(finding.items)
    if len(texts) == 1 and finding.todo:
        texts[-1] += f": {finding.todo}"
    elif finding.todo:
        texts.append(finding.todo)
    for text in map(visible, texts):
        yield from [text] if room is None else wrap(text, room, break_on_hyphens=False) or [""]


def _named(items: Sequence[str]) -> str:
    if not items:
        return ""
    more = len(items) - _MOST_NAMED
    return f" ({', '.join(items[:_MOST_NAMED])}{f' and {more:,} more' if more > 0 else ''})"


def findings_object(findings: Sequence[Finding], config: str | None) -> dict[str, Any]:
    """All of it as plain values; `docs/cli.md` describes every key."""
    return {
        "status": gravest(findings),
        "config": config,
        "counts": {level: sum(1 for f in findings if f.level == level) for level in LEVELS},
        "findings": [
            {
                "level": finding.level,
                "part": finding.part,
                "where": finding.where,
                "what": finding.what,
                "todo": finding.todo or None,
                "items": list(finding.items),
            }
            for finding in findings
        ],
    }
