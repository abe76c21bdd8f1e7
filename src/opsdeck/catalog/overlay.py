"""Lay a team's checklists over the shipped ones: replace, add, hide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from opsdeck.catalog.faults import Report, did_you_mean, short
from opsdeck.catalog.model import Checklist, Item

if TYPE_CHECKING:
    from opsdeck.catalog.raw import RawCatalog, RawChecklist

_REQUIRED = ("title", "section", "cadence", "item")


def lay_over(
    beneath: Sequence[Checklist], above: RawCatalog, report: Report
) -> tuple[Checklist, ...]:
    """The checklists beneath with those of another file on top.

    First what that file omits is hidden. Then each of its checklists either changes the one with
    the same id at its place (given keys replace, items with the same id replace whole, new items
    are appended) or is added behind the last one of its section. What cannot be done goes
    into the report of the file above.
    """
    lists = _without(beneath, above.omit, report)
    for raw in above.checklists:
        place = next((n for n, known in enumerate(lists) if known.id == raw.id), None)
        if place is None:
            new = _complete(raw, [known.id for known in lists], report)
            if new is not None:
                lists.insert(_end_of_section(lists, new.section), new)
        else:
            lists[place] = _changed(lists[place], raw)
    for checklist in lists:
        if not checklist.items and any(known.id == checklist.id for known in beneath):
            report.add(
                f'nothing is left of it: omit "{checklist.id}" whole, or leave it an item',
                ("omit",),
                checklist=checklist.id,
                key="omit",
            )
    if not lists and above.omit and not above.checklists:
        report.add("hides every checklist and the file adds none", ("omit",), key="omit")
    return tuple(lists)


def _without(beneath: Sequence[Checklist], omit: Sequence[str], report: Report) -> list[Checklist]:
    """The checklists without the hidden ones; a name that hides nothing is reported."""
    known = {c.id for c in beneath} | {f"{c.id}/{i.id}" for c in beneath for i in c.items}
    hidden = set(omit)
    for name in dict.fromkeys(omit):
        if name not in known and not (name == "*" and beneath):
            hint = did_you_mean(name, sorted(known))
            report.add(
                f'"{short(name)}" is no shipped checklist or item{hint}', ("omit",), key="omit"
            )
    if "*" in hidden:
        return []
    return [
        _with_items(c, tuple(i for i in c.items if f"{c.id}/{i.id}" not in hidden))
        for c in beneath
        if c.id not in hidden
    ]


def _complete(raw: RawChecklist, known: Sequence[str], report: Report) -> Checklist | None:
    """A new checklist; what it lacks is reported. None when it has too little to be one."""
    missing = [key for key in _REQUIRED if key not in raw.given]
    path = ("checklist", raw.position)
    # A block without anything of its own is rather meant for a checklist that exists.
    near = did_you_mean(raw.id, known) if len(missing) > 1 and known else ""
    hint = near if near.startswith("; did") else ""
    for key in missing:
        what = "no items; add [[checklist.item]] blocks" if key == "item" else "it is required"
        where = " for a new checklist" if known else ""
        report.add(f"missing: {what}{where}{hint}", path, checklist=raw.id, key=key)
    if raw.title is None or raw.section is None or raw.cadence is None:
        return None
    return Checklist(
        id=raw.id,
        title=raw.title,
        section=raw.section,
        cadence=raw.cadence,
        items=raw.items,
        read_do=bool(raw.read_do),
    )


def _changed(shipped: Checklist, raw: RawChecklist) -> Checklist:
    """A checklist with what the file above gives for it."""
    items: dict[str, Item] = {item.id: item for item in shipped.items}
    items.update((item.id, item) for item in raw.items)
    return Checklist(
        id=shipped.id,
        title=raw.title or shipped.title,
        section=raw.section or shipped.section,
        cadence=raw.cadence or shipped.cadence,
        items=tuple(items.values()),
        read_do=shipped.read_do if raw.read_do is None else raw.read_do,
    )


def _with_items(checklist: Checklist, items: tuple[Item, ...]) -> Checklist:
    if len(items) == len(checklist.items):
        return checklist
    return Checklist(
        id=checklist.id,
        title=checklist.title,
        section=checklist.section,
        cadence=checklist.cadence,
        items=items,
        read_do=checklist.read_do,
    )


def _end_of_section(lists: Sequence[Checklist], section: str) -> int:
    """Where a new checklist of this section belongs."""
    places = [n for n, known in enumerate(lists) if known.section == section]
    return places[-1] + 1 if places else len(lists)
