"""A statement that was agreed to: signed, where ssh-keygen must ask too, and its record written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from opsdeck.errors import OpsDeckError, UsageError
from opsdeck.probes.blocking import in_thread
from opsdeck.screens.signoff_look import SignoffLook
from opsdeck.signing import Seen
from opsdeck.signoff.model import Role
from opsdeck.signoff.statement import Statement, parse_statement
from opsdeck.text import ascii_only, visible

if TYPE_CHECKING:
    from opsdeck.signoff.prepared import Chosen, Prepared

GOOD_FOR_S = 300
"""A statement that was shown for longer is made anew: its time would no longer be true."""


async def sealed(screen: SignoffLook, prepared: Prepared, chosen: Chosen) -> str:
    """The signature; where ssh-keygen must ask, the app steps aside for it."""
    from opsdeck.signoff.prepared import seal
    from opsdeck.signoff.ssh import SigningError

    screen.host.opening = False
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


def _aside(screen: SignoffLook, key: str, call: Callable[[], str]) -> str:
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


async def unchanged(screen: SignoffLook, seen: Seen, role: Role, reason: str) -> None:
    """Raises UsageError where the release is no longer what was signed, or the operator may not
    sign it any more."""
    signing, name = screen.signing, seen.release.name
    again = signing.plan_again(seen)
    changed = await in_thread(partial(signing.changed_since, seen, again))
    if changed:
        raise UsageError(
            f"{name} was changed while you signed ({'; '.join(changed[:3])}): press S again"
        )
    now = await screen.look(name)
    if now.base is not None and now.content.sha256 != seen.content.sha256:
        raise UsageError(
            f"{now.signed[-1].by} signed {name} first, meanwhile: press S again, and sign the same"
        )
    signing.check(now, role, reason)


async def write_owed(screen: SignoffLook) -> None:
    """The records of what could not be saved when it was signed, and is by now."""
    for name, text in list(screen.owed.items()):
        release = screen.signing.release(name)
        if any(one.statement == text for one in release.signatures):
            del screen.owed[name]
            await write_record(screen, name, parse_statement(text))


async def write_record(screen: SignoffLook, name: str, one: Statement) -> None:
    """The files beside the journal; the journal has it already."""
    signing, host = screen.signing, screen.host
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
