"""A record as TOML that people read and any parser does: always the same for the same record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opsdeck.signoff.content import sha256 as digest_of
from opsdeck.signoff.content import sums_of
from opsdeck.signoff.content_values import AsideValues, ItemValues, ListValues, NoteValues
from opsdeck.signoff.model import Role, Signed
from opsdeck.signoff.record import (
    Record,
    content_name,
    first_lines,
    name_words,
    reason_of,
    signature_name,
    state_words,
    statement_name,
    sums_name,
)
from opsdeck.signoff.statement import Statement, one_line

if TYPE_CHECKING:
    from tomlkit.container import Container
    from tomlkit.items import Item, Table

_ABOUT = (
    "Made by OpsDeck from the deck's journal: what is changed here changes nothing.",
    "Whether the signatures hold: `opsdeck signoff verify`, or VERIFY.txt of a bundle.",
)
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INVISIBLE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f"
)
"""What must not stand in a file as it is: controls, other ends of lines, marks of direction."""
_IN_LINE = re.compile(f'[\\\\"\n\t{_INVISIBLE}]')
_IN_LINES = re.compile(f'\\\\|"(?="|\\Z)|[{_INVISIBLE}]')
_FORM_NAMES: dict[Role, str] = {
    "deployer": "deployed_by",
    "verifier": "verified_by",
    "approver": "approved_by",
}

_Tables = tuple[Mapping[str, Any], ...]
_Value = str | bool | list[str] | Mapping[str, Any] | _Tables | None
"""None is left out, and so are tables of which there are none."""


def record_toml(record: Record) -> str:
    """The whole record, ending in a newline.

    Raises UsageError for a release whose name could not be that of a file.
    """
    from tomlkit import TOMLDocument
    from tomlkit.items import Comment, Trivia, Whitespace

    whole = TOMLDocument(parsed=True)
    for line in (*first_lines(record), *_ABOUT):
        whole.add(Comment(Trivia(comment=f"# {one_line(line)}")))
    whole.add(Whitespace("\n"))
    _fill(
        whole,
        {
            **_head(record),
            "form": _form(record),
            "gate": _gate(record),
            "set_aside": tuple(_aside(*found) for found in record.values.set_aside),
            "signature": tuple(_signature(record, *found) for found in record.signed),
            "list": tuple(_list(checklist) for checklist in record.values.lists),
        },
    )
    return whole.as_string()


def _head(record: Record) -> dict[str, _Value]:
    name, values = record.release.name, record.values
    return {
        "title": f"Sign-off of release {name}",
        "deck": values.deck,
        "release": name,
        "state": state_words(record),
        "break_glass": record.break_glass or None,
        "abandoned": record.release.why or None,
        "as_of": values.as_of,
        "started_at": values.started.at,
        "started_by": values.started.by or None,
        "timezone": values.timezone,
        "catalog_sha256": values.catalog,
        "content_sha256": record.sha256,
        "content_file": content_name(name, record.sha256),
        "evidence_sha256": digest_of(sums_of(record.content)),
        "evidence_file": sums_name(name, record.sha256),
    }


def _form(record: Record) -> dict[str, _Value]:
    form = record.values.form
    people: dict[str, _Value] = {
        key: [name_words(one) for one in record.of(role)] for role, key in _FORM_NAMES.items()
    }
    return {
        "deployment_date": form.date,
        **people,
        "notes": form.notes,
        "window": form.window,
        "stakeholders": form.stakeholders,
    }


def _gate(record: Record) -> dict[str, _Value]:
    last = record.last_statement
    if last is None:
        return {"state": "not known: nobody has signed, or no statement can be read"}
    return {
        "state": "closed" if last.reason else "open",
        "as_signed_by": f"{last.name} ({last.role})",
        "holds": [rule for holds, rule in last.rules if holds],
        "does_not_hold": [rule for holds, rule in last.rules if not holds],
    }


def _aside(checklist: ListValues, item: ItemValues, aside: AsideValues) -> dict[str, _Value]:
    return {
        "list": checklist.id,
        "item": item.id,
        "text": item.text,
        "kind": aside.kind,
        "by": aside.by,
        "at": aside.at,
        "reason": aside.reason,
        "approver": aside.approver,
        "until": aside.until,
        "due": aside.due,
        "in_force": aside.in_force,
        "undone": aside.undone,
        "event": aside.event,
        "line_sha256": aside.line,
    }


def _signature(record: Record, one: Signed, statement: Statement | None) -> dict[str, _Value]:
    name = record.release.name
    return {
        "role": one.role,
        "name": name_words(one),
        "signed": bool(one.signature),
        "identity": one.identity or None,
        "key": one.fingerprint or None,
        "at": one.wall,
        "break_glass": reason_of(one, statement) or None,
        "event": one.event,
        "statement_file": statement_name(name, one),
        "statement_readable": None if statement is not None else False,
        "signature_file": signature_name(name, one) if one.signature else None,
    }


def _list(checklist: ListValues) -> dict[str, _Value]:
    return {
        "id": checklist.id,
        "title": checklist.title,
        "section": checklist.section,
        "cadence": checklist.cadence,
        "run": checklist.run,
        "item": tuple(map(_item, checklist.items)),
    }


def _item(item: ItemValues) -> dict[str, _Value]:
    return {
        "id": item.id,
        "text": item.text,
        "state": item.state,
        "by": item.by,
        "at": item.at,
        "why": item.why,
        "until": item.until,
        "event": item.event,
        "line_sha256": item.line,
        "evidence_sha256": item.evidence,
        "note": tuple(map(_note, item.notes)),
    }


def _note(note: NoteValues) -> dict[str, _Value]:
    return {
        "by": note.by,
        "at": note.at,
        "text": note.text,
        "skipped": note.skipped or None,
        "event": note.event,
        "line_sha256": note.line,
    }


def _fill(made: Container, values: Mapping[str, Any]) -> None:
    """Put the values in, plain ones before tables; the container takes them as a parser's, since
    to look for the place of each would take twice the time."""
    from tomlkit.items import SingleKey

    for key, value in values.items():
        if value is not None and value != ():
            made.append(SingleKey(key), _value(value, lines=key == "notes"), validate=False)


def _value(value: Any, *, lines: bool) -> Item:
    """A value as it stands in the file; `lines` for a text that may have several."""
    from tomlkit.items import AoT, Array, Bool, Trivia

    match value:
        case str():
            return _text(value, lines=lines)
        case bool():
            return Bool(int(value), Trivia())
        case list():
            found = Array([], Trivia())
            found.extend([_text(one, lines=False) for one in value])
            return found.multiline(len(value) > 1)
        case tuple():
            return AoT([_table(one, one_of_many=True) for one in value], parsed=True)
    return _table(value, one_of_many=False)


def _table(values: Mapping[str, Any], *, one_of_many: bool) -> Table:
    from tomlkit.container import Container
    from tomlkit.items import Table, Trivia

    made = Container(parsed=True)
    _fill(made, values)
    return Table(made, Trivia(indent="\n"), one_of_many)


def _text(text: str, *, lines: bool) -> Item:
    from tomlkit.items import String, StringType, Trivia

    kept = text.encode("utf-8", "replace").decode()
    if lines:
        written = "\n" + _IN_LINES.sub(_escape, kept)
        return String(StringType.MLB, kept, written, Trivia())
    return String(StringType.SLB, kept, _IN_LINE.sub(_escape, kept), Trivia())


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    known = _ESCAPED.get(character)
    code = ord(character)
    return known or (f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}")
