"""Which names of fields and variables say that their value is secret."""

from __future__ import annotations

import re
from functools import lru_cache

_KEYS = (
    "access|account|api|app|auth|client|consumer|encryption|integration|license|master|private"
    "|secret|session|shared|signing|ssh|storage|subscription|webhook"
)
ENDING = (
    # How every one begins: under IGNORECASE the engine does not find that out by itself.
    r"(?=[PpSsTtAaCcEeIiLlMmWw_JjKk][AaWwEeOoCcPpUuLlNnHhRrIiSsTt])"
    r"(?:pass(?:word|wd|phrase|code)|passwords|(?<=[_\-.])pass|pwd|secret[_\-]key[_\-]base|secrets?|tokens?"
    rf"|(?:{_KEYS})[_.\- ]?keys?|(?:access[_.\-]?)?key[_.\-]?secret|_auth|jwt"
    r"|(?:php)?sess(?:ion)?[_.\-]?id|connection[_.\-]?string)"
)
"""How the name of a secret ends, in any writing: `DB_PASSWORD`, `nextToken`, `x-api-key`.

For patterns with IGNORECASE and ASCII."""

_SECRET = re.compile(
    rf"(?:{ENDING}|\Apass|authorization|credentials?|session|(?:access[_.\-]?key[_.\-]?id))"
    r"(?:[_.\-]?(?:value|string|binary|plain|plaintext|hash|data))?\d{0,3}\Z",
    re.IGNORECASE | re.ASCII,
)
_COOKIE = re.compile(r"(?:\A|[_.\-]|set)cookies?2?\Z", re.IGNORECASE)
_HARMLESS = re.compile(
    r"(?:name|arn|id|ids|status|state|type|kind|date|time|at|region|path|file|line|rule|description"
    r"|domain|expires|expiry|expiration|max[_\-]?age|same[_\-]?site|version|provider|url|algorithm)$",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret: `clientSecret` does, `token_count` does not."""
    return _SECRET.search(name[-200:]) is not None


@lru_cache(maxsize=1024)
def is_cookie_name(name: str) -> bool:
    """Whether a field of this name holds cookies."""
    return _COOKIE.search(name[-200:]) is not None


@lru_cache(maxsize=1024)
def is_harmless_name(name: str) -> bool:
    """Whether a field of this name says something about a secret without being one."""
    return not is_secret_name(name) and _HARMLESS.search(name[-200:]) is not None
