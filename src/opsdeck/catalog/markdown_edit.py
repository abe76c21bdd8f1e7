"""Changes to an existing `checklists.toml`, made so that all that people wrote stays."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, InlineTable, Item, Key, Null, Table, Whitespace

from opsdeck.catalog.markdown_toml import toml_checklist, toml_keys, toml_value
from opsdeck.errors import DataError

Values = dict[str, Any]

SOURCE_COMMENT = "imported from "
"""What the comment behind a checklist's header begins with."""


@dataclass(slots=True)
class ListEdit:
    """What changes in one checklist on file; positions are those before any change.

    A value of None takes the key away. `inserts` holds, by the position before which they
    go, the new items.
    """

    keys: Values = field(default_factory=dict)
    items: dict[int, Values] = field(default_factory=dict)
    inserts: dict[int, list[Values]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys or self.items or self.inserts)


@dataclass(slots=True)
class Edits:
    """All changes of one merge: to checklists by position, and (keys, items) of new ones."""

    lists: dict[int, ListEdit] = field(default_factory=dict)
    new: list[tuple[Values, list[Values]]] = field(default_factory=list)


class ExistingFile:
    """A `checklists.toml` that is to be merged into.

    Raises DataError, with line and column, when it is not TOML, and when its checklists are
    not written in a way that can be edited.
    """

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._bom = "\ufeff" if text.startswith("\ufeff") else ""
        self._text = text.removeprefix("\ufeff")
        try:
            self.data = tomllib.loads(self._text)
            self._document = tomlkit.parse(self._text)
        except tomllib.TOMLDecodeError as error:
            raise DataError(
                f"{name}: not valid TOML: {error}. Nothing was imported; correct it first."
            ) from None
        except (TOMLKitError, RecursionError) as error:
            raise self._not_editable(str(error)) from None
        self.lists = self._tables(self.data, "checklist", "")
        for index, checklist in enumerate(self.lists):
            self._tables(checklist, "item", f" {checklist.get('id') or index + 1}")

    def source_of(self, index: int) -> str | None:
        """What the comment behind a checklist's header says it was imported from."""
        table = self._list_at(index)
        comment = table.trivia.comment if isinstance(table, Table) else ""
        _, found, source = comment.partition(SOURCE_COMMENT)
        return source.strip() if found else None

    def edited(self, edits: Edits, source: str) -> str:
        """The text with the edits made; new checklists are marked as imported from `source`."""
        expected = _apply(self.lists, edits)
        if not self._text.endswith("\n") and self._text:
            self._document = tomlkit.parse(self._text + "\n")
        # Tables of other names between the checklists would be moved behind them.
        if not tomlkit.dumps(self._document).startswith(self._text):
            raise self._not_editable("its [[checklist]] tables do not stand together")
        try:
            for index, edit in edits.lists.items():
                _edit_list(self._list_at(index), edit)
            text = self._with_new(tomlkit.dumps(self._document), edits, source)
            done = tomllib.loads(text)
        except (TOMLKitError, tomllib.TOMLDecodeError, ValueError, TypeError) as error:
            raise self._not_editable(str(error)) from None
        # Whatever the shape of the file, an edit that touched anything else is not let out.
        if not _same(done, {**self.data, "checklist": expected}):
            raise self._not_editable("the edited text would not say the same")
        if "\r\n" in self._text and "\n" not in self._text.replace("\r\n", ""):
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return self._bom + text

    def _with_new(self, text: str, edits: Edits, source: str) -> str:
        if not edits.new:
            return text
        comment = SOURCE_COMMENT + source
        parts = [toml_checklist(keys, items, comment) for keys, items in edits.new]
        text = text.rstrip()
        return "\n".join([text + "\n", *parts] if text else parts)

    def _list_at(self, index: int) -> Any:
        lists: Any = self._document["checklist"]
        if len(lists) != len(self.lists):
            raise self._not_editable("its [[checklist]] tables do not stand together")
        return lists[index]

    def _tables(self, data: Mapping[str, Any], key: str, place: str) -> list[Values]:
        found = data.get(key, [])
        if isinstance(found, list) and all(isinstance(entry, dict) for entry in found):
            return found
        where = f"checklist{place}, key {key}" if place else f"key {key}"
        raise DataError(
            f"{self._name}: {where}: must be an array of tables"
            f" ([[{'checklist.item' if place else 'checklist'}]]). Nothing was imported."
        )

    def _not_editable(self, reason: str) -> DataError:
        return DataError(
            f"{self._name}: cannot be edited as it is written ({reason}). Nothing was imported;"
            " import into another file, or write its checklists as [[checklist]] tables."
        )


