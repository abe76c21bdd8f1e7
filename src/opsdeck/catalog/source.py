"""Read a text file that people wrote without ever hanging, crashing or filling the memory."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Any

from opsdeck.catalog.locate import TomlPath, find_line, line_index
from opsdeck.catalog.model import Fault

LARGEST_BYTES = 10 * 1024 * 1024
"""More than this is no file that people wrote by hand."""

_LONG_LINE = 300
_ENDLESS_KEY = re.compile(
    r"""(?<![\w"'.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}"""
)

_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_END = " (at end of document)"

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class UnusableError(Exception):
    """Internal: a file cannot be read at all; holds the one fault that says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class Source:
    """One TOML file: its name for messages, its text and what it holds."""

    def __init__(self, file: str, text: str, data: dict[str, Any]) -> None:
        self.file = file
        self.text = text
        self.data = data

    @cached_property
    def _lines(self) -> dict[TomlPath, int]:
        return line_index(self.text)

    def line_of(self, path: TomlPath) -> int | None:
        """The 1-based line of a part of the document, or of what is around it."""
        return find_line(self._lines, path) if path else None


def open_source(path: Path) -> Source:
    """Read and parse a TOML file; raises `UnusableError` with its fault."""
    return parse_source(read_bytes(path), str(path))


def parse_source(content: str | bytes, file: str) -> Source:
    """Parse TOML; `file` is its name for messages. Raises `UnusableError` with its fault."""
    text = decode(content, file) if isinstance(content, bytes) else content
    text = text.removeprefix("\ufeff")
    _check_keys(text, file)
    try:
        return Source(file, text, tomllib.loads(text))
    except RecursionError:
        problem, line, column = "lists or tables are nested too deeply", None, None
    except ValueError as error:
        problem, line, column = _place(str(error), text)
        if not isinstance(error, tomllib.TOMLDecodeError):
            # Python's own limit on digits, with advice for programmers.
            problem = "a number has thousands of digits"
    message = f"not valid TOML: {problem}"
    raise UnusableError(Fault(file=file, message=message, line=line, column=column))


def _check_keys(text: str, file: str) -> None:
    """Refuse keys with dozens of dots: tomllib's time for them grows with the square."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LONG_LINE and _ENDLESS_KEY.search(line):
            message = "a key has 64 dotted parts or more; no key needs more than a few"
            raise UnusableError(Fault(file=file, message=message, line=number))


def _place(message: str, text: str) -> tuple[str, int | None, int | None]:
    """The reason, line and column in a message of tomllib."""
    found = _PLACE.search(message)
    if found is not None:
        return message[: found.start()], int(found[1]), int(found[2])
    if message.endswith(_END):
        lines = text.split("\n")
        reason = message.removesuffix(_END) + " at the end of the file"
        return reason, len(lines), len(lines[-1].rstrip("\r")) + 1
    return message, None, None


def decode(content: bytes, file: str) -> str:
    """The text of a UTF-8 file, byte-order mark included; raises `UnusableError` with its fault."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = (
            f"not UTF-8: byte {content[error.start]:#04x} at offset {error.start}"
            f" (line {line}); save the file as UTF-8"
        )
        raise UnusableError(Fault(file=file, message=message, line=line)) from None
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        message = f"holds a NUL byte (line {line}): this is not a text file, or it is damaged"
        raise UnusableError(Fault(file=file, message=message, line=line))
    return text


def read_bytes(path: Path) -> bytes:
    """What a regular file of bounded size holds; raises `UnusableError` with its fault.

    It looks before it opens, so that a pipe or a device is neither waited for nor disturbed.
    """
    try:
        _check(path, path.stat())
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as stream:
            _check(path, os.fstat(handle))
            content = stream.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UnusableError(Fault(file=str(path), message=_unreadable(error))) from None
    if len(content) > LARGEST_BYTES:
        raise UnusableError(_too_large(path, len(content), at_least=True))
    return content


def _check(path: Path, status: os.stat_result) -> None:
    for is_kind, name in _KINDS:
        if is_kind(status.st_mode):
            message = f"is {name}, not a file; name a regular file"
            raise UnusableError(Fault(file=str(path), message=message))
    if status.st_size > LARGEST_BYTES:
        raise UnusableError(_too_large(path, status.st_size))


def _too_large(path: Path, size: int, *, at_least: bool = False) -> Fault:
    more = "more than " if at_least else ""
    limit = LARGEST_BYTES // 1024 // 1024
    message = (
        f"is {more}{size / 1024 / 1024:.1f} MB; at most {limit} MB are read: is it the right file?"
    )
    return Fault(file=str(path), message=message)


def _unreadable(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "does not exist; check the path or create the file"
        case PermissionError():
            return "may not be read; check the rights of the file and its folders"
        case OSError():
            return f"cannot be read: {error.strerror or error}"
        case _:
            return f"cannot be read: {error}"
