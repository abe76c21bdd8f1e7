"""Results of a check as text for people: a line each, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from opsdeck.checks.result import Result
from opsdeck.reports.check_counts import counts, grouped, line, offline_line, told
from opsdeck.text import cells, cut

_MARKS = {"passed": "+", "failed": "x", "unknown": "?", "manual": "."}
_WIDEST_ITEM = 40
_LEAST_REASON = 20


def render(
    results: Sequence[Result],
    *,
    shown: Sequence[Result] | None = None,
    took_s: float | None = None,
    offline_since: datetime | None = None,
    limit: int | None = None,
) -> str:
    """The shown results (all, unless said otherwise) by run, then a line about all of them.

    Lines have at most `limit` cells; what only helps a person is `manual`.
    """
    rows = results if shown is None else shown
    lines = [offline_line(offline_since)] if offline_since else []
    for run, members in grouped(rows).items():
        lines += ["", line(run)] if lines else [line(run)]
        room = min(_WIDEST_ITEM, max(cells(line(r.item)) for r in members))
        lines += [_row(result, room, limit) for result in members]
    summary = _summary(results, took_s)
    lines += ["", summary] if lines else [summary]
    return "\n".join(lines) + "\n"


def _row(result: Result, room: int, limit: int | None) -> str:
    word = "manual" if result.assist else result.verdict
    item = line(result.item)
    item += " " * (room - cells(item))
    head = f"  {_MARKS[word]} {word:<7}  {item}  "
    left = None if limit is None else max(limit - cells(head), _LEAST_REASON)
    said = told(result)
    return (head + (said if left is None else cut(said, left))).rstrip()


def _summary(results: Sequence[Result], took_s: float | None) -> str:
    found = counts(results)
    parts = [f"{found.passed:,} passed", f"{found.failed:,} failed", f"{found.unknown:,} unknown"]
    if found.assist:
        parts.append(f"{found.assist:,} manual")
    return ", ".join(parts) + (f" in {took_s:.1f} s" if took_s is not None else "")
