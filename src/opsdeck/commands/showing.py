"""What `opsdeck list` prints, for people and as JSON. Knows no Click: see `opsdeck.cli`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from opsdeck.catalog.model import Checklist
from opsdeck.commands.door import Door
from opsdeck.commands.output import say, say_json
from opsdeck.commands.table import columns, width
from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.reports.objects import checklist_object, item_objects, run_object
from opsdeck.runs.progress import RunView
from opsdeck.runs.status import ItemState, Status
from opsdeck.text import cut, visible


def show_checklists(door: Door, *, as_json: bool = False) -> None:
    """Every checklist and how its current run stands, under the headings of its sections."""
    deck = door.deck()
    views = [deck.view(checklist) for checklist in deck.catalog.checklists]
    if as_json:
        say_json([checklist_object(view) for view in views])
        return
    rows = [(v.checklist.id, _progress(v), v.state, v.checklist.title) for v in views]
    lines = iter(columns(rows, width()))
    for section, group in groupby(views, key=lambda v: v.checklist.section):
        _heading(section)
        for _ in group:
            say(next(lines))


def show_items(
    door: Door,
    words: Sequence[str] = (),
    *,
    states: Sequence[ItemState] = (),
    run: str | None = None,
    as_json: bool = False,
) -> None:
    """The items of the checklists or runs that the words name, else of all checklists.

    Raises UsageError with every word that names none.
    """
    deck = door.deck()
    views = _views(deck, words, run)
    kept = [(view, _in_state(view, states)) for view in views]
    if as_json:
        say_json([one for view, places in kept for one in item_objects(view, deck.state, places)])
        return
    limit = width()
    shown = [(view, places) for view, places in kept if places or not states]
    for number, (view, places) in enumerate(shown):
        if number:
            say()
        _show_items_of(deck, view, places, limit)
    if not shown:
        say(f"no item is {' or '.join(states)}")


def show_runs(door: Door, *, as_json: bool = False) -> None:
    """Every run in which anything was said, every current one, and those just missed."""
    deck = door.deck()
    known: dict[str, Checklist] = {}
    for checklist in deck.catalog.checklists:
        for current in (deck.current_run(checklist), deck.previous_run(checklist)):
            if current:
                known[current] = checklist
    for key, name in deck.runs():
        found = deck.catalog.checklist(name.checklist)
        if found is not None:
            known[key] = found
    views = [deck.view(known[key], key) for key in sorted(known)]
    if as_json:
        say_json([run_object(view) for view in views])
        return
    rows = [(v.run or "", _progress(v), v.state, _due(deck, v)) for v in views]
    for line in columns(rows, width(), 0):
        say(line)


def _views(deck: Deck, checklists: Sequence[str], run: str | None) -> list[RunView]:
    """The runs that are meant; each word that means none is reported."""
    from opsdeck.commands.meant import runs_meant

    if run is not None:
        meant = runs_meant(deck, run)
        unknown = [c for c in checklists if deck.catalog.checklist(c) is None]
        for word in unknown:
            deck.locate_run(word)
        return [deck.view(c, key) for c, key in meant if not checklists or c.id in checklists]
    if not checklists:
        return [deck.view(checklist) for checklist in deck.catalog.checklists]
    found: dict[tuple[str, str | None], RunView] = {}
    problems = []
    for word in checklists:
        checklist = deck.catalog.checklist(word)
        try:
            pairs = [(checklist, None)] if checklist else runs_meant(deck, word)
        except UsageError as error:
            problems.append(str(error))
            continue
        for one, key in pairs:
            view = deck.view(one, key)
            found.setdefault((one.id, view.run), view)
    if problems:
        raise UsageError("\n".join(problems))
    return list(found.values())


def _in_state(view: RunView, states: Sequence[ItemState]) -> list[int]:
    """Places of the items that are in one of the states; without any given, of all."""
    return [n for n, s in enumerate(view.statuses) if not states or s.state in states]


def _show_items_of(deck: Deck, view: RunView, places: Sequence[int], limit: int | None) -> None:
    checklist = view.checklist
    run = view.run or "no release is open"
    _heading(f"{checklist.title}  {run}  {_progress(view)} {view.state}", limit)
    rows = [
        (
            view.statuses[n].state,
            checklist.items[n].id,
            _who(deck, view.statuses[n]),
            checklist.items[n].text,
        )
        for n in places
    ]
    for line in columns(rows, limit):
        say(line)


def _who(deck: Deck, status: Status) -> str:
    if not status.by or status.at is None:
        return status.by
    return f"{status.by} {status.at.astimezone(deck.zone):%m-%d %H:%M}"


def _heading(text: str, limit: int | None = None) -> None:
    line = visible(text)
    say(line if limit is None else cut(line, limit))


def _progress(view: RunView) -> str:
    return f"{view.done}/{view.total}"


def _due(deck: Deck, view: RunView) -> str:
    if view.due is None:
        return ""
    word = "ended" if view.over else "due"
    return f"{word} {view.due.astimezone(deck.zone):%Y-%m-%d %H:%M %Z}"
