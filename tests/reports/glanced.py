"""Glances made for tests: what was seen, without anything having been looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from opsdeck.catalog.gauges import Limit
from opsdeck.reports.glance import DueRun, GaugeSeen, Glance, ItemSeen, status_of
from opsdeck.reports.glance_certificates import Certificate

NOW = datetime(2026, 11, 23, 7, 15, tzinfo=UTC)
EVIL = "\x1b]0;owned\x07\x9b31m\u202egnp|'=\"`rm`[b]\\\r\nnext;line\u2028\x7f"


def gauge(identity: str = "g", level: Any = "ok", value: float | None = 20.0, **more: Any) -> Any:
    """A gauge of the target `web`, seen just now."""
    fields: dict[str, Any] = {
        "id": identity,
        "title": identity.upper(),
        "source": "web",
        "value": value,
        "unit": "ms",
        "level": level,
        "at": NOW,
        "age_s": 0.0,
        "every_s": 10.0,
        "since": NOW - timedelta(hours=1),
        "warn": None,
        "crit": None,
        "scale": None,
        "beyond_since": None,
        "text": "",
        "forecast": None,
        "playbook": None,
    }
    return GaugeSeen(**{**fields, **more})


def item(identity: str = "i", state: str = "failed", **more: Any) -> ItemSeen:
    """An item that was looked at three hours ago."""
    fields = {"checklist": "own", "item": identity, "text": f"Text of {identity}", "run": "own/x"}
    at = NOW - timedelta(hours=3)
    return ItemSeen(**{**fields, "state": state, "why": "", "at": at, **more})


def run(title: str = "Daily Operations", done: int = 3, **more: Any) -> DueRun:
    """A periodic run of eight items, due at midnight."""
    fields = {"checklist": "daily", "title": title, "run": "daily/2026-11-23", "state": "begun"}
    due = NOW + timedelta(hours=16)
    return DueRun(**{**fields, "done": done, "total": 8, "due": due, **more})


def certificate(host: str, days: float, *, waived: bool = False) -> Certificate:
    """A certificate that some item looks at."""
    return Certificate(
        host=host, days_left=days, checklist="own", item="tls", at=NOW, waived=waived
    )


def limits(warn: float, crit: float, op: str = ">=") -> dict[str, Limit]:
    """Both limits of a gauge."""
    return {"warn": Limit(op, warn), "crit": Limit(op, crit)}


def glance(*gauges: Any, **more: Any) -> Glance:
    """A glance with its status as it follows from the rest."""
    fields: dict[str, Any] = {
        "status": "ok",
        "looked": True,
        "online": True,
        "deck": "acme-prod",
        "at": NOW,
        "gauges": gauges or (gauge(),),
        "oldest": None,
        "release": None,
    }
    names = ("due", "missed", "failing", "unknown", "stale", "waivers", "certificates")
    seen = Glance(**{**fields, **dict.fromkeys(names, ()), **more})
    return msgspec.structs.replace(seen, status=status_of(seen))


FULL: dict[str, Any] = {
    "due": (run(), run("Weekly Operations", 0)),
    "missed": tuple(run(f"Daily {n}", run=f"daily/2026-11-{n}") for n in range(10, 15)),
    "failing": tuple(
        item(f"f{n}", why="17 of the last 20 requests took longer than 500 ms, which is too many")
        for n in range(30)
    ),
    "overdue": tuple(
        item(f"review-v{n}", "open", at=None, until=NOW - timedelta(days=n + 1)) for n in range(9)
    ),
    "stale": tuple(item(f"s{n}", "stale") for n in range(9)),
    "unknown": tuple(item(f"u{n}", "unknown", why="no answer within 5 s") for n in range(9)),
    "waivers": tuple(
        item(f"w{n}", "waived", until=NOW + timedelta(days=2, hours=1)) for n in range(9)
    ),
    "certificates": tuple(certificate(f"host-{n}.shop.example", n * 5.0) for n in range(9)),
    "oldest": item("old", "attested", at=NOW - timedelta(days=40)),
    "release": "v1.4.2",
}
"""Everything is wrong at once."""
