"""Worlds of npm and ESLint.

No registry can be had offline, so `npm` is a stand-in on PATH that prints what npm 11 prints
(test_npm_as_it_is holds it against the real one, with a registry of the test's own); ESLint is one
that ends as ESLint does. What judges npm's rows is the real node.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.probes.partners_local import write
from tests.worlds.harness import Setting, World

Setup = Callable[[Path], AbstractContextManager[Setting]]

PACKAGE = {
    "name": "orders-api",
    "version": "1.0.0",
    "dependencies": {"minimist": "~1.2.5", "ms": "^2.0.0"},
    "devDependencies": {"isarray": "1.0.0"},
}


def row(current: str | None, wanted: str, latest: str) -> dict[str, str]:
    """One package as `npm outdated --json` has it; one that is not installed has no current."""
    known = {} if current is None else {"current": current}
    place = {"dependent": "orders-api", "location": "node_modules/x"}
    return {**known, "wanted": wanted, "latest": latest, **place}


def audit(**found: int) -> dict[str, Any]:
    """The end of `npm audit --json` with so many vulnerabilities of each severity."""
    counts = dict.fromkeys(("info", "low", "moderate", "high", "critical"), 0) | found
    return {
        "auditReportVersion": 2,
        "vulnerabilities": {},
        "metadata": {
            "vulnerabilities": {**counts, "total": sum(counts.values())},
            "dependencies": {"prod": 3, "dev": 1, "optional": 0, "peer": 0, "total": 3},
        },
    }


def npm(printed: Mapping[str, Any], code: int, package: Mapping[str, Any] = PACKAGE) -> Setup:
    """A package, and an npm that prints this and ends so."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        if shutil.which("node") is None:
            pytest.skip("node is not installed here")
        script = f"#!/bin/sh\ncat {tmp_path}/printed.json\nexit {code}\n"
        write(
            tmp_path,
            {
                "printed.json": json.dumps(printed),
                "bin/npm": script,
                "package.json": json.dumps(package),
            },
        )
        (tmp_path / "bin/npm").chmod(0o755)
        environ = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
        yield Setting({"repo": {"kind": "repository", "path": str(tmp_path)}}, environ, tmp_path)

    return setup


def eslint(code: int, printed: str = "") -> Setup:
    """A project whose own ESLint ends so."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        path = tmp_path / "node_modules/.bin/eslint"
        script = (
            f'#!/bin/sh\n[ "$*" = ". --max-warnings 0" ] || exit 2\necho "{printed}"\nexit {code}\n'
        )
        write(tmp_path, {"node_modules/.bin/eslint": script})
        path.chmod(0o755)
        yield Setting({"repo": {"kind": "repository", "path": str(tmp_path)}}, os.environ, tmp_path)

    return setup


OUTDATED = "code-quality-security/dependencies-patched"
AUDIT = "code-quality-security/npm-audit"
ESLINT = "code-quality-security/eslint-passing"

WORLDS = [
    World(OUTDATED, "passed", "all are at the newest", npm({}, 0)),
    World(
        OUTDATED,
        "passed",
        "only a new major is left",
        npm({"ms": row("2.1.3", "2.1.3", "3.0.0")}, 1),
    ),
    World(OUTDATED, "failed", "a patch is there", npm({"ms": row("2.1.1", "2.1.3", "2.1.3")}, 1)),
    World(
        OUTDATED,
        "failed",
        "one of two copies lacks a patch",
        npm({"ms": [row("2.1.3", "2.1.3", "2.1.3"), row("2.0.0", "2.1.3", "2.1.3")]}, 1),
    ),
    World(OUTDATED, "failed", "it is not installed", npm({"ms": row(None, "2.1.3", "2.1.3")}, 1)),
    World(
        OUTDATED,
        "failed",
        "an exact version keeps patches out",
        npm({"isarray": row("1.0.0", "1.0.0", "1.0.1")}, 1),
    ),
    World(OUTDATED, "failed", "nothing is asked for", npm({}, 0, {"name": "empty"})),
    World(AUDIT, "passed", "none is known", npm(audit(), 0)),
    World(AUDIT, "failed", "a critical one", npm(audit(critical=1), 1)),
    World(AUDIT, "failed", "a low one, which npm was told to let pass", npm(audit(low=1), 0)),
    World(ESLINT, "passed", "nothing to say", eslint(0)),
    World(ESLINT, "failed", "a finding", eslint(1, "x.js: no-undef")),
]
