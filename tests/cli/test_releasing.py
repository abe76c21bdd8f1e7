"""`opsdeck release`: start, list, show, use, change, abandon."""

from __future__ import annotations

import re

import pytest

from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
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
    assert set(found[0]) == {
        *("name", "at", "by", "current", "done", "items", "state", "standing"),
        *("ended_at", "ended_by", "why", "date", "window", "stakeholders", "notes"),
    }
    assert [r["standing"] for r in found] == ["open", "open"]
    assert {found[1][key] for key in ("ended_at", "ended_by", "why", "notes")} == {None}
    lines = opsdeck("release", "list").lines
    assert [line.split()[0] for line in lines] == ["v2", "v1"]
    assert [line.rpartition("  ")[2] for line in lines] == ["open, current", "open"]


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
    assert lines[1] == "  open"
    assert len(lines) == 11


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


def test_a_release_without_lists_says_what_is_missing(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "opsdeck.toml").write_text("")
    (opsdeck.folder / "checklists.toml").write_text(
        'omit = ["*"]\n[[checklist]]\nid="x"\ntitle="X"\nsection="s"\ncadence="daily"\n'
        '[[checklist.item]]\nid="a"\ntext="A"\n'
    )
    result = opsdeck("release", "start", "v1")
    assert (result.code, ": 0 lists, 0 items" in result.out) == (0, True)
    assert 'cadence = "release" in checklists.toml makes one' in result.err


@pytest.mark.parametrize("reason", ["", " \n ", "\u200b", "\u202e\u2060", "\xa0"])
def test_a_reason_that_nobody_can_read_is_none(released: CommandLine, reason: str) -> None:
    result = released("release", "abandon", "--reason", reason)
    assert (result.code, "a reason is needed" in result.err) == (64, True)
    assert released.json("release", "show")["standing"] == "open"


# Several open


def test_a_start_names_the_others_that_are_open(opsdeck: CommandLine) -> None:
    for name in ("v1", "v2"):
        opsdeck("release", "start", name)
    assert opsdeck("release", "start", "v3").lines[1:] == ["open too: v2, v1"]


def test_use_makes_another_one_current(opsdeck: CommandLine) -> None:
    opsdeck("release", "start", "v1")
    opsdeck("release", "start", "v2")
    used = opsdeck("release", "use", "v1")
    assert re.fullmatch(r"release v1 is the current one \(alice, \d\d:\d\d UTC\)\n", used.out)
    assert opsdeck.json("release", "show")["name"] == "v1"
    assert opsdeck("attest", "infrastructure/load-balancer").out.startswith("attested release/v1/")
    again = opsdeck("release", "use", "v1")
    assert (again.code, "v1 is the current one already" in again.err) == (64, True)
    found = opsdeck.json("release", "use", "v2")
    assert (found["name"], found["current"], "runs" in found) == ("v2", True, False)


def test_an_abandoned_release_is_read_only_until_it_is_used_again(released: CommandLine) -> None:
    released("attest", "infrastructure/load-balancer")
    released("release", "start", "v2")
    # WHEN the first one is given up
    result = released("release", "abandon", "v1", "--reason", "v2 \x1b[31mreplaces it")
    assert result.out.startswith("abandoned release v1; v2 is the current one (alice, ")
    # THEN it says so, with the reason
    assert re.search(
        r"  abandoned .* UTC: v2 ␛\[31mreplaces it$", released("release", "list").lines[1]
    )
    found = released.json("release", "show", "v1")
    assert (found["standing"], found["ended_by"], found["current"]) == ("abandoned", "alice", False)
    assert found["why"] == "v2 \x1b[31mreplaces it"
    assert found["ended_at"].endswith("Z")
    # AND nothing is recorded in it any more, by whichever command
    address = "release/v1/infrastructure/load-balancer"
    for command in (
        ("attest", address),
        ("reopen", address),
        ("note", address, "--text", "x"),
        ("undo", "release/v1/infrastructure"),
        ("check", "release/v1/infrastructure", "--record"),
        ("release", "change", "v1", "--notes", "x"),
        ("release", "abandon", "v1", "--reason", "x"),
    ):
        refused = released(*command)
        assert (refused.code, refused.out) == (64, ""), command
        assert "release v1 was abandoned; `opsdeck release use v1` opens it again" in refused.err
    # WHEN it is used THEN it is open again
    again = released("release", "use", "v1")
    assert again.out.startswith("release v1 is open again, and the current one (alice, ")
    assert released("undo", "infrastructure").code == 0


def test_without_an_open_release_one_must_be_named(released: CommandLine) -> None:
    assert released("release", "abandon").code == 64, "a reason is needed"
    blank = released("release", "abandon", "--reason", " ")
    assert (blank.code, "a reason is needed" in blank.err) == (64, True)
    gone = released.json("release", "abandon", "--reason", "r")
    assert (gone["name"], gone["standing"]) == ("v1", "abandoned")
    result = released("release", "show")
    assert result.code == 64
    assert "no release is open: name one (`opsdeck release list`), start one, or open" in result.err
    assert "none is open" in released("attest", "infrastructure/load-balancer").err
    assert released("release", "show", "v1").code == 0


