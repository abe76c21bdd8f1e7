"""Secrets that nobody named, known by what they look like.

Every pattern takes linear time, also on hostile text: what a match begins with is either rare or
consumed with the match, and nothing repeats inside a repetition.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from opsdeck.probes._secret_names import ENDING

MARK = "[redacted]"

Match = re.Match[str]


class Rule(NamedTuple):
    """A pattern, tried only on texts that hold one of the `hints` (lower case)."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    put: Callable[[Match], str]


def _whole(_: Match) -> str:
    return MARK


def _after_lead(match: Match) -> str:
    return match["lead"] + MARK


# -- key blocks -----------------------------------------------------------------------------------

_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"[\s\S]*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)"
)

# -- values ---------------------------------------------------------------------------------------

_VALUE = (
    # Quoted, quoted inside a quoted text (JSON in JSON), or bare. A quoted one that does not end
    # goes to the end of its line.
    r"(?:(?P<quote>[\"'`])(?P<quoted>(?:(?!(?P=quote))[^\\\r\n]|\\[^\r\n])*)"
    r"|(?P<mask>\\{1,3}[\"'])(?P<masked>(?:(?!(?<!\\)(?P=mask))[^\r\n])*)"
    r"|(?P<bare>%s))"
)


def _taken(match: Match) -> tuple[str, str]:
    """What a value is opened with, and the value."""
    if match["quoted"] is not None:
        return match["quote"], match["quoted"]
    if match["masked"] is not None:
        return match["mask"], match["masked"]
    return "", match["bare"]


# -- headers --------------------------------------------------------------------------------------

_AUTHORIZATION = re.compile(
    r"(?P<lead>authorization\\{0,3}[\"']?\s{0,3}[:=]\s{0,3}\\{0,3}[\"']?"
    r"(?:(?:Bearer|Basic|Token|Negotiate|AWS4-HMAC-SHA256)[ \t]{1,3})?)"
    r"(?P<value>Digest[ \t][^\r\n]+|[^\r\n\"'\\]+)",
    re.IGNORECASE | re.ASCII,
)
_SCHEME = re.compile(
    r"\b(?P<lead>(?:Bearer|Basic)[ \t]{1,3})(?P<value>[A-Za-z0-9._~+/=\-]{8,})",
    re.IGNORECASE | re.ASCII,
)
_COOKIE_HEADER = re.compile(
    r"(?P<lead>(?<![A-Za-z0-9])(?:set-)?cookie2?\\{0,3}[\"']?\s{0,3}:\s{0,3})"
    + _VALUE % r"[^\r\n]+",
    re.IGNORECASE | re.ASCII,
)
_COOKIE_ATTRIBUTES = frozenset(
    {"path", "domain", "expires", "max-age", "samesite", "priority", "version", "comment"}
)


def _authorization(match: Match) -> str:
    if match["value"].strip().lower() in _NO_VALUES:
        return match[0]
    return match["lead"] + MARK


def _scheme(match: Match) -> str:
    """`Bearer realm=...` and `Basic authentication` are no secrets: tokens are less orderly."""
    value = match["value"]
    if value.lower().startswith(("realm=", "error=", "scope=")):
        return match[0]
    disorderly = any(c.isdigit() for c in value) or value[1:] != value[1:].lower()
    return match["lead"] + MARK if disorderly or len(value) >= 24 else match[0]


def cookies(text: str) -> str:
    """A `Cookie` or `Set-Cookie` value with its names and attributes, without its secrets."""
    return ";".join(_crumb(part) for part in text.split(";"))


def _crumb(part: str) -> str:
    name, equals, value = part.partition("=")
    if not equals:
        plain = part.strip().lower() in ("secure", "httponly", "partitioned", "")
        return part if plain else _kept_space(part)
    if name.strip().lower() in _COOKIE_ATTRIBUTES or not value.strip():
        return part
    return f"{name}={MARK}"


def _kept_space(part: str) -> str:
    return (" " if part.startswith(" ") else "") + MARK


def _cookie_header(match: Match) -> str:
    opened, value = _taken(match)
    return match["lead"] + opened + cookies(value)


