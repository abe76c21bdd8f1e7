"""The line under the header of a checklist: how far it is, what is in the way, when it is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsdeck.deck import Deck
from opsdeck.runs.progress import RunView
from opsdeck.runs.read_do import Order
from opsdeck.runs.status import ItemState
from opsdeck.screens.wording import occasion, span
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs, bar
from opsdeck.widgets.lines import Line, Part, cut

if TYPE_CHECKING:
    from opsdeck.screens.checking import Checking

_COUNTED: tuple[tuple[ItemState, str], ...] = (
    ("failed", "bad"),
    ("stale", "warn"),
    ("unknown", "warn"),
    ("deferred", "warn"),
    ("overridden", "warn"),
    ("open", ""),
)


def progress_line(
    view: RunView, deck: Deck, glyphs: Glyphs, query: str, order: Order, width: int
) -> Line:
    """Bar, count, what is in the way, the filter that is set, and how the run stands."""
    parts = [
        Part(f" {bar(glyphs, view.done, view.total)} ", "bar"),
        Part(f"{view.done}/{view.total}"),
    ]
    if view.checklist.read_do:
        parts.append(Part("   read-do", "accent"))
    if order.skipped:
        parts.append(Part(f"   {len(order.skipped)} skipped", "warn"))
    for state, style in _COUNTED:
        count = view.count(state)
        parts += [Part(f"   {count} {state}", style)] if count else []
    if query:
        parts.append(Part(f"   filter: {glyphs.plain(visible(query))}", "accent"))
    standing = glyphs.plain(_standing(view, deck))
    parts += [Part(f"   {standing}", "dim")] if standing else []
    return cut(tuple(parts), width - 1, glyphs.ellipsis)


def checking_line(checking: Checking, glyphs: Glyphs, width: int) -> Line:
    """How far the looks are that are under way."""
    parts = [
        Part(f" {bar(glyphs, checking.done, checking.total)} ", "accent"),
        Part(f"checking {checking.done} of {checking.total}"),
    ]
    if checking.failed:
        parts.append(Part(f"   {checking.failed} failed", "bad"))
    parts.append(Part("   esc stops", "dim"))
    return cut(tuple(parts), width - 1, glyphs.ellipsis)


def _standing(view: RunView, deck: Deck) -> str:
    if view.run is None:
        return "no release is open: R starts one"
    if view.over:
        word = view.state if view.state != "open" else "missed"
        return f"{word}; ended with {occasion(view.run)}; P goes on"
    if view.state == "complete except deferred":
        return view.state
    done = "complete" if view.state == "complete" else ""
    if view.due:
        return f"due in {span(deck.now(), view.due)}"
    if view.checklist.cadence == "release":
        lists = [c.id for c in deck.catalog.checklists if c.cadence == "release"]
        if view.checklist.id in lists:
            place = f"list {lists.index(view.checklist.id) + 1} of {len(lists)} in this release"
            return f"{done}; {place}" if done else place
    return done
