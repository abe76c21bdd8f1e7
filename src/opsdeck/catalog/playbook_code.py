"""Which lines of Markdown are code, told line by line: before comments are taken out of it."""

from __future__ import annotations

import re

_FENCE = re.compile(r"`{3,}(?=[^`\n]*$)|~{3,}")
_QUOTES = re.compile(r"(?:[ \t]*>)*+ ?")
_QUOTE = re.compile(r"[ \t]*> ?")
_BLANKS = re.compile(r"[ \t]*")
_MARKER = re.compile(r"(?:[-*+]|\d{1,9}[.)])([ \t]+)(?=\S)")


class CodeLines:
    """Follows fences, within lists and quotations too, and what is indented."""

    def __init__(self) -> None:
        self._fence = ""
        self._quotes = 0
        """Of how many quotations the fence, or else the last line, is a part."""
        self._inside = 0
        """The column that a line must reach to be within the list item of the fence."""
        self._items: list[int] = []
        """The columns in which the text of the list items begins that are open."""
        self._after_blank, self._after_code = True, False

    def take(self, line: str) -> bool:
        """Whether this, the next line, is code or the edge of it."""
        quotes, begin = self._quoted(line)
        blanks = _BLANKS.match(line, begin)
        at = blanks.end() if blanks is not None else begin
        column = len(line[begin:at].expandtabs(4))
        if self._fence:
            if at == len(line) and quotes == self._quotes:
                return True
            if quotes == self._quotes and column >= self._inside:
                self._close(line[at:].strip())
                return True
            self._fence = ""  # its list item or quotation ended, and it with that
        if at == len(line):
            self._after_blank = True
            return False
        return self._begun(line, quotes, at, column)

    def _quoted(self, line: str) -> tuple[int, int]:
        """How many quotations the line stands in, and where it begins in them."""
        if not self._fence:
            found = _QUOTES.match(line)
            end = found.end() if found is not None else 0
            quotes = line.count(">", 0, end)
            return quotes, end if quotes else 0
        quotes = at = 0
        while quotes < self._quotes and (found := _QUOTE.match(line, at)) is not None:
            quotes, at = quotes + 1, found.end()
        return quotes, at

    def _close(self, said: str) -> None:
        if said.startswith(self._fence) and not said.strip(said[0]):
            self._fence = ""
            self._after_blank, self._after_code = False, False

    def _begun(self, line: str, quotes: int, at: int, column: int) -> bool:
        """The same of a line that is not blank and not within a fence."""
        if quotes != self._quotes:
            self._items.clear()
            self._quotes = quotes
        while self._items and column < self._items[-1]:
            self._items.pop()
        deep = (self._items[-1] if self._items else 0) + 4
        code = column >= deep and (self._after_blank or self._after_code)
        self._after_blank, self._after_code = False, code
        while not code and (marker := _MARKER.match(line, at)) is not None:
            width = marker.end() - at
            self._items.append(
                column + (width if len(marker[1]) < 5 else width - len(marker[1]) + 1)
            )
            column, at = column + width, marker.end()
        fence = _FENCE.match(line, at)
        if fence is None:
            return code
        self._fence = fence[0]
        self._inside = deep if code else (self._items[-1] if self._items else 0)
        return True
