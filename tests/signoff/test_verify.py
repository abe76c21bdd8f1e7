"""Verifying finds nothing where nothing is wrong, and says how a sign-off stands."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opsdeck.catalog.model import Catalog
from opsdeck.errors import UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.signoff import ssh
from opsdeck.signoff.content import content_of
from opsdeck.signoff.verify import Trust, Verdict, verify_all, verify_release
from tests.signoff.keys import needs_ssh_keygen, signers
from tests.signoff.signed import (
    CATALOG,
    NOW,
    RULES,
    TWO,
    V1,
    V2,
    Desk,
    Kept,
    Team,
    parts_of,
    verdict_of,
    walk,
)

pytestmark = needs_ssh_keygen


def said(verdict: Verdict) -> str:
    return "\n".join(map(str, verdict.problems))


# Nothing wrong


@pytest.mark.parametrize("name", [V1, V2])
def test_of_a_signed_release_nothing_is_said(home: Path, team: Team, name: str) -> None:
    # GIVEN a deck with two releases that three people signed on two machines
    # WHEN each is verified
    verdict = verdict_of(home, team, name, catalog=CATALOG)
    # THEN there is nothing to say but who signed
    assert not verdict.problems, said(verdict)
    assert verdict.complete
    assert verdict.current
    assert [one.ok for one in verdict.signatures] == [True, True, True]
    people = "carol (deployer), bob (verifier), dave (approver)"
    assert verdict.words == f"{name}: signed by {people}, and every signature holds"


def test_all_releases_are_verified_the_last_one_first(home: Path, team: Team) -> None:
    found = verify_all(home, Trust(RULES, team.signers), now=NOW)
    assert [one.release for one in found] == [V2, V1]
    assert all(not one.problems for one in found)


def test_verifying_changes_nothing(home: Path, team: Team) -> None:
    before = {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}
    verdict_of(home, team)
    assert before == {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}


def test_a_release_that_was_never_started(home: Path, team: Team) -> None:
    with pytest.raises(UsageError, match="never started"):
        verdict_of(home, team, "v9")


def test_what_happens_later_takes_nothing_from_it(home: Path, team: Team) -> None:
    # GIVEN that more was said of other things, and another release is walked
    desk = Desk(home, team).at(1_500)
    desk.mark("alice", "daily/2026-11-24/logs")
    walk(desk, "v2.0.0")
    # THEN the sign-off still holds
    assert not verdict_of(home, team).problems


# Not complete, not current


def test_a_release_that_nobody_signed(tmp_path: Path, team: Team) -> None:
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    verdict = verdict_of(tmp_path / "deck", team)
    assert not verdict.problems
    assert not verdict.complete
    assert verdict.words == f"{V1}: nobody has signed it"


def test_a_release_that_waits_for_its_approver(tmp_path: Path, team: Team) -> None:
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    desk.write_record(V1, desk.at(5).sign(V1, "deployer", "carol"))
    verdict = verdict_of(tmp_path / "deck", team)
    assert not verdict.problems, said(verdict)
    assert not verdict.complete
    assert "somebody has still to sign" in verdict.words


def test_what_was_changed_since_is_told(home: Path, team: Team, kept: Kept) -> None:
    # GIVEN that an item is taken back after the release was signed
    desk = Desk(home, team).at(300)
    desk.mark("carol", f"release/{V1}/before/backup", ev.REOPENED, note="not restorable")
    # WHEN it is verified with what a content is made of now
    verdict = verdict_of(home, team, present=desk.facts(V1))
    # THEN the signatures hold, and are out of date
    assert verdict.ok
    assert not verdict.current
    assert "1 thing changed since: before/backup: was attested, is open" in said(verdict)
    assert verdict.words.endswith("; out of date: it was changed since")


def test_the_same_content_at_a_later_moment_is_current(home: Path, team: Team, kept: Kept) -> None:
    # GIVEN that a day and a half went by: evidence is too old, another day's list has begun
    desk = Desk(home, team).at(2_000)
    desk.mark("bob", "daily/2026-11-25/logs")
    desk.mark("bob", "standing/infra/tls", ev.CHECKED, verdict="failed", text="expired")
    # THEN nothing of what was signed is different
    verdict = verdict_of(home, team, V1, present=desk.facts(V1))
    assert verdict.current, said(verdict)
    assert not verdict.problems, said(verdict)


def test_exactly_what_was_signed_and_differs_is_told(home: Path, team: Team) -> None:
    # GIVEN that besides all that one item is taken back, and the deployer signs what is now
    desk = Desk(home, team).at(2_000)
    desk.mark("bob", "standing/infra/tls", ev.CHECKED, verdict="failed", text="expired")
    desk.mark("carol", f"release/{V1}/before/backup", ev.REOPENED, note="not restorable")
    for signed in (False, True):
        if signed:
            closed: dict[str, Any] = {"rules": ((False, "items"),), "reason": "a test"}
            desk.at(2_010).sign(V1, "deployer", "carol", **closed)
        # WHEN what all have signed is held against it
        verdict = verdict_of(home, team, present=desk.facts(V1))
        # THEN there is that one change, whatever else went on
        (told,) = [p.message for p in verdict.warnings if p.part == "content"]
        assert told.startswith("out of date: 1 thing changed since: before/backup: was attested")
        assert not verdict.current


def test_an_abandoned_release_says_so(home: Path, team: Team) -> None:
    # GIVEN somebody who puts it into the journal that the release was abandoned before its end
    shutil.rmtree(home / "signoffs")
    desk = Desk(home, team, "mallory@three").at(40)
    desk.state.max_clock = ""
    desk.say("mallory", Draft(ev.RELEASE_ABANDONED, {"release": V1, "reason": "no"}))
    verdict = verdict_of(home, team)
    assert f"release {V1}: it was abandoned by mallory: no" in said(verdict)
    assert verdict.status == "warning"


def test_a_new_content_is_verified_beside_the_old_one(home: Path, team: Team) -> None:
    # GIVEN that a release is changed and signed again, by the deployer so far
    desk = Desk(home, team).at(300)
    desk.say("carol", Draft(ev.RELEASE_CHANGED, {"release": V1, "notes": "More"}))
    content = desk.sign(V1, "deployer", "carol")
    # WHEN it is verified before and after its record is written
    before = verdict_of(home, team)
    desk.write_record(V1, content)
    after = verdict_of(home, team)
    # THEN what all have signed counts, and the older record is only named as such
    assert before.ok
    assert before.complete
    assert "it is older than the journal, which has 1 signature more" in said(before)
    assert not after.problems, said(after)
    assert len(after.signatures) == 4


# Warnings


def test_a_record_that_is_gone_is_missed(home: Path, team: Team) -> None:
    shutil.rmtree(home / "signoffs")
    verdict = verdict_of(home, team)
    assert verdict.ok
    assert [one.part for one in verdict.warnings] == ["record"]
    assert "can be written anew" in said(verdict)


def test_other_rules_are_told(home: Path, team: Team) -> None:
    rules = msgspec.structs.replace(RULES, approvals=2, deferred="never")
    verdict = verdict_of(home, team, rules=rules)
    assert verdict.ok
    assert "[signoff] has changed since it was signed: approvals, deferred" in said(verdict)


def test_faults_in_a_file_that_it_does_not_rest_on_are_told(home: Path, team: Team) -> None:
    desk = Desk(home, team, "erin@three").at(600)
    desk.mark("erin", "daily/2026-11-23/logs")
    file = home / "journal" / "erin@three.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"erin"', b'"evil"'))
    verdict = verdict_of(home, team)
    assert verdict.ok
    assert [one.where for one in verdict.warnings] == ["erin@three.jsonl:2"]


def test_what_came_late_from_another_machine_is_told(home: Path, team: Team) -> None:
    # GIVEN a machine that was cut off: by its clock it found an item failed before the signing
    away = home.parent / "away"
    shutil.copytree(home, away)
    shutil.rmtree(away / "journal")
    desk = Desk(away, team, "erin@three").at(5)
    address = f"release/{V1}/before/backup"
    desk.mark("erin", address, ev.CHECKED, verdict="failed", text="no snapshot")
    # WHEN its file comes to the deck afterwards
    shutil.copy(away / "journal" / "erin@three.jsonl", home / "journal")
    verdict = verdict_of(home, team)
    # THEN that is no forgery, but it must be known
    assert verdict.ok, said(verdict)
    assert "of erin@three came to this journal only after it was signed" in said(verdict)
    assert "with them it would be failed by erin" in said(verdict)


def test_what_is_said_while_somebody_signs_is_no_forgery(tmp_path: Path, team: Team) -> None:
    # GIVEN a content that is drawn up, and an item that another ticks before it is written down
    home = tmp_path / "deck"
    one = Desk(home, team)
    walk(one, V1)
    content = one.at(10).content(V1)
    two = Desk(home, team, TWO).at(11)
    two.mark("bob", f"release/{V1}/after/announce")
    two.say("bob", Draft(ev.RELEASE_CHANGED, {"release": V1, "notes": "Other"}))
    one.load()
    content = one.at(12).sign(V1, "deployer", "carol", content)
    one.write_record(V1, content)
    # WHEN it is verified
    verdict = verdict_of(home, team)
    # THEN it is as it was when it was drawn up
    assert verdict.ok, said(verdict)
    assert [p.where for p in verdict.warnings] == [f"release/{V1}/after/announce"]


def test_a_machine_whose_clock_ran_ahead_makes_no_one_a_forger(tmp_path: Path, team: Team) -> None:
    # GIVEN a machine an hour ahead, whose event the signer had seen
    home = tmp_path / "deck"
    one = Desk(home, team)
    walk(one, V1)
    ahead = Desk(home, team, "erin@three").at(70)
    ahead.mark("erin", "daily/2026-11-23/other")
    one.load()
    content = one.at(10).sign(V1, "deployer", "carol")
    one.write_record(V1, content)
    # WHEN it is verified
    verdict = verdict_of(home, team)
    # THEN both clocks are told of
    assert verdict.ok, said(verdict)
    assert {p.part for p in verdict.warnings} == {"time"}
    assert "an event of erin@three was already there that says" in said(verdict)


# Keys and names


def test_names_only_is_never_called_signed(tmp_path: Path, team: Team) -> None:
    # GIVEN a deck that records names only
    rules = msgspec.structs.replace(RULES, signatures="names")
    home = tmp_path / "deck"
    desk = Desk(home, team, rules=rules)
    walk(desk, V1)
    content = desk.at(10).sign(V1, "deployer", "carol")
    desk.sign(V1, "verifier", "bob", content)
    desk.sign(V1, "approver", "dave", content)
    desk.write_record(V1, content)
    # WHEN it is verified, with or without a list of allowed signers
    for known in (None, team.signers):
        verdict = verdict_of(home, team, rules=rules, signers=known)
        # THEN the names fit together, and it says that they prove nothing
        assert not verdict.problems, said(verdict)
        assert verdict.names_only
        assert verdict.words.startswith(f"{V1}: NOT SIGNED, names only: carol (deployer)")
        assert {one.why for one in verdict.signatures} == {"NOT SIGNED: a name only"}


def test_without_allowed_signers_nothing_holds(home: Path, team: Team) -> None:
    trust = Trust(RULES, None, "there is no file of allowed signers: /etc/x")
    verdict = verify_release(home, V1, trust, now=NOW)
    # THEN nothing is known to be wrong, and nothing is proved
    assert not verdict.bad, said(verdict)
    assert {one.part for one in verdict.unknown} == {"signature"}
    assert len(verdict.unknown) == 3
    assert not verdict.complete
    assert (verdict.ok, verdict.status) == (False, "unknown")
    assert [(c.ok, c.unknown) for c in verdict.signatures] == [(False, True)] * 3
    why = "there is no file of allowed signers: /etc/x"
    assert verdict.words == f"{V1}: COULD NOT BE VERIFIED: {why}"


@pytest.mark.parametrize("program", ["", "exec sleep 600", "kill -9 $$", "exit 1"])
def test_without_an_ssh_keygen_that_works_it_is_unknown(
    home: Path, team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    # GIVEN an ssh-keygen that is not there, hangs, dies, or is too old to verify
    folder = tmp_path / "bin"
    folder.mkdir()
    if program:
        (folder / "ssh-keygen").write_text(f"#!/bin/sh\n{program}\n")
        (folder / "ssh-keygen").chmod(0o755)
    defaults = ssh.verify.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "timeout_s", 0.5)
    environ = {"PATH": f"{folder}:/bin:/usr/bin" if program else str(folder)}
    # WHEN it is verified THEN that is not called a forgery, nor a sign-off that holds
    trust = Trust(RULES, team.signers, environ=environ)
    verdict = verify_release(home, V1, trust, now=NOW)
    assert not verdict.bad, said(verdict)
    assert verdict.status == "unknown"
    assert "COULD NOT BE VERIFIED: " in verdict.words
    # AND what is wrong for certain is bad all the same
    file = home / "journal" / f"{TWO}.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"role":"verifier"', b'"role":"approver"'))
    verdict = verify_release(home, V1, trust, now=NOW)
    assert verdict.status == "bad"
    assert "DOES NOT HOLD" in verdict.words


def test_a_key_that_was_taken_out_of_the_list(home: Path, team: Team, tmp_path: Path) -> None:
    lines = [x for x in team.signers.content.decode().splitlines() if not x.startswith("dave")]
    verdict = verdict_of(home, team, signers=signers(tmp_path / "allowed", *lines))
    assert parts_of(verdict) == {"identity", "roles"}
    assert "not enough signatures hold: approver (0 of 1)" in said(verdict)
    assert [one.ok for one in verdict.signatures] == [True, True, False]


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ('valid-before="20261123150000Z"', set()),
        ('valid-before="20261123145000Z"', {"identity", "roles"}),
        ('valid-after="20261123150000Z"', {"identity", "roles"}),
    ],
)
def test_keys_count_at_the_time_of_the_statement(
    home: Path, team: Team, tmp_path: Path, options: str, parts: set[str]
) -> None:
    # GIVEN the approver's key, valid before or after a moment; it was signed at 14:55
    text = team.signers.content.decode()
    (line,) = [x for x in text.splitlines() if x.startswith("dave")]
    dated = line.replace("namespaces=", f"{options},namespaces=")
    known = signers(tmp_path / "allowed", *text.replace(line, dated).splitlines())
    # THEN it is that moment that counts, not now
    assert parts_of(verdict_of(home, team, signers=known)) == parts


def test_a_revoked_key(home: Path, team: Team, tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text(team.keys["bob"].public + "\n")
    lines = team.signers.content.decode().splitlines()
    known = signers(tmp_path / "allowed", *lines, revoked=revoked)
    verdict = verdict_of(home, team, signers=known)
    assert parts_of(verdict) == {"identity", "roles"}
    assert "was revoked" in said(verdict)


# Roles and gate


def test_break_glass_is_told_and_holds(tmp_path: Path, team: Team) -> None:
    # GIVEN a release with an item that failed, signed against the closed gate
    home = tmp_path / "deck"
    desk = Desk(home, team)
    walk(desk, V1)
    desk.mark("alice", f"release/{V1}/before/backup", ev.CHECKED, verdict="failed")
    closed: dict[str, Any] = {
        "rules": ((False, "every item of the release done: 5 of 6"),),
        "reason": "site down",
    }
    content = desk.at(10).sign(V1, "deployer", "carol", **closed)
    desk.sign(V1, "verifier", "bob", content, **closed)
    desk.sign(V1, "approver", "dave", content, **closed)
    desk.write_record(V1, content)
    # THEN that is in order, and said
    verdict = verdict_of(home, team)
    assert not verdict.problems, said(verdict)
    assert verdict.words.endswith("; BREAK-GLASS: the gate was closed")


def test_a_gate_that_was_closed_needs_a_reason(tmp_path: Path, team: Team) -> None:
    home = tmp_path / "deck"
    desk = Desk(home, team)
    walk(desk, V1)
    desk.mark("alice", f"release/{V1}/before/backup", ev.CHECKED, verdict="failed")
    content = desk.at(10).content(V1)
    # WHEN one signs as if all held, another although not all held
    desk.sign(V1, "deployer", "carol", content)
    desk.sign(V1, "verifier", "bob", content, rules=((False, "evidence fresh: too old"),))
    # THEN both are found
    verdict = verdict_of(home, team)
    assert parts_of(verdict) == {"roles"}
    assert "the gate was closed when it was signed, which its statement does not say" in said(
        verdict
    )
    assert "at a closed gate without a reason: evidence fresh: too old" in said(verdict)


def test_evidence_that_grew_old_before_the_last_one_signed(tmp_path: Path, team: Team) -> None:
    # GIVEN evidence that is valid for a day, and an approver who signs two days later
    home = tmp_path / "deck"
    desk = Desk(home, team)
    walk(desk, V1)
    content = desk.at(10).sign(V1, "deployer", "carol")
    desk.sign(V1, "verifier", "bob", content)
    desk.at(2_000).sign(V1, "approver", "dave", content)
    desk.write_record(V1, content)
    verdict = verdict_of(home, team)
    assert parts_of(verdict) == {"roles"}
    assert "evidence fresh: 1 item too old" in said(verdict)


@pytest.mark.parametrize(
    ("people", "rules", "message"),
    [
        (("carol", "bob", "carol"), {}, "carol signed as deployer too: it must be another person"),
        (("carol", "carol", "dave"), {}, "carol signed as deployer too: it must be another person"),
        (("carol", "bob", "alice"), {}, "alice waived or overrode an item of this release"),
        (("carol", "bob", "dave"), {"approvers": ("erin",)}, "dave is not among the approvers"),
        (("carol", "bob", "dave"), {"deployers": ("erin",)}, "carol is not among the deployers"),
    ],
)
def test_who_may_not_sign_is_found(
    tmp_path: Path,
    team: Team,
    people: tuple[str, str, str],
    rules: dict[str, tuple[str, ...]],
    message: str,
) -> None:
    # GIVEN signatures that the deck would have refused, put into the journal all the same
    home = tmp_path / "deck"
    desk = Desk(home, team, rules=msgspec.structs.replace(RULES, **rules))
    walk(desk, V1)
    content = desk.at(10).content(V1)
    for role, who in zip(("deployer", "verifier", "approver"), people, strict=True):
        desk.sign(V1, role, who, content)  # type: ignore[arg-type]
    # THEN the rules are held against them
    verdict = verdict_of(home, team, rules=desk.rules)
    assert parts_of(verdict) == {"roles"}, said(verdict)
    assert message in said(verdict)


def test_two_approvals_are_two_people(tmp_path: Path, team: Team) -> None:
    home = tmp_path / "deck"
    desk = Desk(home, team, rules=msgspec.structs.replace(RULES, approvals=2))
    walk(desk, V1)
    content = desk.at(10).sign(V1, "deployer", "carol")
    desk.sign(V1, "verifier", "bob", content)
    desk.sign(V1, "approver", "dave", content)
    assert not verdict_of(home, team, rules=desk.rules).complete
    desk.sign(V1, "approver", "bob", content)
    desk.write_record(V1, content)
    verdict = verdict_of(home, team, rules=desk.rules)
    assert not verdict.problems, said(verdict)
    assert verdict.complete


def test_one_person_under_two_names_is_found(tmp_path: Path, team: Team) -> None:
    # GIVEN a deployer who approves under another name, with the same key
    home = tmp_path / "deck"
    rules = msgspec.structs.replace(RULES, identities={"caz": "carol@acme"})
    desk = Desk(home, team._replace(keys={**team.keys, "caz": team.keys["carol"]}), rules=rules)
    walk(desk, V1)
    content = desk.at(10).sign(V1, "deployer", "carol")
    desk.sign(V1, "verifier", "bob", content)
    desk.sign(V1, "approver", "caz", content, identity="carol@acme")
    verdict = verdict_of(home, team, rules=rules)
    assert parts_of(verdict) == {"roles"}
    assert "with the key of the deployer carol: one person, two names" in said(verdict)


def test_an_edited_catalog_is_not_held_against_the_content(home: Path, team: Team) -> None:
    edited = Catalog(checklists=CATALOG.checklists[:2])
    assert not verdict_of(home, team, catalog=edited).problems


def test_a_list_that_was_left_out_is_found(tmp_path: Path, team: Team) -> None:
    # GIVEN a content that says to be made from the catalog, without one of its lists
    home = tmp_path / "deck"
    desk = Desk(home, team)
    walk(desk, V1)
    whole = desk.at(10).content(V1)
    lists = [one for one in whole.data["lists"] if one["id"] != "after"]
    content = content_of({**whole.data, "lists": lists})
    desk.sign(V1, "deployer", "carol", content)
    verdict = verdict_of(home, team, catalog=CATALOG)
    assert parts_of(verdict) == {"content"}
    assert "list after was left out" in said(verdict)


def test_a_statement_of_tomorrow(home: Path, team: Team) -> None:
    verdict = verdict_of(home, team, now=NOW - timedelta(days=2))
    assert parts_of(verdict) == {"time", "roles"}
    assert "the clock of the signer, or of this machine, is wrong" in said(verdict)
