"""What the signed statements of a whole deck show of one sign-off: whether it was there by then.

A statement that is signed with a key names the last line of every journal file. What stands before
these lines was there when it was signed, and cannot have been put in since.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from opsdeck.journal.events import line_hash
from opsdeck.signoff.model import Signed
from opsdeck.signoff.releases import folded
from opsdeck.signoff.statement import Statement, one_line
from opsdeck.signoff.verdict import Problem, bad, named, unknown, warn
from opsdeck.signoff.verify_content import Opened
from opsdeck.signoff.verify_journal import Reading, place_of
from opsdeck.signoff.verify_roles import Held
from opsdeck.signoff.verify_signature import Trust, read_statement, signature_problems

MOST_TRIED = 200
"""So many signatures are looked at to find the first that holds."""


class Sealed(NamedTuple):
    """A statement, and the signature under it."""

    signed: Signed
    said: Statement


class Statements:
    """All statements of a deck that have a signature, the oldest first; whether it holds is found
    out only where that is wanted, for it takes an ssh-keygen."""

    def __init__(self, reading: Reading, trust: Trust) -> None:
        self._reading, self._trust = reading, trust
        self._all: list[Sealed] | None = None
        self._first: dict[str, Sealed | None] = {}
        self.blind = False
        """Whether any that was looked at could not be verified."""

    def first(self, deck: str = "") -> Sealed | None:
        """The oldest that holds, of the deck of this name (of any)."""
        if deck not in self._first:
            these = [one for one in self._sealed() if deck in ("", one.said.deck)]
            self._first[deck] = next(filter(self._holds, these[:MOST_TRIED]), None)
        return self._first[deck]

    def saw(self, one: Statement, event: str) -> bool:
        """Whether this event was there when a statement was signed, by the lines that it names and
        the journal still has."""
        place = place_of(event)
        for head in one.heads if place else ():
            if place and head.writer == place[0] and head.seq >= place[1]:
                identity = f"{head.writer}:{head.seq}"
                line = self._reading.lines([identity]).get(identity)
                return line is not None and line_hash(line) == head.line
        return False

    def elsewhere(self, releases: Collection[str]) -> list[Problem]:
        """That statements of other releases than these knew lines which the journal has no more."""
        others = [one for one in self._sealed() if one.said.release not in releases]
        heads = {(h.writer, h.seq, h.line) for one in others for h in one.said.heads}
        lines = self._reading.lines(f"{writer}:{seq}" for writer, seq, _ in heads)
        gone = {
            (writer, seq, digest)
            for writer, seq, digest in heads
            if (line := lines.get(f"{writer}:{seq}")) is None or line_hash(line) != digest
        }
        found = [
            one for one in others if any((h.writer, h.seq, h.line) in gone for h in one.said.heads)
        ]
        if not found:
            return []
        names = ", ".join(dict.fromkeys(one.said.release for one in found))
        writers = ", ".join(sorted({f"{writer}.jsonl" for writer, _, _ in gone}))
        said = f"it is no longer the journal that was there when {names} was signed"
        return [warn("journal", writers, f"{said}: see `opsdeck signoff verify --all`")]

    def _sealed(self) -> list[Sealed]:
        if self._all is None:
            log = self._reading.state.release_log
            signed = (s for name in log.heads for s in folded(name, log.of(name)).signatures)
            read = ((one, read_statement(one)[0]) for one in signed if one.signature)
            self._all = [Sealed(one, said) for one, said in read if said is not None]
            self._all.sort(key=lambda one: one.said.at)
        return self._all

    def _holds(self, one: Sealed) -> bool:
        found = list(signature_problems(one.signed, one.said, self._trust, True))
        self.blind |= any(p.severity == "unknown" for p in found)
        return not found


def name_problems(one: Signed, trust: Trust, statements: Statements) -> Iterator[Problem]:
    """What a name without a signature is worth on a deck that wants signatures now: whoever may
    write the journal can put one down, together with rules that ask for no more."""
    if one.signature or trust.rules.signatures != "keys":
        return
    first = statements.first()
    if first is not None and statements.saw(first.said, one.event):
        said = f"from before the first signature of this deck ({first.signed.event})"
        yield warn("signature", named(one), f"NOT SIGNED: only a name was put down, {said}")
        return
    if first is None and statements.blind:
        said = "whether it is older than this deck's signatures could not be verified"
        yield unknown("signature", named(one), f"NOT SIGNED: only a name was put down, and {said}")
        return
    yield bad("signature", named(one), "NOT SIGNED: only a name was put down, this deck wants"
              " signatures ([signoff]), and nothing shows that it is older than these")  # fmt: skip


def deck_problems(
    one: Opened, held: Sequence[Held], deck: str, statements: Statements
) -> Iterator[Problem]:
    """Whether a content is this deck's: one of another name was copied here, or the deck was
    renamed since. It is a copy for certain where it and the first signature under the deck's
    present name did not know of each other, although the later of the two must have."""
    if not deck or one.values.deck == deck:
        return
    said = f"it is of the deck {one.values.deck}, and this one is {deck}"
    first = statements.first(one_line(deck))
    theirs = [h for h in held if h.statement is not None and h.checked.may_hold]
    if first is None or not theirs:
        why = "the deck was renamed since, or it was copied here from another one"
        yield warn("content", one.where, f"{said}: {why}, and nothing here shows which")
    elif any(_knew(first, this, statements) for this in theirs):
        why = f"the deck was renamed, or it was copied here before {first.signed.event} was signed"
        yield warn("content", one.where, f"{said}: {why}")
    else:
        why = f"the first signature of {deck} ({first.signed.event}) and it did not know each other"
        yield bad("content", one.where, f"{said}: it was copied here, for {why}")


def _knew(first: Sealed, other: Held, statements: Statements) -> bool:
    """Whether the later one of two statements was signed where the earlier one had been."""
    said = other.statement
    if said is None:
        return False
    if said.at < first.said.at:
        return statements.saw(first.said, other.signed.event)
    return statements.saw(said, first.signed.event)
