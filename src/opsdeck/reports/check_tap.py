"""Results of a check as TAP 14 (https://testanything.org/tap-version-14-specification.html).

An item that could not be looked at is `not ok` with `severity: unknown`: it did not hold as far as
anybody knows, and a TODO or SKIP would count it as well. What only helps a person is skipped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import datetime

from opsdeck.checks.result import Result
from opsdeck.journal.clock import wall_text
from opsdeck.reports.check_counts import line, offline_line


def render(
    results: Sequence[Result],
    *,
    shown: Sequence[Result] | None = None,
    offline_since: datetime | None = None,
) -> str:
    """The shown results (all, unless said otherwise), each failed or unknown one with its YAML."""
    rows = results if shown is None else shown
    lines = ["TAP version 14", f"1..{len(rows)}" if rows else "1..0 # SKIP nothing was checked"]
    if offline_since is not None:
        lines.append(f"# {offline_line(offline_since)}")
    for number, result in enumerate(rows, 1):
        lines += _point(number, result)
    return "\n".join(lines) + "\n"


def _point(number: int, result: Result) -> Iterator[str]:
    about = (
        f"{number} - {_escaped(f'{result.run or result.checklist}/{result.item}: {result.text}')}"
    )
    if result.assist:
        yield f"ok {about} # SKIP a person must judge"
        return
    if result.verdict == "passed":
        yield f"ok {about}"
        return
    yield f"not ok {about}"
    yield "  ---"
    for entry in _diagnosis(result):
        yield f"  {entry}"
    yield "  ..."


def _escaped(text: str) -> str:
    """A description: one line, with `\\` and `#` escaped, and nothing that folds at its ends."""
    return " ".join(line(text).split()).replace("\\", "\\\\").replace("#", "\\#")


def _diagnosis(result: Result) -> Iterator[str]:
    """YAML; every text is in double quotes, so that nothing in it means anything."""
    yield f"message: {_quoted(result.reason or result.verdict)}"
    yield f"severity: {'fail' if result.verdict == 'failed' else 'unknown'}"
    if result.cause:
        yield f"cause: {_quoted(result.cause)}"
    if result.kind:
        yield f"probe: {_quoted(result.kind)}"
    if result.target:
        yield f"target: {_quoted(result.target)}"
    yield f"at: {_quoted(wall_text(result.at))}"
    if math.isfinite(result.took_ms):
        yield f"duration_ms: {result.took_ms:.1f}"
    if result.expect:
        yield "expect:"
    for one in result.expect:
        yield f"  - expression: {_quoted(one.expression)}"
        yield f"    holds: {'true' if one.holds else 'false'}"
        yield f"    found: {_quoted(one.found)}"


def _quoted(text: str) -> str:
    return json.dumps(line(text), ensure_ascii=False)
