"""Search a repository's own files for secrets, and for the environment variables it reads.

What is found is named by file, line and rule; the secret itself goes nowhere.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from opsdeck.probes._file_read import NOT_ENTERED, Deadline, decoded, find, read, shown
from opsdeck.probes._file_secrets import Place, secrets_in
from opsdeck.probes.base import ProbeError

MOST_FILES = 20_000
MOST_FOUND = 200
_PIECE = 8_192
_OVERLAP = 512

_BINARY_NAMES = """
    png jpg jpeg gif ico webp avif pdf zip gz tgz bz2 xz zst woff woff2 ttf eot otf mp3 mp4
    mov webm wasm so dylib dll exe class jar pyc node
"""
_BINARY = frozenset(_BINARY_NAMES.split())
_LOCKS_NAMES = """
    package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml poetry.lock Cargo.lock
    go.sum composer.lock Gemfile.lock bun.lockb uv.lock
"""
_LOCKS = frozenset(_LOCKS_NAMES.split())
"""Nothing but names and checksums, which look like secrets."""


_READS = (
    re.compile(r"\bprocess\.env\??\.(?P<name>[A-Za-z_]\w{0,99})"),
    re.compile(
        r"\b(?:process|import\.meta)\.env(?:\?\.)?\[\s*[\"'`](?P<name>[A-Za-z_]\w{0,99})[\"'`]"
    ),
    re.compile(r"\bimport\.meta\.env\.(?P<name>[A-Za-z_]\w{0,99})"),
    re.compile(r"\bDeno\.env\.get\(\s*[\"'](?P<name>[A-Za-z_]\w{0,99})"),
    re.compile(r"\benviron(?:\.get)?\s?[(\[]\s*[\"'](?P<name>[A-Za-z_]\w{0,99})"),
    re.compile(r"\b[gG]etenv\(\s*[\"'](?P<name>[A-Za-z_]\w{0,99})"),
    re.compile(r"\bos\.(?:Getenv|LookupEnv)\(\s*\"(?P<name>[A-Za-z_]\w{0,99})"),
    re.compile(r"\benv::var(?:_os)?\(\s*\"(?P<name>[A-Za-z_]\w{0,99})"),
    re.compile(r"\bENV(?:\.fetch\(|\[)\s*[\"'](?P<name>[A-Za-z_]\w{0,99})"),
)
_DESTRUCTURED = re.compile(r"\{(?P<names>[^{}]{1,2000})\}\s{0,20}=\s{0,20}process\.env\b(?!\.)")
_NAME = re.compile(r"^\s*(?P<name>[A-Za-z_]\w{0,99})\s*(?:[:=].*)?$", re.DOTALL)
_CODE_NAMES = """
    js mjs cjs jsx ts mts cts tsx vue svelte py rb go rs php java kt cs ex exs
"""
_CODE = frozenset(_CODE_NAMES.split())
_GIVEN = re.compile(
    r"(?:PATH|HOME|USER|USERNAME|PWD|SHELL|LANG|LC_\w+|TERM|TMPDIR|TEMP|TMP|HOSTNAME|EDITOR|CI|TZ"
    r"|NO_COLOR|FORCE_COLOR|npm_\w+|DEV|PROD|MODE|SSR|BASE_URL|VITEST|JEST_WORKER_ID)"
)
"""Set by the system or by tools; nobody configures them for this program."""


def listed(root: Path, deadline: Deadline) -> Iterator[str]:
    """Files below a folder that is no checkout; env files, which hold secrets, are left out."""
    stack = [root]
    while stack:
        deadline.check()
        folder = stack.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in NOT_ENTERED:
                    stack.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and not _is_env_file(entry.name):
                yield os.path.relpath(entry.path, root)


def _is_env_file(name: str) -> bool:
    sample = name.endswith((".example", ".sample", ".template", ".dist"))
    return (name == ".env" or name.startswith(".env.")) and not sample


def scan(
    root: Path, names: Iterable[str], what: str, ignore: list[str], deadline: Deadline
) -> dict[str, Any]:
    """`secrets`: `{files, found, count, samples}`; `variables`: `{files, variables}`.

    `unread` says how many files could not be read or were too large: with any, silence is no proof.
    """
    unignored = [name for name in names if not _ignored(name, ignore)]
    wanted = [name for name in unignored if _suits(name, what)]
    if len(wanted) > MOST_FILES:
        raise ProbeError(
            "protocol",
            f"{shown(root)} has {len(wanted):,} files and at most {MOST_FILES:,} are searched:"
            " name folders to leave out with ignore",
        )
    found: list[dict[str, Any]] = []
    samples: list[dict[str, Any]] = []
    variables: set[str] = set()
    files = unread = 0
    for name in wanted:
        deadline.check()
        text = _text(root / name)
        if text is None:
            unread += 1
        elif text:
            files += 1
            if what == "variables":
                variables |= set(read_variables(text))
            else:
                places = secrets_in(text, name, deadline.check)
                found += _named(name, places.secrets)
                samples += _named(name, places.samples)
    if what == "variables":
        return {"files": files, "unread": unread, "variables": sorted(variables)}
    read = {"files": files, "unread": unread, "count": len(found), "found": found[:MOST_FOUND]}
    return {**read, "samples": samples[:MOST_FOUND]}


def _named(path: str, places: list[Place]) -> list[dict[str, Any]]:
    return [{"path": shown(path), "line": line, "rule": rule} for line, rule in places]


def _suits(name: str, what: str) -> bool:
    base = name.rsplit("/", 1)[-1]
    ending = base.rsplit(".", 1)[-1].lower() if "." in base else ""
    if what == "variables":
        return ending in _CODE
    return ending not in _BINARY and base not in _LOCKS


def _ignored(name: str, ignore: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, p) or name.startswith(p.rstrip("/") + "/") for p in ignore)


def _text(path: Path) -> str | None:
    """A file's text; "" for a binary one and one that is not there, None for one left unread."""
    try:
        found = find(path)
        if found.type != "file" or found.is_symlink:
            return ""
        if found.stat is not None and found.stat.st_size > 1_000_000:
            return None
        data = read(found)
    except ProbeError:
        return None
    if b"\0" in data[:8_192] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return ""
    return decoded(data)


def read_variables(text: str) -> Iterator[str]:
    """The environment variables that a program's text reads, but for those everybody has."""
    if "env" not in text and "ENV" not in text:
        return
    for begin in range(0, len(text), _PIECE):
        piece = text[begin : begin + _PIECE + _OVERLAP]
        for pattern in _READS:
            for match in pattern.finditer(piece):
                yield from _asked(match["name"])
        for match in _DESTRUCTURED.finditer(piece) if "process.env" in piece else ():
            for part in match["names"].split(","):
                if name := _NAME.match(part):
                    yield from _asked(name["name"])


def _asked(name: str) -> Iterator[str]:
    if not _GIVEN.fullmatch(name):
        yield name
