"""The timeline: everything that happened during an incident, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from opsdeck.durations import format_duration
from opsdeck.gauges.words import turn_words
from opsdeck.incidents.model import Incident, Ran
from opsdeck.journal import events as ev
from opsdeck.journal.clock import is_stamp, parse_wall
from opsdeck.journal.events import Event, Recorded
from opsdeck.journal.happenings import Happening
from opsdeck.text import visible

Kind = Literal["state", "step", "command", "look", "note", "gauge", "item", "people"]
KINDS: tuple[Kind, ...] = ("state", "step", "command", "look", "note", "gauge", "item", "people")

BEFORE = timedelta(minutes=30)
"""Gauges that went wrong so long before the start belong to the story."""
AFTER = timedelta(minutes=15)

_OUTPUT_CHARACTERS = 400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said an entry should have been; `at` is aware UTC."""

    text: str
    by: str
    at: datetime | None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline. `at` is when it happened, aware UTC; `added_at` when it was said,
    where that was later. `tone` is good, bad, warn or "". `more` are lines below it."""

    at: datetime
    kind: Kind
    by: str
    text: str
    id: str
    key: tuple[str, str, int]
    tone: str = ""
    more: tuple[str, ...] = ()
    values: bool = False
    """Whether the first of `more` is what the gauges showed before and after."""
    added_at: datetime | None = None
    corrected: tuple[Correction, ...] = ()
    """What it should have been, the newest last; the entry itself stays."""


def timeline(one: Incident, beside: Iterable[Recorded] = ()) -> list[Entry]:
    """Entries oldest first. `beside` are events of gauges and items that may belong to it."""
    found: list[Entry] = []
    for happening in one.happenings:
        entry = _of(one, happening)
        if entry is not None:
            found.append(entry)
    bounds = window(one)
    if bounds is not None:
        found += [e for recorded in beside if (e := _of_world(recorded, bounds)) is not None]
    return sorted(found, key=lambda entry: (_place(entry), entry.key))


def _place(entry: Entry) -> datetime:
    """Where an entry stands: what was added later at its time; all else where the journal's clock
    has it, which no wall clock that is slow puts before what its writer had seen."""
    clock = entry.key[0]
    if entry.added_at is not None or not is_stamp(clock):
        return entry.at
    return max(entry.at, _EPOCH + timedelta(milliseconds=int(clock[:13])))


def window(one: Incident) -> tuple[datetime, datetime | None] | None:
    """From when until when events of gauges and items belong to it; None until what is known."""
    if one.started_at is None:
        return None
    first = min(one.began_at or one.started_at, one.started_at)
    end = one.resolved_at if one.over else None
    return (_moved(first, -BEFORE), _moved(end, AFTER) if end is not None else None)


def _moved(at: datetime, by: timedelta) -> datetime:
    """A moment later or earlier; itself at the edge of the calendar."""
    try:
        return at + by
    except OverflowError:
        return at


def is_still_here(kind: str, data: Mapping[str, Any]) -> bool:
    """Whether an event says no more than that somebody who was there still is."""
    return kind == ev.INCIDENT_PRESENT and data.get("still") is True


def is_beside(event: Event) -> bool:
    """Whether an event may belong to an incident that does not name it."""
    return event.type == ev.GAUGE_CHANGED or event.type.startswith("item.")


def values_text(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> str:
    """`CPU 96 % > 41 %`: gauges as they were and as they are."""
    old = {str(value.get("id")): value for value in before}
    parts = []
    for value in after:
        title, now = value.get("title") or value.get("id"), value.get("text")
        then = old.get(str(value.get("id")), {}).get("text")
        parts.append(f"{title} {then} → {now}" if then and then != now else f"{title} {now}")
    return ", ".join(visible(str(part)) for part in parts)


def _of(one: Incident, happening: Happening) -> Entry | None:
    make = _WORDS.get(happening.type)
    at = parse_wall(happening.at)
    if make is None or at is None or _says_nothing_new(one, happening):
        return None
    kind, text, tone, more = make(one, happening)
    when = happening.data.get("when")
    then = parse_wall(when) if isinstance(when, str) else None
    said = [
        Correction(text=_get(c, "text"), by=c.by, at=parse_wall(c.at))
        for c in one.corrections.get(happening.id, ())
    ]
    return Entry(
        at=then or at,
        kind=kind,
        by=_whose(one, happening),
        text=text,
        id=happening.id,
        key=happening.key,
        tone=tone,
        more=more,
        values=happening.type in (ev.INCIDENT_STEP, ev.COMMAND_ENDED) and bool(_values(happening)),
        added_at=at if then is not None else None,
        corrected=tuple(said),
    )


def _says_nothing_new(one: Incident, happening: Happening) -> bool:
    """Whether somebody who is here still is, or an end that was known is told once more: each
    session of an operator asks after the commands of one that is gone."""
    if happening.type != ev.COMMAND_ENDED:
        return is_still_here(happening.type, happening.data)
    ran = one.ran.get(_get(happening, "command"))
    if ran is None or ran.ended is None or ran.ended.id == happening.id:
        return False
    told = Ran(number=ran.number, began=ran.began, ended=happening)
    return (told.outcome, told.exit_code) == (ran.outcome, ran.exit_code)


def _whose(one: Incident, happening: Happening) -> str:
    """Who did it; the end of a command is of whoever began it, whichever session heard of it."""
    ran = one.ran.get(_get(happening, "command")) if happening.type == ev.COMMAND_ENDED else None
    return happening.by if ran is None else ran.began.by


Made = tuple[Kind, str, str, tuple[str, ...]]


def _get(happening: Happening, key: str) -> str:
    value = happening.data.get(key)
    return value if isinstance(value, str) else ""


def _values(happening: Happening) -> list[Mapping[str, Any]]:
    """The gauges as they were when it happened."""
    found = happening.data.get("gauges")
    return [v for v in found if isinstance(v, dict)] if isinstance(found, list) else []


def _started(one: Incident, happening: Happening) -> Made:
    severity = _get(happening, "severity")
    return "state", f"incident started, {severity}: {_get(happening, 'title')}", "bad", ()


def _changed(one: Incident, happening: Happening) -> Made:
    keys = ("title", "severity")
    parts = [f"{key} is now {_get(happening, key)}" for key in keys if _get(happening, key)]
    targets = happening.data.get("targets")
    if isinstance(targets, list):
        parts.append(f"targets are now {', '.join(map(str, targets)) or 'none'}")
    if began := parse_wall(_get(happening, "began")):
        parts.append(f"the trouble began at {began:%Y-%m-%d %H:%M} UTC")
    return "state", "; ".join(parts) or "changed", "", ()


def _state(one: Incident, happening: Happening) -> Made:
    state, note = _get(happening, "state"), _get(happening, "note")
    tone = "good" if state in ("mitigated", "resolved") else "bad"
    return "state", f"incident {state}" + (f": {note}" if note else ""), tone, ()


def _playbook(one: Incident, happening: Happening) -> Made:
    return "step", f"walks the playbook {_get(happening, 'title')}", "", ()


def _step(one: Incident, happening: Happening) -> Made:
    state, title = _get(happening, "state"), _get(happening, "title")
    reason = _get(happening, "reason")
    walk = one.walks.get(_get(happening, "playbook"))
    now = _values(happening)
    before = walk.step(_get(happening, "step")).before if walk is not None else ()
    words = {"doing": "began", "to do": "took back"}.get(state, state)
    text = f"{words}: {title}" + (f" ({reason})" if reason else "")
    seen = values_text(() if state == "doing" else before, now)
    tone = {"done": "good", "failed": "bad", "skipped": "warn"}.get(state, "")
    return "step", text, tone, (seen,) if seen else ()


def _ticked(one: Incident, happening: Happening) -> Made:
    word = "ticked" if happening.data.get("on") is True else "cleared"
    return "step", f"{word}: {_get(happening, 'tick')}", "", ()


def _noted(one: Incident, happening: Happening) -> Made:
    text = _get(happening, "text")
    if _get(happening, "kind") == "update":
        return "note", f"told stakeholders: {text}", "good", ()
    return "note", text, "", ()


def _role(one: Incident, happening: Happening) -> Made:
    role, to = _get(happening, "role"), _get(happening, "to")
    handover = happening.data.get("handover")
    text = f"makes {to} {role}" if to else f"gives up the role of {role}"
    if to == happening.by:
        text = f"takes the role of {role}"
    more: tuple[str, ...] = ()
    if isinstance(handover, dict):
        text = f"hands {role} over to {to}"
        more = tuple(f"{key}: {value}" for key, value in handover.items() if value)
    return "people", text, "", more


def _present(one: Incident, happening: Happening) -> Made:
    return "people", "joined" if happening.data.get("here") is True else "left", "", ()


def _variable(one: Incident, happening: Happening) -> Made:
    return "note", f"{_get(happening, 'name')} = {_get(happening, 'value')}", "", ()


def _looked(one: Incident, happening: Happening) -> Made:
    found = _get(happening, "found").splitlines()
    tone = "warn" if happening.data.get("failed") is True else ""
    head = f"{_get(happening, 'title')}: {found[0] if found else 'nothing'}"
    return "look", head, tone, tuple(found[1:])


def _began(one: Incident, happening: Happening) -> Made:
    name, text = _get(happening, "name"), _get(happening, "text")
    host = _get(happening, "host")
    lines = [f"$ {line}" for line in text.splitlines()]
    return "command", f"ran {name}" + (f" on {host}" if host else ""), "", tuple(lines)


def _ended(one: Incident, happening: Happening) -> Made:
    number = _get(happening, "command")
    ran = one.ran.get(number)
    name = _get(ran.began, "name") if ran is not None else number
    shown = Ran(number=number, began=happening, ended=happening)
    text = f"{name} {ended_words(shown)}{took_words(happening.data.get('duration_s'))}"
    output = _get(happening, "output")[-_OUTPUT_CHARACTERS:]
    more = [line for line in output.splitlines()[-6:] if line.strip()]
    seen = values_text(_values(ran.began) if ran is not None else (), _values(happening))
    tone = "good" if shown.well else "bad"
    return "command", text, tone, (*((seen,) if seen else ()), *more)


def took_words(seconds: Any) -> str:
    """` after 4 s`; "" where nobody knows."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds >= 0:
        return ""
    return f" after {format_duration(seconds) if seconds >= 1 else f'{max(seconds, 0.01):.2g} s'}"


