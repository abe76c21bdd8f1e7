"""How hard a value would be to guess, and whether it is one at all or still a placeholder."""

from __future__ import annotations

import math
import re
from collections import Counter
from urllib.parse import urlsplit

WEAK_BITS = 48.0
"""Below this a secret is weak: thirteen random characters have about as much."""

_LONGEST = 4_096
"""What is longer is judged by its beginning."""

_COMMON = re.compile(
    "password|passwort|passwd|passw0rd|p@ssw0rd|secret|admin|administrator|letmein|welcome|qwerty"
    "|qwertz|asdf|zxcv|changeme|default|example|test|testing|staging|production|development|token"
    "|session|master|dragon|monkey|iloveyou|hello|world|foobar|hunter|root|user|mongo|mongodb"
    "|postgres|mysql|redis|node|api|key|jwt|dev|prod|super|my|the|this|that|very|long|please|not",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"change[-_ ]?(?:me|this|it)|replace[-_ ]?(?:me|this|with)|(?:^|[^a-z])your[-_ ]?[a-z]"
    r"|^x{3,}$|(?:^|[-_:/@])x{4,}(?:$|[-_:/@])|^<.*>$"
    r"|<[a-z][a-z _-]*>|^\[.*\]$|\*{3,}|^\.{3,}$|^\?+$"
    r"|(?:^|[^a-z])(?:to-?do|tbd|fixme|placeholder|dummy|sample|insert[-_ ]"
    r"|put[-_ ]your|fill[-_ ]?me)"
    r"|(?:^|[^a-z])example(?:$|[^a-z])|example$"
    r"|^(?:secret|password|passw0rd|test|default|admin|root|foo|bar|foobar|none|null|undefined)$",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:SECRETS?|TOKEN|PASSWORD|PASSWD|PASS|PWD|PASSPHRASE|APIKEY|SALT|CREDENTIALS?"
    r"|(?:API|SECRET|ACCESS|PRIVATE|ENCRYPTION|SIGNING|AUTH|MASTER|SERVICE|HMAC|JWT|SESSION|COOKIE"
    r"|APP|LICEN[CS]E|TLS|SSL)_?KEY)(?:_(?:BASE64|HEX|\d+|OLD|NEW|CURRENT|PREVIOUS))?$",
    re.IGNORECASE,
)


def entropy_bits(value: str) -> float:
    """An estimate from below of the bits a guesser must find, 0.0 for an empty value.

    Shannon's entropy of the characters, after what a guesser tries first has been folded up:
    common words, runs such as `aaaa` and `12345`, and a part repeated to make it longer.
    """
    folded = _without_runs(_COMMON.sub("\uf8ff", _one_period(value[:_LONGEST])))
    if not folded:
        return 0.0
    total = len(folded)
    counts = Counter(folded).values()
    per_character = -sum(n / total * math.log2(n / total) for n in counts)
    return round(max(per_character * total, 0.0), 1)


def _one_period(value: str) -> str:
    """`abcabcabc` is no more than `abc`."""
    period = (value + value).find(value, 1)
    return value[:period] if 0 < period < len(value) else value


def _without_runs(value: str) -> str:
    """A character that continues a run (the same, the next, the one before) adds nothing."""
    kept = value[:2]
    for before, last, this in zip(value, value[1:], value[2:], strict=False):
        step = ord(this) - ord(last)
        if not (step == ord(last) - ord(before) and abs(step) <= 1):
            kept += this
    return kept


def is_placeholder(value: str) -> bool:
    """Whether a value is one that people write to be replaced, such as `changeme`."""
    text = value[:_LONGEST].strip()
    if not text:
        return False
    return bool(_PLACEHOLDER.search(text)) or password_in(text).casefold() in _OBVIOUS


_OBVIOUS = frozenset({"password", "pass", "secret", "pw", "passwd", "changeme", "test", "root"})


def password_in(value: str) -> str:
    """The password in a URI's user information, or ""."""
    if "://" not in value or "@" not in value:
        return ""
    try:
        return urlsplit(value[:_LONGEST]).password or ""
    except ValueError:
        return ""


def is_weak(name: str, value: str) -> bool:
    """Whether a variable that by its name (or as a URI) holds a secret holds a poor one."""
    secret = password_in(value)
    if secret:
        return entropy_bits(secret) < WEAK_BITS
    if not names_secret(name) or not value or _is_path(value):
        return False
    return entropy_bits(value) < WEAK_BITS


def names_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret."""
    return bool(_SECRET_NAME.search(name))


def _is_path(value: str) -> bool:
    return value.startswith(("/", "./", "../", "~/"))
