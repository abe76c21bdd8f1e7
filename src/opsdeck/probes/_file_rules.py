"""The shapes that secrets have in the files of a repository."""

from __future__ import annotations

import re
from typing import NamedTuple


class Rule(NamedTuple):
    """One shape that secrets have; `hints` are texts one of which must be there for it to hold."""

    name: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    judged: bool = False
    """Whether its group `value` must also look like a secret: people write much in such places."""
    in_settings: bool = False
    """Whether it holds in files of settings only: in code what is not quoted is an expression."""


# -- what providers give out: each has a form of its own -------------------------------------------

_GIVEN_OUT = (
    Rule("aws-access-key", ("AKIA", "ASIA"), re.compile(r"\b(?P<value>A[KS]IA[0-9A-Z]{16})\b")),
    Rule(
        "private-key",
        ("PRIVATE KEY",),
        re.compile(
            r"-----BEGIN (?:[A-Z]{2,12} )?(?:ENCRYPTED )?PRIVATE KEY(?: BLOCK)?-----"
            r"(?=(?:\\n|\s|[\"'+,])*[A-Za-z0-9+/=:-]{16})"
        ),
    ),
    Rule(
        "github-token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        re.compile(r"\b(?P<value>gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{60,255})"),
    ),
    Rule("gitlab-token", ("glpat-",), re.compile(r"\bglpat-(?P<value>[\w-]{20,60})")),
    Rule("slack-token", ("xox",), re.compile(r"\bxox[abeoprs]-(?P<value>[A-Za-z0-9-]{10,200})")),
    Rule(
        "slack-webhook",
        ("hooks.slack.com",),
        re.compile(r"hooks\.slack\.com/services/(?P<value>T\w{6,14}/B\w{6,14}/\w{20,30})"),
    ),
    Rule(
        "stripe-key",
        ("k_live_", "whsec_"),
        re.compile(r"\b(?:[sr]k_live_|whsec_)(?P<value>[A-Za-z0-9]{16,200})"),
    ),
    Rule("google-key", ("AIza",), re.compile(r"\bAIza(?P<value>[\w-]{35})(?![\w-])")),
    Rule("npm-token", ("npm_",), re.compile(r"\bnpm_(?P<value>[A-Za-z0-9]{36})\b")),
    Rule("sendgrid-key", ("SG.",), re.compile(r"\bSG\.(?P<value>[\w-]{22}\.[\w-]{43})")),
    Rule(
        "openai-key",
        ("sk-",),
        re.compile(r"\bsk-(?P<value>(?:proj-|ant-[a-z0-9]{2,8}-)?[\w-]{32,200})"),
    ),
)

# -- what people write -----------------------------------------------------------------------------

_KEY = (
    # One letter first, by which the engine skips most of a text; which one is looked at after.
    r"(?P<key>[sStTpPaAeE](?:ecret(?<=[sS]ecret)|ECRET(?<=SECRET)|oken(?<=[tT]oken)|OKEN(?<=TOKEN)"
    r"|(?<=[pP])ass[wW](?:or)?d|(?<=P)ASSW(?:OR)?D|(?<=[pP])assphrase|(?<=P)ASSPHRASE"
    r"|ass(?![A-Za-z])(?:(?<=(?<![A-Za-z])pass)|(?<=[a-z]Pass))"
    r"|ASS(?![A-Za-z])(?<=(?<![A-Z])PASS)"
    r"|wd(?![A-Za-z])(?:(?<=(?<![A-Za-z])pwd)|(?<=[a-z]Pwd))|WD(?![A-Za-z])(?<=(?<![A-Z])PWD)"
    r"|(?:(?:pi(?<=[aA]pi)|PI(?<=API)|rivate(?<=[pP]rivate)|RIVATE(?<=PRIVATE)|ccess(?<=[aA]ccess)"
    r"|CCESS(?<=ACCESS)|ncryption(?<=[eE]ncryption)|NCRYPTION(?<=ENCRYPTION)"
    r"|igning(?<=[sS]igning)|IGNING(?<=SIGNING))[_-]?(?:[kK]ey|KEY))))(?P<tail>\w{0,30})"
)
"""A name that holds a secret, from where it says so, and how it goes on."""
_HINTS = ("ecret", "ECRET", "oken", "OKEN", "ass", "ASS", "wd", "WD", "ey", "EY")
_QUOTED = (
    r"(?P<quote>[\"'`])(?P<value>[^\s\"'`${}<>]{6,200}|[a-z]{2,20}(?: [a-z]{2,20}){1,7})(?P=quote)"
)
_BARE = r"(?P<value>[^\s\"'`${}<>()\[\]#,;|&*!%\\?][^\s\"'`{}<>()\[\]]{5,200})"
_GOES_ON = r"(?![ \t]{0,4}[^\s#])"

