"""The line under the header of a checklist: how far it is, what is in the way, when it is due."""

from __future__ import annotations

from opsdeck.deck import Deck
from opsdeck.runs.progress import RunView
from opsdeck.runs.status import ItemState
from opsdeck.screens.wording import occasion, span
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs, bar
from opsdeck.widgets.lines import Line, Part

_COUNTED: tuple[tuple[ItemState, str], ...] = (
    ("failed", "bad"),
    ("stale", "warn"),
    ("unknown", "warn"),
    ("deferred", "warn"),
    ("overridden", "warn"),
    ("open", ""),
)


def progress_line(view: RunView, deck: Deck, glyphs: Glyphs, query: str) -> Line:
    """Bar, count, what is in the way, how the run stands, and the filter that is set."""
    parts = [
        Part(f" {bar(glyphs, view.done, view.total)} ", "bar"),
        Part(f"{view.done}/{view.total}"),
    ]
    for state, style in _COUNTED:
        count = view.count(state)
        parts += [Part(f"   {count} {state}", style)] if count else []
    standing = glyphs.plain(_standing(view, deck))
    parts += [Part(f"   {standing}", "dim")] if standing else []
    if query:
        parts.append(Part(f"   filter: {glyphs.plain(visible(query))}", "accent"))
    return tuple(parts)


def _standing(view: RunView, deck: Deck) -> str:
    if view.run is None:
        return "no release is open: R starts one"
    if view.over:
        word = view.state if view.state != "open" else "missed"
        return f"{word}; over since {occasion(view.run)}, kept as it was; P goes on"
    if view.state == "complete except deferred":
        return view.state
    if view.due:
        return f"due in {span(deck.now(), view.due)}"
    if view.checklist.cadence == "release":
        lists = [c.id for c in deck.catalog.checklists if c.cadence == "release"]
        if view.checklist.id in lists:
            return f"list {lists.index(view.checklist.id) + 1} of {len(lists)} in this release"
    return "complete" if view.state == "complete" else ""
