"""What the fold keeps of incidents: all that happened in each, in the order of all events."""

from __future__ import annotations

from bisect import insort
from typing import Any

import msgspec

from opsdeck.journal.events import INCIDENT_HEADS, Event

OUTPUT_KEPT = 2_000
"""Characters of a command's output that State keeps, its end; the journal keeps more."""


class Happening(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """One event of an incident; they compare by clock, writer and seq."""

    clock: str
    writer: str
    seq: int
    type: str
    at: str
    by: str
    data: dict[str, Any]

    @property
    def key(self) -> tuple[str, str, int]:
        """Its place in the order of all events."""
        return (self.clock, self.writer, self.seq)

    @property
    def id(self) -> str:
        """`WRITER:SEQ` of its event."""
        return f"{self.writer}:{self.seq}"


class IncidentLog:
    """Incident -> what happened in it, oldest first; an incident is decoded when looked at."""

    def __init__(
        self,
        kept: dict[str, list[Happening] | msgspec.Raw] | None = None,
        heads: dict[str, list[Happening]] | None = None,
    ) -> None:
        self.kept: dict[str, list[Happening] | msgspec.Raw] = kept if kept is not None else {}
        self.heads: dict[str, list[Happening]] = heads if heads is not None else {}
        """Incident -> those happenings that say whether it is open, and what it is called."""
        self.revision = 0
        """Grows with everything that happens in any incident."""

    def take(self, writer: str, event: Event) -> None:
        """Take one event; raises KeyError or TypeError for one that names no incident."""
        identity = event.data["incident"]
        if type(identity) is not str:
            raise TypeError("an incident is named by a string")
        data = {key: value for key, value in event.data.items() if key != "incident"}
        output = data.get("output")
        if type(output) is str and len(output) > OUTPUT_KEPT:
            data["output"] = output[-OUTPUT_KEPT:]
        found = Happening(event.clock, writer, event.seq, event.type, event.at, event.by, data)
        happenings = self.of(identity)
        if not happenings:
            happenings = self.kept[identity] = []
        insort(happenings, found)
        if event.type in INCIDENT_HEADS:
            insort(self.heads.setdefault(identity, []), found)
        self.revision += 1

    def of(self, identity: str) -> list[Happening]:
        """All that happened in an incident, oldest first; [] for one that there is not."""
        found = self.kept.get(identity)
        if type(found) is msgspec.Raw:
            found = self.kept[identity] = msgspec.msgpack.decode(found, type=list[Happening])
        return found if isinstance(found, list) else []
