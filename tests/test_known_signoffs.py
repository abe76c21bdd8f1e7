"""How sign-offs stand, with a real Deck and journal: what is signed, what changed since."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from opsdeck.errors import DataError, UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.known_signoffs import UNREADABLE, KnownSignoffs
from opsdeck.runs import acts
from opsdeck.signoff import acts as release_acts
from tests.journal.helpers import file_of
from tests.office import NAMES, Office, check, note, prepare


@pytest.fixture
def office(tmp_path: Path) -> Office:
    desk = Office(tmp_path)
    desk.begin()
    return desk


# How it stands


def test_what_was_never_started_is_said(office: Office) -> None:
    with pytest.raises(UsageError, match="release 'v9' was never started"):
        office.sit().look("v9")


def test_before_anybody_signs(office: Office) -> None:
    seen = office.sit().look("v1")
    assert (seen.base, seen.changes, seen.signed, seen.out_of_date) == (None, (), [], [])
    assert not seen.complete
    assert not seen.gate.closed
    assert [one["id"] for one in seen.content.data["lists"]] == ["pre", "daily", "scaling"]
    with pytest.raises(UsageError, match="nobody has signed release v1"):
        office.sit().signed_record(seen.release)


def test_what_one_has_signed_is_what_the_next_one_signs(office: Office) -> None:
    first = office.sign("ann", "deployer")
    office.clock.forward(minutes=20)
    # WHEN the next one looks, later and at another machine
    seen = office.sit("bob").look("v1")
    # THEN it is the same content, and has its base in the journal
    assert seen.content == first.content
    assert seen.base is not None
    assert seen.base.sha256 == seen.content.sha256
    assert [(one.by, one.role) for one in seen.signed] == [("ann", "deployer")]
    assert (seen.changes, seen.out_of_date, seen.complete) == ((), [], False)
    # AND it is not written a second time
    assert [d.type for d in prepare(office.sit("bob"), "verifier").drafts(NAMES)] == [
        ev.SIGNOFF_SIGNED
    ]


def test_what_changes_afterwards_puts_signatures_out_of_date(office: Office) -> None:
    first = office.sign("ann", "deployer")
    note(office.sit("bob").deck)
    seen = office.sit("bob").look("v1")
    assert seen.changes == ("pre/backup: its notes were changed",)
    assert (seen.base, seen.signed) == (None, [])
    assert [one.by for one in seen.out_of_date] == ["ann"]
    assert seen.gate.people["deployer"] == []
    # WHEN it is signed again THEN there is another content, and the old one stays
    again = office.sign("ann", "deployer")
    assert again.content.sha256 not in (first.content.sha256,)
    assert set(again.release.contents) == {first.content.sha256, again.content.sha256}
    assert [one.by for one in again.signed] == ["ann"]
    assert again.changes == ()


def test_what_is_taken_back_makes_the_signatures_good_again(office: Office) -> None:
    first = office.sign("ann", "deployer")
    deck = office.sit("bob").deck
    note(deck)
    assert office.sit().look("v1").changes
    run = "release/v1/pre"
    draft, _ = acts.undo(run, deck.state.run(run), "bob", deck.now())
    deck.record(draft)
    seen = office.sit().look("v1")
    assert (seen.content, seen.changes) == (first.content, ())
    assert len(seen.signed) == 1


def elsewhere(office: Office) -> None:
    deck = office.sit("dee").deck
    deck.record(acts.start_release("v2", []))
    deck.record(acts.attest(deck.locate("scaling/plan")))
    deck.record(Draft(ev.INCIDENT_STARTED, {"incident": "i-1", "title": "disk"}))
    deck.record(Draft(ev.GAUGE_CHANGED, {"gauge": "disk", "from": "ok", "to": "critical"}))


@pytest.mark.parametrize("change", [elsewhere, lambda office: office.clock.forward(days=1)])
def test_what_happens_elsewhere_changes_nothing(
    office: Office, change: Callable[[Office], None]
) -> None:
    first = office.sign("ann", "deployer")
    change(office)
    seen = office.sit("bob").look("v1")
    assert (seen.content, seen.changes) == (first.content, ())


def test_when_all_have_signed_it_is_signed_and_stays_as_it_was(office: Office) -> None:
    seen = office.all_sign()
    assert (seen.complete, seen.release.state) == (True, "signed")
    record = office.sit().signed_record(seen.release)
    assert record.sha256 == seen.content.sha256
    # WHEN it is looked at the next day, and a month later
    for days in (1, 30):
        office.clock.forward(days=days)
        later = office.sit("dee").look("v1")
        # THEN nothing has grown old in it
        assert (later.content, later.changes, later.complete) == (seen.content, (), True)
        assert [rule.detail for rule in later.gate.rules] == [
            rule.detail for rule in seen.gate.rules
        ]
        assert not later.gate.closed


def test_a_deferral_that_falls_due_later_does_not_close_what_was_signed(office: Office) -> None:
    deck = office.sit("eve").deck
    deck.record(acts.defer(deck.locate("pre/backup"), "later", "2026-11-25"))
    assert office.all_sign().complete
    office.clock.forward(days=9)
    seen = office.sit().look("v1")
    assert (seen.gate.closed, seen.complete) == (False, True)


def test_what_is_signed_again_after_its_end_is_judged_as_it_was_then(office: Office) -> None:
    # GIVEN a release that all have signed, whose evidence has grown old by now
    first = office.all_sign()
    office.clock.forward(days=3)
    # WHEN the form is corrected
    deck = office.sit("ann").deck
    found = office.sit("ann").release("v1")
    deck.record(release_acts.change(found, {"window": "23:00"}))
    seen = office.sit("ann").look("v1")
    # THEN that is all that is new: gate and content judge the items as of then
    assert seen.changes == ("Deployment Window was changed",)
    assert not seen.gate.closed
    states = [i["state"] for c in seen.content.data["lists"][:1] for i in c["items"]]
    assert states == ["passed", "attested"]
    assert seen.content.data["lists"] == first.content.data["lists"]
    again = office.all_sign()
    assert again.complete
    assert again.content.sha256 == seen.content.sha256
    # AND WHEN the correction is taken back
    deck = office.sit("ann").deck
    deck.record(release_acts.change(office.sit("ann").release("v1"), {"window": "22:00"}))
    back = office.sit("ann").look("v1")
    assert (back.content, back.complete) == (first.content, False)
    assert back.changes == ("Deployment Window was changed",)
    # THEN one who signs again says so, and the first signatures are good again
    office.clock.forward(minutes=1)
    back = office.sign("ann", "deployer")
    assert (back.content, back.complete, back.changes) == (first.content, True, ())
    assert back.release.complete == first.content.sha256


def test_evidence_that_grows_old_closes_the_gate_and_changes_no_content(office: Office) -> None:
    first = office.sign("ann", "deployer")
    office.clock.forward(hours=3)
    seen = office.sit("bob").look("v1")
    assert [rule.id for rule in seen.gate.closed_by] == ["fresh"]
    assert (seen.content, seen.changes) == (first.content, ())
    # WHEN it is checked again THEN that is another content
    check(office.sit("bob").deck, "passed")
    seen = office.sit("bob").look("v1")
    assert not seen.gate.closed
    (change,) = seen.changes
    assert change.startswith("pre/tests: passed anew (bob, 2026-11-23 05:38 UTC)")


# What the journal no longer has


def altered(office: Office, kind: bytes, old: bytes, new: bytes) -> None:
    """Another byte in the lines of one type, where somebody signed."""
    path = file_of(office.home, "ann@box")
    lines = path.read_bytes().split(b"\n")
    changed = [line.replace(old, new) if kind in line else line for line in lines]
    assert changed != lines
    path.write_bytes(b"\n".join(changed))
    for snapshot in office.home.glob("journal/*.snapshot*"):
        snapshot.unlink()


def test_a_content_that_was_altered_on_disk_is_not_believed(office: Office) -> None:
    office.sign("ann", "deployer")
    signing = office.sit("bob")
    release = signing.release("v1")
    head = signing.base(release)
    assert head is not None
    assert signing.fetch(head) is not None
    altered(office, b'"signoff.content"', b"Backup made", b"Backup  ade")
    office.clock.forward(minutes=1)
    # WHEN another process asks for it
    other = office.sit("bob")
    # THEN it has none, and says so instead of "nothing changed"
    assert KnownSignoffs(other.deck, {}).fetch(head) is None
    seen = other.look("v1")
    assert seen.changes == (UNREADABLE,)
    assert (seen.base, [one.by for one in seen.out_of_date]) == (None, ["ann"])
    with pytest.raises(DataError, match="is not in the journal, or was altered"):
        other.signed_record(other.release("v1"))


def test_a_signature_over_a_content_that_is_nowhere_is_out_of_date(office: Office) -> None:
    data = {"release": "v1", "role": "deployer", "content": "x" * 64, "statement": "s"}
    office.sit("ann").deck.record(Draft(ev.SIGNOFF_SIGNED, data))
    seen = office.sit("bob").look("v1")
    assert (seen.base, seen.changes) == (None, (UNREADABLE,))
    assert len(seen.out_of_date) == 1


@pytest.mark.parametrize("text", ['{"as_of":3}\n', '{"lists":[3]}\n', "[]\n", "{}\n", "x"])
def test_a_content_that_is_none_is_not_believed(office: Office, text: str) -> None:
    from opsdeck.signoff.content import sha256

    digest = sha256(text.encode())
    content = {"release": "v1", "sha256": digest, "content": text}
    signed = {"release": "v1", "role": "deployer", "content": digest, "statement": "s"}
    office.sit("ann").deck.record(
        Draft(ev.SIGNOFF_CONTENT, content), Draft(ev.SIGNOFF_SIGNED, signed)
    )
    assert office.sit("bob").look("v1").changes == (UNREADABLE,)
