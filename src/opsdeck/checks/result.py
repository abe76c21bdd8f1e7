"""What came of checking one item: the verdict, the reason for it and the evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Verdict = Literal["passed", "failed", "unknown"]


class Judged(msgspec.Struct, frozen=True):
    """One expectation held against a document; `found` is one short line of what was there."""

    expression: str
    holds: bool
    found: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One item, checked once.

    `reason` is one line: for `failed` the first expectation that does not hold and what was found,
    for `unknown` why the probe could not look, and `cause` its Cause. `document` is redacted and
    bounded. `at` is aware, in UTC. An `assist` result only helps a person to judge.
    """

    checklist: str
    section: str
    item: str
    text: str
    run: str
    verdict: Verdict
    reason: str = ""
    cause: str | None = None
    kind: str = ""
    target: str = ""
    expect: tuple[Judged, ...] = ()
    document: dict[str, Any] | None = None
    at: datetime
    took_ms: float = 0.0
    assist: bool = False

    @property
    def address(self) -> str:
        """`CHECKLIST/ITEM`."""
        return f"{self.checklist}/{self.item}"
