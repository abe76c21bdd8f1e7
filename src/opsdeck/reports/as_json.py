"""A report as a JSON object; `docs/cli.md` describes every key."""

from __future__ import annotations

from typing import Any

from opsdeck.reports.objects import moment, run_object
from opsdeck.reports.run_report import ItemReport, Report


def report_object(report: Report) -> dict[str, Any]:
    """The report as plain values; times are UTC."""
    return {
        "title": report.title,
        "deck": report.deck,
        "generated_at": moment(report.generated_at),
        "timezone": report.zone,
        "done": report.done,
        "items": report.total,
        "runs": [
            {**run_object(run.view), "results": [_item_object(item) for item in run.items]}
            for run in report.runs
        ],
    }


def _item_object(item: ItemReport) -> dict[str, Any]:
    return {
        "id": item.id,
        "text": item.text,
        "group": list(item.group),
        "sensed": item.sensed,
        "state": item.state,
        "by": item.by or None,
        "at": moment(item.at),
        "why": item.why or None,
        "until": moment(item.until),
        "approver": item.approver or None,
        "zone": item.zone or None,
        "notes": [
            {"at": moment(n.at), "by": n.by, "text": n.text, "skipped": n.skipped}
            for n in item.notes
        ],
    }
