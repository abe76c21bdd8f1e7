"""The content of an answer: read within bounds, unpacked within bounds, as text or JSON."""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import Any, NamedTuple

LARGEST = 65_536
"""Of the unpacked content so many bytes are kept."""
LARGEST_RAW = 1_048_576
"""Of what comes over the wire so many bytes are read, whatever they unpack to."""
MOST_ENTRIES = 500
DEEPEST = 16
COSTLIEST = 600_000
"""JSON that would take more bytes of memory than this beside its text stays text: 64 KB of `{},`
make objects of 1.4 MB."""
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_CHARSETS = re.compile(
    r"utf-?(8|16|16le|16be)|us-ascii|ascii|iso-8859-\d{1,2}|latin-?1|(windows-|cp)125\d",
    re.IGNORECASE,
)
_LEAST_INT, _GREATEST_INT = -(2**63), 2**64 - 1


class BadContentError(Exception):
    """The content is not what its Content-Encoding says."""


class Collector:
    """Takes the content piece by piece and never holds more than it may."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding.strip().lower()
        self.content = bytearray()
        self.truncated = False
        self.raw_bytes = 0
        self._unpack: zlib._Decompress | None = None
        if self.encoding in ("gzip", "x-gzip"):
            self._unpack = zlib.decompressobj(wbits=31)
        elif self.encoding == "deflate":
            self._unpack = zlib.decompressobj()

    @property
    def readable(self) -> bool:
        """Whether the encoding is one of those that can be unpacked within bounds."""
        return self._unpack is not None or self.encoding in ("", "identity")

    def feed(self, piece: bytes) -> None:
        """Take what came; raises BadContentError when it cannot be unpacked."""
        first = self.raw_bytes == 0
        self.raw_bytes += len(piece)
        room = LARGEST + 1 - len(self.content)
        if self._unpack is None:
            self.content += piece[:room]
        elif not self._unpack.eof:
            self.content += self._unpacked(piece, room, first)
        if len(self.content) > LARGEST:
            del self.content[LARGEST:]
            self.truncated = True
        elif self.raw_bytes > LARGEST_RAW:
            self.truncated = True

    def _unpacked(self, piece: bytes, room: int, first: bool) -> bytes:
        assert self._unpack is not None
        try:
            return self._unpack.decompress(piece, room)
        except zlib.error:
            if not (first and self.encoding == "deflate"):
                raise BadContentError(self.encoding) from None
        self._unpack = zlib.decompressobj(wbits=-15)  # some servers send it without its frame
        try:
            return self._unpack.decompress(piece, room)
        except zlib.error:
            raise BadContentError(self.encoding) from None

    def end(self) -> None:
        """Nothing more comes; raises BadContentError when something should have."""
        if self._unpack is not None and self.raw_bytes and not self._unpack.eof:
            raise BadContentError(self.encoding)


class Content(NamedTuple):
    """Content as it stands in a document."""

    body: Any
    """JSON, or text; None where the encoding cannot be unpacked."""
    left_out: int
    """Entries of lists and tables, and values too deep, that JSON had beyond the bounds."""


def read_content(collector: Collector, content_type: str) -> Content:
    """What the collected bytes say."""
    if not collector.readable:
        return Content(None, 0)
    text = _text(bytes(collector.content), content_type)
    looks_like_json = "json" in content_type.lower() or text.lstrip()[:1] in ("{", "[")
    if looks_like_json and not collector.truncated and _cost(text) <= COSTLIEST:
        try:
            parsed = json.loads(
                text, parse_int=_integer, parse_float=_real, parse_constant=lambda name: name
            )
        except (ValueError, RecursionError):
            return _plain(text)
        return clipped(parsed)
    return _plain(text)


def _cost(text: str) -> int:
    """Roughly the bytes that a JSON text takes once it is parsed."""
    each = 60 if text.isascii() else 90
    tables, pairs = text.count("{"), text.count(":")
    names = max(0, pairs - 12 * tables)  # beyond what small tables have, and share
    return 190 * tables + 60 * text.count("[") + each * text.count(",") + 40 * pairs + 60 * names


def _plain(text: str) -> Content:
    """Text, and less of it where it is so full of control characters that escapes swell it."""
    if len(json.dumps(text, ensure_ascii=False)) <= 2 * LARGEST:
        return Content(text, 0)
    return Content(text[: LARGEST // 6], 1)


def clipped(value: Any) -> Content:
    """A JSON value within the bounds, in valid Unicode, and how much is not there any more."""
    left = [0]
    return Content(_clipped(value, DEEPEST, left), left[0])


def _clipped(value: Any, depth: int, left: list[int]) -> Any:
    if isinstance(value, str):
        return valid(value)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        left[0] += 1
        return "… (nested too deep)"
    left[0] += max(0, len(value) - MOST_ENTRIES)
    if isinstance(value, list):
        return [_clipped(inner, depth - 1, left) for inner in value[:MOST_ENTRIES]]
    pairs = list(value.items())[:MOST_ENTRIES]
    return {valid(key): _clipped(inner, depth - 1, left) for key, inner in pairs}


def valid(text: str) -> str:
    """The text without lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _text(content: bytes, content_type: str) -> str:
    named = _CHARSET.search(content_type)
    charset = named[1] if named and _CHARSETS.fullmatch(named[1]) else "utf-8"
    try:
        text = content.decode(charset, "replace")
    except LookupError:
        text = content.decode("utf-8", "replace")
    encoded = text.removeprefix("\ufeff").encode("utf-8", "replace")
    return encoded[:LARGEST].decode("utf-8", "ignore")


def _integer(digits: str) -> int | str:
    """The number, or its digits where it does not fit 64 bits."""
    if len(digits) > 20:
        return digits
    number = int(digits)
    return number if _LEAST_INT <= number <= _GREATEST_INT else digits


def _real(text: str) -> float | str:
    """The number, or its text where it is beyond all bounds."""
    number = float(text)
    return number if math.isfinite(number) else text
