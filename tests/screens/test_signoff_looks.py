"""What the sign-off screen shows in terminals of every size, and how it follows what changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.screens.signoff import SignoffScreen
from opsdeck.signoff import acts as release_acts
from opsdeck.signoff.releases import release_of
from opsdeck.widgets.glyphs import ASCII, UNICODE, Glyphs
from tests.screens.desk import AppPilot, asked, says, until
from tests.screens.signoff_desk import RELEASE, SignoffDesk, choose, opened, sign_as
from tests.signoff.keys import needs_ssh_keygen

SIZES = [(40, 12), (60, 16), (80, 24), (120, 40), (200, 60)]
HOSTILE = (
    "\x1b[31mred\x1b[0m [ERROR] [/ [b]x \u202edlrow\u202c e\u0301\u0327 日本語日本 \x9b2J \x07"
)


@pytest.fixture
def desk(tmp_path: Path) -> SignoffDesk:
    made = SignoffDesk(tmp_path)
    made.begin()
    return made


def painted(pilot: AppPilot) -> list[str]:
    """The lines of the terminal."""
    return [strip.text for strip in pilot.app.screen._compositor.render_strips()]


def keys(pilot: AppPilot) -> str:
    """The line at the bottom."""
    return painted(pilot)[-1]


def say_of(desk: SignoffDesk, **fields: str) -> None:
    """Something hostile or long of the release, as another machine might have written it."""
    desk.deck("dave").record(Draft(ev.RELEASE_CHANGED, {"release": RELEASE, **fields}))


# Whatever the size


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("size", SIZES)
async def test_hostile_and_long_texts_stay_within_their_lines(
    desk: SignoffDesk, size: tuple[int, int], glyphs: Glyphs
) -> None:
    say_of(
        desk,
        notes="\n".join(f"{n} {HOSTILE}" for n in range(300)),
        date=HOSTILE,
        window=HOSTILE * 5,
        stakeholders="x" * 900,
    )
    deck = desk.deck("dave")
    for n in range(30):
        deck.record(acts.start_release(f"v1.5.{n}", [*deck.state.releases]))
    deck.record(Draft(ev.RELEASE_STARTED, {"release": HOSTILE}))
    deck.record(Draft(ev.RELEASE_CHOSEN, {"release": RELEASE}))
    people = ("alice", "a-very-long-name-of-somebody-who-is-on-call-tonight", "日本語の人", "bob")
    app = desk.at_screen("carol", glyphs=glyphs, operators=people)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        for name in ("form", "gate", "past"):
            screen.show_pane(name)
            await until(pilot, lambda name=name: screen.pane(name).has_focus)  # type: ignore[misc]
            lines = painted(pilot)
            assert not set("".join(lines)) & set("\x1b\x9b\x07\u202e\u202c")
            assert all(cell_len(line) <= size[0] for line in lines)
            assert glyphs is UNICODE or "".join(lines).isascii()
            # THEN what is next can be read all the same, and is a whole sentence
            assert "Next:" in "\n".join(lines)
            assert "approver." in " ".join("\n".join(lines).split())


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_next_is_two_lines_at_most_and_whole(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    desk = SignoffDesk(tmp_path)
    desk.begin(done=["tls"])
    async with desk.at_screen("carol").run_test(size=size) as pilot:
        screen = await opened(pilot)
        said = " ".join(" ".join(screen.view("next").plain_lines()).split())
        assert "Next: 1 item is not done: tab to the gate, enter leads there." in said
        await until(pilot, lambda: screen.view("next").content_size.height <= 2)
        assert len(screen.view("next").plain_lines()) <= screen.view("next").content_size.height


async def test_all_releases_take_no_more_room_than_they_need(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await until(pilot, lambda: screen.pane("past").content_size.height == 1)
        deck = desk.deck("dave", "box@two")
        for n in range(30):
            deck.record(acts.start_release(f"v1.5.{n}", [*deck.state.releases]))
        await until(pilot, lambda: screen.pane("past").content_size.height == 10)
        await pilot.resize_terminal(120, 24)
        await until(pilot, lambda: screen.pane("past").content_size.height == 6)
        assert any("All releases" in line for line in painted(pilot))


async def test_a_broad_gate_has_its_numbers_beside_its_rules(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.show_pane("gate")
        await until(pilot, lambda: screen.pane("gate").has_focus)
        assert says(pilot, "✓ evidence fresh                  holds: no item rests on a probe")
        assert screen.pane("gate").line_count <= screen.pane("gate").size.height
        await pilot.resize_terminal(60, 16)
        await until(pilot, lambda: not says(pilot, "holds: no item rests on a probe"))
        assert says(pilot, "no item rests on a probe")


# The keys that apply


async def test_without_a_release_the_keys_begin_with_the_one_that_starts_one(
    tmp_path: Path,
) -> None:
    async with SignoffDesk(tmp_path, ()).at_screen("bob").run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: says(pilot, "Next: R starts a release"))
        await until(pilot, lambda: keys(pilot).startswith(" R new release  1 Deck"))
        # WHEN one is started THEN what it is signed with is named
        await pilot.press("R")
        await until(pilot, lambda: says(pilot, "Name of the release"))
        await pilot.press(*"v1", "enter", "enter", "enter", "enter")
        await until(pilot, lambda: "b break glass" in keys(pilot))
        assert "S sign" not in keys(pilot)


async def test_only_keys_that_can_be_of_use_are_named(desk: SignoffDesk) -> None:
    """GIVEN an open gate THEN no glass is to be broken; nothing is verified that nobody signed; and
    who has a part already is not told to sign."""
    async with desk.at_screen("bob").run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await until(pilot, lambda: keys(pilot).startswith(" S sign  enter change  n notes"))
        assert "break glass" not in keys(pilot)
        assert "v verify" not in keys(pilot)
        screen.pane("form").want("role verifier")
        await until(pilot, lambda: "enter sign" in keys(pilot))
    rules = SignoffRules(deployers=("alice",), verifiers=("alice",), approvers=("carol",))
    async with desk.at_screen("bob", rules).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: keys(pilot).startswith(" enter change  n notes"))
        assert says(pilot, "Next: alice signs as deployer: 5, then S.")


async def test_an_abandoned_release_offers_nothing_to_sign_or_write(desk: SignoffDesk) -> None:
    deck = desk.deck("dave")
    release = release_of(deck.state, RELEASE)
    assert release is not None
    deck.record(release_acts.abandon(release, "superseded"))
    async with desk.at_screen("bob").run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: "R new release" in keys(pilot))
        assert not {"S sign", "n notes", "X abandon"} & set(keys(pilot).split("  "))


async def test_help_and_the_palette_lead_to_it_and_explain_its_keys(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=(80, 60)) as pilot:
        await opened(pilot)
        await pilot.press("?")
        await until(pilot, lambda: says(pilot, "Sign this release, in your role"))
        for words in ("Sign against a closed gate", "Verify all of it anew", "The next pane"):
            assert says(pilot, words)
        await pilot.press("escape", "1", "ctrl+p", *"sign-off", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SignoffScreen))


# Following


async def test_a_storm_of_events_is_looked_at_a_few_times_only(
    desk: SignoffDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN 200 events of others while the screen is open THEN the last of them is shown, and no
    look is queued behind another for each."""
    looks = 0
    look = SignoffScreen.look

    async def counted(self: SignoffScreen, name: str) -> object:
        nonlocal looks
        looks += 1
        return await look(self, name)

    monkeypatch.setattr(SignoffScreen, "look", counted)
    async with desk.at_screen("bob").run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        before = looks
        for _ in range(200):
            screen.changed(None)
        await until(pilot, lambda: not screen._looking)
        assert looks - before <= 2
        other = desk.deck("dave", "box@two")
        release = release_of(other.state, RELEASE)
        assert release is not None
        for n in range(50):
            other.record(release_acts.change(release, {"notes": f"note {n}"}))
        await until(pilot, lambda: says(pilot, "note 49"))


