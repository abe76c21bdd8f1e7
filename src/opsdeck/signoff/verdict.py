"""What verifying a sign-off found: every fault with its place, and what it means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from opsdeck.signoff.model import Role, Signed
from opsdeck.text import plural, visible

Severity = Literal["bad", "unknown", "warn"]
_GRAVITY: tuple[Severity, ...] = ("bad", "unknown", "warn")
Status = Literal["ok", "warning", "unknown", "bad"]
Part = Literal[
    "signature",
    "identity",
    "roles",
    "digest",
    "content",
    "evidence",
    "journal",
    "record",
    "time",
]


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong (`bad`: the sign-off does not prove what it says), that could not be
    verified here (`unknown`: it may hold, and it may not), or that should be known (`warn`): which
    part of it, where, and what it means. All texts are harmless to show."""

    severity: Severity
    part: Part
    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.part}: {self.where}: {self.message}"


class Checked(NamedTuple):
    """A signature, whether it holds, and why it does or does not; `unknown` where that could not
    be verified (`ok` is False then), and nothing is known to be wrong with it."""

    signed: Signed
    ok: bool
    why: str
    unknown: bool = False

    @property
    def may_hold(self) -> bool:
        """Whether nothing is known to be wrong with it."""
        return self.ok or self.unknown


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What verifying one release found.

    `content` is the SHA-256 of the content that counts: the one that all roles have signed last,
    else the newest that anybody signed ("" where nobody has). `complete` says that everybody has
    signed it who must, each with a signature that holds; `current` that the release is still what
    it says (True where nothing was given to compare with).
    """

    release: str
    content: str = ""
    problems: tuple[Problem, ...] = ()
    signatures: tuple[Checked, ...] = ()
    complete: bool = False
    current: bool = True

    @property
    def bad(self) -> list[Problem]:
        """What is wrong."""
        return [one for one in self.problems if one.severity == "bad"]

    @property
    def unknown(self) -> list[Problem]:
        """What could not be verified."""
        return [one for one in self.problems if one.severity == "unknown"]

    @property
    def warnings(self) -> list[Problem]:
        """What should be known."""
        return [one for one in self.problems if one.severity == "warn"]

    @property
    def ok(self) -> bool:
        """Whether all was verified and nothing is wrong; it need not be complete."""
        return not self.bad and not self.unknown

    @property
    def status(self) -> Status:
        """What it comes to: nothing but a whole sign-off, at an open gate and up to date, is ok."""
        if self.bad:
            return "bad"
        if self.unknown:
            return "unknown"
        broken = any(one.signed.reason for one in self.counted)
        fine = self.complete and self.current and not self.warnings and not broken
        return "ok" if fine else "warning"

    @property
    def counted(self) -> list[Checked]:
        """The signatures over the content that counts: the newest of each person and role."""
        newest: dict[tuple[str, Role], Checked] = {}
        for one in self.signatures:
            if one.signed.content == self.content:
                newest[one.signed.by, one.signed.role] = one
        return sorted(newest.values(), key=lambda one: one.signed.key)

    @property
    def names_only(self) -> bool:
        """Whether anybody's name counts without a signature."""
        return any(not one.signed.signature for one in self.counted)

    @property
    def words(self) -> str:
        """How it stands, in one sentence."""
        return f"{visible(self.release)}: {self._words()}"

    def _words(self) -> str:
        if self.bad:
            first = self.bad[0]
            more = f" (and {len(self.bad) - 1:,} more)" if self.bad[1:] else ""
            return f"DOES NOT HOLD: {first.where}: {first.message}{more}"
        if whys := list(dict.fromkeys(one.message for one in self.unknown)):
            return f"COULD NOT BE VERIFIED: {'; '.join(whys)}"
        counted = self.counted
        if not counted:
            return "nobody has signed it"
        named = ", ".join(f"{visible(one.signed.by)} ({one.signed.role})" for one in counted)
        if self.names_only:
            said = f"NOT SIGNED, names only: {named}"
        else:
            said = f"signed by {named}, and every signature holds"
        if not self.complete:
            said += "; somebody has still to sign"
        if any(one.signed.reason for one in counted):
            said += "; BREAK-GLASS: the gate was closed"
        if not self.current:
            said += "; out of date: it was changed since"
        if notes := len([one for one in self.warnings if one.part != "content" or self.current]):
            said += f"; {plural(notes, 'warning')}"
        return said


def bad(part: Part, where: str, message: str) -> Problem:
    """A fault; both texts are made harmless."""
    return Problem("bad", part, visible(where), visible(message))


def unknown(part: Part, where: str, message: str) -> Problem:
    """Something that could not be verified, and why; both texts are made harmless."""
    return Problem("unknown", part, visible(where), visible(message))


def warn(part: Part, where: str, message: str) -> Problem:
    """Something to be known."""
    return Problem("warn", part, visible(where), visible(message))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each once, what is wrong first, then what could not be verified."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda one: _GRAVITY.index(one.severity)))


def named(one: Signed) -> str:
    """`approver carol (carol@bastion:17)`: where a signature stands."""
    return f"{one.role} {visible(one.by)} ({visible(one.event)})"
