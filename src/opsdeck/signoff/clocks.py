"""Whether the clock of who signs agrees with the clocks of those who said what is signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from opsdeck.journal.clock import parse_wall

SKEW = timedelta(minutes=5)
"""So far the clocks of two machines may differ."""


class Ahead(NamedTuple):
    """What a content rests on that is of a time still to come: `what` it is (an item's address, or
    the content itself), the machine that said so ("": not known), and when by its clock."""

    what: str
    machine: str
    at: datetime


def ahead_of(content: Mapping[str, Any], now: datetime) -> Ahead | None:
    """The latest of what a content says that lies more than SKEW after it, or after `now`.

    A signature over it would be called back-dated, for nobody can tell it from one that is.
    """
    as_of = parse_wall(content["as_of"])
    if as_of is not None and as_of - now > SKEW:
        return Ahead("what the others signed", "", as_of)
    latest = max(_said(content), default=None, key=lambda said: said[0])
    at = parse_wall(latest[0]) if latest is not None else None
    if latest is None or at is None or at - (as_of or now) <= SKEW:
        return None
    return Ahead(latest[1], str(latest[2]).rpartition(":")[0], at)


def _said(content: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """When each event of a content was said (as texts in UTC, which sort), of what, and its id."""
    for checklist in content["lists"]:
        for item in checklist["items"]:
            for one in (item, *item["set_aside"], *item["notes"]):
                if one["event"] and one["at"]:
                    yield one["at"], f"{checklist['id']}/{item['id']}", one["event"]
