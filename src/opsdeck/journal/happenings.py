"""What the fold keeps of incidents and releases: all that happened, in the order of all events."""

from __future__ import annotations

from bisect import insort
from typing import Any, ClassVar

import msgspec

from opsdeck.journal.events import INCIDENT_HEADS, RELEASE_HEADS, Event

OUTPUT_KEPT = 2_000
"""Characters of a command's output that State keeps, its end; the journal keeps more."""


class Happening(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """One event of an incident or release; they compare by clock, writer and seq."""

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


# msgspec learns a type at its first use, and crashes where two threads teach it the same one at the
# same time: it knows this one from here on.
_decoded = msgspec.msgpack.Decoder(list[Happening]).decode


class HappeningLog:
    """Name -> what happened to the thing of that name, oldest first; decoded when looked at."""

    NAMED_BY: ClassVar[str]
    """The key of an event's data that names it."""
    HEADS: ClassVar[frozenset[str]]
    """Types of event that are kept in short too, for what is asked of all of them."""

    def __init__(
        self,
        kept: dict[str, list[Happening] | msgspec.Raw] | None = None,
        heads: dict[str, list[Happening]] | None = None,
    ) -> None:
        self.kept: dict[str, list[Happening] | msgspec.Raw] = kept if kept is not None else {}
        self.heads: dict[str, list[Happening]] = heads if heads is not None else {}
        """Name -> those happenings that say how it stands as a whole."""
        self.revision = 0
        """Grows with everything that happens to any of them."""

    def take(self, writer: str, event: Event) -> None:
        """Take one event; raises KeyError or TypeError for one that names nothing."""
        identity = event.data[self.NAMED_BY]
        if type(identity) is not str:
            raise TypeError(f"{self.NAMED_BY} is a string")
        data = {key: value for key, value in event.data.items() if key != self.NAMED_BY}
        self._trim(data)
        found = Happening(event.clock, writer, event.seq, event.type, event.at, event.by, data)
        happenings = self.of(identity)
        if not happenings:
            happenings = self.kept[identity] = []
        insort(happenings, found)
        if event.type in self.HEADS:
            insort(self.heads.setdefault(identity, []), self._in_short(found))
        self.revision += 1

    def of(self, identity: str) -> list[Happening]:
        """All that happened to it, oldest first; [] for one that there is not."""
        found = self.kept.get(identity)
        if type(found) is msgspec.Raw:
            found = self.kept[identity] = _decoded(found)
        return found if isinstance(found, list) else []

    def _trim(self, data: dict[str, Any]) -> None:
        """Leave out what State need not keep."""

    def _in_short(self, happening: Happening) -> Happening:
        """What a head keeps of it."""
        return happening


class IncidentLog(HappeningLog):
    """Incident -> what happened in it; heads say whether it is open, and what it is called."""

    NAMED_BY = "incident"
    HEADS = INCIDENT_HEADS

    def _trim(self, data: dict[str, Any]) -> None:
        output = data.get("output")
        if type(output) is str and len(output) > OUTPUT_KEPT:
            data["output"] = output[-OUTPUT_KEPT:]


class ReleaseLog(HappeningLog):
    """Release -> what was said of it and who signed it; the signed content stays in the journal."""

    NAMED_BY = "release"
    HEADS = RELEASE_HEADS

    def _trim(self, data: dict[str, Any]) -> None:
        if "sha256" in data:
            data.pop("content", None)

    def _in_short(self, happening: Happening) -> Happening:
        data = {k: v for k, v in happening.data.items() if k not in ("statement", "signature")}
        return msgspec.structs.replace(happening, data=data)
