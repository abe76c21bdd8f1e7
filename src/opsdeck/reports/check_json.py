"""Results of a check as JSON; `docs/check.md` describes every key."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from opsdeck.checks.result import Result
from opsdeck.journal.clock import wall_text
from opsdeck.reports.check_counts import counts


def render(
    results: Sequence[Result],
    *,
    shown: Sequence[Result] | None = None,
    took_s: float | None = None,
    offline_since: datetime | None = None,
) -> str:
    """One object about all results, with the shown ones (all, unless said otherwise) in it.

    It is ASCII: nothing in it can steer a terminal, and any locale can write it.
    """
    found = counts(results)
    value = {
        "status": found.status,
        "online": offline_since is None,
        "offline_since": wall_text(offline_since) if offline_since else None,
        "took_s": None if took_s is None else round(took_s, 3),
        "counts": msgspec.structs.asdict(found),
        "results": [_object(result) for result in (results if shown is None else shown)],
    }
    return json.dumps(_plain(value), indent=2, allow_nan=False) + "\n"


def _object(result: Result) -> dict[str, Any]:
    return {
        "checklist": result.checklist,
        "section": result.section,
        "item": result.item,
        "text": result.text,
        "run": result.run or None,
        "assist": result.assist,
        "verdict": result.verdict,
        "reason": result.reason or None,
        "cause": result.cause,
        "kind": result.kind,
        "target": result.target or None,
        "at": wall_text(result.at),
        "took_ms": result.took_ms,
        "expect": [
            {"expression": one.expression, "holds": one.holds, "found": one.found}
            for one in result.expect
        ],
        "document": result.document,
    }


def _plain(value: Any) -> Any:
    """The value as JSON has it: valid Unicode, finite numbers."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
