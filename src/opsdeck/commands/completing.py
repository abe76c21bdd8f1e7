"""What the shell is offered when a word is completed; on any mishap nothing, and in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from opsdeck.commands.door import Door, open_door

if TYPE_CHECKING:
    from opsdeck.deck import Deck

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _quietly(words: Callable[[Door, str], Iterable[str]]) -> Complete:
    @wraps(words)
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        try:
            found = words(_door(ctx), incomplete)
            return [word for word in found if word.startswith(incomplete)]
        except Exception:  # the shell's line must not be disturbed
            return []

    return complete


def _door(ctx: click.Context) -> Door:
    """The door; where completion has not run the root command, made from its options."""
    found = ctx.find_object(Door)
    if found is not None:
        return found
    given: dict[str, Any] = ctx.find_root().params
    return open_door(given.get("config"), given.get("operator"))


@_quietly
def complete_checklist(door: Door, incomplete: str) -> Iterable[str]:
    """Ids of checklists."""
    return [checklist.id for checklist in door.catalog().checklists]


@_quietly
def complete_item(door: Door, incomplete: str) -> Iterable[str]:
    """Addresses of items: in the current runs, and in any run once the word leads into one."""
    catalog = door.catalog()
    found = [f"{c.id}/{item.id}" for c in catalog.checklists for item in c.items]
    if not incomplete or any(word.startswith(incomplete) for word in found):
        return found
    deck = door.deck()
    found += (f"{c.id}/{item.id}" for c in map(deck.listed, catalog.checklists) for item in c.items)
    for run, _ in deck.runs():
        checklist = next((c for c in catalog.checklists if c.id in run.split("/")), None)
        if checklist is not None:
            found += (f"{run}/{item.id}" for item in deck.listed(checklist, run).items)
    return list(dict.fromkeys(found))


@_quietly
def complete_run(door: Door, incomplete: str) -> Iterable[str]:
    """Run keys, checklists (for their current runs) and releases."""
    return _runs(door.deck())


@_quietly
def complete_reported(door: Door, incomplete: str) -> Iterable[str]:
    """The same, and incidents, the newest first."""
    from opsdeck.incidents.view import heads

    deck = door.deck()
    return [*_runs(deck), *(one.id for one in heads(deck.state) if one.id.isprintable())]


@_quietly
def complete_release(door: Door, incomplete: str) -> Iterable[str]:
    """Names of releases, the newest first."""
    return [release.name for release in door.deck().releases()]


@_quietly
def complete_incident(door: Door, incomplete: str) -> Iterable[str]:
    """Ids of incidents, those that are open first, then the newest first."""
    from opsdeck.incidents.view import heads

    found = sorted(heads(door.deck().state), key=lambda one: one.over)
    return [one.id for one in found if one.id.isprintable()]


@_quietly
def complete_playbook(door: Door, incomplete: str) -> Iterable[str]:
    """Ids of playbooks."""
    from opsdeck.catalog.playbooks import playbook_files

    return [word for word in playbook_files(door.config.file) if word.isprintable()]


@_quietly
def complete_step(door: Door, incomplete: str) -> Iterable[str]:
    """Ids of the steps of the playbooks that are walked in open incidents."""
    from opsdeck.catalog.playbooks import find_playbook
    from opsdeck.incidents.view import incident_of, open_heads

    deck = door.deck()
    ones = [incident_of(deck.state.incidents, head.id) for head in open_heads(deck.state)]
    books = [find_playbook(one.current, deck.config.file) for one in ones if one and one.current]
    return [step.id for book in books if book is not None for step in book.steps]


@_quietly
def complete_gauge(door: Door, incomplete: str) -> Iterable[str]:
    """Ids of the gauges of `opsdeck.toml`, and of those that were seen before."""
    from opsdeck.gauges.keeping import read_last

    last = read_last(door.home / "cache")
    seen = [kept.spec.id for kept in last.gauges] if last is not None else []
    return list(dict.fromkeys([*(spec.id for spec in door.config.gauges.specs), *seen]))


def _runs(deck: Deck) -> list[str]:
    keys = [key for key, _ in deck.runs()]
    return [*deck.state.releases, *(c.id for c in deck.catalog.checklists), *keys]