@needs_ssh_keygen
async def test_who_may_sign_is_looked_at_anew_when_the_list_is_edited(desk: SignoffDesk) -> None:
    """GIVEN a signature that holds WHEN the key is taken out of allowed_signers, without any event,
    THEN it is no longer called valid; and is again once the line is back."""
    async with desk.at_screen("bob").run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await sign_as(pilot, "verifier")
        await until(pilot, lambda: says(pilot, "✓ valid"))
        desk.allow("alice", "carol")
        await until(pilot, lambda: says(pilot, "✗ NOT VALID"))
        await until(pilot, lambda: says(pilot, "✗ a signature is NOT VALID"))
        desk.allow("alice", "bob", "carol")
        await until(pilot, lambda: says(pilot, "✓ valid"))
        desk.allowed.unlink()
        await until(pilot, lambda: says(pilot, "? not verified"))
        assert says(pilot, "there is no file of allowed signers")
        assert screen.seen is not None


@needs_ssh_keygen
async def test_names_and_signatures_side_by_side_are_each_called_what_they_are(
    desk: SignoffDesk,
) -> None:
    names = SignoffRules(signatures="names")
    async with desk.at_screen("carol").run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await sign_as(pilot, "deployer")
    async with desk.at_screen("bob", names).run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await until(pilot, lambda: says(pilot, "changed since: sign again"))
        await until(pilot, lambda: says(pilot, "out of date  valid"))
        await pilot.press("S")
        await choose(pilot, "verifier")
        await asked(pilot, "What is recorded, to the letter")
        await pilot.press("y")
        await until(pilot, lambda: says(pilot, "bob    named 02:38  ▲ not signed"))
        assert says(pilot, "carol  signed 02:38  out of date  valid")
        assert says(pilot, "1 of 3 named")
