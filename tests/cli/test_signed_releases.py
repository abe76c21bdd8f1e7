"""What is recorded in a release that somebody has signed is recorded, and never in silence."""

from __future__ import annotations

import pytest

from tests.cli.conftest import CommandLine, Result
from tests.cli.signed import Signed, deck, ready, ssh_keys
from tests.signoff.keys import needs_ssh_keygen

__all__ = ["deck", "ready", "ssh_keys"]

TOLD = "opsdeck: signatures over release v1 are of what it said before: sign it again\n"
CATALOG = """\
omit = ["*"]
[[checklist]]
id = "own"
title = "Own"
section = "S"
cadence = "release"
[[checklist.item]]
id = "there"
text = "The file is there"
probe = { kind = "file", target = "repo", path = "opsdeck.toml" }
expect = ["exists"]
[[checklist]]
id = "days"
title = "Days"
section = "S"
cadence = "daily"
[[checklist.item]]
id = "here"
text = "The file is here"
probe = { kind = "file", target = "repo", path = "opsdeck.toml" }
expect = ["exists"]
"""
CONFIG = """\
[deck]
operators = ["alice", "bob", "carol"]
[signoff]
signatures = "names"
[targets.repo]
kind = "repository"
path = "."
"""


@pytest.fixture
def sensed(opsdeck: CommandLine) -> CommandLine:
    """A release with one sensed item, that three people have signed off by name."""
    (opsdeck.folder / "opsdeck.toml").write_text(CONFIG)
    (opsdeck.folder / "checklists.toml").write_text(CATALOG)
    assert opsdeck("release", "start", "v1").code == 0
    checked = opsdeck("check", "own", "--record")
    assert (checked.code, checked.err) == (0, "")
    for who, role in (("alice", "deployer"), ("bob", "verifier"), ("carol", "approver")):
        by(opsdeck, who, "signoff", "sign", "--role", role)
    assert "signed off" in opsdeck("release", "show").lines[1]
    return opsdeck


def by(opsdeck: CommandLine, who: str, *arguments: str) -> Result:
    """Run a command as one of the team."""
    opsdeck.environ["OPSDECK_OPERATOR"] = who
    result = opsdeck(*arguments)
    opsdeck.environ["OPSDECK_OPERATOR"] = "alice"
    return result


@needs_ssh_keygen
def test_who_says_something_of_a_signed_item_is_told(ready: Signed) -> None:
    # GIVEN a release that nobody has signed
    assert ready("note", "own/a", "-m", "before").err == ""
    ready.all_sign()
    assert not any("OUT OF DATE" in line for line in ready("release", "show").lines)
    # WHEN something is said of two of its items afterwards THEN it is recorded, and told once
    after = ready("note", "own/a", "own/b", "-m", "after")
    assert (after.code, after.err, len(after.lines)) == (0, TOLD, 2)
    # AND the release says so
    assert (
        "  SIGNATURES OUT OF DATE: 2 things have changed since: `opsdeck signoff show v1`"
        in ready("release", "show").lines
    )
    # AND nothing is told of an item of another list
    assert ready("attest", "days/look").err == ""


@needs_ssh_keygen
def test_an_undo_names_what_says_whether_it_still_is_as_signed(ready: Signed) -> None:
    ready.all_sign()
    ready("note", "own/a", "-m", "a slip")
    undone = ready("undo", "own")
    assert undone.code == 0
    assert "release v1 was signed: `opsdeck signoff show v1` says" in undone.err


def test_a_check_of_everything_leaves_the_signed_release_as_it_was(sensed: CommandLine) -> None:
    # WHEN everything is checked and recorded, as a cron job would
    checked = sensed("check", "--record")
    # THEN both were looked at, and new evidence is kept of the daily list alone
    assert (checked.code, "2 passed" in checked.out) == (0, True)
    assert checked.err == (
        "opsdeck: 1 result not recorded: release v1 is signed off, and new evidence would make"
        " that out of date; `opsdeck check release/v1/LIST --record` records it\n"
    )
    assert sensed("list", "items", "days", "--state", "passed").code == 0
    assert not any("OUT OF DATE" in line for line in sensed("release", "show").lines)


def test_who_names_the_signed_list_has_it_recorded_and_is_told(sensed: CommandLine) -> None:
    checked = sensed("check", "release/v1/own", "--record")
    assert (checked.code, checked.err) == (0, TOLD)
    assert any("OUT OF DATE: 1 thing has" in line for line in sensed("release", "show").lines)


def test_nothing_is_said_of_a_release_that_nobody_signed(sensed: CommandLine) -> None:
    sensed("release", "start", "v2")
    checked = sensed("check", "--record")
    assert (checked.code, checked.err) == (0, "")
    assert sensed.json("release", "show")["done"] == 1


@pytest.mark.parametrize(
    "command",
    [
        ("attest", "X"),
        ("reopen", "X"),
        ("note", "X", "-m", "t"),
        ("waive", "X", "-r", "r", "--approver", "bob", "--until", "7d"),
        ("override", "X", "-r", "r"),
        ("defer", "X", "-r", "r"),
        ("unuse", "X", "-r", "r"),
        ("undo", "release/v1/own"),
        ("check", "release/v1/own", "--record"),
    ],
)
def test_an_abandoned_release_refuses_all_and_names_the_way(
    opsdeck: CommandLine, command: tuple[str, ...]
) -> None:
    # GIVEN a release that was given up, for a reason of two lines
    (opsdeck.folder / "opsdeck.toml").write_text(CONFIG)
    (opsdeck.folder / "checklists.toml").write_text(CATALOG)
    opsdeck("release", "start", "v1")
    opsdeck("release", "abandon", "--reason", "one\ntwo")
    # WHEN something is done in it THEN one line says why not, and what opens it again
    words = [word.replace("X", "release/v1/own/there") for word in command]
    result = opsdeck(*words)
    assert (result.code, result.out) == (64, "")
    assert result.err == (
        "opsdeck: release v1 was abandoned; `opsdeck release use v1` opens it again"
        " (abandoned because: one two)\n"
    )
