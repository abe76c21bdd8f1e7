"""The terminal's side of a pseudo-terminal: what a program is answered, and what it has drawn."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyte

_QUERY = re.compile(
    rb"\x1b\[(?:(?P<attributes>0?c)|(?P<secondary>>0?c)|(?P<cursor>\??6n)|(?P<status>5n)"
    rb"|\?(?P<mode>\d+)\$p|(?P<keyboard>\?u)|(?P<version>>0?q)|(?P<size>1[468]t))"
    rb"|\x1b\](?P<colour>1[01]);\?|\x1bP(?P<capability>\+q)"
)
_SYNCHRONIZED_OUTPUT = "2026"
_LONGEST_QUERY = 24

_NOT_FOR_PYTE = re.compile(
    rb"\x1b\[[<=>][0-9;:]*[@-~]|\x1b\[\??[0-9;]*[$ '!\"][@-~]|\x1b\[\?[0-9;]*u"
    rb"|\x1b[PX^_].*?(?:\x1b\\|\x07)",
    re.DOTALL,
)
"""Sequences that pyte would print as text or take for others."""

_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[PX^_\]][^\x07\x1b]{0,4096}\x1b?)?\Z")


class Terminal:
    """Takes a program's output in any pieces; keeps the screen and says what to answer.

    Drawing is slow (pyte parses in Python), so `take` only stores and `draw` draws: whoever
    measures draws when no output is waiting.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._waiting: list[tuple[float, bytes]] = []
        self._unfinished = b""
        self._query_tail = b""
        self._lines = [""] * rows

    def take(self, data: bytes, at: float) -> bytes:
        """Store output that came at time `at`; the bytes to send back to the program."""
        whole = self._unfinished + data
        cut = _UNFINISHED.search(whole)
        end = cut.start() if cut else len(whole)
        self._unfinished = whole[end:]
        self._waiting.append((at, _NOT_FOR_PYTE.sub(b"", whole[:end])))
        return self._answers(data)

    def _answers(self, data: bytes) -> bytes:
        known = len(self._query_tail)
        whole = self._query_tail + data
        self._query_tail = whole[-_LONGEST_QUERY:]
        return b"".join(
            self._answer(found).encode() for found in _QUERY.finditer(whole) if found.end() > known
        )

    def _answer(self, query: re.Match[bytes]) -> str:
        kind = query.lastgroup or ""
        argument = query[kind].decode()
        cursor = self._screen.cursor
        answers: dict[str, Callable[[], str]] = {
            "attributes": lambda: "\x1b[?62;22c",
            "secondary": lambda: "\x1b[>1;10;0c",
            "cursor": lambda: f"\x1b[{cursor.y + 1};{cursor.x + 1}R",
            "status": lambda: "\x1b[0n",
            "keyboard": lambda: "\x1b[?0u",
            "version": lambda: "\x1bP>|bench 1\x1b\\",
            "size": lambda: f"\x1b[8;{self.rows};{self.columns}t",
            "capability": lambda: "\x1bP0+r\x1b\\",
            "mode": lambda: f"\x1b[?{argument};{2 if argument == _SYNCHRONIZED_OUTPUT else 0}$y",
            "colour": lambda: f"\x1b]{argument};rgb:0000/0000/0000\x1b\\",
        }
        return answers[kind]()

    @property
    def drawn(self) -> bool:
        """Whether everything taken is on the screen."""
        return not self._waiting

    def draw(self) -> float:
        """Draw the oldest stored piece; when it had come."""
        at, data = self._waiting.pop(0)
        self._stream.feed(data)
        for y in self._screen.dirty:
            if y < self.rows:
                row = self._screen.buffer[y]
                self._lines[y] = "".join(row[x].data for x in range(self.columns))
        self._screen.dirty.clear()
        return at

    def text(self) -> str:
        """The screen as far as it is drawn, a line a row, right ends blank-stripped."""
        return "\n".join(line.rstrip() for line in self._lines)
