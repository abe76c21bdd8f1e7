"""`opsdeck doctor` on what is written: configuration, secrets, tables; and how it tells it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.doctored import SECRET, Doctored, doctored
from tests.probes import partners_tls

__all__ = ["doctored"]


WRITTEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("a password in a URI", {"kind": "mongodb", "uri": f"mongodb://u:{SECRET}@h"}, "warn", "t.uri"),
    ("a password in a URL", {"kind": "web", "url": f"https://u:{SECRET}@h"}, "warn", "t.url"),
    (
        "a token in a header",
        {"kind": "web", "url": "http://h", "headers": {"Authorization": f"Bearer {SECRET}"}},
        "warn",
        "t.headers.Authorization",
    ),
    ("a token", {"kind": "web", "url": "http://h", "token": SECRET}, "warn", "t.token"),
]  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: case[0])
def test_secrets_that_are_written_down(
    doctored: Doctored, case: tuple[str, dict[str, Any], str, str]
) -> None:
    # GIVEN a target whose secret stands in the file, at an address where nobody answers
    _, target, level, where = case
    with partners_tls.closed_port() as port:
        text = json.dumps(target).replace("@h", f"@127.0.0.1:{port}")
        text = text.replace("//h", f"//127.0.0.1:{port}")
        doctored.deck({"t": json.loads(text)})
        # WHEN it is examined
        told = doctored.told("secrets", "--quick")
    # THEN it is warned of, without being repeated
    assert [entry[:2] for entry in told] == [(level, f"targets.{where}")]
    assert "write ${VARIABLE} in its place" in told[0][2]


def test_secrets_in_a_teams_own_items(doctored: Doctored) -> None:
    # GIVEN items with headers: a secret, a variable, and what the target says
    headers = ({"X-Api-Key": SECRET}, {"X-Api-Key": "${KEY}"}, {"Cookie": "{session_cookie}"})
    probe = {"kind": "http", "url": "http://127.0.0.1:1"}
    doctored.items([{**probe, "headers": header} for header in headers])
    doctored.opsdeck.environ["KEY"] = SECRET
    doctored.deck({})
    # THEN the first is warned of
    told = doctored.told("secrets", "--quick")
    assert [entry[:2] for entry in told] == [("warn", "own/i1")]
    assert "probe.headers.X-Api-Key" in told[0][2]


def test_secrets_in_variables_are_no_fault(doctored: Doctored) -> None:
    with partners_tls.closed_port() as port:
        headers = {"Authorization": "Bearer ${TOKEN}"}
        uri = f"mongodb://u:${{PW}}@127.0.0.1:{port}"
        doctored.opsdeck.environ |= {"TOKEN": SECRET, "PW": SECRET}
        doctored.deck(
            {
                "web": {"kind": "web", "url": f"http://127.0.0.1:{port}", "headers": headers},
                "mongodb": {"kind": "mongodb", "uri": uri},
            }
        )
        assert doctored.told("secrets", "--quick") == [
            ("ok", "secrets", "none is written in a file")
        ]


TABLES: list[tuple[str, dict[str, Any], tuple[str, str, str]]] = [
    (
        "a key with a slip in it",
        {"web": {"kind": "web", "url": "http://127.0.0.1:1", "helth_path": "/"}},
        ("warn", "web", 'nothing uses its key "helth_path"; did you mean "health_path"?'),
    ),
    (
        "a kind with a slip in it",
        {"db": {"kind": "mongdb", "uri": "mongodb://127.0.0.1:1"}},
        ("bad", "db", 'there is no kind of target "mongdb"; did you mean "mongodb"?'),
    ),
    (
        "a required key is missing",
        {"db": {"kind": "mongodb"}},
        (
            "bad",
            "db",
            "has no uri: add uri: the connection string, any that MongoDB's drivers take",
        ),
    ),
    (
        "one of several keys is missing",
        {"cache": {"kind": "network", "port": 6379}},
        ("bad", "cache", "has none of url, uri, host: add one"),
    ),
    (
        "an item needs a target",
        {},
        (
            "warn",
            "aws",
            '2 items need a target aws: add [targets.aws] with kind = "aws" and region = "..."',
        ),
    ),
    (
        "an item needs a key",
        {"web": {"kind": "web", "url": "http://127.0.0.1:1"}},
        ("warn", "web", "1 item needs its key login_path: add login_path to [targets.web]"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", TABLES, ids=lambda case: case[0])
def test_what_is_wrong_with_tables(
    doctored: Doctored, case: tuple[str, dict[str, Any], tuple[str, str, str]]
) -> None:
    # GIVEN items that need an aws target and a key of the web target
    look = {"kind": "aws", "target": "aws", "service": "ec2", "operation": "DescribeVpcs"}
    doctored.items([look, look, {"kind": "http", "target": "web", "path": "{login_path}"}])
    # WHEN the deck is examined THEN what is wrong is said, once
    doctored.deck(case[1])
    told = doctored.told("targets", "--quick")
    assert told.count(case[2]) == 1
    assert doctored.code in (1, 2)


def test_variables_that_are_not_set(doctored: Doctored) -> None:
    doctored.items(
        [{"kind": "http", "url": "http://127.0.0.1:1", "headers": {"X-Api-Key": "${OWN_KEY}"}}]
    )
    doctored.deck({"db": {"kind": "mongodb", "uri": "${MONGODB_URI}", "ca": "${CA_FILE}"}})
    found = [f for f in doctored.findings("--quick") if f["part"] == "secrets"]
    assert [(f["level"], f["where"], f["what"], f["items"]) for f in found] == [
        ("bad", "targets.db", "the variable MONGODB_URI is not set", []),
        ("bad", "targets.db", "the variable CA_FILE is not set", []),
        ("bad", "checklists.toml", "the variable OWN_KEY is not set", ["own/i1"]),
    ]
    assert doctored.code == 2


def test_a_configuration_with_faults(doctored: Doctored) -> None:
    (doctored.opsdeck.folder / "opsdeck.toml").write_text('[deck]\nnmae = "x"\ntimezone = "Mars"\n')
    told = doctored.told("configuration")
    assert [entry[:2] for entry in told] == [("bad", "opsdeck.toml:2"), ("bad", "opsdeck.toml:3")]
    assert 'did you mean "name"?' in told[0][2]
    assert doctored.code == 2


def test_a_catalog_with_faults_is_no_reason_to_stop(doctored: Doctored) -> None:
    doctored.deck({}, 'uses = ["redsi"]')
    (doctored.opsdeck.folder / "checklists.toml").write_text("[[checklist]]\nidd = 1\n")
    told = doctored.told("configuration", "--quick")
    assert ("bad", "checklists.toml:2") in [entry[:2] for entry in told]
    assert ("warn", "catalog", "the last good one is used until these are mended") in told
    assert any('did you mean "redis"?' in entry[2] for entry in told)


def test_without_a_configuration(doctored: Doctored) -> None:
    found = doctored.findings("--quick")
    first = found[0]
    assert (first["level"], first["where"]) == ("warn", "opsdeck.toml")
    assert "`opsdeck init`" in first["todo"]
    missing = [f for f in found if f["part"] == "targets" and f["level"] == "warn"]
    assert "web" in {f["where"] for f in missing}
    assert not doctored.opsdeck.home.exists()


def test_a_state_that_others_can_read(doctored: Doctored) -> None:
    home = doctored.opsdeck.home
    cases = [(0o700, "ok", "private"), (0o755, "warn", "chmod 700"), (0o777, "bad", "chmod o-w")]
    doctored.deck({})
    home.mkdir()
    for mode, level, words in cases:
        home.chmod(mode)
        state = next(e for e in doctored.told("configuration", "--quick") if e[1] == "state")
        assert state[0] == level
        assert words in state[2]


def test_an_operator_whom_nobody_knows(doctored: Doctored) -> None:
    doctored.deck({}, 'operators = ["bob"]')
    operator = next(e for e in doctored.told("configuration", "--quick") if e[1] == "operator")
    assert operator[0] == "warn"
    assert "alice is not among the operators" in operator[2]


def test_damage_of_the_journal_is_told(doctored: Doctored) -> None:
    doctored.deck({})
    assert doctored.opsdeck("release", "start", "v1").code == 0
    file = next(doctored.opsdeck.journal.glob("*.jsonl"))
    file.write_bytes(b"junk\n" + file.read_bytes())
    told = doctored.told("configuration", "--quick")
    assert ("bad", "journal") in [entry[:2] for entry in told]


def test_lines_for_people(doctored: Doctored) -> None:
    # GIVEN a target with a hostile name in its answer, and a narrow terminal
    doctored.items([{"kind": "http", "target": "web", "path": "/"}])
    doctored.opsdeck.environ["COLUMNS"] = "60"
    with partners_tls.closed_port() as port:
        doctored.deck({"web": {"kind": "web", "url": f"http://127.0.0.1:{port}", "x\x1b[2J": 1}})
        result = doctored.opsdeck("doctor")
    # THEN the parts follow each other, aligned and within the width
    heads = [line for line in result.lines if line and not line.startswith(" ")]
    assert heads[:5] == ["configuration", "secrets", "targets", "signoff", "items"]
    findings = [line for line in result.lines if line.startswith("  ") and line[2] != " "]
    assert {line.split()[0] for line in findings} == {"ok", "warn", "bad", "unknown"}
    assert all(len(line) <= 60 for line in result.lines[:-1])
    assert "\x1b" not in result.out
    # AND the ways to the rights are named
    assert "`opsdeck doctor --policy` prints the IAM policy" in result.lines[-1]
    assert "`--role`" in result.lines[-1]
    assert result.code == 2
