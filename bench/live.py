"""The whole shipped catalog against partners that answer: how long until all have a verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from bench.figures import Figure
from bench.partners import Partners, partners
from bench.programs import OPSDECK, Place, place
from bench.programs import run as run_program
from opsdeck.catalog.load import load_catalog, shipped_checklists_path

LIMIT_S = 3.0
SLOWEST = 5


def run(quick: bool) -> list[Figure]:
    """Each time in a fresh process, which imported the clients and looked once at each target."""
    with place() as here, partners(here.folder) as found:
        _write_deck(here, found)
        runs = [_check(here) for _ in range(1 if quick else 3)]
    items = load_catalog(shipped_checklists_path()).checklists
    count, of = len(runs[0]["verdicts"]), sum(len(c.items) for c in items)
    took = [one["took_s"] for one in runs]
    figures = [
        Figure(
            what=f"live partners: {count} sensed items of {of}, until all have a verdict",
            ours=max(took),
            unit="s",
            runs=len(took),
            limit=LIMIT_S,
        ),
        Figure(
            what="of it: processor time of the process that looks",
            ours=max(one["cpu_s"] for one in runs),
            unit="s",
            runs=len(took),
        ),
    ]
    slowest = sorted(runs[-1]["look_ms"].items(), key=lambda one: -one[1])[:SLOWEST]
    figures += [Figure(what=f"slowest: {item}", ours=ms, unit="ms", runs=1) for item, ms in slowest]
    return figures


def _write_deck(here: Place, found: Partners) -> None:
    """The partners in `opsdeck.toml`, every feature in use, the restore test attested."""
    here.env.update(found.environ, OPSDECK_OPERATOR="alice")
    (here.folder / "opsdeck.toml").write_text(found.configuration(), encoding="utf-8")
    run_program((*OPSDECK, "attest", "backup-strategy/restore-tested"), here)


_CHECK = """
import asyncio, json, os, sys, time
from pathlib import Path
from opsdeck.deck import open_deck
from opsdeck.looking import Looks

async def main():
    deck = open_deck(environ=os.environ, cwd=Path.cwd(), operator="alice")
    deck.load()
    looks = Looks(deck, os.environ)
    subjects = [s for s in looks.subjects() if s.item.sensed]
    looks.agree(looks.asks(subjects))
    first = {}
    for subject in subjects:  # imports are not counted
        first.setdefault((subject.probe["kind"], subject.probe.get("target")), subject)
    await looks.check(list(first.values()), lambda s, r: None)
    found = {}
    began, cpu = time.perf_counter(), time.process_time()
    await looks.check(subjects, lambda s, r: found.__setitem__(s.address, r))
    told = {
        "took_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "verdicts": {a: [r.verdict, r.cause, r.reason] for a, r in found.items()},
        "look_ms": {a: r.took_ms for a, r in found.items()},
    }
    print(json.dumps(told))
    sys.stdout.flush()
    os._exit(0)

asyncio.run(main())
"""


def _check(here: Place) -> dict[str, Any]:
    done = subprocess.run(
        (sys.executable, "-c", _CHECK),
        cwd=here.folder,
        env=here.env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    unknown = {a: said for a, said in told["verdicts"].items() if said[0] == "unknown"}
    if unknown:
        raise RuntimeError(f"{len(unknown)} items have no verdict: {unknown}")
    if os.environ.get("BENCH_SHOW"):
        failed = {a: said for a, said in told["verdicts"].items() if said[0] != "passed"}
        print(json.dumps(failed, indent=1), file=sys.stderr)
        print(json.dumps(told["look_ms"], indent=1), file=sys.stderr)
    return told
