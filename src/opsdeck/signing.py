"""Signing a release: what the app and the command line both do with a sign-off.

It reads and writes through the Deck. What only reads State runs where the Deck lives; what waits
for a disk or for `ssh-keygen` may run in another thread, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opsdeck.errors import UsageError
from opsdeck.journal.fold import State
from opsdeck.known_signoffs import KnownSignoffs, Seen, to_ms
from opsdeck.runs.acts import checked_line
from opsdeck.signoff import gate as gates
from opsdeck.signoff.clocks import Ahead, ahead_of
from opsdeck.signoff.content import Facts
from opsdeck.signoff.gate import Gate
from opsdeck.signoff.model import Release, Role
from opsdeck.signoff.prepared import Prepared
from opsdeck.signoff.statement import Head, Statement, is_statement, one_line, statement_text
from opsdeck.text import visible

if TYPE_CHECKING:
    from opsdeck.signoff.prepared import Chosen
    from opsdeck.signoff.ssh import Key, Signers
    from opsdeck.signoff.verify import Trust, Verdict

__all__ = ["Seen", "Signing"]

NO_KEYS = (
    'there is no file of allowed signers: {file}. Write one ("NAME@DECK ssh-ed25519 AAAA…", one'
    ' line a person, as in `man ssh-keygen`), or say signatures = "names" in [signoff] of'
    " opsdeck.toml"
)


class Signing(KnownSignoffs):
    """What one operator may do with the sign-offs of a deck."""

    def check(self, seen: Seen, role: Role, reason: str) -> None:
        """Raises UsageError where the operator may not sign this now, whatever key they have."""
        operator, reason = self.deck.operator, checked_line(reason, "reason", required=False)
        refused = seen.refusal(self.rules, role, operator) or self._stranger(operator)
        if refused:
            raise UsageError(f"not signed: {refused}")
        self.check_gate(seen, broken=bool(reason))

    def check_gate(self, seen: Seen, *, broken: bool) -> None:
        """Raises UsageError where the gate is closed, unless its glass is `broken`, or there is no
        glass to break, or a clock is wrong; whoever it is that signs."""
        if not seen.gate.closed and broken:
            raise UsageError("not signed: the gate is open, there is no glass to break")
        if seen.gate.closed and not broken:
            which = "; ".join(f"{rule.title}: {rule.detail}" for rule in seen.gate.closed_by)
            glass = (
                "; where it cannot wait, break the glass with a reason"
                " (b on the screen, --break-glass REASON)"
            )
            glass = glass if self.rules.break_glass else ""
            raise UsageError(
                f"not signed: the gate is closed ({which});"
                f" `opsdeck signoff show {seen.release.name}` names the items{glass}"
            )
        if broken and not self.rules.break_glass:
            raise UsageError("not signed: [signoff] in opsdeck.toml allows no break-glass")
        ahead = ahead_of(seen.content.data, self.deck.now())
        if ahead is not None:
            raise UsageError(f"not signed: {self._clock_words(ahead)}")

    def _clock_words(self, ahead: Ahead) -> str:
        """What is of a time to come, and what to do: no break-glass makes such a thing believed."""
        zone, times = self.deck.zone, (ahead.at, self.deck.now(), ahead.ready)
        try:
            local = [at.astimezone(zone) for at in times]
        except OverflowError:  # at the end of the calendar a zone may lie beyond it
            local = list(times)
        form = "%H:%M %Z" if len({at.date() for at in local}) == 1 else "%Y-%m-%d %H:%M %Z"
        there, here, ready = (at.strftime(form) for at in local)
        clock = f" by the clock of {ahead.machine}" if ahead.machine else ""
        return (
            f"{ahead.what} is of {there}{clock}, and here it is {here}: one clock"
            " is wrong, and what is signed now would be called back-dated."
            f" Set that clock right{ahead.remedy}, or sign after {ready}"
        )

    def _stranger(self, name: str) -> str:
        """Why a name is nobody's here: without keys only the operators of the deck are known."""
        known = self.deck.config.operators
        if not self.names_only or not known or name in known:
            return ""
        return (
            f"{name} is not among the operators of [deck] in opsdeck.toml ({', '.join(known)}),"
            " and a deck without keys knows no others"
        )

    def signers_file(self) -> Path:
        """Where allowed_signers is: beside opsdeck.toml, else in the deck's folder."""
        return self._beside(self.rules.allowed_signers)

    def revoked_file(self) -> Path | None:
        """Where the list of revoked keys is; None where the deck has none."""
        return self._beside(self.rules.revoked_keys) if self.rules.revoked_keys else None

    def read_signers(self) -> Signers:
        """Who may sign with which key (in any thread); raises SigningError."""
        from opsdeck.signoff.ssh import SigningError, read_signers

        file = self.signers_file()
        if not file.exists():
            raise SigningError("bad-allowed-signers", NO_KEYS.format(file=file))
        return read_signers(file, self.revoked_file())

    def choose(self, explicit: str | None) -> Chosen:
        """The key that the operator signs with, `explicit` or the first that will do (in any
        thread); raises SigningError."""
        from opsdeck.signoff.prepared import choose_key

        return choose_key(
            self.environ,
            explicit or self.environ.get("OPSDECK_SIGNING_KEY"),
            self.read_signers(),
            self.deck.operator,
            self.rules.identities,
            to_ms(self.deck.now()),
        )

    def _beside(self, name: str) -> Path:
        config = self.deck.config.file
        folder = config.absolute().parent if config else self.deck.journal.home
        return folder / Path(name).expanduser()

    def prepare(
        self,
        seen: Seen,
        role: Role,
        reason: str,
        key: Key | None,
        identity: str,
        heads: Mapping[str, tuple[int, str]],
    ) -> Prepared:
        """The statement that the operator would sign in this role; `heads` is how far the journal
        goes. Raises UsageError where they may not."""
        reason = one_line(self._without_secrets(reason))
        self.check(seen, role, reason)
        deck = self.deck
        self._check_key(seen, key, identity)
        rules = [(r.holds, one_line(f"{r.title}: {r.detail}")) for r in _blocking(seen.gate)]
        statement = Statement(
            release=seen.release.name,
            deck=one_line(deck.config.name),
            role=role,
            name=one_line(deck.operator),
            identity=one_line(identity),
            key=key.fingerprint if key else "",
            at=to_ms(deck.now()),
            content=seen.content.sha256,
            sums=seen.content.sums_sha256,
            rules=tuple(rules),
            reason=reason,
            heads=tuple(Head(one_line(w), seq, line) for w, (seq, line) in heads.items()),
        )
        text = statement_text(statement)
        if not is_statement(text, statement):
            raise UsageError(
                f"not signed: what would be signed of release {visible(statement.release)[:80]}"
                " cannot be read again as it is written (its name, or too many journal files)"
            )
        is_new = seen.content.sha256 not in seen.release.contents
        return Prepared(statement.release, seen.content, statement, text, is_new)

    def trust(self) -> Trust:
        """What signatures are held against (in any thread); where there is no file of allowed
        signers it says why."""
        from opsdeck.signoff.ssh import SigningError
        from opsdeck.signoff.verify import Trust

        if self.names_only and not self.signers_file().exists():
            return Trust(self.rules)
        try:
            return Trust(self.rules, self.read_signers(), environ=self.environ)
        except SigningError as error:
            return Trust(self.rules, None, str(error))

    def present(self) -> Facts:
        """What a content would be made of now, but for State (in any thread): verifying reads that
        from disk."""
        config = self.deck.config
        return Facts(
            deck=config.name,
            timezone=config.timezone,
            catalog=self.deck.catalog,
            lists=(),
            state=State(),
            uses=config.uses,
            rules=self.rules,
        )

    def verify(self, seen: Seen) -> Verdict:
        """Everything that is wrong with what was signed of a release (in any thread)."""
        from opsdeck.signoff.verify import verify_release

        deck, name = self.deck, seen.release.name
        return verify_release(
            deck.journal.home, name, self.trust(), now=deck.now(), present=self.present()
        )

    def verify_all(self) -> list[Verdict]:
        """The same for every release of which anything was signed (in any thread)."""
        from opsdeck.signoff.verify import verify_all

        deck = self.deck
        return verify_all(deck.journal.home, self.trust(), now=deck.now(), present=self.present())

    def _check_key(self, seen: Seen, key: Key | None, identity: str) -> None:
        """Raises UsageError where somebody of another name signed with this key, or as this
        principal."""
        me = self.deck.operator
        if key is None:
            return
        for one in seen.signed:
            if one.by != me and (one.fingerprint == key.fingerprint or one.identity == identity):
                raise UsageError(
                    f"not signed: {one.by} signed as {one.role} with this very key"
                    f" ({key.fingerprint}, {identity}): every name needs a key of its own"
                )

    def write_record(self, release: Release) -> Path:
        """Write `signoffs/RELEASE.toml` and what belongs to it (in any thread); its path.

        Raises NotSavedError where that cannot be written, and as `signed_record` does.
        """
        from opsdeck.signoff.record_file import write_record

        return write_record(self.deck.journal.home, self.signed_record(release)).file

    def _without_secrets(self, text: str) -> str:
        if not text:
            return ""
        from opsdeck.probes.redact import Redactor

        return Redactor(self.deck.secrets()).text(text)


def _blocking(gate: Gate) -> Sequence[gates.Rule]:
    return [rule for rule in gate.rules if rule.blocking]
