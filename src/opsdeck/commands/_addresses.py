"""The addresses of a command: its words, and lines of stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from opsdeck.errors import UsageError


def addresses(words: Sequence[str]) -> list[str]:
    """The addresses on the command line; `-` stands for those on stdin."""
    found: list[str] = []
    for word in words:
        found += _from_stdin() if word == "-" else [word]
    if not found:
        raise UsageError(
            "no item is named: write CHECKLIST/ITEM, for example infrastructure/tls-certificate"
            " (`opsdeck list items` shows them all)"
        )
    return found


def _from_stdin() -> list[str]:
    text = sys.stdin.buffer.read().decode("utf-8", "replace").removeprefix("\ufeff")
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
