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
    """Whether its group `value` must also be hard to guess and no placeholder."""


RULES = (
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
        "uri-with-password",
        ("://",),
        re.compile(
            r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:@/'\"`<>{}$]{1,100}"
            r":(?P<value>[^\s@/'\"`<>{}$]{3,200})@[\w.-]"
        ),
        True,
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
    Rule(
        "assigned-secret",
        ("ecret", "ECRET", "oken", "OKEN", "assw", "ASSW", "pi_key", "PI_KEY", "piKey", "pi-key"),
        re.compile(
            r"(?i:secret|token|passw(?:or)?d|api[_-]?key|private[_-]?key|access[_-]?key)\w{0,30}"
            r"[\"']?\s{0,4}(?::\s{0,4}\w{1,20}\s{0,4}=|[:=]>?)\s{0,4}"
            r"(?P<quote>[\"'`])(?P<value>[^\s\"'`${}<>]{8,200})(?P=quote)"
        ),
        True,
    ),
    Rule(
        "assigned-secret",
        ("SECRET", "TOKEN", "PASSWORD", "KEY"),
        re.compile(
            r"(?m:^)(?:export |ENV )?[A-Z][A-Z0-9_]{0,60}(?:SECRET|TOKEN|PASSWORD|KEY)"
            r"[A-Z0-9_]{0,20}"
            r"[ ]?[=:][ ]{0,4}(?P<value>[^\s\"'`${}<>()#/]{12,200})[ ]*(?m:$)"
        ),
        True,
    ),
)
