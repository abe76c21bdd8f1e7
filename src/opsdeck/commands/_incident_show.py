"""What `opsdeck incident show` and the lists of incidents print: plain lines, and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any

from opsdeck.catalog.playbooks import find_playbook
from opsdeck.commands.door import Door
from opsdeck.commands.output import say, say_json
from opsdeck.commands.table import columns, width
from opsdeck.deck import Deck
from opsdeck.durations import format_duration
from opsdeck.errors import UsageError
from opsdeck.incidents.acts import incident_meant
from opsdeck.incidents.model import ROLES, Incident, Walk
from opsdeck.incidents.timeline import Entry, timeline
from opsdeck.incidents.times import Times, times_of
from opsdeck.incidents.view import heads, incident_of
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import Recorded
from opsdeck.reports.objects import moment
from opsdeck.text import plural, time_of_day, visible

Rows = list[tuple[str, ...]]


def head_object(one: Incident) -> dict[str, Any]:
    """An incident in short, as JSON has it."""
    return {
        "id": one.id,
        "title": one.title,
        "severity": one.severity,
        "state": one.state,
        "started_at": moment(one.started_at),
        "resolved_at": moment(one.resolved_at),
        "playbooks": list(one.walks),
        "commander": one.roles.get("commander") or None,
    }


def show_incidents(door: Door, *, as_json: bool = False, only_open: bool = False) -> None:
    """Every incident, the newest first."""
    deck = door.deck()
    log = deck.state.incidents
    found = [incident_of(log, one.id) for one in heads(deck.state) if not only_open or not one.over]
    ones = [one for one in found if one is not None]
    if as_json:
        say_json([head_object(one) for one in ones])
        return
    rows = [
        (one.id, one.state, one.severity, _lasted(one, deck.now()),
         one.roles.get("commander", ""), one.title)
        for one in ones
    ]  # fmt: skip
    for line in columns(rows, width(), 0):
        say(line)
    if not ones:
        word = "is open" if only_open else "was ever started"
        say(f"no incident {word}: `opsdeck incident start` starts one")


def show_incident(
    door: Door, word: str | None, *, as_json: bool, kind: str | None, utc: bool
) -> None:
    """One incident from its start to now."""
    from datetime import UTC

    from opsdeck.incidents.beside import events_beside

    deck = door.deck()
    one = incident_of(deck.state.incidents, incident_meant(heads(deck.state), word).id)
    assert one is not None
    beside = events_beside(deck.journal, one)
    if as_json:
        from opsdeck.reports.incident_object import incident_object

        found = incident_object(one, beside, deck.zone)
        if kind is not None:
            found["timeline"] = [entry for entry in found["timeline"] if entry["kind"] == kind]
        say_json(found)
        return
    zone: tzinfo = UTC if utc else deck.zone
    for line in _whole(deck, one, beside, kind, zone):
        say(line)


def _whole(
    deck: Deck, one: Incident, beside: list[Recorded], kind: str | None, zone: tzinfo
) -> Iterator[str]:
    yield from head_lines(one, deck.now(), zone, times_of(one, beside))
    for walk in one.walks.values():
        yield ""
        yield from walk_lines(deck, walk, zone)
    if one.running():
        yield ""
        yield from running_lines(one, deck.now(), zone)
    entries = [e for e in timeline(one, beside) if kind in (None, e.kind)]
    yield ""
    yield from entry_lines(entries, zone)


# The incident itself


def head_lines(
    one: Incident, now: datetime, zone: tzinfo, times: Times | None = None
) -> Iterator[str]:
    """What it is, how it stands, who takes part."""
    yield visible(f"{one.id}  {one.title}")
    rows: Rows = [("state", f"{one.state}, {one.severity or 'no severity'}, {_lasted(one, now)}")]
    if one.started_at is not None:
        rows.append(("started", f"{_day(one.started_at, zone)} by {one.started_by}"))
    if one.began_at is not None and one.began_at != one.started_at:
        rows.append(("trouble since", _day(one.began_at, zone)))
    if told := _times(times):
        rows.append(("times", told))
    rows.append(("roles", ", ".join(f"{r} {one.roles.get(r) or 'nobody'}" for r in ROLES)))
    rows.append(("here", ", ".join(one.here(now)) if not one.over else ""))
    rows.append(("gauge", one.gauge))
    rows.append(("targets", ", ".join(one.targets)))
    rows.append(("variables", ", ".join(f"{k}={v}" for k, v in one.variables.items())))
    if one.updated_at is not None:
        rows.append(("told others", _day(one.updated_at, zone)))
    yield from columns([row for row in rows if row[1]], None)


def _times(times: Times | None) -> str:
    if times is None:
        return ""
    named = (
        ("detect", times.detect_s),
        ("acknowledge", times.acknowledge_s),
        ("mitigate", times.mitigate_s),
        ("resolve", times.resolve_s),
    )
    return ", ".join(f"to {name} {format_duration(s)}" for name, s in named if s is not None)


def _lasted(one: Incident, now: datetime) -> str:
    if one.started_at is None:
        return ""
    if one.over and one.resolved_at is not None:
        return f"lasted {format_duration((one.resolved_at - one.started_at).total_seconds())}"
    return f"for {format_duration(max(0.0, (now - one.started_at).total_seconds()))}"


def _day(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


# Steps and commands


def walk_lines(deck: Deck, walk: Walk, zone: tzinfo) -> Iterator[str]:
    """A playbook and every step of it, numbered."""
    playbook = find_playbook(walk.playbook, deck.config.file) if walk.playbook else None
    steps = [(step.id, step.title) for step in playbook.steps] if playbook is not None else []
    known = {identity for identity, _ in steps}
    steps += [(i, walk.titles.get(i, i)) for i in walk.steps if i not in known]
    done = sum(walk.step(identity).state in ("done", "skipped") for identity, _ in steps)
    gone = "" if playbook is not None else ", which is no longer there"
    yield visible(f"{walk.title} ({walk.playbook}{gone}): {done} of {len(steps)}")
    rows: Rows = []
    for number, (identity, title) in enumerate(steps, 1):
        step = walk.step(identity)
        at = f"{time_of_day(step.at, deck.now(), zone)} {step.by}" if step.at is not None else ""
        reason = f" ({step.reason})" if step.reason else ""
        rows.append((f"{number:>2}", step.state, at, f"{title}{reason}"))
    yield from columns(rows, None)


def running_lines(one: Incident, now: datetime, zone: tzinfo) -> Iterator[str]:
    """Commands of whose end nothing is known."""
    yield "running, as far as is known"
    rows: Rows = []
    for ran in one.running():
        data, at = ran.began.data, parse_wall(ran.began.at)
        since = f"since {time_of_day(at, now, zone)}" if at is not None else ""
        rows.append((str(data.get("name", "")), f"on {data.get('host', '')}", since, ran.began.by))
    yield from columns(rows, None)


# The timeline


def entry_lines(entries: Sequence[Entry], zone: tzinfo) -> Iterator[str]:
    """Entries oldest first, a heading for each day, each with what names it for `correct`."""
    names = entry_names(entries)
    day = ""
    for entry in entries:
        at = entry.at.astimezone(zone)
        if f"{at:%Y-%m-%d %Z}" != day:
            day = f"{at:%Y-%m-%d %Z}"
            yield day
        later = ", added later" if entry.added_at is not None else ""
        told = visible(f"{entry.by} {entry.text}")
        yield f"  {at:%H:%M:%S}  {told}{later}  [{visible(names[entry.id])}]"
        for text in entry.more:
            yield f"      {visible(text)}"
        for said in entry.corrected:
            there = said.at.astimezone(zone) if said.at is not None else None
            same = there is not None and there.date() == at.date()
            when = f", {there:{'%H:%M:%S' if same else '%Y-%m-%d %H:%M:%S'}}" if there else ""
            yield f"      corrected by {visible(said.by)}{when}: {visible(said.text)}"


def entry_names(entries: Sequence[Entry]) -> dict[str, str]:
    """Id of an entry -> its number, or the whole id where others have that number too."""
    ids = {entry.id for entry in entries}
    count = Counter(identity.rpartition(":")[2] for identity in ids)
    short = {identity: identity.rpartition(":")[2] for identity in ids}
    return {i: name if count[name] == 1 else i for i, name in short.items()}


def entry_meant(one: Incident, word: str) -> str:
    """The id of the entry that a number, or an id, names; raises UsageError for several."""
    word = word.strip().strip("[]")
    known = [happening.id for happening in one.happenings]
    near = [identity for identity in known if identity.rpartition(":")[2] == word]
    if word in known or not near:
        return word
    if len(near) > 1:
        raise UsageError(
            f"{plural(len(near), 'entry', 'entries')} have the number {word}:"
            f" name one of {', '.join(near)}"
        )
    return near[0]
