"""Several releases in the app: using another one, changing one, giving one up."""

from __future__ import annotations

import pytest
from textual.widgets import Input, OptionList

from opsdeck.deck import Deck
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.screens import release_acts
from opsdeck.screens.deck import DeckScreen
from opsdeck.screens.palette import Palette
from opsdeck.screens.pick import Pick
from opsdeck.screens.prompt import Prompt
from opsdeck.signoff import acts as signoff_acts
from opsdeck.signoff.model import Release
from opsdeck.signoff.releases import head_of, release_of
from tests.screens.desk import (
    AppPilot,
    Desk,
    app_of,
    listed,
    on_disk,
    open_list,
    row,
    says,
    to_row,
    until,
)


def started(desk: Desk, *names: str, **data: str) -> Deck:
    """A deck on which these releases were started, the last one now."""
    deck = desk.deck(writer="before@x")
    for name in names:
        deck.record(Draft(ev.RELEASE_STARTED, {"release": name, **data}))
    return deck


def sign(deck: Deck, name: str) -> None:
    """What three signatures leave in the journal."""
    deck.record(Draft(ev.SIGNOFF_CONTENT, {"release": name, "sha256": "d1", "content": "{}"}))
    for number, role in enumerate(("deployer", "verifier", "approver")):
        signer = Deck(deck.config, deck.source, deck.journal, f"signer{number}", deck.now)
        signer.load()
        signer.record(Draft(ev.SIGNOFF_SIGNED, {"release": name, "role": role, "content": "d1"}))
    deck.load()


def release(pilot: AppPilot, name: str) -> Release:
    found = release_of(app_of(pilot).deck.state, name)
    assert found is not None
    return found


async def from_palette(pilot: AppPilot, text: str) -> None:
    """Take an entry of the palette."""
    await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen) and listed(pilot).has_focus)
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(pilot.app.screen, Palette))
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    pilot.app.screen.query_one(Input).value = text
    options = pilot.app.screen.query_one(OptionList)
    await until(pilot, lambda: options.option_count and text in str(options.options[0].prompt))
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, Palette))


async def fill(pilot: AppPilot, **lines: str) -> None:
    """Write into the lines of the form in front, and send it."""
    await until(pilot, lambda: isinstance(pilot.app.screen, Prompt) and pilot.app.focused)
    for name, text in lines.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = text
    last = list(pilot.app.screen.query(Input))[-1]
    last.focus()
    await until(pilot, lambda: last.has_focus)
    await pilot.press("enter")


# Which one is current


async def test_the_deck_says_how_many_others_are_open(desk: Desk) -> None:
    deck = started(desk, "v1")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Release v1" in row(pilot, "Release"))
        assert "other" not in row(pilot, "Release")
    started(desk, "v2", "v3")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Release v3, 2 others " in row(pilot, "Release"))
        assert "next: Infrastructure" in row(pilot, "Release v3")
    async with desk.app().run_test(size=(50, 24)) as pilot:
        await until(pilot, lambda: "next: Infrastructure" in row(pilot, "Release v3"))
        assert "other" not in row(pilot, "Release v3"), "the name comes first"
    deck.load()
    for name in ("v2", "v3"):
        deck.record(signoff_acts.abandon(head_of(deck.state, name), "r"))
    sign(deck, "v1")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Release v1, signed " in row(pilot, "Release"))


async def test_another_release_is_used_from_the_palette(desk: Desk) -> None:
    started(desk, "v1", "v2")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await from_palette(pilot, "Use another release")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick) and listed(pilot).has_focus)
        # GIVEN all but the current one
        assert len(listed(pilot).plain_lines()) == 1
        assert "v1" in row(pilot, " open  (started by alice 02:38)")
        # WHEN one is taken THEN it is current, at once and on disk
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "release v1 is the current one"))
        assert "Release v1, 1 other " in row(pilot, "Release")
    assert desk.deck().release() == "v1"


async def test_an_abandoned_release_says_why_and_that_it_would_be_opened(desk: Desk) -> None:
    deck = started(desk, "v1", "v2")
    deck.record(signoff_acts.abandon(head_of(deck.state, "v1"), "[/]\x1b[31m no"))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await from_palette(pilot, "Use another release")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick) and listed(pilot).has_focus)
        assert 'enter opens it again; abandoned 02:38: "[/]␛[31m no"' in row(pilot, "v1")
        await to_row(pilot, "v1")
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "release v1 is open again, and the current one"))
    assert desk.deck().release() == "v1"


async def test_none_is_used_where_esc_is_pressed_or_there_is_no_other(desk: Desk) -> None:
    started(desk, "v1", "v2")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await from_palette(pilot, "Use another release")
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))
        deck = app_of(pilot).deck
        assert deck.release() == "v2"
        # GIVEN the other one is signed: while one is open it cannot be current
        sign(deck, "v1")
        release_acts.begin(app_of(pilot), release_acts.choose_release)
        await until(pilot, lambda: says(pilot, "there is no other release to use: R starts one"))
        assert not app_of(pilot).opening


# Giving up


async def test_a_release_is_abandoned_with_a_reason(desk: Desk) -> None:
    started(desk, "v1", "v2")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await from_palette(pilot, "Abandon release v2")
        await fill(pilot, reason=" ")
        await until(pilot, lambda: says(pilot, "a reason is needed"))
        assert release(pilot, "v2").state == "open"
        await fill(pilot, reason="v1 is enough")
        await until(pilot, lambda: says(pilot, "release v2 abandoned; v1 is the current one"))
        assert release(pilot, "v2").why == "v1 is enough"
        await from_palette(pilot, "Abandon release v1")
        await fill(pilot, reason="none is")
        await until(pilot, lambda: says(pilot, "release v1 abandoned; no release is open"))
        assert "none is open: R starts one" in row(pilot, "Release")


