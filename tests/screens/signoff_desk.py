"""A desk with a release whose items are done, and operators with real SSH keys."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from opsdeck.app import OpsDeckApp
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.deck import Deck
from opsdeck.runs import acts
from opsdeck.screens.signoff import SignoffScreen
from opsdeck.widgets.glyphs import UNICODE, Glyphs
from tests.screens.desk import AppPilot, Desk, asked, says, until
from tests.signoff.keys import line, make_key

PEOPLE = ("alice", "bob", "carol")
RELEASE = "v1.4.2"
DONE = ("tls", "fw")


class SignoffDesk(Desk):
    """People sign at it, each with a key of their own."""

    def __init__(self, folder: Path, people: Iterable[str] = PEOPLE) -> None:
        super().__init__(folder)
        self.folder = folder
        self.keys = {name: make_key(folder / f"key-{name}") for name in people}
        self.allowed = folder / "allowed_signers"
        self.allow(*self.keys)

    def allow(self, *names: str, options: str = 'namespaces="opsdeck-signoff"') -> None:
        """Write who may sign with which key."""
        lines = [line(f"{name}@acme", self.keys[name], options) for name in names]
        self.allowed.write_text("".join(f"{one}\n" for one in lines))

    def seat(self, operator: str, rules: SignoffRules | None = None, **config: Any) -> Deck:
        """The Deck as this person opens it, with the own key and no agent."""
        config.setdefault("operators", (*PEOPLE, "dave"))
        deck = self.deck(operator, signoff=rules or SignoffRules(), **config)
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}
        if operator in self.keys:
            environ["OPSDECK_SIGNING_KEY"] = str(self.keys[operator])
        deck.environ = environ
        return deck

    def begin(self, *, done: Iterable[str] = DONE) -> None:
        """A release, its items attested by dave."""
        deck = self.deck("dave")
        deck.record(acts.start_release(RELEASE, []))
        for item in done:
            deck.record(acts.attest(deck.where(deck.catalog.checklists[0], item)))

    def at_screen(
        self,
        operator: str,
        rules: SignoffRules | None = None,
        glyphs: Glyphs = UNICODE,
        **config: Any,
    ) -> OpsDeckApp:
        """An app in which this person sits."""
        return OpsDeckApp(self.seat(operator, rules, **config), glyphs)


async def opened(pilot: AppPilot) -> SignoffScreen:
    """Press 5, and wait until the sign-off was looked at."""
    await pilot.press("5")
    await looked(pilot)
    return screen_of(pilot)


async def looked(pilot: AppPilot) -> None:
    """Wait until the sign-off screen is in front and has looked."""
    await until(pilot, lambda: screen_of(pilot).seen is not None)


def screen_of(pilot: AppPilot) -> SignoffScreen:
    """The sign-off screen in front."""
    screen = pilot.app.screen
    assert isinstance(screen, SignoffScreen)
    return screen


async def sign_as(pilot: AppPilot, role: str, *, only: bool = False) -> None:
    """Press S, choose the role (`only`: there is but one), say yes, and wait until it is done."""
    await pilot.press("S")
    if not only:
        await choose(pilot, role)
    if role == "deployer":
        await until(pilot, lambda: says(pilot, "deployed?"))
        await pilot.press("enter")
    await asked(pilot, f"role: {role}")
    await pilot.press("y")
    await until(pilot, lambda: says(pilot, f"signed {RELEASE} as {role}"))


async def choose(pilot: AppPilot, role: str) -> None:
    """Choose a role in the list that asks for one."""
    from opsdeck.screens.pick import Pick
    from opsdeck.widgets.list import LineList

    await until(pilot, lambda: isinstance(pilot.app.screen, Pick) and says(pilot, "as what"))
    pilot.app.screen.query_one(LineList).want(role)
    await pilot.press("enter")
