"""Live gauges beside glances and btop: what a second of them costs, on screen and in one look.

The three run one after the other, several times, in one terminal of 120x40, each with the numbers
of this machine live: glances at the same refresh of a second, btop at its own of two. They are
found on the path, or where BENCH_GLANCES and BENCH_BTOP say; what is not there leaves its ratios
out.
"""

from __future__ import annotations

import os
import shlex
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from typing import NamedTuple

from bench.figures import Figure, paired
from bench.programs import OPSDECK, Place, place
from bench.tty import Tty

CPU_LIMIT = 1 / 3
BYTES_LIMIT = 1 / 4
STILL_LIMIT = 300
GLANCE_LIMIT = 0.5

GLANCES = ("--time", "1", "--disable-check-update")
ONE_LOOK = ("--stdout", "cpu.user,mem.used", "--stop-after", "1")

SHOWN = {"Deck": ("1", r"\bGAUGES\b"), "Gauges": ("3", r"\bTHIS MACHINE\b")}
"""Screens with live gauges: the key to each, and what is on it."""


class Cost(NamedTuple):
    """What a program costs that nobody touches."""

    cpu_percent: float
    """Of one processor, the programs it started included."""
    bytes_s: float
    """Written to the terminal."""


def run(quick: bool) -> list[Figure]:
    """Each program is left alone for some time, once it has settled."""
    seconds, rounds = (10.0, 2) if quick else (30.0, 3)
    glances, btop = _found("BENCH_GLANCES", "glances"), _found("BENCH_BTOP", "btop")
    costs: dict[str, list[Cost]] = {}
    with place() as here:
        for _ in range(rounds):
            for name, (key, shown) in SHOWN.items():
                costs.setdefault(name, []).append(_idle(OPSDECK, here, seconds, key, shown))
            if glances:
                costs.setdefault("glances", []).append(_idle([*glances, *GLANCES], here, seconds))
            if btop:
                costs.setdefault("btop", []).append(_idle(btop, here, seconds))
        figures = [figure for name in SHOWN for figure in _of_screen(name, costs)]
        figures += _looks(here, glances, 5 if quick else 11)
    return figures


def _found(variable: str, name: str) -> list[str]:
    told = os.environ.get(variable)
    if told:
        return shlex.split(told)
    found = shutil.which(name)
    return [found] if found else []


def _idle(argv: Sequence[str], here: Place, seconds: float, key: str = "", shown: str = "") -> Cost:
    with Tty(argv, env=here.env, cwd=here.folder) as tty:
        tty.settle(0.5, limit_s=3.0)
        if shown:
            tty.send(key.encode())
            tty.wait_for(shown)
        tty.idle(4.0)  # what a start brings along is over by then
        began, before = time.perf_counter(), tty.cpu_s()
        written = tty.idle(seconds)
        took = time.perf_counter() - began
        return Cost(100 * (tty.cpu_s() - before) / took, written / took)


def _of_screen(name: str, costs: dict[str, list[Cost]]) -> list[Figure]:
    ours = costs[name]
    cpu, written = [c.cpu_percent for c in ours], [c.bytes_s for c in ours]
    figures = []
    for other, what, unit, mine, field, limit in (
        ("glances", "CPU", "%", cpu, 0, CPU_LIMIT),
        ("btop", "CPU", "%", cpu, 0, None),
        ("glances", "bytes a second", "B", written, 1, None),
        ("btop", "bytes a second", "B", written, 1, BYTES_LIMIT),
    ):
        theirs = [c[field] for c in costs.get(other, ())]
        if theirs:
            pairs = list(zip(mine, theirs, strict=True))
            figures.append(paired(f"{name} screen: {what}, beside {other}", unit, pairs, limit))
    still = statistics.median(written)
    return [
        *figures,
        Figure(
            what=f"{name} screen: bytes a second, on a machine at rest",
            ours=still,
            unit="B",
            runs=len(ours),
            limit=STILL_LIMIT,
        ),
    ]


def _looks(here: Place, glances: Sequence[str], count: int) -> list[Figure]:
    """One look at this machine, from spawn to end."""
    what = "opsdeck glance, beside glances --stdout --stop-after 1"
    pairs = []
    for number in range(-1, count):
        ours = _took([*OPSDECK, "glance"], here)
        theirs = _took([*glances, *ONE_LOOK], here) if glances else float("nan")
        if number >= 0:
            pairs.append((ours * 1e3, theirs * 1e3))
    if glances:
        return [paired(what, "ms", pairs, GLANCE_LIMIT)]
    alone = statistics.median(ours for ours, _ in pairs)
    return [Figure(what="opsdeck glance", ours=alone, unit="ms", runs=len(pairs))]


def _took(argv: Sequence[str], here: Place) -> float:
    began = time.perf_counter()
    subprocess.run(
        argv,
        cwd=here.folder,
        env=here.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return time.perf_counter() - began
