"""What the report of a drill must tell: the breach, the steps, the command, the recovery."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

import pytest

from opsdeck.reports.incident_report import read_incident
from tests.drills.drill import Drill, section

DATED = r"(?:\d{4}-\d\d-\d\d )?"
"""Shortly after midnight the report reaches back to the day before, and dates its times."""


def tells_the_story(drill: Drill, *, command: str, text: str, helped: str) -> str:
    """The report, once it told all of it: `command` with its `text` ended the fault, and the step
    of the title `helped` was done when the gauge had recovered."""
    report, title = drill.report(), drill.gauge.title
    [reported] = drill.events("incident.reported")
    assert reported["sha256"] == hashlib.sha256(report.encode()).hexdigest()
    # What went wrong, and who saw it
    trigger = section(report, "Trigger")
    assert re.match(
        rf"- {DATED}\d\d:\d\d:\d\d {title}: critical at [\d,.]+ \S+, after ", trigger
    ), trigger
    assert f"alarm of {title}: critical at" in section(report, "Detection")
    _has_all_sections(report, drill)
    # What was walked
    steps = section(report, f"Playbook: {drill.book.title}")
    states = re.findall(r"^\| (.*?) \| (done|skipped) \| alice \|", steps, re.M)
    assert [step for step, _ in states] == [step.title for step in drill.book.steps]
    assert (helped, "done") in states
    # What was run, and how it ended
    ran = section(report, rf"{DATED}\d\d:\d\d:\d\d alice: {command} on \S+")
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
    # Each as long as the journal's own events say, counted from when the gauge left its bounds.
    stated = {d["state"]: d for d in drill.events("incident.state")}
    assert set(stated) == {"mitigated", "resolved"}
    began = datetime.fromisoformat(str(started["began"]))
    ats = _ats(drill)
    wanted_s = [(ats[what] - began).total_seconds()
                for what in ("alarm", "incident.started", "mitigated", "resolved")]  # fmt: skip
    assert known == pytest.approx([max(0.0, each) for each in wanted_s], abs=0.002)
    assert known == sorted(known)
    assert known[1] < known[2] < known[3]


def _ats(drill: Drill) -> dict[str, datetime]:
    """When what counts happened, as the journal has it; the alarm is the first one."""
    found: dict[str, datetime] = {}
    for recorded in drill.deck().state.recent()[::-1]:
        event = recorded.event
        alarm = event.type == "gauge.changed" and event.data["gauge"] == drill.gauge.id
        if alarm and event.data["to"] not in ("warning", "critical"):
            continue
        name = "alarm" if alarm else str(event.data.get("state") or event.type)
        found.setdefault(name, datetime.fromisoformat(event.at))
    return found


def _has_all_sections(report: str, drill: Drill) -> None:
    """The template: every section, the drill's gauge drawn, places for what people must write."""
    for heading in (
        "Summary", "Impact", "Root causes", "Trigger", "Resolution", "Detection", "Action items",
        "Lessons learned", "What went well", "What went wrong", "Where we got lucky", "Timeline",
        "Supporting information", "Gauges", "Record",
    ):  # fmt: skip
        section(report, heading)
    [drawn] = [x for x in section(report, "Gauges").splitlines() if x.startswith(drill.gauge.title)]
    assert re.search(r"[▁▂▃▄▅▆▇█] .* … .* … ", drawn), drawn
    assert "|  | prevent |  |  |" in section(report, "Action items")
    # And what she gave her word for is on disk
    attested = {data["item"] for data in drill.events("item.attested")}
    assert {"response-team", "post-incident-review"} <= attested
