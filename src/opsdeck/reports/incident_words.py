"""What a post-incident report says of itself: times, roles and the first paragraphs, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from opsdeck.gauges.words import turn_words
from opsdeck.incidents.model import ROLES, Ran, Walk
from opsdeck.incidents.timeline import Entry
from opsdeck.incidents.times import first_alarm, trouble_began
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.reports.incident_gauges import Track, line_of
from opsdeck.reports.incident_report import IncidentReport
from opsdeck.text import plural

NOT_KNOWN = "not known"


class Moments:
    """Times as the team reads them; with the date, or the zone, where they are not all of one."""

    def __init__(self, zone: tzinfo, known: Iterable[datetime]) -> None:
        self._zone = zone
        local = [self._local(moment) for moment in known]
        self._dated = len({moment.date() for moment in local}) > 1
        self._shifts = len({moment.utcoffset() for moment in local}) > 1

    def _local(self, moment: datetime) -> datetime:
        try:
            return moment.astimezone(self._zone)
        except (OverflowError, ValueError):
            return moment.astimezone(UTC)

    def short(self, moment: datetime) -> str:
        """`02:49:11`."""
        form = f"{'%Y-%m-%d ' if self._dated else ''}%H:%M:%S{' %Z' if self._shifts else ''}"
        return self._local(moment).strftime(form)

    def full(self, moment: datetime | None) -> str:
        """`2026-11-23 02:49 UTC`."""
        return f"{self._local(moment):%Y-%m-%d %H:%M %Z}" if moment is not None else NOT_KNOWN

    def date(self, moment: datetime | None) -> str:
        """`2026-11-23`."""
        return f"{self._local(moment):%Y-%m-%d}" if moment is not None else NOT_KNOWN


def span(seconds: float | None) -> str:
    """A time that matters, in the two largest units it has: `1 h 12 min`, `3 min 41 s`."""
    if seconds is None:
        return NOT_KNOWN
    parts: list[str] = []
    rest = max(0, round(seconds))
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if rest >= unit or (unit == 1 and not parts):
            parts.append(f"{rest // unit} {name}")
            rest %= unit
        elif parts:
            break
    return " ".join(parts[:2])


def entry_text(entry: Entry, moments: Moments) -> str:
    """What an entry says, when it was added, and what others said it should have been."""
    added = f" (added {moments.short(entry.added_at)})" if entry.added_at is not None else ""
    said = "".join(
        f" (corrected by {c.by}{f' at {moments.short(c.at)}' if c.at else ''}: {c.text})"
        for c in entry.corrected
    )
    return f"{entry.text}{added}{said}"


def summary(report: IncidentReport, moments: Moments) -> str:
    """The incident in a few sentences."""
    one = report.one
    began = trouble_began(one, report.beside)
    words = [f"{one.title} (severity {one.severity or NOT_KNOWN})."]
    if began is not None:
        end = one.resolved_at or one.mitigated_at
        ended = f" and was {'resolved' if one.resolved_at else 'mitigated'} at" if end else ""
        until = f"{ended} {moments.full(end)}" if end else ""
        words.append(f"The trouble began at {moments.full(began)}{until}.")
    if one.started_at is not None:
        of = f" about the gauge {one.gauge}" if one.gauge else ""
        words.append(
            f"{one.started_by} started the incident{of} at {moments.full(one.started_at)}."
        )
    words.append(f"It is {one.state}.")
    words += [
        f"The playbook “{walk.title}” was walked: {_walked(walk)}." for walk in _walks(report)
    ]
    if one.ran:
        ill = sum(1 for ran in one.ran.values() if not ran.well)
        well = "all of them ended well" if not ill else f"{ill} of them did not end well"
        words.append(f"{plural(len(one.ran), 'command')} ran; {well}.")
    return " ".join(words)


def _walks(report: IncidentReport) -> list[Walk]:
    return list(report.one.walks.values())


def _walked(walk: Walk) -> str:
    counts = Counter(step.state for step in walk.steps.values())
    found = [f"{plural(counts[state], 'step')} {state}"
             for state in ("done", "skipped", "failed", "doing") if counts[state]]  # fmt: skip
    return ", ".join(found) or "no step of it"


def impact(report: IncidentReport) -> list[str]:
    """What is known of the damage: how long, to what, and what the gauges said."""
    one, times = report.one, report.times
    found = []
    if times.resolve_s is not None:
        found.append(f"It lasted {span(times.resolve_s)} from its beginning to its resolution")
    if times.mitigate_s is not None and times.mitigate_s != times.resolve_s:
        found.append(f"It was mitigated {span(times.mitigate_s)} after its beginning")
    if one.targets:
        found.append(f"Targets: {', '.join(one.targets)}")
    found += [f"{track.title}: {values_of(track)}" for track in report.tracks]
    return found


def values_of(track: Track) -> str:
    """`41 … 96 … 38 %` without the way between."""
    return line_of(track)[len(track.columns) :].strip()


def detection(report: IncidentReport, moments: Moments) -> list[str]:
    """How it was noticed, and how soon."""
    one = report.one
    found = []
    alarm = first_alarm(one, report.beside)
    at = parse_wall(alarm.event.at) if alarm is not None else None
    if alarm is not None and at is not None:
        found.append(f"{moments.short(at)} alarm of {turn_words(alarm.event.data)}")
    if one.started_at is not None:
        found.append(f"{moments.short(one.started_at)} {one.started_by} started the incident")
    return found


def trigger(report: IncidentReport, moments: Moments) -> list[str]:
    """What went wrong first, as far as gauges saw it."""
    found = [e for e in report.entries if e.kind == "gauge" and e.tone in ("bad", "warn")]
    return [f"{moments.short(entry.at)} {entry.text}" for entry in found[:1]]


def resolution(report: IncidentReport, moments: Moments) -> list[str]:
    """What was said when it was mitigated and resolved, and the steps that were done."""
    one = report.one
    found = [
        f"{moments.short(entry.at)} {entry.by}: {entry_text(entry, moments)}"
        for entry in report.of_type(ev.INCIDENT_STATE)
    ]
    for walk in one.walks.values():
        done = [walk.titles.get(key, key) for key, step in walk.steps.items()
                if step.state == "done"]  # fmt: skip
        if done:
            found.append(f"Done of “{walk.title}”: {'; '.join(done)}")
    return found


def mishaps(report: IncidentReport) -> list[tuple[str, str]]:
    """What did not work, and what could be done about it."""
    found = []
    for walk in report.one.walks.values():
        for key, step in walk.steps.items():
            if step.state in ("failed", "skipped"):
                why = f": {step.reason}" if step.reason else ""
                named = f"the step “{walk.titles.get(key, key)}” of “{walk.title}”"
                said = f"{named} {'failed' if step.state == 'failed' else 'was skipped'}{why}"
                found.append((_begun(said), f"Look at {named}"))
    for ran in report.one.ran.values():
        if not ran.well and ran.outcome != "running":
            named = f"the command “{name_of(ran)}”"
            found.append((_begun(f"{named} did not end well"), f"Look at {named}"))
    unique = dict(found)
    return list(unique.items())


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def name_of(ran: Ran) -> str:
    """What a command is called."""
    name = ran.began.data.get("name")
    return name if isinstance(name, str) and name else ran.number


def roles(report: IncidentReport, moments: Moments) -> list[str]:
    """Who had which role, from when on: `commander: alice (02:53:33), bob (03:10:00)`."""
    held: dict[str, list[str]] = {role: [] for role in ROLES}
    for happening in report.one.happenings:
        role, to = happening.data.get("role"), happening.data.get("to")
        at = parse_wall(happening.at)
        if happening.type != ev.INCIDENT_ROLE or at is None or not isinstance(role, str):
            continue
        who = to if isinstance(to, str) and to else "nobody"
        held.setdefault(role, []).append(f"{who} (from {moments.short(at)})")
    return [f"{role}: {', '.join(who)}" for role, who in held.items() if who]


def column_words(report: IncidentReport, moments: Moments) -> str:
    """What the gauges' lines mean."""
    start, end = report.bounds
    timed = [track.column_s for track in report.tracks if track.column_s is not None]
    words = "first, worst and last value"
    if timed:
        wide = span(max(timed)) if len(set(timed)) == 1 else f"up to {span(max(timed))}"
        words += f"; a column is {wide}, a gap is time of which nothing is kept"
    if len(timed) < len(report.tracks):
        events = "of the others " if timed else ""
        words += f"; {events}a column is a value that was recorded, whenever that was"
    return f"From {moments.full(start)} to {moments.full(end)}: {words}."
