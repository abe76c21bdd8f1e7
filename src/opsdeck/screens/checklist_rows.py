"""The rows of a checklist: group headings, then glyph and word, kind, text, who and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from rich.cells import cell_len

from opsdeck.catalog.model import Item
from opsdeck.runs.progress import RunView
from opsdeck.runs.status import Status
from opsdeck.screens.wording import STATE_STYLES, when
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Part, Row, fit

STATE_CELLS = 10
BY_CELLS = 8


def matches(item: Item, status: Status, words: Sequence[str]) -> bool:
    """Whether every word stands somewhere in the item's text, id, group, state or person."""
    if not words:
        return True
    hay = " ".join((item.text, item.id, *item.group, status.state, status.by)).casefold()
    return all(word in hay for word in words)


class ItemRows:
    """Builds the rows of a list; a row is made again only when something in it changed."""

    def __init__(self, glyphs: Glyphs, zone: tzinfo) -> None:
        self._glyphs = glyphs
        self._zone = zone
        self._made: dict[str, tuple[_Basis, Row]] = {}

    def build(
        self, view: RunView, width: int, noted: set[str], query: str, checking: set[str]
    ) -> list[Row]:
        """The list in `width` cells; `noted` are the ids of items that have notes, `checking` of
        those that a probe looks at."""
        glyphs, words = self._glyphs, query.casefold().split()
        rows: list[Row] = []
        group: tuple[str, ...] = ()
        today = view.as_of.astimezone(self._zone).date()
        for item, status in zip(view.checklist.items, view.statuses, strict=True):
            if item.id in checking:
                status = Status("checking", status.mark, status.at)
            if words and not matches(item, status, words):
                continue
            if item.group != group:
                group = item.group
                if group:
                    rows.append(_group_row(group, glyphs, width))
            rows.append(self._row(_Basis(item, status, width, today, item.id in noted), view.as_of))
        if not rows:
            said = f"   no item matches {query!r}; esc shows all" if query else "   no items"
            rows.append(Row((Part(glyphs.plain(said), "dim"),)))
        return rows

    def _row(self, basis: _Basis, now: datetime) -> Row:
        known = self._made.get(basis.item.id)
        if known is not None and known[0] == basis:
            return known[1]
        row = _item_row(basis, self._glyphs, now, self._zone)
        self._made[basis.item.id] = (basis, row)
        return row


class _Basis(NamedTuple):
    """All that a row depends on: times are told by the day."""

    item: Item
    status: Status
    width: int
    today: date
    noted: bool


def _group_row(group: tuple[str, ...], glyphs: Glyphs, width: int) -> Row:
    text = glyphs.plain(" › ".join(visible(g) for g in group))
    return Row((Part(fit(f"   {text}", width, glyphs.ellipsis), "title"),))


def _item_row(basis: _Basis, glyphs: Glyphs, now: datetime, zone: tzinfo) -> Row:
    item, status, width, _, noted = basis
    style = STATE_STYLES[status.state]
    head = f"   {glyphs.states[status.state]} {status.state:<{STATE_CELLS}} "
    kind = f"{glyphs.sensed if item.sensed else glyphs.manual} "
    who = f" {_who(item, status, glyphs, now, zone)}"
    mark = f" {glyphs.note}" if noted else ""
    room = width - cell_len(head) - cell_len(kind) - cell_len(who) - cell_len(mark) - 1
    text = fit(glyphs.plain(visible(item.text)), room, glyphs.ellipsis)
    faded = "dim" if status.state in ("inactive", "waived") else ""
    return Row(
        (Part(head, style), Part(f"{kind}{text}", faded), Part(f"{mark}{who}", "dim")), item.id
    )


def _who(item: Item, status: Status, glyphs: Glyphs, now: datetime, zone: tzinfo) -> str:
    """Who and when, as short as it can be told."""
    if status.mark is None:
        return "not used here" if status.state == "inactive" else ""
    at = when(status.at, now, zone)
    if item.sensed and status.state in ("passed", "failed", "unknown"):
        return at
    by = fit(glyphs.plain(visible(status.by)), BY_CELLS, glyphs.ellipsis).rstrip()
    return f"{by} {at:>5}"
