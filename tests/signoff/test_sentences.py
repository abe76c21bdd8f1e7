"""Who is here, who is missing, what to do next: as somebody reads it who was woken up for it."""

from __future__ import annotations

from functools import partial

import pytest

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.signoff.gate import Gate, Stand, refusal, set_aside_by
from opsdeck.signoff.model import Release, Role, Signed
from opsdeck.signoff.sentences import candidates, lacking, next_step, one_of, waits_for, who
from tests.signoff.gated import DEFAULT, gate, people, stand, stands

TEAM = ("ann", "bob", "cid", "dee")
TWO = SignoffRules(approvals=2)
NAMES = SignoffRules(signatures="names")
ALL = "deployer ann|verifier bob|approver cid"
HERE = "Here: ann (deployer), bob (verifier), cid (approver)."
OPEN = Release(name="v1")
ONCE = Release(
    name="v1",
    signatures=[
        Signed(event="w:1", key=("", "w", 1), at=None, wall="", by="ann", role="deployer",
               content="x", statement="s")
    ],
)  # fmt: skip


def signed(words: str, items: list[Stand] | None = None, rules: SignoffRules = DEFAULT) -> Gate:
    return gate(items, people(*filter(None, words.split("|"))), rules)


def next_of(
    operator: str,
    words: str = "",
    *items: Stand,
    rules: SignoffRules = DEFAULT,
    release: Release = OPEN,
    team: tuple[str, ...] = TEAM,
    journal: str = "",
) -> str:
    """What the operator is told."""
    items = items or (stand("passed"),)
    at = gate(list(items), people(*filter(None, words.split("|"))), rules, journal=journal)
    refused = partial(refusal, rules, at, set_aside_by(items))
    return next_step(release, at, rules, operator, team, refused)


# Who is here


@pytest.mark.parametrize(
    ("words", "rules", "release", "says"),
    [
        ("", DEFAULT, OPEN, "Nobody has signed. Missing: deployer, verifier, approver."),
        ("deployer ann", DEFAULT, OPEN, "Here: ann (deployer). Missing: verifier, approver."),
        (
            "deployer ann|verifier bob",
            TWO,
            OPEN,
            "Here: ann (deployer), bob (verifier). Missing: 2 approvers.",
        ),
        ("approver bob", TWO, OPEN, "Here: bob (approver). Missing: deployer, verifier, approver."),
        (
            ALL,
            DEFAULT,
            OPEN,
            f"{HERE} Everybody has signed.",
        ),
        (
            "",
            DEFAULT,
            ONCE,
            "Nobody has signed it as it is now. Missing: deployer, verifier, approver.",
        ),
        ("", NAMES, OPEN, "Nobody has put down a name. Missing: deployer, verifier, approver."),
        (
            ALL,
            NAMES,
            OPEN,
            f"{HERE} All names are there, none is signed.",
        ),
    ],
)
def test_who_is_here(words: str, rules: SignoffRules, release: Release, says: str) -> None:
    assert who(release, signed(words, rules=rules), rules) == says


def test_roles_are_missing_until_there_are_enough() -> None:
    assert lacking(DEFAULT, signed("")) == ["deployer", "verifier", "approver"]
    assert lacking(TWO, signed(ALL, rules=TWO)) == ["approver"]
    assert lacking(TWO, signed(f"{ALL}|approver dee", rules=TWO)) == []


# What to do next

BOTH = "ann deployed, and signed as approver"


@pytest.mark.parametrize(
    ("operator", "words", "says"),
    [
        ("ann", "", "Next: press S to sign as deployer, verifier or approver."),
        ("bob", "deployer ann", "Next: press S to sign as verifier or approver."),
        ("cid", "deployer ann|verifier bob", "Next: press S to sign as approver."),
        (
            "ann",
            "deployer ann",
            "Next: bob, cid or dee (not ann) signs as verifier: 5, then S.",
        ),
        (
            "ann",
            "deployer ann|verifier bob",
            "Next: bob, cid or dee (not ann) signs as approver: 5, then S.",
        ),
        ("bob", "deployer ann|verifier bob", "Next: press S to sign as approver."),
        (
            "dee",
            ALL,
            "Complete: e makes a bundle for whoever must verify it.",
        ),
        (
            "dee",
            "deployer ann|verifier ann",
            "Next: ann signed as both: write so in the notes (n), then everybody signs anew.",
        ),
        (
            "dee",
            "deployer ann|verifier bob|approver ann",
            f"Next: {BOTH}: write so in the notes (n), then everybody signs anew.",
        ),
    ],
)
def test_at_an_open_gate_somebody_signs(operator: str, words: str, says: str) -> None:
    assert next_of(operator, words) == says


