"""Imported checklists as TOML text, written by hand: ten thousand items in no time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from opsdeck.catalog.markdown_values import ImportedChecklist, ImportedItem

_SPECIAL = re.compile(r'[\x00-\x1f\x7f"\\]')
_SPECIAL_IN_LINES = re.compile(r'[\x00-\x08\x0b-\x1f\x7f\\]|"(?="")|"(?=""$)|"$')
_SHORT = {
    "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\",
}  # fmt: skip


def checklist_values(checklist: ImportedChecklist, checklist_id: str) -> dict[str, Any]:
    """The keys of a `[[checklist]]` table, without its items."""
    return {
        "id": checklist_id,
        "title": checklist.title,
        "section": checklist.section,
        "cadence": checklist.cadence,
    }


def item_values(item: ImportedItem, item_id: str) -> dict[str, Any]:
    """The keys of a `[[checklist.item]]` table; empty ones are left out."""
    values: dict[str, Any] = {"id": item_id, "text": item.text}
    if item.guide:
        values["guide"] = item.guide
    if item.group:
        values["group"] = list(item.group)
    if item.note:
        values["note"] = item.note
    return values


def toml_value(value: str | list[str]) -> str:
    """A string or a list of strings as a TOML value; several lines as a multi-line string."""
    if isinstance(value, list):
        return "[" + ", ".join(_basic(entry) for entry in value) + "]"
    if "\n" not in value:
        return _basic(value)
    return '"""\n' + _SPECIAL_IN_LINES.sub(_escape, value) + '"""'


def toml_keys(values: dict[str, Any]) -> str:
    """`key = value` lines."""
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in values.items())


def toml_checklist(values: dict[str, Any], items: Iterable[dict[str, Any]], comment: str) -> str:
    """One `[[checklist]]` with its items; `comment` goes behind its header."""
    parts = [f"[[checklist]]  # {comment}\n{toml_keys(values)}"]
    parts += (f"[[checklist.item]]\n{toml_keys(item)}" for item in items)
    return "\n".join(parts)


def _basic(text: str) -> str:
    return '"' + _SPECIAL.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}"
