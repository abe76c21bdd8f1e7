"""Looks at this machine in tests: through the engine, as in earnest."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from opsdeck.probes.base import Facts
from opsdeck.probes.engine import Engine, Round, Seen

GIT_ENVIRON = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@opsdeck.test",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@opsdeck.test",
}


async def see(
    kind: str,
    folder: Path,
    *,
    target: str = "repo",
    environ: Mapping[str, str] | None = None,
    facts: Facts | None = None,
    **parameters: Any,
) -> Seen:
    """What a probe sees with a repository target at `folder`."""
    engine = Engine(
        {"repo": {"kind": "repository", "path": str(folder)}},
        environ=os.environ if environ is None else environ,
        folder=folder,
        facts=facts,
    )
    try:
        return await Round(engine).look({"kind": kind, "target": target, **parameters})
    finally:
        await engine.aclose()


async def document(kind: str, folder: Path, **parameters: Any) -> dict[str, Any]:
    """The document, where there must be one."""
    seen = await see(kind, folder, **parameters)
    assert seen.document is not None, f"{seen.cause}: {seen.message}"
    return seen.document


RECENTLY = f"{datetime.now(UTC) - timedelta(days=20):%Y-%m-%dT12:00:00+00:00}"
"""What a page that is looked after was last touched at: a date that was written down would age."""


def git(folder: Path, *words: str, at: str = RECENTLY) -> None:
    """Run git in a test's own repository, committing at a fixed moment."""
    dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    environ = {**os.environ, **GIT_ENVIRON, **dates}
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env=environ)


def repository(folder: Path, files: Mapping[str, str], at: str = RECENTLY) -> Path:
    """A checkout with these files, committed at a moment."""
    git_init(folder)
    write(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all", at=at)
    return folder


def git_init(folder: Path) -> None:
    """An empty repository."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Files with their texts, below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
