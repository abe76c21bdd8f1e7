"""Expectations hold only when they give true, and say in a few words what was found."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.checks.judge import LONGEST_FOUND, judge, reason_of
from opsdeck.checks.result import Judged
from opsdeck.text import visible

DOCUMENT: dict[str, Any] = {
    "days_left": 12,
    "least": 30,
    "trusted": True,
    "revoked": False,
    "status": 503,
    "ratio": 0.25,
    "nothing": None,
    "empty": [],
    "headers": {"server": "apache/2.4", "x-a": "b"},
    "alarms": [
        {"AlarmName": "cpu-high", "ActionsEnabled": False},
        {"AlarmName": "mem-high", "ActionsEnabled": False},
        {"AlarmName": "disk", "ActionsEnabled": True},
    ],
    "many": [{"id": f"i-{n}", "ok": False} for n in range(5)],
    "ports": [22, 443, 8080],
    "hostile": "a\x1b[31m\nb\u202ec\ud800",
    "long": "x" * 10_000,
}

CASES: list[tuple[str, bool, str]] = [
    # Comparisons: the side that is not written in them.
    ("days_left > `30`", False, "12"),
    ("days_left < `30`", True, "12"),
    ("`30` < days_left", False, "12"),
    ("days_left > least", False, "left 12, right 30"),
    ("missing > `3`", False, "nothing"),
    ("headers.server == 'nginx'", False, '"apache/2.4"'),
    ("headers.server > `3`", False,
     '"apache/2.4": values of different kinds cannot be compared'),
    ("headers == `{}`", False, '{server: "apache/2.4", x-a: "b"}'),
    ("empty != `[]`", False, "[]"),
    ("`1` == `2`", False, "false"),
    ("alarms[0].AlarmName == 'x'", False, '"cpu-high"'),
    # Plain values: only true is true.
    ("trusted", True, "true"),
    ("revoked", False, "false"),
    ("missing", False, "nothing"),
    ("nothing", False, "nothing"),
    ("missing.deeper", False, "nothing"),
    ("days_left", False, "gives 12, not true or false: write a comparison"),
    ("empty", False, "gives [], not true or false: write a comparison"),
    ("headers.server", False, 'gives "apache/2.4", not true or false: write a comparison'),
    ("length(alarms)", False, "gives 3, not true or false: write a comparison"),
    ("ports[?@ > `100`]", False, "gives [443, 8080], not true or false: write a comparison"),
    # Not: the value that was turned around.
    ("!trusted", False, "true"),
    ("!missing", True, "nothing"),
    ("!(days_left == `12`)", False, "12"),
    # And: the first part that fails, or all where all hold.
    ("trusted && days_left > `30`", False, "days_left is 12"),
    ("trusted && !revoked && days_left > `30` && missing", False, "days_left is 12"),
    ("alarms && days_left > `30`", False, "days_left is 12"),
    ("missing && days_left > `30`", False, "missing is nothing"),
    ("trusted && status == `503`", True, "trusted is true, status is 503"),
    # Or: every part, or the first that holds.
    ("status == `200` || status == `301`", False, "status is 503, status is 503"),
    ("missing || headers.server == 'nginx'", False,
     'missing is nothing, headers.server is "apache/2.4"'),
    ("missing || days_left == `12` || revoked", True, "days_left is 12"),
    ("!(trusted && days_left == `12`)", False, "trusted is true, days_left is 12"),
    ("(missing || revoked) && trusted", False, "missing is nothing, revoked is false"),
    # Functions.
    ("contains(headers.server, 'nginx')", False, '"apache/2.4"'),
    ("contains(ports, `80`)", False, "[22, 443, 8080]"),
    ("!contains(ports, `22`)", False, "[22, 443, 8080]"),
    ("starts_with(headers.server, 'nginx') == `true`", False, 'false for "apache/2.4"'),
    ("max(ports) < `100`", False, "8080"),
    ("to_string(status) == '200'", False, '"503"'),
    # Lengths: what was counted.
    ("length(alarms[?!ActionsEnabled]) == `0`", False, "2 (cpu-high, mem-high)"),
    ("length(alarms[?!ActionsEnabled].AlarmName) == `0`", False, "2 (cpu-high, mem-high)"),
    ("alarms[?!ActionsEnabled] | length(@) == `0`", False, "2 (cpu-high, mem-high)"),
    ("length(many[?!ok]) == `0`", False, "5 (i-0, i-1, i-2, …)"),
    ("length(ports) == `2`", False, "3 (22, 443, 8080)"),
    ("length(empty) > `0`", False, "0"),
    ("length(headers) == `3`", False, "2"),
    # What cannot be worked out.
    ("length(missing) == `0`", False, "cannot be worked out: length() got null"),
    ("length(days_left)", False, "cannot be worked out: length() got number"),
    ("sum(alarms) > `1`", False, "cannot be worked out: sum() got object"),
    ("contains(headers.server, `5`)", False,
     "cannot be worked out: values of different kinds cannot be compared"),
    ("nonsense(a)", False, "cannot be worked out: Unknown function: nonsense()"),
    ("length(a, b)", False,
     "cannot be worked out: Expected 1 argument for function length(), received 2"),
    ("a b", False, "cannot be worked out: the expression is not valid"),
    ("", False, "cannot be worked out: the expression is not valid"),
    ("(" * 5_000, False, "cannot be worked out: the expression is not valid"),
    # Text from outside.
    ("hostile == 'x'", False, '"a\\u001b[31m\\nb\ufffdc\ufffd"'),
    # Texts between backticks, as half the world writes them.
    ("headers.server == `nginx`", False, '"apache/2.4"'),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "holds", "found"), CASES)
def test_found(expression: str, holds: bool, found: str) -> None:
    assert judge([expression], DOCUMENT) == (Judged(expression, holds, found),)


def test_long_values_are_cut() -> None:
    (judged,) = judge(["long == 'y' || long == 'z'"], DOCUMENT)
    assert len(judged.found) <= LONGEST_FOUND
    assert judged.found.endswith("…")


def test_found_is_taken_from_what_may_be_shown() -> None:
    # GIVEN a document with a secret, and the same as people may see it
    shown = {"password": "[redacted]", "n": 1}

    # WHEN it is judged, THEN the secret decides, and does not show
    (judged,) = judge(["password == 'hunter2'"], {"password": "hunter2", "n": 1}, shown)
    assert judged.holds
    assert judged.found == '"[redacted]"'
    (judged,) = judge(["password > `3`"], {"password": "hunter2", "n": 1}, shown)
    assert not judged.holds
    assert judged.found == '"[redacted]": values of different kinds cannot be compared'


REASONS = [
    ([], ""),
    ([Judged("a", True, "true")], ""),
    ([Judged("a", True, "true"), Judged("days_left > `30`", False, "12"), Judged("c", False, "x")],
     "days_left > `30` failed: 12"),
    ([Judged("a  ==\n `1`", False, "2")], "a == `1` failed: 2"),
    ([Judged("a" * 500, False, "2")], "a" * 159 + "… failed: 2"),
]  # fmt: skip


@pytest.mark.parametrize(("judged", "reason"), REASONS)
def test_reason(judged: list[Judged], reason: str) -> None:
    assert reason_of(judged) == reason


ODD_DOCUMENTS: list[tuple[str, Any]] = [
    ("none", None),
    ("a number", 5),
    ("a list", [1, 2]),
    ("not a number", {"a": float("nan")}),
    ("infinite", {"a": float("inf")}),
    ("a huge number", {"a": 10**10_000}),
    ("bytes", {"a": b"\xff"}),
    ("keys that are no strings", {1: 2, None: {"a": 3}}),
    ("a set", {"a": {1, 2}}),
]


@pytest.mark.parametrize(
    "document", [d[1] for d in ODD_DOCUMENTS], ids=[d[0] for d in ODD_DOCUMENTS]
)
@pytest.mark.parametrize(
    "expression", ["a", "a == `1`", "a > `1`", "length(a) == `0`", "@", "!a", "a || b", "a && b"]
)
def test_odd_documents_are_judged_as_well(document: Any, expression: str) -> None:
    (judged,) = judge([expression], document)
    assert len(judged.found) <= LONGEST_FOUND


def test_depth_breaks_nothing() -> None:
    # GIVEN documents and expressions deeper than Python's stack
    document: Any = {}
    inner = document
    for _ in range(50_000):
        inner["a"] = {}
        inner = inner["a"]
    deep = ["a" + ".a" * 3_000 + " == `1`", "!" * 3_000 + "a", "a" + " && a" * 3_000,
            "to_string(@) == 'x'", "a == a", "@ == `1`"]  # fmt: skip

    # WHEN they are judged, THEN each gets an answer in bounds
    for judged in judge(deep, document):
        assert len(judged.found) <= LONGEST_FOUND


_names = st.sampled_from(["a", "b", "c", "length", "@", "`1`", "'x'", "`null`", "`[]`"])
_expressions = st.recursive(
    _names,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["==", "<", ">=", "&&", "||", ".", "|"]), inner).map(
            " ".join
        ),
        inner.map("!{}".format),
        inner.map("({})".format),
        inner.map("length({})".format),
        inner.map("sort_by(a, &{})".format),
        inner.map("a[?{}]".format),
        inner.map("a[*].{}".format),
        st.tuples(inner, inner).map(lambda t: f"contains({t[0]}, {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"{{x: {t[0]}, y: {t[1]}}}"),
    ),
    max_leaves=6,
)
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["a", "b", "c", "name"]), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(expression=st.one_of(_expressions, st.text(max_size=30)), document=_values)
@settings(max_examples=400, deadline=None)
def test_judging_never_raises(expression: str, document: Any) -> None:
    # WHEN anything is held against anything
    (judged,) = judge([expression], document)

    # THEN it holds or not, and what was found is one harmless line in bounds
    assert judged.expression == expression
    assert isinstance(judged.holds, bool)
    assert 0 < len(judged.found) <= LONGEST_FOUND
    assert visible(judged.found) == judged.found
    judged.found.encode()
    assert len(reason_of([judged])) <= LONGEST_FOUND + 180


def test_a_whole_deck_is_judged_quickly() -> None:
    # GIVEN three expectations, compiled before
    expect = ["trusted", "days_left > `30`", "length(alarms[?!ActionsEnabled].AlarmName) == `0`"]
    judge(expect, DOCUMENT)

    # WHEN 150 items are judged
    best = min(_took_ms(expect) for _ in range(3))

    # THEN it takes no time that anybody notices: about 10 ms on an idle core
    assert best < 60


def _took_ms(expect: list[str]) -> float:
    began = time.thread_time()
    for _ in range(150):
        judge(expect, DOCUMENT)
    return (time.thread_time() - began) * 1_000
