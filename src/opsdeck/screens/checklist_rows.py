"""The rows of a checklist: group headings, then glyph and word, kind, text, who and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import NamedTuple

from rich.cells import cell_len

from opsdeck.catalog.model import Item
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Mark
from opsdeck.runs.progress import RunView
from opsdeck.runs.read_do import NO_ORDER, Order, Turn
from opsdeck.runs.status import Status
from opsdeck.screens.wording import STATE_STYLES, when
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Part, Row, fit

STATE_CELLS = 10
BY_CELLS = 8
SHORTEST_TEXT = 8


def matches(item: Item, status: Status, words: Sequence[str], turn: Turn = "") -> bool:
    """Whether every word stands somewhere in the item's text, id, group, state, turn or person."""
    if not words:
        return True
    hay = " ".join((item.text, item.id, *item.group, status.state, turn, status.by)).casefold()
    return all(word in hay for word in words)


class ItemRows:
    """Builds the rows of a list; a row is made again only when something in it changed."""

    def __init__(self, glyphs: Glyphs, zone: tzinfo) -> None:
        self._glyphs = glyphs
        self._zone = zone
        self._made: dict[str, tuple[_Basis, Row]] = {}

    def build(
        self,
        view: RunView,
        width: int,
        noted: set[str],
        query: str,
        checking: set[str],
        order: Order = NO_ORDER,
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
            turn = order.turn(item.id)
            if words and not matches(item, status, words, turn):
                continue
            if item.group != group:
                group = item.group
                if group:
                    rows.append(_group_row(group, glyphs, width))
            skip, has_note = order.skipped.get(item.id), item.id in noted
            basis = _Basis(item, status, width, today, has_note, turn, skip)
            rows.append(self._row(basis, view.as_of))
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
    turn: Turn
    skip: Mark | None


def _group_row(group: tuple[str, ...], glyphs: Glyphs, width: int) -> Row:
    text = glyphs.plain(" › ".join(visible(g) for g in group))
    return Row((Part(fit(f"   {text}", width, glyphs.ellipsis), "title"),))


def _item_row(basis: _Basis, glyphs: Glyphs, now: datetime, zone: tzinfo) -> Row:
    item, status, width, _, noted, turn, skip = basis
    ahead = turn == "ahead"
    style = STATE_STYLES[status.state] or ("dim" if ahead else "")
    head = f"   {glyphs.states[status.state]} {status.state:<{STATE_CELLS}} "
    kind = f"{glyphs.sensed if item.sensed else glyphs.manual} "
    who = f" {_who(item, status, skip, glyphs, now, zone)}"
    mark = f" {glyphs.note}" if noted else ""
    word = turn_part(turn, glyphs)
    room = width - cell_len(f"{head}{kind}{word.text}{who}{mark}") - 1
    if word.text and room < SHORTEST_TEXT:
        room, who = room + cell_len(who), ""  # the detail says it
    text = fit(glyphs.plain(visible(item.text)), room, glyphs.ellipsis)
    faded = "dim" if ahead or status.state in ("inactive", "waived") else ""
    faded = "strong" if turn == "next" else faded
    line = (Part(head, style), Part(kind, faded), word, Part(text, faded))
    return Row((*line, Part(f"{mark}{who}", "dim")), item.id)


def turn_part(turn: Turn, glyphs: Glyphs) -> Part:
    """What stands before the text of an item that is next or was skipped."""
    if turn == "next":
        return Part(f"{glyphs.next} next: ", "accent")
    if turn == "skipped":
        return Part(f"{glyphs.states['deferred']} skipped: ", "warn")
    return Part("")


def _who(
    item: Item, status: Status, skip: Mark | None, glyphs: Glyphs, now: datetime, zone: tzinfo
) -> str:
    """Who and when, as short as it can be told."""
    if skip is not None and status.state == "open":
        status = Status("open", skip, parse_wall(skip.at))
    if status.mark is None:
        return "not used here" if status.state == "inactive" else ""
    at = when(status.at, now, zone)
    if item.sensed and status.state in ("passed", "failed", "unknown"):
        return at
    by = fit(glyphs.plain(visible(status.by)), BY_CELLS, glyphs.ellipsis).rstrip()
    return f"{by} {at:>5}"
