"""Whether the clock of who signs agrees with the clocks of those who said what is signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from opsdeck.journal.clock import parse_wall

SKEW = timedelta(minutes=5)
"""So far the clocks of two machines may differ."""


class Ahead(NamedTuple):
    """What a content rests on that is of a time still to come: what it is, the machine that said so
    ("": not known), when by its clock (aware UTC), and what to do once that clock is right."""

    what: str
    machine: str
    at: datetime
    remedy: str = ""

    @property
    def ready(self) -> datetime:
        """From when on it can be signed as it is, to the minute."""
        return self.at - SKEW + timedelta(minutes=1)


class _Said(NamedTuple):
    """Something that a content rests on; `at` is a text in UTC, and such texts sort."""

    at: str
    event: str
    what: str
    remedy: str


def ahead_of(content: Mapping[str, Any], now: datetime) -> Ahead | None:
    """The latest of what a content says that lies more than SKEW after it, or after `now`.

    A signature over it would be called back-dated, for nobody can tell it from one that is.
    """
    as_of = parse_wall(content["as_of"])
    if as_of is not None and as_of - now > SKEW:
        return Ahead("what the others signed", "", as_of)
    latest = max(_said(content), default=None, key=lambda said: said.at)
    at = parse_wall(latest.at) if latest is not None else None
    if latest is None or at is None or at - (as_of or now) <= SKEW:
        return None
    return Ahead(latest.what, latest.event.rpartition(":")[0], at, latest.remedy)


def _said(content: Mapping[str, Any]) -> Iterator[_Said]:
    for checklist in content["lists"]:
        for item in checklist["items"]:
            where = f"{checklist['id']}/{item['id']}"
            found = [(item, where, f", then do {where} again")]
            found += [(one, f"what was said of {where} before", "") for one in item["set_aside"]]
            found += [(one, f"a note of {where}", ", then take it back") for one in item["notes"]]
            for one, what, remedy in found:
                if one["event"] and one["at"]:
                    yield _Said(one["at"], one["event"], what, remedy)
