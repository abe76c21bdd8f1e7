"""The forms in which a known secret can turn up in a text."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 4
"""Secrets with fewer characters are part of too many innocent words."""
_SHORTEST_LINE = 6
_SHORTEST_CORE = 5
_SHORTEST_FOLDED = 6

_PERCENT = re.compile(r"%[0-9A-F]{2}")
_SURROGATES = re.compile("[\ud800-\udfff]")
_URI_PASSWORD = re.compile(r"://[^\s/:@]*:(?P<password>\S+)@")
_HTML_SAFE = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})


def written_forms(secrets: Iterable[str]) -> list[str]:
    """Every way in which the secrets may be written, the longest first."""
    found = {form for secret in _parts(secrets) for form in _written(secret)}
    return sorted((form for form in found if len(form) >= SHORTEST), key=lambda f: (-len(f), f))


def base64_cores(secrets: Iterable[str]) -> list[str]:
    """What base64 makes of each secret, wherever in the encoded bytes it lies.

    Base64 packs three bytes into four characters, so a secret has three faces; each without the
    characters that also depend on what stands before and behind (as in `user:secret`).
    """
    found: set[str] = set()
    for secret in _parts(secrets):
        data = secret.encode("utf-8", "replace")
        for before in range(3):
            encoded = base64.b64encode(b"\0" * before + data).decode()
            core = encoded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
            if len(core) >= _SHORTEST_CORE:
                found |= {core, core.replace("+", "-").replace("/", "_")}
    return sorted(found, key=lambda core: (-len(core), core))


def _parts(secrets: Iterable[str]) -> Iterator[str]:
    """The secrets, trimmed, line by line, and the passwords inside those that are URIs."""
    for secret in secrets:
        yield from _long_enough(secret, SHORTEST)
        lines = secret.splitlines()
        if len(lines) > 1:
            for line in lines:
                yield from _long_enough(line, _SHORTEST_LINE)
        inside = _URI_PASSWORD.search(secret)
        if inside:
            yield from _long_enough(inside["password"], SHORTEST)
            yield from _long_enough(unquote(inside["password"]), SHORTEST)


def _long_enough(secret: str, shortest: int) -> Iterator[str]:
    trimmed = secret.strip()
    if len(trimmed) >= shortest:
        yield trimmed
        if _SURROGATES.search(trimmed):
            # How such a text reads after it was made valid Unicode in one place or another.
            yield _SURROGATES.sub("?", trimmed)
            yield _SURROGATES.sub("\ufffd", trimmed)


def _written(secret: str) -> Iterator[str]:
    yield secret
    yield " ".join(secret.split())  # as in a message of one line
    if len(secret) >= _SHORTEST_FOLDED:
        yield secret.lower()  # as in the name of a host
    if not secret.isascii():  # UTF-8 that somebody took for Latin-1, as headers are
        yield secret.encode("utf-8", "replace").decode("latin-1").strip()
    yield secret.replace("'", "'\"'\"'")  # as in a line for a shell
    for encoded in (
        quote(secret, safe="", errors="replace"),
        quote(secret, errors="replace"),
        quote(secret, safe="!'()*", errors="replace"),
        quote_plus(secret, errors="replace"),
    ):
        yield encoded
        yield _PERCENT.sub(lambda match: match[0].lower(), encoded)
    for escaped in (
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    ):
        yield escaped
        yield escaped.replace("/", "\\/")
        yield escaped.translate(_HTML_SAFE)
    marked = html.escape(secret)
    yield marked
    yield html.escape(secret, quote=False)
    yield marked.replace("&#x27;", "&#39;")
    yield marked.replace("&#x27;", "&apos;").replace("&quot;", "&#34;")
    yield marked.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
