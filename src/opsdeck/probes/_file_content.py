"""What is in a file, as far as it may be shown: never a value of an env file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from opsdeck.probes._file_bounded import bounded
from opsdeck.probes._file_env import flat, keys_of, parse_env
from opsdeck.probes._file_read import MOST_BYTES, Deadline, Found, below, decoded, find, read
from opsdeck.probes._file_strength import names_secret, password_in
from opsdeck.probes._file_text import MOST_HEADINGS, about, said, sections
from opsdeck.probes.base import Document, ProbeError

_SHORTEST_SECRET = 8
"""Shorter values are not blotted out elsewhere: `true` and `3000` are everywhere."""


_MOST_SECRETS = 200
"""Blotting out takes time for each; no document holds a value anyway."""


class Wanted(NamedTuple):
    """What is asked of a file's content."""

    format: str
    section: str
    contains: list[str]
    figure: str
    compare: list[Path]
    content: bool


class Content(NamedTuple):
    """What may be shown of a file, and what must not be shown anywhere."""

    document: Document
    secrets: list[str]


def content_of(found: Found, root: Path, wanted: Wanted, deadline: Deadline) -> Content:
    """What the file says; raises ProbeError where it cannot be read or is not of its format."""
    form = format_of(found.path, wanted.format)
    data = read(found)
    deadline.check()
    cut = found.stat is not None and found.stat.st_size > len(data)
    text = decoded(data)
    document: Document = {"format": form, "lines": len(text.splitlines()), "cut": cut}
    if form in ("text", "markdown"):
        return Content(document | _read_text(text, found.path, wanted), [])
    if cut:
        raise ProbeError(
            "protocol", f"{below(found.path, root)} is larger than {MOST_BYTES:,} bytes"
        )
    values = values_of(text, form, below(found.path, root))
    keys = flat(values)
    document |= keys_of(keys)
    if wanted.content and form != "env":
        document["content"] = bounded(values)
    if wanted.compare:
        document |= _compared(set(keys), wanted.compare, root, deadline)
    return Content(document, _secrets(keys))


def format_of(path: Path, given: str) -> str:
    """How a file is to be read, by its name where nothing else was said."""
    if given != "auto":
        return given
    name = path.name.lower()
    if name == ".env" or name.startswith(".env.") or name.endswith(".env"):
        return "env"
    by_ending = {".toml": "toml", ".json": "json", ".md": "markdown", ".markdown": "markdown"}
    return by_ending.get(path.suffix.lower(), "text")


def values_of(text: str, form: str, name: str) -> Mapping[str, Any]:
    """The variables of an env file, or the table of a TOML or JSON file."""
    if form == "env":
        return parse_env(text)
    try:
        value = tomllib.loads(text) if form == "toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        # Where it broke off, without the text that stands there.
        place = str(error) if form == "json" else str(error).rpartition("(")[2].rstrip(")")
        raise ProbeError("protocol", f"{name} is not {form.upper()}: {place[:200]}") from None
    return value if isinstance(value, Mapping) else {"": value}


def _read_text(text: str, path: Path, wanted: Wanted) -> Document:
    lines = text.splitlines()
    headings = [s.heading for s in sections(lines)]
    part = about(text, path.stem, wanted.section) if wanted.section else None
    document = said(part[1] if part else text, wanted.contains, wanted.figure)
    document["headings"] = headings[:MOST_HEADINGS]
    document["headings_left_out"] = max(0, len(headings) - MOST_HEADINGS)
    if wanted.section:
        document["section"] = part[0] if part else None
    return document


def _compared(keys: set[str], alternatives: list[Path], root: Path, deadline: Deadline) -> Document:
    """Which keys the other file has and this one lacks, and the reverse."""
    other = next((f for path in alternatives if (f := find(path)).type == "file"), None)
    if other is None:
        compared: Document = {"compared_with": None, "missing_keys": None, "extra_keys": None}
        return compared
    deadline.check()
    name = below(other.path, root)
    found = flat(values_of(decoded(read(other)), format_of(other.path, "auto"), name))
    return {
        "compared_with": name,
        "missing_keys": sorted(set(found) - keys)[:500],
        "extra_keys": sorted(keys - set(found))[:500],
    }


def _secrets(values: Mapping[str, Any]) -> list[str]:
    texts = [(name, value) for name, value in values.items() if isinstance(value, str)]
    kept = [v for n, v in texts if names_secret(n) and len(v) >= _SHORTEST_SECRET]
    kept += [p for _, v in texts if len(p := password_in(v)) >= _SHORTEST_SECRET]
    return kept[:_MOST_SECRETS]
