"""Nobody signs what verifying would call back-dated: clocks that differ are told of before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from tests.office import Office, check, note, prepare


@pytest.fixture
def office(tmp_path: Path) -> Office:
    desk = Office(tmp_path)
    desk.begin()
    return desk


def on_a_clock_ahead(office: Office, act: Callable[[Deck], object], **ahead: float) -> None:
    """Somebody does something at a machine whose clock is wrong."""
    right = office.clock.now
    office.clock.forward(**ahead)
    act(office.sit("dan").deck)
    office.clock.now = right


def attested(deck: Deck) -> None:
    deck.record(acts.attest(deck.locate("pre/backup")))


def waived(deck: Deck) -> None:
    until = (deck.now() + timedelta(days=2), "UTC")
    deck.record(acts.waive(deck.locate("pre/backup"), reason="no", approver="eve", until=until))


def held(office: Office) -> bool:
    """Whether everybody can sign, and all of it is believed."""
    seen = office.all_sign()
    verdict = office.sit().verify(seen)
    return verdict.complete and not verdict.bad


@pytest.mark.parametrize(
    ("act", "what", "remedy"),
    [
        (attested, "pre/backup", ", then do pre/backup again"),
        (waived, "pre/backup", ", then do pre/backup again"),
        (note, "a note of pre/backup", ", then take it back"),
        (lambda deck: check(deck, "passed"), "pre/tests", ", then do pre/tests again"),
    ],
)
def test_what_a_clock_ahead_said_is_not_signed_yet(
    office: Office, act: Callable[[Deck], object], what: str, remedy: str
) -> None:
    # GIVEN something that a machine said eight minutes in the future
    on_a_clock_ahead(office, act, minutes=8)
    # WHEN it is to be signed THEN that is refused: what is wrong, where, and what to do
    with pytest.raises(UsageError, match=f"not signed: {what} is of") as refused:
        prepare(office.sit(), "deployer")
    said = str(refused.value)
    now, then = office.clock.now, office.clock.now + timedelta(minutes=8)
    assert f"is of {then:%H:%M} UTC by the clock of dan@box, and here it is {now:%H:%M} UTC" in said
    ready = then - timedelta(minutes=4)
    assert f"Set that clock right{remedy}, or sign after {ready:%H:%M} UTC" in said
    # NOR does it help to break the glass
    with pytest.raises(UsageError, match="no glass to break"):
        prepare(office.sit(), "deployer", "now")
    # AND WHEN that time has come THEN it is signed, and holds
    office.clock.forward(minutes=4)
    assert held(office)


def test_a_glass_is_not_broken_for_it_either(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.begin(done=False)
    on_a_clock_ahead(office, note, days=400)
    with pytest.raises(UsageError, match="one clock is wrong") as refused:
        prepare(office.sit(), "deployer", "it burns")
    # AND a day is named where it is another one
    there = office.clock.now + timedelta(days=400)
    assert f"is of {there:%Y-%m-%d %H:%M} UTC" in str(refused.value)


def test_at_the_end_of_the_calendar_it_is_told_too(office: Office) -> None:
    # GIVEN a note of the last minute that there is, in a zone where that minute is beyond the end
    last = office.clock.now.replace(year=9999, month=12, day=31, hour=23, minute=59)
    on_a_clock_ahead(office, note, days=(last - office.clock.now).days, hours=21)
    signing = office.sit()
    signing.deck.zone = ZoneInfo("Asia/Kathmandu")
    with pytest.raises(UsageError, match=r"9999-12-31 \d\d:\d\d UTC"):
        prepare(signing, "deployer")


def test_a_note_that_was_taken_back_is_in_nobodys_way(office: Office) -> None:
    on_a_clock_ahead(office, note, days=3)
    deck = office.sit("dan").deck
    entry = deck.state.entry("release/v1/pre", "backup")
    assert entry is not None
    told = {"run": "release/v1/pre", "item": "backup", "event": entry.notes[-1].id}
    deck.record(Draft(ev.UNDONE, told))
    assert held(office)


def test_what_is_done_again_is_signed(office: Office) -> None:
    on_a_clock_ahead(office, attested, days=3)
    attested(office.sit("dan").deck)
    assert held(office)


def test_clocks_differ_a_little(office: Office) -> None:
    on_a_clock_ahead(office, attested, minutes=4)
    assert held(office)


def test_what_a_clock_ahead_has_signed_is_not_signed_yet(office: Office) -> None:
    # GIVEN that the deployer's clock is eight minutes ahead
    right = office.clock.now
    office.clock.forward(minutes=8)
    office.sign("ann", "deployer")
    office.clock.now = right
    # WHEN the verifier signs the same
    with pytest.raises(UsageError, match="not signed: what the others signed is of"):
        prepare(office.sit("bob"), "verifier")
    # THEN there is time for it later, and all of it holds
    office.clock.forward(minutes=4)
    office.sign("bob", "verifier")
    seen = office.sign("cid", "approver")
    assert not office.sit().verify(seen).bad
