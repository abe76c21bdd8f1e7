"""Screens, keys, help, palette, keymap, journal, and where one comes back to."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable
from typing import Any

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widgets import Input, OptionList

import opsdeck.screens
import opsdeck.widgets
from opsdeck.app import OpsDeckApp
from opsdeck.catalog.config import Ui
from opsdeck.journal import events as ev
from opsdeck.journal.store import Loaded
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.screens.checklists import ChecklistsScreen
from opsdeck.screens.deck import DeckScreen
from opsdeck.screens.journal import JournalScreen
from opsdeck.screens.keymap import keymap_of
from opsdeck.screens.loading import LoadingScreen
from opsdeck.screens.palette import Palette
from opsdeck.screens.reader import Reader
from opsdeck.session import Place, Session
from opsdeck.widgets.glyphs import ASCII, UNICODE
from tests.screens.desk import (
    AppPilot,
    Desk,
    app_of,
    listed,
    open_list,
    row,
    says,
    shown,
    until,
)

SIZES = [(80, 24), (60, 15), (40, 10), (200, 60), (1, 1)]


def on(pilot: AppPilot, screen: type) -> Callable[[], bool]:
    """Whether this screen is in front."""
    return lambda: isinstance(pilot.app.screen, screen)


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_opens_at_every_size(desk: Desk, size: tuple[int, int]) -> None:
    async with desk.app(shipped=True).run_test(size=size) as pilot:
        await open_list(pilot, "infrastructure")
        for keys in (
            ("down", "enter", "down", "q", "question_mark", "escape"),
            ("n", "escape", "R", "escape", "slash", "x", "escape", "escape"),
            ("2", "down", "enter", "escape", "6", "z", "1", "ctrl+p", "escape"),
        ):
            await pilot.press(*keys)
            await pilot.pause()
        await pilot.resize_terminal(size[0] + 30, size[1] + 7)
        await pilot.resize_terminal(*size)
        await until(pilot, on(pilot, DeckScreen))


async def test_a_narrow_window_holds_what_stands_where_nothing_has_happened(desk: Desk) -> None:
    async with desk.app().run_test(size=(40, 12)) as pilot:
        for key in ("1", "6"):
            await pilot.press(key)
            await until(pilot, lambda: says(pilot, "nothing yet: what you tick and note"))
            assert [line for line in shown(pilot) if len(line) > 40] == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_keys_of_a_list_are_named_on_its_last_line(
    desk: Desk, size: tuple[int, int]
) -> None:
    async with desk.app().run_test(size=size) as pilot:
        await open_list(pilot, "daily")
        await until(pilot, lambda: "space attest" in shown(pilot)[-1])
        keys = shown(pilot)[-1]
        for named in ("space attest", "n note", "w waive", "d defer", "o override", "u undo"):
            assert named in keys
        assert keys.endswith("? help")
        assert len(keys) <= size[0]


async def test_digits_switch_and_q_leaves(desk: Desk) -> None:
    app = desk.app()
    async with app.run_test(size=(80, 24)) as pilot:
        for digit, screen in (("2", ChecklistsScreen), ("6", JournalScreen), ("1", DeckScreen)):
            await pilot.press(digit)
            await until(pilot, on(pilot, screen))
        await pilot.press("2", "end", "enter")
        await until(pilot, on(pilot, ChecklistScreen))
        await pilot.press("1")
        await until(pilot, on(pilot, DeckScreen))
        await pilot.press("2")
        await until(pilot, on(pilot, ChecklistsScreen))
        await pilot.press("q")
        await until(pilot, lambda: app.return_code == 0)


async def test_the_lists_show_sections_progress_and_what_is_due(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("daily/logs")))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await until(pilot, on(pilot, ChecklistsScreen))
        await until(pilot, lambda: says(pilot, "Operations ─"))
        daily = row(pilot, "Daily operations")
        assert "1/3" in daily
        assert "due in 21 h" in daily
        assert "no release" in row(pilot, "Infrastructure")


# The header


@pytest.mark.parametrize(
    ("width", "operator", "wanted"),
    [
        (80, "root", "default    Environment Configuration · no rele…  root · Mon 02:38 UTC"),
        (80, "x" * 64, "default    Environment Configurati…  xxxxxxxxxxxxxxx… · Mon 02:38 UTC"),
        (40, "alice", " Environment Configuration · no release"),
    ],
)
async def test_the_header_tells_where_one_is_whatever_the_width(
    desk: Desk, width: int, operator: str, wanted: str
) -> None:
    async with desk.app(shipped=True, operator=operator).run_test(size=(width, 24)) as pilot:
        await open_list(pilot, "environment-configuration")
        await until(pilot, lambda: shown(pilot)[0].endswith(wanted))


# Help


async def test_help_names_every_key_that_applies_here(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 100)) as pilot:
        screen = await open_list(pilot, "daily")
        wanted = {
            a.binding.tooltip
            for a in screen.active_bindings.values()
            if a.enabled and (a.binding.id or "").split(".")[0] in ("item", "list", "run", "go")
        }
        await pilot.press("question_mark")
        await until(pilot, lambda: says(pilot, "Keys here"))
        assert len(wanted) > 15
        for tooltip in wanted:
            assert says(pilot, tooltip)
        # AND the id that opsdeck.toml's [keys] wants stands beside it
        (line,) = [text for text in shown(pilot) if "Write a note beside it" in text]
        assert line.endswith(" item.note")
        assert says(pilot, "put off, with a reason")
        assert says(pilot, "full within four hours")
        await pilot.press("question_mark", "escape")
        await until(pilot, on(pilot, ChecklistScreen))


async def test_help_in_ascii_names_the_arrows(desk: Desk) -> None:
    async with desk.app(ASCII).run_test(size=(80, 100)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("question_mark")
        await until(pilot, lambda: says(pilot, "Keys here"))
        (line,) = [text for text in shown(pilot) if "One row up" in text]
        assert line.split()[0] == "up"


def all_classes() -> list[type]:
    """Every class of the screens and widgets that may have bindings, and the app."""
    classes: set[type] = {OpsDeckApp}
    for package in (opsdeck.screens, opsdeck.widgets):
        for module in pkgutil.iter_modules(package.__path__):
            found = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
            classes |= {c for c in found.values() if isinstance(c, type) and issubclass(c, DOMNode)}
    return sorted(
        (c for c in classes if c.__module__.startswith("opsdeck.")), key=lambda c: c.__qualname__
    )


@pytest.mark.parametrize("cls", all_classes(), ids=lambda c: c.__name__)
def test_every_binding_has_an_id_and_a_tooltip(cls: type) -> None:
    for binding in Binding.make_bindings(vars(cls).get("BINDINGS", ())):
        assert binding.id, binding
        assert binding.tooltip, binding


def test_an_id_names_one_thing() -> None:
    actions: dict[str, set[str]] = {}
    for cls in all_classes():
        for binding in Binding.make_bindings(vars(cls).get("BINDINGS", ())):
            actions.setdefault(str(binding.id), set()).add(binding.action)
    assert {name: found for name, found in actions.items() if len(found) > 1} == {}


# Palette


async def look_up(pilot: AppPilot, text: str) -> None:
    """Type into the palette and take the first hit."""
    await pilot.press("ctrl+p")
    await until(pilot, on(pilot, Palette))
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    pilot.app.screen.query_one(Input).value = text
    options = pilot.app.screen.query_one(OptionList)
    await until(pilot, lambda: options.option_count and text in str(options.options[0].prompt))
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, Palette))


async def test_the_palette_finds_screens_lists_and_items(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await look_up(pilot, "Look at the disks")
        await until(pilot, lambda: on(pilot, ChecklistScreen)() and listed(pilot).key == "disk")
        await look_up(pilot, "Scaling")
        await until(pilot, lambda: says(pilot, "Scaling · standing"))
        await look_up(pilot, "Journal")
        await until(pilot, on(pilot, JournalScreen))


async def test_the_palette_has_every_screen_and_list_before_anything_is_typed(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 40)) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, on(pilot, Palette))
        options = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count == 10)
        names = "\n".join(str(option.prompt) for option in options.options)
        for name in (
            "Deck",
            "Checklists",
            "Gauges",
            "Playbooks",
            "Sign-off",
            "Journal",
            "Help",
            "Infrastructure",
            "Scaling",
        ):
            assert name in names


async def test_markup_in_a_title_is_no_markup_in_the_palette(desk: Desk) -> None:
    text = desk.shipped.read_text()
    desk.shipped.write_text(
        text.replace("Read the logs", "[/] [red]Read[/]").replace('"Daily operations"', '"[/b] D"')
    )
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await look_up(pilot, "[/] [red]Read[/]")
        await until(pilot, lambda: on(pilot, ChecklistScreen)() and listed(pilot).key == "logs")


# Keymap


async def test_the_operators_keys_replace_the_usual_ones(desk: Desk) -> None:
    keys = {"item.attest": "t,f5", "item.undo": "ctrl+z", "go.checklists": "L"}
    async with desk.app(keys=keys).run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await until(pilot, lambda: "t attest" in shown(pilot)[-1])
        await pilot.press("space")
        await pilot.pause(0.05)
        assert "open" in row(pilot, "Read the logs")
        await pilot.press("f5")
        await until(pilot, lambda: "attested" in row(pilot, "Read the logs"))
        await pilot.press("ctrl+z")
        await until(pilot, lambda: "open" in row(pilot, "Read the logs"))
        await pilot.press("L")
        await until(pilot, on(pilot, ChecklistsScreen))
        assert not says(pilot, "KEYS")


@pytest.mark.parametrize(
    ("keys", "says_so"),
    [
        ({"item.atest": "t"}, "did you mean item.attest?"),
        ({"zzz": "t"}, '"zzz" is no key to set'),
        ({"item.attest": "n"}, "would take the key of item.note"),
        ({"item.attest": "?"}, "would take the key of app.help"),
        ({"item.attest": "enter"}, "would take the key of list.open"),
        ({"item.attest": "a", "item.note": "a"}, "would take the key of"),
        ({"item.attest": ""}, "is no key"),
        ({"item.attest": "ctrl+nonsense"}, "is no key"),
        ({"item.attest": "[/]"}, "is no key"),
        ({"\x1b[31m": "t"}, "is no key to set"),
    ],
)
async def test_a_key_that_cannot_be_set_is_told_and_the_usual_one_stays(
    desk: Desk, keys: dict[str, str], says_so: str
) -> None:
    async with desk.app(keys=keys).run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: says(pilot, says_so))
        assert says(pilot, "KEYS opsdeck.toml, [keys]")
        await open_list(pilot, "daily")
        if "item.note" not in keys:
            await pilot.press("space")
            await until(pilot, lambda: "attested" in row(pilot, "Read the logs"))


def test_two_bindings_may_change_places() -> None:
    keymap = keymap_of(OpsDeckApp, {"item.attest": "n", "item.note": "space"})
    assert keymap == ({"item.attest": "n", "item.note": "space"}, [])
    assert keymap_of(OpsDeckApp, {"app.quit": "q", "item.attest": "space"}).problems == []


# The journal


async def test_the_journal_pages_back_through_everything_and_shows_an_event_in_full(
    desk: Desk,
) -> None:
    deck = desk.deck()
    for start in range(0, 3000, 500):
        data = [
            {"run": "daily/2026-11-23", "item": "logs", "text": f"note {start + n}"}
            for n in range(500)
        ]
        deck.record(*(Draft(ev.NOTED, d) for d in data))
        desk.clock.forward(seconds=1)
    app = desk.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        await until(pilot, on(pilot, JournalScreen))
        assert says(pilot, "3,001 events")
        rows = listed(pilot)
        assert "note 2999" in rows.plain_lines()[0]
        for _ in range(40):
            await pilot.press("end")
            await pilot.pause()
            if len(rows.keys) == 3001:
                break
        await until(pilot, lambda: len(rows.keys) == 3001)
        assert len(set(rows.keys)) == 3001
        await pilot.press("end")
        assert "journal opened" in rows.plain_lines()[-1]
        await pilot.press("enter")
        await until(pilot, on(pilot, Reader))
        assert says(pilot, '"type": "journal.opened"')
        assert says(pilot, '"prev": "0000')


async def test_nothing_is_missing_after_much_happened_while_one_was_elsewhere(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.note(deck.locate("daily/logs"), "first"))
    app = desk.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: says(pilot, "first"))
        await pilot.press("1")
        await until(pilot, on(pilot, DeckScreen))
        where = app.deck.locate("daily/logs")
        app.deck.record(*(acts.note(where, f"note {n}") for n in range(900)))
        await pilot.press("6")
        await until(pilot, on(pilot, JournalScreen))
        rows = listed(pilot)
        for _ in range(20):
            await pilot.press("end")
            await pilot.pause()
        await until(pilot, lambda: len(rows.keys) == 902)
        assert [f"note {899 - n}" in line for n, line in enumerate(rows.plain_lines()[:900])] == [
            True
        ] * 900


async def test_times_are_shown_in_the_decks_zone_or_in_utc(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("daily/logs")))
    async with desk.app(timezone="Asia/Kolkata").run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: says(pilot, "2026-11-23 08:08:07"))
        await pilot.press("z")
        await until(pilot, lambda: says(pilot, "2026-11-23 02:38:07"))
        assert says(pilot, "UTC")


async def test_a_new_event_comes_on_top_and_the_cursor_stays_on_its_own(desk: Desk) -> None:
    deck = desk.deck()
    for n in range(3):
        deck.record(acts.note(deck.locate("daily/logs"), f"note {n}"))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: says(pilot, "note 2"))
        newest = listed(pilot).key
        await pilot.press("down")
        await until(pilot, lambda: listed(pilot).key != newest)
        key = listed(pilot).key
        deck.record(acts.note(deck.locate("daily/logs"), "note 3"))
        await until(pilot, lambda: says(pilot, "note 3"))
        assert listed(pilot).key == key


# Coming back


@pytest.mark.parametrize(
    "place",
    [
        Place("checklists", "daily", None, "disk"),
        Place("deck", "daily", "daily/2026-11-22", "mail"),
        Place("checklists", None, None, "scaling"),
        Place("journal"),
        Place("deck", None, None, "list scaling"),
    ],
)
async def test_a_session_that_was_cut_off_goes_on_where_it_was(desk: Desk, place: Place) -> None:
    desk.home.mkdir()
    Session(desk.home, "alice").keep(place)
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app_of(pilot).current_mode == place.mode)
        if place.checklist:
            await until(pilot, on(pilot, ChecklistScreen))
        if place.key:
            await until(pilot, lambda: listed(pilot).key == place.key)


@pytest.mark.parametrize(
    "place",
    [
        Place("nonsense"),
        Place("deck", "no-such-list", None, "x"),
        Place("deck", "daily", "nonsense", "x"),
        Place("deck", "daily", "daily/0001-01-01", "logs"),
        Place("deck", "infra", "release/\x1b[31m/infra", "tls"),
        Place("checklists", None, None, "no-such-list"),
    ],
)
async def test_a_place_that_is_no_more_does_no_harm(desk: Desk, place: Place) -> None:
    desk.home.mkdir()
    Session(desk.home, "alice").keep(place)
    async with desk.app(timezone="Asia/Kolkata").run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        await pilot.press("escape", "1")
        await until(pilot, on(pilot, DeckScreen))
        assert not any("\x1b" in line for line in shown(pilot))


async def test_the_place_is_kept_as_one_goes_and_forgotten_when_one_leaves(desk: Desk) -> None:
    app = desk.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await pilot.press("space", "down")
        wanted = Place("deck", "daily", None, "disk")
        await until(pilot, lambda: Session(desk.home, "alice").read() == wanted)
        await pilot.press("n")
        await pilot.press("escape", "escape", "q")
        await until(pilot, lambda: app.return_code == 0)
    assert Session(desk.home, "alice").read() is None


async def test_a_place_that_waits_to_be_kept_is_forgotten_when_one_leaves(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("daily/logs")))  # a deck that was never used keeps no place
    app = desk.app()
    held = threading.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        await until(pilot, lambda: Session(desk.home, "alice").read() is not None)
        # GIVEN a disk that is slow, and a place that waits for it
        app.run_worker(app.journal_thread.run(lambda: held.wait(20)))
        await pilot.press("down")
        await until(pilot, lambda: app.journal_thread.pending >= 2)
        # WHEN one leaves by choice THEN it is not kept after all
        await pilot.press("escape", "q")
        await until(pilot, lambda: app.return_code == 0)
        held.set()
    assert app.journal_thread.wait_idle(20)
    assert Session(desk.home, "alice").read() is None


# A long journal is read behind a progress bar


async def test_while_the_journal_is_read_keys_wait_and_nothing_breaks(desk: Desk) -> None:
    deck = desk.deck()
    deck.record(acts.attest(deck.locate("daily/logs")))
    fresh = desk.deck()
    fresh.state = type(fresh.state)()
    go_on = threading.Event()
    load = fresh.journal.load

    def slowly(progress: Any = None) -> Loaded:
        if progress:
            progress(30, 100)
        go_on.wait(5)
        return load(progress)

    fresh.journal.load = slowly  # type: ignore[method-assign, assignment]
    app = OpsDeckApp(fresh, UNICODE, loaded=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, on(pilot, LoadingScreen))
        await until(pilot, lambda: says(pilot, "30 %"))
        await pilot.press("2", "6", "question_mark", "ctrl+p", "ctrl+r", "escape", "space")
        await until(pilot, on(pilot, LoadingScreen))
        go_on.set()
        await until(pilot, on(pilot, DeckScreen))
        await until(pilot, lambda: says(pilot, "1/3"))


async def test_one_may_leave_while_the_journal_is_read(desk: Desk) -> None:
    deck = desk.deck()
    go_on = threading.Event()
    deck.journal.load = lambda *_a, **_k: go_on.wait(5)  # type: ignore[assignment]
    app = OpsDeckApp(deck, UNICODE, loaded=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, on(pilot, LoadingScreen))
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running or app._exit)
        go_on.set()
    assert not app.begun


# Colours


@pytest.mark.parametrize("theme", ["dark", "light", "ansi"])
async def test_every_theme_shows_where_the_cursor_is(desk: Desk, theme: Any) -> None:
    async with desk.app(ui=Ui(theme=theme)).run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        rows = listed(pilot)
        here, there = rows.render_line(0), rows.render_line(1)
        assert here.text.startswith("▌")
        assert not there.text.startswith("▌")
        assert {s.style for s in here} != {s.style for s in there}


async def test_without_colour_the_cursor_is_still_seen(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = desk.app()
    assert app.no_color
    async with app.run_test(size=(80, 24)) as pilot:
        await open_list(pilot, "daily")
        assert listed(pilot).render_line(0).text.startswith("▌")
        await pilot.press("space")
        await until(pilot, lambda: "✓ attested" in row(pilot, "Read the logs"))


async def test_without_a_release_the_deck_counts_nothing_as_done_for_one(desk: Desk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: says(pilot, "none is open: R starts one"))
        assert "/" not in row(pilot, "none is open")
        assert "\u25b0" not in row(pilot, "none is open")
