"""What the Deck says of releases that wait for somebody, and where enter on them leads."""

from __future__ import annotations

from typing import Any

import pytest

from opsdeck.checks.checker import Subject
from opsdeck.deck import Deck
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.screens.prompt import Prompt
from opsdeck.screens.signoff import SignoffScreen
from opsdeck.signoff import acts as signoff_acts
from opsdeck.signoff.releases import head_of
from tests.screens.desk import (
    CATALOG,
    AppPilot,
    Desk,
    app_of,
    checklist_screen,
    listed,
    on_disk,
    open_list,
    row,
    says,
    to_row,
    until,
)
from tests.screens.test_release_acts import fill, sign, started

DONE = ("tls", "fw")
PROBED = 'probe = { kind = "tcp", target = "web" }\nexpect = ["open"]\n'


def done(deck: Deck, name: str, *items: str) -> None:
    """Attest items of the list of a release."""
    for item in items or DONE:
        deck.record(acts.attest(deck.locate(f"release/{name}/infra/{item}")))


def signs(deck: Deck, name: str, by: str, role: str, content: str = "d1") -> None:
    """What one signature leaves in the journal."""
    signer = Deck(deck.config, deck.source, deck.journal, by, deck.now)
    signer.load()
    if content not in head_of(signer.state, name).contents:
        data = {"release": name, "sha256": content, "content": "{}"}
        signer.record(Draft(ev.SIGNOFF_CONTENT, data))
    signer.record(Draft(ev.SIGNOFF_SIGNED, {"release": name, "role": role, "content": content}))
    deck.load()


async def due(pilot: AppPilot, name: str) -> str:
    """The row of a release."""
    await until(pilot, lambda: row(pilot, f"Release {name}"))
    return row(pilot, f"Release {name}")


def leads_to_signoff(pilot: AppPilot, name: str) -> bool:
    screen = pilot.app.screen
    return isinstance(screen, SignoffScreen) and screen.release_name() == name


async def test_whose_items_are_not_done_waits_for_nobody_yet(desk: Desk) -> None:
    deck = started(desk, "v1")
    done(deck, "v1", "tls")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        said = await due(pilot, "v1")
        assert "next: Infrastructure" in said
        assert "waits" not in said
        await to_row(pilot, "list infra")
        await pilot.press("enter")
        await until(pilot, lambda: checklist_screen(pilot).is_current)


async def test_once_all_is_done_it_waits_for_its_signers(desk: Desk) -> None:
    # GIVEN a release whose items are done, one of them by an override
    deck = started(desk, "v1")
    done(deck, "v1", "tls")
    deck.record(acts.override(deck.locate("infra/fw"), "no time"))
    async with desk.app().run_test(size=(80, 24)) as pilot:
        # THEN it waits to be signed
        said = await due(pilot, "v1")
        assert said.split("3/3")[1].split("  ")[2:] == ["1 overridden", "waits for sign-off"]
        await to_row(pilot, "signoff v1")
    # AND then for those of them who are missing
    signs(deck, "v1", "carol", "deployer")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        assert (await due(pilot, "v1")).rstrip().endswith("waits for verifier, approver")
    signs(deck, "v1", "bob", "verifier")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        assert (await due(pilot, "v1")).rstrip().endswith("waits for approver")
        # AND enter leads to where it is signed
        await to_row(pilot, "signoff v1")
        await pilot.press("enter")
        await until(pilot, lambda: leads_to_signoff(pilot, "v1"))


async def test_what_is_put_off_is_said(desk: Desk) -> None:
    deck = started(desk, "v1")
    done(deck, "v1", "tls")
    deck.record(acts.defer(deck.locate("infra/fw"), "later", "2026-12-01"))
    async with desk.app().run_test(size=(120, 24)) as pilot:
        said = await due(pilot, "v1")
        assert ("2/3" in said, "1 deferred" in said) == (True, True)
        assert "waits for sign-off" in said


async def test_somebody_has_signed_before_all_was_done(desk: Desk) -> None:
    # GIVEN a signature against a closed gate
    deck = started(desk, "v1")
    signs(deck, "v1", "carol", "deployer")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        # THEN the Deck says whom it waits for, and enter leads to what is not done
        said = await due(pilot, "v1")
        assert "waits for verifier, approver" in said
        await to_row(pilot, "list infra")


