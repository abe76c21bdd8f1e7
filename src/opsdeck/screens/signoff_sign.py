"""What S, b, v and e do on the sign-off screen: everything that asks, waits or leaves the app."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from opsdeck.errors import OpsDeckError, UsageError
from opsdeck.journal.writing import Draft
from opsdeck.probes.blocking import in_thread
from opsdeck.screens.confirm import Confirm
from opsdeck.screens.pick import Pick
from opsdeck.screens.prompt import Answers, Field, Prompt
from opsdeck.screens.reader import Reader
from opsdeck.signing import Seen
from opsdeck.signoff.model import ROLE_TITLES, ROLES, Role
from opsdeck.signoff.sentences import lacking
from opsdeck.text import ascii_only, visible, visible_lines
from opsdeck.widgets.lines import Line, Part, Row, wrap

if TYPE_CHECKING:
    from opsdeck.screens.signoff_panes import SignoffPanes
    from opsdeck.signoff.prepared import Chosen, Prepared

NOTHING = "nothing is signed"
GOOD_FOR_S = 300
"""A statement that was shown for longer is made anew: its time would no longer be true."""


async def sign_release(screen: SignoffPanes, name: str, *, broken: bool) -> bool:
    """Ask in which role and for the clear word, sign, record; whether it is signed now."""
    signing, host = screen.signing, screen.host
    try:
        seen = await screen.look(name)
        role = await _role(screen, seen)
        if role is None:
            host.say(NOTHING)
            return False
        reason = await _reason(screen, seen, role) if broken else ""
        if reason is None:
            host.say(NOTHING)
            return False
        signing.check(seen, role, reason)
        if role == "deployer" and not seen.release.said("date"):
            if not await _dated(screen, name):
                host.say(NOTHING)
                return False
            seen = await screen.look(name)
        prepared, chosen = await _prepared(screen, seen, role, reason)
        if not await _agreed(screen, prepared):
            host.say(NOTHING)
            return False
        signature = await _sealed(screen, prepared, chosen) if chosen is not None else ""
        await _unchanged(screen, seen, role, reason)
    except OpsDeckError as error:
        _refused(screen, str(error))
        return False
    if not await host.commit(*prepared.drafts(signing.rules, signature)):
        return False
    await _write_record(screen, name, prepared)
    return True


def _refused(screen: SignoffPanes, why: str) -> None:
    """A page that says all of it: what is wrong, where, and what to do."""
    plain = screen.glyphs.plain
    text = why if why.startswith("not signed") else f"not signed: {why}"

    def build(width: int) -> list[Line]:
        lines: list[Line] = [(Part("Nothing was signed, nothing was recorded.", "bad"),), ()]
        for said in visible_lines(text):
            lines += [(Part(line),) for line in wrap(plain(said), width)]
        return lines

    screen.host.say(text, "bad")
    screen.app.push_screen(Reader("Not signed", build))


async def _role(screen: SignoffPanes, seen: Seen) -> Role | None:
    """The role to sign in; asked for only where there are several."""
    rules, me = screen.signing.rules, screen.deck.operator
    open_to_me = [role for role in ROLES if not seen.refusal(rules, role, me)]
    wanted = [role for role in lacking(rules, seen.gate) if role in open_to_me]
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
    chosen = await screen.app.push_screen_wait(Pick(title, rows, glyphs, does="shows the text"))
    return next((role for role in ROLES if role == chosen), None)


async def _reason(screen: SignoffPanes, seen: Seen, role: Role) -> str | None:
    """Why the glass is broken; None where that was given up."""
    signing = screen.signing
    if not seen.gate.closed:
        raise UsageError("the gate is open: S signs, there is no glass to break")

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
    answers = await screen.app.push_screen_wait(prompt)
    return answers["reason"].strip() if answers is not None else None


async def _dated(screen: SignoffPanes, name: str) -> bool:
    """Ask for the date of the deployment, which is part of what is signed; whether it is noted."""
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
        about="It stands on the form, and is part of what all three sign.",
        check=draft,
        keys=("note it and go on", f"cancel, {NOTHING}"),
    )
    answers = await screen.app.push_screen_wait(prompt)
    return answers is not None and await screen.host.commit(draft(answers))


async def _prepared(
    screen: SignoffPanes, seen: Seen, role: Role, reason: str
) -> tuple[Prepared, Chosen | None]:
    """The text to be signed, with the key that signs it (None: this deck records names only)."""
    signing, deck = screen.signing, screen.deck
    heads = await screen.host.journal_thread.run(deck.journal.heads)
    if signing.names_only:
        return signing.prepare(seen, role, reason, None, "", heads), None
    screen.host.say("looking for your key ...")
    chosen = await in_thread(partial(signing.choose, None))
    return signing.prepare(seen, role, reason, chosen.key, chosen.identity, heads), chosen


async def _agreed(screen: SignoffPanes, prepared: Prepared) -> bool:
    """The operator's clear word for exactly this text."""
    one = prepared.statement
    about = (
        f"As {one.role}, with {one.key} as {one.identity}."
        if one.key
        else ("This deck records names only: your name is recorded, NOTHING IS SIGNED.")
    )
    question = Confirm(
        f"Sign {visible(one.release)} as {one.role}?" if one.key else "Record your name?",
        about,
        [("What you sign, to the letter", prepared.text)],
        screen.glyphs,
        yes="sign it" if one.key else "record it",
    )
    return await screen.app.push_screen_wait(question) == "yes"


