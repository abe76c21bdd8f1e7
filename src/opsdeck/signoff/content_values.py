"""A content as typed values, whoever wrote it: what records and reports show of it."""

from __future__ import annotations

from typing import Any

import msgspec

from opsdeck.errors import DataError
from opsdeck.signoff.content import FORMAT
from opsdeck.text import visible


class AsideValues(msgspec.Struct, frozen=True, kw_only=True):
    """What was said in an item's stead; times are the texts that the content has."""

    kind: str
    by: str
    at: str | None
    reason: str | None
    approver: str | None
    until: str | None
    due: str | None
    in_force: bool
    undone: bool
    event: str | None
    line: str | None


class NoteValues(msgspec.Struct, frozen=True, kw_only=True):
    """A note beside an item; `skipped` when it says why the item was passed over."""

    by: str
    at: str | None
    text: str
    skipped: bool
    event: str | None
    line: str | None


class ItemValues(msgspec.Struct, frozen=True, kw_only=True):
    """An item as it stood; `line` and `evidence` are the SHA-256 of both."""

    id: str
    text: str
    sensed: bool
    valid_for_s: str | None
    state: str
    by: str | None
    at: str | None
    why: str | None
    until: str | None
    event: str | None
    line: str | None
    evidence: str | None
    set_aside: tuple[AsideValues, ...]
    notes: tuple[NoteValues, ...]


class ListValues(msgspec.Struct, frozen=True, kw_only=True):
    """A checklist and the run that counts (None: it has none)."""

    id: str
    title: str
    section: str
    cadence: str
    run: str | None
    items: tuple[ItemValues, ...]


class StartedValues(msgspec.Struct, frozen=True):
    """When a release was started, and by whom."""

    at: str | None
    by: str


class FormValues(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that are written by hand; "" where nothing was."""

    date: str = ""
    window: str = ""
    stakeholders: str = ""
    notes: str = ""


class ContentValues(msgspec.Struct, frozen=True, kw_only=True):
    """A whole content."""

    format: str
    deck: str
    timezone: str
    release: str
    started: StartedValues
    as_of: str
    catalog: str
    form: FormValues
    lists: tuple[ListValues, ...]

    @property
    def set_aside(self) -> list[tuple[ListValues, ItemValues, AsideValues]]:
        """All that was waived, overridden, deferred or left unused, in the order of the items."""
        return [
            (checklist, item, aside)
            for checklist in self.lists
            for item in checklist.items
            for aside in item.set_aside
        ]


# msgspec learns a type at its first use, and crashes where two threads teach it the same one at the
# same time: it is made to know all of these here, where there is but one.
msgspec.json.Decoder(ContentValues)


def values_of(data: dict[str, Any]) -> ContentValues:
    """The values of a content; raises DataError for what is none."""
    try:
        found = msgspec.convert(data, ContentValues)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DataError(
            f"the content of the sign-off is not as OpsDeck writes one: {visible(str(error))}"
        ) from None
    if found.format != FORMAT:
        raise DataError(
            f"the content of the sign-off is in the form {visible(found.format)[:60]!r}:"
            f" this OpsDeck knows {FORMAT}"
        )
    return found