@pytest.mark.parametrize(
    ("states", "says"),
    [
        ("open", "1 item is not done: tab to the gate, enter leads there."),
        ("open failed", "2 items are not done: tab to the gate, enter leads there."),
        ("deferred", "1 item is deferred and without a date to come: tab to the gate"),
        ("stale stale", "check 2 items again: tab to the gate, enter leads there, c checks it."),
        ("open stale deferred", "1 item is not done: tab to the gate, enter leads there."),
    ],
)
@pytest.mark.parametrize("operator", ["ann", "zoe"])
def test_at_a_closed_gate_the_way_to_open_it_comes_first(
    operator: str, states: str, says: str
) -> None:
    said = next_of(operator, "deployer ann", *stands("passed", *states.split()))
    assert said.startswith(f"Next: {says}")
    assert said.endswith(".")


def test_where_nothing_may_be_deferred_it_says_so() -> None:
    rules = SignoffRules(deferred="never")
    said = next_of("ann", "", *stands("passed", "deferred:2026-12-01"), rules=rules)
    assert said.startswith("Next: 1 item is deferred, which [signoff] does not allow: tab to")


def test_a_release_without_items_and_a_broken_journal_are_said_in_words() -> None:
    empty = gate([], people())
    said = next_step(OPEN, empty, DEFAULT, "ann", TEAM, partial(refusal, DEFAULT, empty, []))
    assert said == "Next: no release list has an item, so there is nothing to sign."
    said = next_of("ann", journal="w.jsonl line 3 was altered: see `opsdeck journal verify`")
    assert said.startswith("Next: the journal is not whole, w.jsonl line 3 was altered: see")


def test_where_names_are_recorded_nobody_is_told_to_sign() -> None:
    said = next_of("ann", rules=NAMES)
    assert said == "Next: press S to put down a name as deployer, verifier or approver."
    said = next_of("ann", ALL, rules=NAMES)
    assert said == "Complete: e makes a bundle for whoever must verify it."


def test_an_abandoned_release_says_who_gave_it_up() -> None:
    gone = Release(name="v1", state="abandoned", ended_by="bob", why="v2 replaces it")
    assert next_of("ann", release=gone) == "Abandoned by bob: v2 replaces it"


def test_where_the_file_names_nobody_who_may_it_says_what_to_do() -> None:
    rules = SignoffRules(approvers=("ann",))
    said = next_of("dee", "deployer ann|verifier bob", rules=rules)
    assert said == (
        "Next: nobody that opsdeck.toml names may be approver now:"
        " name somebody in approvers of [signoff], or in operators of [deck]."
    )
    # AND a team of two cannot fill two apart roles and an approver who waived
    said = next_of("ann", "deployer ann|verifier bob", stand("waived", "bob"), team=("ann", "bob"))
    assert "nobody that opsdeck.toml names may be approver now" in said


@pytest.mark.parametrize("state", ["passed", "waived", "open", "stale", "deferred"])
@pytest.mark.parametrize("rules", [DEFAULT, TWO, NAMES, SignoffRules(approvers=("dee",))])
def test_it_is_one_whole_sentence_in_every_situation(rules: SignoffRules, state: str) -> None:
    said = {
        next_of(operator, words, stand(state), rules=rules, team=team)
        for operator in (*TEAM, "zoe")
        for words in ("", "deployer ann", "deployer ann|verifier bob", ALL)
        for team in (TEAM, ())
    }
    for sentence in said:
        assert sentence.startswith(("Next: ", "Complete: "))
        assert sentence.endswith(".")
        assert sentence.count(".") == 1 + sentence.count("opsdeck.toml")
        assert "; " not in sentence
        assert "  " not in sentence


# Whom it waits for


def waiting(role: Role, words: str, team: tuple[str, ...] = TEAM, **rules: tuple[str, ...]) -> str:
    given = SignoffRules(**rules)  # type: ignore[arg-type]
    at = signed(words, rules=given)
    return waits_for(given, team, role, at, partial(refusal, given, at, ["dee"]))


def test_it_says_whom_it_waits_for_and_who_cannot() -> None:
    assert waiting("verifier", "deployer ann") == "bob, cid or dee (not ann)"
    assert waiting("approver", "deployer ann") == "bob or cid (not ann)"
    assert waiting("approver", "deployer ann", ()) == "anybody (not ann)"
    assert waiting("approver", "", ()) == "anybody"
    assert waiting("approver", "deployer ann", approvers=("ann", "zoe")) == "zoe (not ann)"
    assert waiting("approver", "", approvers=("dee",)) == "nobody that opsdeck.toml names may"


def test_candidates_are_those_of_the_role_else_all_operators() -> None:
    at = signed("deployer ann")
    refused = partial(refusal, DEFAULT, at, [])
    assert candidates(DEFAULT, TEAM, "approver", refused) == ["bob", "cid", "dee"]
    assert candidates(DEFAULT, (), "approver", refused) == []
    only = SignoffRules(approvers=("zoe", "ann"))
    assert candidates(only, TEAM, "approver", partial(refusal, only, at, [])) == ["zoe"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["a"], "a"),
        (["a", "b"], "a or b"),
        (["a", "b", "c", "d"], "a, b, c or d"),
        (["a", "b", "c", "d", "e"], "a, b, c or 2 others"),
    ],
)
def test_many_names_are_cut_short(names: list[str], says: str) -> None:
    assert one_of(names) == says
