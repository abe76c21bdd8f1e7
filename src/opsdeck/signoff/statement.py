"""What one person signs in one role: a short text that names the release and the digests.

It is plain text, one `key: value` a line, and ends with two lines that `sha256sum -c` reads. The
same values give the same text, and no other text is a statement.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from opsdeck.errors import DataError
from opsdeck.journal.clock import parse_wall, wall_text
from opsdeck.signoff.content import CONTENT_FILE, SUMS_FILE
from opsdeck.signoff.model import ROLES, Role
from opsdeck.text import storable, visible

TITLE = "OpsDeck sign-off statement 1"
BREAK_GLASS = "BREAK-GLASS: signed against a closed gate"
HOLDS, HOLDS_NOT = "holds", "does not hold"
LARGEST = 200_000
"""Characters; a statement with more is none of ours."""

_HOSTILE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HEX = r"[0-9a-f]{64}"
_SUM = re.compile(rf"({_HEX})  (\S+)")
_HEAD = re.compile(rf"({_HEX}) ([0-9]{{1,15}}) (\S.*)")


class StatementError(DataError):
    """What should be a statement is none."""


class Head(msgspec.Struct, frozen=True):
    """How far a writer's journal file went: the last event's number, the hash of its line."""

    writer: str
    seq: int
    line: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The values of a statement; every text is one line without control characters.

    `content` and `sums` are the SHA-256 of `content.json` and `evidence.sha256`; `rules` are the
    gate, each with whether it held (where one did not there is a `reason`); `heads` is how far
    the journal went.
    """

    release: str
    deck: str
    role: Role
    name: str
    identity: str
    key: str
    at: datetime
    content: str
    sums: str
    rules: tuple[tuple[bool, str], ...] = ()
    reason: str = ""
    heads: tuple[Head, ...] = ()


def one_line(text: str) -> str:
    """Text as it may stand in a statement."""
    return " ".join(visible(storable(text)).split())


def statement_text(one: Statement) -> str:
    """The text of a statement."""
    lines = [BREAK_GLASS] if one.reason else []
    lines += [
        TITLE,
        f"release: {one.release}",
        f"deck: {one.deck}",
        f"role: {one.role}",
        f"name: {one.name}",
        f"identity: {one.identity or '-'}",
        f"key: {one.key or 'not signed'}",
        f"time: {wall_text(one.at)}",
        f"gate: {'closed' if one.reason else 'open'}",
    ]
    if one.reason:
        lines.append(f"reason: {one.reason}")
    lines += [f"{HOLDS if holds else HOLDS_NOT}: {rule}" for holds, rule in one.rules]
    lines += [f"journal: {h.line} {h.seq} {h.writer}" for h in one.heads]
    lines += ["", f"{one.content}  {CONTENT_FILE}", f"{one.sums}  {SUMS_FILE}"]
    return "\n".join(lines) + "\n"


def parse_statement(text: str) -> Statement:
    """The values of a statement; raises StatementError for a text that is none, to the byte."""
    if len(text) > LARGEST:
        raise StatementError(f"the statement has {len(text):,} characters: it is none of OpsDeck's")
    if _HOSTILE.search(text):
        raise StatementError("the statement has control characters: it is none of OpsDeck's")
    try:
        found = _parsed(text)
    except (ValueError, IndexError, KeyError) as error:
        raise StatementError(
            f"the statement is not as OpsDeck writes one ({visible(str(error))[:120]}):"
            " it was altered or cut"
        ) from None
    if statement_text(found) != text:
        raise StatementError("the statement is not, byte for byte, as OpsDeck writes one")
    return found


def is_statement(text: str, one: Statement) -> bool:
    """Whether a text says these values and no others."""
    try:
        return parse_statement(text) == one
    except StatementError:
        return False


def _parsed(text: str) -> Statement:
    head, _, tail = text.partition("\n\n")
    lines = head.split("\n")
    if lines[0] == BREAK_GLASS:
        lines = lines[1:]
    if lines.pop(0) != TITLE:
        raise ValueError(f"it does not begin with {TITLE!r}")
    values: dict[str, list[str]] = {}
    rules: list[tuple[bool, str]] = []
    for line in lines:
        key, colon, value = line.partition(": ")
        if not colon:
            raise ValueError(f"a line without a colon: {line[:40]!r}")
        if key in (HOLDS, HOLDS_NOT):
            rules.append((key == HOLDS, value))
        values.setdefault(key, []).append(value)
    sums = dict(_sum(line) for line in tail.removesuffix("\n").split("\n"))
    role, at = values["role"][0], parse_wall(values["time"][0])
    if role not in ROLES or at is None:
        raise ValueError("its role or time is none")
    identity, key = values["identity"][0], values["key"][0]
    return Statement(
        release=values["release"][0],
        deck=values["deck"][0],
        role=role,
        name=values["name"][0],
        identity="" if identity == "-" else identity,
        key="" if key == "not signed" else key,
        at=at,
        content=sums[CONTENT_FILE],
        sums=sums[SUMS_FILE],
        rules=tuple(rules),
        reason=values.get("reason", [""])[0],
        heads=tuple(_head(value) for value in values.get("journal", ())),
    )


def _sum(line: str) -> tuple[str, str]:
    found = _SUM.fullmatch(line)
    if found is None:
        raise ValueError(f"no sum: {line[:40]!r}")
    return found[2], found[1]


def _head(value: str) -> Head:
    found = _HEAD.fullmatch(value)
    if found is None:
        raise ValueError(f"no head of a journal: {value[:40]!r}")
    return Head(found[3], int(found[2]), found[1])
