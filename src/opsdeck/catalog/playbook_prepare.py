"""What other programs make of Markdown, as plain Markdown: comments, short codes, boxes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from opsdeck.catalog.playbook_code import CodeLines

_SPECIAL = re.compile(r"<!--|\{\{[<%]|\{%|^[ \t]*(?:===|!!!|\?\?\?)", re.M)
_BOX = re.compile(r"^([ \t]*)(?:===[+!]?|!!!|\?\?\?\+?)[ \t]+\S")
"""A note or a tab of MkDocs: what belongs to it is indented by four."""
_OPEN = re.compile(
    r"""([ \t>]*)(?:\{\{[<%]\s*(?:(?:highlight|text)\s++(?:(?:syntax|lang)=)?["']?([\w+-]++)"""
    r"""|command\b)[^}]*+(?<=[>%])\}\}|\{%-?\s*highlight\s++["']?([\w+-]++)[^%}]*+%\})"""
)
_CLOSE = re.compile(
    r"\{\{[<%]\s*/\s*(?:highlight|text|command)\s*[>%]\}\}|\{%-?\s*endhighlight\s*-?%\}"
)
_SHORTCODE = re.compile(r"\{\{[<%][^{}\n]*[>%]\}\}")
_MARK = "~" * 9
"""A fence that hardly anything within it closes."""


class Prepared(NamedTuple):
    """Plain Markdown, and for each of its lines the line (from 0) that it was made of."""

    text: str
    lines: Sequence[int]


def prepared(text: str, *, cut: bool = False) -> Prepared:
    """Short codes for code as fences, boxes as quotations; comments and other short codes are not
    for the reader. A comment that is never closed hides nothing, but where the text is `cut`."""
    if not _SPECIAL.search(text):
        return Prepared(text, range(text.count("\n") + 1))
    preparing = _Preparing(text.split("\n"), cut)
    preparing.all()
    return Prepared("\n".join(preparing.made), preparing.origins)


class _Preparing:
    def __init__(self, lines: list[str], cut: bool) -> None:
        self._lines = lines
        self._cut = cut
        self.made: list[str] = []
        self.origins: list[int] = []
        self._at = 0
        self._code = CodeLines()
        self._hidden = False
        self._block: str | None = None
        """What stands before a fence that was a short code, while it is open."""
        self._boxes: list[int] = []
        self._last_end = max((n for n, line in enumerate(lines) if "-->" in line), default=-1)
        self._last_close = max(
            (n for n, line in enumerate(lines) if _CLOSE.search(line)), default=-1
        )

    def all(self) -> None:
        for number, line in enumerate(self._lines):
            self._at = number
            if self._hidden:
                self._hidden, line = "-->" not in line, line.partition("-->")[2]
                if not line.strip():
                    self._add("")
                    continue
            else:
                line = self._unboxed(line)
            if self._block is not None:
                self._within(line)
            elif self._code.take(line):
                self._add(line)
            else:
                self._prose(self._without_comments(line))

    def _add(self, *lines: str) -> None:
        self.made += lines
        self.origins += [self._at] * len(lines)

    def _unboxed(self, line: str) -> str:
        """A line within boxes as one within quotations."""
        if not self._boxes:
            return line
        blanks = line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4)
        said = line.lstrip(" \t")
        while said and self._boxes and len(blanks) < self._boxes[-1] + 4:
            self._boxes.pop()
        made, at = "", 0
        for box in self._boxes:
            made, at = f"{made}{' ' * (box - at)}> ", box + 4
        return made + blanks[at:] + said

    def _prose(self, line: str) -> None:
        box = _BOX.match(self._lines[self._at])
        if box is not None and not self._hidden:
            column = len(box[1].expandtabs(4))
            if self._next_column() >= column + 4:
                self._boxes.append(column)
        opened = _OPEN.match(line) if self._at <= self._last_close else None
        if opened is None:
            self._add(_SHORTCODE.sub("", line))
            return
        self._block = opened[1]
        self._add(f"{opened[1]}{_MARK}{opened[2] or opened[3] or 'sh'}")
        if line[opened.end() :].strip():
            self._within(f"{opened[1]}{line[opened.end() :].strip()}")

    def _within(self, line: str) -> None:
        """A line of a fence that was a short code."""
        close = _CLOSE.search(line)
        if close is None:
            self._add(_SHORTCODE.sub("", line))
            return
        before = line[: close.start()]
        if before.strip(" \t>"):
            self._add(before.rstrip())
        self._add(f"{self._block}{_MARK}")  # one that stands elsewhere would begin another
        self._block = None
        if line[close.end() :].strip():
            self._add(line[close.end() :].lstrip())

    def _next_column(self) -> int:
        """Where the next line begins that is not blank; -1 where there is none."""
        for line in self._lines[self._at + 1 : self._at + 20]:
            if line.strip():
                return len(line[: len(line) - len(line.lstrip(" \t"))].expandtabs(4))
        return -1

    def _without_comments(self, line: str) -> str:
        if "<!--" not in line:
            return line
        line = _without_whole_comments(line)
        begin = line.find("<!--")
        if begin < 0 or line.count("`", 0, begin) % 2:
            return line
        self._hidden = self._last_end > self._at or self._cut
        return line[:begin] if self._hidden else line


def _without_whole_comments(line: str) -> str:
    """A line without the comments that begin and end in it."""
    kept, at = [], 0
    while (begin := line.find("<!--", at)) >= 0 and (end := line.find("-->", begin + 4)) >= 0:
        kept.append(line[at:begin])
        at = end + 3
    return "".join([*kept, line[at:]])
