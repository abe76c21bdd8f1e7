"""Walking a read-do list: one item offered at a time, skipped only with a reason."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.widgets import Input

from opsdeck.journal.events import CHECKED
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts, read_do
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.screens.reader import Reader
from opsdeck.widgets.glyphs import ASCII, UNICODE, Glyphs
from tests.screens.desk import (
    AppPilot,
    Desk,
    app_of,
    checklist_screen,
    listed,
    on_disk,
    open_list,
    row,
    says,
    shown,
    to_row,
    until,
)

TEAM = '[[checklist]]\nid = "daily"\nread_do = true\n'


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The list of the day is read-do: logs, disk, mail."""
    desk.team.write_text(TEAM)
    return desk


async def skip_with(pilot: AppPilot, reason: str) -> None:
    """Answer the question that `s` asks."""
    await pilot.press("s")
    await until(pilot, lambda: isinstance(pilot.app.screen, Prompt) and pilot.app.focused)
    pilot.app.screen.query_one("#reason", Input).value = reason
    await pilot.press("enter")


def keys(pilot: AppPilot) -> str:
    """The line of keys."""
    return checklist_screen(pilot).view("keys").plain_lines()[0]


async def test_the_next_item_is_marked_and_the_cursor_goes_on(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        # GIVEN a read-do list that nobody has begun
        assert "→ next: Read the logs" in row(pilot, "Read the logs")
        assert sum("next:" in line for line in shown(pilot)) == 1
        assert says(pilot, "0/3   read-do   3 open")
        await until(pilot, lambda: says(pilot, "→ next in this read-do list; s skips it"))
        # WHEN the next one is done, from the first key on
        await pilot.press("space")
        # THEN the one after it is next, and the cursor stands there
        await until(pilot, lambda: listed(pilot).key == "disk")
        assert "✓ attested   ○ Read the logs" in row(pilot, "Read the logs")
        assert "→ next: Look at the disks" in row(pilot, "disks")
        await pilot.press("space")
        await until(pilot, lambda: listed(pilot).key == "mail")
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, "3/3   read-do"))
        assert listed(pilot).key == "mail"
        assert not says(pilot, "next:")


async def test_undo_brings_the_cursor_back_to_what_is_next_again(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("space")
        await until(pilot, lambda: listed(pilot).key == "disk")
        await pilot.press("u")
        await until(pilot, lambda: listed(pilot).key == "logs")
        assert "→ next: Read the logs" in row(pilot, "Read the logs")


async def test_space_takes_back_what_is_done(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("daily/logs")), acts.attest(deck.locate("daily/disk")))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        assert listed(pilot).key == "mail", "it opens at the next"
        await to_row(pilot, "logs")
        await pilot.press("space")
        await until(pilot, lambda: "→ next: Read the logs" in row(pilot, "Read the logs"))
        assert on_disk(desk)[-1][:2] == ("item.reopened", "logs")


@pytest.mark.parametrize("key", ["space", "w", "d", "o", "x", "s"])
async def test_what_is_not_next_is_refused_with_what_comes_first(desk: Desk, key: str) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        # GIVEN the cursor on an item whose turn has not come
        await to_row(pilot, "mail")
        await until(pilot, lambda: says(pilot, "read-do: comes after → Read the logs"))
        await until(pilot, lambda: "attest" not in keys(pilot))
        assert "waive" not in keys(pilot)
        assert "note" in keys(pilot), "a remark is always allowed"
        # WHEN something would be said of it THEN nothing is, and the message names the next
        await pilot.press(key)
        said = 'read-do: do "Read the logs" first (tab), or skip it (s)'
        await until(pilot, lambda: says(pilot, said))
        assert isinstance(pilot.app.screen, ChecklistScreen)
        assert on_disk(desk) == []
        # AND tab goes there, where the keys are offered
        await pilot.press("tab")
        await until(pilot, lambda: listed(pilot).key == "logs")
        await until(pilot, lambda: keys(pilot).startswith(" space attest  s skip "))


async def test_a_long_text_leaves_room_for_the_keys_in_the_refusal(desk: Desk) -> None:
    long = "Read the logs " + "of every machine " * 8
    desk.shipped.write_text(desk.shipped.read_text().replace("Read the logs", long.strip()))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await to_row(pilot, "mail")
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, '…" first (tab), or skip it (s)'))


