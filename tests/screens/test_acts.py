"""Keys that act on an item: on disk first, then on the screen, on the item that was meant."""

from __future__ import annotations

import pytest
from textual.events import Key, Paste
from textual.widgets import Input

from opsdeck.runs import acts
from opsdeck.screens.deck import DeckScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.signoff.releases import release_of
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

_NAMES = {" ": "space", "/": "slash", "\r": "enter", "\x1b": "escape", "↓": "down"}


def chunk(pilot: AppPilot, keys: str) -> None:
    """Keys as a slow line brings them: all at once."""
    for key in keys:
        pilot.app.post_message(Key(_NAMES.get(key, key), key if key.isprintable() else None))


def prompt(pilot: AppPilot) -> Prompt:
    screen = pilot.app.screen
    assert isinstance(screen, Prompt)
    return screen


async def fill(pilot: AppPilot, *lines: str) -> None:
    """Wait for the form and send its lines, enter after each."""
    await until(pilot, lambda: isinstance(pilot.app.screen, Prompt) and pilot.app.focused)
    for line, field in zip(lines, prompt(pilot).query(Input), strict=True):
        field.focus()
        field.value = line
        await pilot.pause()
        await pilot.press("enter")


# Ticking


async def test_space_attests_and_takes_back(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("space")
        await until(pilot, lambda: "attested" in row(pilot, "Read the logs"))
        assert "alice 02:38" in row(pilot, "Read the logs")
        assert says(pilot, "1/3")
        assert on_disk(desk) == [("item.attested", "logs", "alice")]
        await pilot.press("space")
        await until(pilot, lambda: "open" in row(pilot, "Read the logs"))
        assert on_disk(desk)[1:] == [("item.reopened", "logs", "alice")]


async def test_keys_that_arrive_at_once_act_on_the_items_they_were_meant_for(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        chunk(pilot, " ↓ ↓ ")
        await until(pilot, lambda: len(events(app_of(pilot).deck)) == 3)
        assert [item for _, item, _ in on_disk(desk)] == ["logs", "disk", "mail"]
        assert says(pilot, "3/3")


async def test_a_double_tap_ticks_once(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        chunk(pilot, "  ")
        await until(pilot, lambda: events(app_of(pilot).deck))
        await pilot.pause(0.1)
        kinds = [kind for kind, _, _ in on_disk(desk)]
        assert kinds in (["item.attested"], ["item.attested", "item.reopened"])


async def test_a_tick_and_leaving_at_once_loses_no_tick(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        chunk(pilot, " \x1b")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))
        await until(pilot, lambda: events(app_of(pilot).deck))
        assert on_disk(desk) == events(app_of(pilot).deck) == [("item.attested", "logs", "alice")]
        await until(pilot, lambda: says(pilot, "alice attested"))
        assert "1/3" in row(pilot, "Daily operations")


async def test_undo_behind_a_tick_undoes_that_tick(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        chunk(pilot, " ↓ u")
        await until(pilot, lambda: len(events(app_of(pilot).deck)) == 3)
        assert on_disk(desk)[2] == ("item.undone", "disk", "alice")
        assert "attested" in row(pilot, "Read the logs")
        assert "open" in row(pilot, "Look at the disks")


async def test_two_undos_at_once_undo_two_acts(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        chunk(pilot, " ↓ uu")
        await until(pilot, lambda: len(events(app_of(pilot).deck)) == 4)
        assert {item for kind, item, _ in on_disk(desk) if kind == "item.undone"} == {
            "logs",
            "disk",
        }


async def test_what_is_typed_behind_n_goes_into_the_note(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        chunk(pilot, "nhqudo x\r")
        await until(pilot, lambda: events(app_of(pilot).deck))
        assert on_disk(desk) == [("item.noted", "logs", "alice")]
        (recorded,) = [r for r in app_of(pilot).deck.state.recent() if "text" in r.event.data]
        assert recorded.event.data["text"] == "hqudo x"


async def test_what_is_pasted_behind_n_goes_into_the_note(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        chunk(pilot, "n")
        pilot.app.post_message(Paste("OPS-17 [red]"))
        chunk(pilot, "!\r")
        await until(pilot, lambda: events(app_of(pilot).deck))
        (recorded,) = [r for r in app_of(pilot).deck.state.recent() if "text" in r.event.data]
        assert recorded.event.data["text"] == "OPS-17 [red]!"


async def test_enter_and_space_at_once_tick_in_the_list_that_opens(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: listed(pilot).has_focus)
        chunk(pilot, "2")
        chunk(pilot, "↓\r ")
        await until(pilot, lambda: events(app_of(pilot).deck))
        assert on_disk(desk) == [("item.attested", "logs", "alice")]


# A list that needs a release


async def test_the_first_tick_of_a_release_list_asks_for_the_release(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "infra")
        assert says(pilot, "no release is open: R starts one")
        chunk(pilot, "  ")
        await fill(pilot, "v1.4.2", "", "", "")
        await until(pilot, lambda: "attested" in row(pilot, "Certificate valid"))
        assert says(pilot, "v1.4.2")
        assert on_disk(desk) == [("item.attested", "tls", "alice")]
        assert [r.name for r in desk.deck().releases()] == ["v1.4.2"]


async def test_cancelling_the_release_records_nothing(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "infra")
        await pilot.press("space")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Prompt))
        assert not (desk.home / "journal").exists()
        await pilot.press("space")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))


async def test_r_refuses_what_cannot_be_a_release_and_keeps_what_was_typed(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await pilot.press("R")
        await fill(pilot, "v 1/2", "with notes", "Tue 22:00", "sales")
        await until(pilot, lambda: says(pilot, "cannot name a release"))
        typed = ["v 1/2", "with notes", "Tue 22:00", "sales"]
        assert [i.value for i in prompt(pilot).query(Input)] == typed
        await fill(pilot, "v1", "with notes", "Tue 22:00", "sales")
        await until(pilot, lambda: says(pilot, "release v1 started"))
        await pilot.press("R")
        await fill(pilot, "v1", "", "", "")
        await until(pilot, lambda: says(pilot, "already started"))
    found = release_of(desk.deck().state, "v1")
    assert found is not None
    assert (found.note, found.said("window")) == ("with notes", "Tue 22:00")
    assert found.said("stakeholders") == "sales"


# Forms


async def test_a_form_of_four_lines_fits_a_low_terminal_with_what_is_wrong(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 16)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))
        await pilot.press("R")
        await fill(pilot, "v 1", "", "", "")
        await until(pilot, lambda: says(pilot, "cannot name a release"))
        foot = prompt(pilot).query_one("#foot")
        await until(pilot, lambda: foot.region.height > 0 and foot.region.bottom <= 15)


async def test_a_waiver_needs_reason_approver_and_a_moment_to_come(desk: Desk) -> None:
    async with desk.app(timezone="Europe/Berlin").run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        for lines, problem in [
            (("", "bob", "7d"), "a reason is needed"),
            (("old kit", "", "7d"), "approver is needed"),
            (("old kit", "bob", "yesterday"), "is no moment"),
            (("old kit", "bob", "2020-01-01"), "in the past"),
            (("old kit", "bob", "2026-12-01 18:00 Mars/Base"), "zone"),
        ]:
            if not isinstance(pilot.app.screen, Prompt):
                await pilot.press("w")
                await until(pilot, lambda: says(pilot, "enter next line   esc cancel"))
            await fill(pilot, *lines)
            await until(pilot, lambda said=problem: says(pilot, said))  # type: ignore[misc]
            assert says(pilot, "enter record   esc cancel"), "the last line records"
            kept = tuple(i.value for i in prompt(pilot).query(Input))
            assert kept == lines, "what was typed stays"
        assert not (desk.home / "journal").exists()
        await fill(pilot, "old kit", "bob", "2026-12-01 18:00 Asia/Kolkata")
        await until(pilot, lambda: "waived" in row(pilot, "Read the logs"))
        (recorded,) = [r for r in app_of(pilot).deck.state.recent() if "until" in r.event.data]
        assert recorded.event.data["until"] == "2026-12-01T18:00+05:30"
        assert recorded.event.data["zone"] == "Asia/Kolkata"
        assert recorded.event.data["approver"] == "bob"


@pytest.mark.parametrize(
    ("key", "lines", "state"),
    [
        ("d", ("not now", "7d"), "deferred"),
        ("d", ("not now", ""), "deferred"),
        ("o", ("agreed with bob",), "overridden"),
        ("x", ("we have none",), "inactive"),
    ],
)
async def test_other_acts_ask_for_a_reason(
    desk: Desk, key: str, lines: tuple[str, ...], state: str
) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press(key)
        await fill(pilot, *("" for _ in lines))
        await until(pilot, lambda: says(pilot, "a reason is needed"))
        await fill(pilot, *lines)
        await until(pilot, lambda: state in row(pilot, "Read the logs"))
        # AND u takes it back
        await pilot.press("u")
        await until(pilot, lambda: "open" in row(pilot, "Read the logs"))
        assert says(pilot, "undone:")


async def test_what_holds_is_not_overridden(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("space")
        await until(pilot, lambda: "attested" in row(pilot, "Read the logs"))
        await pilot.press("o")
        await until(pilot, lambda: says(pilot, "nothing to override"))
        assert not isinstance(pilot.app.screen, Prompt)


@pytest.mark.parametrize(
    "text",
    [
        "[/]",
        "[red]not red[/red]",
        "a\x1b[31mb\x9bc",
        "日本 " * 30,
        "x" * 4000,
        "e\u0301👩‍🚀",
        "\u200d\u200d日本 a\u200d\u200d日" * 20,
    ],
)
async def test_any_note_is_kept_and_shown_harmlessly(desk: Desk, text: str) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("n")
        await fill(pilot, text)
        await until(pilot, lambda: events(app_of(pilot).deck))
        (recorded,) = [r for r in app_of(pilot).deck.state.recent() if "text" in r.event.data]
        assert recorded.event.data["text"] == text.strip()
        await until(pilot, lambda: "≡" in row(pilot, "Read the logs"))
        assert not any("\x1b" in line or "\x9b" in line for line in listed(pilot).plain_lines())
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "History, newest first"))


