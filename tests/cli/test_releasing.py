"""`opsdeck release`: start, list, show."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import CommandLine


def test_start_says_what_begins(opsdeck: CommandLine) -> None:
    result = opsdeck("release", "start", "v1.4.2", "--note", "hotfix")
    assert re.fullmatch(
        r"started release v1\.4\.2 \(alice, \d{4}-\d\d-\d\d \d\d:\d\d UTC\): 9 lists, 80 items\n",
        result.out,
    )
    again = opsdeck("release", "start", "v1.4.2")
    assert again.code == 64
    assert "was already started" in again.err


@pytest.mark.parametrize("name", ["", "a/b", "-x y", "ü", "x" * 65, "a\x1b[31m"])
def test_a_name_that_is_none_is_refused(opsdeck: CommandLine, name: str) -> None:
    result = opsdeck("release", "start", "--", name)
    assert result.code == 64
    assert "cannot name a release" in result.err
    assert "\x1b" not in result.err
    assert not opsdeck.home.exists()


def test_list_has_the_newest_first(opsdeck: CommandLine) -> None:
    assert "no release was ever started" in opsdeck("release", "list").out
    assert opsdeck.json("release", "list") == []
    opsdeck("release", "start", "v1")
    opsdeck("--operator", "bob", "release", "start", "v2")

    found = opsdeck.json("release", "list")
    assert [(r["name"], r["by"], r["current"]) for r in found] == [
        ("v2", "bob", True),
        ("v1", "alice", False),
    ]
    assert set(found[0]) == {"name", "at", "by", "current", "done", "items", "state"}
    lines = opsdeck("release", "list").lines
    assert [line.split()[0] for line in lines] == ["v2", "v1"]
    assert [line.endswith("current") for line in lines] == [True, False]


def test_show_has_the_nine_lists_and_their_progress(released: CommandLine) -> None:
    released("attest", "infrastructure/tls-certificate")
    released("release", "start", "v2")

    old = released.json("release", "show", "v1")
    runs = {run["checklist"]: run for run in old["runs"]}
    assert len(runs) == 9
    assert runs["infrastructure"]["run"] == "release/v1/infrastructure"
    assert (runs["infrastructure"]["done"], runs["infrastructure"]["state"]) == (5, "open")
    assert (old["items"], old["current"], old["state"]) == (80, False, "open")
    assert released.json("release", "show")["name"] == "v2"
    lines = released("release", "show", "v1").lines
    assert lines[0].startswith("v1  11/80 open  (alice, ")
    assert len(lines) == 10


def test_a_release_is_complete_when_its_lists_are(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "opsdeck.toml").write_text("")
    (opsdeck.folder / "checklists.toml").write_text(
        'omit = ["*"]\n[[checklist]]\nid="x"\ntitle="X"\nsection="s"\ncadence="release"\n'
        '[[checklist.item]]\nid="a"\ntext="A"\n[[checklist.item]]\nid="b"\ntext="B"\n'
    )
    opsdeck("release", "start", "v1")
    assert opsdeck.json("release", "show")["state"] == "not started"
    opsdeck("attest", "x/a")
    opsdeck("defer", "x/b", "--reason", "later")
    assert opsdeck.json("release", "show")["state"] == "complete except deferred"
    opsdeck("attest", "x/b")
    assert opsdeck.json("release", "show")["state"] == "complete"


def test_an_unknown_release_gets_the_nearest(opsdeck: CommandLine) -> None:
    assert "no release was ever started" in opsdeck("release", "show").err
    opsdeck("release", "start", "v1.4.2")
    result = opsdeck("release", "show", "v1.4.3")
    assert (result.code, result.out) == (64, "")
    assert "'v1.4.3' was never started; did you mean 'v1.4.2'?" in result.err
