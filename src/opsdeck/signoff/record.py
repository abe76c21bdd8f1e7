"""The record of a sign-off: a release, the content that was signed, and who signed it.

It is made anew from the journal whenever it is wanted, and whether its signatures hold is not its
to say. How it stands in a file is in `record_toml` and `record_file`.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from opsdeck.errors import DataError, UsageError
from opsdeck.journal.files import safe_name
from opsdeck.runs.cadence import RELEASE_NAME
from opsdeck.signoff.content_values import ContentValues, values_of
from opsdeck.signoff.model import Release, Role, Signed
from opsdeck.signoff.releases import missing
from opsdeck.signoff.statement import (
    BREAK_GLASS,
    Statement,
    StatementError,
    one_line,
    parse_statement,
)
from opsdeck.text import visible

NOT_SIGNED = "NOT SIGNED: names only"
"""What stands at the top where a name, and no signature, was recorded."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a record shows.

    `content` is the content as the journal has it, `values` the same with types, `sha256` its
    digest. `signed` are the signatures over it, oldest first, each with its statement (None: it
    cannot be read); `missing` is how many of each role have still to sign.
    """

    release: Release
    content: dict[str, Any]
    values: ContentValues
    sha256: str
    signed: tuple[tuple[Signed, Statement | None], ...]
    missing: dict[Role, int]

    @property
    def break_glass(self) -> list[str]:
        """Why it was signed against a closed gate, each reason once; [] where it was not."""
        reasons = [reason_of(*found) for found in self.signed]
        return list(dict.fromkeys(one_line(reason) for reason in reasons if reason))

    @property
    def unsigned(self) -> list[Signed]:
        """Those of whom only the name was recorded."""
        return [one for one, _ in self.signed if not one.signature]

    @property
    def names_only(self) -> bool:
        """Whether anybody's name stands in it without a signature."""
        return bool(self.unsigned)

    @property
    def complete(self) -> bool:
        """Whether everybody has signed who must."""
        return not any(self.missing.values())

    @property
    def last_statement(self) -> Statement | None:
        """The newest statement that can be read."""
        return next((found for _, found in reversed(self.signed) if found is not None), None)

    def of(self, role: Role) -> list[Signed]:
        """Who signed in this role, oldest first."""
        return [one for one, _ in self.signed if one.role == role]


def record_of(release: Release, content: dict[str, Any], sha256: str) -> Record:
    """The record of what was signed of a release: its content and the signatures over that.

    Raises DataError for a content that is none, or is another release's.
    """
    values = values_of(content)
    if values.release != release.name:
        raise DataError(
            f"the content is that of release {visible(values.release)[:80]!r},"
            f" not of {visible(release.name)[:80]!r}"
        )
    return Record(
        release=release,
        content=content,
        values=values,
        sha256=sha256,
        signed=tuple((one, _statement(one)) for one in release.over(sha256)),
        missing=missing(release, sha256),
    )


def _statement(one: Signed) -> Statement | None:
    try:
        return parse_statement(one.statement)
    except StatementError:
        return None


def reason_of(one: Signed, statement: Statement | None) -> str:
    """Why it was signed against a closed gate, as the event or else what was signed has it."""
    return one.reason or (statement.reason if statement is not None else "")


def first_lines(record: Record) -> list[str]:
    """What must stand before everything else, each one line: the glass was broken, a name is no
    signature; [] where neither is so."""
    lines = []
    if record.break_glass:
        lines.append(f"{BREAK_GLASS}: {'; '.join(record.break_glass)}")
    if record.names_only:
        some = [f"{one_line(one.by)} ({one.role})" for one in record.unsigned]
        named = "" if len(some) == len(record.signed) else f": {', '.join(some)}"
        lines.append(NOT_SIGNED + named)
    return lines


def state_words(record: Record) -> str:
    """`complete`, `waits for verifier, 2 approvers`, or that it was abandoned."""
    if record.release.state == "abandoned":
        return "abandoned"
    if record.complete:
        return "complete"
    waits = [
        role if count == 1 else f"{count} {role}s"
        for role, count in record.missing.items()
        if count
    ]
    return f"waits for {', '.join(waits)}"


def name_words(one: Signed) -> str:
    """A name as it stands in the form: that it is no signature is said with it."""
    return one_line(one.by) + ("" if one.signature else " (not signed)")


def record_name(release: str) -> str:
    """`v1.4.2.toml`; raises UsageError, as all names here, for what is no release's name."""
    return f"{_checked(release)}.toml"


def content_name(release: str, sha256: str) -> str:
    """`v1.4.2~0123456789ab.json`: the canonical content."""
    return f"{_checked(release)}~{_short(sha256)}.json"


def sums_name(release: str, sha256: str) -> str:
    """`v1.4.2~0123456789ab.sha256`: the sums of the evidence of the content with that digest."""
    return f"{_checked(release)}~{_short(sha256)}.sha256"


def signature_stem(one: Signed) -> str:
    """`approver-carol-89abcdef`, of the role, the name and the event; part of file names."""
    number = hashlib.sha256(one.event.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{one.role}-{safe_name(one.by)}-{number}"


def statement_name(release: str, one: Signed) -> str:
    """`v1.4.2~approver-carol-89abcdef.txt`."""
    return f"{_checked(release)}~{signature_stem(one)}.txt"


def signature_name(release: str, one: Signed) -> str:
    """`v1.4.2~approver-carol-89abcdef.txt.sig`, as `ssh-keygen -Y sign` names it."""
    return statement_name(release, one) + ".sig"


def _checked(release: str) -> str:
    if not RELEASE_NAME.fullmatch(release):
        raise UsageError(
            f"{visible(release)[:80]!r} is no release's name: no file is written for it"
        )
    return release


def _short(sha256: str) -> str:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise UsageError(f"{visible(sha256)[:80]!r} is no SHA-256")
    return sha256[:12]
