"""Worlds of a repository: its env files, what its code reads, secrets in it. git is real."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.probes.partners_local import GIT_ENVIRON, git, repository, write
from tests.worlds.harness import Setting, World

Setup = Callable[[Path], AbstractContextManager[Setting]]

STRONG = secrets.token_hex(32)
LEAK = "sk_live_" + "a8Kq02LmZx9Rt5Vb7Nc3"  # put together, so that no scanner stumbles over it


def repo_setting(folder: Path, **keys: Any) -> Setting:
    """A repository target at `folder`, with git free of the tester's own settings."""
    environ = {**os.environ, **GIT_ENVIRON}
    return Setting({"repo": {"kind": "repository", "path": str(folder), **keys}}, environ, folder)


def days_ago(days: float) -> str:
    """A moment for git."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")


def repo(
    files: Mapping[str, str], untracked: Mapping[str, str] | None = None, mode: int = 0o600
) -> Setup:
    """A repository with these files committed; `untracked` ones have this mode."""

    @contextmanager
    def setup(tmp_path: Path) -> Iterator[Setting]:
        repository(tmp_path, files, at=days_ago(1))
        write(tmp_path, untracked or {})
        for name in untracked or {}:
            (tmp_path / name).chmod(mode)
        yield repo_setting(tmp_path)

    return setup


CODE = {"src/app.js": "listen(process.env.PORT); const { MONGODB_URI } = process.env;\n"}
EXAMPLE = {".env.example": "PORT=3000\nMONGODB_URI=mongodb://localhost/app\n"}
IGNORING = {".gitignore": ".env\n"}
ENV_FILE = (
    f"PORT=3000\nMONGODB_URI=mongodb://app:9fK2xQ7vLm4RtZ1p@db/app\nSESSION_SECRET={STRONG}\n"
)
SENTRY = {"src/errors.js": "Sentry.init({ dsn: process.env.SENTRY_DSN });\n"}
DSN = "SENTRY_DSN=https://8f3a9c1e7b5d4f2a@o42.ingest.sentry.io/4711\n"


def documented(code: str = "", example: str = "", env: str = "") -> Setup:
    """Code, example and env file that agree, but for what is added to one of them."""
    files = {
        "src/app.js": CODE["src/app.js"] + code,
        ".env.example": EXAMPLE[".env.example"] + example,
        "test/app.test.js": "process.env.ONLY_IN_TESTS",
        **IGNORING,
    }
    return repo(files, {".env": "PORT=8080\n" + env})


def env_file(
    text: str = ENV_FILE, mode: int = 0o600, more: Mapping[str, str] | None = None
) -> Setup:
    """A repository with an env file beside what is committed."""
    return repo({**CODE, **IGNORING, **(more or {})}, {".env": text}, mode)


@contextmanager
def tracked_env(tmp_path: Path) -> Iterator[Setting]:
    """The env file was committed once, with force."""
    with env_file()(tmp_path) as setting:
        git(tmp_path, "add", "-f", ".env")
        git(tmp_path, "commit", "-qm", "oops")
        yield setting


WORLDS = [
    World("environment-configuration/env-documented", "passed", "all are named", documented()),
    World(
        "environment-configuration/env-documented",
        "failed",
        "the code reads one that is not named",
        documented(code="pay(process.env.STRIPE_KEY)\n"),
    ),
    World(
        "environment-configuration/env-documented",
        "failed",
        "production sets one that is not named",
        documented(env="LEGACY_FLAG=1\n"),
    ),
    World(
        "environment-configuration/env-documented",
        "failed",
        "there is no example",
        repo({**CODE, **IGNORING}),
    ),
    World("environment-configuration/env-file-secure", "passed", "private", env_file()),
    World(
        "environment-configuration/env-file-secure",
        "failed",
        "everybody may read it",
        env_file(mode=0o644),
    ),
    World("environment-configuration/env-file-secure", "failed", "git has it", tracked_env),
    World(
        "environment-configuration/env-file-secure",
        "failed",
        "a placeholder was left",
        env_file(ENV_FILE + "API_KEY=changeme-please-0123456789abcdef\n"),
    ),
    World(
        "environment-configuration/env-file-secure",
        "failed",
        "a password can be guessed",
        env_file(ENV_FILE.replace("9fK2xQ7vLm4RtZ1p", "shop2024")),
    ),
    World(
        "environment-configuration/env-file-secure",
        "failed",
        "a value is empty",
        env_file(ENV_FILE + "STRIPE_KEY=\n"),
    ),
    World(
        "environment-configuration/env-file-secure", "failed", "there is none", repo({**IGNORING})
    ),
    World("environment-configuration/session-secrets", "passed", "64 random digits", env_file()),
    World(
        "environment-configuration/session-secrets",
        "failed",
        "it is short",
        env_file(f"SESSION_SECRET={STRONG[:20]}\n"),
    ),
    World(
        "environment-configuration/session-secrets",
        "failed",
        "it is long and no secret",
        env_file("SESSION_SECRET=my-super-secret-session-secret-for-production\n"),
    ),
    World("environment-configuration/session-secrets", "failed", "unset", env_file("PORT=3000\n")),
    World(
        "monitoring-logging/error-tracking",
        "passed",
        "the DSN is set and read",
        env_file(ENV_FILE + DSN, more=SENTRY),
    ),
    World("monitoring-logging/error-tracking", "failed", "no DSN", env_file(more=SENTRY)),
    World(
        "monitoring-logging/error-tracking",
        "failed",
        "what is set is no DSN",
        env_file(ENV_FILE + "SENTRY_DSN=https://sentry.io/organizations/acme\n", more=SENTRY),
    ),
    World(
        "monitoring-logging/error-tracking",
        "failed",
        "no code reads the DSN",
        env_file(ENV_FILE + DSN),
    ),
    World(
        "code-quality-security/no-hardcoded-secrets",
        "passed",
        "secrets come from the environment",
        repo({**CODE, **EXAMPLE, **IGNORING}, {".env": f"K={LEAK}"}),
    ),
    World(
        "code-quality-security/no-hardcoded-secrets",
        "failed",
        "a key in the code",
        repo({**CODE, **EXAMPLE, **IGNORING, "src/pay.js": f"const k = '{LEAK}'\n"}),
    ),
    World(
        "code-quality-security/no-hardcoded-secrets",
        "failed",
        "a password in a URI",
        repo({**CODE, "deploy.yml": "uri: mongodb://app:9fK2xQ7vLm4RtZ1p@db/app\n"}),
    ),
]
