"""Which checklist and run an address means, and what is near one that means none."""

from __future__ import annotations

from typing import Protocol

from opsdeck.catalog.model import Catalog, Checklist
from opsdeck.errors import UsageError
from opsdeck.journal.fold import State
from opsdeck.runs.cadence import RunName, parse_run


class Runs(Protocol):
    """What addresses are looked up in."""

    state: State

    @property
    def catalog(self) -> Catalog:
        """The lists that there are."""
        ...

    def current_run(self, checklist: Checklist) -> str | None:
        """The key of the run that is current; None for a release list with no release open."""
        ...


def split_address(address: str) -> tuple[str, str]:
    """The list or run of an item's address, and the item's id; raises UsageError without either."""
    head, _, item_id = address.strip().rpartition("/")
    if not head or not item_id:
        raise UsageError(
            f"{address!r} names no item: write CHECKLIST/ITEM, for example"
            " infrastructure/tls-certificate (`opsdeck list items` shows them all)"
        )
    return head, item_id


def find_run(runs: Runs, key: str) -> tuple[Checklist, str]:
    """The checklist and key that a run key, or a checklist's id, names; raises UsageError."""
    checklist = runs.catalog.checklist(key)
    if checklist is not None:
        run = runs.current_run(checklist)
        if run is None:
            raise none_open(key)
        return checklist, run
    name = parse_run(key)
    ids = [c.id for c in runs.catalog.checklists]
    if name is None:
        raise UsageError(f"there is no checklist or run {key!r}{nearest(key, ids)}")
    checklist = runs.catalog.checklist(name.checklist)
    if checklist is None:
        raise UsageError(f"there is no checklist {name.checklist!r}{nearest(name.checklist, ids)}")
    _check_occasion(runs, key, name, checklist)
    return checklist, key


def none_open(checklist: str) -> UsageError:
    """That a release list has no run, and how it gets one."""
    return UsageError(
        f"{checklist} is walked once a release, and none is open:"
        " start one with `opsdeck release start NAME`"
    )


def no_item(checklist: Checklist, item_id: str) -> UsageError:
    """That a list has no such item, and which one is near."""
    near = nearest(item_id, [i.id for i in checklist.items])
    return UsageError(f"checklist {checklist.id} has no item {item_id!r}{near}")


def nearest(word: str, known: list[str]) -> str:
    """`; did you mean …?` with what is near a word; "" where nothing is."""
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _check_occasion(runs: Runs, key: str, name: RunName, checklist: Checklist) -> None:
    fits = {"release": "release", "standing": "standing"}.get(checklist.cadence, "period")
    if name.kind != fits:
        now = runs.current_run(checklist) or f"release/NAME/{checklist.id}"
        raise UsageError(
            f"{key!r} cannot be: {checklist.id} is a {checklist.cadence} list,"
            f" its runs are called like {now}"
        )
    if name.kind == "release" and name.occasion not in runs.state.releases:
        near = nearest(name.occasion, list(runs.state.releases))
        raise UsageError(f"release {name.occasion!r} was never started{near}")
