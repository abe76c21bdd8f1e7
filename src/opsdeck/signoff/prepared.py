"""A statement that may be signed, how it is signed, and the events that record it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.signoff.allowed import is_listed_as_revoked
from opsdeck.signoff.content import Content, needs_of
from opsdeck.signoff.ssh import (
    Found,
    Key,
    Signers,
    SigningError,
    find_keys,
    identity_for,
    sign,
    verify,
)
from opsdeck.signoff.statement import Statement
from opsdeck.text import visible


class Prepared(NamedTuple):
    """What the operator signs: `text` to the byte; `is_new` where the journal has not got this
    content yet."""

    release: str
    content: Content
    statement: Statement
    text: str
    is_new: bool

    @property
    def names_only(self) -> bool:
        """Whether a name is recorded without a signature."""
        return not self.statement.key

    def drafts(self, rules: SignoffRules, signature: str = "") -> list[Draft]:
        """The events that record it; the content too where it is new."""
        one = self.statement
        data = {
            "release": self.release,
            "role": one.role,
            "content": self.content.sha256,
            "statement": self.text,
            "signature": signature,
            "key": one.key,
            "identity": one.identity,
            "reason": one.reason,
        }
        signed = Draft(ev.SIGNOFF_SIGNED, {k: v for k, v in data.items() if v})
        if not self.is_new:
            return [signed]
        content = {
            "release": self.release,
            "sha256": self.content.sha256,
            "needs": msgspec.to_builtins(needs_of(rules)),
            "content": self.content.text.decode(),
        }
        return [Draft(ev.SIGNOFF_CONTENT, content), signed]


class Chosen(NamedTuple):
    """The key that an operator signs with, and as whom."""

    key: Key
    identity: str
    signers: Signers


def choose_key(
    environ: Mapping[str, str],
    explicit: str | None,
    signers: Signers,
    operator: str,
    identities: Mapping[str, str],
    at: datetime,
) -> Chosen:
    """The first key at hand with which this operator may sign at `at`; those of the agent first.

    Blocks for a moment. Raises SigningError, which says why none of them will do.
    """
    found = find_keys(environ, explicit)
    if not found.keys:
        raise SigningError("no-key" if found.agent != "hung" else "agent-hung", _none(found))
    troubles: list[SigningError] = []
    for key in found.keys:
        try:
            identity = identity_for(signers, key.public, operator, identities, at=at)
            _check_revoked(signers, key, identity)
        except SigningError as error:
            troubles.append(error)
        else:
            return Chosen(key, identity, signers)
    raise min(troubles, key=_telling)


def _check_revoked(signers: Signers, key: Key, identity: str) -> None:
    """Raises SigningError for a key that was revoked; one in a KRL is found out when what it signed
    is verified."""
    if is_listed_as_revoked(signers, key.public):
        raise SigningError(
            "revoked",
            f"the key {key.fingerprint} of {identity} was revoked by"
            f" {visible(str(signers.revoked_file))}: sign with another key",
        )


def _none(found: Found) -> str:
    return (
        f"there is no key to sign with: ~/.ssh has none of the usual ones, and {found.agent_words}."
        " Log in with ssh -A, give the agent a key with ssh-add, or name a key file"
        " with --key or OPSDECK_SIGNING_KEY"
    )


def _telling(error: SigningError) -> int:
    """An own key that ran out says more than one that was never anybody's."""
    order = ("revoked", "expired", "not-allowed-yet", "wrong-key", "not-allowed")
    return order.index(error.kind) if error.kind in order else len(order)


def seal(
    prepared: Prepared, chosen: Chosen, environ: Mapping[str, str], *, terminal: bool = False
) -> str:
    """The signature over a prepared statement, made and then verified; blocks.

    With `terminal` ssh-keygen may ask on it (passphrase, PIN, touch). Raises SigningError: then
    nothing is signed.
    """
    text = prepared.text.encode()
    signature = sign(text, chosen.key, environ, terminal=terminal)
    verify(
        text,
        signature,
        chosen.identity,
        chosen.signers,
        at=prepared.statement.at,
        environ=environ,
    )
    return signature
