"""Walking one checklist: finding, moving, past runs, midnight, other operators."""

from __future__ import annotations

from functools import partial

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.screens.deck import DeckScreen
from opsdeck.screens.reader import Reader
from opsdeck.widgets.glyphs import ASCII
from tests.screens.desk import (
    CATALOG,
    Desk,
    app_of,
    checklist_screen,
    listed,
    open_list,
    row,
    says,
    shown,
    until,
)

LONG = CATALOG + "".join(
    f'[[checklist.item]]\nid = "n{n}"\ntext = "Item number {n} of many"\n' for n in range(60)
)


# Finding


async def test_the_list_narrows_as_one_types(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("slash", *"disk")
        await until(pilot, lambda: listed(pilot).keys == ["disk"])
        await until(pilot, lambda: says(pilot, "filter: disk"))
        await pilot.press("enter", "space")
        await until(pilot, lambda: "attested" in row(pilot, "disks"))
        assert listed(pilot).keys == ["disk"], "enter keeps the filter"
        await pilot.press("escape")
        await until(pilot, lambda: len(listed(pilot).keys) == 3)
        assert isinstance(pilot.app.screen, ChecklistScreen)
        assert listed(pilot).key == "disk", "the cursor stays on its item"


@pytest.mark.parametrize("typed", ["", "logs"])
async def test_escape_in_the_filter_shows_all_and_stays_in_the_list(desk: Desk, typed: str) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("slash", *typed, "escape")
        await until(pilot, lambda: listed(pilot).has_focus)
        assert isinstance(pilot.app.screen, ChecklistScreen)
        assert len(listed(pilot).keys) == 3
        assert not pilot.app.screen.query_one("#find").display
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("OPEN", ["logs", "disk", "mail"]),
        ("read logs", ["logs"]),
        ("logs disk", []),
        ("[/]", []),
        ("\\", []),
        ("mail", ["mail"]),
    ],
)
async def test_every_word_must_be_found_somewhere(desk: Desk, query: str, found: list[str]) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        screen = await open_list(pilot, "daily")
        screen._filter(query)
        assert listed(pilot).keys == found
        assert says(pilot, "no item matches") is (not found)


async def test_that_nothing_matches_is_seen_in_a_list_that_was_scrolled(desk: Desk) -> None:
    desk.shipped.write_text(LONG)
    async with desk.app().run_test(size=(80, 24)) as pilot:
        screen = await open_list(pilot, "scaling")
        await pilot.press("end")
        await until(pilot, lambda: listed(pilot).top > 0)
        screen._filter("zzz")
        await pilot.pause()
        assert listed(pilot).top == 0
        screen._filter("")
        await until(pilot, lambda: listed(pilot).key is not None)


# Moving


async def test_tab_goes_to_the_next_open_item_and_around(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("daily/disk")))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("tab")
        await until(pilot, lambda: listed(pilot).key == "mail")
        await pilot.press("tab")
        await until(pilot, lambda: listed(pilot).key == "logs")
        await pilot.press("space", "tab")
        await until(pilot, lambda: listed(pilot).key == "mail")
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, "3/3"))
        await pilot.press("tab")
        await until(pilot, lambda: says(pilot, "nothing is open here"))


async def test_brackets_go_to_the_next_and_the_previous_list(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "infra")
        for key, title in (("]", "Daily operations"), ("]", "Scaling"), ("]", "Infrastructure")):
            await pilot.press(key)
            await until(pilot, lambda said=title: says(pilot, said))  # type: ignore[misc]
        await pilot.press("[")
        await until(pilot, lambda: says(pilot, "Scaling · standing"))
        assert listed(pilot).key == "plan"


@pytest.mark.parametrize(
    ("keys", "at"),
    [
        (("j", "down", "k"), "disk"),
        (("end",), "mail"),
        (("G",), "mail"),
        (("end", "home"), "logs"),
        (("pagedown",), "mail"),
        (("pagedown", "pageup"), "logs"),
        (("up", "k", "pageup"), "logs"),
        (("G", "down", "j"), "mail"),
    ],
)
async def test_the_cursor_moves(desk: Desk, keys: tuple[str, ...], at: str) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press(*keys)
        await until(pilot, lambda: listed(pilot).key == at)


@pytest.mark.parametrize("key", ["enter", "l", "right"])
async def test_an_item_opens_in_full_and_closes(desk: Desk, key: str) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "infra")
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        await until(pilot, lambda: says(pilot, "History, newest first"))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))


