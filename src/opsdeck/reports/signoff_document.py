"""The record of a sign-off as a document: the reference's form filled in, then what it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from opsdeck.checks.brief import shortened
from opsdeck.checks.evidence import Evidence
from opsdeck.journal.clock import parse_wall
from opsdeck.reports.incident_blocks import (
    Banner,
    Block,
    Cell,
    Code,
    Form,
    Heading,
    Paragraph,
    Table,
    listed,
)
from opsdeck.reports.incident_words import Moments
from opsdeck.runs.status import STATE_GLYPHS
from opsdeck.signoff.content_values import AsideValues, ItemValues, ListValues, NoteValues
from opsdeck.signoff.model import ROLE_TITLES, ROLES, Role, Signed
from opsdeck.signoff.record import Record, first_lines, name_words, reason_of, state_words
from opsdeck.signoff.statement import HOLDS, HOLDS_NOT, Statement

_GLYPHS = {str(state): glyph for state, glyph in STATE_GLYPHS.items()}
_SHORT = 12
"""Characters of a hash that are shown."""
_LONGEST_FOUND = 160
_NOT_GIVEN = "not given"

Looks = Mapping[str, Evidence]
"""Event -> the evidence in it."""


def title_of(record: Record) -> str:
    """What the document is called."""
    return f"Sign-off of release {record.release.name}"


def document(
    record: Record, zone: tzinfo, evidence: Looks | None = None, changes: Sequence[str] = ()
) -> list[Block]:
    """All of it, in order; times are in `zone`.

    `evidence` adds what was expected and found, where it is known; `changes` are what is no longer
    as it was signed.
    """
    return _Document(record, zone, evidence or {}).blocks(changes)


class _Document:
    def __init__(self, record: Record, zone: tzinfo, evidence: Looks) -> None:
        self.record, self.evidence = record, evidence
        self.values = record.values
        self._moments = Moments(zone, ())

    def blocks(self, changes: Sequence[str]) -> list[Block]:
        return [
            *map(Banner, first_lines(self.record)),
            Heading(1, title_of(self.record)),
            *self._head(),
            *self._form(),
            *_changed(changes),
            *self._gate(),
            *self._set_aside(),
            *self._signatures(),
            Heading(2, "Items"),
            *(block for checklist in self.values.lists for block in self._list(checklist)),
        ]

    def _when(self, text: str | None) -> str:
        """A time of the content as the team reads it; as it stands where it is none."""
        at = parse_wall(text) if text else None
        return self._moments.full(at) if at is not None else text or ""

    def _head(self) -> Iterator[Block]:
        release, values = self.record.release, self.values
        facts = {
            "State": state_words(self.record),
            "Abandoned because": release.why,
            "Deck": values.deck,
            "Started": f"{self._when(values.started.at)} by {values.started.by}",
            "Items as of": self._when(values.as_of),
            "Catalog version": values.catalog[:_SHORT],
            "Content (SHA-256)": self.record.sha256,
        }
        yield from listed([f"{name}: {text}" for name, text in facts.items() if text])
        yield Paragraph(
            "This page shows what the journal says. Whether the signatures hold is said by"
            f" “opsdeck signoff verify {release.name}”, or by VERIFY.txt of its bundle."
        )

    def _form(self) -> Iterator[Block]:
        form = self.values.form
        fields = [
            ("Deployment Date", form.date or _NOT_GIVEN),
            *((ROLE_TITLES[role], self._people(role)) for role in ROLES),
        ]
        fields += [("Deployment Window", form.window)] if form.window else []
        fields += [("Stakeholders", form.stakeholders)] if form.stakeholders else []
        yield Heading(2, "Sign-Off")
        yield Form(tuple(fields))
        yield Heading(3, "Notes")
        yield Code(form.notes) if form.notes.strip() else Paragraph("None.")

    def _people(self, role: Role) -> str:
        there = [f"{name_words(s)}, {self._when(s.wall)}" for s in self.record.of(role)]
        missing = self.record.missing[role]
        if missing:
            there.append(f"{missing} more to sign" if there else "nobody yet")
        return "; ".join(there) or "nobody is needed"

    def _gate(self) -> Iterator[Block]:
        yield Heading(2, "Gate")
        last = self.record.last_statement
        if last is None:
            yield Paragraph("Not known: nobody has signed, or no statement can be read.")
            return
        state = f"closed, and signed all the same because: {last.reason}" if last.reason else "open"
        yield Paragraph(f"As {last.name} signed as {last.role}: {state}.")
        marks = {True: f"✓ {HOLDS}", False: f"✗ {HOLDS_NOT}"}
        yield from listed([f"{marks[holds]}: {rule}" for holds, rule in last.rules])

    def _set_aside(self) -> Iterator[Block]:
        yield Heading(2, "Waivers, overrides and deferrals")
        found = self.values.set_aside
        if not found:
            yield Paragraph("No item was waived, overridden, deferred or left unused.")
            return
        head = ("What", "Item", "By", "Reason", "Event")
        yield Table(head, tuple(self._aside(*one) for one in found))

    def _aside(self, checklist: ListValues, item: ItemValues, aside: AsideValues) -> _Row:
        stands = "in force" if aside.in_force else "undone" if aside.undone else "over"
        return (
            (
                aside.kind,
                stands,
                f"approved by {aside.approver}" if aside.approver else "",
                f"until {self._when(aside.until)}" if aside.until else "",
                f"due {aside.due}" if aside.due else "",
            ),
            (item.text, f"{checklist.id}/{item.id}"),
            (aside.by, self._when(aside.at)),
            aside.reason or "",
            _event(aside),
        )

    def _signatures(self) -> Iterator[Block]:
        yield Heading(2, "Signatures")
        if not self.record.signed:
            yield Paragraph("Nobody has signed yet.")
            return
        head = ("Role", "Name", "Identity and key", "When", "Signature")
        yield Table(head, tuple(self._signature(*one) for one in self.record.signed))

    def _signature(self, one: Signed, statement: Statement | None) -> _Row:
        reason = reason_of(one, statement)
        return (
            ROLE_TITLES[one.role],
            name_words(one),
            (one.identity, one.fingerprint),
            self._when(one.wall),
            (
                "SSH signature" if one.signature else "not signed",
                f"over content {one.content[:_SHORT]}",
                f"event {one.event}",
                "" if statement is not None else "its statement cannot be read",
                f"BREAK-GLASS: {reason}" if reason else "",
            ),
        )

    def _list(self, checklist: ListValues) -> Iterator[Block]:
        counts = Counter(item.state for item in checklist.items)
        said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        yield Heading(3, checklist.title)
        run = checklist.run or "no run"
        yield Paragraph(f"{checklist.id}, {checklist.section}, {run}: {said or 'no items'}.")
        if checklist.items:
            head = ("State", "Item", "By", "Why", "Evidence")
            yield Table(head, tuple(map(self._item, checklist.items)))
        noted = [(item, note) for item in checklist.items for note in item.notes]
        yield from listed([self._note(item, note) for item, note in noted])

    def _item(self, item: ItemValues) -> _Row:
        valid = item.state in ("passed", "attested", "stale") and item.until
        return (
            f"{_GLYPHS.get(item.state, '?')} {item.state}",
            (item.text, item.id),
            (item.by or "", self._when(item.at)),
            item.why or "",
            (
                *_event(item),
                f"evidence {item.evidence[:_SHORT]}" if item.evidence else "",
                *self._found(item),
                f"valid until {self._when(item.until)}" if valid else "",
            ),
        )

    def _found(self, item: ItemValues) -> Iterator[str]:
        """What was expected and what was found, as far as that is known."""
        looked = self.evidence.get(item.event or "")
        if looked is None:
            return
        for one in looked.expect:
            mark = "✓" if one.holds else "✗"
            yield shortened(f"{mark} {one.expression}: found {one.found}", _LONGEST_FOUND)
        if looked.cause:
            yield shortened(f"? {looked.cause}", _LONGEST_FOUND)

    def _note(self, item: ItemValues, note: NoteValues) -> str:
        kind = "skipped" if note.skipped else "note"
        return f"{item.id}, {kind} of {note.by}, {self._when(note.at)}: {note.text}"


_Row = tuple[Cell, ...]


def _event(said: ItemValues | AsideValues) -> tuple[str, ...]:
    """The event and the hash of its line, in short."""
    if said.event is None:
        return ()
    line = f"line {said.line[:_SHORT]}" if said.line else "its line is not at hand"
    return (f"event {said.event}", line)


def _changed(changes: Sequence[str]) -> Iterator[Block]:
    if changes:
        yield Heading(2, "What changed since")
        yield Banner("The signatures are out of date: what was signed is no longer what is.")
        yield from listed(list(changes))
