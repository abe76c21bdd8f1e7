"""How a release is told on the command line: where it stands, its form, who signed it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from opsdeck.deck import Deck
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Release as Started
from opsdeck.signoff.model import FIELD_TITLES, FIELDS, ROLE_TITLES, ROLES, Release, Signed
from opsdeck.signoff.releases import head_of
from opsdeck.text import visible, visible_lines

_LABEL = max(map(len, (*FIELD_TITLES.values(), *ROLE_TITLES.values()))) + 2


def origin(deck: Deck, one: Started) -> str:
    """Who started it, and when."""
    at = parse_wall(one.at)
    return visible(f"{one.by}, {_moment(deck, at) if at else one.at}")


def standing(deck: Deck, one: Release) -> str:
    """`open, current`, `signed off 2026-11-23 02:38 UTC`, `abandoned 2026-11-23 02:38 UTC: why`."""
    current = ", current" if deck.release() == one.name else ""
    when = f" {_moment(deck, one.ended_at)}" if one.ended_at else ""
    match one.state:
        case "signed":
            return f"signed off{when}{current}"
        case "abandoned":
            return visible(f"abandoned{when}: {one.why}")
    return f"open{current}"


def still_open(deck: Deck, but: str) -> list[str]:
    """The other releases that are open, the one started last first."""
    names = [one.name for one in deck.releases() if one.name != but]
    return [name for name in names if head_of(deck.state, name).state == "open"]


def form_lines(deck: Deck, one: Release) -> Iterator[str]:
    """The filled lines of the form, and who signed in which role."""
    for field in FIELDS:
        yield from _labelled(FIELD_TITLES[field], visible_lines(one.said(field)))
    content = one.signatures[-1].content if one.signatures else ""
    signed = one.over(content)
    for role in ROLES if signed else ():
        words = [_signature(deck, each) for each in signed if each.role == role]
        yield from _labelled(ROLE_TITLES[role], words or ["nobody yet"])
    if one.complete and one.complete != content:
        yield visible(f"  signed off before on another content: `opsdeck signoff show {one.name}`")


def changed_lines(deck: Deck, one: Release) -> Iterator[str]:
    """That a release is no longer what was signed, where somebody has signed it."""
    if not one.signatures:
        return
    from opsdeck.known_signoffs import KnownSignoffs

    changed = KnownSignoffs(deck, deck.environ).look(one.name).changes
    if changed:
        what = "1 thing has" if len(changed) == 1 else f"{len(changed):,} things have"
        hint = visible(f"`opsdeck signoff show {one.name}`")
        yield f"  SIGNATURES OUT OF DATE: {what} changed since: {hint}"


def _labelled(label: str, lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"  {label if number == 0 else '':<{_LABEL}}{line}".rstrip()


def _signature(deck: Deck, one: Signed) -> str:
    words = f"{one.by}, {_moment(deck, one.at) if one.at else one.wall}"
    if not one.signature:
        words += ", name only: not signed"
    if one.reason:
        words += f", against a closed gate: {one.reason}"
    return visible(words)


def _moment(deck: Deck, at: datetime) -> str:
    return f"{at.astimezone(deck.zone):%Y-%m-%d %H:%M %Z}"
