"""One look at environment variables, at which none is shown."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opsdeck.probes._file_env import parse_env
from opsdeck.probes._file_git import git_of
from opsdeck.probes._file_read import Deadline, below, decoded, find, read
from opsdeck.probes._file_scan import listed, scan
from opsdeck.probes._file_strength import entropy_bits, is_placeholder
from opsdeck.probes.base import Document, ProbeError, Target
from opsdeck.probes.blocking import in_thread

_SHORTEST_SECRET = 8
_DSN = re.compile(
    r"https?://[0-9A-Za-z]{8,128}(:[0-9A-Za-z]{1,128})?@[\w.:\[\]-]{3,253}(/[\w-]{1,64}){0,8}/\d{1,24}"
)


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """What may be said of the variables; one that is missing is a document with `set` false."""
    began = time.perf_counter()
    deadline = Deadline(timeout_s, "looking for variables in the code")
    names = list(dict.fromkeys(parameters.get("names") or [parameters["name"]]))
    values, source = await _values(target, parameters.get("file"), names)
    for value in values.values():
        if len(value) >= _SHORTEST_SECRET:
            target.hide(value)
    document: Document = {"source": source, **_summary(names, values)}
    if parameters.get("code"):
        document["unread"] = await _unread(target, names, parameters.get("ignore") or [], deadline)
    document["latency_ms"] = round((time.perf_counter() - began) * 1000, 1)
    return document


async def _values(
    target: Target, file: str | None, names: list[str]
) -> tuple[dict[str, str], str | None]:
    """The variables that are there, and where they were looked for (None: nowhere to look)."""
    if not file:
        found = {name: target.environ[name] for name in names if name in target.environ}
        return found, "environment"
    path = target.path(file)
    at = await in_thread(lambda: find(path))
    if at.stat is None:
        return {}, None
    everything = parse_env(decoded(await in_thread(lambda: read(at))))
    found = {name: everything[name] for name in names if name in everything}
    return found, below(path, target.path("."))


def _summary(names: list[str], values: Mapping[str, str]) -> Document:
    """All of them in short (the shortest, the weakest), then each."""
    told = {name: _told(values.get(name)) for name in names}
    there = [t for t in told.values() if t["set"]]
    texts = [value for value in values.values() if value]
    return {
        "set": len(there) == len(names),
        "count": len(there),
        "missing": [name for name, t in told.items() if not t["set"]],
        "placeholders": [name for name, t in told.items() if t["placeholder"]],
        "alike": len(set(texts)) < len(texts),
        "not_dsn": [
            name
            for name, value in values.items()
            if value.strip() and name.upper().endswith("SENTRY_DSN") and not _is_dsn(value)
        ],
        "length": min((t["length"] for t in there), default=None),
        "entropy_bits": min((t["entropy_bits"] for t in there), default=None),
        "variables": told,
    }


def _is_dsn(value: str) -> bool:
    """Whether a value has what Sentry calls a DSN: public key, host and number of the project."""
    return _DSN.fullmatch(value.strip()) is not None


def _told(value: str | None) -> Document:
    """What may be said of one value. An empty one is as good as none."""
    text = value or ""
    return {
        "set": bool(text.strip()),
        "length": len(text),
        "entropy_bits": entropy_bits(text),
        "placeholder": is_placeholder(text),
        "uri": "://" in text,
    }


async def _unread(
    target: Target, names: list[str], ignore: list[str], deadline: Deadline
) -> list[str]:
    """The variables that no code of the repository reads."""
    root: Path = target.path(".")
    if not await in_thread(root.is_dir):
        raise ProbeError("missing", f"there is no folder {root}: set path in the target")
    git = await git_of(root, target.environ, deadline)
    files = None if git is None else await git.files()

    def search() -> dict[str, Any]:
        listing = listed(root, deadline) if files is None else files
        return scan(root, listing, "variables", ignore, deadline)

    read_by_code = set((await in_thread(search))["variables"])
    return [name for name in names if name not in read_by_code]