async def test_the_item_in_full_tells_everything(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("scaling/plan"), "see the wiki"))
    deck.record(acts.note(deck.locate("scaling/plan"), "page 7"))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "scaling")
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "History, newest first"))
        text = "\n".join(shown(pilot))
        for part in (
            "address: scaling/plan",
            "run: standing/scaling",
            "evidence is good for: 2 d",
            'alice: "page 7"',
            'alice attested: "see the wiki"',
        ):
            assert part in text


# Past runs


async def test_p_goes_back_through_the_runs_and_shift_p_on(desk: Desk) -> None:
    # GIVEN three days, something said on the first
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("daily/logs")))
    desk.clock.forward(days=2)
    async with desk.app().run_test(size=(120, 40)) as pilot:
        await open_list(pilot, "daily")
        assert says(pilot, "Wed 25 Nov")
        await pilot.press("p")
        await until(pilot, lambda: says(pilot, "Tue 24 Nov"))
        assert says(pilot, "missed")
        await pilot.press("p")
        await until(pilot, lambda: says(pilot, "Mon 23 Nov"))
        assert "attested" in row(pilot, "Read the logs")
        await pilot.press("p")
        await until(pilot, lambda: says(pilot, "there is no older run"))
        await pilot.press("P", "P")
        await until(pilot, lambda: says(pilot, "Wed 25 Nov"))
        assert not says(pilot, "has begun")
        await pilot.press("P")
        await until(pilot, lambda: says(pilot, "this is the newest run"))


async def test_the_missed_run_opens_from_the_deck_and_leads_on_to_today(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("scaling/plan")))
    desk.clock.forward(days=1)
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: says(pilot, "missed"))
        assert "Daily operations · Mon 23 Nov: 0 of 3 done" in row(pilot, "missed")
        await pilot.press("home", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))
        await until(pilot, lambda: says(pilot, "missed; ended with"))
        await pilot.press("P")
        await until(pilot, lambda: says(pilot, "due in 21 h"))


async def test_older_releases_come_in_the_order_they_were_started(desk: Desk) -> None:
    deck = desk.deck()
    for name in ("v1.9", "v1.10"):
        deck.record(acts.start_release(name, []))
        desk.clock.forward(minutes=1)
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "infra")
        assert says(pilot, "Infrastructure · v1.10")
        await pilot.press("p")
        await until(pilot, lambda: says(pilot, "Infrastructure · v1.9"))


# The clock and others


async def test_at_midnight_the_new_list_is_shown_and_the_screen_says_so(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, "1/3"))
        desk.clock.forward(hours=21, minutes=22)
        await until(pilot, lambda: says(pilot, "Tue 24 Nov has begun"))
        assert says(pilot, "0/3")
        assert "open" in row(pilot, "Read the logs")
        await pilot.press("p")
        await until(pilot, lambda: says(pilot, "missed; ended with Mon 23 Nov"))
        assert "attested" in row(pilot, "Read the logs")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))
        assert "1 of 3 done" in row(pilot, "missed")


async def test_waivers_and_evidence_end_on_screen_by_the_clock(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("scaling/plan")))
    until_when = {"until": "2026-11-24T03:00+00:00", "zone": "UTC"}
    data = {"run": "standing/scaling", "item": "test", "reason": "r", "approver": "bob"}
    deck.record(Draft(ev.WAIVED, {**data, **until_when}))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "scaling")
        assert "waived" in row(pilot, "The plan was tried")
        desk.clock.forward(hours=25)
        await until(pilot, lambda: "open" in row(pilot, "The plan was tried"))
        desk.clock.forward(hours=24)
        await until(pilot, lambda: "stale" in row(pilot, "A plan exists"))
        assert says(pilot, "1 stale")


@pytest.mark.parametrize("writer", ["box@two", "box@one"])
async def test_the_other_operators_tick_appears_within_two_seconds(desk: Desk, writer: str) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("space")
        await until(pilot, lambda: says(pilot, "1/3"))
        bob = desk.deck("bob", writer)
        bob.record(acts.attest(bob.locate("daily/disk")))
        await until(pilot, lambda: "bob 02:38" in row(pilot, "Look at the disks"), 2.0)
        assert says(pilot, "bob attested disk")
        # AND what both do on one item is in its history
        bob.record(acts.take_back(bob.locate("daily/logs")))
        await until(pilot, lambda: "open" in row(pilot, "Read the logs"), 2.0)
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "History, newest first"))
        assert says(pilot, "bob took back")
        assert says(pilot, "alice attested")


