"""What is due, on the Deck: a row for each list or release, with how far it is and what is next."""

from __future__ import annotations

from rich.cells import cell_len

from opsdeck.deck import Deck
from opsdeck.runs.overview import Due, due_lines
from opsdeck.runs.progress import RunView
from opsdeck.screens.wording import NARROW, span
from opsdeck.signoff.model import Release
from opsdeck.signoff.standings import waits_for
from opsdeck.text import plural, visible
from opsdeck.widgets.glyphs import Glyphs, bar
from opsdeck.widgets.lines import Part, Row, cut, fit

MOST_OTHERS = 2
"""So many releases that are not the current one are named, of those that somebody has signed."""
_TITLE_CELLS, _SHORT_TITLE_CELLS = 25, 12
_BODY_CELLS = 9
"""Where a release's words leave less than this, its bar makes room for them."""


def due_rows(deck: Deck, views: list[RunView], width: int, glyphs: Glyphs) -> list[Row]:
    """The current runs, and after the current release others that wait for a signature."""
    rows: list[Row] = []
    for due in due_lines(views):
        if due.cadence != "release":
            rows.append(_list_row(deck, due, width, glyphs))
            continue
        standing = deck.standings().get(deck.release() or "")
        if standing is None:
            rows.append(_no_release_row(due, width, glyphs))
            continue
        rows.append(_release_row(standing, due, _beside(deck, standing), width, glyphs))
        for other in _others(deck, standing)[:MOST_OTHERS]:
            theirs = Due(
                "release", tuple(deck.view(v.checklist, _run(other, v)) for v in due.views)
            )
            rows.append(_release_row(other, theirs, "", width, glyphs, always_signoff=True))
    return rows


def _list_row(deck: Deck, due: Due, width: int, glyphs: Glyphs) -> Row:
    view, right = due.next_view, ""
    title = visible(view.checklist.title)
    if due.cadence == "standing":
        title = f"Standing, {plural(len(due.views), 'list')}"
    if due.done == due.total:
        body = "complete"
    elif due.cadence == "standing":
        body = f"next: {visible(view.checklist.title)}"
    else:
        body = _open_words(view)
    if view.due is not None:
        word = "next" if due.done == due.total else "due"
        right = f"{word} in {span(deck.now(), view.due)}"
    progress = _progress(due, glyphs) if width >= NARROW else ()
    return _row(
        title, progress, _count(due), body, right, f"list {view.checklist.id}", glyphs, width
    )


def _no_release_row(due: Due, width: int, glyphs: Glyphs) -> Row:
    """Nothing was done in a release that does not exist, whatever the team does not use."""
    key = f"list {due.next_view.checklist.id}"
    progress = (Part(bar(glyphs, 0, 1), "bar"),) if width >= NARROW else ()
    count = " " * len(_count(due))
    return _row("Release", progress, count, "none is open: R starts one", "", key, glyphs, width)


def _release_row(
    one: Release,
    due: Due,
    beside: str,
    width: int,
    glyphs: Glyphs,
    *,
    always_signoff: bool = False,
) -> Row:
    """A release: enter leads to its sign-off once its items are done, else to the next list."""
    title = f"Release {visible(one.name)}"
    if cell_len(title + beside) <= _title_cells(width):
        title += beside
    ready = due.total > 0 and _left(due) == 0
    body = _aside(due) if ready else f"next: {visible(due.next_view.checklist.title)}"
    right = waits_for(one) if ready or one.signatures else ""
    key = f"list {due.next_view.checklist.id}"
    if ready or always_signoff:
        key = f"signoff {one.name}"
    progress = _progress(due, glyphs) if width >= NARROW else ()
    room = width - 4 - _title_cells(width) - len(_count(due)) - cell_len(right) - 2
    if right and room - sum(cell_len(part.text) for part in progress) < _BODY_CELLS:
        progress = ()
    return _row(title, progress, _count(due), body, right, key, glyphs, width)


def _row(
    title: str,
    progress: tuple[Part, ...],
    count: str,
    body: str,
    right: str,
    key: str,
    glyphs: Glyphs,
    width: int,
) -> Row:
    head = f"   {fit(glyphs.plain(title), _title_cells(width), glyphs.ellipsis)} "
    taken = cell_len(head) + sum(cell_len(part.text) for part in progress) + len(count)
    right = f" {right} " if right else " "
    body = fit(glyphs.plain(f" {body}"), width - taken - cell_len(right), glyphs.ellipsis)
    parts = (Part(head), *progress, Part(count, "strong"), Part(body, "dim"), Part(right))
    return Row(cut(parts, width, glyphs.ellipsis), key)


def _title_cells(width: int) -> int:
    return _TITLE_CELLS if width >= NARROW else _SHORT_TITLE_CELLS


def _progress(due: Due, glyphs: Glyphs) -> tuple[Part, ...]:
    return (Part(bar(glyphs, due.done, due.total), "bar"),)


def _count(due: Due) -> str:
    return f" {due.done:>3}/{due.total:<3} "


def _left(due: Due) -> int:
    """How many items are neither done nor put off."""
    return due.total - due.done - sum(view.count("deferred") for view in due.views)


def _aside(due: Due) -> str:
    """What of a release was set aside; `complete` where nothing was."""
    counts = {
        state: sum(view.count(state) for view in due.views)
        for state in ("overridden", "waived", "deferred")
    }
    return ", ".join(f"{n} {state}" for state, n in counts.items() if n) or "complete"


def _beside(deck: Deck, current: Release) -> str:
    """That the current release is signed off, or how many others are open; "" for neither."""
    if current.state == "signed":
        return ", signed"
    others = sum(one.state == "open" for one in deck.standings().values()) - 1
    return f", {plural(others, 'other')}" if others > 0 else ""


def _others(deck: Deck, current: Release) -> list[Release]:
    """Other open releases that somebody has signed and that wait for somebody."""
    found = deck.standings().values()
    return [one for one in found if one is not current and one.signatures and waits_for(one)]


def _run(one: Release, view: RunView) -> str:
    return f"release/{one.name}/{view.checklist.id}"


def _open_words(view: RunView) -> str:
    words = [f"{n} {state}" for state, n in sorted(view.counts.items()) if state == "failed"]
    if view.state == "not started":
        return "not begun"
    return ", ".join([*words, f"{view.total - view.done} to do"])
