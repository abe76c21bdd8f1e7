"""An incident's timeline as CSV that a spreadsheet may open: no cell of it is ever a formula."""

from __future__ import annotations

import csv
import io

from opsdeck.reports.as_csv import safe_cell
from opsdeck.reports.incident_report import IncidentReport
from opsdeck.reports.objects import moment

HEADER = ("incident", "at", "kind", "by", "text", "more", "added_at", "corrected")


def incident_csv(report: IncidentReport) -> str:
    """One line an entry, after a header; times are UTC, several lines are joined by ` / `."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for entry in report.entries:
        row = (
            report.one.id,
            moment(entry.at) or "",
            entry.kind,
            entry.by,
            entry.text,
            " / ".join(entry.more),
            moment(entry.added_at) or "",
            " / ".join(f"{c.text} ({c.by}, {moment(c.at) or '?'})" for c in entry.corrected),
        )
        writer.writerow([safe_cell(value) for value in row])
    return out.getvalue()
