"""What happened beside an incident, read from the journal's end and no further than it must be."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from opsdeck.incidents import acts, beside
from opsdeck.incidents.beside import events_beside
from opsdeck.incidents.model import Incident
from opsdeck.journal import events as ev
from opsdeck.journal.paging import newest_first
from opsdeck.journal.writing import Draft
from tests.incidents.outage import ID, START, suffered, the, turned
from tests.screens.desk import Desk


def noted(text: str) -> Draft:
    return Draft(ev.NOTED, {"run": "daily/2026-11-23", "item": "logs", "text": text})


def test_gauges_and_items_of_the_window_oldest_first(tmp_path: Path) -> None:
    # GIVEN a journal with events long before, during and long after an incident
    desk = Desk(tmp_path)
    deck = desk.deck()
    deck.record(noted("long before"), turned("critical", 1))
    desk.clock.forward(hours=2)
    began = desk.clock.now
    suffered(deck, desk.clock)
    desk.clock.forward(minutes=14)
    other = desk.deck(writer="other@two", operator="bob")
    other.record(noted("shortly after"))
    desk.clock.forward(minutes=2)
    other.record(noted("too late"))
    # WHEN what is beside it is read
    found = events_beside(deck.journal, the(deck))
    # THEN it is what lies in its window, of every writer, and nothing of the incident itself
    assert began == START + timedelta(hours=2, minutes=-3)
    assert [(r.event.type, r.event.data.get("text")) for r in found] == [
        (ev.GAUGE_CHANGED, None),
        (ev.GAUGE_CHANGED, None),
        (ev.NOTED, "shortly after"),
    ]


def test_while_it_lasts_the_window_has_no_end(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    deck = desk.deck()
    deck.record(*acts.start(ID, title="x", operator="alice"))
    desk.clock.forward(days=2)
    deck.record(noted("two days later"))
    assert len(events_beside(deck.journal, the(deck))) == 1


def test_what_is_older_than_the_window_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN many events from before
    desk = Desk(tmp_path)
    deck = desk.deck()
    deck.record(*(noted(str(number)) for number in range(50)))
    desk.clock.forward(days=1)
    deck.record(*acts.start(ID, title="x", operator="alice"))
    # WHEN what is read is counted
    read = []

    def counted(folder: Path) -> object:
        for recorded in newest_first(folder):
            read.append(recorded)
            yield recorded

    monkeypatch.setattr(beside, "newest_first", counted)
    assert events_beside(deck.journal, the(deck)) == []
    # THEN only the first one of them was
    assert len(read) == 3


def test_a_wall_clock_that_was_set_back_hides_nothing(tmp_path: Path) -> None:
    # GIVEN a machine whose clock was an hour ahead until it was set right
    desk = Desk(tmp_path)
    deck = desk.deck()
    desk.clock.forward(hours=1)
    deck.record(noted("ahead"))
    desk.clock.forward(hours=-1)
    deck.record(turned("critical", 96))
    deck.record(*acts.start(ID, title="x", operator="alice"))
    deck.record(noted("after"))
    # THEN the order of events is theirs, and none within the window is passed over
    found = events_beside(deck.journal, the(deck))
    assert [r.event.data.get("text", r.event.type) for r in found] == [
        "ahead",
        ev.GAUGE_CHANGED,
        "after",
    ]


def test_without_a_start_or_a_journal_there_is_nothing(tmp_path: Path) -> None:
    deck = Desk(tmp_path).deck()
    assert events_beside(deck.journal, Incident(id=ID)) == []
    assert events_beside(deck.journal, Incident(id=ID, started_at=START)) == []
