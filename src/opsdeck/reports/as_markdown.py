"""A report as Markdown: what came from outside is text in it, never markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from opsdeck.reports.run_report import ItemReport, Report, RunReport
from opsdeck.text import plural, visible

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~&$@]|:(?=[A-Za-z/+_-])")
_STARTS = re.compile(r"^(\s*)([-+=.]|\d+[.)])")


def safe(text: str) -> str:
    """Text on one line, every character of it shown as itself by any Markdown reader."""
    kept = _MARKUP.sub(r"\\\g<0>", " ".join(visible(text).split()))
    return _STARTS.sub(lambda m: f"{m[1]}{m[2][:-1]}\\{m[2][-1]}", kept)


def report_markdown(report: Report) -> str:
    """The whole report; times are in the deck's time zone, each with its name."""
    return "\n".join(_Writer(report).lines()).rstrip("\n") + "\n"


class _Writer:
    def __init__(self, report: Report) -> None:
        self.report = report
        self.zone = ZoneInfo(report.zone)

    def lines(self) -> Iterator[str]:
        report = self.report
        yield f"# {safe(report.title)}"
        yield ""
        yield f"- Deck: {safe(report.deck)}"
        yield f"- Progress: {report.done} of {plural(report.total, 'item')} done"
        yield f"- Generated: {self._when(report.generated_at)}"
        for run in report.runs:
            yield ""
            yield from self._run(run)

    def _run(self, run: RunReport) -> Iterator[str]:
        view = run.view
        yield f"## {safe(view.checklist.title)}"
        yield ""
        yield f"- Run: {safe(view.run or '')}"
        yield f"- Section: {safe(view.checklist.section)}"
        yield f"- State: {view.state}, {view.done} of {view.total} done"
        if view.due is not None:
            yield f"- {'Ended' if view.over else 'Due'}: {self._when(view.due)}"
        yield ""
        yield "| State | Item | By | At | Why |"
        yield "|---|---|---|---|---|"
        for item in run.items:
            yield f"| {' | '.join(self._cells(item))} |"
        noted = [item for item in run.items if item.notes]
        if noted:
            yield ""
            yield "### Notes"
            yield ""
        for item in noted:
            for note in item.notes:
                by, when = safe(note.by), self._when(note.at)
                skipped = "skipped: " if note.skipped else ""
                yield f"- {safe(item.id)} ({by}, {when}): {skipped}{safe(note.text)}"

    def _cells(self, item: ItemReport) -> tuple[str, ...]:
        path = " / ".join((*item.group, item.text))
        mark = "sensed" if item.sensed else "manual"
        return (
            item.state,
            f"{safe(path)} ({safe(item.id)}, {mark})",
            safe(item.by),
            self._when(item.at),
            self._why(item),
        )

    def _why(self, item: ItemReport) -> str:
        parts = [safe(item.why)]
        if item.approver:
            parts.append(f"approved by {safe(item.approver)}")
        if item.until is not None and item.state == "waived":
            parts.append(f"until {self._when(item.until)}")
        if item.until is not None and item.state == "deferred":
            parts.append(f"due {item.until:%Y-%m-%d}")
        return "; ".join(part for part in parts if part)

    def _when(self, when: datetime | None) -> str:
        return f"{when.astimezone(self.zone):%Y-%m-%d %H:%M %Z}" if when else ""