# -- assignments ----------------------------------------------------------------------------------

_ASSIGNED = re.compile(
    rf"(?P<lead>(?<!:){ENDING}(?:[_\-]?(?:value|hash|string))?"
    r"\\{0,3}[\"'`]?\s{0,3}(?:=>|:=|=|:)\s{0,3}(?:\[(?!redacted\])\s{0,3})?)"
    + _VALUE
    % r"[^\s\"'`,;&<>]+",
    re.IGNORECASE | re.ASCII,
)
_TAGGED = re.compile(rf"(?P<lead>{ENDING}>)[^<>\r\n]+(?=</)", re.IGNORECASE | re.ASCII)
_YAML_BLOCK = re.compile(
    rf"(?P<lead>{ENDING}[\"']?\s{{0,3}}:[ \t]{{0,3}}[|>][+\-0-9]{{0,2}}[ \t]{{0,3}}\r?\n)"
    r"(?P<value>(?:[ \t][^\n]*(?:\n|\Z))+)",
    re.IGNORECASE | re.ASCII,
)
_OPTION = re.compile(
    rf"(?P<lead>(?<!-)--(?:[a-z0-9]{{1,20}}-){{0,3}}{ENDING}[ \t]{{1,3}}[\"']?)"
    r"(?P<value>(?!-)[^\s\"'`]+)",
    re.IGNORECASE | re.ASCII,
)
_SIGNED = re.compile(
    r"(?P<lead>[?&](?:X-Amz-(?:Signature|Credential)|signature|sig|code)=)(?P<value>[^\s&\"'<>#]+)",
    re.IGNORECASE | re.ASCII,
)
_NO_VALUES = frozenset({"true", "false", "null", "none", "nil", "undefined", MARK})
_NO_SECRET = re.compile(
    r"\$\{[A-Za-z_]\w*\}|\$[A-Za-z_]\w*|\{\{.*|<[^<>]*>|[|>][+\-0-9]{0,2}|[\[\](){}\\]+|\*+|\.\.\.",
    re.DOTALL,
)
"""Placeholders, and brackets of what is no text."""


def _yaml_block(match: Match) -> str:
    return f"{match['lead']}  {MARK}" + ("\n" if match["value"].endswith("\n") else "")


def _assigned(match: Match) -> str:
    opened, value = _taken(match)
    if value == MARK:
        return match[0]
    if not value or value.lower().rstrip("}])") in _NO_VALUES or _NO_SECRET.fullmatch(value):
        return match[0]
    name = match["lead"].lower()
    if value.startswith("/") and name.startswith("pwd"):
        return match[0]  # the working directory
    count = value.rstrip("}])")
    if count.isdigit() and len(count) < 10 and name.startswith(("tokens", "secrets", "passwords")):
        return match[0]
    return match["lead"] + opened + MARK


# -- URIs -----------------------------------------------------------------------------------------

_URI = re.compile(r"(?<=://)(?:(?!://)[^\s\"'<>`])+")
_AUTHORITY = re.compile(r"[^/?#]*")
_PORT = re.compile(r"\d{0,5}(?:[/?#,]|$)")


def _userinfo(match: Match) -> str:
    """What follows `://`, without the password before its last `@`."""
    text = match[0]
    if "@" not in text:
        return text
    authority = text[: _AUTHORITY.match(text).end()]  # type: ignore[union-attr]
    userinfo, at, _ = authority.rpartition("@")
    if at:
        user, colon, password = userinfo.partition(":")
        return f"{user}:{MARK}{text[len(userinfo) :]}" if colon and password else text
    user, colon, rest = text.partition(":")
    if not colon or len(user) > len(authority) or user.startswith("[") or _PORT.match(rest):
        return text
    # A password with a bare slash in it: everything up to the last @.
    return f"{user}:{MARK}@{text.rpartition('@')[2]}"


# -- tokens ---------------------------------------------------------------------------------------

