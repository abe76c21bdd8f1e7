"""Doctor: sign-off: the program, the list of who may sign, and the operator's own key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.commands._signoff_keys import KEY_VARIABLE, KeysSeen, look_at_keys
from opsdeck.commands._signoff_show import who_asks
from opsdeck.reports.findings import Finding, Level
from opsdeck.signing import Signing
from opsdeck.signoff.ssh_run import PROGRAM
from opsdeck.text import plural

if TYPE_CHECKING:
    from opsdeck.commands.door import Door
    from opsdeck.deck import Deck

PART = "signoff"
_HOW = "`opsdeck signoff keys` says what is missing"


def signoff_findings(door: Door, deck: Deck) -> Iterator[Finding]:
    """Whether the operator could sign a release; may block for a moment.

    Where no release was ever started and `[signoff]` says nothing, nothing is amiss without keys.
    """
    signing = Signing(deck, door.environ)
    if signing.names_only:
        yield _finding("ok", "signatures", "names only: nothing is signed, and records say so")
        return
    seen = look_at_keys(signing, door.environ, who_asks(door), door.environ.get(KEY_VARIABLE))
    wanted = bool(deck.state.releases) or deck.config.signoff != SignoffRules()
    if not wanted and not signing.signers_file().exists():
        yield _finding("ok", "allowed_signers", f"not set up, and no release was started: {_HOW}")
        return
    yield _program(seen)
    yield _people(seen)
    yield _own_key(seen)


def _program(seen: KeysSeen) -> Finding:
    if seen.keygen:
        return _finding("ok", PROGRAM, seen.keygen)
    return _finding(
        "bad",
        PROGRAM,
        "not on PATH: nobody can sign or verify here",
        "install OpenSSH's client tools, version 8.9 or newer",
    )


def _people(seen: KeysSeen) -> Finding:
    if not seen.file_trouble:
        many = plural(seen.people, "person", "people")
        return _finding("ok", "allowed_signers", f"{seen.file}, {many}")
    level: Level = "bad" if seen.file.exists() else "warn"
    return _finding(level, "allowed_signers", seen.file_trouble)


def _own_key(seen: KeysSeen) -> Finding:
    if seen.usable:
        own = next(one for one in seen.keys if one.identity)
        said = f"{seen.operator} signs as {own.identity} with {own.key.fingerprint}"
        return _finding("ok", "own key", said)
    if not seen.keys:
        return _finding("warn", "own key", seen.keys_trouble or "there is none", _HOW)
    if seen.file_trouble:
        return _finding("warn", "own key", "nobody is allowed any key yet", _HOW)
    one = next((each for each in seen.keys if each.owners), seen.keys[0])
    said = f"{seen.operator} cannot sign with {one.key.fingerprint}: {one.trouble}"
    return _finding("warn", "own key", said, _HOW if one.line else "")


def _finding(level: Level, where: str, what: str, todo: str = "") -> Finding:
    return Finding(level=level, part=PART, where=where, what=what, todo=todo)
