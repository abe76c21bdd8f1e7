"""Look at a file or many: there, how old, whose, and what is in it, without showing secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsdeck.probes.base import Document, Parameter, Target
from opsdeck.probes.blocking import import_module

ABOUT = "looks at files: age, mode, owner, what they say, what they lack beside another"
TARGETS = ("repository", "host")
PARAMETERS = {
    "path": Parameter((str, list), "the file, or alternatives (patterns too): the first there is"),
    "glob": Parameter((str, list), "a pattern for many files: how many, the newest, the oldest"),
    "format": Parameter(
        (str,),
        "how it is read",
        "auto",
        choices=("auto", "none", "text", "markdown", "env", "toml", "json"),
    ),
    "section": Parameter((str,), "the subject whose section counts; alternatives with |"),
    "contains": Parameter((list,), "what it must speak of; alternatives within each with |"),
    "figure": Parameter((str,), "durations are read from lines that name this"),
    "compare": Parameter((str, list), "another file, whose keys this one should have"),
    "content": Parameter((bool,), "whether TOML or JSON content is shown (never env files)", False),
    "git": Parameter((bool,), "whether git is asked too", False),
    "scan": Parameter((str,), "searches the repository", choices=("secrets", "variables")),
    "ignore": Parameter((list,), "folders and patterns that a search leaves out"),
}


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right in a look at files."""
    given = [key for key in ("path", "glob") if parameters.get(key)]
    if len(given) == 2:
        yield "path and glob exclude each other: use path for one file, glob for many"
    if not given and not parameters.get("scan"):
        yield "path is needed (or glob, or scan)"
    for key in ("path", "glob", "contains", "compare", "ignore"):
        value = parameters.get(key)
        if isinstance(value, list) and not all(isinstance(v, str) and v for v in value):
            yield f"{key} must be strings"
        if isinstance(value, str | list) and any("\0" in str(v) for v in _list(value)):
            yield f"{key} holds a NUL character"
    for key in ("section", "contains", "figure", "compare", "content"):
        if parameters.get(key) and not parameters.get("path"):
            yield f"{key} needs path"


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """What is there; a file that is missing is a document too, with `exists` false."""
    looks = await import_module("opsdeck.probes._file_look")
    document: Document = await looks.look(target, parameters, timeout_s)
    return document


def _list(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
