"""What an import takes out of a Markdown file: checklists and items as plain values."""

from __future__ import annotations

import msgspec

from opsdeck.catalog.model import Cadence


class ImportedItem(msgspec.Struct, frozen=True, kw_only=True):
    """One task of a task list, as plain text.

    `group` is the path of parents above it inside its checklist, outermost first. `note` says
    what the text alone does not (ticked when imported, links, cut). `guide` is what stood
    below the task.
    """

    id: str
    text: str
    group: tuple[str, ...] = ()
    note: str | None = None
    guide: str = ""


class ImportedChecklist(msgspec.Struct, frozen=True, kw_only=True):
    """One heading (or top-level list parent) that directly holds tasks."""

    id: str
    title: str
    section: str
    cadence: Cadence
    items: tuple[ImportedItem, ...]
