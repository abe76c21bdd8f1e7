"""Find the line of a table or key in TOML text; used only when something is wrong there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

TomlPath = tuple[str | int, ...]
"""Keys and list positions from the top: `("checklist", 0, "item", 3, "valid_for")`."""

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|'
    r"'''.*?'{3,5}|"
    r'"(?:\\.|[^"\\\n])*"|'
    r"'[^'\n]*'|"
    r"#[^\n]*|"
    r"[A-Za-z0-9_-]+|"
    r"[\[\]{}=.\n]",
    re.DOTALL,
)


def line_index(text: str) -> dict[TomlPath, int]:
    """The 1-based line of every table and key of a valid TOML text.

    What stands inside an inline table or a list of values has no entry of its own: look up
    the key that holds it.
    """
    lines: dict[TomlPath, int] = {}
    counts: dict[TomlPath, int] = {}
    base: TomlPath = ()
    for line, statement, is_header in _statements(text.replace("\r\n", "\n")):
        if is_header:
            base = _enter(statement, counts)
            _record(lines, base, line)
        else:
            for length in range(1, len(statement) + 1):
                _record(lines, (*base, *statement[:length]), line)
    return lines


def find_line(lines: dict[TomlPath, int], path: TomlPath) -> int | None:
    """The line of a path, or of the nearest thing around it that has one."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _record(lines: dict[TomlPath, int], path: TomlPath, line: int) -> None:
    lines.setdefault(path, line)
    if path and isinstance(path[-1], int):
        lines.setdefault(path[:-1], line)


def _enter(header: list[str], counts: dict[TomlPath, int]) -> TomlPath:
    """The path of a header; a leading empty name marks `[[...]]`."""
    double = header[:1] == [""]
    names = header[1:] if double else header
    path: TomlPath = ()
    for position, name in enumerate(names):
        path = (*path, name)
        if double and position == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _statements(text: str) -> Iterator[tuple[int, list[str], bool]]:
    """Each header and each key with its line; values are passed over."""
    line, counted = 1, 0
    names: list[str] = []
    started = 1
    depth = 0
    state = "start"  # of a statement; then in a "header", a "key" or a "value"
    for match in _TOKEN.finditer(text):
        token = match[0]
        line += text.count("\n", counted, match.start())
        counted = match.start()
        if token == "\n":
            if state == "header":
                yield started, names, True
            if depth == 0 or state == "header":
                state, names, depth = "start", [], 0
        elif token[0] == "#":
            continue
        elif state == "value":
            depth += (token in "[{") - (token in "]}")
        elif token == "[":
            # The second bracket of [[...]] leaves an empty name first.
            names = [""] if state == "header" else []
            state, started = "header", line
        elif token == "=":
            yield started, names, False
            state, depth = "value", 0
        elif token not in ".]":
            if state == "start":
                state, started = "key", line
            names.append(_unquoted(token))
    if state == "header":
        yield started, names, True


def _unquoted(token: str) -> str:
    """A key as it is meant: quoted keys without their quotes."""
    if token[0] not in "\"'":
        return token
    try:
        return str(tomllib.loads(f"key = {token}")["key"])
    except ValueError:
        return token
