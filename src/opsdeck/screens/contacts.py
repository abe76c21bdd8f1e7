"""Whom to call: who is on call, who is next, when it escalates; all of it from opsdeck.toml."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from opsdeck.catalog.contacts import Contact, Contacts, OnCall, rung_at, shift_at
from opsdeck.durations import format_duration
from opsdeck.incidents.model import Incident
from opsdeck.screens.host import DeckHost
from opsdeck.screens.reader import Reader
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, wrap

HOW = (
    "Nobody is named yet. In opsdeck.toml, [oncall] with rotation, start and every says who is on"
    " call, [[oncall.escalate]] whom to call after how long, and [[contact]] how to reach them."
)


def open_contacts(host: DeckHost, one: Incident | None = None) -> None:
    """Show the panel above the screen in front; it needs no network."""
    if isinstance(host.screen, Reader):
        return

    def build(width: int) -> list[Line]:
        deck = host.deck
        maker = _Lines(width, host.glyphs, deck.config.contacts)
        return maker.made(one, deck.now(), deck.zone)

    host.push_screen(Reader("Contacts", build))


def _open_for_s(one: Incident | None, now: datetime) -> float | None:
    if one is None or one.started_at is None or one.over or one.state == "mitigated":
        return None
    return (now - one.started_at).total_seconds()


class _Lines:
    def __init__(self, width: int, glyphs: Glyphs, contacts: Contacts) -> None:
        self.width, self.glyphs, self.contacts = width, glyphs, contacts
        self.lines: list[Line] = []

    def made(self, one: Incident | None, now: datetime, zone: ZoneInfo) -> list[Line]:
        """On call, escalation, everybody."""
        contacts = self.contacts
        shift = shift_at(contacts.oncall, now, zone)
        if shift is None and not contacts.people and not contacts.oncall.ladder:
            self.text(HOW, "dim")
        if shift is not None:
            self.title("ON CALL")
            until = f"until {shift.until.astimezone(zone):%a %d %b %H:%M}" if shift.until else ""
            more = f", instead of {shift.instead_of}" if shift.instead_of else ""
            then = f", then {shift.then}" if shift.then else ""
            self.person(shift.who, f"{until}{more}{then}")
        if contacts.oncall.ladder:
            self.title("ESCALATION")
            self.ladder(contacts.oncall, one, now)
        if contacts.people:
            self.title("EVERYBODY")
        for person in contacts.people:
            self.person(person.name, "")
        return self.lines

    def ladder(self, oncall: OnCall, one: Incident | None, now: datetime) -> None:
        """Whom to call after how long; what is due in this incident stands out."""
        lasted = _open_for_s(one, now)
        due, later = rung_at(oncall, lasted) if lasted is not None else (None, None)
        for rung in oncall.ladder:
            mark = "now" if rung is due else "next" if rung is later else ""
            after = f"after {format_duration(rung.after_s)}"
            names = visible(", ".join(rung.to))
            self.line(f" {mark:<5}{after:<13} {names}", "warn" if rung is due else "")
            for known in filter(None, map(self.contacts.of, rung.to)):
                self.ways(known, 20)

    def title(self, text: str) -> None:
        if self.lines:
            self.lines.append(())
        self.lines.append((Part(f" {text}", "title"),))

    def line(self, text: str, style: str = "") -> None:
        self.lines.append((Part(self.glyphs.plain(text), style),))

    def text(self, text: str, style: str = "", margin: int = 1) -> None:
        for part in wrap(self.glyphs.plain(visible(text)), self.width - margin - 1):
            self.lines.append((Part(" " * margin + part, style),))

    def person(self, name: str, about: str) -> None:
        known = self.contacts.of(name)
        role = f"  {visible(known.role)}" if known is not None and known.role else ""
        head: Line = (
            Part(f" {self.glyphs.plain(visible(name))}", "strong"),
            Part(self.glyphs.plain(role)),
            Part(f"  {self.glyphs.plain(visible(about))}" if about else "", "dim"),
        )
        self.lines.append(head)
        if known is not None:
            self.ways(known, 3)
            if known.note:
                self.text(known.note, "dim", 3)
        elif about:
            self.text("no [[contact]] of this name says how to reach them", "dim", 3)

    def ways(self, person: Contact, margin: int) -> None:
        for way, address in person.ways:
            self.text(f"{way:<6} {visible(address)}", "accent", margin)
