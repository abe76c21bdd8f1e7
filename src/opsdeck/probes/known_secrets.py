"""The secrets that this machine knows: those of targets, and those of the session's environment."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opsdeck.probes._secret_names import is_secret_name
from opsdeck.probes._written_secrets import secrets_written_in
from opsdeck.probes.base import ProbeError, Target

__all__ = ["is_secret_name", "session_secrets", "target_secrets"]

SHORTEST = 6
"""What is shorter, in a variable whose name sounds secret, stands by accident in many texts."""
_NO_SECRET = re.compile(r"(?:\w+_|GDM)?SESSION(?:_ID)?|(?:OLD|INIT_)?PWD")
"""What desktops and terminals call a session (`ubuntu`, `plasma`, a window), and folders."""


def target_secrets(
    targets: Mapping[str, Mapping[str, Any]], environ: Mapping[str, str], folder: Path | None
) -> set[str]:
    """The secrets of every target of `opsdeck.toml`, as far as their values can be had here."""
    found: set[str] = set()
    for name, table in targets.items():
        target = Target(name, table, environ=environ, folder=folder)
        with contextlib.suppress(ProbeError):
            found.update(secrets_written_in(target.values))
        found |= target.secrets
    return found


def session_secrets(environ: Mapping[str, str]) -> set[str]:
    """Values of variables that sound secret by their names, which every command can read.

    No paths: PWD is a folder, and SSH_AUTH_SOCK a socket.
    """
    return {
        value
        for name, value in environ.items()
        if len(value) >= SHORTEST
        and is_secret_name(name)
        and value[0] not in "/~."
        and not _NO_SECRET.fullmatch(name)
    }
