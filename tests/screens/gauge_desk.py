"""A desk with gauges of a real service, and a past that was kept."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from opsdeck.app import OpsDeckApp
from opsdeck.catalog.config import Ui
from opsdeck.catalog.gauges import Gauges, GaugeSpec
from opsdeck.gauges import keeping
from opsdeck.gauges.board import Board
from opsdeck.screens.gauge import GaugeScreen
from opsdeck.screens.gauges import GaugesScreen
from opsdeck.widgets.glyphs import UNICODE, Glyphs
from tests.gauges.made import value
from tests.screens.desk import AppPilot, Desk, app_of, row, to_row, until
from tests.watched import Waiting, queue_gauge

HOSTILE = "\x1b[2J[red]boo[/] \u202eevil\x9b31m"


class GaugeDesk:
    """A deck that watches how many wait at a service, once a second."""

    def __init__(self, folder: Path, service: Waiting) -> None:
        self.desk = Desk(folder, now=datetime.now(UTC))
        self.service = service
        self.queue = queue_gauge(every_s=1.0, playbook="api-response-slowdown")

    def app(
        self,
        *more: GaugeSpec,
        glyphs: Glyphs = UNICODE,
        queue: dict[str, Any] | None = None,
        refresh: Any = "normal",
        url: str = "",
        **options: Any,
    ) -> OpsDeckApp:
        """An app on a Deck of its own, with these gauges too."""
        usual = {"every_s": 1.0, "playbook": "api-response-slowdown"}
        changed = queue_gauge(**{**usual, **(queue or {})})
        self.queue = changed
        web = {"kind": "web", "url": url or self.service.partner.url}
        return self.desk.app(
            glyphs,
            gauges=Gauges(specs=(changed, *more)),
            targets={"web": web},
            ui=Ui(refresh=refresh),
            **options,
        )

    def keep(self, values: Iterable[tuple[float, float | None]], *specs: GaugeSpec) -> None:
        """A past of the queue, as a session left it: (seconds ago, value)."""
        board = Board(Gauges(specs=specs or (self.queue,)))
        now = time.time()
        [watch] = board.watches()
        for ago_s, number in values:
            board.take_readings(watch, [value(number)] * len(watch.gauges), now - ago_s)
        folder = self.desk.home / "cache"
        keeping.write(folder, keeping.LAST, keeping.dump_last(board, now))
        keeping.write(folder, keeping.SERIES, keeping.dump_series(board, now))

    def turns(self) -> list[tuple[str | None, str]]:
        """(from, to) of the queue's events on disk."""
        deck = self.desk.deck(writer="reader@x")
        found = [r.event.data for r in deck.state.recent()[::-1]]
        return [(d["from"], d["to"]) for d in found if d.get("gauge") == "queue"]


async def open_gauges(pilot: AppPilot) -> GaugesScreen:
    """Type 3, and wait for the service's gauge."""
    await until(pilot, lambda: app_of(pilot).live is not None, 10)
    await pilot.press("3")
    await until(pilot, lambda: isinstance(pilot.app.screen, GaugesScreen))
    await until(pilot, lambda: row(pilot, "Queue"), 10)
    screen = pilot.app.screen
    assert isinstance(screen, GaugesScreen)
    return screen


async def open_gauge(pilot: AppPilot) -> GaugeScreen:
    """And enter on it."""
    await open_gauges(pilot)
    await to_row(pilot, "queue")
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, GaugeScreen))
    screen = pilot.app.screen
    assert isinstance(screen, GaugeScreen)
    await until(pilot, lambda: screen.ready)
    return screen
