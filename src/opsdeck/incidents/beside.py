"""What else happened while an incident lasted: events of gauges and items that do not name it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opsdeck.incidents.model import Incident
from opsdeck.incidents.timeline import is_beside, window
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import Recorded
from opsdeck.journal.paging import newest_first
from opsdeck.journal.store import Journal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def events_beside(journal: Journal, one: Incident) -> list[Recorded]:
    """Events of gauges and items within the incident's window, oldest first.

    Read from disk, from the newest backwards, and no further than the window reaches.
    """
    bounds = window(one)
    if bounds is None:
        return []
    first, last = bounds
    # The clock that orders events is never behind the wall clock of the one who wrote them: where
    # it is before the window, so is all that is older, even if a wall clock was set meanwhile.
    oldest_ms = (first - _EPOCH) // timedelta(milliseconds=1)
    found: list[Recorded] = []
    for recorded in newest_first(journal.folder):
        event = recorded.event
        if int(event.clock[:13]) < oldest_ms:
            break
        at = parse_wall(event.at) if is_beside(event) else None
        if at is not None and first <= at and (last is None or at <= last):
            found.append(recorded)
    found.reverse()
    return found