async def test_a_note_of_4001_characters_is_refused_and_stays_in_the_form(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("n")
        await fill(pilot, "x" * 4001)
        await until(pilot, lambda: says(pilot, "4,001 characters; at most 4,000 fit"))
        assert len(prompt(pilot).query_one(Input).value) == 4001


# Undo


async def test_undo_reaches_across_a_restart_but_not_across_operators(desk: Desk) -> None:
    desk_deck = desk.deck()
    desk_deck.record(acts.attest(desk_deck.locate("daily/logs")))
    async with desk.app(operator="bob").run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("u")
        await until(pilot, lambda: says(pilot, "nothing of bob's to undo"))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("u")
        await until(pilot, lambda: says(pilot, "undone: attested at 02:38: Read the logs"))
        assert "open" in row(pilot, "Read the logs")
        await pilot.press("u")
        await until(pilot, lambda: says(pilot, "nothing of alice's to undo"))
    assert on_disk(desk) == [("item.attested", "logs", "alice"), ("item.undone", "logs", "alice")]


async def test_what_was_done_long_ago_is_not_undone_by_a_key(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "scaling")
        await pilot.press("space")
        await until(pilot, lambda: "attested" in row(pilot, "A plan exists"))
        desk.clock.forward(hours=25)
        await pilot.press("u")
        await until(pilot, lambda: says(pilot, "too long ago"))


async def test_midnight_while_a_form_is_open_records_in_the_run_that_was_shown(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
        desk.clock.forward(days=1)
        await fill(pilot, "seen late")
        await until(pilot, lambda: events(app_of(pilot).deck))
        (recorded,) = [r for r in app_of(pilot).deck.state.recent() if "text" in r.event.data]
        assert recorded.event.data["run"] == "daily/2026-11-23"