_WRITTEN = (
    Rule(
        "uri-with-password",
        ("://",),
        re.compile(
            r"\b[a-z][a-z0-9+.-]{1,20}://(?P<user>[^\s:@/'\"`<>{}$]{0,100})"
            r":(?P<value>[^\s@/'\"`<>{}$]{3,200})@(?P<host>\[[\da-fA-F:]+\]|[\w.-]+)"
        ),
        True,
    ),
    Rule(
        "assigned-secret",
        _HINTS,
        re.compile(
            _KEY + r"[\"'`]?\]?\s{0,24}(?::\s{0,4}\w{1,20}\s{0,4}=|={1,3}|:=?|=>)\s{0,4}\[?\s{0,4}"
            rf"{_QUOTED}"
        ),
        True,
    ),
    # What stands in when the variable is not set: process.env.X || 'text', getenv("X", "text"),
    # ${X:-text}
    Rule(
        "secret-to-fall-back-on",
        _HINTS,
        re.compile(
            _KEY
            + r"[\"'`]?[\])]{0,2}\s{0,4}(?:(?:\|\||\?\?|\?:|\bor\b)\s{0,4}"
            + _QUOTED
            + r"|:-(?P<value2>[^\s\"'`${}<>()]{6,200})\})"
        ),
        True,
    ),
    Rule(
        "secret-to-fall-back-on",
        ("env",),
        re.compile(
            rf"\b(?:getenv|environ\.get|env)\(\s{{0,4}}[\"']\w{{0,60}}?{_KEY}[\"'],\s{{0,4}}{_QUOTED}"
        ),
        True,
    ),
    Rule(
        "secret-in-call",
        ("jwt", "cookieParser", "createHmac"),
        re.compile(
            r"\b(?:jwt\.(?:sign|verify)\([^()\"'`;]{1,200},|cookieParser\("
            rf"|createHmac\(\s{{0,4}}[\"'][\w-]{{2,20}}[\"'],)\s{{0,20}}(?P<key>){_QUOTED}"
        ),
        True,
    ),
    Rule(
        "secret-in-settings",
        _HINTS,
        re.compile(
            r"(?m:^)[ \t]{0,40}(?:-[ \t]{1,4})?(?:(?:export|ENV|ARG)[ \t]{1,4})?[\w.-]{0,60}?"
            rf"{_KEY}(?:[ \t]{{0,4}}[:=][ \t]{{0,4}}|(?<=[A-Z])[ \t]){_BARE}{_GOES_ON}"
        ),
        True,
        True,
    ),
    # Terraform: variable "db_password" { ... default = "text" }
    Rule(
        "assigned-secret",
        ("variable",),
        re.compile(
            rf"\bvariable\s{{1,4}}\"[\w-]{{0,60}}?{_KEY}\"\s{{0,4}}\{{[^{{}}]{{0,400}}?\bdefault\s{{0,24}}="
            rf"\s{{0,4}}{_QUOTED}"
        ),
        True,
    ),
    # Kubernetes: - name: DB_PASSWORD, and in the next line its value
    Rule(
        "secret-in-settings",
        ("value:",),
        re.compile(
            rf"\bname:[ \t]{{1,4}}[\"']?[\w.-]{{0,60}}?{_KEY}[\"']?[ \t]{{0,4}}\r?\n[ \t]{{1,40}}"
            rf"value:[ \t]{{1,4}}[\"']?{_BARE}[\"']?{_GOES_ON}"
        ),
        True,
        True,
    ),
    Rule(
        "secret-in-command",
        ("--pass", "--token", "--secret", "--api-key", "curl"),
        re.compile(
            r"(?:--(?P<key>password|passwd|token|secret|api-key)(?:=|[ \t]{1,3})"
            r"|\bcurl\b[^\n|;]{0,200}?[ \t](?:-u|--user)[ \t]{0,3}[\"']?[\w.@+-]{1,60}:)"
            rf"[\"']?{_BARE}"
        ),
        True,
    ),
)

RULES = (*_GIVEN_OUT, *_WRITTEN)
