"""Using another release, changing one, giving one up: what any screen may offer.

Each asks for what it needs, and gives whether something was recorded. They wait for forms, so they
run in workers of the app: `begin` starts one.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING

from opsdeck.errors import UsageError
from opsdeck.journal.writing import Draft
from opsdeck.screens.pick import Pick
from opsdeck.screens.prompt import Answers, Field, Prompt
from opsdeck.screens.wording import quoted, when
from opsdeck.signoff import acts
from opsdeck.signoff.model import FIELD_TITLES, Release
from opsdeck.signoff.model import Field as FormField
from opsdeck.signoff.releases import head_of, heads, release_of
from opsdeck.text import cells, visible
from opsdeck.widgets.lines import Part, Row, fit

if TYPE_CHECKING:
    from opsdeck.deck import Deck
    from opsdeck.screens.host import DeckHost

ASKED: tuple[FormField, ...] = ("date", "window", "stakeholders")
"""The fields of one line each; notes have several, and a place of their own."""

_HINTS: dict[FormField, str] = {
    "date": "2026-11-24",
    "window": "Tue 22:00 to 23:30 UTC",
    "stakeholders": "who is told: support, sales, ops@example.com",
}


def form_field(field: FormField, value: str = "", *, optional: bool = True) -> Field:
    """One line of a form for a field of the release."""
    label = FIELD_TITLES[field] + (" (may stay empty)" if optional else "")
    return Field(field, label, _HINTS.get(field, ""), value)


def begin(host: DeckHost, work: Callable[[DeckHost], Coroutine[object, object, bool]]) -> None:
    """Do one of these in a worker; keys that are typed meanwhile wait for its form."""

    async def act() -> None:
        try:
            await work(host)
        finally:
            host.opening = False

    host.opening = True
    host.run_worker(act(), group="act")


def choosable(deck: Deck) -> list[Release]:
    """The releases that may be made the current one, the one started last first."""
    found = heads(deck.state)
    return [one for one in found if not _refusal(partial(acts.choose, one, found))]


def standing(one: Release, deck: Deck) -> str:
    """How a release stands, in words: `open`, `signed off Mon 02:38`, `abandoned: "why"`."""
    ended = when(one.ended_at, deck.now(), deck.zone)
    match one.state:
        case "signed":
            return f"signed off {ended}".rstrip()
        case "abandoned":
            return f"abandoned {ended}: {quoted(one.why)}"
    return "open"


async def choose_release(host: DeckHost) -> bool:
    """Ask which release is to be the current one; whether it is another one now."""
    deck, glyphs = host.deck, host.glyphs
    others = choosable(deck)
    if not others:
        host.say("there is no other release to use: R starts one")
        return False
    cells_of_names = 2 + max(cells(visible(one.name)) for one in others)

    def row(one: Release, width: int) -> Row:
        again = "enter opens it again; " if one.state == "abandoned" else ""
        name = fit(f" {visible(one.name)} ", min(cells_of_names, width // 3), glyphs.ellipsis)
        started = f"{visible(one.started_by)} {when(one.started_at, deck.now(), deck.zone)}"
        words = f" {again}{standing(one, deck)}  (started by {started})"
        text = fit(glyphs.plain(words), max(0, width - cells(name)), glyphs.ellipsis)
        return Row((Part(name), Part(text, "dim")), one.name)

    def rows(width: int) -> list[Row]:
        return [row(one, width) for one in others]

    name = await host.push_screen_wait(
        Pick("Use which release?", rows, glyphs, does="use it: its lists are the current ones")
    )
    if name is None:
        return False
    again = head_of(deck.state, name).state == "abandoned"

    def draft() -> Draft:
        return acts.choose(head_of(deck.state, name), heads(deck.state))

    words = "is open again, and the current one" if again else "is the current one"
    return await _commit(host, draft, f"release {name} {words}")


async def abandon_release(host: DeckHost, name: str) -> bool:
    """Ask why a release is given up; whether it was."""
    deck = host.deck
    refusal = _refusal(lambda: acts.abandon(_the(deck, name), "checked before asking"))
    if refusal:
        host.say(refusal, "warn")
        return False

    def draft(answers: Answers) -> Draft:
        return acts.abandon(_the(deck, name), answers["reason"])

    prompt = Prompt(
        f"Abandon release {visible(name)}",
        [Field("reason", "Reason (kept for good)", "why it is not deployed")],
        host.glyphs,
        about="Nothing more is recorded in its lists; what was said stays readable.",
        check=draft,
        keys=("abandon it", "cancel, nothing is recorded"),
    )
    answers = await host.push_screen_wait(prompt)
    if answers is None or not await _commit(host, lambda: draft(answers), ""):
        return False
    left = deck.release()
    now = f"{left} is the current one" if left else "no release is open"
    host.say(f"release {name} abandoned; {now}", "good")
    return True


async def change_release(host: DeckHost, name: str) -> bool:
    """Ask for date, window and stakeholders; whether any of them says something else now."""
    deck = host.deck
    try:
        before = _the(deck, name)
    except UsageError as error:
        host.say(str(error), "warn")
        return False
    if before.state == "abandoned":
        host.say(acts.why_closed(before), "warn")
        return False
    shown = {field: before.said(field) for field in ASKED}

    def draft(answers: Answers) -> Draft:
        # Only what was edited here: somebody else may have changed another line meanwhile.
        given = {f: answers[f] for f in ASKED if answers[f] != shown[f]}
        return acts.change(_the(deck, name), given)

    about = "An emptied line is cleared."
    if before.signatures:
        about += " Signatures over it are out of date then."
    prompt = Prompt(
        f"Change release {visible(name)}",
        [form_field(field, shown[field]) for field in ASKED],
        host.glyphs,
        about=about,
        check=draft,
    )
    answers = await host.push_screen_wait(prompt)
    if answers is None:
        return False
    return await _commit(host, lambda: draft(answers), f"release {name} changed")


def _the(deck: Deck, name: str) -> Release:
    found = release_of(deck.state, name)
    if found is None:
        raise UsageError(f"release {name} was never started")
    return found


def _refusal(make: Callable[[], Draft]) -> str:
    try:
        make()
    except UsageError as error:
        return str(error)
    return ""


async def _commit(host: DeckHost, make: Callable[[], Draft], said: str) -> bool:
    """Record it, unless what others did meanwhile forbids it; that is then said."""
    try:
        saved = await host.commit_next(lambda: [make()])
    except UsageError as error:
        host.say(str(error), "warn")
        return False
    if saved and said:
        host.say(said, "good")
    return saved