def _apply(lists: list[Values], edits: Edits) -> list[Values]:
    """What the edits make of the plain data."""
    result = [dict(checklist) for checklist in lists]
    for index, edit in edits.lists.items():
        checklist = result[index]
        _set_plain(checklist, edit.keys)
        items = [dict(item) for item in checklist.get("item", [])]
        for position, values in edit.items.items():
            _set_plain(items[position], values)
        for position in sorted(edit.inserts, reverse=True):
            items[position:position] = edit.inserts[position]
        if items:
            checklist["item"] = items
    for keys, items in edits.new:
        result.append({**keys, "item": items})
    return result


def _set_plain(table: Values, values: Values) -> None:
    for key, value in values.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value


def _edit_list(checklist: Any, edit: ListEdit) -> None:
    """Make the edits of one checklist in the tomlkit document."""
    _set(checklist, edit.keys)
    items = checklist.get("item")
    for position, values in edit.items.items():
        _set(items[position], values)
    for position in sorted(edit.inserts, reverse=True):
        new = edit.inserts[position]
        if isinstance(items, AoT):
            _insert_tables(checklist, items, position, new)
        elif isinstance(items, Array):
            for offset, values in enumerate(new):
                items.insert(position + offset, _inline(values))
        elif isinstance(checklist, Table):
            _first_tables(checklist, new)
        else:
            checklist["item"] = [_inline(values) for values in new]


def _set(table: Any, values: Values) -> None:
    """Set keys; blank lines and comments at the end stay with what follows them."""
    new_key = any(value is not None and key not in table for key, value in values.items())
    tail = _take_tail(table) if new_key and isinstance(table, Table) else []
    for key, value in values.items():
        if value is None:
            table.remove(key)
        elif isinstance(table, InlineTable):
            table[key] = value
        else:
            table[key] = tomlkit.value(toml_value(value))
    _give_tail(table, tail)


def _insert_tables(checklist: Any, items: AoT, position: int, new: list[Values]) -> None:
    """Insert `[[checklist.item]]` tables; what stood before the next header stays before it."""
    tables = [_table(values) for values in new]
    tail = _take_tail(items[position - 1]) if position else _take_lead(checklist, items)
    for offset, table in enumerate(tables):
        items.insert(position + offset, table)
    _give_tail(tables[-1], tail)


def _first_tables(checklist: Table, new: list[Values]) -> None:
    """Give a checklist that has no items its first ones."""
    checklist.pop("item", None)
    tail = _take_tail(checklist)
    tables = [_table(values) for values in new]
    items = tomlkit.aot()
    for table in tables:
        items.append(table)
    checklist.append("item", items)
    _give_tail(tables[-1], tail)


def _table(values: Values) -> Table:
    table = tomlkit.table()
    for key, value in tomlkit.parse(toml_keys(values)).body:
        table.append(key, value)
    table.trivia.indent = "\n"
    return table


def _inline(values: Values) -> InlineTable:
    table = tomlkit.inline_table()
    table.update(values)
    return table


def _take_tail(table: Table) -> list[tuple[Key | None, Item]]:
    """Take off the blank lines and comments that end a table and belong to what follows it."""
    body = _last_body(table)
    start = _tail_start(body, len(body))
    tail = body[start:]
    del body[start:]
    return tail


def _take_lead(checklist: Any, items: AoT) -> list[tuple[Key | None, Item]]:
    """Take off the blank lines and comments between a checklist's keys and its first item."""
    body: list[tuple[Key | None, Item]] = checklist.value.body
    end = next((i for i, (_, entry) in enumerate(body) if entry is items), 0)
    start = _tail_start(body, end)
    lead = body[start:end]
    # The container knows its keys by position, so the places are emptied, not removed.
    body[start:end] = [(None, Null())] * len(lead)
    return lead


def _tail_start(body: list[tuple[Key | None, Item]], end: int) -> int:
    """Where, before `end`, the blank lines and comments begin that belong to what follows.

    A comment right below the last key is about that key where a blank line follows it.
    """
    start = end
    while start and body[start - 1][0] is None:
        start -= 1
    blank = (i for i in range(start, end) if isinstance(body[i][1], Whitespace))
    return next(blank, start)


def _give_tail(table: Any, tail: list[tuple[Key | None, Item]]) -> None:
    if tail:
        _last_body(table).extend(tail)


def _last_body(table: Table) -> list[tuple[Key | None, Item]]:
    """The entries of the table, or of the sub-table that is written last in it."""
    while True:
        container: Container = table.value
        last = container.body[-1][1] if container.body else None
        if isinstance(last, AoT) and len(last):
            last = last[len(last) - 1]
        if not isinstance(last, Table):
            return container.body
        table = last


def _same(one: Any, other: Any) -> bool:
    """Equality of parsed TOML in which every nan equals itself, whatever the order of keys."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(type(one) is type(other) and (one == other or (one != one and other != other)))
