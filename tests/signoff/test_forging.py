"""Signatures in another's place or name, at another time, or over what the journal never said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opsdeck.journal import events as ev
from opsdeck.journal.events import Event
from opsdeck.journal.writing import Draft
from opsdeck.signoff.content import content_of, sha256
from opsdeck.signoff.verdict import Verdict
from tests.signoff.keys import needs_ssh_keygen
from tests.signoff.signed import (
    TWO,
    V1,
    V2,
    Desk,
    Team,
    parts_of,
    verdict_of,
    walk,
)
from tests.signoff.tampered import (
    rewrite,
    said,
    signed_event,
)

pytestmark = needs_ssh_keygen


# Signatures in another's place


def test_signatures_swapped_between_roles(home: Path, team: Team) -> None:
    # GIVEN the texts and signatures of verifier and approver in each other's place
    found = {role: signed_event(home, role) for role in ("verifier", "approver")}
    other = {"verifier": found["approver"], "approver": found["verifier"]}
    parts = ("statement", "signature", "key", "identity")

    def change(_writer: str, event: Event) -> Event:
        data = event.data
        if event.type == ev.SIGNOFF_SIGNED and data["release"] == V1 and data["role"] in other:
            data = {**data, **{part: other[data["role"]][part] for part in parts}}
        return msgspec.structs.replace(event, data=data)

    rewrite(home, change)
    verdict = verdict_of(home, team)
    assert {"signature", "identity"} <= parts_of(verdict)
    assert "its statement was made as approver, not as verifier" in said(verdict)
    assert "its statement was made as verifier, not as approver" in said(verdict)


def test_signatures_swapped_between_releases(home: Path, team: Team) -> None:
    # GIVEN the approver's signatures of two releases in each other's place
    found = {name: signed_event(home, "approver", name) for name in (V1, V2)}
    other = {V1: found[V2], V2: found[V1]}

    def change(_writer: str, event: Event) -> Event:
        data = event.data
        if event.type == ev.SIGNOFF_SIGNED and data["role"] == "approver":
            data = {**other[data["release"]], "release": data["release"]}
        return msgspec.structs.replace(event, data=data)

    rewrite(home, change)
    for name, told in ((V1, V2), (V2, V1)):
        verdict = verdict_of(home, team, name)
        assert {"signature", "digest"} <= parts_of(verdict)
        assert f"its statement was made for release {told}" in said(verdict)
        assert not verdict.complete


def test_a_signature_of_one_release_copied_to_another(home: Path, team: Team) -> None:
    # GIVEN a third release that only the deployer signed, and the approver's signature of another
    desk = Desk(home, team).at(500)
    walk(desk, "v1.5.0")
    desk.sign("v1.5.0", "deployer", "carol")
    copied = {**signed_event(home, "approver"), "release": "v1.5.0"}
    desk.say("dave", Draft(ev.SIGNOFF_SIGNED, copied))
    # THEN the copy is found from both sides
    for name in ("v1.5.0", V1):
        verdict = verdict_of(home, team, name)
        assert "the same statement stands in carol@one:" in said(verdict)
        assert "signature" in parts_of(verdict)


def test_an_old_signature_replayed_on_a_new_content(home: Path, team: Team) -> None:
    # GIVEN that the release was changed, its deployer and verifier signed again, and the approver's
    # old signature is put to the new content
    desk = Desk(home, team).at(500)
    desk.mark("carol", f"release/{V1}/before/backup", ev.REOPENED)
    closed: dict[str, Any] = {"rules": ((False, "items"),), "reason": "in a hurry"}
    content = desk.sign(V1, "deployer", "carol", **closed)
    desk.sign(V1, "verifier", "bob", content, **closed)
    old = {**signed_event(home, "approver"), "content": content.sha256}
    desk.say("dave", Draft(ev.SIGNOFF_SIGNED, old))
    # THEN it is an old signature on a new content, and the release is not signed
    verdict = verdict_of(home, team)
    assert {"digest", "signature", "roles"} <= parts_of(verdict)
    assert "an old signature on a new content" in said(verdict)
    assert not verdict.complete


# Names


def test_a_name_forged_in_the_event(home: Path, team: Team) -> None:
    def change(_writer: str, event: Event) -> Event:
        if event.data.get("role") == "approver" and event.data["release"] == V1:
            return msgspec.structs.replace(event, by="erin")
        return event

    rewrite(home, change)
    verdict = verdict_of(home, team)
    assert "identity" in parts_of(verdict)
    assert "its statement names dave, the event is by erin" in said(verdict)
    assert "dave@acme is not erin" in said(verdict)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        # Bob signs as dave, with his own key
        ({}, "this key is that of bob@acme, not of dave@acme"),
        # and says so, hoping that only the name is looked at
        ({"identity": "bob@acme"}, "bob@acme is not dave, who signs as dave"),
    ],
)
def test_somebody_who_signs_in_anothers_name(
    tmp_path: Path, team: Team, changed: dict[str, str], message: str
) -> None:
    home = tmp_path / "deck"
    desk = Desk(home, team)
    walk(desk, V1)
    content = desk.at(10).content(V1)
    key = {"key": team.keys["bob"].fingerprint}
    told = desk.statement(V1, "approver", "dave", content, **key, **changed)
    desk.say("dave", *desk.drafts(V1, content, told, desk.seal(told, "bob")))
    verdict = verdict_of(home, team)
    assert parts_of(verdict) == {"identity"}, said(verdict)
    assert message in said(verdict)


# Time


def test_a_statement_dated_before_its_content(tmp_path: Path, team: Team) -> None:
    home = tmp_path / "deck"
    desk = Desk(home, team)
    walk(desk, V1)
    content = desk.at(60).content(V1)
    early = desk.now.replace(hour=14, minute=30)
    desk.sign(V1, "deployer", "carol", content, at=early)
    verdict = verdict_of(home, team)
    assert parts_of(verdict) == {"time"}
    assert "back-dated: it says 2026-11-23 14:30:00 UTC, but the content was drawn up" in said(
        verdict
    )


def test_a_machine_whose_clock_was_set_back_to_sign(tmp_path: Path, team: Team) -> None:
    # GIVEN a content of 14:10, things said at 20:00, and a signature made then with the clock at
    # 14:20, when the key was still valid
    home = tmp_path / "deck"
    desk = Desk(home, team)
    walk(desk, V1)
    content = desk.at(10).sign(V1, "deployer", "carol")
    desk.at(360).mark("bob", "daily/2026-11-23/logs")
    desk.at(20).sign(V1, "approver", "dave", content)
    # THEN the journal's own clock tells
    verdict = verdict_of(home, team)
    assert parts_of(verdict) == {"time"}, said(verdict)
    assert "back-dated: it says 2026-11-23T14:20:00.000Z, but the event before it in" in said(
        verdict
    )


def test_evidence_younger_than_the_content_that_rests_on_it(tmp_path: Path, team: Team) -> None:
    # GIVEN a client with its clock set back for all of it, on a machine of its own
    home = tmp_path / "deck"
    desk = Desk(home, team)
    walk(desk.at(100), V1)
    other = Desk(home, team, TWO)
    content = other.at(10).sign(V1, "deployer", "carol")
    assert content.data["as_of"] == "2026-11-23T14:10:00.000Z"
    verdict = verdict_of(home, team)
    assert parts_of(verdict) == {"time"}
    assert "back-dated: it says to be of 2026-11-23T14:10:00.000Z, but an event it rests" in said(
        verdict
    )
    assert "but the newest event it rests on is of 2026-11-23 15:40:00 UTC" in said(verdict)


def test_an_event_dated_otherwise_than_its_statement(home: Path, team: Team) -> None:
    def change(_writer: str, event: Event) -> Event:
        if event.data.get("role") == "approver" and event.data["release"] == V1:
            return msgspec.structs.replace(event, at="2026-11-23T14:12:00.000Z")
        return event

    rewrite(home, change)
    verdict = verdict_of(home, team)
    assert "time" in parts_of(verdict)
    assert "its statement says 2026-11-23 14:55:00 UTC, the event 2026-11-23T14:12:00.000Z" in said(
        verdict
    )


# Content


def forged(desk: Desk, change: Callable[[dict[str, Any]], Any]) -> Verdict:
    """Three people sign a content that their own client made up."""
    content = desk.content(V1)
    values = json.loads(content.text)
    change(values)
    content = content_of(values)
    desk.sign(V1, "deployer", "carol", content)
    desk.sign(V1, "verifier", "bob", content)
    desk.sign(V1, "approver", "dave", content)
    desk.write_record(V1, content)
    return verdict_of(desk.home, desk.team)


@pytest.mark.parametrize(
    ("place", "new", "message"),
    [
        ((0, 1), {"state": "attested"}, "the journal failed by alice"),
        ((0, 0), {"by": "erin"}, "says passed by erin"),
        ((0, 0), {"at": "2026-11-23T14:09:00.000Z"}, "at 2026-11-23T14:09:00.000Z"),
        ((0, 0), {"valid_for_s": "864000"}, "until"),
        ((0, 2), {"set_aside": []}, "set_aside 0 entries"),
        ((0, 2), {"until": "2028-01-01T00:00:00.000Z"}, "until 2028-01-01"),
        ((0, 2), {"notes": []}, "notes 0 entries"),
        ((0, 3), {"state": "passed"}, "says passed"),
        ((1, 1), {"why": "never"}, "why never"),
        ((0, 0), {"evidence": None}, "evidence none"),
    ],
)
def test_a_content_that_the_journal_does_not_bear_out(
    tmp_path: Path, team: Team, place: tuple[int, int], new: dict[str, Any], message: str
) -> None:
    # GIVEN a release with an item that failed, and a content that says otherwise, signed by all
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    if place == (0, 1):
        desk.mark("alice", f"release/{V1}/before/backup", ev.CHECKED, verdict="failed")
    where, item = place

    def change(values: dict[str, Any]) -> None:
        values["lists"][where]["items"][item].update(new)

    verdict = forged(desk.at(10), change)
    # THEN every signature holds, and the content does not
    assert "content" in parts_of(verdict), said(verdict)
    assert parts_of(verdict) <= {"content", "roles"}, said(verdict)
    assert message in said(verdict)


@pytest.mark.parametrize(
    ("change", "parts", "message"),
    [
        (lambda v: v.update(release="v9"), {"content"}, "content of release v9"),
        (lambda v: v.update(more=1), {"content"}, "exactly the keys"),
        (lambda v: v["form"].update(notes="fine"), {"content"}, "its notes is not what"),
        (lambda v: v["started"].update(by="bob"), {"content"}, "who started it (carol)"),
        (lambda v: v["rules"].update(approvals=0), {"roles"}, "how many people"),
        (lambda v: v["lists"][0].update(run=f"release/{V2}/before"), {"content"}, "has the run"),
        (lambda v: v["lists"].append(v["lists"][0]), {"content"}, "is there twice"),
        (lambda v: v["lists"][0]["items"][0].update(line="0" * 64), {"evidence"}, "was altered"),
    ],
)
def test_a_content_that_is_none(
    tmp_path: Path,
    team: Team,
    change: Callable[[dict[str, Any]], Any],
    parts: set[str],
    message: str,
) -> None:
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    content = desk.at(10).content(V1)
    values = json.loads(content.text)
    change(values)
    desk.sign(V1, "deployer", "carol", content_of(values))
    verdict = verdict_of(tmp_path / "deck", team)
    assert parts <= parts_of(verdict), said(verdict)
    assert message in said(verdict)


def test_a_content_that_is_not_canonical(tmp_path: Path, team: Team) -> None:
    desk = Desk(tmp_path / "deck", team)
    walk(desk, V1)
    content = desk.at(10).content(V1)
    text = content.text.replace(b'","', b'", "', 1)
    desk.sign(V1, "deployer", "carol", content._replace(text=text, sha256=sha256(text)))
    verdict = verdict_of(tmp_path / "deck", team)
    assert "content" in parts_of(verdict)
    assert "it is not in its canonical form" in said(verdict)
