"""What S and b do on the sign-off screen: in which role, why, and the clear word for one text."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from textual.screen import ModalScreen

from opsdeck.errors import OpsDeckError, UsageError
from opsdeck.journal.writing import Draft
from opsdeck.probes.blocking import in_thread
from opsdeck.screens.confirm import Confirm
from opsdeck.screens.pick import Pick
from opsdeck.screens.prompt import Answers, Field, Prompt
from opsdeck.screens.reader import Reader
from opsdeck.screens.signoff_seal import sealed, unchanged, write_record
from opsdeck.signing import Seen
from opsdeck.signoff.model import ROLE_TITLES, Role
from opsdeck.signoff.sentences import lacking
from opsdeck.text import visible, visible_lines
from opsdeck.widgets.lines import Line, Part, Row, wrap

if TYPE_CHECKING:
    from opsdeck.screens.signoff_panes import SignoffPanes
    from opsdeck.signoff.prepared import Chosen, Prepared

NOTHING = "nothing is signed"


class GivenUpError(Exception):
    """The operator wants no signature, or is no longer at the screen that asked for one."""


async def sign_release(screen: SignoffPanes, name: str, *, broken: bool) -> bool:
    """Ask in which role and for the clear word, sign, record; whether it is signed now."""
    signing, host = screen.signing, screen.host
    try:
        prepared, signature = await _signed(screen, name, broken=broken)
    except GivenUpError:
        host.say(NOTHING)
        return False
    except OpsDeckError as error:
        _refused(screen, str(error))
        return False
    if not await host.commit(*prepared.drafts(signing.rules, signature)):
        screen.owed[name] = prepared.text
        host.say(f"{name} is not signed until it is saved: ctrl+r tries again", "bad")
        return False
    await write_record(screen, name, prepared.statement)
    return True


async def _signed(screen: SignoffPanes, name: str, *, broken: bool) -> tuple[Prepared, str]:
    """What was signed, and the signature ("" where names are recorded); raises GivenUpError."""
    signing = screen.signing
    seen = await screen.look(name)
    if seen.open_to(signing.rules, screen.deck.operator):
        signing.check_gate(seen, broken=broken)  # before anything is asked that comes to nothing
    role = await _role(screen, seen)
    reason = await _reason(screen, seen, role) if broken else ""
    signing.check(seen, role, reason)
    if role == "deployer" and not seen.release.said("date"):
        await _dated(screen, name)
        seen = await screen.look(name)
    prepared, chosen = await _prepared(screen, seen, role, reason)
    await _agreed(screen, prepared)
    signature = await sealed(screen, prepared, chosen) if chosen is not None else ""
    await unchanged(screen, seen, role, reason)
    return prepared, signature


Answer = TypeVar("Answer")


async def _asked(screen: SignoffPanes, question: ModalScreen[Answer]) -> Answer:
    """The answer to a question, which is put only to somebody who is still at the screen: in the
    midst of something else a key could be taken for it."""
    if not screen.in_front:
        raise GivenUpError
    return await screen.app.push_screen_wait(question)


def _refused(screen: SignoffPanes, why: str) -> None:
    """A page that says all of it: what is wrong, where, and what to do."""
    plain = screen.glyphs.plain
    text = why if why.startswith("not signed") else f"not signed: {why}"

    def build(width: int) -> list[Line]:
        first = "Nothing was signed, and nothing is recorded as signed."
        lines: list[Line] = [*((Part(line, "bad"),) for line in wrap(first, width)), ()]
        for said in visible_lines(text):
            lines += [(Part(line),) for line in wrap(plain(said), width)]
        return lines

    screen.host.say(text, "bad")
    if screen.in_front:
        screen.app.push_screen(Reader("Not signed", build))


async def _role(screen: SignoffPanes, seen: Seen) -> Role:
    """The role to sign in; asked for only where there are several."""
    rules, me = screen.signing.rules, screen.deck.operator
    wanted = seen.open_to(rules, me)
    if not wanted:
        missing = lacking(rules, seen.gate)
        if not missing:
            raise UsageError(f"everybody has signed {seen.release.name} already")
        whys = dict.fromkeys(seen.refusal(rules, role, me) for role in missing)
        raise UsageError("; ".join(whys))
    if len(wanted) == 1:
        return wanted[0]
    glyphs = screen.glyphs

    def rows(width: int) -> list[Row]:
        return [
            Row((Part(f" {role}  ", "strong"), Part(ROLE_TITLES[role])), role) for role in wanted
        ]

    title = f"Sign {visible(seen.release.name)} as what, {visible(me)}?"
    chosen = await _asked(screen, Pick(title, rows, glyphs, does="shows the text"))
    for role in wanted:
        if role == chosen:
            return role
    raise GivenUpError


async def _reason(screen: SignoffPanes, seen: Seen, role: Role) -> str:
    """Why the glass is broken."""
    signing = screen.signing

    def check(answers: Answers) -> None:
        if not answers["reason"].strip():
            raise UsageError("a reason is needed: it is the first line of the record")
        signing.check(seen, role, answers["reason"])

    failing = "\n".join(f"{rule.title}: {rule.detail}" for rule in seen.gate.closed_by)
    days = signing.rules.review_days
    prompt = Prompt(
        f"Break the glass: sign {visible(seen.release.name)} although the gate is closed?",
        [Field("reason", "Reason (the first line of the record)", "why it cannot wait")],
        screen.glyphs,
        about=f"What does not hold is signed with it. A review falls due in {days} business days.",
        exact=failing,
        check=check,
        keys=("go on to the text", f"no, {NOTHING}"),
    )
    answers = await _asked(screen, prompt)
    if answers is None:
        raise GivenUpError
    return answers["reason"].strip()


async def _dated(screen: SignoffPanes, name: str) -> None:
    """Ask for the date of the deployment, which is part of what is signed, and note it."""
    from opsdeck.signoff import acts

    deck = screen.deck
    today = deck.now().astimezone(deck.zone)

    def draft(answers: Answers) -> Draft:
        if not answers["date"].strip():
            raise UsageError("the form wants a date: write when it was deployed")
        return acts.change(screen.signing.release(name), {"date": answers["date"]})

    prompt = Prompt(
        f"When was {visible(name)} deployed?",
        [Field("date", "Deployment Date", "2026-11-24 02:10 to 02:32 UTC", f"{today:%Y-%m-%d}")],
        screen.glyphs,
        about="It stands on the form, and is part of what all of you sign. It is noted at once, and"
        " stays noted if you do not sign then.",
        check=draft,
        keys=("note it and go on", f"cancel, {NOTHING}"),
    )
    answers = await _asked(screen, prompt)
    if answers is None or not await screen.host.commit(draft(answers)):
        raise GivenUpError


async def _prepared(
    screen: SignoffPanes, seen: Seen, role: Role, reason: str
) -> tuple[Prepared, Chosen | None]:
    """The text to be signed, with the key that signs it (None: this deck records names only)."""
    signing, deck, host = screen.signing, screen.deck, screen.host
    host.opening = False  # an agent may take its time: keys wait for nothing
    chosen = None
    if not signing.names_only:
        host.say("looking for your key ...")
        chosen = await in_thread(partial(signing.choose, None))
    # How far the journal goes is asked before the release is looked at once more: whatever comes
    # in between is then in the content, and not the other way round.
    heads = await host.journal_thread.run(deck.journal.heads)
    again = await in_thread(partial(signing.changed_since, seen, signing.plan_again(seen)))
    if again:
        raise UsageError(f"{seen.release.name} is being changed ({again[0]}): press S again")
    if chosen is None:
        return signing.prepare(seen, role, reason, None, "", heads), None
    return signing.prepare(seen, role, reason, chosen.key, chosen.identity, heads), chosen


async def _agreed(screen: SignoffPanes, prepared: Prepared) -> None:
    """The operator's clear word for exactly this text; raises GivenUpError without it."""
    one = prepared.statement
    about = (
        f"As {one.role}, with {one.key} as {one.identity}."
        if one.key
        else ("This deck records names only: your name is recorded, NOTHING IS SIGNED.")
    )
    question = Confirm(
        f"Sign {visible(one.release)} as {one.role}?" if one.key else "Record your name?",
        about,
        [(f"What {'you sign' if one.key else 'is recorded'}, to the letter", prepared.text)],
        screen.glyphs,
        yes="sign it" if one.key else "record it",
    )
    if await _asked(screen, question) != "yes":
        raise GivenUpError
