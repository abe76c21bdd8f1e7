"""What git says of files, asked so that nothing in the repository can make git run a program."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from opsdeck.probes._command_run import Ended, run
from opsdeck.probes._file_read import Deadline
from opsdeck.probes.base import ProbeError

_MOST_BYTES = 8_000_000

# Settings of a repository that name programs, each put out of action on the command line.
_SAFE = (
    "--no-optional-locks",
    "--no-pager",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "log.showSignature=false",
    "-c",
    "core.quotePath=false",
)
_LEFT_OUT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF", "GIT_TRACE")


class Git(NamedTuple):
    """A checkout: its folder, and what git needs to be asked."""

    folder: Path
    environ: Mapping[str, str]
    deadline: Deadline

    async def tracked(self, path: str) -> bool:
        """Whether git has the file."""
        return bool((await self._ask("ls-files", "-z", "--", _literal(path))).stdout.data)

    async def ignored(self, path: str) -> bool:
        """Whether .gitignore keeps the file out."""
        return (
            await self._ask("check-ignore", "-q", "--no-index", "--", f"./{path}")
        ).exit_code == 0

    async def files(self) -> list[str]:
        """All files that git has, relative to the folder."""
        ended = await self._ask("ls-files", "-z", "--", ".")
        if ended.stdout.total_bytes > _MOST_BYTES:
            raise ProbeError("protocol", f"git has too many files in {self.folder} to look at")
        return _names(ended.stdout.data)

    async def shallow(self) -> set[str]:
        """Where the history was cut off: those commits seem to have touched every file."""
        name = (await self._ask("rev-parse", "--git-path", "shallow")).stdout.data
        path = self.folder / os.fsdecode(name.rstrip(b"\n"))
        try:
            return set(path.read_text("ascii").split())
        except (OSError, UnicodeError):
            return set()

    async def touched(self, paths: Sequence[str]) -> dict[str, float | None]:
        """Unix time of the last commit that touched each file that git has.

        None where the history that was fetched does not reach back to it.
        """
        if not paths:
            return {}
        cut = await self.shallow()
        wanted = set(paths)
        found: dict[str, float | None] = {}
        alone = ("-1",) if len(wanted) == 1 else ()
        asked = ("log", *alone, "--format=%x01%H %ct", "--name-only", "-z", "--no-renames")
        quiet = ("--no-show-signature", "--no-ext-diff", "--no-textconv", "--relative")
        ended = await self._ask(*asked, *quiet, "--", *map(_literal, paths))
        commit, moment = "", 0.0
        for part in ended.stdout.data.replace(b"\n", b"\0").split(b"\0"):
            if part.startswith(b"\x01"):
                name, _, seconds = part[1:].decode("ascii", "replace").partition(" ")
                commit, moment = name, float(seconds or 0)
                if alone:
                    found[paths[0]] = None if commit in cut else moment
            elif part and (path := os.fsdecode(part)) in wanted and path not in found:
                found[path] = None if commit in cut else moment
        return found

    async def _ask(self, *words: str) -> Ended:
        ended = await run(
            ["git", "-C", str(self.folder), *_SAFE, *words],
            cwd=self.folder,
            environ=self.environ,
            timeout_s=self.deadline.left_s,
            most_bytes=_MOST_BYTES,
        )
        if ended.exit_code not in (0, 1):
            raise _refused(self.folder, ended)
        return ended


async def git_of(folder: Path, environ: Mapping[str, str], deadline: Deadline) -> Git | None:
    """git for the checkout that `folder` lies in, or None where it lies in none.

    Raises ProbeError where it does but git is not installed.
    """
    whole = Path(os.path.abspath(folder))  # noqa: PTH100 (links stay as they are)
    if not any((parent / ".git").exists() for parent in (whole, *whole.parents)):
        return None
    if shutil.which("git", path=environ.get("PATH")) is None:
        raise ProbeError("missing", "git is not installed on this machine: install it")
    kept = {k: v for k, v in environ.items() if k not in _LEFT_OUT}
    kept |= {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "",
        "LC_ALL": "C",
    }
    return Git(whole, kept, deadline)


def _literal(path: str) -> str:
    """A path as git takes it whatever signs are in its name."""
    return f":(literal){path}"


def _names(data: bytes) -> list[str]:
    return [os.fsdecode(name) for name in data.split(b"\0") if name]


def _refused(folder: Path, ended: Ended) -> ProbeError:
    said = ended.stderr.data.decode("utf-8", "replace")
    if "dubious ownership" in said:
        return ProbeError(
            "rights",
            f"git does not trust {folder}, which belongs to another user: run OpsDeck as its"
            f" owner, or `git config --global --add safe.directory {folder}`",
        )
    line = next(iter(said.splitlines()), "")[:200]
    return ProbeError("protocol", f"git could not look at {folder}: {line}")
