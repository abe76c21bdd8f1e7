"""A deck in a folder of its own, with a clock that the test moves, and an app upon it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from textual.css.query import NoMatches
from textual.pilot import Pilot

from opsdeck.app import OpsDeckApp
from opsdeck.catalog.config import Config, Ui
from opsdeck.catalog.load import shipped_checklists_path
from opsdeck.catalog.watch import CatalogSource
from opsdeck.deck import Deck
from opsdeck.journal.store import Journal
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.screens.confirm import Confirm
from opsdeck.widgets.glyphs import UNICODE, Glyphs
from opsdeck.widgets.lines import LineView
from opsdeck.widgets.list import LineList

NOW = datetime(2026, 11, 23, 2, 38, 7, tzinfo=UTC)

CATALOG = """
[[checklist]]
id = "infra"
title = "Infrastructure"
section = "Before"
cadence = "release"
[[checklist.item]]
id = "tls"
text = "Certificate valid"
guide = "Look at it with `openssl s_client` and read the dates."
[[checklist.item]]
id = "fw"
text = "Firewall rules in place"
[[checklist.item]]
id = "lb"
text = "Load balancer configured"
uses = "lb"

[[checklist]]
id = "daily"
title = "Daily operations"
section = "Operations"
cadence = "daily"
[[checklist.item]]
id = "logs"
text = "Read the logs"
[[checklist.item]]
id = "disk"
text = "Look at the disks"
[[checklist.item]]
id = "mail"
text = "Answer the mail"

[[checklist]]
id = "scaling"
title = "Scaling"
section = "Operations"
cadence = "standing"
[[checklist.item]]
id = "plan"
text = "A plan exists"
valid_for = "2d"
[[checklist.item]]
id = "test"
text = "The plan was tried"
"""


class Clock:
    """What time the deck believes it is."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


class Desk:
    """One deck on disk; `deck()` opens it as another process would."""

    def __init__(self, folder: Path, catalog: str = CATALOG, *, now: datetime = NOW) -> None:
        self.home = folder / "home"
        self.shipped = folder / "shipped.toml"
        self.team = folder / "checklists.toml"
        self.shipped.write_text(catalog, encoding="utf-8")
        self.clock = Clock(now)

    def deck(
        self,
        operator: str = "alice",
        writer: str = "box@one",
        *,
        shipped: bool = False,
        keys: dict[str, str] | None = None,
        ui: Ui | None = None,
        **config: Any,
    ) -> Deck:
        """A Deck with its journal loaded."""
        source = CatalogSource(shipped_checklists_path() if shipped else self.shipped, self.team)
        config.setdefault("file", self.home.parent / "opsdeck.toml")
        settings = Config(home=self.home, keys=keys or {}, ui=ui or Ui(), **config)
        deck = Deck(settings, source, Journal(self.home, writer), operator, self.clock)
        deck.load()
        return deck

    def app(self, glyphs: Glyphs = UNICODE, **options: Any) -> OpsDeckApp:
        """An app on a Deck of its own."""
        return OpsDeckApp(self.deck(**options), glyphs)


AppPilot = Pilot[int]


async def until(pilot: AppPilot, holds: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until `holds()`; fail with what is on screen when it never does.

    While a dialog is still going, what is asked of the screen beneath it does not hold yet.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        await pilot.pause()
        with contextlib.suppress(NoMatches, AssertionError):
            if holds():
                return
        if loop.time() > end:
            raise AssertionError("never came true; on screen:\n" + "\n".join(shown(pilot)))
        await asyncio.sleep(0.01)


def app_of(pilot: AppPilot) -> OpsDeckApp:
    """The app under the pilot."""
    assert isinstance(pilot.app, OpsDeckApp)
    return pilot.app


def shown(pilot: AppPilot) -> list[str]:
    """All lines of all the line widgets on the screen in front."""
    views = [v for v in pilot.app.screen.query(LineView) if v.display]
    return [line for view in views for line in view.plain_lines()]


def says(pilot: AppPilot, text: str) -> bool:
    """Whether the screen in front says this somewhere."""
    return text in "\n".join(shown(pilot))


async def asked(pilot: AppPilot, text: str = "", seconds: float = 20.0) -> None:
    """Wait until a question is in front that says this and takes an answer.

    A key that is typed before the question was painted is no answer to it.
    """

    def asks() -> bool:
        screen = pilot.app.screen
        return isinstance(screen, Confirm) and screen.can_be_answered and says(pilot, text)

    await until(pilot, asks, seconds)


async def to_row(pilot: AppPilot, key: str) -> None:
    """Put the cursor of the list in front on a row, once there is such a row."""
    listed(pilot).want(key)
    await until(pilot, lambda: listed(pilot).key == key)


def row(pilot: AppPilot, text: str) -> str:
    """The row of the list in front that holds this text."""
    found = [line for line in listed(pilot).plain_lines() if text in line]
    assert found, f"no row with {text!r} in {listed(pilot).plain_lines()}"
    return found[0]


def listed(pilot: AppPilot) -> LineList:
    """The list in front."""
    return pilot.app.screen.query_one(LineList)


def checklist_screen(pilot: AppPilot) -> ChecklistScreen:
    """The checklist in front."""
    screen = pilot.app.screen
    assert isinstance(screen, ChecklistScreen)
    return screen


async def open_list(pilot: AppPilot, checklist: str, run: str | None = None) -> ChecklistScreen:
    """Open a checklist and wait until it can be walked."""
    app_of(pilot).open_checklist(checklist, run)
    await until(
        pilot,
        lambda: (
            isinstance(pilot.app.screen, ChecklistScreen)
            and pilot.app.screen.is_mounted
            and listed(pilot).key is not None
            and listed(pilot).has_focus
        ),
    )
    return checklist_screen(pilot)


def events(deck: Deck) -> list[tuple[str, str, str]]:
    """(type, item, by) of every event of items, oldest first."""
    found = deck.state.recent()[::-1]
    return [
        (r.event.type, str(r.event.data.get("item", "")), r.event.by)
        for r in found
        if r.event.type.startswith("item.")
    ]


def on_disk(desk: Desk) -> list[tuple[str, str, str]]:
    """The same, as a process sees it that starts now."""
    return events(desk.deck(writer="reader@x"))
