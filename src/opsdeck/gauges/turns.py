"""Changes of level as the events they are, and back."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from opsdeck.gauges.levels import RANK, Judge, Latch
from opsdeck.gauges.memory import Change, Memory, Tally
from opsdeck.journal.clock import parse_wall, wall_text
from opsdeck.journal.events import GAUGE_CHANGED
from opsdeck.journal.fold import Mark
from opsdeck.journal.writing import Draft

OPSDECK = "opsdeck"
"""By whom a gauge's event is: nobody pressed a key."""


def draft_of(change: Change, unit: str) -> Draft:
    """A change of level as the event it is."""
    data: dict[str, Any] = {
        "gauge": change.gauge,
        "title": change.title,
        "from": change.before,
        "to": change.after,
        "start": _wall(change.began),
        "end": _wall(change.at),
        "duration_s": round(max(0.0, change.at - change.began), 1),
    }
    seen = (("min", change.low), ("mean", change.mean), ("max", change.high))
    for key, value in (*seen, ("value", change.value)):
        if value is not None and math.isfinite(value):
            data[key] = round(value, 3)
    if unit:
        data["unit"] = unit
    if change.reason:
        data["reason"] = change.reason[:300]
    return Draft(GAUGE_CHANGED, data, by=OPSDECK)


def _wall(at: float) -> str:
    return wall_text(datetime.fromtimestamp(at, UTC))


def memory_of(turn: Mark) -> Memory | None:
    """What an event says of how a gauge stands."""
    level = turn.kind
    if level not in RANK:
        return None
    since = parse_wall(turn.at)
    judge = Judge(Latch(on=level in ("warning", "critical")), Latch(on=level == "critical"))
    began = since.timestamp() if since is not None else 0.0
    return Memory(level=level, judge=judge, tally=Tally(began=began))
