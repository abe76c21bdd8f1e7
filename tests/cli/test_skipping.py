"""Read-do lists on the command line: what is refused, `opsdeck skip`, and what programs read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import CommandLine

LIST = "steps"
CATALOG = """
[[checklist]]
id = "steps"
title = "Steps"
section = "Ours"
cadence = "standing"
read_do = true
[[checklist.item]]
id = "a"
text = "Announce it"
[[checklist.item]]
id = "b"
text = "Back it up"
[[checklist.item]]
id = "c"
text = "Close it"
"""
WAIVER = ("--approver", "carol", "--until", "7d")


@pytest.fixture
def opsdeck(opsdeck: CommandLine) -> CommandLine:
    """`opsdeck` with a read-do list of three items."""
    (opsdeck.folder / "opsdeck.toml").write_text("")
    (opsdeck.folder / "checklists.toml").write_text(CATALOG)
    return opsdeck


def items(opsdeck: CommandLine) -> dict[str, dict[str, Any]]:
    """The items of the list as JSON, by id."""
    return {item["id"]: item for item in opsdeck.json("list", "items", LIST)}


def states(opsdeck: CommandLine) -> list[str]:
    """Their states in order."""
    return [item["state"] for item in items(opsdeck).values()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("attest", "steps/b"),
        ("override", "steps/b", "-r", "x"),
        ("waive", "steps/b", "-r", "x", *WAIVER),
        ("defer", "steps/b", "-r", "x"),
        ("unuse", "steps/b", "-r", "x"),
        ("skip", "steps/b", "-r", "x"),
    ],
)
def test_what_is_not_next_is_refused(opsdeck: CommandLine, arguments: tuple[str, ...]) -> None:
    result = opsdeck(*arguments)
    assert (result.code, result.out) == (64, "")
    assert result.err == (
        "opsdeck: standing/steps/b is not next, and steps is a read-do list: do a first"
        " (Announce it), or skip it with `opsdeck skip standing/steps/a --reason WHY`\n"
    )
    assert states(opsdeck) == ["open"] * 3


def test_items_of_one_command_follow_each_other(opsdeck: CommandLine) -> None:
    # WHEN they come in the wrong order THEN nothing is recorded
    result = opsdeck("attest", "steps/b", "steps/a")
    assert (result.code, "nothing was recorded" in result.err) == (64, True)
    assert states(opsdeck) == ["open"] * 3
    # WHEN in the right one THEN both are
    assert opsdeck("attest", "steps/a", "steps/b").code == 0
    assert states(opsdeck) == ["attested", "attested", "open"]
    # AND a note, taking back and saying it again need no turn
    assert opsdeck("note", "steps/c", "-m", "soon").code == 0
    assert opsdeck("attest", "steps/a", "--note", "again").code == 0
    assert opsdeck("reopen", "steps/a").code == 0
    assert opsdeck("attest", "steps/c").code == 64


def test_a_skip_is_recorded_shown_and_undone(opsdeck: CommandLine) -> None:
    result = opsdeck("skip", "steps/a", "--reason", "nobody is there")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("skipped standing/steps/a (alice, ")
    found = items(opsdeck)
    skipped = found["a"]["skipped"]
    assert (skipped["by"], skipped["reason"]) == ("alice", "nobody is there")
    assert skipped["at"].endswith("Z")
    assert (found["a"]["state"], found["b"]["skipped"]) == ("open", None)
    assert opsdeck("attest", "steps/b").code == 0
    tail = opsdeck("journal", "tail").out
    assert 'alice skipped standing/steps/a "nobody is there"' in tail
    report = opsdeck("report", LIST).out
    assert "): skipped: nobody is there" in report
    (run,) = json.loads(opsdeck("report", LIST, "--format", "json").out)["runs"]
    assert [note["skipped"] for note in run["results"][0]["notes"]] == [True]
    assert ": skipped: nobody is there" in opsdeck("report", LIST, "--format", "csv").out
    # WHEN the attestation and the skip are undone THEN the item is next again
    assert opsdeck("undo", LIST).out.startswith("undone: attested standing/steps/b")
    assert opsdeck("undo", LIST).out.startswith("undone: skipped standing/steps/a")
    assert items(opsdeck)["a"]["skipped"] is None
    assert opsdeck("attest", "steps/b").code == 64


def test_several_are_skipped_at_once_and_all_stay_open(opsdeck: CommandLine) -> None:
    result = opsdeck("skip", "steps/a", "steps/b", "-r", "later", "--json")
    assert [item["skipped"]["reason"] for item in json.loads(result.out)] == ["later", "later"]
    assert opsdeck("attest", "steps/c").code == 0
    assert opsdeck.json("list", "checklists")[-1]["state"] != "complete"
    assert states(opsdeck) == ["open", "open", "attested"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("skip", "steps/a"), "missing option '--reason'"),
        (("skip", "steps/a", "-r", " "), "a reason is needed"),
        (("skip", "-r", "x"), "no item is named"),
    ],
)
def test_what_cannot_be_skipped(
    opsdeck: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    result = opsdeck(*arguments)
    assert (result.code, result.out) == (64, "")
    assert message in result.err
    assert states(opsdeck) == ["open"] * 3


def test_an_ordinary_list_has_nothing_to_skip(opsdeck: CommandLine) -> None:
    result = opsdeck("skip", "daily-operations/on-call-status", "-r", "x")
    assert result.code == 64
    assert "daily-operations is no read-do list" in result.err