async def _sealed(screen: SignoffPanes, prepared: Prepared, chosen: Chosen) -> str:
    """The signature; where ssh-keygen must ask, the app steps aside for it."""
    from opsdeck.signoff.prepared import seal
    from opsdeck.signoff.ssh import SigningError

    age = (screen.deck.now() - prepared.statement.at).total_seconds()
    if age > GOOD_FOR_S:
        raise UsageError("the text was shown for over five minutes: press S again, it is made anew")
    environ = screen.deck.environ
    touch = ": touch your key when it blinks" if chosen.key.is_hardware else ""
    screen.host.say(f"signing{touch} ...", "warn")
    if not (chosen.key.is_hardware and chosen.key.source == "file"):
        try:
            return await in_thread(partial(seal, prepared, chosen, environ))
        except SigningError as error:
            if error.kind != "needs-passphrase":
                raise
    key = f"{chosen.key.file or chosen.key.comment} ({chosen.key.fingerprint})"
    return _aside(screen, key, partial(seal, prepared, chosen, environ, terminal=True))


def _aside(screen: SignoffPanes, key: str, call: Callable[[], str]) -> str:
    """Put the app aside while ssh-keygen asks on the terminal."""
    from textual.app import SuspendNotSupported

    from opsdeck.signoff.ssh import SigningError

    failure: OpsDeckError | None = None
    signature = ""
    try:
        with screen.app.suspend():  # which comes back only where nothing was raised in it
            print("\nOpsDeck has stepped aside: ssh-keygen asks for your key.")
            print(f"{ascii_only(visible(key))}\nctrl+c gives it up, and nothing is signed.\n")
            try:
                signature = call()
            except OpsDeckError as error:
                failure = error
    except SuspendNotSupported:
        raise SigningError(
            "needs-passphrase",
            "your key has a passphrase, and this terminal cannot ask for it: give the key to the"
            " agent with ssh-add, or use `opsdeck signoff sign`",
        ) from None
    if failure is not None:
        raise failure
    return signature


async def _unchanged(screen: SignoffPanes, seen: Seen, role: Role, reason: str) -> None:
    """Raises UsageError where the release is no longer what was signed, or the operator may not
    sign it any more."""
    signing, name = screen.signing, seen.release.name
    again = signing.plan_again(seen)
    changed = await in_thread(partial(signing.changed_since, seen, again))
    if changed:
        raise UsageError(
            f"{name} was changed while you signed ({'; '.join(changed[:3])}): press S again"
        )
    signing.check(await screen.look(name), role, reason)


async def _write_record(screen: SignoffPanes, name: str, prepared: Prepared) -> None:
    """The files beside the journal; the journal has it already."""
    signing, host = screen.signing, screen.host
    one = prepared.statement
    did = (
        f"signed {name} as {one.role}"
        if one.key
        else f"{one.name} recorded as {one.role}, not signed"
    )
    try:
        file = await in_thread(partial(signing.write_record, signing.release(name)))
    except OpsDeckError as error:
        host.say(f"{did}, it is in the journal; its file is missing: {error}", "warn")
        return
    host.say(f"{did}; {file.name} is written", "good")
