"""A deck whose gauges are watched, on a clock that the test moves, with a partner that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsdeck.catalog.gauges import Adjustment, Gauges, GaugeSpec
from opsdeck.deck import Deck
from opsdeck.errors import NotSavedError
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.schedule import Clock
from opsdeck.journal.writing import Draft
from opsdeck.looking import Looks
from opsdeck.watching import Watching
from tests.gauges.made import START, above
from tests.probes.partners_http import Asked, Partner, json_reply
from tests.screens.desk import Desk

OWN = ("cpu", "cores", "steal", "iowait", "memory", "swap", "load", "files", "net-in", "net-out")


def queue_gauge(**more: Any) -> GaugeSpec:
    """How many wait at the partner: warning at 50, critical at 90."""
    more = {
        "title": "Queue",
        "every_s": 10.0,
        "unit": "",
        "value": "body.waiting",
        **above(50, 90),
        **more,
    }
    probe = {"kind": "http", "target": "web", "timeout": 2}
    return GaugeSpec(id="queue", source="web", probe=probe, **more)


class Waiting:
    """A service that tells how many wait at it; None answers 503."""

    def __init__(self) -> None:
        self.number: float | None = 10
        self.looks = 0
        self.partner = Partner(self._answer)

    def _answer(self, asked: Asked) -> bytes:
        self.looks += 1
        if self.number is None:
            return json_reply("{}", 503)
        return json_reply(f'{{"waiting": {self.number}}}')


@pytest.fixture
def service() -> Iterator[Waiting]:
    """A service that tells how many wait at it."""
    found = Waiting()
    yield found
    found.partner.close()


class World:
    """Steady and wall time, moved by hand."""

    def __init__(self) -> None:
        self.steady = 0.0
        self.set_by = 0.0
        self.clock = self.new_clock()

    def new_clock(self) -> Clock:
        """As a process has it that starts now."""
        return Clock(lambda: START + self.steady + self.set_by, lambda: self.steady)


class Watched:
    """A deck with gauges that a process of its own watches."""

    def __init__(
        self,
        folder: Path,
        service: Waiting,
        world: World,
        writer: str = "box@one",
        specs: tuple[GaugeSpec, ...] = (),
        adjustments: tuple[Adjustment, ...] = (),
    ) -> None:
        self.desk = Desk(folder)
        self.world = world
        gauges = Gauges(specs=specs or (queue_gauge(),), adjustments=adjustments)
        web = {"kind": "web", "url": service.partner.url}
        self.deck: Deck = self.desk.deck(writer=writer, gauges=gauges, targets={"web": web})
        self.refuses: str | None = None
        self.looked = Looks(self.deck, {})
        world.clock = world.new_clock()
        self.watching = Watching(self.deck, self._looks, self._record, clock=world.clock)

    async def _looks(self) -> Looks:
        return self.looked

    async def _record(self, drafts: list[Draft]) -> None:
        if self.refuses is not None:
            raise NotSavedError(self.refuses)
        self.deck.record(*drafts)

    @property
    def gauge(self) -> Gauge:
        """The one of the partner."""
        found = self.watching.board.gauge("queue")
        assert found is not None
        return found

    async def begin(self) -> None:
        """As the app does."""
        await self.watching.begin()
        await self.tick(0)

    async def tick(self, seconds: float = 1.0) -> bool:
        """So much later; what the tick set going has ended then."""
        self.world.steady += seconds
        news = await self.watching.tick()
        await self.settle()
        return news

    async def settle(self) -> None:
        """Wait for what ticks have set going."""
        while self.watching._tasks:
            await asyncio.gather(*self.watching._tasks)
            await asyncio.sleep(0)

    async def see(self, number: float | None, service: Waiting, ticks: int = 11) -> None:
        """Have the partner say this, and tick until it was heard and recorded."""
        service.number = number
        for _ in range(ticks):
            await self.tick()

    def turns(self) -> list[dict[str, Any]]:
        """The gauge's events, as a process sees them on disk that starts now."""
        deck = self.desk.deck(writer="reader@x")
        events = [r.event for r in deck.state.recent()[::-1]]
        return [e.data for e in events if e.data.get("gauge") == "queue"]

    async def end(self) -> None:
        """The program ends in good order."""
        self.watching.leave()
        await self.looked.aclose()