# The catalog while it is open


async def test_good_edits_appear_bad_ones_are_told_and_the_last_good_one_stays(
    desk: Desk,
) -> None:
    async with desk.app().run_test(size=(120, 40)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("down")
        desk.shipped.write_text(CATALOG.replace("Read the logs", "Read all the logs"))
        await until(pilot, lambda: says(pilot, "Read all the logs"))
        desk.shipped.write_text(CATALOG.replace('id = "daily"', "id = "))
        await until(pilot, lambda: says(pilot, "CATALOG"))
        assert says(pilot, "shipped.toml:20:6")
        assert says(pilot, "Read all the logs")
        await pilot.press("space")
        await until(pilot, lambda: "attested" in row(pilot, "Look at the disks"))
        desk.shipped.write_text(CATALOG)
        await until(pilot, lambda: not says(pilot, "CATALOG"))
        assert "open" in row(pilot, "Read the logs")
        assert listed(pilot).key == "disk"


async def test_a_teams_catalog_that_comes_later_is_taken(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        desk.team.write_text('omit = ["daily/mail"]\n')
        await until(pilot, lambda: listed(pilot).keys == ["logs", "disk"])
        desk.team.unlink()
        await until(pilot, lambda: len(listed(pilot).keys) == 3)


async def test_the_item_and_then_the_list_are_taken_out_under_the_cursor(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("end")
        gone = CATALOG.replace('[[checklist.item]]\nid = "mail"\ntext = "Answer the mail"\n', "")
        desk.shipped.write_text(gone)
        await until(pilot, lambda: listed(pilot).key == "disk")
        desk.team.write_text('omit = ["daily"]\n')
        await until(pilot, lambda: says(pilot, "no longer in the catalog"))
        await pilot.press("space", "n", "u", "p", "tab", "enter", "]", "slash", "escape")
        await pilot.pause()
        assert checklist_screen(pilot).checklist is None
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))
        assert not says(pilot, "Daily")


# What a row looks like

HOSTILE = """
[[checklist]]
id = "hostile"
title = "[/] [red]\\u001b[31mtitle\\u202e"
section = "\\u001b]0;owned\\u0007 [b]"
cadence = "standing"
"""
TEXTS = [
    "\\u001b[2J[31mred",
    "[/]",
    "[red]x[/red] [@click=app.quit]y[/]",
    "\\u202egnp.exe \\u2066",
    "x" * 4_000,
    "日本語" * 50,
    "👩‍🚀 family 👨‍👩‍👧 flag 🇩🇪",
    "e\u0301\u0301\u0301 zalgo",
    "tab\\there",
    "\\u009b31m C1",
]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (61, 20)])
async def test_hostile_texts_neither_steer_nor_bend_a_row(
    desk: Desk, size: tuple[int, int]
) -> None:
    # GIVEN the worst texts, guides, notes and names
    items = "".join(
        f'[[checklist.item]]\nid = "i{n}"\ntext = "{t}"\nguide = "{t}"\nuses = "f{n}"\n'
        for n, t in enumerate(TEXTS)
    )
    desk.shipped.write_text(HOSTILE + items, encoding="utf-8")
    evil = desk.deck("e\x1b[31mvil\u202e[/]", "evil@x")
    for n, text in enumerate(TEXTS):
        data = {"run": "standing/hostile", "item": f"i{n}"}
        evil.record(Draft(ev.ATTESTED, {**data, "note": text[:4000]}))
        evil.record(Draft(ev.NOTED, {**data, "text": text[:4000]}))
    app = desk.app()
    async with app.run_test(size=size) as pilot:
        await open_list(pilot, "hostile")
        rows = listed(pilot)
        await until(pilot, lambda: rows._built_for == rows.size.width)
        assert rows.keys == [f"i{n}" for n in range(len(TEXTS))]
        # THEN every row has exactly its cells, and no control gets through anywhere
        for y in range(len(rows.keys)):
            assert rows.render_line(y).cell_length == rows.size.width
        for line in rows._lines:
            assert sum(cell_len(part.text) for part in line) <= rows.size.width
        for key in ("enter", "escape", "1", "2", "6", "enter"):
            await pilot.press(key)
            await pilot.pause(0.02)
            for text in shown(pilot):
                assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in text)
                assert "\u202e" not in text