_JWT = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_\-]{5,}(?:\.[A-Za-z0-9_\-]*)*")
_SENDGRID = re.compile(r"(?<![A-Za-z0-9])SG\.[A-Za-z0-9_\-]{16,}(?:\.[A-Za-z0-9_\-]*)?")
_AWS = re.compile(
    r"(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])"
    r"(?:(?P<gap>[\s,:;|/\"']{1,4})[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+]))?"
)
_OPENAI = re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_\-]{20,}")
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|gl(?:pat|ptt|dt|rt|cbt|ft|imt|oas|soat|agent)-[A-Za-z0-9_.\-]{16,}"
    r"|xox[a-z]-[A-Za-z0-9\-]{10,}|xapp-[A-Za-z0-9\-]{10,}"
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}"
    r"|AIza[A-Za-z0-9_\-]{30,}|ya29\.[A-Za-z0-9_.\-]{20,}|GOCSPX-[A-Za-z0-9_\-]{20,}"
    r"|SK[0-9a-f]{32}(?![0-9a-f])|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_\-]{30,}"
    r"|sntry[su]_[A-Za-z0-9+/=_]{20,}|hv[sb]\.[A-Za-z0-9_\-]{20,}"
    r"|do[opr]_v1_[0-9a-f]{32,}|dckr_pat_[A-Za-z0-9_\-]{16,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"
    r"|dapi[0-9a-f]{32}|\d{8,10}:AA[A-Za-z0-9_\-]{33}"
    r")"
)
_CRYPT = re.compile(
    r"\$(?:2[abxy]|[1567]|y|gy|apr1|argon2(?:id|i|d)|scrypt)\$[./A-Za-z0-9$=,+\-]{12,}"
)
_HOOK = re.compile(
    r"(?P<lead>hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/)"
    r"[A-Za-z0-9/_\-]+"
)


def _dotted(match: Match) -> str:
    """Tokens of several parts; one part alone is something else."""
    return MARK if match[0].count(".") >= match[0].startswith("SG.") + 1 else match[0]


def _openai(match: Match) -> str:
    """Such keys mix cases and digits; the names of hosts do not."""
    value = match[0][3:]
    mixed = value != value.lower() and value != value.upper() and any(map(str.isdigit, value))
    return MARK if mixed else match[0]


def _aws(match: Match) -> str:
    return MARK if match["gap"] is None else f"{MARK}{match['gap']}{MARK}"


RULES: tuple[Rule, ...] = (
    Rule(("private key",), _BLOCK, _whole),
    Rule(("authorization",), _AUTHORIZATION, _authorization),
    Rule(("bearer", "basic"), _SCHEME, _scheme),
    Rule(("cookie",), _COOKIE_HEADER, _cookie_header),
    Rule(("://",), _URI, _userinfo),
    Rule(("</",), _TAGGED, _after_lead),
    Rule(("|\n", "|-", "|+", "|\r", ">\n", ">-", ">+", ">\r"), _YAML_BLOCK, _yaml_block),
    Rule(
        ("pass", "pwd", "secret", "token", "key", "_auth", "jwt", "sess", "connection"),
        _ASSIGNED,
        _assigned,
    ),
    Rule(("--",), _OPTION, _after_lead),
    Rule(("sig", "x-amz-", "code="), _SIGNED, _after_lead),
    Rule(("eyj",), _JWT, _dotted),
    Rule(("sg.",), _SENDGRID, _dotted),
    Rule(("akia", "asia", "abia", "acca"), _AWS, _aws),
    Rule(("sk-",), _OPENAI, _openai),
    Rule(
        (
            "gh", "github_pat_", "gl", "xox", "xapp-", "k_live_", "k_test_", "whsec_", "aiza",
            "ya29", "gocspx", "sk", "npm_", "pypi-", "sntry", "hvs.", "hvb.", "_v1_", "dckr_pat_",
            "shp", "dapi", ":aa",
        ),
        _TOKEN,
        _whole,
    ),
    Rule(("$2", "$1$", "$5$", "$6$", "$7$", "y$", "$apr1$", "$argon2", "$scrypt$"), _CRYPT, _whole),
    Rule(("hooks.slack.com", "webhooks"), _HOOK, _after_lead),
)  # fmt: skip
