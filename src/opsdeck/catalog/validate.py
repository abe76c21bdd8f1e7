"""Take values out of parsed TOML tables, noting everything that is not as it should be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from opsdeck.catalog.faults import Report, did_you_mean, short, shown
from opsdeck.durations import parse_duration

if TYPE_CHECKING:
    from opsdeck.catalog.locate import TomlPath

LONGEST_ID = 80
LONGEST_TEXT = 4_000

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_BLANKS = re.compile(r"[ \t\r\n]+")
_SPACE = " \t\r\n"

_Choice = TypeVar("_Choice", bound=str)


class Table:
    """One table of a file being read: typed getters that report faults instead of raising.

    A getter gives the value, or None where the key is absent or its value is faulty (which is
    then in the report). `prefix` stands before a key where faults name it, e.g. `deck.`.
    """

    def __init__(
        self,
        report: Report,
        values: Mapping[str, Any],
        path: TomlPath = (),
        *,
        checklist: str | None = None,
        item: str | None = None,
        prefix: str = "",
    ) -> None:
        self.report = report
        self.values = values
        self.path = path
        self.checklist = checklist
        self.item = item
        self.prefix = prefix

    def fault(self, message: str, key: str | None = None, *, named: str | None = None) -> None:
        """Note a fault of this table, or of one of its keys."""
        self.report.add(
            message,
            self.path if key is None else (*self.path, key),
            checklist=self.checklist,
            item=self.item,
            key=named if key is None else self.prefix + short(named or key),
        )

    def only(self, known: tuple[str, ...], what: str = "key") -> None:
        """Report every key that is not among the known ones."""
        if self.values.keys() <= set(known):
            return
        for key in self.values:
            if key not in known:
                name = short(key)
                hint = "" if self.report.full else did_you_mean(key, known)
                self.fault(f'unknown {what} "{name}"{hint}', key, named=name)

    def missing(self, key: str) -> None:
        """Report a required key that is not there."""
        self.fault("missing; it is required here", key)

    def raw(self, key: str, kind: type | tuple[type, ...], allowed: str) -> Any:
        """The value when it is of this type; `allowed` says what it should be."""
        value = self.values.get(key)
        if value is None:
            return None
        # In Python, but not in TOML, a boolean is an integer.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        self.fault(f"is {shown(value)}; it must be {allowed}", key)
        return None

    def string(self, key: str, *, required: bool = False) -> str | None:
        """A string without the blanks around it; an empty one is a fault."""
        value = self.values.get(key)
        if type(value) is str:
            value = value.strip(_SPACE)
            if value:
                return value
            self.fault("is empty; write something or remove the key", key)
        elif value is not None:
            self.raw(key, str, "a string in quotes")
        elif required:
            self.missing(key)
        return None

    def line(self, key: str, *, required: bool = False) -> str | None:
        """A string as one line: runs of blanks and newlines become single spaces."""
        value = self.string(key, required=required)
        if value is None:
            return None
        value = folded(value)
        if len(value) > LONGEST_TEXT:
            self.fault(
                f"has {len(value):,} characters; at most {LONGEST_TEXT:,} are allowed:"
                " put the rest into the guide",
                key,
            )
            return None
        return value

    def identifier(self, key: str, *, required: bool = False, capitals: bool = False) -> str | None:
        """A short readable name such as `tls-certificate`."""
        value = self.values.get(key)
        if type(value) is str:
            reason = id_problem(value, capitals=capitals)
            if reason is None:
                return value
            self.fault(reason, key)
            return None
        return self.string(key, required=required)

    def boolean(self, key: str) -> bool | None:
        """True or false."""
        value: bool | None = self.raw(key, bool, "true or false, without quotes")
        return value

    def choice(
        self, key: str, allowed: tuple[_Choice, ...], *, required: bool = False
    ) -> _Choice | None:
        """One of a few words."""
        value = self.string(key, required=required)
        if value is None:
            return None
        for word in allowed:
            if word == value:
                return word
        words = ", ".join(f'"{word}"' for word in allowed)
        near = did_you_mean(value, allowed)
        hint = near if near.startswith("; did") else ""
        self.fault(f"is {shown(value)}; allowed are {words}{hint}", key)
        return None

    def duration(self, key: str) -> float | None:
        """A written duration, in seconds."""
        value = self.string(key)
        if value is None:
            return None
        try:
            return parse_duration(value)
        except ValueError as error:
            self.fault(short(str(error), 200), key)
            return None

    def strings(self, key: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
        """A list of strings, each without the blanks around it."""
        value = self.raw(key, list, "a list of strings")
        if value is None:
            return ()
        if not value and not may_be_empty:
            self.fault("is an empty list; list at least one or remove the key", key)
        found: list[str] = []
        for position, entry in enumerate(value, 1):
            if type(entry) is not str:
                self.fault(f"entry {position} is {shown(entry)}; it must be a string", key)
            elif not (entry := entry.strip(_SPACE)):
                self.fault(f"entry {position} is empty; write something or remove it", key)
            else:
                found.append(entry)
        return tuple(found)

    def identifiers(self, key: str, *, capitals: bool = False) -> tuple[str, ...]:
        """A list of short names, which may be empty; repeated ones count once."""
        found: dict[str, None] = {}
        for name in self.strings(key, may_be_empty=True):
            reason = id_problem(name, capitals=capitals)
            if reason is None:
                found[name] = None
            else:
                self.fault(reason, key)
        return tuple(found)

    def table(self, key: str, example: str) -> dict[str, Any] | None:
        """A table, as it is."""
        value: dict[str, Any] | None = self.raw(key, dict, f"a table, such as {example}")
        return value

    def tables(self, key: str, example: str) -> list[tuple[int, dict[str, Any]]]:
        """The tables of a list with their positions; an empty list is a fault."""
        value = self.raw(key, list, f"written as {example}")
        if value is None:
            return []
        if not value:
            self.fault(f"is an empty list; add {example} or remove the key", key)
        found: list[tuple[int, dict[str, Any]]] = []
        for position, entry in enumerate(value):
            if isinstance(entry, dict):
                found.append((position, entry))
            else:
                self.fault(f"entry {position + 1} is {shown(entry)}; write it as {example}", key)
        return found


def id_problem(value: str, *, capitals: bool = False) -> str | None:
    """Why this cannot be an id, with what is allowed; None when it can."""
    if len(value) <= LONGEST_ID and (_NAME if capitals else _ID).fullmatch(value):
        return None
    letters = "letters" if capitals else "lower-case letters"
    if len(value) > LONGEST_ID:
        return f"has {len(value)} characters; an id has at most {LONGEST_ID}"
    found = shown(value) if value else "empty"
    return (
        f"is {found}; allowed are {letters}, digits, hyphen, dot and underscore,"
        " beginning with a letter or digit"
    )


def folded(text: str) -> str:
    """Text on one line: runs of blanks and newlines become single spaces."""
    return _BLANKS.sub(" ", text).strip(" ") if _needs_folding(text) else text


def _needs_folding(text: str) -> bool:
    return "  " in text or "\n" in text or "\t" in text or "\r" in text


def trimmed(text: str) -> str:
    """Text of several lines without the blank lines before and after it."""
    return re.sub(r"\A(?:[ \t\r]*\n)+", "", text).rstrip(_SPACE)
