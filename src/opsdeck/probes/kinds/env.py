"""Look at environment variables: set, how long, how hard to guess; never what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsdeck.probes.base import Document, Parameter, Target
from opsdeck.probes.blocking import import_module

ABOUT = "looks at environment variables: set, length, entropy; never their values"
TARGETS = ("repository", "host")
PARAMETERS = {
    "name": Parameter((str,), "the variable"),
    "names": Parameter((list,), "several variables"),
    "file": Parameter((str,), "an env file to read them from (default: OpsDeck's environment)"),
    "code": Parameter((bool,), "whether to look if the repository's code reads them", False),
    "ignore": Parameter((list,), "folders and patterns of code that do not count"),
}


def problems(parameters: Mapping[str, Any]) -> Iterator[str]:
    """What cannot be right in a look at variables."""
    given = [key for key in ("name", "names") if parameters.get(key)]
    if len(given) != 1:
        yield "name (one variable) or names (several) is needed, and not both"
    names = parameters.get("names") or []
    if isinstance(names, list) and not all(isinstance(n, str) and n.strip() for n in names):
        yield "names must be names of variables"


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """What may be said of the variables; one that is missing is a document with `set` false."""
    looks = await import_module("opsdeck.probes._file_variables")
    document: Document = await looks.look(target, parameters, timeout_s)
    return document
