"""`opsdeck list items` beside the import of Textual alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from bench.figures import Figure, paired
from bench.history import write_history
from bench.programs import OPSDECK, Place, place
from bench.programs import run as run_program
from opsdeck.journal.clock import utc_now

LIMIT = 0.5
EVENTS = 10_000
IMPORT_TEXTUAL = (sys.executable, "-c", "import textual.app")
LIST_ITEMS = (*OPSDECK, "list", "items")


def run(quick: bool) -> list[Figure]:
    """Alternating, on an empty deck and on one with 10,000 events."""
    pairs = 11 if quick else 21
    figures = []
    for events in (0, EVENTS):
        with place() as here:
            if events:
                write_history(here.home, events, utc_now())
            found = [_pair(here) for _ in range(pairs + 1)][1:]
        what = f"`opsdeck list items`, {events:,} events, beside `import textual.app`"
        figures.append(paired(what, "ms", found, LIMIT))
    return figures


def _pair(here: Place) -> tuple[float, float]:
    return _wall_ms(LIST_ITEMS, here), _wall_ms(IMPORT_TEXTUAL, here)


def _wall_ms(argv: Sequence[str], here: Place) -> float:
    began = time.perf_counter()
    run_program(argv, here)
    return (time.perf_counter() - began) * 1e3
