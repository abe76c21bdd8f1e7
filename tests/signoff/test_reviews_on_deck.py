"""Break-glass reviews where programs meet them: the Deck, looks, reports, the glance."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsdeck.catalog.model import Checklist
from opsdeck.deck import Deck
from opsdeck.deck_facts import DeckFacts
from opsdeck.errors import UsageError
from opsdeck.gauges.board import Board
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.looking import Looks
from opsdeck.reports.as_markdown import report_markdown
from opsdeck.reports.glance import Glance, glance_of
from opsdeck.reports.run_report import build_report
from opsdeck.runs import acts
from tests.screens.desk import CATALOG, Desk

ITEM = "review-v1.4.2"
ADDRESS = f"daily/{ITEM}"
OWN = ["logs", "disk", "mail"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def break_glass(deck: Deck, release: str = "v1.4.2", reason: str = "the disk is full") -> None:
    """A release of which an approver has signed against a closed gate."""
    data = {"release": release, "role": "approver", "content": "x" * 64, "statement": "s"}
    deck.record(
        acts.start_release(release, []), Draft(ev.SIGNOFF_SIGNED, {**data, "reason": reason})
    )


def the(deck: Deck, checklist: str = "daily") -> Checklist:
    found = deck.catalog.checklist(checklist)
    assert found is not None
    return found


def ids(deck: Deck, day: int | None = None) -> list[str]:
    """The items of the daily list on a day of November, or now."""
    view = deck.view(the(deck), None if day is None else f"daily/2026-11-{day}")
    assert len(view.checklist.items) == view.total
    return [item.id for item in view.checklist.items]


def attest(deck: Deck, address: str) -> None:
    deck.record(acts.attest(deck.locate(address)))


def glance(deck: Deck) -> Glance:
    board = Board(deck.config.gauges)
    return glance_of(deck, board, deck.now().timestamp(), online=True)


# The list and its runs


def test_the_review_is_an_item_of_the_daily_list_from_the_day_of_signing(desk: Desk) -> None:
    # GIVEN a deck in use since yesterday
    deck = desk.deck()
    attest(deck, "daily/logs")
    desk.clock.forward(days=1)
    # WHEN somebody breaks the glass
    break_glass(deck)
    # THEN today's list has one more, yesterday's has not, and no other list has it
    assert ids(deck) == [*OWN, ITEM]
    assert ids(deck, 24) == [*OWN, ITEM]
    assert ids(deck, 23) == OWN
    assert deck.listed(the(deck)).item(ITEM) is not None
    assert deck.view(the(deck, "infra")).total == deck.view(the(deck, "scaling")).total + 1 == 3
    # AND so it is for whoever reads the journal anew
    assert ids(desk.deck(writer="other@y")) == [*OWN, ITEM]


def test_the_catalog_stays_as_people_wrote_it(desk: Desk) -> None:
    deck = desk.deck()
    break_glass(deck)
    deck.view(the(deck))
    assert [item.id for item in the(deck).items] == OWN
    assert deck.catalog.item_count == 8


def test_it_is_addressed_attested_and_gone_the_next_day(desk: Desk) -> None:
    # GIVEN a review of two days ago
    deck = desk.deck()
    break_glass(deck)
    desk.clock.forward(days=2)
    where = deck.locate(ADDRESS)
    assert (where.run, where.status.state, where.item.sensed) == (
        "daily/2026-11-25",
        "open",
        False,
    )
    assert where.checklist.item(ITEM) == where.item
    # WHEN it is attested
    attest(deck, ADDRESS)
    # THEN it stays in today's list and those before, and tomorrow's has it no more
    assert deck.locate(ADDRESS).status.state == "attested"
    desk.clock.forward(days=1)
    assert [ids(deck, day)[3:] for day in (22, 23, 24, 25, 26)] == [[], [ITEM], [ITEM], [ITEM], []]
    with pytest.raises(UsageError, match="has no item 'review-v1"):
        deck.locate(ADDRESS)
    assert deck.locate(f"daily/2026-11-25/{ITEM}").status.by == "alice"
    assert [(run, mark.kind) for run, mark in deck.history(the(deck), ITEM)] == [
        ("daily/2026-11-25", "attested")
    ]


def test_what_is_undone_is_asked_for_again(desk: Desk) -> None:
    deck = desk.deck()
    break_glass(deck)
    attest(deck, ADDRESS)
    desk.clock.forward(hours=22)
    assert ids(deck) == OWN
    run = "daily/2026-11-23"
    draft, _ = acts.undo(run, deck.state.run(run), "alice", deck.now())
    deck.record(draft)
    assert ids(deck) == [*OWN, ITEM]


def test_a_past_run_stands_as_its_row_does(desk: Desk) -> None:
    # GIVEN a day on which all but the review was done
    deck = desk.deck()
    break_glass(deck)
    for item in OWN:
        attest(deck, f"daily/{item}")
    assert deck.view(the(deck)).state == "open"
    # WHEN the day is over
    desk.clock.forward(days=1)
    # THEN it missed nothing: the review went on to the next list, as where it is asked for by name
    view = deck.view(the(deck), "daily/2026-11-23")
    where = deck.locate(f"daily/2026-11-23/{ITEM}")
    assert view.state == "complete except deferred"
    assert where.status == view.statuses[3]
    assert where.status.state == "deferred"
    assert where.status.until == datetime(2026, 11, 25, tzinfo=UTC)
    assert deck.locate(ADDRESS).status.state == "open"


def test_the_days_are_those_of_opsdeck_toml(desk: Desk) -> None:
    from opsdeck.catalog.signoff_rules import SignoffRules

    deck = desk.deck(signoff=SignoffRules(review_days=5))
    break_glass(deck)
    assert "due 2026-11-30" in deck.locate(ADDRESS).item.text


def test_a_catalog_that_is_edited_keeps_the_review(desk: Desk) -> None:
    deck = desk.deck()
    break_glass(deck)
    assert ids(deck) == [*OWN, ITEM]
    first = '[[checklist]]\nid = "ops"\ntitle = "Ops"\nsection = "S"\ncadence = "daily"\n'
    first += '[[checklist.item]]\nid = "one"\ntext = "One"\n'
    desk.shipped.write_text(first + CATALOG)
    later = desk.deck()
    assert ids(later) == OWN
    assert [i.id for i in later.view(the(later, "ops")).checklist.items] == ["one", ITEM]


# Programs


def test_looks_and_facts_see_the_same_list(desk: Desk) -> None:
    probe = 'probe = { kind = "run", run = "standing/scaling" }\nexpect = ["complete"]'
    catalog = CATALOG.replace('text = "Read the logs"', f'text = "Read the logs"\n{probe}')
    desk.shipped.write_text(catalog)
    deck = desk.deck()
    break_glass(deck)
    looks, facts = Looks(deck, {}), DeckFacts(deck)
    assert [s.item.id for s in looks.subjects()] == ["logs"]
    assert [s.item.id for s in looks.subjects([deck.view(the(deck)).checklist])] == ["logs"]
    assert (facts.run_facts("daily", None) or {})["total"] == 4
    assert (facts.run_facts("daily", ITEM) or {})["state"] == "open"
    attest(deck, ADDRESS)
    found = facts.run_facts("daily", ITEM) or {}
    assert (found["done"], found["by"], found["age_s"]) == (True, "alice", 0)


def test_a_report_has_it_with_what_was_said_of_it(desk: Desk) -> None:
    deck = desk.deck()
    break_glass(deck, reason="<b>no</b> | time")
    deck.record(acts.note(deck.locate(ADDRESS), "asked dora"))
    desk.clock.forward(days=1)
    deck.record(acts.attest(deck.locate(ADDRESS), "it was right"))
    runs = [(the(deck), f"daily/2026-11-{day}") for day in (23, 24)]
    report = build_report(deck, runs, "Two days")
    assert [(i.id, i.state, i.why) for run in report.runs for i in run.items[3:]] == [
        (ITEM, "deferred", "it went on to the next run, for it was not due yet"),
        (ITEM, "attested", "it was right"),
    ]
    text = report_markdown(report)
    assert "not due yet; due 2026-11-25" in text
    assert "asked dora" in text
    assert "<b>" not in text


def test_a_glance_tells_of_it_once_it_is_overdue(desk: Desk) -> None:
    # GIVEN a review that is due today
    deck = desk.deck()
    break_glass(deck)
    desk.clock.now = datetime(2026, 11, 25, 23, 59, tzinfo=UTC)
    assert glance(deck).overdue == ()
    # WHEN its day is over
    desk.clock.forward(minutes=1)
    seen = glance(deck)
    # THEN it is a warning, with when it was due
    [late] = seen.overdue
    assert (late.item, late.checklist, late.run) == (ITEM, "daily", "daily/2026-11-26")
    assert (late.state, late.until) == ("open", datetime(2026, 11, 26, tzinfo=UTC))
    assert seen.status == "warning"
    # AND once it is done it is told of no more
    attest(deck, ADDRESS)
    assert glance(deck).overdue == ()


def test_nothing_is_asked_where_nobody_broke_the_glass(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a release that was signed through an open gate
    deck = desk.deck()
    break_glass(deck, reason="")
    deck.view(the(deck))

    def never(*args: object) -> None:
        raise AssertionError("worked out although nothing has changed")

    # THEN lists are shown without anything being worked out
    monkeypatch.setattr("opsdeck.signoff.review_book.head_of", never)
    monkeypatch.setattr("opsdeck.signoff.review_book._breaks_glass", never)
    monkeypatch.setattr("opsdeck.signoff.review_book._made", never)
    assert deck.view(the(deck)).checklist is the(deck)
    attest(deck, "daily/logs")
    assert deck.view(the(deck)).checklist is the(deck)
