"""Placeholders and variables in a probe's parameters are filled in once, with their types."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.probes.base import ProbeError, Target
from opsdeck.probes.engine import Engine, Round
from opsdeck.probes.fill import fill, placeholders

TABLE = {
    "kind": "web",
    "path": "/health",
    "port": 8443,
    "ratio": 0.5,
    "strict": True,
    "off": False,
    "ports": [80, 443],
    "headers": {"X-Key": "${KEY}"},
    "empty": "",
    "uri": "mongodb://app:${PASSWORD}@db/",
}
ENVIRON = {"KEY": "k3y-of-all", "PASSWORD": "p${KEY}{path}w", "lower": "below-the-line"}


def target(**more: Any) -> Target:
    return Target("web", {**TABLE, **more}, environ=ENVIRON)


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        # one placeholder keeps the type of the value
        ("{path}", "/health"),
        ("{port}", 8443),
        ("{ratio}", 0.5),
        ("{strict}", True),
        ("{off}", False),
        ("{off|true}", False),
        ("{ports}", [80, 443]),
        ("{headers}", {"X-Key": "k3y-of-all"}),
        ("{empty}", ""),
        ("{empty|x}", ""),
        # defaults are read as JSON where they are JSON
        ("{gone|7}", 7),
        ("{gone|true}", True),
        ("{gone|[1, 2]}", [1, 2]),
        ('{gone|"7"}', "7"),
        ("{gone|null}", None),
        ("{gone|}", ""),
        ("{gone|NaN}", "NaN"),
        ("{gone|-Infinity}", "-Infinity"),
        ("{gone|two words}", "two words"),
        ("{gone|" + "[" * 100_000 + "}", "[" * 100_000),
        ("{port|1}", 8443),
        # within a longer text it is text, as it is written
        ("http://h:{port}{path}", "http://h:8443/health"),
        ("?on={strict}&list={ports}", "?on=true&list=[80, 443]"),
        ("?on={gone|true}&n={gone|1e3}", "?on=true&n=1e3"),
        ("{path}{path}", "/health/health"),
        # variables, also in lower case, are no placeholders
        ("Bearer ${KEY}", "Bearer k3y-of-all"),
        ("${KEY}", "k3y-of-all"),
        ("${lower}", "below-the-line"),
        ("${lower}{path}", "below-the-line/health"),
        # what was filled in is not looked through again
        ("{uri}", "mongodb://app:p${KEY}{path}w@db/"),
        ("at {uri}", "at mongodb://app:p${KEY}{path}w@db/"),
        ("at ${PASSWORD}", "at p${KEY}{path}w"),
        # nested, and what only looks like a placeholder
        ({"a": ["{port}", {"b": "{path}?{gone|x}"}]}, {"a": [8443, {"b": "/health?x"}]}),
        (("{port}",), [8443]),
        ("{Path} {} {1} { path } {{path}", "{Path} {} {1} { path } {/health"),
        (5, 5),
        (None, None),
        (True, True),
    ],
)
def test_what_is_filled_in(written: Any, filled: Any) -> None:
    found = fill({"p": written}, target())["p"]
    assert found == filled
    assert type(found) is type(filled)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{gone}", "target web has no gone; add it to [targets.web]"),
        ("a{gone}", "target web has no gone; add it to [targets.web]"),
        ({"x": ["{gone}"]}, "target web has no gone; add it to [targets.web]"),
        ("${GONE}", "the variable GONE is not set, and target web needs it: export it"),
    ],
)
def test_what_is_missing_is_named(written: Any, message: str) -> None:
    with pytest.raises(ProbeError, match="^" + message.replace("[", r"\[")) as raised:
        fill({"p": written}, target())
    assert raised.value.cause == "missing"


def test_a_variable_set_to_nothing_is_not_set() -> None:
    with pytest.raises(ProbeError, match="E is not set"):
        fill({"p": "${E}"}, Target("web", {}, environ={"E": ""}))


def test_what_variables_hold_is_secret() -> None:
    one = target()
    fill({"p": "x{uri}"}, one)
    assert {"k3y-of-all", ENVIRON["PASSWORD"]} <= one.secrets


def test_no_part_of_a_secret_is_taken_for_a_variables_name() -> None:
    # GIVEN a password that looks like a reference THEN nobody is told its parts
    one = Target("db", {"uri": "${U}"}, environ={"U": "mongodb://a:${s3cr3t_part}@h/"})
    assert fill({"p": "x {uri}"}, one)["p"] == "x mongodb://a:${s3cr3t_part}@h/"


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_value_goes_in_as_it_is(value: str, around: str) -> None:
    around = around.replace("{", "").replace("$", "")
    one = Target("t", {"key": value})
    one._values = {"key": value}  # as if it had come from the environment
    assert fill({"p": around + "{key}"}, one)["p"] == around + value


def test_the_placeholders_of_a_probe() -> None:
    probe = {"a": "{x}", "b": ["{y|1}-{z}", {"c": ("{x|}",)}], "d": "${lower}", "e": 5}
    assert list(placeholders(probe)) == [("x", None), ("y", "1"), ("z", None), ("x", "")]


@pytest.mark.parametrize(
    ("probe", "table", "message"),
    [
        (
            {"kind": "http", "target": "t", "path": "/", "method": "{verb|GET}"},
            {"kind": "web", "url": "http://127.0.0.1:9", "verb": "DELETE"},
            "changes",
        ),
        (
            {"kind": "http", "target": "t", "path": "/", "method": "{verb|GET}"},
            {"kind": "web", "url": "http://127.0.0.1:9", "verb": "BREW"},
            "method",
        ),
        (
            {"kind": "mongodb", "target": "t", "command": "{look}"},
            {"kind": "mongodb", "uri": "mongodb://127.0.0.1:9", "look": {"drop": "users"}},
            "drop",
        ),
        (
            {
                "kind": "mongodb",
                "target": "t",
                "command": {"aggregate": "c", "pipeline": "{stages}", "cursor": {}},
            },
            {"kind": "mongodb", "uri": "mongodb://127.0.0.1:9/d", "stages": [{"$out": "x"}]},
            r"\$out",
        ),
        (
            {"kind": "aws", "target": "t", "service": "ec2", "operation": "{op}"},
            {"kind": "aws", "region": "eu-west-1", "op": "TerminateInstances"},
            "TerminateInstances",
        ),
        (
            {"kind": "command", "target": "t", "argv": "{line}"},
            {"kind": "repository", "path": "/", "line": "rm -rf x"},
            "argv must be a list",
        ),
        (
            {"kind": "command", "target": "t", "argv": "{line}"},
            {"kind": "repository", "path": "/", "line": 5},
            "argv is 5",
        ),
    ],
)
async def test_what_a_target_fills_in_keeps_the_rules(
    probe: dict[str, Any], table: dict[str, Any], message: str
) -> None:
    # GIVEN a probe that is right as it stands, and a target that would make it change something
    engine = Engine({"t": table}, environ={})
    found = await Round(engine).look(probe)
    await engine.aclose()
    # THEN it is refused before anything is sent (nothing listens there anyway)
    assert found.cause == "missing"
    assert found.message.startswith("target t: ")
    assert re.search(message, found.message)