# The form


def test_change_fills_the_form_and_show_shows_it(opsdeck: CommandLine) -> None:
    opsdeck("release", "start", "v1", "--window", "Tue 22:00", "--stakeholders", "sales")
    notes = b"first\r\n\r\n  - second \x1b[31m\n"
    result = opsdeck("release", "change", "--date", "2026-11-24", "--notes", "-", stdin=notes)
    assert result.out.startswith("changed release v1: Deployment Date, Notes (alice, ")
    assert result.err == ""
    assert opsdeck("release", "show", "v1").lines[1:8] == [
        "  open, current",
        "  Deployment Date    2026-11-24",
        "  Deployment Window  Tue 22:00",
        "  Stakeholders       sales",
        "  Notes              first",
        "",
        "                       - second ␛[31m",
    ]
    found = opsdeck.json("release", "change", "v1", "--window", "", "--stakeholders", "all")
    assert (found["window"], found["stakeholders"], found["date"]) == (None, "all", "2026-11-24")
    assert found["notes"] == "first\n\n  - second \x1b[31m"


def test_a_change_must_say_something_new(released: CommandLine) -> None:
    nothing = released("release", "change")
    assert nothing.code == 64
    assert "say what is to be changed: --date, --window, --stakeholders, --notes" in nothing.err
    released("release", "change", "--date", "today")
    same = released("release", "change", "--date", "today")
    assert (same.code, "nothing to change" in same.err) == (64, True)
    long = released("release", "change", "--notes", "-", stdin=b"x" * 5_000)
    assert (long.code, "5,000 characters; at most 4,000 fit" in long.err) == (64, True)
    unknown = released("release", "change", "v2", "--date", "x")
    assert "'v2' was never started; did you mean 'v1'?" in unknown.err


# Signatures


def sign(opsdeck: CommandLine, by: str, role: str, content: str = "d1", **more: str) -> None:
    """What signing leaves in the journal."""
    from opsdeck.deck import open_deck

    environ = {**opsdeck.environ, "OPSDECK_OPERATOR": by}
    deck = open_deck(environ=environ, cwd=opsdeck.folder)
    deck.load()
    data = {"release": "v1", "role": role, "content": content, "statement": "s", **more}
    deck.record(
        Draft(ev.SIGNOFF_CONTENT, {"release": "v1", "sha256": content, "content": "{}"}),
        Draft(ev.SIGNOFF_SIGNED, data),
    )


def test_who_signed_is_shown_by_role(released: CommandLine) -> None:
    sign(released, "alice", "deployer", signature="-----BEGIN", reason="the site is down")
    sign(released, "bob", "verifier")
    lines = released("release", "show").lines
    assert lines[1] == "  open, current"
    assert re.fullmatch(
        r"  Deployed By        alice, \S+ \S+ UTC, against a closed gate: the site is down",
        lines[2],
    )
    assert re.fullmatch(r"  Verified By        bob, \S+ \S+ UTC, name only: not signed", lines[3])
    assert lines[4] == "  Approved By        nobody yet"

    sign(released, "carol", "approver", signature="-----BEGIN")
    assert re.fullmatch(r"  signed off \S+ \S+ UTC, current", released("release", "show").lines[1])
    found = released.json("release", "show")
    assert (found["standing"], found["ended_by"], found["why"]) == ("signed", "carol", None)
    assert re.search(r"  signed off \S+ \S+ UTC, current$", released("release", "list").lines[0])
    refused = released("release", "abandon", "--reason", "r")
    assert "what was signed cannot be abandoned" in refused.err
    # AND it may still be changed, which is said
    changed = released("release", "change", "--notes", "late")
    assert changed.code == 0
    assert "signatures over release v1 are of what it said before: sign it again" in changed.err
    sign(released, "alice", "deployer", "d2", signature="-----BEGIN")
    lines = released("release", "show").lines
    assert "  signed off before on another content: `opsdeck signoff show v1`" in lines
    assert "  Verified By        nobody yet" in lines


def test_the_journal_says_what_was_done_with_releases(released: CommandLine) -> None:
    released("release", "change", "--window", "22:00", "--notes", "n")
    released("release", "abandon", "--reason", "no")
    released("release", "use", "v1")
    sign(released, "bob", "verifier", signature="s")
    said = [line.partition("Z ")[2] for line in released("journal", "tail").lines[-5:]]
    assert said == [
        "alice changed deployment window, notes of release v1",
        'alice abandoned release v1 "no"',
        "alice went on with release v1",
        "bob drew up what is signed of release v1",
        "bob signed as verifier for release v1",
    ]
