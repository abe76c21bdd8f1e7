"""A break-glass review on screen: in the daily list until it is done, and among what is wrong."""

from __future__ import annotations

from opsdeck.deck import Deck
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.widgets.glyphs import ASCII
from tests.screens.desk import CATALOG, Desk, listed, on_disk, open_list, row, says, to_row, until
from tests.screens.test_going_about import look_up

ITEM = "review-v1.4.2"
OWN = ["logs", "disk", "mail"]


def break_glass(deck: Deck) -> None:
    """A release of which an approver has signed against a closed gate."""
    data = {"release": "v1.4.2", "role": "approver", "content": "x" * 64, "statement": "s"}
    signed = Draft(ev.SIGNOFF_SIGNED, {**data, "reason": "disk full"})
    deck.record(acts.start_release("v1.4.2", []), signed)


async def test_it_is_seen_in_the_daily_list_attested_and_gone_the_next_day(desk: Desk) -> None:
    # GIVEN somebody who breaks the glass while the daily list is on screen
    async with desk.app().run_test(size=(100, 30)) as pilot:
        await open_list(pilot, "daily")
        assert listed(pilot).keys == OWN
        break_glass(desk.deck("erin", "box@two"))
        await until(pilot, lambda: listed(pilot).keys == [*OWN, ITEM])
        # WHEN the operator goes there, reads, and gives their word
        await to_row(pilot, ITEM)
        await until(pilot, lambda: says(pilot, "erin signed v1.4.2 as approver"))
        assert says(pilot, "0/4")
        await pilot.press("space")
        await until(pilot, lambda: "attested" in row(pilot, "Review the break-glass"))
        assert on_disk(desk) == [("item.attested", ITEM, "alice")]
        # THEN it stays for the day, and is gone with the next
        assert says(pilot, "1/4")
        desk.clock.forward(days=1)
        await until(pilot, lambda: listed(pilot).keys == OWN)
        await pilot.press("p")
        await until(pilot, lambda: listed(pilot).keys == [*OWN, ITEM])
        assert "attested" in row(pilot, "Review the break-glass")


async def test_an_overdue_one_is_among_what_is_wrong_and_leads_to_its_item(desk: Desk) -> None:
    break_glass(desk.deck("erin", "box@two"))
    desk.clock.forward(days=3)
    async with desk.app(glyphs=ASCII).run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: says(pilot, "overdue"))
        assert "! overdue  Review the break-glass sign-off of v1.4.2" in row(pilot, "overdue")
        await pilot.press("home", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
        await until(pilot, lambda: listed(pilot).key == ITEM)


async def test_an_overdue_one_without_a_list_is_told_of(desk: Desk) -> None:
    desk.shipped.write_text(CATALOG.replace('cadence = "daily"', 'cadence = "standing"'))
    break_glass(desk.deck("erin", "box@two"))
    desk.clock.forward(days=3)
    async with desk.app().run_test(size=(160, 30)) as pilot:
        await until(pilot, lambda: says(pilot, "overdue"))
        assert "no list can have it: add a daily one" in row(pilot, "overdue")


async def test_the_palette_leads_to_it(desk: Desk) -> None:
    break_glass(desk.deck("erin", "box@two"))
    async with desk.app().run_test(size=(100, 30)) as pilot:
        await look_up(pilot, "Review the break-glass")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
        await until(pilot, lambda: listed(pilot).key == ITEM)
