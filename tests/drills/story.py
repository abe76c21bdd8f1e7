"""What the report of a drill must tell: the breach, the steps, the command, the recovery."""

from __future__ import annotations

import hashlib
import re

from opsdeck.reports.incident_report import read_incident
from tests.drills.drill import Drill, section


def tells_the_story(drill: Drill, *, command: str, text: str, helped: str) -> str:
    """The report, once it told all of it: `command` with its `text` ended the fault, and the step
    of the title `helped` was done when the gauge had recovered."""
    report, title = drill.report(), drill.gauge.title
    [reported] = drill.events("incident.reported")
    assert reported["sha256"] == hashlib.sha256(report.encode()).hexdigest()
    # What went wrong, and who saw it
    trigger = section(report, "Trigger")
    assert re.match(rf"- \d\d:\d\d:\d\d {title}: critical at [\d,.]+ \S+, after ", trigger), trigger
    assert f"alarm of {title}: critical at" in section(report, "Detection")
    # What was walked
    steps = section(report, f"Playbook: {drill.book.title}")
    states = re.findall(r"^\| (.*?) \| (done|skipped) \| alice \|", steps, re.M)
    assert [step for step, _ in states] == [step.title for step in drill.book.steps]
    assert (helped, "done") in states
    # What was run, and how it ended
    ran = section(report, rf"\d\d:\d\d:\d\d alice: {command} on \S+")
    assert re.match(rf"```text\n[^`]*{re.escape(text)}[^`]*```\n\nIt ended with 0\b", ran), ran
    _times_are_in_order(drill, report, helped, command)
    return report


def _times_are_in_order(drill: Drill, report: str, helped: str, command: str) -> None:
    """The timeline: alarm, incident, command, recovery, what it changed, mitigated, resolved."""
    title, lines = drill.gauge.title, section(report, "Timeline").splitlines()
    wanted = [
        rf"opsdeck: {title}: critical at ",
        r"alice: incident started, critical: ",
        rf"alice: ran {command} on ",
        rf"alice: {command} ended with 0",
        rf"opsdeck: {title}: ok at .* critical",
        rf"alice: done: {helped}$",
        rf"  - .*{title} [\d,.]+ \S* ?→ [\d,.]+ ",
        r"alice: incident mitigated: ",
        r"alice: incident resolved: ",
    ]
    at = -1
    for pattern in wanted:
        found = [n for n, line in enumerate(lines) if n > at and re.search(pattern, line)]
        assert found, f"no {pattern} below line {at} of\n" + "\n".join(lines)
        at = found[0]
    [row] = re.findall(r"^\| Time to detect .*\n.*\n\| (.*) \|$", report, re.M)
    assert len(row.split(" | ")) == 4
    assert "not known" not in row
    [started] = drill.events("incident.started")
    times = read_incident(drill.deck(), started["incident"]).times
    took = [times.detect_s, times.acknowledge_s, times.mitigate_s, times.resolve_s]
    known = [seconds for seconds in took if seconds is not None]
    assert len(known) == 4
    assert known == sorted(known)