async def test_what_another_operator_did_meanwhile_is_said(desk: Desk) -> None:
    started(desk, "v1")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await from_palette(pilot, "Abandon release v1")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
        # GIVEN somebody else abandons it while the form is open
        deck = app_of(pilot).deck
        other = desk.deck("bob", "other@x")
        other.record(signoff_acts.abandon(head_of(other.state, "v1"), "bob's word"))
        deck.absorb_news(deck.journal.poll())
        # WHEN the form is sent THEN it says so, and what was typed stays
        await fill(pilot, reason="mine")
        await until(pilot, lambda: says(pilot, "bob's word"))
        assert pilot.app.screen.query_one(Input).value == "mine"


async def test_a_signed_release_is_not_offered_and_cannot_be_abandoned(desk: Desk) -> None:
    deck = started(desk, "v1")
    sign(deck, "v1")
    async with desk.app().run_test(size=(120, 24)) as pilot:
        await until(pilot, lambda: row(pilot, "Release v1"))
        host = app_of(pilot)
        release_acts.begin(host, lambda host: release_acts.abandon_release(host, "v1"))
        await until(pilot, lambda: says(pilot, "what was signed cannot be abandoned"))
        release_acts.begin(host, lambda host: release_acts.abandon_release(host, "v9"))
        await until(pilot, lambda: says(pilot, "release v9 was never started"))


@pytest.mark.parametrize("key", ["space", "n", "w", "d", "o", "x", "u"])
async def test_nothing_is_recorded_in_an_abandoned_release(desk: Desk, key: str) -> None:
    # GIVEN an item that was attested in a release which was abandoned then
    deck = started(desk, "v1")
    deck.record(acts.attest(deck.locate("infra/tls")))
    deck.record(signoff_acts.abandon(head_of(deck.state, "v1"), "no"))
    async with desk.app().run_test(size=(120, 24)) as pilot:
        await open_list(pilot, "infra", "release/v1/infra")
        assert "attested" in row(pilot, "Certificate valid")
        # WHEN something is done with it THEN the way to do it is named, and no form opens
        await pilot.press(key)
        await until(pilot, lambda: says(pilot, "`opsdeck release use v1` opens it again"))
        assert not isinstance(pilot.app.screen, Prompt)
    assert on_disk(desk) == [("item.attested", "tls", "alice")]


# Changing


async def test_the_form_is_changed_line_by_line(desk: Desk) -> None:
    started(desk, "v1", window="Tue 22:00", stakeholders="sales")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await from_palette(pilot, "Change release v1")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
        assert [line.value for line in pilot.app.screen.query(Input)] == ["", "Tue 22:00", "sales"]
        # WHEN nothing is changed THEN it says so
        await fill(pilot)
        await until(pilot, lambda: says(pilot, "nothing to change: say what is new of release v1"))
        # GIVEN somebody else changes the window meanwhile
        deck = app_of(pilot).deck
        other = desk.deck("bob", "other@x")
        other.record(signoff_acts.change(head_of(other.state, "v1"), {"window": "Wed 22:00"}))
        deck.absorb_news(deck.journal.poll())
        # WHEN another line is changed and one cleared THEN what they wrote stays
        await fill(pilot, date="2026-11-24", stakeholders="")
        await until(pilot, lambda: says(pilot, "release v1 changed"))
        found = release(pilot, "v1")
        assert (found.said("date"), found.said("window"), found.said("stakeholders")) == (
            "2026-11-24",
            "Wed 22:00",
            "",
        )


async def test_who_changes_what_was_signed_is_told(desk: Desk) -> None:
    deck = started(desk, "v1")
    sign(deck, "v1")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await from_palette(pilot, "Change release v1")
        await until(pilot, lambda: says(pilot, "Signatures over it are out of date then."))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))


async def test_an_abandoned_release_is_not_changed(desk: Desk) -> None:
    deck = started(desk, "v1")
    deck.record(signoff_acts.abandon(head_of(deck.state, "v1"), "no"))
    async with desk.app().run_test(size=(120, 24)) as pilot:
        await until(pilot, lambda: row(pilot, "Release"))
        host = app_of(pilot)
        release_acts.begin(host, lambda host: release_acts.change_release(host, "v1"))
        await until(pilot, lambda: says(pilot, "`opsdeck release use v1` opens it again"))
        release_acts.begin(host, lambda host: release_acts.change_release(host, "v9"))
        await until(pilot, lambda: says(pilot, "release v9 was never started"))


async def test_what_stands_in_a_form_is_never_obeyed(desk: Desk) -> None:
    started(desk, "v1", window="\x1b[31mred\u202e")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        release_acts.begin(app_of(pilot), lambda host: release_acts.change_release(host, "v1"))
        await until(pilot, lambda: bool(pilot.app.screen.query("#window")))
        line = pilot.app.screen.query_one("#window", Input)
        assert line.value == "\x1b[31mred\u202e"
        painted = "".join(s.text for y in range(line.size.height) for s in line.render_line(y))
        assert "[31mred" in painted
        assert not set(painted) & set("\x1b\u202e")
