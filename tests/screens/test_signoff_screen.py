"""The sign-off screen: what it shows, how it is signed, and that nothing is signed unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal.fold import Entry, State
from opsdeck.runs import acts
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.screens.reader import Reader
from opsdeck.signoff import acts as release_acts
from opsdeck.signoff.releases import release_of
from opsdeck.widgets.glyphs import ASCII
from tests.screens.desk import AppPilot, app_of, asked, says, shown, until
from tests.screens.signoff_desk import (
    RELEASE,
    SignoffDesk,
    choose,
    looked,
    opened,
    screen_of,
    sign_as,
)
from tests.signoff.keys import needs_ssh_keygen

pytestmark = needs_ssh_keygen
NARROW, WIDE = (80, 24), (120, 40)


@pytest.fixture
def desk(tmp_path: Path) -> SignoffDesk:
    made = SignoffDesk(tmp_path)
    made.begin()
    return made


def signatures(desk: SignoffDesk) -> list[tuple[str, str]]:
    """(by, role) of every signature on disk."""
    release = release_of(desk.deck(writer="reader@x").state, RELEASE)
    return [(one.by, one.role) for one in release.signatures] if release else []


async def refused(pilot: AppPilot, why: str) -> None:
    """Wait for the page that says that nothing was signed, and why."""
    await until(
        pilot,
        lambda: (
            isinstance(pilot.app.screen, Reader)
            # Where a long path is broken depends on the folder of the test.
            and "".join(why.split()) in "".join("".join(shown(pilot)).split())
        ),
    )
    assert says(pilot, "Nothing was signed, and nothing is recorded as signed.")


# What is shown


async def test_without_a_release_it_says_how_to_begin(tmp_path: Path) -> None:
    async with SignoffDesk(tmp_path).at_screen("carol").run_test(size=NARROW) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: says(pilot, "no release was ever started: R starts one"))


async def test_form_and_gate_stand_side_by_side_where_there_is_room(desk: SignoffDesk) -> None:
    async with desk.at_screen("carol").run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        assert all(screen.pane(name).display for name in ("form", "gate", "past"))
        assert screen.pane("form").region.y == screen.pane("gate").region.y
        assert screen.pane("form").region.right <= screen.pane("gate").region.x


async def test_in_80_columns_tab_goes_from_pane_to_pane(desk: SignoffDesk) -> None:
    async with desk.at_screen("carol").run_test(size=NARROW) as pilot:
        screen = await opened(pilot)

        def in_front() -> list[str]:
            return [name for name in ("form", "gate", "past") if screen.pane(name).display]

        assert in_front() == ["form"]
        assert says(pilot, "[Form]")
        await pilot.press("tab")
        await until(pilot, lambda: in_front() == ["gate"] and screen.pane("gate").has_focus)
        await pilot.press("tab")
        await until(pilot, lambda: in_front() == ["past"] and says(pilot, "[All releases]"))
        await pilot.press("shift+tab")
        await until(pilot, lambda: in_front() == ["gate"])


async def test_it_says_who_is_missing_and_what_is_next(desk: SignoffDesk) -> None:
    async with desk.at_screen("carol").run_test(size=NARROW) as pilot:
        await opened(pilot)
        assert says(pilot, "Nobody has signed. Missing: deployer, verifier, approver.")
        assert says(pilot, "Next: press S to sign as deployer, verifier or approver.")
        assert says(pilot, "gate open: 4 of 4 rules hold")


async def test_a_closed_gate_leads_to_what_is_in_the_way(tmp_path: Path) -> None:
    desk = SignoffDesk(tmp_path)
    desk.begin(done=["tls"])
    async with desk.at_screen("carol").run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        assert says(pilot, "gate closed: 1 of 4 rules does not hold")
        assert says(pilot, "1 item is not done: tab to the gate, enter leads there")
        await pilot.press("tab")
        await until(pilot, lambda: screen.pane("gate").key == "rule items")
        await pilot.press("enter")
        await until(
            pilot,
            lambda: (
                isinstance(pilot.app.screen, ChecklistScreen)
                and says(pilot, "Firewall rules in place")
            ),
        )


async def test_several_items_in_the_way_are_listed_to_choose_from(tmp_path: Path) -> None:
    desk = SignoffDesk(tmp_path)
    desk.begin(done=[])
    async with desk.at_screen("carol").run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("tab")
        await until(pilot, lambda: screen.pane("gate").key == "rule items")
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "Infrastructure: Firewall rules in place"))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))


# Signing


async def test_three_people_sign_and_the_deployer_may_not_approve(desk: SignoffDesk) -> None:
    async with desk.at_screen("carol").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await sign_as(pilot, "deployer")
        await until(pilot, lambda: says(pilot, "carol  signed 02:38"))
        await until(pilot, lambda: says(pilot, "valid"))
        await pilot.press("S")
        await refused(pilot, "carol has signed as deployer")
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await sign_as(pilot, "verifier")
    async with desk.at_screen("alice").run_test(size=WIDE) as pilot:
        await opened(pilot)
        assert says(pilot, "Here: carol (deployer), bob (verifier). Missing: approver.")
        await sign_as(pilot, "approver", only=True)
        await until(pilot, lambda: says(pilot, "signed by all"))
        await until(pilot, lambda: says(pilot, "signed off 02:38  ✓ valid"))
    assert signatures(desk) == [("carol", "deployer"), ("bob", "verifier"), ("alice", "approver")]
    assert (desk.home / "signoffs" / f"{RELEASE}.toml").is_file()


async def test_esc_at_the_text_signs_nothing(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await choose(pilot, "verifier")
        await asked(pilot, "name: bob")
        assert says(pilot, f"release: {RELEASE}")
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "nothing is signed"))
    assert signatures(desk) == []


async def test_a_change_while_it_is_read_stops_the_signing(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await choose(pilot, "verifier")
        await asked(pilot, "role: verifier")
        other = desk.deck("dave", "box@two")
        other.record(acts.note(other.where(other.catalog.checklists[0], "tls"), "renewed early"))
        state = app_of(pilot).deck.state
        await until(pilot, lambda: entry_of(state).notes)
        await pilot.press("y")
        await refused(pilot, "was changed while you signed (infra/tls: its notes were changed)")
    assert signatures(desk) == []


def entry_of(state: State) -> Entry:
    entry = state.entry(f"release/{RELEASE}/infra", "tls")
    assert entry is not None
    return entry


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ('valid-before="20200101"', "2020-01-01"),
        ('valid-after="20990101"', "2099-01-01"),
        ('namespaces="git"', "for other namespaces only"),
    ],
)
async def test_a_key_that_may_not_sign_is_told_and_nothing_recorded(
    desk: SignoffDesk, options: str, why: str
) -> None:
    desk.allow("bob", options=options)
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await choose(pilot, "verifier")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        text = " ".join(" ".join(shown(pilot)).split())
        assert "Nothing was signed" in text
        assert why in text
    assert signatures(desk) == []


async def test_without_allowed_signers_it_says_what_to_write(desk: SignoffDesk) -> None:
    desk.allowed.unlink()
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await choose(pilot, "verifier")
        await refused(pilot, 'signatures = "names"')
    assert signatures(desk) == []


async def test_a_deck_of_names_says_everywhere_that_nothing_is_signed(desk: SignoffDesk) -> None:
    names = SignoffRules(signatures="names")
    async with desk.at_screen("bob", names).run_test(size=WIDE) as pilot:
        await opened(pilot)
        assert says(pilot, "names only: nothing is signed here")
        await pilot.press("S")
        await choose(pilot, "verifier")
        await asked(pilot, "NOTHING IS SIGNED")
        await pilot.press("y")
        await until(pilot, lambda: says(pilot, "recorded as verifier, not signed"))
        await until(pilot, lambda: says(pilot, "bob  named 02:38  ▲ not signed"))
    assert signatures(desk) == [("bob", "verifier")]


async def test_breaking_the_glass_asks_why_and_says_so_ever_after(tmp_path: Path) -> None:
    desk = SignoffDesk(tmp_path)
    desk.begin(done=["tls"])
    async with desk.at_screen("bob").run_test(size=WIDE) as pilot:
        await opened(pilot)
        await pilot.press("S")
        await refused(pilot, "the gate is closed")
        await pilot.press("escape")
        await looked(pilot)
        await pilot.press("b")
        await choose(pilot, "verifier")
        await until(pilot, lambda: says(pilot, "although the gate is closed?"))
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "a reason is needed"))
        await pilot.press(*"outage")
        await pilot.press("enter")
        await asked(pilot, "BREAK-GLASS: signed against a closed gate")
        await pilot.press("y")
        await until(pilot, lambda: says(pilot, f"signed {RELEASE} as verifier"))
        await until(pilot, lambda: says(pilot, "BREAK-GLASS: signed against a closed gate: outage"))
    first = (desk.home / "signoffs" / f"{RELEASE}.toml").read_text().splitlines()[0]
    assert "BREAK-GLASS" in first


async def test_an_open_gate_has_no_glass_to_break(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("b")
        await refused(pilot, "there is no glass to break")
    assert signatures(desk) == []


async def test_what_changes_afterwards_makes_signatures_visibly_out_of_date(
    desk: SignoffDesk,
) -> None:
    async with desk.at_screen("bob").run_test(size=WIDE) as pilot:
        await opened(pilot)
        await sign_as(pilot, "verifier")
        await until(pilot, lambda: says(pilot, "unchanged since bob signed"))
        other = desk.deck("dave", "box@two")
        other.record(acts.set_unused(other.where(other.catalog.checklists[0], "fw"), "no walls"))
        await until(pilot, lambda: says(pilot, "1 thing changed since: sign again"))
        assert says(pilot, "infra/fw: was attested, is inactive")
        assert says(pilot, "bob  signed 02:38  out of date")
        first = sorted(path.name for path in (desk.home / "signoffs").glob("*.toml"))
        await sign_as(pilot, "verifier")
    kept = sorted(path.name for path in (desk.home / "signoffs").glob("*.toml*"))
    assert len(kept) == len(first) + 1
    assert signatures(desk) == [("bob", "verifier"), ("bob", "verifier")]


# Opening what was signed, verifying, exporting


async def test_a_signature_is_shown_as_it_was_made_and_all_of_it_verified(
    desk: SignoffDesk,
) -> None:
    async with desk.at_screen("bob").run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await sign_as(pilot, "verifier")
        await until(pilot, lambda: any(k.startswith("signed ") for k in screen.pane("form").keys))
        key = next(k for k in screen.pane("form").keys if k.startswith("signed "))
        screen.pane("form").want(key)
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "-----BEGIN SSH SIGNATURE-----"))
        await pilot.press("escape")
        await looked(pilot)
        await pilot.press("v")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, Reader) and says(pilot, "Verified v1.4.2")
        )


async def test_another_release_is_opened_from_the_list(desk: SignoffDesk) -> None:
    deck = desk.deck("dave")
    deck.record(acts.start_release("v1.5.0", [RELEASE]))
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        assert says(pilot, "Sign-off v1.5.0")
        await pilot.press("p")
        await until(pilot, lambda: screen.pane("past").has_focus)
        screen.pane("past").want(f"release {RELEASE}")
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, f"Sign-off {RELEASE}"))
        await looked(pilot)
        assert screen.front == "form"


async def test_an_abandoned_release_says_so_and_cannot_be_signed(desk: SignoffDesk) -> None:
    deck = desk.deck("dave")
    release = release_of(deck.state, RELEASE)
    assert release is not None
    deck.record(release_acts.abandon(release, "superseded"))
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        assert says(pilot, "ABANDONED by dave: superseded")
        await pilot.press("S")
        await refused(pilot, "was abandoned by dave")


async def test_it_is_plain_in_a_terminal_of_ascii(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob", glyphs=ASCII).run_test(size=NARROW) as pilot:
        await opened(pilot)
        await sign_as(pilot, "verifier")
        await until(pilot, lambda: says(pilot, "valid"))
        assert "\n".join(shown(pilot)).isascii()
        assert screen_of(pilot).has_class("-ascii")
