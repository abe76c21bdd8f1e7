"""Write for people and programs on any stdout: harmless, and in its encoding."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from opsdeck.terminal import locale_is_utf8
from opsdeck.text import ascii_only, visible

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_TELLING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def say(line: str = "") -> None:
    """One line on stdout; what its encoding lacks is written in ASCII."""
    sys.stdout.write((line if _fits(line) else ascii_only(line)) + "\n")


def warn(line: str) -> None:
    """One line on stderr that begins with the program's name."""
    sys.stdout.flush()
    text = f"opsdeck: {visible(line)}"
    sys.stderr.write((text if _fits(text, sys.stderr.encoding) else ascii_only(text)) + "\n")


def say_json(value: Any, *, indent: int = 2) -> None:
    """A value as JSON on stdout, with nothing in it that a terminal would obey."""
    text = msgspec.json.encode(value)
    if indent:
        text = msgspec.json.format(text, indent=indent)
    say_text(escaped_controls(text.decode()) + "\n", escape=_escaped)


def escaped_controls(text: str) -> str:
    """The same JSON (or TOML with basic strings), controls and marks of direction escaped."""
    return _TELLING.sub(_escape, text)


def say_text(text: str, *, escape: Callable[[str], str] = ascii_only) -> None:
    """A whole document on stdout: into files and pipes as UTF-8, whatever the locale.

    On a terminal that cannot show all of it, `escape` says how it is put in ASCII.
    """
    stream = sys.stdout
    if _fits(text):
        stream.write(text)
    elif stream.isatty() or escape is _escaped:
        stream.write(escape(text))
    else:
        stream.flush()
        stream.buffer.write(text.encode("utf-8", "replace"))
        stream.buffer.flush()


def _escaped(text: str) -> str:
    return _NOT_ASCII.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))


def shown_encoding(encoding: str | None) -> str:
    """What the other end of a stream can show. In the locale C Python writes UTF-8 by itself, of
    which that end knows nothing."""
    by_itself = sys.flags.utf8_mode and not os.environ.get("PYTHONUTF8")
    if by_itself and not os.environ.get("PYTHONIOENCODING") and not locale_is_utf8(os.environ):
        return "ascii"
    return encoding or "utf-8"


def _fits(text: str, encoding: str | None = None) -> bool:
    if text.isascii():
        return True
    try:
        text.encode(shown_encoding(encoding or sys.stdout.encoding))
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class HarmlessStream(io.BytesIO):
    """Passes UTF-8 text on to stdout with nothing in it that a terminal would obey.

    With `escaped` it is JSON and keeps its values; otherwise control characters become pictures
    of themselves. What is written at once must be whole characters.
    """

    def __init__(self, out: BinaryIO, *, escaped: bool) -> None:
        super().__init__()
        self._out = out
        self._harmless = escaped_controls if escaped else _pictured

    def write(self, data: ReadableBuffer) -> int:
        """Pass it on; how many bytes were taken, which is all."""
        text = bytes(data).decode("utf-8", "replace")
        self._out.write(self._harmless(text).encode("utf-8", "replace"))
        return len(bytes(data))


def _pictured(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))
