"""What may be signed and what is refused, with a real Deck, catalog and journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsdeck.errors import UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.signing import Signing
from opsdeck.signoff import acts as release_acts
from opsdeck.signoff.model import Role
from opsdeck.signoff.statement import parse_statement
from tests.office import NAMES, Office, note, prepare


@pytest.fixture
def office(tmp_path: Path) -> Office:
    desk = Office(tmp_path)
    desk.begin()
    return desk


# Whether it may be signed


def refused(signing: Signing, role: Role, says: str, reason: str = "") -> None:
    with pytest.raises(UsageError, match=says):
        signing.check(signing.look("v1"), role, reason)
    with pytest.raises(UsageError, match=says):
        prepare(signing, role, reason)


def test_at_an_open_gate_there_is_no_glass_to_break(office: Office) -> None:
    refused(office.sit("ann"), "deployer", "the gate is open, there is no glass to break", "now")
    office.sit("ann").check(office.sit("ann").look("v1"), "deployer", "")


@pytest.mark.parametrize("reason", ["", "  ", "\n", "\t \r\n"])
def test_a_closed_gate_wants_a_reason(tmp_path: Path, reason: str) -> None:
    office = Office(tmp_path)
    office.begin(done=False)
    says = "the gate is closed .every item of the release done: 0 of 2: 2 open"
    refused(office.sit("ann"), "deployer", says, reason)


def test_break_glass_is_said_in_the_first_line(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.begin(done=False)
    seen = office.sign("ann", "deployer", " the shop\n is down ")
    (one,) = seen.signed
    assert one.reason == "the shop is down"
    statement = parse_statement(one.statement)
    assert one.statement.startswith("BREAK-GLASS: signed against a closed gate\n")
    assert (statement.reason, [holds for holds, _ in statement.rules].count(False)) == (
        "the shop is down",
        1,
    )
    # AND the rules may forbid it, and no reason is endless
    refused(office.sit("bob", break_glass=False), "verifier", "allows no break-glass", "now")
    refused(office.sit("bob"), "verifier", "the reason has 4,001 characters", "x" * 4001)


def test_who_may_not_is_told_before_anything_else(office: Office) -> None:
    office.sign("ann", "deployer")
    refused(office.sit("ann"), "verifier", "ann has signed as deployer")
    refused(office.sit("ann"), "deployer", "ann has already signed this content as deployer")
    refused(office.sit("cid", approvers=("dee",)), "approver", "cid is not among the approvers")


def test_an_abandoned_release_is_not_signed(office: Office) -> None:
    signing = office.sit("eve")
    signing.deck.record(release_acts.abandon(signing.release("v1"), "v2 replaces it"))
    refused(office.sit("ann"), "deployer", "v1 was abandoned by eve")


def test_without_a_file_of_keys_it_says_what_to_write(office: Office) -> None:
    from opsdeck.signoff.ssh import SigningError

    with pytest.raises(SigningError, match=r"there is no file of allowed signers: .*allowed_sign"):
        office.sit(signatures="keys").read_signers()


# The statement


def test_a_statement_says_how_far_the_journal_went(office: Office) -> None:
    signing = office.sit("ann")
    heads = signing.deck.journal.heads()
    prepared = prepare(signing, "deployer")
    said = prepared.statement
    assert parse_statement(prepared.text) == said
    assert {h.writer: (h.seq, h.line) for h in said.heads} == dict(heads)
    assert "eve@box" in heads
    assert (said.name, said.role, said.deck) == ("ann", "deployer", signing.deck.config.name)
    assert (said.content, said.sums) == (
        prepared.content.sha256,
        prepared.content.sums_sha256,
    )
    assert prepared.names_only
    assert [text.partition(":")[0] for holds, text in said.rules if holds] == [
        "every item of the release done",
        "no deferred item without date",
        "evidence fresh",
        "journal whole",
    ]


def test_secrets_in_a_reason_are_blotted_out(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.begin(done=False)
    signing = office.sit("ann")
    signing.deck.environ = {"SHOP_TOKEN": "tok-8f7a6b5c4d3e2f1a"}
    prepared = prepare(signing, "deployer", "tok-8f7a6b5c4d3e2f1a was leaked")
    drafts = prepared.drafts(NAMES)
    assert "8f7a6b5c" not in prepared.text
    assert "8f7a6b5c" not in str(drafts)
    assert prepared.statement.reason.endswith("was leaked")


def test_a_release_of_a_hostile_name_is_not_signed(office: Office) -> None:
    # GIVEN a journal from elsewhere with a name that no deck would give
    name = "v1\nrole: approver"
    signing = office.sit("ann")
    signing.deck.record(Draft(ev.RELEASE_STARTED, {"release": name}))
    for item in ("tests", "backup"):
        data = {"run": f"release/{name}/pre", "item": item}
        signing.deck.record(Draft(ev.ATTESTED, data))
    seen = signing.look(name)
    assert not seen.gate.closed
    with pytest.raises(UsageError, match="cannot be read again as it is written"):
        signing.prepare(seen, "deployer", "", None, "", signing.deck.journal.heads())


# While somebody signs


def test_what_changes_while_somebody_signs_is_noticed(office: Office) -> None:
    signing = office.sit("ann")
    seen = signing.look("v1")
    assert signing.changed_since(seen, signing.plan_again(seen)) == []
    # WHEN time passes and others do other things THEN nothing has changed
    office.clock.forward(hours=1)
    signing.deck.record(acts.attest(signing.deck.locate("scaling/plan")))
    assert signing.changed_since(seen, signing.plan_again(seen)) == []
    # WHEN something of it is said THEN that is named
    note(signing.deck)
    assert signing.changed_since(seen, signing.plan_again(seen)) == [
        "pre/backup: its notes were changed"
    ]


def test_one_look_and_a_look_in_pieces_are_the_same(office: Office) -> None:
    office.sign("ann", "deployer")
    signing = office.sit("bob")
    release = signing.release("v1")
    base = signing.base(release)
    assert base is not None
    planned = signing.plan(release, signing.fetch(base))
    # what happens behind the plan is not in it
    note(signing.deck)
    assert signing.seen(planned).changes == ()
    assert signing.look("v1").changes == ("pre/backup: its notes were changed",)


def test_two_machines_come_to_the_same_content(office: Office) -> None:
    # GIVEN two people who looked at the same moment, each at a machine
    office.clock.now = datetime(2026, 11, 23, 4, 0, 0, 123456, UTC)
    one, two = (office.sit(who).look("v1") for who in ("ann", "bob"))
    assert one.content == two.content
    assert one.content.data["as_of"] == "2026-11-23T04:00:00.123Z"
    # AND another moment is another content
    office.clock.now += timedelta(milliseconds=1)
    assert office.sit("ann").look("v1").content.sha256 != one.content.sha256