def ended_words(ran: Ran) -> str:
    """How a command ended, in words."""
    reason = ran.ended.data.get("reason") if ran.ended is not None else None
    why = f": {reason}" if isinstance(reason, str) and reason else ""
    match ran.outcome:
        case "running":
            return "is running"
        case "exited":
            code = ran.exit_code
            if code is not None and code < 0:
                return f"was ended by signal {-code}"
            return f"ended with {code}"
        case "timeout":
            return "did not end in time and was stopped"
        case "stopped":
            return "was stopped"
        case "not started":
            return f"could not be started{why}"
    return f"ended unknown{why}"


def _reported(one: Incident, happening: Happening) -> Made:
    return "state", f"report written: {_get(happening, 'file')}", "", ()


_WORDS = {
    ev.INCIDENT_STARTED: _started,
    ev.INCIDENT_CHANGED: _changed,
    ev.INCIDENT_STATE: _state,
    ev.INCIDENT_PLAYBOOK: _playbook,
    ev.INCIDENT_STEP: _step,
    ev.INCIDENT_TICKED: _ticked,
    ev.INCIDENT_NOTED: _noted,
    ev.INCIDENT_ROLE: _role,
    ev.INCIDENT_PRESENT: _present,
    ev.INCIDENT_VARIABLE: _variable,
    ev.INCIDENT_LOOKED: _looked,
    ev.COMMAND_BEGAN: _began,
    ev.COMMAND_ENDED: _ended,
    ev.INCIDENT_REPORTED: _reported,
}


def _of_world(recorded: Recorded, bounds: tuple[datetime, datetime | None]) -> Entry | None:
    event = recorded.event
    at = parse_wall(event.at)
    first, last = bounds
    if at is None or at < first or (last is not None and at > last) or not is_beside(event):
        return None
    data = event.data
    if event.type == ev.GAUGE_CHANGED:
        kind: Kind = "gauge"
        text, to = turn_words(data), data.get("to")
        tones = {"critical": "bad", "warning": "warn", "ok": "good"}
        tone = tones.get(to, "") if isinstance(to, str) else ""
    else:
        if at < _moved(first, BEFORE):  # what was ticked before the trouble is not of it
            return None
        kind, tone = "item", ""
        word = str(data.get("verdict") or event.type.removeprefix("item."))
        note = str(data.get("note") or data.get("reason") or data.get("text") or "")
        text = f"{word} {data.get('run')}/{data.get('item')}" + (f": {note}" if note else "")
    return Entry(
        at=at, kind=kind, by=event.by, text=text, id=recorded.id, key=recorded.key, tone=tone
    )
