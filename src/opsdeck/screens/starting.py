"""i: an incident begins, from a breach, from a playbook, or from nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsdeck.errors import UsageError
from opsdeck.gauges.words import breach_words, sourced_title
from opsdeck.incidents import acts
from opsdeck.journal.writing import Draft
from opsdeck.screens.prompt import Answers, Field, Prompt
from opsdeck.text import visible

if TYPE_CHECKING:
    from opsdeck.screens.host import DeckHost

TRIAGE = "something-is-wrong"
"""What is walked where nothing is known yet."""
_SEVERITY = {"critical": "critical", "warning": "high"}


def begin_incident(host: DeckHost, *, gauge: str = "", playbook: str = "") -> None:
    """Ask for the little that is needed, start it and open it."""
    host.opening = True

    async def begun() -> None:
        try:
            await _begin(host, gauge, playbook)
        except UsageError as error:
            host.say(str(error), "warn")
        finally:
            host.opening = False

    host.run_worker(begun(), group="act")


async def _begin(host: DeckHost, gauge: str, playbook: str) -> None:
    walking = host.walks.walking
    known = host.watching.board.gauge(gauge) if host.watching is not None and gauge else None
    same = [one for one in walking.incidents() if not one.over and gauge and one.gauge == gauge]
    if same:
        host.open_incident(same[0].id)
        host.say(f"{same[0].id} is open for this gauge already")
        return
    named = playbook or (known.spec.playbook or "" if known is not None else TRIAGE)
    book = walking.playbook(named)
    title, severity = "", (book.severity if book is not None else "") or "high"
    if known is not None and host.watching is not None:
        title = breach_words(known, host.watching.now(), sourced_title(known))
        severity = _SEVERITY.get(known.level or "", severity)
    elif playbook and book is not None:
        title = book.title
    fields = [
        Field("title", "What is wrong?", "one line, for everybody", title),
        Field("severity", "Severity", "critical, high, medium or low", severity),
        Field("playbook", "Playbook (may stay empty)", "its id", book.id if book else ""),
    ]

    def check(answers: Answers) -> tuple[str, list[Draft]]:
        wanted = answers["playbook"].strip()
        found = walking.playbook(wanted) if wanted else None
        if wanted and found is None:
            raise UsageError(f"there is no playbook {wanted!r}: screen 4 lists them all")
        return walking.start(
            title=answers["title"],
            severity=acts.checked_severity(answers["severity"]),
            playbook=found,
            gauge=gauge,
        )

    about = "Steps, notes, commands and gauges are kept from now on. You command it for now."
    if already := [one for one in walking.incidents() if not one.over]:
        names = ", ".join(f"{visible(one.title)} ({one.id})" for one in already[:3])
        about += f"\nOpen already: {names}. esc, and enter on it, goes on with it."
    prompt = Prompt("Start an incident", fields, host.glyphs, about=about, check=check)
    answers = await host.push_screen_wait(prompt)
    if answers is None:
        return
    identity, drafts = check(answers)
    if await host.commit(*drafts):
        host.open_incident(identity)
        host.say(f"incident {identity} is open", "good")
