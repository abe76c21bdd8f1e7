"""Keeping what a check found, and saying what of it is not kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from opsdeck.commands.output import warn
from opsdeck.signoff.acts import out_of_date
from opsdeck.text import plural

if TYPE_CHECKING:
    from opsdeck.checks.result import Result
    from opsdeck.deck import Deck
    from opsdeck.journal.writing import Draft
    from opsdeck.looking import Looks


def keep(
    looks: Looks, results: Sequence[Result], *, named: bool, watching: bool, first: bool
) -> None:
    """Put results in the journal; of a watch only what is news, and what it says the `first` time.

    Evidence for a release that is signed off makes its signatures out of date: it is recorded only
    where somebody `named` what to check.
    """
    deck = looks.deck
    signed = {} if named else {r.run: deck.signed(r.run, off=True) for r in results}
    kept = [result for result in results if not signed.get(result.run)]
    drafts = looks.drafts(kept, only_news=watching)
    if drafts:
        deck.record(*drafts)
    if first:
        _say_left(results, [r for r in results if signed.get(r.run)], signed)
        _say_signed(deck, drafts)


def _say_left(results: Iterable[Result], left: Sequence[Result], signed: dict[str, str]) -> None:
    homeless = sum(1 for result in results if not result.run)
    if homeless:
        warn(
            f"{plural(homeless, 'result')} not recorded: they are of lists walked once a"
            " release, and none is open"
        )
    for name in dict.fromkeys(signed[result.run] for result in left):
        warn(
            f"{plural(len(left), 'result')} not recorded: release {name} is signed off, and new"
            " evidence would make that out of date; `opsdeck check"
            f" release/{name}/LIST --record` records it"
        )


def _say_signed(deck: Deck, drafts: Iterable[Draft]) -> None:
    runs = (str(draft.data.get("run")) for draft in drafts)
    for name in dict.fromkeys(filter(None, map(deck.signed, runs))):
        warn(out_of_date(name))
