"""A report as CSV that a spreadsheet may open: no cell of it is ever a formula."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from opsdeck.reports.objects import moment
from opsdeck.reports.run_report import ItemReport, Report
from opsdeck.text import visible

HEADER = (
    "checklist", "run", "item", "text", "sensed", "state", "by", "at", "why", "until", "approver",
    "notes",
)  # fmt: skip

_FORMULA = tuple("=+-@|%\uff1d\uff0b\uff0d\uff20")
"""What makes a cell a formula or a command in one spreadsheet or another (OWASP, CSV injection)."""


def report_csv(report: Report) -> str:
    """One line an item, after a header; times are UTC, several notes are joined by ` / `."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for run in report.runs:
        checklist, key = run.view.checklist.id, run.view.run or ""
        for item in run.items:
            writer.writerow([safe_cell(value) for value in (checklist, key, *_values(item))])
    return out.getvalue()


def safe_cell(value: str) -> str:
    """The value on one line; one that a spreadsheet would compute gets an apostrophe before it."""
    kept = visible(value)
    return f"'{kept}" if kept.lstrip().startswith(_FORMULA) else kept


def _values(item: ItemReport) -> tuple[str, ...]:
    notes = " / ".join(
        f"{n.by} {_moment(n.at)}: {'skipped: ' if n.skipped else ''}{n.text}" for n in item.notes
    )
    return (
        item.id,
        item.text,
        "sensed" if item.sensed else "manual",
        item.state,
        item.by,
        _moment(item.at),
        item.why,
        _moment(item.until),
        item.approver,
        notes,
    )


def _moment(when: datetime | None) -> str:
    return moment(when) or ""