async def test_a_hostile_release_of_another_writer_is_shown_harmlessly(desk: Desk) -> None:
    evil = desk.deck("evil", "evil@x")
    evil.record(Draft(ev.RELEASE_STARTED, {"release": "\x1b[31mv9\u202e"}))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: says(pilot, "␛[31mv9"))
        await open_list(pilot, "infra")
        await pilot.press("space")
        await pilot.press("escape", "2", "6")
        await pilot.pause()
        assert not any("\x1b" in line for line in shown(pilot))


async def test_in_ascii_everything_is_ascii(desk: Desk) -> None:
    deck = desk.deck("Zoë", "box@two")
    deck.record(acts.note(deck.locate("daily/logs"), "naïve – “quoted” 日本"))
    app = desk.app(ASCII, shipped=True)
    async with app.run_test(size=(80, 24)) as pilot:
        for checklist in app.deck.catalog.checklists[::5]:
            await open_list(pilot, checklist.id)
            assert "\n".join(shown(pilot)).isascii()
            await pilot.press("enter")
            await pilot.pause()
            assert "\n".join(shown(pilot)).isascii()
            await pilot.press("escape")
        for key in ("question_mark", "escape", "escape", "1", "2", "6"):
            await pilot.press(key)
            await pilot.pause()
            assert "\n".join(shown(pilot)).isascii()
    assert app_of(pilot).glyphs.ascii


async def test_a_command_on_a_line_of_its_own_stands_apart_without_colour(desk: Desk) -> None:
    desk.shipped.write_text(
        desk.shipped.read_text().replace(
            'text = "Read the logs"',
            'text = "Read the logs"\n'
            'guide = "Look at `dmesg` first.\\n`journalctl -u app -n 50`\\nGood is\\nno line."',
            1,
        )
    )
    async with desk.app().run_test(size=(80, 24)) as pilot:
        screen = await open_list(pilot, "daily")
        detail, text = screen.view("detail"), "   journalctl -u app -n 50"
        await until(pilot, lambda: text in detail.plain_lines())
        lines = detail.plain_lines()
        at = lines.index(text)
        assert [lines[at - 1], lines[at + 1]] == [" Look at dmesg first.", " Good is no line."]
        # WHEN that is more than there is room for, THEN everything flows
        long = desk.shipped.read_text().replace("Good is", "Good is " + "much, " * 250)
        desk.shipped.write_text(long)
        await until(pilot, lambda: says(pilot, "first. journalctl"))


async def test_the_line_of_progress_is_cut_with_an_ellipsis_and_the_filter_stays(
    desk: Desk,
) -> None:
    async with desk.app().run_test(size=(40, 24)) as pilot:
        await open_list(pilot, "infra")
        await pilot.press("slash", *"fire", "enter")
        await until(pilot, lambda: says(pilot, "filter: fire"))
        (line,) = [text for text in shown(pilot) if "1/3" in text]
        assert line.endswith("…")
        assert cell_len(line) < 40


def _copied(pilot: Pilot[int], text: str) -> bool:
    return pilot.app.clipboard == text


async def test_y_copies_the_commands_of_the_guide_one_by_one_and_runs_nothing(desk: Desk) -> None:
    # GIVEN a guide with two commands, a word in backticks, and an escape sequence in one of them
    desk.shipped.write_text(
        desk.shipped.read_text().replace(
            'text = "Read the logs"',
            'text = "Read the logs"\n'
            'guide = "Type `journalctl -u\\n app` and `tail -f\\u001b]0;x LOG`; `ok` is fine."',
            1,
        )
    )
    async with desk.app().run_test(size=(100, 24)) as pilot:
        await open_list(pilot, "daily")
        # WHEN y is typed three times THEN each command comes in turn, harmless, and none twice
        for wanted in ("journalctl -u app", "tail -f\u241b]0;x LOG", "journalctl -u app"):
            await pilot.press("y")
            await until(pilot, partial(_copied, pilot, wanted))
        assert says(pilot, "copied 1 of 2: journalctl -u app")
        # AND an item without any says so
        await pilot.press("down", "y")
        await until(pilot, lambda: says(pilot, "no command to copy"))
        assert desk.deck().state.count == 0
