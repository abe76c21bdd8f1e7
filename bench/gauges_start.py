"""Start of the app with gauges of CloudWatch, MongoDB and HTTP, beside a bare Textual app."""

from __future__ import annotations

import statistics
from typing import NamedTuple

from bench.bare_app import READY
from bench.figures import Figure, at_most, paired
from bench.partners import Partners, partners
from bench.programs import BARE_APP, OPSDECK, Place, place
from bench.tty import Tty

PAINT_LIMIT = 1.25
MEMORY_LIMIT = 1.5

DECK_SHOWN = r"(?s)\bNOW\b.*\bLAST\b"
VALUE_SHOWN = r"\bCPU +\S+ +\d+(\.\d)? %"
REST_S = 4.0

SETS = (("ec2", "aws"), ("alb", "aws"), ("alarms", "aws"), ("mongodb", "mongodb"), ("http", "web"))


class Start(NamedTuple):
    """A start until the screen is painted, and until it has its first value."""

    paint_ms: float
    value_ms: float
    rss_mb: float


def run(quick: bool) -> list[Figure]:
    """A B A B …, the order in a pair changing, after one of each to warm the caches."""
    with place() as here, place() as own, partners(here.folder) as found:
        whole = _deck(here, found)
        starts: dict[str, list[tuple[Start, Start]]] = {"whole": [], "own": []}
        for number in range(-1, 5 if quick else 13):
            for name, ours in (("whole", whole), ("own", own)):
                if number % 2:
                    pair = _ours(ours), _bare(here)
                else:
                    bare = _bare(here)
                    pair = _ours(ours), bare
                if number >= 0:
                    starts[name].append(pair)

    def beside(what: str, unit: str, name: str, field: int, limit: float | None) -> Figure:
        return paired(what, unit, [(a[field], b[field]) for a, b in starts[name]], limit)

    values = [ours.value_ms for ours, _ in starts["whole"]]
    over = statistics.median(ours.rss_mb for ours, _ in starts["whole"])
    return [
        beside(
            "first paint, gauges of CloudWatch, MongoDB and HTTP", "ms", "whole", 0, PAINT_LIMIT
        ),
        beside("first paint, gauges of this machine", "ms", "own", 0, PAINT_LIMIT),
        at_most("until the first value is on the screen", "ms", values),
        beside("resident memory, gauges of this machine", "MB", "own", 2, MEMORY_LIMIT),
        Figure(
            what="resident memory with the process that looks at the others, its clients loaded",
            ours=over,
            unit="MB",
            runs=len(values),
        ),
    ]


def _deck(here: Place, found: Partners) -> Place:
    here.env.update(found.environ)
    sets = "".join(f'\n[[gauge]]\nset = "{name}"\ntarget = "{to}"\n' for name, to in SETS)
    file = here.folder / "opsdeck.toml"
    file.write_text(found.configuration() + sets, encoding="utf-8")
    return here


def _ours(here: Place) -> Start:
    with Tty(OPSDECK, env=here.env, cwd=here.folder) as tty:
        painted = tty.wait_for(DECK_SHOWN)
        value = tty.wait_for(VALUE_SHOWN)
        tty.idle(REST_S)
        return Start(painted * 1e3, value * 1e3, tty.rss_mb())


def _bare(here: Place) -> Start:
    with Tty(BARE_APP, env=here.env, cwd=here.folder) as tty:
        painted = tty.wait_for(READY)
        tty.idle(1.0)
        return Start(painted * 1e3, painted * 1e3, tty.rss_mb())
