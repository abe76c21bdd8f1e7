"""A line of Markdown as plain text, with the links that lead to steps and playbooks kept aside."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markdown_it import MarkdownIt
from markdown_it.token import Token

from opsdeck.catalog.markdown_text import (
    BRACKET_LIMIT,
    RAW_LIMIT,
    alt_of,
    fold,
    link_of,
)
from opsdeck.catalog.playbook import Link

_MARKUP = re.compile(r"[\\`*_<&\[~]")
_BREAKING = re.compile(r"</?(?:br|p|li|ul|ol|div|hr|summary|td|tr)\b", re.I)
_LONGEST_URL = 1_000


class Inline:
    """Turns inline Markdown of one document into text and links."""

    def __init__(self, parser: MarkdownIt, env: dict[str, object]) -> None:
        self._parser = parser
        self._env = env

    def read(self, raw: str) -> tuple[str, list[Link]]:
        """Text on one line, and the links in it; addresses out into the world stay in the text."""
        if not _MARKUP.search(raw):
            return fold(raw), []
        raw = raw[:RAW_LIMIT]
        if raw.count("[") > BRACKET_LIMIT:
            return fold(raw), []
        tokens: list[Token] = []
        try:
            self._parser.inline.parse(raw, self._parser, self._env, tokens)
        except RecursionError:
            return fold(raw), []
        writer = _Writer()
        writer.write(tokens)
        return fold("".join(writer.parts)), writer.links


class _Writer:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.links: list[Link] = []
        self._open: list[tuple[str, int]] = []

    def write(self, tokens: Iterable[Token]) -> None:
        for token in tokens:
            match token.type:
                case "text" | "text_special":
                    self.parts.append(token.content)
                case "softbreak" | "hardbreak":
                    self.parts.append(" ")
                case "code_inline":
                    self.parts.append(f"`{token.content}`")
                case "image":
                    self._image(token)
                case "link_open":
                    self._open.append((fold(str(token.attrs.get("href", ""))), len(self.parts)))
                case "link_close":
                    self._close()
                case "html_inline":
                    self._tag(token.content)

    def _image(self, token: Token) -> None:
        """A terminal shows no pictures: what it is of, and where it lies."""
        start = len(self.parts)
        self.write(token.children or ())
        alt = "".join(self.parts[start:]).strip()
        del self.parts[start:]
        source = fold(str(token.attrs.get("src", "")))
        shown = "" if source.lower().startswith("data:") else source[:_LONGEST_URL]
        self.parts.append(f"[image: {alt or 'no title'}{f', {shown}' if shown else ''}]")

    def _tag(self, tag: str) -> None:
        lower = tag[:4].lower()
        if lower.startswith("<img"):
            self.parts.append(f"[image: {alt_of(tag) or 'no title'}]")
        elif lower.startswith(("<a ", "<a\n")):
            self._open.append((fold(link_of(tag)), len(self.parts)))
        elif lower.startswith("</a"):
            self._close()
        elif _BREAKING.match(tag):
            self.parts.append(" ")

    def _close(self) -> None:
        if not self._open:
            return
        url, start = self._open.pop()
        text = "".join(self.parts[start:]).strip()
        if not url or len(url) > _LONGEST_URL:
            return
        link = Link(fold(text) or url, url)
        self.links.append(link)
        if not link.inside and url not in (text, f"mailto:{text}"):
            self.parts.append(f" ({url})")
