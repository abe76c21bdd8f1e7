"""Merge imported checklists into `checklists.toml`: ids, guides, probes and history stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from opsdeck.catalog.markdown_edit import SOURCE_COMMENT, Edits, ExistingFile, ListEdit, Values
from opsdeck.catalog.markdown_ids import free_item_id, numbered, prefixed
from opsdeck.catalog.markdown_match import FuzzyBudget, Known, Pairing, match_items
from opsdeck.catalog.markdown_text import fold
from opsdeck.catalog.markdown_toml import checklist_values, item_values, toml_checklist
from opsdeck.catalog.markdown_values import ImportedChecklist, ImportedItem

_HEADER = """\
# Checklists imported from {source} by `opsdeck import`.
#
# Import again after the Markdown has changed: texts and groups follow it, while ids and all that
# is added here stays: guides, probes, `uses`, `valid_for`, comments, order.
"""


class MergeResult(msgspec.Struct, frozen=True, kw_only=True):
    """The merged TOML text and what became of each item, by its address CHECKLIST/ITEM.

    `gone` are items of the file that the Markdown no longer has; they are still in `text`.
    """

    text: str
    added: tuple[str, ...]
    updated: tuple[str, ...]
    unchanged: tuple[str, ...]
    gone: tuple[str, ...]


def merge_into(
    existing_toml: str | None,
    imported: Sequence[ImportedChecklist],
    source_name: str,
    *,
    into_name: str = "checklists.toml",
) -> MergeResult:
    """The TOML with the imported checklists in it; None for `existing_toml` begins a file.

    Texts, groups, titles and sections follow the Markdown. A guide or note is only written
    where there is none. Everything else in the file stays as it was, and where nothing
    changes the very same text comes back. New items go behind the item that the Markdown has
    them behind.

    `into_name` names the file in messages. Raises DataError when the existing text is not
    TOML (with line and column) or cannot be edited.
    """
    source = fold(source_name)
    if existing_toml is None:
        return _fresh(imported, source)
    merge = _Merge(ExistingFile(existing_toml, into_name), imported, source)
    edits = merge.plan()
    text = existing_toml
    if edits.lists or edits.new:
        text = merge.file.edited(edits, source)
    return MergeResult(
        text=text,
        added=tuple(merge.added),
        updated=tuple(merge.updated),
        unchanged=tuple(merge.unchanged),
        gone=tuple(merge.gone),
    )


def _fresh(imported: Sequence[ImportedChecklist], source: str) -> MergeResult:
    parts = [_HEADER.format(source=source)]
    added: list[str] = []
    for checklist in imported:
        items = [item_values(item, item.id) for item in checklist.items]
        values = checklist_values(checklist, checklist.id)
        parts.append(toml_checklist(values, items, SOURCE_COMMENT + source))
        added += (f"{checklist.id}/{item.id}" for item in checklist.items)
    return MergeResult(text="\n".join(parts), added=tuple(added), updated=(), unchanged=(), gone=())


class _Merge:
    """Plans the edits of one merge, and keeps account of them."""

    def __init__(
        self, file: ExistingFile, imported: Sequence[ImportedChecklist], source: str
    ) -> None:
        self.file = file
        self.added: list[str] = []
        self.updated: list[str] = []
        self.unchanged: list[str] = []
        self.gone: list[str] = []
        self._imported = imported
        self._source = source
        self._sources = [file.source_of(index) for index in range(len(file.lists))]
        self._budget = FuzzyBudget()
        self._edits = Edits()
        self._taken = {_text(checklist, "id") for checklist in file.lists}
        self._counters: dict[str, int] = {}

    def plan(self) -> Edits:
        """The edits that bring the file up to date."""
        pairing = self._match_lists()
        for checklist, index in zip(self._imported, pairing.old_of, strict=True):
            if index is None:
                self._add_list(checklist)
            else:
                self._update_list(checklist, index)
        for index in pairing.free_old:
            if self._sources[index] == self._source:
                known = _known_items(self.file.lists[index])
                self._account_gone(_text(self.file.lists[index], "id"), known)
        return self._edits

    def _match_lists(self) -> Pairing:
        """Which checklists are the same: by title and section, then by id.

        What was imported from another file is not matched by id alone: two documents may
        both have a heading "Security".
        """
        old = [
            (_text(checklist, "id"), _text(checklist, "title"), _text(checklist, "section"), source)
            for checklist, source in zip(self.file.lists, self._sources, strict=True)
        ]
        pairing = Pairing(len(old), len(self._imported))
        pairing.by_key(old, self._imported, lambda o: o[:3], lambda n: (n.id, n.title, n.section))
        pairing.by_key(old, self._imported, lambda o: o[1:3], lambda n: (n.title, n.section))
        own = (None, self._source)
        pairing.by_key(
            old, self._imported, lambda o: o[0] or None if o[3] in own else None, lambda n: n.id
        )
        return pairing

    def _add_list(self, checklist: ImportedChecklist) -> None:
        chosen = checklist.id
        if chosen in self._taken:
            chosen = prefixed(checklist.section, checklist.id)
        if chosen in self._taken:
            chosen = numbered(checklist.id, self._taken, self._counters)
        self._taken.add(chosen)
        items = [item_values(item, item.id) for item in checklist.items]
        self._edits.new.append((checklist_values(checklist, chosen), items))
        self.added += (f"{chosen}/{item.id}" for item in checklist.items)

    def _update_list(self, checklist: ImportedChecklist, index: int) -> None:
        existing = self.file.lists[index]
        checklist_id = _text(existing, "id")
        edit = ListEdit()
        wanted = {"title": checklist.title, "section": checklist.section}
        edit.keys = {key: value for key, value in wanted.items() if existing.get(key) != value}
        known = _known_items(existing)
        items = checklist.items
        new = [Known(item.id, item.text, item.group) for item in items]
        pairing = match_items(known, new, self._budget)
        self._update_items(checklist_id, existing, items, pairing, edit)
        self._account_gone(checklist_id, [known[i] for i in pairing.free_old])
        if edit:
            self._edits.lists[index] = edit

    def _update_items(
        self,
        checklist_id: str,
        existing: Mapping[str, Any],
        items: Sequence[ImportedItem],
        pairing: Pairing,
        edit: ListEdit,
    ) -> None:
        tables: list[Values] = existing.get("item", [])
        taken = {_text(table, "id") for table in tables}
        counters: dict[str, int] = {}
        position = _first_position(pairing, len(tables))
        for item, old in zip(items, pairing.old_of, strict=True):
            if old is None:
                item_id = item.id
                if item_id in taken:
                    item_id = free_item_id(item.text, item.group, taken, counters)
                taken.add(item_id)
                edit.inserts.setdefault(position, []).append(item_values(item, item_id))
                self.added.append(f"{checklist_id}/{item_id}")
                continue
            position = old + 1
            changes = _changes(tables[old], item)
            account = self.updated if changes else self.unchanged
            account.append(f"{checklist_id}/{_text(tables[old], 'id')}")
            if changes:
                edit.items[old] = changes

    def _account_gone(self, checklist_id: str, known: Sequence[Known]) -> None:
        self.gone += (f"{checklist_id}/{item.id}" for item in known)


def _first_position(pairing: Pairing, count: int) -> int:
    """Where new items go that nothing known stands before: before the first known one."""
    known = [old for old in pairing.old_of if old is not None]
    return known[0] if known else count


def _changes(table: Mapping[str, Any], item: ImportedItem) -> Values:
    """What must change in an item on file; None takes a key away."""
    changes: Values = {}
    if table.get("text") != item.text:
        changes["text"] = item.text
    if _group(table) != item.group:
        changes["group"] = list(item.group) or None
    if item.guide and "guide" not in table:
        changes["guide"] = item.guide
    if item.note and "note" not in table:
        changes["note"] = item.note
    return changes


def _known_items(checklist: Mapping[str, Any]) -> list[Known]:
    tables: list[Values] = checklist.get("item", [])
    return [Known(_text(table, "id"), _text(table, "text"), _group(table)) for table in tables]


def _group(table: Mapping[str, Any]) -> tuple[str, ...]:
    group = table.get("group")
    return tuple(map(str, group)) if isinstance(group, list) else ()


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""
