"""An incident and all that is known beside it: the values that every format is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import msgspec

from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.gauges.keeping import read_kept
from opsdeck.gauges.turns import OPSDECK
from opsdeck.incidents.beside import events_beside
from opsdeck.incidents.model import Incident
from opsdeck.incidents.timeline import Entry, timeline, window
from opsdeck.incidents.times import Times, times_of
from opsdeck.incidents.view import incident_of
from opsdeck.journal import events as ev
from opsdeck.journal.events import Recorded
from opsdeck.reports.incident_gauges import Kept, Track, tracks
from opsdeck.watching import cache_folder

LONGEST = timedelta(days=31)
"""Gauges are drawn over no more than that."""


class IncidentReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a post-incident report says. `types` gives the type of each entry's event;
    `bounds` are from when until when gauges are drawn."""

    one: Incident
    deck: str
    zone: tzinfo
    entries: list[Entry]
    types: dict[str, str]
    beside: Sequence[Recorded]
    times: Times
    people: list[str]
    tracks: list[Track]
    bounds: tuple[datetime, datetime]

    def of_type(self, *types: str) -> list[Entry]:
        """The entries that are events of these types, oldest first."""
        return [entry for entry in self.entries if self.types.get(entry.id) in types]


def read_incident(deck: Deck, identity: str) -> IncidentReport:
    """The report on an incident of the deck; waits for the disk.

    Raises UsageError where there is no such incident.
    """
    one = incident_of(deck.state.incidents, identity)
    if one is None:
        raise UsageError(f"there is no incident {identity!r}")
    beside = events_beside(deck.journal, one)
    kept = read_kept(cache_folder(deck))
    return build_incident_report(one, beside, deck.config.name, deck.zone, deck.now(), kept)


def build_incident_report(
    one: Incident,
    beside: Sequence[Recorded],
    deck: str,
    zone: tzinfo,
    now: datetime,
    kept: Kept = (None, None),
) -> IncidentReport:
    """The report on an incident as it stands; `kept` is the past of the gauges, as far as known."""
    bounds = _bounds(one, now)
    types = {happening.id: happening.type for happening in one.happenings}
    types |= {recorded.id: recorded.event.type for recorded in beside}
    return IncidentReport(
        one=one,
        deck=deck,
        zone=zone,
        entries=timeline(one, beside),
        types=types,
        beside=beside,
        times=times_of(one, beside),
        people=people_of(one),
        tracks=tracks(one, beside, bounds, kept),
        bounds=bounds,
    )


def people_of(one: Incident) -> list[str]:
    """Who took part, in the order in which they did anything or were given a role."""
    found: list[str] = []
    for happening in one.happenings:
        found.append(happening.by)
        to = happening.data.get("to")
        if happening.type == ev.INCIDENT_ROLE and isinstance(to, str):
            found.append(to)
    return [name for name in dict.fromkeys(found) if name and name != OPSDECK]


def _bounds(one: Incident, now: datetime) -> tuple[datetime, datetime]:
    """From the beginning of its window to its resolution, or to now where there is none yet."""
    found = window(one)
    first = found[0] if found is not None else now
    end = max(first, one.resolved_at if one.over and one.resolved_at is not None else now)
    return (max(first, end - LONGEST), end)
