"""The post-incident report, section by section, after the template of Google's SRE book.

(Site Reliability Engineering, appendix D, "Example Postmortem".) What is known stands in it; what
only people know is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from opsdeck.incidents.model import Ran, Walk
from opsdeck.incidents.timeline import Entry, ended_words
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.reports import incident_words as words
from opsdeck.reports.incident_blocks import (
    Block,
    Code,
    Heading,
    Paragraph,
    Point,
    Points,
    Prompt,
    Table,
    listed,
)
from opsdeck.reports.incident_gauges import line_of
from opsdeck.reports.incident_object import duration_of
from opsdeck.reports.incident_report import IncidentReport
from opsdeck.reports.incident_words import Moments, entry_text, span
from opsdeck.text import cells, cut, visible

_LONGEST_TITLE = 24
_TYPES = ("prevent", "mitigate", "process")


def title_of(report: IncidentReport) -> str:
    """What the document is called."""
    return f"Post-incident report: {report.one.title} ({report.one.id})"


def document(report: IncidentReport) -> list[Block]:
    """All of it, in order."""
    known = [entry.at for entry in report.entries]
    moments = Moments(report.zone, [*known, *report.bounds])
    return [
        Heading(1, title_of(report)),
        *_head(report, moments),
        *_story(report, moments),
        *_lessons(report),
        *_timeline(report, moments),
        Heading(2, "Supporting information"),
        *_gauges(report, moments),
        *_playbooks(report, moments),
        *_commands(report, moments),
        *_variables(report),
        *_record(report),
    ]


def _head(report: IncidentReport, moments: Moments) -> Iterator[Block]:
    one, times = report.one, report.times
    facts = {
        "Date": moments.date(one.began_at),
        "Authors": ", ".join(report.people),
        "Roles": "; ".join(words.roles(report, moments)),
        "Status": _status(report, moments),
        "Severity": one.severity,
        "Incident": one.id,
        "Deck": report.deck,
        "Targets": ", ".join(one.targets),
    }
    yield from listed([f"{name}: {text}" for name, text in facts.items() if text])
    measured = (times.detect_s, times.acknowledge_s, times.mitigate_s, times.resolve_s)
    yield Table(
        ("Time to detect", "Time to acknowledge", "Time to mitigate", "Time to resolve"),
        (tuple(span(seconds) for seconds in measured),),
    )
    yield Paragraph(f"Times are counted from when the trouble began. All are in {report.zone}.")
    yield Prompt("Questions in italics are for people: write the answer in their place.")


def _status(report: IncidentReport, moments: Moments) -> str:
    one = report.one
    since = {"resolved": one.resolved_at, "mitigated": one.mitigated_at}.get(one.state)
    return f"{one.state} since {moments.full(since)}" if since is not None else one.state


def _story(report: IncidentReport, moments: Moments) -> Iterator[Block]:
    yield Heading(2, "Summary")
    yield Paragraph(words.summary(report, moments))
    yield Prompt("What happened, in two or three sentences that anybody understands?")
    yield Heading(2, "Impact")
    yield from listed(words.impact(report))
    yield Prompt("Who noticed what, how many of them, and what did it cost?")
    yield Heading(2, "Root causes")
    yield Prompt("Which circumstances made it possible? Ask why until the answer can be changed.")
    yield Heading(2, "Trigger")
    yield from listed(words.trigger(report, moments))
    yield Prompt("What set it off at that moment?")
    yield Heading(2, "Resolution")
    yield from listed(words.resolution(report, moments))
    yield Prompt("What ended it, and why did that work?")
    yield Heading(2, "Detection")
    yield from listed(words.detection(report, moments))
    yield Prompt("How was it noticed? Could it have been noticed sooner?")
    yield Heading(2, "Action items")
    rows = [(what, "process", "", "") for _, what in words.mishaps(report)]
    rows += [("", kind, "", "") for kind in _TYPES]
    yield Table(("Action item", "Type", "Owner", "Ticket"), tuple(rows))


def _lessons(report: IncidentReport) -> Iterator[Block]:
    yield Heading(2, "Lessons learned")
    yield Heading(3, "What went well")
    yield Prompt("What helped, so that it is kept?")
    yield Heading(3, "What went wrong")
    yield from listed([said for said, _ in words.mishaps(report)])
    yield Prompt("What hindered, so that it is changed?")
    yield Heading(3, "Where we got lucky")
    yield Prompt("What could have made it worse, and did not only by chance?")


def _timeline(report: IncidentReport, moments: Moments) -> Iterator[Block]:
    yield Heading(2, "Timeline")
    points = [
        _point(report, entry, moments)
        for entry in report.entries
        if report.types.get(entry.id) != ev.INCIDENT_REPORTED
    ]
    yield Points(tuple(points))


def _point(report: IncidentReport, entry: Entry, moments: Moments) -> Point:
    text = f"{moments.short(entry.at)} {entry.by}: {entry_text(entry, moments)}"
    if report.types.get(entry.id) == ev.COMMAND_BEGAN:
        return Point(text)  # what was run stands in a section of its own
    if entry.kind in ("command", "look"):
        return Point(text, code=entry.more)
    return Point(text, more=entry.more)


def _gauges(report: IncidentReport, moments: Moments) -> Iterator[Block]:
    if not report.tracks:
        return
    yield Heading(3, "Gauges")
    yield Paragraph(words.column_words(report, moments))
    titles = [cut(visible(track.title), _LONGEST_TITLE) for track in report.tracks]
    wide = max(map(cells, titles))
    lines = [
        f"{title}{' ' * (wide - cells(title))}  {line_of(track)}"
        for title, track in zip(titles, report.tracks, strict=True)
    ]
    yield Code("\n".join(lines))


def _playbooks(report: IncidentReport, moments: Moments) -> Iterator[Block]:
    for walk in report.one.walks.values():
        yield Heading(3, f"Playbook: {walk.title}")
        yield Paragraph(f"{walk.playbook}, SHA-256 of its text {walk.digest or words.NOT_KNOWN}.")
        if walk.steps:
            yield Table(("Step", "State", "By", "At", "Why"), tuple(_steps(walk, moments)))


def _steps(walk: Walk, moments: Moments) -> Iterator[tuple[str, ...]]:
    for key, step in walk.steps.items():
        at = moments.short(step.at) if step.at is not None else ""
        yield (walk.titles.get(key, key), step.state, step.by, at, step.reason)


def _commands(report: IncidentReport, moments: Moments) -> Iterator[Block]:
    if report.one.ran:
        yield Heading(3, "Commands")
    for ran in report.one.ran.values():
        yield from _command(ran, moments)


def _command(ran: Ran, moments: Moments) -> Iterator[Block]:
    began, at = ran.began.data, parse_wall(ran.began.at)
    where = f" on {began['host']}" if began.get("host") else ""
    when = moments.short(at) if at is not None else ""
    yield Heading(4, f"{when} {ran.began.by}: {words.name_of(ran)}{where}".strip())
    yield Code(str(began.get("text", "")))
    took = duration_of(ran)
    after = f" after {span(took)}" if took is not None and took >= 1 else ""
    yield Paragraph(f"It {ended_words(ran)}{after}.")
    output = ran.ended.data.get("output") if ran.ended is not None else None
    if isinstance(output, str) and output.strip():
        yield Code(output.rstrip())


def _variables(report: IncidentReport) -> Iterator[Block]:
    if report.one.variables:
        yield Heading(3, "Variables")
        yield Table(("Name", "Value"), tuple(sorted(report.one.variables.items())))


def _record(report: IncidentReport) -> Iterator[Block]:
    yield Heading(3, "Record")
    first = report.one.happenings[0].id if report.one.happenings else words.NOT_KNOWN
    yield Paragraph(
        f"The journal has it all, from its event {first} on:"
        f" opsdeck report {report.one.id} --format json prints it for programs."
    )
