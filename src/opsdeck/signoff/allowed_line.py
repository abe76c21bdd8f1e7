"""A line of `allowed_signers`: who may sign with which key, from when and until when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from opsdeck.signoff.sshsig import NAMESPACE, Public, SigningError, parse_public
from opsdeck.text import visible

_FIRST = re.compile(r'([^\s"]*)(?:"([^"]*)")?[ \t\r]*')
_OPTION = re.compile(r'([a-z-]+)(?:="((?:[^"\\]|\\.)*)")?(,|[ \t]+)', re.IGNORECASE)
_TIME = re.compile(r"(\d{8})(?:(\d{4})(\d{2})?)?(Z|UTC)?", re.ASCII)
_NEVER = datetime.max.replace(tzinfo=UTC)


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file: who (patterns with commas between), with which key, and when."""

    number: int
    patterns: str
    public: Public
    is_authority: bool = False
    namespaces: str | None = None
    valid_after: datetime | None = None
    valid_before: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether sign-offs may be signed with its key."""
        return not self.is_authority and (
            self.namespaces is None or matches(NAMESPACE, self.namespaces)
        )

    def trouble_at(self, at: datetime) -> SigningError | None:
        """Why the key is not valid at a time, which counts in whole seconds."""
        at = at.replace(microsecond=0)
        who = visible(self.patterns)
        if self.valid_after is not None and at < self.valid_after:
            said = f"{who}'s key is valid only from {self.valid_after:%Y-%m-%d %H:%M:%S} UTC"
            return SigningError("not-allowed-yet", said)
        if self.valid_before is not None and at > self.valid_before:
            said = f"{who}'s key was valid until {self.valid_before:%Y-%m-%d %H:%M:%S} UTC"
            return SigningError("expired", said)
        return None


def numbered_lines(content: bytes) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers; what is no UTF-8 stays as it is."""
    for number, line in enumerate(content.split(b"\n"), 1):
        yield number, line.decode("utf-8", "surrogateescape")


def parse_line(number: int, line: str) -> Allowed | None:
    """What a line says; None for an empty one or a comment.

    Raises ValueError for what ssh-keygen would not understand.
    """
    text = line.strip(" \t\r\n")
    if not text or text.startswith("#"):
        return None
    first = _FIRST.match(text)
    assert first is not None  # it matches nothing, too
    patterns, rest = first[1] + (first[2] or ""), text[first.end() :]
    if not patterns or not rest or rest.startswith('"'):
        raise ValueError("no key stands behind the name")
    public = parse_public(rest)
    if public is not None:
        return Allowed(number=number, patterns=patterns, public=public)
    options: dict[str, str] = {}
    at, goes_on = 0, True
    while goes_on:
        option = _OPTION.match(rest, at)
        if option is None or option[1].lower() in options:
            raise ValueError("neither options nor a key stand behind the name")
        options[option[1].lower()] = (option[2] or "").replace('\\"', '"')
        at, goes_on = option.end(), option[3] == ","
    public = parse_public(rest[at:])
    if public is None:
        raise ValueError("no key stands behind the options")
    return Allowed(number=number, patterns=patterns, public=public, **_understood(options))


def _understood(options: Mapping[str, str]) -> dict[str, Any]:
    """The fields that options of a line set; raises ValueError for one that does not exist."""
    fields: dict[str, Any] = {}
    for name, value in options.items():
        match name:
            case "cert-authority":
                fields["is_authority"] = True
            case "namespaces":
                fields["namespaces"] = value
            case "valid-after" | "valid-before":
                fields[name.replace("-", "_")] = _time(value)
            case _:
                raise ValueError(f"{visible(name)[:40]} is no option")
    if "valid_after" in fields and fields.get("valid_before", _NEVER) <= fields["valid_after"]:
        raise ValueError("valid-before is not later than valid-after")
    return fields


def _time(text: str) -> datetime:
    """A time as ssh-keygen reads it: local, unless it ends with Z."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("a time is written YYYYMMDD or YYYYMMDDHHMMSS, with Z behind it for UTC")
    digits = (found[1] + (found[2] or "0000") + (found[3] or "00")).encode()
    try:
        naive = datetime.strptime(digits.decode(), "%Y%m%d%H%M%S")  # noqa: DTZ007 (local it is)
        return naive.replace(tzinfo=UTC) if found[4] else naive.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such time") from None


def matches(text: str, patterns: str) -> bool:
    """Whether a text fits a list of patterns with commas between, as ssh does it: `*`, `?` and a
    `!` before what must not fit."""
    found = False
    for pattern in patterns.split(","):
        if fits(text, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def fits(text: str, pattern: str) -> bool:
    """Whether a text fits one pattern, in time that does not explode however many `*` it has."""
    if "*" not in pattern and "?" not in pattern:
        return text == pattern
    at = place = 0
    star, resume = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return not pattern[place:].strip("*")
