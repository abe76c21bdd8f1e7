"""Evidence is bounded, deterministic and readable by whoever meets it later."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.checks.evidence import Evidence, bounded, evidence_of, read_evidence
from opsdeck.checks.result import Judged
from tests.checks.results import FAILED, HOSTILE, UNKNOWN, result


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(v) for v in inner), default=0)


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"in": [value]}
    return value


SMALL: list[Any] = [
    {},
    {"latency_ms": 12.3, "open": True, "why": None},
    {"z": 1, "a": {"y": [1, {"x": "é"}], "b": []}},
    {"controls": "a\x1b\x00b\u202e"},
]


@pytest.mark.parametrize("document", SMALL)
def test_what_fits_stays_as_it_is(document: Any) -> None:
    kept = bounded(document)
    assert kept == document
    assert list(kept) == list(document)


LARGE: list[tuple[str, Any]] = [
    ("a long string", {"body": "x" * 64_000, "status": 200}),
    ("a wide one", {"body": "漢" * 64_000, "status": 200}),
    ("many strings", {"lines": ["y" * 500] * 300, "status": 200}),
    ("a long list", {"items": list(range(100_000)), "status": 200}),
    ("a list of tables", {"items": [{"id": n, "tags": {"a": "b" * 50}} for n in range(500)],
     "status": 200}),
    ("a large table", {"tags": {f"key-{n}": n for n in range(5_000)}, "status": 200}),
    ("a deep one", {"deep": _nested(900), "status": 200}),
    ("too many fields", {"status": 200, **{f"field-{n}": "v" * 60 for n in range(3_000)}}),
    ("long keys", {"status": 200, **{f"{n}" + "k" * 5_000: 1 for n in range(50)}}),
    ("nested first", {**{f"n{n}": {"x": ["y" * 200] * 20} for n in range(80)}, "status": 200}),
]  # fmt: skip


@pytest.mark.parametrize("limit", [400, 6_000])
@pytest.mark.parametrize("document", [d[1] for d in LARGE], ids=[d[0] for d in LARGE])
def test_what_does_not_fit_is_pruned(document: dict[str, Any], limit: int) -> None:
    # WHEN a large document is bounded
    kept = bounded(document, limit)

    # THEN it fits, keeps what is short and plain, says that something is missing, and is stable
    assert _size(kept) <= limit
    assert kept["status"] == 200
    assert "…" in json.dumps(kept, ensure_ascii=False)
    assert bounded(document, limit) == kept
    assert bounded(kept, limit) == kept
    order = [key for key in kept if key in document]
    assert order == [key for key in document if key in order]


def test_cut_texts_and_lists_say_how_much_there_was() -> None:
    kept = bounded({"body": "x" * 12_345, "items": list(range(1_042)), "deep": _nested(40)}, 3_000)
    assert kept["body"].startswith("xxx")
    assert kept["body"].endswith("… (12,345 characters)")
    assert kept["items"][:3] == [0, 1, 2]
    assert kept["items"][-1].startswith("… ")
    assert kept["items"][-1].endswith(" more")
    assert _depth(kept) < 22
    assert "… (1 " in json.dumps(kept["deep"], ensure_ascii=False)


ODD: list[tuple[Any, Any]] = [
    ({"a": math.nan, "b": -math.inf}, {"a": "nan", "b": "-inf"}),
    ({"a": 10**400}, {"a": "a very large number"}),
    ({"a": "x\ud800"}, {"a": "x?"}),
    ({"a": (1, 2), 5: "six"}, {"a": [1, 2], "5": "six"}),
    ({"a": b"x"}, {"a": "bytes"}),
    ([1, 2], {"value": [1, 2]}),
    (None, {"value": None}),
]


@pytest.mark.parametrize(("document", "kept"), ODD)
def test_odd_values_become_JSON(document: Any, kept: Any) -> None:
    found = bounded(document)
    assert found == kept
    msgspec.json.encode(found)


_documents = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=8), st.dictionaries(st.text(max_size=5), inner, max_size=6)
        ),
        max_leaves=20,
    ),
    max_size=12,
)


@given(document=_documents, limit=st.integers(min_value=200, max_value=8_000))
@settings(max_examples=40, deadline=None)
def test_any_document_fits_and_can_be_written(document: dict[str, Any], limit: int) -> None:
    kept = bounded(document, limit)
    assert _size(kept) <= limit
    assert msgspec.json.decode(msgspec.json.encode(kept)) == kept
    assert bounded(document, limit) == kept


def test_evidence_of_a_result() -> None:
    assert evidence_of(FAILED) == {
        "kind": "tls",
        "target": "web",
        "expect": [["trusted", True, "true"], ["days_left > `30`", False, "12"]],
        "took_ms": 12.34,
        "document": FAILED.document,
    }
    assert evidence_of(UNKNOWN) == {
        "kind": "http",
        "target": "web",
        "expect": [],
        "took_ms": 1500.0,
        "cause": "refused",
    }


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=list(HOSTILE))
def test_evidence_survives_the_journal(hostile: str) -> None:
    # GIVEN a result whose every text is hostile
    found = result(
        kind="http", target="web", expect=(Judged("a", False, "x"),), document={"a": hostile}
    )

    # WHEN its evidence is written and read back
    written = msgspec.json.encode(evidence_of(found))
    read = read_evidence(msgspec.json.decode(written))

    # THEN it is the same evidence
    assert read.expect == found.expect
    assert read.took_ms == found.took_ms
    assert read.document is not None
    assert read.document["a"][:1_000] == hostile.encode("utf-8", "replace").decode()[:1_000]


FOREIGN: list[tuple[Any, Evidence]] = [
    (None, Evidence()),
    ([], Evidence()),
    ("x", Evidence()),
    ({}, Evidence()),
    ({"kind": 5, "target": None, "expect": "x", "document": [], "took_ms": "9", "cause": 1},
     Evidence()),
    ({"expect": [["a", True, "1"], ["b", "yes"], [], ["c"], [1, True, ""], {"d": 1}, None]},
     Evidence(expect=(Judged("a", True, "1"), Judged("b", False, "")))),
    ({"kind": "tls", "took_ms": True, "later": {"x": 1}}, Evidence(kind="tls")),
    ({"expect": None, "document": {"a": 1}, "took_ms": 5}, Evidence(document={"a": 1}, took_ms=5)),
]  # fmt: skip


@pytest.mark.parametrize(("data", "evidence"), FOREIGN)
def test_foreign_evidence_is_read_as_far_as_it_goes(data: Any, evidence: Evidence) -> None:
    assert read_evidence(data) == evidence
