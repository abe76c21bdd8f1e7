"""What a diagnostic saw, as a table or as lines; nothing of it is obeyed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opsdeck.catalog.playbook import Diagnostic
from opsdeck.checks.reading import Reading
from opsdeck.incidents.found import Found, found_of

NOW = datetime(2026, 11, 23, 2, 38, 7, tzinfo=UTC)


def found(document: Any, show: str = "", *columns: str) -> Found:
    diagnostic = Diagnostic(title="D", probe={}, line=1, show=show, columns=columns)
    return found_of(diagnostic, Reading(document=document), NOW)


def test_a_list_is_a_table() -> None:
    seen = found(
        {"ops": [{"opid": 1, "running_s": 41.25, "memory_bytes": 2_000_000, "ns": None}]},
        "ops",
        *("opid", "running_s", "memory_bytes", "ns", "missing"),
    )
    assert seen.columns == ("opid", "running s", "memory", "ns", "missing")
    assert seen.rows == (("1", "41.2", "2.0 MB", "-", "-"),)
    assert seen.raw[0]["opid"] == 1
    assert seen.words.startswith("1 row; opid 1, running s 41.2")


@pytest.mark.parametrize(
    ("document", "show", "lines"),
    [
        ({"ops": []}, "ops", ("none",)),
        ({"a": 1, "bytes_used": True, "latency_ms": 3}, "", ("a           1", "bytes used  yes")),
        ({"names": ["a", "b"]}, "names", ("a", "b")),
        ({"n": 0.12345}, "n", ("0.123",)),
        ({"n": None}, "n", ("-",)),
        ({"d": {"a": [1, {"b": 2}]}}, "d", ('a  [1, {"b": 2}]',)),
        ({"t": "x\x1b[2Jy\n[red]z"}, "t", ("x␛[2Jy [red]z",)),
    ],
)
def test_anything_else_is_lines(document: Any, show: str, lines: tuple[str, ...]) -> None:
    assert found(document, show).lines == lines


def test_it_is_bounded() -> None:
    rows = [{"n": n, "text": "x" * 100_000} for n in range(5_000)]
    seen = found({"rows": rows}, "rows")
    assert (len(seen.rows), seen.more) == (50, 4_950)
    assert max(len(cell) for row in seen.rows for cell in row) <= 201
    seen = found({"names": [str(n) for n in range(5_000)]}, "names")
    assert seen.lines[-1] == "and 4940 more"


def test_why_nothing_was_seen() -> None:
    diagnostic = Diagnostic(title="D", probe={}, line=1)
    seen = found_of(diagnostic, Reading(cause="timeout", message="no answer"), NOW)
    assert (seen.cause, seen.words) == ("no answer", "could not look: no answer")
    seen = found({"a": 1}, "length(a)")
    assert "show = 'length(a)'" in seen.cause
