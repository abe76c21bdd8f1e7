"""`opsdeck signoff sign`: one person signs one release in one role, or nothing is recorded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from opsdeck.commands._signoff_show import first_lines, show_object, signature_object
from opsdeck.commands.output import say, say_json, warn
from opsdeck.errors import DataError, NotSavedError, UsageError
from opsdeck.signing import Seen, Signing
from opsdeck.signoff.model import Role, Signed
from opsdeck.signoff.prepared import Chosen, Prepared, seal
from opsdeck.signoff.sentences import who
from opsdeck.signoff.ssh import SigningError
from opsdeck.text import plural, visible

if TYPE_CHECKING:
    from pathlib import Path

    from opsdeck.commands.door import Door

NAMES_ONLY = "recorded, NOT SIGNED: this deck records names only"


def sign_release(
    door: Door, signing: Signing, name: str, role: Role, key: str | None, reason: str, as_json: bool
) -> int:
    """Sign, record, and only then say so; the exit status.

    Raises UsageError where the operator may not, SigningError where it did not come to a
    signature, NotSavedError where the journal did not take it: nothing is recorded then.
    """
    if key and signing.names_only:
        raise UsageError(
            'this deck records names only (signatures = "names" in [signoff]): --key signs nothing'
        )
    seen = signing.look(name)
    signing.check(seen, role, reason)
    if role == "deployer" and not seen.release.said("date"):
        warn(
            f"the form of {name} has no deployment date, and what is signed is over the form:"
            f" `opsdeck release change {name} --date WHEN` before you sign gives it one"
        )
    try:
        prepared, signature = _signed(door, signing, seen, role, key, reason)
    except SigningError as error:
        said = str(error)
        lead = "" if "nothing was signed" in said else "not signed: "
        raise SigningError(error.kind, lead + said) from None
    _check_unchanged(signing, seen, role, reason)
    event = _record(signing, prepared, signature)
    return _tell(signing, name, event, as_json)


def _signed(
    door: Door, signing: Signing, seen: Seen, role: Role, key: str | None, reason: str
) -> tuple[Prepared, str]:
    """What is signed, and the signature; "" where this deck records names only."""
    chosen = None if signing.names_only else signing.choose(key)
    prepared = signing.prepare(
        seen,
        role,
        reason,
        chosen.key if chosen else None,
        chosen.identity if chosen else "",
        signing.deck.journal.heads(),
    )
    return prepared, _sealed(prepared, chosen, door) if chosen else ""


def _sealed(prepared: Prepared, chosen: Chosen, door: Door) -> str:
    """The signature. ssh-keygen may ask on the terminal where there is one to be asked at."""
    streams = (sys.stdin, sys.stderr)
    ttys = [stream.isatty() for stream in streams]
    try:
        return seal(prepared, chosen, door.environ, terminal=all(ttys))
    except SigningError as error:
        if error.kind != "needs-passphrase" or all(ttys) or not any(ttys):
            raise
    return seal(prepared, chosen, door.environ, terminal=True)


def _check_unchanged(signing: Signing, seen: Seen, role: Role, reason: str) -> None:
    """What was signed must be what there is now: signing may take as long as a passphrase does.

    Raises UsageError; nothing is recorded then.
    """
    deck = signing.deck
    news = deck.journal.poll()
    if news.reload:
        deck.load()
    else:
        deck.absorb_news(news)
    name = seen.release.name
    changed = signing.changed_since(seen, signing.plan_again(seen))
    again = signing.look(name)
    if not changed and again.base is not None and again.content.sha256 != seen.content.sha256:
        changed = ["somebody else signed it first"]
    if changed:
        raise UsageError(
            f"not signed: {name} changed while you signed ({'; '.join(changed[:3])}):"
            f" see `opsdeck signoff show {name}`, and sign again"
        )
    signing.check(again, role, reason)


def _record(signing: Signing, prepared: Prepared, signature: str) -> str:
    """Put it on disk; the id of the event that says so."""
    deck = signing.deck
    faults = len(deck.faults)
    touched = deck.record(*prepared.drafts(signing.rules, signature))
    if new := len(deck.faults) - faults:
        warn(f"the journal has {plural(new, 'fault')}: see `opsdeck journal verify`")
    writer, event = touched.events[-1]
    return f"{writer}:{event.seq}"


def _tell(signing: Signing, name: str, event: str, as_json: bool) -> int:
    """Write the record beside the journal, and say what is so now."""
    seen = signing.look(name)
    (own,) = (one for one in seen.release.signatures if one.event == event)
    file, trouble = _written(signing, seen)
    if as_json:
        found: dict[str, Any] = show_object(signing, seen, signing.deck.operator)
        found["recorded"] = signature_object(own, seen)
        found["record"] = str(file) if file else None
        say_json(found)
    else:
        for line in first_lines(signing, seen):
            say(line)
        say(visible(_done(signing, name, own)))
        say(visible(who(seen.release, seen.gate, signing.rules)))
        if own.reason:
            days = plural(signing.rules.review_days, "business day")
            say(f"a review of that falls due in {days}, as an item of the daily list")
        if file is not None:
            say(visible(f"record written: {file}"))
    if trouble:
        what = "signature" if own.signature else "name"
        warn(
            f"the journal has the {what}, but its record could not be written: {trouble};"
            f" `opsdeck signoff record {name}` tries again"
        )
    return 1 if trouble else 0


def _done(signing: Signing, name: str, own: Signed) -> str:
    at = f" ({own.at.astimezone(signing.deck.zone):%H:%M %Z})" if own.at else ""
    if not own.signature:
        return f"{own.by} as {own.role} of {name}: {NAMES_ONLY}{at}"
    return f"signed {name} as {own.role}: {own.identity}, {own.fingerprint}{at}"


def _written(signing: Signing, seen: Seen) -> tuple[Path | None, str]:
    """The file of the record, and why it could not be written."""
    try:
        return signing.write_record(seen.release), ""
    except (NotSavedError, DataError, UsageError) as error:
        return None, str(error)
