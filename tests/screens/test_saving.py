"""When the disk refuses: said on screen, nothing shown as done, nothing typed lost."""

from __future__ import annotations

import errno
import os
import shutil

import pytest
from textual.widgets import Input

from opsdeck.runs import acts
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.session import Place, Session
from tests.screens.desk import (
    AppPilot,
    Desk,
    app_of,
    events,
    listed,
    on_disk,
    open_list,
    row,
    says,
    until,
)


class Repair:
    """A file in the place of the journal's folder, and how to put it right."""

    def __init__(self, desk: Desk) -> None:
        self.folder = desk.home / "journal"
        self.aside = desk.home / "aside"
        shutil.move(self.folder, self.aside)
        self.folder.write_text("in the way")

    def done(self) -> None:
        """The folder is back."""
        self.folder.unlink()
        shutil.move(self.aside, self.folder)


async def begin(pilot: AppPilot) -> None:
    """The daily list, its first item attested."""
    await open_list(pilot, "daily")
    await pilot.press("space")
    await until(pilot, lambda: says(pilot, "1/3"))


async def test_a_tick_that_cannot_be_saved_is_not_shown_and_can_be_tried_again(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        app = app_of(pilot)
        app._following = True  # or it may see within this second that the journal is gone
        repair = Repair(desk)
        # WHEN the next tick fails
        await pilot.press("down", "space")
        await until(pilot, lambda: says(pilot, "NOT SAVED: 1 act"))
        # THEN the old state stays
        assert "open" in row(pilot, "Look at the disks")
        assert says(pilot, "1/3")
        # AND trying again while it still fails keeps it
        await pilot.press("ctrl+r")
        await pilot.pause(0.1)
        await until(pilot, lambda: app.unsaved and not app.saving)
        assert says(pilot, "NOT SAVED: 1 act")
        # AND after the repair it is saved
        repair.done()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "attested" in row(pilot, "Look at the disks"))
        await until(pilot, lambda: says(pilot, "saved 1 after all"))
        assert not says(pilot, "NOT SAVED")
        assert [item for _, item, _ in on_disk(desk)] == ["logs", "disk"]


async def test_a_reason_that_was_typed_is_not_lost(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        repair = Repair(desk)
        await pilot.press("down", "n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt) and pilot.app.focused)
        await pilot.press(*"disk3", "enter")
        await until(pilot, lambda: says(pilot, "NOT SAVED"))
        repair.done()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: says(pilot, "saved 1 after all"))
        texts = [r.event.data.get("text") for r in desk.deck().state.recent()]
        assert "disk3" in texts


async def test_leaving_with_something_unsaved_is_warned_of_once_each_time(desk: Desk) -> None:
    app = desk.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        repair = Repair(desk)
        await pilot.press("down", "space")
        await until(pilot, lambda: says(pilot, "NOT SAVED"))
        await pilot.press("escape", "q")
        await until(pilot, lambda: says(pilot, "something is not saved"))
        repair.done()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: not app.unsaved and not says(pilot, "NOT SAVED"))
        # GIVEN it happens again THEN it is warned of again
        Repair(desk)
        await open_list(pilot, "daily")
        await pilot.press("end", "space")
        await until(pilot, lambda: says(pilot, "NOT SAVED"))
        await pilot.press("escape", "q")
        await until(pilot, lambda: says(pilot, "something is not saved"))
        assert app.return_code is None
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0)


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("write", errno.ENOSPC),
        ("write", errno.EIO),
        ("fsync", errno.EIO),
        ("fsync", errno.ENOSPC),
        ("write", errno.EROFS),
    ],
)
async def test_every_refusal_of_the_system_is_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        whole = (desk.home / "journal" / "box@one.jsonl").read_bytes()

        # There is no full disk to be had here: the one seam is the system call of the writer.
        def refuse(*_: object) -> int:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(f"opsdeck.journal.writing.os.{call}", refuse)
            await pilot.press("down", "space")
            await until(pilot, lambda: says(pilot, "NOT SAVED"))
            assert "open" in row(pilot, "Look at the disks")
        assert (desk.home / "journal" / "box@one.jsonl").read_bytes() == whole
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "attested" in row(pilot, "Look at the disks"))
        assert [item for _, item, _ in on_disk(desk)] == ["logs", "disk"]


async def test_what_others_write_is_followed_while_ones_own_cannot_be_saved(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        repair = Repair(desk)
        await pilot.press("down", "space")
        await until(pilot, lambda: says(pilot, "NOT SAVED"))
        await pilot.pause(1.2)
        repair.done()
        bob = desk.deck("bob", "box@two")
        from opsdeck.runs import acts

        bob.record(acts.attest(bob.locate("daily/mail")))
        await until(pilot, lambda: "bob" in row(pilot, "Answer the mail"))
        assert says(pilot, "NOT SAVED: 1 act")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: says(pilot, "3/3"))


async def test_a_torn_line_of_another_writer_is_told_once_and_costs_nothing_more(
    desk: Desk,
) -> None:
    bob = desk.deck("bob", "box@two")
    from opsdeck.runs import acts

    bob.record(acts.attest(bob.locate("daily/logs")))
    app = desk.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        with (desk.home / "journal" / "box@two.jsonl").open("ab") as out:
            out.write(b'{"seq":3,"at":"2026-11')
        await pilot.pause(3.2)
        assert len(app.deck.faults) <= 1
        assert len(events(app_of(pilot).deck)) == 1


async def test_a_journal_file_that_vanishes_under_the_app_is_told(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await begin(pilot)
        (desk.home / "journal" / "box@one.jsonl").unlink()
        await until(pilot, lambda: says(pilot, "JOURNAL"))
        assert listed(pilot).key == "logs"


async def test_a_journal_folder_that_vanishes_under_the_app_is_told_and_its_return_too(
    desk: Desk,
) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("daily/logs")))
    async with desk.app().run_test(size=(120, 24)) as pilot:
        await open_list(pilot, "daily")
        # WHEN the journal goes, lock files and all, THEN the ticks do not go in silence
        (desk.home / "journal").rename(desk.home / "elsewhere")
        await until(pilot, lambda: says(pilot, "missing: the file is gone, but event 2"))
        # WHEN it comes back, THEN all is as it was
        (desk.home / "elsewhere").rename(desk.home / "journal")
        await until(pilot, lambda: "attested" in row(pilot, "Read the logs"))
        assert not says(pilot, "JOURNAL")


async def test_on_a_shared_account_one_comes_back_to_where_one_was(desk: Desk) -> None:
    desk.home.mkdir()
    Session(desk.home, "bob").keep(Place("deck", "daily", None, "mail"))
    async with desk.app(operator="").run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt) and pilot.app.focused)
        assert says(pilot, "enter go on   esc leave")
        await pilot.press(*"bob", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
        await until(pilot, lambda: listed(pilot).key == "mail")


async def test_on_a_shared_account_the_app_asks_who_one_is(desk: Desk) -> None:
    app = desk.app(operator="")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt) and pilot.app.focused)
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "no name for an operator"))
        pilot.app.screen.query_one(Input).value = "bob"
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "bob · Mon"))
        await open_list(pilot, "daily")
        await pilot.press("space")
        await until(pilot, lambda: "bob" in row(pilot, "Read the logs"))


async def test_who_will_not_say_who_they_are_does_not_get_in(desk: Desk) -> None:
    app = desk.app(operator="")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
        await pilot.press("escape")
        await until(pilot, lambda: app.return_code == 0)
