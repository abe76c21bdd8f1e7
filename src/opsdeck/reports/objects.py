"""Items, checklists, runs and releases as JSON objects: the stable form that `--json` prints.

`docs/cli.md` describes every key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from opsdeck.catalog.model import Checklist, Item
from opsdeck.deck import Deck
from opsdeck.journal.clock import wall_text
from opsdeck.journal.fold import Mark, Release, State
from opsdeck.runs.progress import RunView
from opsdeck.runs.read_do import order_of
from opsdeck.runs.status import Status
from opsdeck.signoff.model import FIELDS
from opsdeck.signoff.model import Release as Standing
from opsdeck.signoff.releases import release_of


def moment(when: datetime | None) -> str | None:
    """A time as JSON has it: `2026-11-23T02:38:07.123Z`, or null."""
    return wall_text(when) if when is not None else None


def item_object(
    checklist: Checklist,
    item: Item,
    run: str | None,
    status: Status,
    skip: Mark | None = None,
) -> dict[str, Any]:
    """One item in one run (None: a release list while no release is open).

    `skip` is the one that stands for it in a read-do list.
    """
    skipped = skip and {"by": skip.by, "at": skip.at, "reason": skip.text}
    return {
        "id": item.id,
        "checklist": checklist.id,
        "section": checklist.section,
        "text": item.text,
        "guide": item.guide,
        "sensed": item.sensed,
        "uses": item.uses,
        "run": run,
        "state": status.state,
        "by": status.by or None,
        "at": moment(status.at),
        "why": status.why or None,
        "until": moment(status.until),
        "skipped": skipped,
        "valid_for_s": item.valid_for_s,
        "group": list(item.group),
        "note": item.note,
    }


def item_objects(view: RunView, state: State, places: Sequence[int]) -> list[dict[str, Any]]:
    """The items at these places of a run."""
    checklist, skipped = view.checklist, order_of(view, state).skipped
    found = []
    for place in places:
        item = checklist.items[place]
        skip = skipped.get(item.id)
        found.append(item_object(checklist, item, view.run, view.statuses[place], skip))
    return found


def checklist_object(view: RunView) -> dict[str, Any]:
    """One checklist and how its current run stands."""
    checklist = view.checklist
    return {
        "id": checklist.id,
        "title": checklist.title,
        "section": checklist.section,
        "cadence": checklist.cadence,
        "items": view.total,
        "run": view.run,
        "done": view.done,
        "state": view.state,
        "counts": dict(sorted(view.counts.items())),
        "due": moment(view.due),
    }


def run_object(view: RunView) -> dict[str, Any]:
    """One run."""
    checklist = view.checklist
    return {
        "run": view.run,
        "checklist": checklist.id,
        "cadence": checklist.cadence,
        "title": checklist.title,
        "done": view.done,
        "items": view.total,
        "state": view.state,
        "counts": dict(sorted(view.counts.items())),
        "due": moment(view.due),
    }


def release_views(deck: Deck, name: str) -> list[RunView]:
    """The lists of a release, in the catalog's order."""
    return [
        deck.view(checklist, f"release/{name}/{checklist.id}")
        for checklist in deck.catalog.checklists
        if checklist.cadence == "release"
    ]


def release_state(views: list[RunView]) -> str:
    """How the lists of a release stand together, in the words of a run."""
    states = Counter(view.state for view in views)
    for state in ("not started", "complete"):
        if states[state] == len(views):
            return state
    if states["complete"] + states["complete except deferred"] == len(views):
        return "complete except deferred"
    return "open"


def release_object(deck: Deck, release: Release, *, lists: bool = False) -> dict[str, Any]:
    """One release; with `lists` its runs too."""
    views = release_views(deck, release.name)
    one = release_of(deck.state, release.name) or Standing(name=release.name)
    found: dict[str, Any] = {
        "name": release.name,
        "at": release.at,
        "by": release.by,
        "current": deck.release() == release.name,
        "done": sum(view.done for view in views),
        "items": sum(view.total for view in views),
        "state": release_state(views),
        "standing": one.state,
        "ended_at": moment(one.ended_at),
        "ended_by": one.ended_by or None,
        "why": one.why or None,
        **{field: one.said(field) or None for field in FIELDS},
    }
    if lists:
        found["runs"] = [run_object(view) for view in views]
    return found
