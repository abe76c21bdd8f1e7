"""Results of a check as one line for Nagios, Icinga and what else runs monitoring plugins.

See the guidelines of https://www.monitoring-plugins.org: state, text, a bar, performance data. It
is ASCII with a point in its numbers whatever the locale, and at most 4 KB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

from opsdeck.checks.result import Result
from opsdeck.reports.check_counts import Counts, counts, line, offline_line
from opsdeck.text import ascii_only, plural

LIMIT = 4_000
"""Characters; Nagios reads 4,096 of the first line."""

_TEXT_LIMIT = 1_500
_REASONS = 3
_LONGEST_REASON = 120
_STATES = {"passed": "OK", "failed": "CRITICAL", "unknown": "UNKNOWN"}


def render(
    results: Sequence[Result],
    *,
    took_s: float | None = None,
    offline_since: datetime | None = None,
) -> str:
    """The line, with its end. What only helps a person is left out."""
    judged = [result for result in results if not result.assist]
    found = counts(judged)
    parts = [_failed(judged, found), _unknown(judged, found, offline_since)]
    text = "; ".join(part for part in parts if part) or _well(found)
    head = f"OPSDECK {_STATES[found.status]} - {_cut(text, _TEXT_LIMIT)}"
    return f"{head} | {_perfdata(judged, found, took_s, LIMIT - len(head) - 4)}\n"


def _well(found: Counts) -> str:
    if not found.judged:
        return "nothing was checked"
    return f"all {plural(found.passed, 'item')} passed" if found.passed > 1 else "1 item passed"


def _failed(judged: list[Result], found: Counts) -> str:
    if not found.failed:
        return ""
    failed = [result for result in judged if result.verdict == "failed"]
    lead = f"{found.failed} of {plural(found.judged, 'item')} failed"
    return f"{lead}: {', '.join(_named(failed))}"


def _unknown(judged: list[Result], found: Counts, offline_since: datetime | None) -> str:
    if not found.unknown:
        return ""
    lead = f"{found.unknown} of {plural(found.judged, 'item')} unknown"
    if offline_since is not None:
        return f"{lead}: {_plain(offline_line(offline_since))}"
    unknown = [result for result in judged if result.verdict == "unknown"]
    return f"{lead}: {', '.join(_named(unknown))}"


def _named(results: list[Result]) -> Iterator[str]:
    """Their addresses, the first few with the reason."""
    for number, result in enumerate(results):
        address = _plain(result.address)
        reason = _cut(_plain(result.reason), _LONGEST_REASON) if number < _REASONS else ""
        yield f"{address} ({reason})" if reason else address


def _perfdata(judged: list[Result], found: Counts, took_s: float | None, room: int) -> str:
    """Counts first, then the time of each look, as many as there is room for."""
    most = found.judged
    parts = [
        f"passed={found.passed};;;0;{most}",
        f"failed={found.failed};0;0;0;{most}",
        f"unknown={found.unknown};;;0;{most}",
    ]
    if took_s is not None and math.isfinite(took_s):
        parts.append(f"time={took_s:.3f}s;;;0")
    room -= sum(len(part) + 1 for part in parts)
    for result in judged:
        if not math.isfinite(result.took_ms) or result.verdict == "unknown":
            continue
        part = f"{_label(result.address)}={result.took_ms:.1f}ms;;;0"
        room -= len(part) + 1
        if room < 0:
            break
        parts.append(part)
    return " ".join(parts)


def _label(address: str) -> str:
    """A label in single quotes; `=` must not be in one, and a quote is written twice."""
    plain = _plain(f"{address}/latency").replace("=", "_")
    return "'" + plain.replace("'", "''") + "'"


def _plain(text: str) -> str:
    """One line of ASCII without the bar that ends the text."""
    return ascii_only(line(text)).replace("|", "/")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."