@pytest.mark.parametrize("width", [50, 60, 80, 120])
async def test_whom_it_waits_for_is_seen_at_every_width(desk: Desk, width: int) -> None:
    deck = started(desk, "v1.4.2")
    done(deck, "v1.4.2")
    signs(deck, "v1.4.2", "carol", "deployer")
    signs(deck, "v1.4.2", "bob", "verifier")
    async with desk.app().run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: "waits for approver" in row(pilot, "Release"))
        assert "3/3" in row(pilot, "Release")
        assert len(row(pilot, "Release").rstrip()) <= width


async def test_another_release_that_waits_has_a_row_of_its_own(desk: Desk) -> None:
    # GIVEN a release that waits for its approver, and a newer one that is current
    deck = started(desk, "v1")
    done(deck, "v1")
    signs(deck, "v1", "carol", "deployer")
    signs(deck, "v1", "bob", "verifier")
    started(desk, "v2", "v3")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        # THEN both are seen, the one that nobody signed is not
        assert "next: Infrastructure" in await due(pilot, "v3, 2 others")
        said = await due(pilot, "v1 ")
        assert ("3/3" in said, "waits for approver" in said) == (True, True)
        assert not says(pilot, "Release v2")
        # WHEN enter is pressed on it THEN its own sign-off is shown
        await to_row(pilot, "signoff v1")
        await pilot.press("enter")
        await until(pilot, lambda: leads_to_signoff(pilot, "v1"))
        # AND that of the current one from its row, though the screen had another one
        done(app_of(pilot).deck, "v3")
        await pilot.press("1")
        await to_row(pilot, "signoff v3")
        await pilot.press("enter")
        await until(pilot, lambda: leads_to_signoff(pilot, "v3"))


async def test_a_release_that_is_signed_off_leads_to_its_record(desk: Desk) -> None:
    deck = started(desk, "v1")
    done(deck, "v1")
    sign(deck, "v1")
    async with desk.app().run_test(size=(80, 24)) as pilot:
        said = await due(pilot, "v1, signed")
        assert ("complete" in said, "waits" in said) == (True, False)
        await to_row(pilot, "signoff v1")


# What was signed, and what is recorded then


async def test_who_attests_in_a_signed_release_is_told(desk: Desk) -> None:
    deck = started(desk, "v1")
    done(deck, "v1")
    sign(deck, "v1")
    async with desk.app().run_test(size=(120, 24)) as pilot:
        await open_list(pilot, "infra", "release/v1/infra")
        await pilot.press("n")
        await fill(pilot, text="one word more")
        await until(pilot, lambda: says(pilot, "signatures over release v1 are of what it said"))
    assert on_disk(desk)[-1] == ("item.noted", "tls", "alice")


async def test_a_release_is_abandoned_while_a_form_is_open(desk: Desk) -> None:
    started(desk, "v1")
    async with desk.app().run_test(size=(120, 24)) as pilot:
        await open_list(pilot, "infra", "release/v1/infra")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Prompt))
        # GIVEN somebody else abandons the release
        deck = app_of(pilot).deck
        other = desk.deck("bob", "other@x")
        other.record(signoff_acts.abandon(head_of(other.state, "v1"), "no"))
        deck.absorb_news(deck.journal.poll())
        # WHEN the form is sent THEN nothing is recorded, and the way is named
        await fill(pilot, reason="later", due="7d")
        await until(pilot, lambda: says(pilot, "`opsdeck release use v1` opens it again"))
    assert on_disk(desk) == []


@pytest.fixture
def probed(tmp_path: Any) -> Desk:
    """A desk with an item that a probe looks at, in a release list."""
    return Desk(tmp_path, CATALOG.replace('text = "Firewall rules in place"\n', f"{FW}{PROBED}"))


FW = 'text = "Firewall rules in place"\n'


async def test_the_deck_leaves_a_release_that_is_signed_off_as_it_was(
    probed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a release that all have signed, one of its items sensed
    deck = started(probed, "v1")
    done(deck, "v1")
    sign(deck, "v1")
    begun: list[Subject] = []
    async with probed.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: row(pilot, "Release v1") and listed(pilot).has_focus)
        checking = app_of(pilot).checking
        monkeypatch.setattr(checking, "_begin", lambda these, once: begun.extend(these))
        # WHEN everything is checked from the Deck THEN it is left out, which is said
        await pilot.press("C")
        await until(pilot, lambda: says(pilot, "release v1 is signed off: left out; C in one of"))
        assert begun == []
    # AND one that is still open is not
    started(probed, "v2")
    async with probed.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: row(pilot, "Release v2") and listed(pilot).has_focus)
        checking = app_of(pilot).checking
        monkeypatch.setattr(checking, "_begin", lambda these, once: begun.extend(these))
        await pilot.press("C")
        await until(pilot, lambda: [one.run for one in begun] == ["release/v2/infra"])
