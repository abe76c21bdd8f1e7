"""The results of `opsdeck check` in every format; `docs/check.md` describes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from opsdeck.checks.result import Result
from opsdeck.reports import check_json, check_junit, check_nagios, check_tap, check_text
from opsdeck.reports.check_counts import counts, exit_code


def render(
    form: str,
    results: Sequence[Result],
    *,
    shown: Sequence[Result] | None = None,
    took_s: float | None = None,
    offline_since: datetime | None = None,
    limit: int | None = None,
) -> str:
    """The results as `text`, `json`, `junit`, `tap` or `nagios`, with a newline at the end.

    Only those in `shown` are listed; what is counted over all is the status, and in `text`, `json`
    and `nagios` the numbers. `limit` is the width of text in cells.
    """
    if form == "json":
        return check_json.render(results, shown=shown, took_s=took_s, offline_since=offline_since)
    if form == "junit":
        return check_junit.render(results, shown=shown, offline_since=offline_since)
    if form == "tap":
        return check_tap.render(results, shown=shown, offline_since=offline_since)
    if form == "nagios":
        return check_nagios.render(results, took_s=took_s, offline_since=offline_since)
    return check_text.render(
        results, shown=shown, took_s=took_s, offline_since=offline_since, limit=limit
    )


__all__ = ["counts", "exit_code", "render"]
