"""Inline Markdown as plain text: markup gone, links kept aside, nothing a terminal obeys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

RAW_LIMIT = 32_000
"""Characters of one paragraph that are looked at; what is kept is far shorter."""
BRACKET_LIMIT = 400
"""Opening brackets in one paragraph up to which links are looked for: each may be tried against
all after it, so a paragraph of nothing else would take seconds."""
LINK_LIMIT = 10
URL_LIMIT = 1_000

# Control characters, lone surrogates, zero-width space, byte-order mark and the bidirectional
# overrides that can make a line read otherwise than it is; zero-width joiners stay (emoji,
# Indic and Arabic scripts need them).
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_LINE_ENDS = re.compile("[\x85\u2028\u2029]")
"""What some programs end a line at, and no shell."""
_DIRECTIONS = re.compile("[\u061c\u200e\u200f]")
_MARKUP = re.compile(r"[\\`*_<&\[~]")
_DATA_URI = re.compile(r"\(\s*<?data:[^()\s]*\)")
_ATTRIBUTE = r"""\s%s\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
_ALT = re.compile(_ATTRIBUTE % "alt", re.I)
_HREF = re.compile(_ATTRIBUTE % "href", re.I)
_BREAKING_TAG = re.compile(r"</?(?:br|p|li|ul|ol|div|hr)\b", re.I)


class Plain(NamedTuple):
    """Plain text and the addresses it linked to, each once, in order."""

    text: str
    links: tuple[str, ...] = ()


def clean(text: str) -> str:
    """The text without control characters, except tabs and line feeds."""
    return _UNWANTED.sub("", text)


def clean_code(text: str) -> str:
    """The same of text that is run as it is shown: its lines end at line feeds and nowhere else."""
    return _DIRECTIONS.sub("", _LINE_ENDS.sub("", clean(text)))


def fold(text: str) -> str:
    """The text on one line: no control characters, each run of white space one space."""
    return " ".join(clean(text.replace("\r", " ")).split())


def shorten(text: str, limit: int) -> str:
    """The text, cut with an ellipsis so that it has at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def attribute(tag: str, name: re.Pattern[str]) -> str:
    """The decoded value of an attribute in the source of an HTML tag, or an empty string."""
    found = name.search(tag)
    return unescape(next((g for g in found.groups() if g is not None), "")) if found else ""


def link_of(tag: str) -> str:
    """Where an `<a …>` tag leads to, or an empty string."""
    return attribute(tag, _HREF)


def alt_of(tag: str) -> str:
    """The replacement text of an `<img …>` tag, or an empty string."""
    return attribute(tag, _ALT)


def worth_noting(url: str) -> bool:
    """Whether an address means something outside the page it stands on."""
    return bool(url) and not url.lower().startswith(("#", "javascript:", "data:", "vbscript:"))


class InlineReader:
    """Turns the inline Markdown of one document into plain text.

    `env` is what the block parser left: the document's link reference definitions.
    """

    def __init__(self, parser: MarkdownIt, env: dict[str, Any]) -> None:
        self._parser = parser
        self._env = env

    def plain(self, raw: str, *, show_urls: bool = False) -> Plain:
        """Plain text of `raw`; with `show_urls` each address follows its text in brackets."""
        if not _MARKUP.search(raw):
            return Plain(fold(raw))
        raw = _DATA_URI.sub("()", raw)[:RAW_LIMIT]
        if raw.count("[") > BRACKET_LIMIT:
            return Plain(fold(raw))
        tokens: list[Token] = []
        try:
            self._parser.inline.parse(raw, self._parser, self._env, tokens)
        except RecursionError:
            # Hundreds of images inside images: nobody's text, so it is kept as it stands.
            return Plain(fold(raw))
        writer = _Writer(show_urls)
        writer.write(tokens)
        return Plain(fold("".join(writer.parts)), tuple(writer.links))


class _Writer:
    """Collects the text of inline tokens, and the addresses of their links."""

    def __init__(self, show_urls: bool) -> None:
        self.parts: list[str] = []
        self.links: list[str] = []
        self._show_urls = show_urls
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
                    self.write(token.children or ())
                case "link_open":
                    self._open_link(str(token.attrs.get("href", "")))
                case "link_close":
                    self._close_link()
                case "html_inline":
                    self._tag(token.content)

    def _tag(self, tag: str) -> None:
        lower = tag[:4].lower()
        if lower.startswith("<img"):
            self.parts.append(alt_of(tag))
        elif lower.startswith(("<a ", "<a\n")):
            self._open_link(link_of(tag))
        elif lower.startswith("</a"):
            self._close_link()
        elif _BREAKING_TAG.match(tag):
            self.parts.append(" ")

    def _open_link(self, url: str) -> None:
        self._open.append((fold(url), len(self.parts)))

    def _close_link(self) -> None:
        if not self._open:
            return
        url, start = self._open.pop()
        shown = "".join(self.parts[start:])
        # An address that is its own text needs no second mention.
        if not worth_noting(url) or url in (shown, f"mailto:{shown}") or len(url) > URL_LIMIT:
            return
        if self._show_urls:
            self.parts.append(f" ({url})")
        elif url not in self.links and len(self.links) < LINK_LIMIT:
            self.links.append(url)
