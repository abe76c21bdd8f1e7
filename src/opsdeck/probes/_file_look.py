"""One look at a file, or at many, or at all that a repository holds."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from opsdeck.probes._file_content import Wanted, content_of
from opsdeck.probes._file_git import Git, git_of
from opsdeck.probes._file_read import (
    Deadline,
    Found,
    age_s,
    below,
    decoded,
    expand,
    facts,
    find,
    is_pattern,
    read,
)
from opsdeck.probes._file_scan import listed, scan
from opsdeck.probes._file_text import about, words_in
from opsdeck.probes.base import Document, ProbeError, Target
from opsdeck.probes.blocking import in_thread

_MOST_CANDIDATES = 300
Result = TypeVar("Result")


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """What is there; raises ProbeError where that cannot be told."""
    began = time.perf_counter()
    deadline = Deadline(timeout_s, "looking at files")
    seeing = _Look(target, parameters, target.path("."), deadline)
    document: Document = {}
    if parameters.get("path"):
        document |= await seeing.file()
    elif parameters.get("glob"):
        document |= await seeing.files()
    if parameters.get("scan"):
        document["scan"] = await seeing.scan(document)
    document["latency_ms"] = round((time.perf_counter() - began) * 1000, 1)
    return document


class _Look:
    """One look: what is asked for, where, and until when."""

    def __init__(
        self,
        target: Target,
        parameters: Mapping[str, Any],
        root: Path,
        deadline: Deadline,
    ) -> None:
        self._target = target
        self._given = parameters
        self._root = root
        self._deadline = deadline
        self._now = time.time()

    async def file(self) -> Document:
        """One file: the first alternative there is, or the one with the fullest section."""
        wanted = Wanted(
            format=self._given["format"],
            section=self._given.get("section") or "",
            contains=self._given.get("contains") or [],
            figure=self._given.get("figure") or "",
            compare=self._paths(self._given.get("compare")),
            content=bool(self._given.get("content")),
        )
        found = await self._in_thread(lambda: self._chosen(wanted.section))
        document = facts(found, self._root, self._now)
        document["touched_age_s"] = document.get("age_s")
        if found.type == "file" and wanted.format != "none":
            content = await self._in_thread(
                lambda: content_of(found, self._root, wanted, self._deadline)
            )
            for secret in content.secrets:
                self._target.hide(secret)
            document |= content.document
        if self._given.get("git"):
            document |= await self._git_of(found.path, found.stat is not None)
        return document

    def _chosen(self, section: str) -> Found:
        """The file to look at; the first alternative, missing, where there is none."""
        first: Found | None = None
        best: tuple[int, Found] | None = None
        for count, path in enumerate(self._candidates()):
            self._deadline.check()
            if count >= _MOST_CANDIDATES and best is not None:
                break
            found = find(path)
            if found.stat is None:
                first = first or found
                continue
            if not section:
                return found
            first = first if first is not None and first.stat is not None else found
            words = _words_about(found, section)
            if words and (best is None or words > best[0]):
                best = (words, found)
        if best is not None:
            return best[1]
        if first is None or section:
            name = _list(self._given["path"])[0]
            return Found(self._target.path(name), None, False)
        return first

    def _candidates(self) -> Iterator[Path]:
        seen: set[Path] = set()
        for name in _list(self._given["path"]):
            if is_pattern(name):
                paths: Any = expand(self._root, name, self._deadline)
            else:
                paths = [self._target.path(name)]
            for path in paths:
                if path not in seen:
                    seen.add(path)
                    yield path

    async def files(self) -> Document:
        """Many files: how many, how much, the newest and the oldest."""
        found = await self._in_thread(self._matching)
        touched: dict[str, float | None] = {}
        git = await self._git(self._root) if self._given.get("git") and found else None
        if git is not None:
            touched = await git.touched([below(f.path, self._root) for f in found][:1000])
        seen = sorted((self._seen(f, touched) for f in found), key=_by_touch)
        sizes = [f.stat.st_size for f in found if f.stat is not None]
        return {
            "exists": bool(found),
            "count": len(found),
            "total_bytes": sum(sizes),
            "smallest_bytes": min(sizes, default=None),
            "newest": seen[0] if seen else None,
            "oldest": seen[-1] if seen else None,
        }

    def _matching(self) -> list[Found]:
        paths = {
            path: None
            for pattern in _list(self._given["glob"])
            for path in expand(self._root, pattern, self._deadline)
        }
        return [f for path in paths if (f := find(path)).type == "file"]

    def _seen(self, found: Found, touched: Mapping[str, float | None]) -> Document:
        assert found.stat is not None
        path = below(found.path, self._root)
        moment = touched.get(path, found.stat.st_mtime)
        return {
            "path": path,
            "age_s": age_s(found.stat.st_mtime, self._now),
            "touched_age_s": None if moment is None else age_s(moment, self._now),
            "size_bytes": found.stat.st_size,
        }

    async def scan(self, document: Document) -> Document:
        """What a search of the whole repository found."""
        what, ignore = str(self._given["scan"]), self._given.get("ignore") or []
        git = await self._git(self._root)
        names = None if git is None else await git.files()
        found: Document = await self._in_thread(
            lambda: scan(
                self._root,
                listed(self._root, self._deadline) if names is None else names,
                what,
                ignore,
                self._deadline,
            )
        )
        found["listed_by"] = "walk" if git is None else "git"
        if what == "variables":
            keys = document.get("keys")
            asked = set(found["variables"])
            found["undocumented"] = None if keys is None else sorted(asked - set(keys))
        return found

    async def _git_of(self, path: Path, exists: bool) -> Document:
        """What the repository that the file lies in says of it: it need not be the target's."""
        inside = await self._in_thread(path.parent.is_dir)
        beside = path if path.is_dir() else path.parent
        git = await self._git(beside if inside else self._root)
        if git is None:
            said: Document = {"repository": False, "tracked": False, "ignored": False}
            return {"git": said | {"last_commit_age_s": None, "shallow": False}}
        name = os.path.relpath(path, git.folder)
        tracked, ignored, shallow = (
            await git.tracked(name),
            await git.ignored(name),
            await git.shallow(),
        )
        said = {"repository": True, "tracked": tracked, "ignored": ignored}
        said |= {"last_commit_age_s": None, "shallow": bool(shallow)}
        document: Document = {"git": said}
        if tracked:
            moment = (await git.touched([name])).get(name)
            said["last_commit_age_s"] = None if moment is None else age_s(moment, self._now)
            if exists:
                document["touched_age_s"] = said["last_commit_age_s"]
        return document

    async def _git(self, folder: Path) -> Git | None:
        if not await self._in_thread(folder.is_dir):
            raise ProbeError("missing", f"there is no folder {folder}: set path in the target")
        return await git_of(folder, self._target.environ, self._deadline)

    def _paths(self, names: str | list[str] | None) -> list[Path]:
        return [self._target.path(name) for name in _list(names)]

    async def _in_thread(self, call: Any) -> Any:
        return await _left_when_late(in_thread(call), self._deadline)


async def _left_when_late(call: Awaitable[Result], deadline: Deadline) -> Result:
    """What the thread gives; when nobody waits any more it stops at its next step."""
    try:
        async with asyncio.timeout(deadline.left_s):
            return await call
    except TimeoutError:
        deadline.cancel()
        raise ProbeError(
            "timeout",
            f"the file system did not answer within {deadline.timeout_s:g} s: is it mounted?",
        ) from None
    except asyncio.CancelledError:
        deadline.cancel()
        raise


def _by_touch(seen: Document) -> float:
    moment = seen["touched_age_s"]
    return float("inf") if moment is None else float(moment)


def _words_about(found: Found, section: str) -> int:
    """How much a file says about a subject; files that cannot be read say nothing."""
    if found.type != "file":
        return 0
    try:
        part = about(decoded(read(found)), found.path.stem, section)
    except ProbeError:
        return 0
    return words_in(part[1]) if part else 0


def _list(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
