"""The text of a playbook's bytes: decoded, with line ends as they should be."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_DECODED = re.compile("[\udc80-\udcff]")


class Source(NamedTuple):
    """What was read of a file. `broken` are lines (from 1) with bytes that are no text in its
    encoding; `cut` says that there is more in the file than was read."""

    text: str
    broken: frozenset[int] = frozenset()
    cut: bool = False


def source_of(data: bytes, *, cut: bool = False) -> Source:
    """The text in a file's bytes; up to its last line end where the file is longer."""
    text = storable_text(decoded(data))
    if cut:
        text = text[: text.rfind("\n") + 1]
    return Source(text, _broken_lines(data, text), cut)


def decoded(data: bytes) -> str:
    """The text of a file, whatever its encoding: what is no UTF-8 is shown as replaced."""
    if data.startswith(_UTF16):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def _broken_lines(data: bytes, text: str) -> frozenset[int]:
    if "\ufffd" not in text:
        return frozenset()
    if data.startswith(_UTF16):
        lines, broken = text, re.compile("\ufffd")
    else:
        lines, broken = _with_line_feeds(data.decode("utf-8-sig", "surrogateescape")), _NOT_DECODED
    return frozenset(n for n, line in enumerate(lines.split("\n"), 1) if broken.search(line))


def storable_text(text: str) -> str:
    """Line ends as they should be, and nothing that no file may hold."""
    return _with_line_feeds(text).encode("utf-8", "replace").decode("utf-8")


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def storable_name(path: str) -> str:
    r"""A name as the system gives it, as text for any file: a byte that is no UTF-8 is `\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def title_of(identity: str) -> str:
    """What a playbook is called by its id alone: `high-cpu-usage` is `High cpu usage`."""
    words = identity.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]
