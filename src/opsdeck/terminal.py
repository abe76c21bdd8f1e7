"""Is this a terminal the app can be shown on, and what can it show?"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from opsdeck.errors import UsageError

_DUMB = frozenset({"", "dumb", "unknown"})


def check_terminal(environ: Mapping[str, str]) -> None:
    """Raise UsageError where the app would paint escape sequences into nothing or hang."""
    plain = "plain text works everywhere: `opsdeck list checklists`, `opsdeck --help`"
    for stream, name in ((sys.stdin, "input"), (sys.stderr, "output"), (sys.stdout, "output")):
        if stream is None or not stream.isatty():
            raise UsageError(f"the app needs a terminal, and its {name} is none; {plain}")
    if environ.get("TERM", "") in _DUMB:
        raise UsageError(
            f"the terminal says it is {environ.get('TERM') or 'unnamed'!r} (TERM) and can show no"
            f" screens; {plain}"
        )


def locale_is_utf8(environ: Mapping[str, str]) -> bool:
    """Whether the locale promises that the terminal understands UTF-8."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environ.get(name)
        if value:
            return "utf-8" in value.lower() or "utf8" in value.lower()
    return False


def use_ascii(environ: Mapping[str, str], wish: str) -> bool:
    """Whether to draw with ASCII: the configuration's wish, else what the locale says."""
    if wish == "auto":
        return not locale_is_utf8(environ)
    return wish == "ascii"


def ensure_utf8_mode(environ: Mapping[str, str]) -> None:
    """Start again in Python's UTF-8 mode where the streams would garble what is drawn."""
    encoding = (getattr(sys.__stderr__, "encoding", None) or "utf-8").lower().replace("-", "")
    if encoding == "utf8" or environ.get("PYTHONUTF8"):
        return
    os.execve(
        sys.executable,
        [sys.executable, "-m", "opsdeck", *sys.argv[1:]],
        {**environ, "PYTHONUTF8": "1"},
    )
