"""What `opsdeck list gauges` prints."""

from __future__ import annotations

import time

from opsdeck.commands.door import Door
from opsdeck.commands.output import say, say_json
from opsdeck.commands.table import columns, width
from opsdeck.gauges import keeping
from opsdeck.gauges.board import Board
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.words import age_words, amount, limit_words
from opsdeck.watching import cache_folder


def show_gauges(door: Door, *, as_json: bool = False) -> None:
    """Every gauge by its source, as it was last seen."""
    deck = door.deck()
    board = Board(deck.config.gauges)
    now = time.time()
    keeping.restore(board, keeping.read_last(cache_folder(deck)), None, now)
    board.lapse(now)
    if as_json:
        from opsdeck.reports.glance import glance_of
        from opsdeck.reports.glance_machines import as_object

        say_json(as_object(glance_of(deck, board, now, online=True))["gauges"])
        return
    found = board.gauges()
    for line in columns([_row(gauge, now) for gauge in found], width()):
        say(line)
    if not found:
        say("no gauge was looked at yet: `opsdeck glance` does, and so does the app")


def _row(gauge: Gauge, now: float) -> tuple[str, str, str, str, str]:
    spec = gauge.spec
    limits = [limit_words(limit, spec.unit) for limit in (spec.warn, spec.crit)]
    told = ", ".join(word for word in limits if word)
    return (
        spec.id,
        gauge.level or "never",
        amount(gauge.value, spec.unit),
        age_words(gauge.age_s(now)),
        f"{spec.source}: {spec.title}" + (f" (limits {told})" if told else ""),
    )