async def test_a_skip_asks_why_and_goes_on(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        # WHEN no reason is given THEN nothing is skipped
        await skip_with(pilot, "  ")
        await until(pilot, lambda: says(pilot, "a reason is needed"))
        assert on_disk(desk) == []
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
        # WHEN there is one
        await skip_with(pilot, "the log host is away")
        # THEN the item says so, stays open, and the next is offered
        await until(pilot, lambda: listed(pilot).key == "disk")
        line = row(pilot, "Read the logs")
        assert "· open       ○ › skipped: Read the logs" in line
        assert line.rstrip().endswith("  alice 02:38")
        assert "≡" not in line
        assert says(pilot, "0/3   read-do   1 skipped   3 open")
        # AND its detail says who, when and why
        await to_row(pilot, "logs")
        await until(pilot, lambda: says(pilot, '› skipped by alice 02:38: "the log host is away"'))
        assert sum("log host" in text for text in shown(pilot)) == 1
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        await until(pilot, lambda: says(pilot, '02:38 alice skipped: "the log host is away"'))


async def test_a_skipped_item_may_be_done_any_time_and_comes_again_at_the_end(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await skip_with(pilot, "later")
        await until(pilot, lambda: listed(pilot).key == "disk")
        await skip_with(pilot, "later too")
        await until(pilot, lambda: listed(pilot).key == "mail")
        # WHEN one that was skipped is done THEN the skip is over
        await to_row(pilot, "disk")
        await pilot.press("s")
        await until(pilot, lambda: says(pilot, "alice skipped this already"))
        await pilot.press("space")
        await until(pilot, lambda: "attested" in row(pilot, "disks"))
        assert says(pilot, "1 skipped")
        assert "≡" in row(pilot, "disks"), "the note stays"
        # WHEN all others are done THEN the cursor goes back to the one that is left
        await to_row(pilot, "mail")
        await pilot.press("space")
        await until(pilot, lambda: listed(pilot).key == "logs")
        assert "→ next: Read the logs" in row(pilot, "Read the logs")
        await until(pilot, lambda: says(pilot, '› skipped by alice 02:38: "later"'))
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, "3/3   read-do"))


async def test_what_a_probe_or_another_finds_done_moves_the_list_on(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        where = app_of(pilot).deck.locate("daily/logs")
        desk.deck("bob", "box@two").record(Draft(CHECKED, {**where.data(), "verdict": "passed"}))
        await until(pilot, lambda: listed(pilot).key == "disk")
        # AND a skip by somebody else is told
        bob = desk.deck("bob", "box@two")
        disk = bob.locate("daily/disk")
        order = read_do.order_of(bob.view(disk.checklist), bob.state)
        bob.record(read_do.skip(disk, "no disk", order))
        await until(pilot, lambda: says(pilot, "bob skipped disk"))
        await until(pilot, lambda: listed(pilot).key == "mail")


async def test_looking_about_is_left_alone_when_the_list_goes_on(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await to_row(pilot, "mail")
        bob = desk.deck("bob", "box@two")
        bob.record(acts.attest(bob.locate("daily/logs")))
        await until(pilot, lambda: "→ next: Look at the disks" in row(pilot, "disks"))
        assert listed(pilot).key == "mail"
        assert checklist_screen(pilot)._following is None


async def test_the_filter_finds_turns(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await skip_with(pilot, "later")
        await until(pilot, lambda: listed(pilot).key == "disk")
        for query, found in (("skipped", ["logs"]), ("next", ["disk"])):
            checklist_screen(pilot)._filter(query)
            assert listed(pilot).keys == found
        # WHEN what comes next is filtered away THEN the cursor stays
        await pilot.press("space")
        await until(pilot, lambda: listed(pilot).keys == ["mail"])


async def test_other_lists_have_nothing_to_skip(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "scaling")
        await until(pilot, lambda: "space attest" in keys(pilot))
        assert "skip" not in keys(pilot)
        assert not says(pilot, "read-do")
        await pilot.press("s", "down", "space")
        await until(pilot, lambda: "attested" in row(pilot, "The plan was tried"))
        assert listed(pilot).key == "test"


@pytest.mark.parametrize(("glyphs", "head"), [(UNICODE, "→ next: "), (ASCII, "> next: ")])
@pytest.mark.parametrize("width", [40, 80, 120])
async def test_every_terminal_shows_what_is_next(
    desk: Desk, glyphs: Glyphs, head: str, width: int
) -> None:
    deck = desk.deck()
    logs = deck.locate("daily/logs")
    order = read_do.order_of(deck.view(logs.checklist), deck.state)
    deck.record(read_do.skip(logs, "naïve → “later”", order))
    async with desk.app(glyphs).run_test(size=(width, 24)) as pilot:
        await open_list(pilot, "daily")
        assert f"{head}Look at" in row(pilot, head)
        assert "skipped: " in row(pilot, "skipped: ")
        await to_row(pilot, "logs")
        await until(pilot, lambda: says(pilot, "skipped by alice"))
        await to_row(pilot, "mail")
        await until(pilot, lambda: says(pilot, "read-do: comes after"))
        lines = shown(pilot)
        assert max(cell_len(line) for line in lines) <= width
        assert not glyphs.ascii or "\n".join(lines).isascii()
