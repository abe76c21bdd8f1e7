"""Whether one signature is what it says: its statement, its key, its name and its time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal.clock import is_stamp, parse_wall
from opsdeck.journal.events import Recorded
from opsdeck.signoff.clocks import SKEW
from opsdeck.signoff.model import Signed
from opsdeck.signoff.ssh import Signers, SigningError, is_canonical, signature_key, verify
from opsdeck.signoff.statement import Statement, StatementError, one_line, parse_statement
from opsdeck.signoff.verdict import Part, Problem, bad, named, unknown, warn

APART = timedelta(minutes=10)
"""A statement and its event are written in one go; a passphrase may take two minutes."""

_WHOSE: Mapping[str, Part] = dict.fromkeys(
    ("wrong-key", "not-allowed", "not-allowed-yet", "expired", "revoked"), "identity"
)


_NOT_SEEN = frozenset({"no-ssh-keygen", "timeout", "bad-allowed-signers", "failed"})
"""After these nothing is known of a signature: ssh-keygen could not look at it."""


class Trust(NamedTuple):
    """What signatures are held against: `signers` is None where there are none to be read (`why`
    says why); `rules` are those of `[signoff]` now; ssh-keygen runs in `environ` (None: this
    program's own)."""

    rules: SignoffRules
    signers: Signers | None = None
    why: str = ""
    environ: Mapping[str, str] | None = None


class Context(NamedTuple):
    """What is known of the content that a signature is over; None for what is not."""

    as_of: datetime | None
    newest: datetime | None
    """When the newest event that it rests on was said to be written."""
    sums: str | None
    deck: str | None
    key: tuple[str, str, int] | None
    """Its event's place in the order of all events."""
    keys_wanted: bool
    """Whether its rules want signatures."""


def read_statement(one: Signed) -> tuple[Statement | None, list[Problem]]:
    """The statement of a signature, and why it is none."""
    try:
        found = parse_statement(one.statement)
    except StatementError as error:
        return None, [bad("signature", named(one), str(error))]
    if not is_plausible(found.at):
        return None, [bad("time", named(one), f"its statement is of the year {found.at.year}")]
    return found, []


def is_plausible(when: datetime) -> bool:
    """Whether a moment can be that of a sign-off; others are out of reach of clocks and tools."""
    return 2000 <= when.year < 2200


def agreement_problems(release: str, one: Signed, said: Statement) -> Iterator[Problem]:
    """Whether a statement says what its event says; another release's or role's does not."""
    where = named(one)
    if said.release != release:
        yield bad("signature", where, f"its statement was made for release {said.release}:"
                  " it says nothing of this one")  # fmt: skip
    if said.role != one.role:
        yield bad("signature", where, f"its statement was made as {said.role}, not as {one.role}")
    if said.content != one.content:
        yield bad("digest", where, f"its statement is over content {said.content[:12]}…, not over"
                  f" {one.content[:12] or 'any'}…: an old signature on a new content")  # fmt: skip
    if said.name != one_line(one.by):
        yield bad("identity", where, f"its statement names {said.name}, the event is by {one.by}")
    elif said.name != one.by:
        yield bad("identity", where, f"{one.by!r} is no name as OpsDeck writes one")
    for what, stated, recorded in (
        ("identity", said.identity, one.identity),
        ("key", said.key, one.fingerprint),
        ("reason for breaking the glass", said.reason, one_line(one.reason)),
    ):
        if stated != recorded:
            part: Part = "roles" if what.startswith("reason") else "identity"
            yield bad(part, where, f"the {what} in its statement is {stated or 'none'}, in the"
                      f" event {recorded or 'none'}")  # fmt: skip


def content_problems(one: Signed, said: Statement, context: Context) -> Iterator[Problem]:
    """Whether a statement fits the content that it is over."""
    where = named(one)
    if context.key is None:
        yield bad("digest", where, f"the journal has no content {one.content[:12]}…, so what was"
                  " signed is not known")  # fmt: skip
        return
    if one.key < context.key:
        yield bad("time", where, "it is older, by the journal's clock, than the content it is over")
    if context.sums is not None and said.sums != context.sums:
        yield bad("digest", where, "the sum of evidence.sha256 in its statement is not that of this"
                  " content")  # fmt: skip
    if context.deck is not None and said.deck != one_line(context.deck):
        yield bad("content", where, f"its statement is of deck {said.deck}, the content of"
                  f" {context.deck}")  # fmt: skip


def signature_problems(
    one: Signed, said: Statement, trust: Trust, wanted: bool
) -> Iterator[Problem]:
    """Whether it is signed as it must be: ssh-keygen has the last word, where there is a key."""
    where = named(one)
    if not one.signature:
        if one.fingerprint or one.identity or said.key:
            yield bad("signature", where, "a key is named, but the signature is gone")
        elif wanted:
            yield bad("signature", where, "NOT SIGNED: only a name was put down, and [signoff]"
                      " wanted signatures")  # fmt: skip
        return
    if not is_canonical(one.signature):
        yield bad("signature", where, "the signature was touched: it is not letter for letter what"
                  " ssh-keygen wrote")  # fmt: skip
        return
    made = signature_key(one.signature).fingerprint
    if made != said.key:
        yield bad("identity", where, f"it was made with the key {made}, its statement names"
                  f" {said.key or 'none'}")  # fmt: skip
    if not belongs(said.identity, one.by, trust.rules.identities):
        expected = trust.rules.identities.get(one.by, one.by)
        yield bad("identity", where, f"{said.identity or 'nobody'} is not {one.by}, who signs as"
                  f" {expected}: it is another's, or [signoff.identities] was changed")  # fmt: skip
    if trust.signers is None:
        yield unknown("signature", where, trust.why or "there is no file of allowed signers")
        return
    try:
        verify(
            said_bytes(one), one.signature, said.identity, trust.signers, at=said.at,
            environ=trust.environ,
        )  # fmt: skip
    except SigningError as error:
        if error.kind in _NOT_SEEN:
            yield unknown("signature", where, str(error))
        else:
            yield bad(_WHOSE.get(error.kind, "signature"), where, str(error))


def said_bytes(one: Signed) -> bytes:
    """The bytes that a signature is over."""
    return one.statement.encode("utf-8", "replace")


def belongs(identity: str, name: str, identities: Mapping[str, str]) -> bool:
    """Whether an operator may sign as this principal, as `ssh.identity_for` has it."""
    if name in identities:
        return identity == identities[name]
    return identity == name or identity.partition("@")[0] == name


def time_problems(
    one: Signed, said: Statement, context: Context, now: datetime
) -> Iterator[Problem]:
    """Whether it was signed when it says; a statement cannot be older than what it is over."""
    where, at = named(one), said.at
    if at - now > APART:
        yield bad("time", where, f"it is of {_shown(at)}, and it is only {_shown(now)} now: the"
                  " clock of the signer, or of this machine, is wrong")  # fmt: skip
    if one.at is None or abs(at - one.at) > APART:
        yield bad("time", where, f"its statement says {_shown(at)}, the event {one.wall}")
    if context.as_of is not None and context.as_of - at > SKEW:
        yield bad("time", where, f"back-dated: it says {_shown(at)}, but the content was drawn up"
                  f" at {_shown(context.as_of)}")  # fmt: skip
    if context.newest is not None and context.newest - at > SKEW:
        yield bad("time", where, f"back-dated: it says {_shown(at)}, but the newest event it rests"
                  f" on is of {_shown(context.newest)}")  # fmt: skip


def clock_problems(
    where: str, one: Recorded, before: Recorded | None, pusher: Recorded | None
) -> Iterator[Problem]:
    """Whether an event's time fits its place in the order of all events.

    The clock is never behind the time it was written at, and runs ahead of it only where an event
    with a later time was known. `before` is the event before it in its file, `pusher` the first
    event with the same millisecond.
    """
    lag = lag_of(one)
    if lag is None:
        yield bad("time", where, f"{one.event.at!r} is no time, or its clock is none")
    elif lag < timedelta(milliseconds=-2):
        yield bad("time", where, f"it says {one.event.at}, later than the clock of its own event:"
                  " it was altered")  # fmt: skip
    elif lag > APART:
        there = _shown(_moment(one.event.clock))
        earlier = lag_of(before) if before is not None else None
        same = pusher is not None and pusher.writer == one.writer
        if same and (earlier is None or earlier <= APART):
            yield bad("time", where, f"back-dated: it says {one.event.at}, but the event before it"
                      f" in {one.writer}.jsonl was written at {there}")  # fmt: skip
        else:
            who = pusher.writer if pusher is not None else "another machine"
            yield warn("time", where, f"it says {one.event.at}, but an event of {who} was already"
                       f" there that says {there}: one of the two clocks was wrong")  # fmt: skip


def lag_of(one: Recorded) -> timedelta | None:
    """How far an event's time is behind its clock; None where either is none."""
    at = parse_wall(one.event.at)
    if at is None or not is_stamp(one.event.clock):
        return None
    return _moment(one.event.clock) - at


def _moment(clock: str) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(clock[:13]))


def _shown(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def replay_problems(one: Signed, texts: Collection[str], armours: Collection[str]) -> list[Problem]:
    """`texts` and `armours` name the other events that have the same statement or signature."""
    others = sorted({*texts, *armours} - {one.event})
    if not others:
        return []
    what = "statement" if set(texts) - {one.event} else "signature"
    said = f"the same {what} stands in {', '.join(others[:3])} too: one of them was copied"
    return [bad("signature", named(one), said)]
