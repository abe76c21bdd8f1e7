"""Results for tests: a plain one, and every kind there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from opsdeck.checks.result import Judged, Result

AT = datetime(2026, 11, 23, 2, 38, 7, 123_000, tzinfo=UTC)


def result(**more: Any) -> Result:
    """A passed look at a certificate, with what is given instead."""
    fields: dict[str, Any] = {
        "checklist": "infrastructure",
        "section": "Pre-Deployment Verification",
        "item": "tls-certificate",
        "text": "SSL/TLS certificate installed and valid (>30 days)",
        "run": "release/v1.4.2/infrastructure",
        "verdict": "passed",
        "kind": "tls",
        "target": "web",
        "expect": (Judged("trusted", True, "true"), Judged("days_left > `30`", True, "74")),
        "document": {"latency_ms": 12.3, "trusted": True, "days_left": 74, "sans": ["a", "b"]},
        "at": AT,
        "took_ms": 12.34,
    }
    return Result(**{**fields, **more})


FAILED = result(
    item="certificate-renewal",
    text="Certificate renews by itself",
    verdict="failed",
    reason="days_left > `30` failed: 12",
    expect=(Judged("trusted", True, "true"), Judged("days_left > `30`", False, "12")),
    at=AT + timedelta(seconds=1),
)
UNKNOWN = result(
    checklist="daily-operations",
    section="Operations",
    item="health-endpoint",
    text="Health endpoint answers",
    run="daily-operations/2026-11-23",
    verdict="unknown",
    reason="nothing listens at app.example.com:443 (connection refused): is the service up?",
    cause="refused",
    kind="http",
    expect=(),
    document=None,
    took_ms=1500.0,
)
ASSIST = result(
    item="access-reviewed",
    text="Access reviewed by a person",
    verdict="failed",
    reason="14 users, 3 without a second factor",
    assist=True,
)
MIXED = [result(), FAILED, UNKNOWN, ASSIST]

HOSTILE = {
    "escape sequence": "\x1b[31mred\x1b]0;title\x07",
    "bidi": "abc\u202etxt.exe\u2066",
    "NUL": "a\x00b",
    "lone surrogate": "a\ud800b\udfff",
    "C1 control": "a\x9b31m\x85b",
    "newlines": "first\nsecond\r\n  third\u2028fourth",
    "bar": "a | b || c",
    "quotes": 'it\'s "quoted" `so`',
    "end of CDATA": "x ]]> <![CDATA[",
    "tags": "<script>&amp;</testcase>",
    "TAP": "# TODO not ok 1 \\# SKIP \\",
    "YAML": "a: b\n  ...\n---\n- x: !!python/object {}",
    "perfdata": "x'=1;2;3 'y'='",
    "non-characters": "a\ufffe\uffffb\ufeff",
    "markup": "[red]x[/] [@click=app.quit]y[/",
    "emoji and wide": "ünïcödé 漢字 \U0001f600",
    "equals and spaces": "=  = ;",
    "format": "%s {0} $HOME `id`",
    "empty": "",
    "white": " \t ",
    "long": "x" * 5_000,
}
