"""Whom to call, in plain text and as JSON; all of it from opsdeck.toml."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from opsdeck.catalog.contacts import Contact, Contacts, Rung, Shift, rung_at, shift_at
from opsdeck.durations import format_duration
from opsdeck.incidents.model import Incident
from opsdeck.reports.objects import moment
from opsdeck.text import visible

HOW = (
    "nobody is named yet: in opsdeck.toml, [oncall] says who is on call, [[oncall.escalate]] whom"
    " to call after how long, [[contact]] how to reach them"
)


def contact_lines(
    contacts: Contacts, one: Incident | None, now: datetime, zone: ZoneInfo
) -> Iterator[str]:
    """On call, escalation, everybody."""
    shift = shift_at(contacts.oncall, now, zone)
    if shift is None and not contacts.people and not contacts.oncall.ladder:
        yield HOW
    if shift is not None:
        yield f"on call: {visible(shift.who)}{_about(shift, zone)}"
        known = contacts.of(shift.who)
        yield from _ways(known) if known else ("  no [[contact]] says how to reach them",)
    due, later = _rungs(contacts, one, now)
    for rung in contacts.oncall.ladder:
        mark = "NOW  " if rung is due else "next " if rung is later else ""
        yield f"escalation: {mark}after {format_duration(rung.after_s)} {visible(_names(rung))}"
    for person in contacts.people:
        role = f", {visible(person.role)}" if person.role else ""
        yield f"{visible(person.name)}{role}"
        yield from _ways(person)


def _about(shift: Shift, zone: ZoneInfo) -> str:
    until = f", until {shift.until.astimezone(zone):%a %d %b %H:%M}" if shift.until else ""
    instead = f", instead of {visible(shift.instead_of)}" if shift.instead_of else ""
    then = f", then {visible(shift.then)}" if shift.then else ""
    return f"{until}{instead}{then}"


def _ways(person: Contact) -> Iterator[str]:
    for way, address in person.ways:
        yield f"  {way:<6} {visible(address)}"
    if person.note:
        yield f"  {visible(person.note)}"


def _names(rung: Rung) -> str:
    return ", ".join(rung.to)


def _rungs(
    contacts: Contacts, one: Incident | None, now: datetime
) -> tuple[Rung | None, Rung | None]:
    """What is due in this incident, and what comes next."""
    if one is None or one.started_at is None or one.over or one.state == "mitigated":
        return None, None
    return rung_at(contacts.oncall, (now - one.started_at).total_seconds())


def contacts_object(
    contacts: Contacts, one: Incident | None, now: datetime, zone: ZoneInfo
) -> dict[str, Any]:
    """The same as plain values."""
    shift = shift_at(contacts.oncall, now, zone)
    due, _ = _rungs(contacts, one, now)
    on_call = {
        "who": shift.who,
        "until": moment(shift.until),
        "then": shift.then or None,
        "instead_of": shift.instead_of or None,
    } if shift is not None else None  # fmt: skip
    return {
        "on_call": on_call,
        "escalation": [
            {"after_s": rung.after_s, "to": list(rung.to), "due": rung is due}
            for rung in contacts.oncall.ladder
        ],
        "people": [
            {"name": p.name, "role": p.role or None, "note": p.note or None, **dict(p.ways)}
            for p in contacts.people
        ],
    }
