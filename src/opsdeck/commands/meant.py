"""Which runs a word on the command line means: a checklist, a run, or a whole release."""

from __future__ import annotations

from difflib import get_close_matches

from opsdeck.catalog.model import Checklist
from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.journal.fold import Release


def runs_meant(deck: Deck, word: str) -> list[tuple[Checklist, str]]:
    """The runs named by a run key, a checklist's id (its current run) or a release's name.

    Raises UsageError with the nearest name that there is.
    """
    word = word.strip().strip("/")
    name = word.removeprefix("release/")
    if deck.catalog.checklist(word) is None and name in deck.state.releases:
        return [
            (checklist, f"release/{name}/{checklist.id}")
            for checklist in deck.catalog.checklists
            if checklist.cadence == "release"
        ]
    if "/" not in word and deck.catalog.checklist(word) is None:
        known = [c.id for c in deck.catalog.checklists] + list(deck.state.releases)
        near = get_close_matches(word, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(
            f"there is no run, checklist, release or incident {word!r}{hint}"
            " (`opsdeck list runs`, `opsdeck release list` and `opsdeck list incidents` show"
            " what there is)"
        )
    return [deck.locate_run(word)]


def release_meant(deck: Deck, name: str | None) -> Release:
    """The release of this name, or the current one; raises UsageError where there is none."""
    if name is None:
        current = deck.release()
        if current is not None:
            return deck.state.releases[current]
        if deck.state.releases:
            raise UsageError(
                "no release is open: name one (`opsdeck release list`), start one, or open one"
                " again with `opsdeck release use NAME`"
            )
        raise UsageError("no release was ever started: start one with `opsdeck release start NAME`")
    found = deck.state.releases.get(name)
    if found is None:
        near = get_close_matches(name, list(deck.state.releases), n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ": see `opsdeck release list`"
        raise UsageError(f"release {name!r} was never started{hint}")
    return found
