"""Somebody who has one of the three keys, or may write one of the deck's files, and wants more."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opsdeck.signoff.content import content_of
from opsdeck.signoff.verify_names import scripts, skeleton
from tests.signoff.keys import key_of, line, make_key, needs_ssh_keygen, signers
from tests.signoff.signed import (
    RULES,
    V1,
    Desk,
    Team,
    parts_of,
    verdict_of,
    walk,
)
from tests.signoff.tampered import said

pytestmark = needs_ssh_keygen
LAX = msgspec.structs.replace(RULES, approver_apart=False, verifier_apart=False)


@pytest.fixture
def desk(tmp_path: Path, team: Team) -> Desk:
    """A release that waits to be signed."""
    desk = Desk(tmp_path / "new", team)
    walk(desk, V1)
    return desk.at(10)


# One of the three keys


def test_rules_that_a_deployer_made_up_to_approve(desk: Desk) -> None:
    # GIVEN a deployer who writes a content with rules of their own, and signs in all roles
    desk.rules = LAX
    content = desk.content(V1)
    for role in ("deployer", "verifier", "approver"):
        desk.sign(V1, role, "carol", content)
    desk.write_record(V1, content)
    # WHEN it is verified by the rules of the deck
    verdict = verdict_of(desk.home, desk.team)
    # THEN one alone says that the rules were others
    assert parts_of(verdict) == {"roles"}
    assert "that the rules were others then is said by carol alone" in said(verdict)
    assert verdict.status == "bad"
    # AND by those rules it holds
    assert verdict_of(desk.home, desk.team, rules=LAX).status == "ok"


def test_rules_that_others_signed_too_were_those_of_then(desk: Desk) -> None:
    # GIVEN the same rules, and a verifier who is nobody else
    desk.rules = LAX
    content = desk.content(V1)
    for role, who in (("deployer", "carol"), ("verifier", "bob"), ("approver", "carol")):
        desk.sign(V1, role, who, content)  # type: ignore[arg-type]
    desk.write_record(V1, content)
    # THEN that is told, and no forgery
    verdict = verdict_of(desk.home, desk.team)
    assert not verdict.bad, said(verdict)
    assert verdict.status == "warning"
    assert "as it is now it would not hold: carol signed as deployer too" in said(verdict)


def test_an_approver_who_is_on_no_list_any_more(desk: Desk) -> None:
    content = desk.content(V1)
    desk.sign(V1, "approver", "carol", content)
    rules = msgspec.structs.replace(RULES, approvers=("dave",))
    verdict = verdict_of(desk.home, desk.team, rules=rules)
    assert "carol is not among the approvers of [signoff] (dave)" in said(verdict)
    assert verdict.status == "bad"


def test_one_key_under_two_names_in_any_two_roles(desk: Desk) -> None:
    # GIVEN two approvals, both by one person: the second under a name that a pattern allows
    team = desk.team
    keys = {**team.keys, "erin": team.keys["dave"]}
    text = team.signers.content.decode().replace("dave@acme", "dave@acme,erin@acme")
    known = signers(desk.home.parent / "allowed", *text.splitlines())
    desk.team = team._replace(keys=keys, signers=known)
    desk.rules = msgspec.structs.replace(RULES, approvals=2)
    content = desk.content(V1)
    for role, who in (
        ("deployer", "carol"), ("verifier", "bob"), ("approver", "dave"), ("approver", "erin"),
    ):  # fmt: skip
        desk.sign(V1, role, who, content)  # type: ignore[arg-type]
    verdict = verdict_of(desk.home, desk.team, rules=desk.rules)
    assert parts_of(verdict) == {"roles"}
    assert "with the key of the approver dave: one person, two names" in said(verdict)


def test_a_catalog_made_up_to_leave_out_a_list(desk: Desk) -> None:
    # GIVEN a deployer who leaves out a list, and names checklists that never were
    values = json.loads(desk.content(V1).text)
    values["lists"] = [one for one in values["lists"] if one["id"] != "after"]
    values["catalog"] = "0" * 64
    desk.sign(V1, "deployer", "carol", content_of(values))
    # THEN that it is not what the checklists say now is told
    verdict = verdict_of(desk.home, desk.team, present=desk.facts(V1))
    assert not verdict.current
    assert "list after is new" in said(verdict)
    assert not verdict.complete


# Names that look like others


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "аlice"),
        ("alice", "Alice"),
        ("alice", "ALICE"),
        ("alice", "aIice"),
        ("paco", "расо"),
        ("jörg", unicodedata.normalize("NFD", "jörg")),
        ("bob0", "bobo"),
        ("ﬁn", "fin"),
        ("a\u200blice", "alice"),
    ],
)
def test_names_that_are_taken_for_one_another(one: str, other: str) -> None:
    assert one != other
    assert skeleton(one) == skeleton(other)
    assert skeleton(one) != skeleton("carol")


def test_scripts_of_a_name() -> None:
    assert scripts("аlice") == ["CYRILLIC", "LATIN"]
    assert scripts("Ольга") == ["CYRILLIC"]
    assert scripts("jörg.müller-2@acme") == ["LATIN"]
    assert scripts("山田 tarō") == ["LATIN"]


@pytest.mark.parametrize("like", ["саrol", "caro1"])
def test_a_second_name_that_looks_like_the_deployers(desk: Desk, like: str) -> None:
    # GIVEN a deployer with a second key, in the list under a name that looks like their own
    team = desk.team
    more = make_key(desk.home.parent / "second")
    known = signers(
        desk.home.parent / "allowed",
        *team.signers.content.decode().splitlines(),
        line(f"{like}@acme", more),
    )
    desk.team = team._replace(keys={**team.keys, like: key_of(more, team.environ)}, signers=known)
    content = desk.sign(V1, "deployer", "carol")
    desk.sign(V1, "verifier", "bob", content)
    desk.sign(V1, "approver", like, content)
    desk.write_record(V1, content)
    # WHEN it is verified THEN nobody is fooled, and nobody accused who is another
    verdict = verdict_of(desk.home, desk.team)
    assert not verdict.bad, said(verdict)
    assert verdict.status == "warning"
    assert "looks like 'carol', who signed as deployer: see whether these are two" in said(verdict)
    assert "looks like 'carol@acme', who is in allowed_signers too" in said(verdict)


@pytest.mark.parametrize("like", ["Carol", "ｃarol", "ca rol"])
def test_another_spelling_of_the_deployers_name(desk: Desk, like: str) -> None:
    # GIVEN a deployer with a second key, in the list under another spelling of the name
    team = desk.team
    more = make_key(desk.home.parent / "second")
    lines = [*team.signers.content.decode().splitlines(), line(f'"{like}@acme"', more)]
    known = signers(desk.home.parent / "allowed", *lines)
    desk.team = team._replace(keys={**team.keys, like: key_of(more, team.environ)}, signers=known)
    content = desk.sign(V1, "deployer", "carol")
    desk.sign(V1, "verifier", "bob", content)
    desk.sign(V1, "approver", like, content)
    # THEN it is no second person
    verdict = verdict_of(desk.home, desk.team)
    assert "is another spelling of 'carol', who signed as deployer" in said(verdict)
    assert parts_of(verdict) == {"roles"}


def test_a_name_that_no_operator_can_have(desk: Desk) -> None:
    # GIVEN an event by "carol ", with a statement by carol
    content = desk.content(V1)
    told = desk.statement(V1, "approver", "carol", content)
    desk.say("carol ", *desk.drafts(V1, content, told))
    verdict = verdict_of(desk.home, desk.team)
    assert "'carol ' is no name as OpsDeck writes one" in said(verdict)
    assert "identity" in parts_of(verdict)


# allowed_signers and opsdeck.toml alone


def test_who_may_only_edit_allowed_signers_can_take_away_and_add(
    home: Path, team: Team, tmp_path: Path
) -> None:
    # GIVEN somebody who puts their key in another's line, or a second one beside it
    mallory = make_key(tmp_path / "mallory")
    text = team.signers.content.decode()
    (dave,) = [x for x in text.splitlines() if x.startswith("dave")]
    taken = signers(tmp_path / "a", *text.replace(dave, line("dave@acme", mallory)).splitlines())
    added = signers(tmp_path / "b", *text.splitlines(), line("dave@acme", mallory))
    # THEN what dave signed holds only while dave's key is there; nothing else can be known
    assert "this key is in no line of" in said(verdict_of(home, team, signers=taken))
    assert not verdict_of(home, team, signers=added).problems


def test_identities_changed_since(home: Path, team: Team) -> None:
    rules = msgspec.structs.replace(RULES, identities={"dave": "dave@corp"})
    verdict = verdict_of(home, team, rules=rules)
    assert "dave@acme is not dave, who signs as dave@corp" in said(verdict)
    assert "or [signoff.identities] was changed" in said(verdict)
    assert verdict.status == "bad"


# Releases whose names begin alike


def test_a_release_whose_name_begins_like_anothers(home: Path, team: Team) -> None:
    # GIVEN releases v1.4 and v1.4.2.toml beside v1.4.2, signed and with records
    desk = Desk(home, team).at(500)
    for number, name in enumerate(("v1.4", f"{V1}.toml", "V1.4.2")):
        walk(desk.at(500 + 60 * number), name)
        content: Any = desk.at(510 + 60 * number).sign(name, "deployer", "carol")
        desk.write_record(name, content)
    # THEN none is taken for another
    for name in (V1, "v1.4", f"{V1}.toml", "V1.4.2"):
        assert not verdict_of(home, team, name).problems, name
