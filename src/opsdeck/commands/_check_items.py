"""What the words after `opsdeck check` mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opsdeck.errors import UsageError

if TYPE_CHECKING:
    from opsdeck.checks.checker import Subject
    from opsdeck.deck import Deck
    from opsdeck.looking import Looks


def chosen(deck: Deck, looks: Looks, items: Sequence[str]) -> list[Subject]:
    """What these addresses mean, each item once; without any, everything that has a probe."""
    if not items:
        return [s for s in looks.subjects() if not _only_by_name(looks, s)]
    found: dict[tuple[str, str, str], Subject] = {}
    for address in (item.strip().strip("/") for item in items):
        head, _, last = address.rpartition("/")
        if head and not _is_list(deck, address):
            where = _located(deck, address)
            if where.item.probe is None:
                raise UsageError(
                    f"{where.checklist.id}/{last} has no probe: a person must look at it"
                )
            subjects = [where]
        else:
            checklist = deck.catalog.checklist(address)
            run = None if checklist else deck.locate_run(address)[1]
            lists = [checklist or deck.locate_run(address)[0]]
            subjects = [s for s in looks.subjects(lists, run) if not _only_by_name(looks, s)]
        found |= {(s.run, s.checklist.id, s.item.id): s for s in subjects}
    return list(found.values())


def _is_list(deck: Deck, address: str) -> bool:
    """Whether this names a list or run, were it one that was never begun, and no item in one."""
    from opsdeck.runs.cadence import parse_run

    head, _, last = address.rpartition("/")
    checklist = deck.catalog.checklist(head)
    if checklist is not None and checklist.item(last) is not None:
        return False
    return deck.catalog.checklist(address) is not None or parse_run(address) is not None


def _located(deck: Deck, address: str) -> Subject:
    """The item of an address; one of a release list also while no release is open."""
    from opsdeck.checks.checker import Subject

    head, _, last = address.rpartition("/")
    checklist = deck.catalog.checklist(head)
    item = checklist.item(last) if checklist else None
    if checklist is not None and item is not None:
        return Subject(checklist, item, deck.current_run(checklist) or "")
    where = deck.locate(address)
    return Subject(where.checklist, where.item, where.run)


def _only_by_name(looks: Looks, subject: Subject) -> bool:
    """Whether checking it sends a burst of requests, which is only done when asked for."""
    from opsdeck.probes.registry import consent_of

    consent = consent_of(subject.probe)
    return consent is not None and consent.kind == "burst"
