"""Events about one item, put together as a journal would hold them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opsdeck.catalog.model import Item
from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import GENESIS, Event
from opsdeck.journal.fold import Entry, State
from opsdeck.runs.status import Status, status_of

T0 = datetime(2026, 11, 23, 2, 38, tzinfo=UTC)
RUN = "ops/2026-11-23"
KINDS = {
    "attested": (ev.ATTESTED, {}),
    "reopened": (ev.REOPENED, {}),
    "overridden": (ev.OVERRIDDEN, {"reason": "because"}),
    "deferred": (ev.DEFERRED, {"reason": "later", "due": "2026-12-01"}),
    "unused": (ev.UNUSED, {"reason": "we have none"}),
    "waived": (
        ev.WAIVED,
        {"reason": "old", "approver": "bob", "until": "2026-11-24T02:38+00:00", "zone": "UTC"},
    ),
    "passed": (ev.CHECKED, {"verdict": "passed"}),
    "failed": (ev.CHECKED, {"verdict": "failed"}),
    "unknown": (ev.CHECKED, {"verdict": "unknown"}),
}


class Story:
    """What is said of item `i`, a minute apart."""

    def __init__(self, *kinds: str) -> None:
        self.state = State()
        self.now = T0
        self.seq = 0
        for kind in kinds:
            self.say(*KINDS[kind])

    def say(self, type_: str, data: dict[str, str], *, by: str = "alice") -> str:
        """One more event a minute later; its id."""
        self.now += timedelta(minutes=1)
        self.seq += 1
        stamp = f"{int(self.now.timestamp() * 1000):013d}-00000"
        more = {"run": RUN, "item": "i", **data}
        event = Event(self.seq, wall_text(self.now), stamp, by, type_, more, GENESIS)
        assert self.state.apply("w", event)
        return f"w:{self.seq}"

    @property
    def entry(self) -> Entry:
        """What State keeps of the item."""
        found = self.state.entry(RUN, "i")
        assert found is not None
        return found

    def status(
        self,
        item: Item | None = None,
        *,
        after: timedelta = timedelta(),
        uses: tuple[str, ...] = (),
    ) -> Status:
        """How the item stands, `after` its last event."""
        item = item or Item(id="i", text="an item")
        return status_of(item, self.state.entry(RUN, "i"), self.now + after, uses)
