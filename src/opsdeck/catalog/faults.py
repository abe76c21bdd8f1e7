"""Collect everything that is wrong in a file that people wrote, each fault with its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opsdeck.catalog.model import Fault
from opsdeck.errors import ConfigError, DataError
from opsdeck.text import plural, visible

if TYPE_CHECKING:
    from opsdeck.catalog.locate import TomlPath
    from opsdeck.catalog.source import Source

MOST_FAULTS = 5_000
"""Beyond this many faults in one file only their number is reported: such a file is junk."""


class CatalogFaults(DataError):  # noqa: N818 - it carries faults, it is not one
    """The catalog cannot be used: every fault of every one of its files."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(_summary("The catalog", self.faults))


class ConfigFaults(ConfigError):  # noqa: N818 - likewise
    """The configuration cannot be used: every fault of its file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(_summary("The configuration", self.faults))


def _summary(subject: str, faults: Sequence[Fault]) -> str:
    if len(faults) == 1:
        return str(faults[0])
    return "\n".join([f"{subject} has {plural(len(faults), 'fault')}:", *map(str, faults)])


class Report:
    """The faults of one file while it is being read; finds their lines when asked.

    `proven`: its probes and expectations were checked before, and are not looked into again.
    """

    def __init__(self, file: str, source: Source | None = None, *, proven: bool = False) -> None:
        self.file = file
        self.source = source
        self.proven = proven
        self._faults: list[Fault] = []
        self._left_out = 0

    def add(
        self,
        message: str,
        path: TomlPath = (),
        *,
        checklist: str | None = None,
        item: str | None = None,
        key: str | None = None,
    ) -> None:
        """Note one fault; `path` is where in the TOML document it is, to find its line."""
        if self.full:
            self._left_out += 1
            return
        self._faults.append(
            Fault(
                file=self.file,
                message=message,
                line=self.line_of(path),
                checklist=checklist,
                item=item,
                key=key,
            )
        )

    @property
    def full(self) -> bool:
        """Whether further faults are only counted."""
        return len(self._faults) >= MOST_FAULTS

    def line_of(self, path: TomlPath) -> int | None:
        """The line where this part of the document begins, or None."""
        return self.source.line_of(path) if self.source is not None else None

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What was found so far, in the order of the file."""
        ordered = sorted(self._faults, key=lambda fault: fault.line or 0)
        if self._left_out:
            ordered.append(
                Fault(
                    file=self.file,
                    message=f"and {plural(self._left_out, 'more fault')}: mend these first",
                )
            )
        return tuple(ordered)


def shown(value: object, limit: int = 60) -> str:
    """A found value on one short line, named by its TOML type, safe for any terminal."""
    match value:
        case str():
            return f'"{short(value, limit)}"'
        case bool():
            return "true" if value else "false"
        case int() if abs(value) < 10**15:
            return f"the integer {value}"
        case float():
            return f"the number {value}"
        case _:
            return toml_type(value)


def toml_type(value: object) -> str:
    """What TOML calls this kind of value, with its article."""
    match value:
        case str():
            return "a string"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number"
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def short(text: str, limit: int = 60) -> str:
    """Text from a file on one harmless line, cut to `limit` characters."""
    return visible(text if len(text) <= limit else text[: limit - 1] + "…")


def did_you_mean(found: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` with the nearest known name, else what is known, else nothing."""
    names = tuple(known)
    near = _nearest(found[:80], names)
    if near is not None:
        return f'; did you mean "{short(near)}"?'
    if not names:
        return ""
    if len(names) > 12:
        return ""
    return "; known are " + ", ".join(names)


@lru_cache(maxsize=4096)
def _nearest(found: str, known: tuple[str, ...]) -> str | None:
    # difflib is needed only when something is wrong.
    from difflib import get_close_matches

    folded: dict[str, str] = {name.casefold(): name for name in reversed(known)}
    matches = get_close_matches(found.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def names_of(value: Any) -> str:
    """The id in a table as far as there is one to show."""
    found = value.get("id") if isinstance(value, dict) else None
    return short(found, 80) if isinstance(found, str) and found.strip() else ""
