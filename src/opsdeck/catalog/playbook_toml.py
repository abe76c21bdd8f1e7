"""TOML of a playbook: its front matter and the probes in it, within bounds."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import msgspec

from opsdeck.catalog.markdown_text import fold
from opsdeck.catalog.playbook import Diagnostic

MOST_CHARACTERS = 65_536
"""No front matter and no probe is longer: a program that reads TOML may take time that grows with
the square of its length."""
MOST_DOTS = 100
_STRING = re.compile(r"""'[^'\n]*+'?|"(?:[^"\\\n]|\\.)*+"?|\#[^\n]*+""")
_DEEP = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MOST_DOTS}}}")


class TooMuchError(ValueError):
    """It is not even tried to read it."""


def loads_bounded(text: str) -> dict[str, Any]:
    """The values in it; raises ValueError for what is no TOML, TooMuchError for too much of it."""
    if len(text) > MOST_CHARACTERS:
        raise TooMuchError(f"it is longer than {MOST_CHARACTERS // 1024} KB")
    bare = _STRING.sub(lambda found: "" if found[0][0] == "#" else "x", text)
    if _DEEP.search(bare):
        raise TooMuchError(f"a key in it has more than {MOST_DOTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("its values are nested too deeply") from error


def diagnostic(content: str, line: int) -> Diagnostic:
    """The probe of a `toml probe` fence, with a fault where it cannot be looked with."""
    try:
        values = loads_bounded(content)
    except TooMuchError as error:
        fault = f"it is not read: {error}"
    except ValueError as error:
        fault = f"it is no TOML: {error}"
    else:
        try:
            msgspec.json.encode(values)
            return _diagnostic(values, line)
        except (ValueError, OverflowError):  # a hexadecimal number of thousands of digits
            fault = "a number in it is too large"
    return Diagnostic(title="A look", probe={}, line=line, fault=fault)


def _diagnostic(values: dict[str, Any], line: int) -> Diagnostic:
    show, columns = values.pop("show", ""), texts(values.pop("columns", ()))
    title = values.pop("title", "")
    if isinstance(values.get("probe"), dict):  # as checklists have it
        values = values["probe"]
    kind = values.get("kind")
    named = fold(kind) if isinstance(kind, str) else ""
    return Diagnostic(
        title=fold(title) if isinstance(title, str) and title else f"{named or 'A'} look",
        probe=values,
        line=line,
        show=show if isinstance(show, str) else "",
        columns=columns,
        fault="" if isinstance(kind, str) else 'it names no kind: write for example kind = "host"',
    )


def texts(value: Any) -> tuple[str, ...]:
    """A string or list of strings as a tuple; anything else counts for nothing."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, list):
        return tuple(entry for entry in value if isinstance(entry, str) and entry)
    return ()


def variables_of(value: Any) -> dict[str, str]:
    """A table's values as texts; anything else counts for nothing."""
    return {str(k): _plain(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _plain(value: Any) -> str:
    try:
        return str(value)
    except ValueError:  # a hexadecimal number of thousands of digits
        return ""
