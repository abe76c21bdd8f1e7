"""Raw HTML inside Markdown: headings, `<details>`, list items and check boxes in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

from opsdeck.catalog.markdown_outline import Outline
from opsdeck.catalog.markdown_tasks import is_checkbox, is_checked, split_task
from opsdeck.catalog.markdown_text import (
    LINK_LIMIT,
    RAW_LIMIT,
    URL_LIMIT,
    Plain,
    alt_of,
    fold,
    link_of,
    worth_noting,
)

# Possessive and bounded, so that no input makes it look at a character more than a few times.
_TAG = re.compile(
    r"""<(/?)([a-zA-Z][a-zA-Z0-9-]{0,30})"""
    r"""((?:[^<>"']{1,2000}+|"[^"<]{0,2000}"|'[^'<]{0,2000}'){0,60}+)>"""
)
_HEADINGS = frozenset(f"h{n}" for n in range(1, 7))
_BREAKS = frozenset(
    ("li", "ul", "ol", "p", "div", "td", "th", "tr", "table", "thead", "tbody", "hr", "details")
)
_VERBATIM = frozenset(("pre", "script", "style", "textarea", "template"))
_INVITATION = re.compile(r"(?:click|tap|show|expand|details?|more|view)\b", re.I)
_MAX_DEPTH = 60
# Stands for `<br>`; no text can hold it, since control characters have been dropped.
_BREAK = "\x1e"


class Piece(NamedTuple):
    """A tag (`name` in lower case) or, with an empty name, the text between two tags."""

    name: str
    closing: bool
    source: str


def pieces(html: str) -> Iterator[Piece]:
    """The tags and texts of `html` in order, without its comments."""
    at = 0
    text_from = 0
    while (at := html.find("<", at)) >= 0:
        if html.startswith("<!--", at):
            end = html.find("-->", at + 4)
            after = len(html) if end < 0 else end + 3
            tag = None
        elif tag := _TAG.match(html, at):
            after = tag.end()
        else:
            at += 1
            continue
        if at > text_from:
            yield Piece("", False, html[text_from:at])
        if tag:
            yield Piece(tag[2].lower(), tag[1] == "/", tag[0])
        at = text_from = after
    if text_from < len(html):
        yield Piece("", False, html[text_from:])


def ends_in_comment(html: str) -> bool:
    """Whether `html` stops inside a comment."""
    return html.rfind("<!--") > html.rfind("-->")


def read_html(outline: Outline, html: str) -> None:
    """Tell the outline what a block of raw HTML holds."""
    _HtmlBlock(outline).read(html)


class _HtmlBlock:
    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._open: list[str] = []
        self._verbatim = ""
        self._summary = False
        self._text: list[str] = []
        self._size = 0
        self._links: list[str] = []
        self._ticked: bool | None = None
        self._in_cell = False

    def read(self, html: str) -> None:
        for piece in pieces(html):
            if self._verbatim:
                if piece.closing and piece.name == self._verbatim:
                    self._verbatim = ""
            elif not piece.name:
                self._add(unescape(piece.source[:RAW_LIMIT]))
            else:
                self._tag(piece)
        self._flush()
        for name in self._open:
            if name == "li":
                self._outline.close("item")

    def _add(self, text: str) -> None:
        if self._size < RAW_LIMIT:
            self._text.append(text)
            self._size += len(text)

    def _tag(self, piece: Piece) -> None:
        name = piece.name
        if name in _VERBATIM and not piece.closing:
            self._flush()
            self._verbatim = name
        elif name in _HEADINGS or name == "summary":
            self._title(piece)
        elif name == "input" and is_checkbox(piece.source):
            self._flush()
            self._ticked = is_checked(piece.source)
        elif name == "img":
            self._add(alt_of(piece.source))
        elif name == "a" and not piece.closing:
            self._link(fold(link_of(piece.source)))
        elif name in _BREAKS:
            self._flush()
            self._structure(piece)
        elif name == "br":
            self._add(_BREAK)

    def _link(self, url: str) -> None:
        if worth_noting(url) and len(url) <= URL_LIMIT and len(self._links) < LINK_LIMIT:
            self._links.append(url)

    def _title(self, piece: Piece) -> None:
        """An HTML heading, or the summary of a `<details>`."""
        if not piece.closing:
            self._flush()
            return
        text = fold("".join(self._text))
        self._clear()
        if piece.name != "summary":
            self._outline.heading(int(piece.name[1]), text)
        elif not _INVITATION.match(text):
            self._outline.name_details(text)

    def _structure(self, piece: Piece) -> None:
        match piece.name, piece.closing:
            case "li", False:
                if self._open and self._open[-1] == "li":
                    self._close_one()
                self._push("li")
            case "li", True:
                self._close_to("li")
            case (("ul" | "ol"), False):
                self._push("list")
            case (("ul" | "ol"), True):
                self._close_to("list")
            case "details", False:
                self._outline.open("details")
            case "details", True:
                self._outline.close("details")
            case (("td" | "th"), closing):
                self._in_cell = not closing
        if piece.name in ("li", "tr", "table"):
            # A box without a text of its own looks for it no further than its row or item.
            self._ticked = None

    def _push(self, name: str) -> None:
        if len(self._open) >= _MAX_DEPTH:
            return
        self._open.append(name)
        if name == "li":
            self._outline.open("item")

    def _close_one(self) -> None:
        if self._open.pop() == "li":
            self._outline.close("item")

    def _close_to(self, name: str) -> None:
        if name not in self._open:
            return
        while self._open[-1] != name:
            self._close_one()
        self._close_one()

    def _flush(self) -> None:
        """What has been read since the last boundary is a task, a list item's text or prose."""
        lines = [fold(line) for line in "".join(self._text).split(_BREAK)]
        if not any(lines):
            self._clear(keep_box=True)
            return
        links, ticked = tuple(dict.fromkeys(self._links)), self._ticked
        self._clear()
        may_begin = self._in_cell or self._at_item_start
        text = ""
        for line in lines:
            # Several tasks may stand in one place, divided by `<br>`.
            if may_begin and (task := split_task(line)):
                self._tell(text, ticked, links)
                ticked, text = task
            else:
                text = f"{text} {line}".strip()
        self._tell(text, ticked, links)

    @property
    def _at_item_start(self) -> bool:
        return bool(self._open) and self._open[-1] == "li" and self._outline.at_item_start

    def _tell(self, text: str, ticked: bool | None, links: tuple[str, ...]) -> None:
        if not text:
            # A box alone in its cell: the text is in the next one.
            self._ticked = ticked if self._in_cell else None
        elif ticked is not None:
            self._outline.task(Plain(text, tuple(u for u in links if u not in text)), ticked)
        elif self._at_item_start:
            self._outline.label(text)
        else:
            self._outline.prose(text)

    def _clear(self, *, keep_box: bool = False) -> None:
        self._text.clear()
        self._links.clear()
        self._size = 0
        if not keep_box:
            self._ticked = None
