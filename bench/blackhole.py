"""All partners silent: how long until every item is unknown, and what the keys feel meanwhile."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import Figure, percentile
from bench.history import write_history
from bench.programs import OPSDECK, Place, place
from bench.tty import Answer, Tty
from opsdeck.catalog.load import load_catalog, shipped_checklists_path
from opsdeck.journal.clock import utc_now

KEYS_LIMIT = 1.5
TIMEOUT_S = 3.0
PRESSES = 48
HELD_S = 0.06


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that neither accepts nor refuses: its queue is full, what else comes is dropped."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = int(server.getsockname()[1])
        waiting = []
        try:
            for _ in range(8):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
                waiting.append(client)
            yield port
        finally:
            for client in waiting:
                client.close()


def run(quick: bool) -> list[Figure]:
    """The shipped catalog with every feature in use, and targets that never answer."""
    with place() as here, silent_port() as port:
        _write_deck(here, port)
        took = [_seconds_to_unknown(here) for _ in range(1 if quick else 3)]
        idle, busy = _keys(here)
    p95_idle, p95_busy = percentile(idle, 95), percentile(busy, 95)
    return [
        Figure(
            what=f"blackholed, {TIMEOUT_S:g} s a look: all items of the network unknown",
            ours=max(took),
            unit="s",
            runs=len(took),
            limit=TIMEOUT_S + 1,
        ),
        Figure(
            what="key to paint while all of it is checked, p95, beside idle",
            ours=p95_busy,
            theirs=p95_idle,
            ratio=p95_busy / p95_idle,
            unit="ms",
            runs=len(busy),
            limit=KEYS_LIMIT,
        ),
    ]


def _write_deck(here: Place, port: int) -> None:
    items = [i for c in load_catalog(shipped_checklists_path()).checklists for i in c.items]
    uses = sorted({item.uses for item in items if item.uses})
    here.env.update(
        AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench-secret", OPSDECK_OPERATOR="alice"
    )
    (here.folder / "opsdeck.toml").write_text(
        f'[deck]\nname = "bench"\nuses = {json.dumps(uses)}\n'
        f'[targets.web]\nkind = "web"\nurl = "https://127.0.0.1:{port}"\n'
        f'[targets.mongodb]\nkind = "mongodb"\n'
        f'uri = "mongodb://127.0.0.1:{port}/shop?directConnection=true"\n'
        f'[targets.aws]\nkind = "aws"\nregion = "eu-central-1"\n'
        f'endpoint_url = "http://127.0.0.1:{port}"\n'
        '[targets.repo]\nkind = "repository"\npath = "."\n',
        encoding="utf-8",
    )
    write_history(here.home, 1_000, utc_now())


_CHECK = """
import asyncio, json, os, sys, time
from pathlib import Path
from opsdeck.deck import open_deck
from opsdeck.looking import Looks

async def main():
    deck = open_deck(environ=os.environ, cwd=Path.cwd(), operator="alice")
    deck.load()
    looks = Looks(deck, os.environ, timeout_s=float(sys.argv[1]))
    network = ("web", "mongodb", "aws")
    subjects = [s for s in looks.subjects() if s.probe.get("target") in network]
    subjects = [s for s in subjects if s.item.sensed and not looks.asks([s])]
    await looks.check(subjects[:1], lambda s, r: None)  # imports are not counted
    found = []
    began = time.perf_counter()
    await looks.check(subjects, lambda s, r: found.append((s.address, r.verdict, r.reason)))
    took = time.perf_counter() - began
    wrong = [f for f in found if f[1] != "unknown"]
    print(json.dumps([took, len(found), wrong]))
    sys.stdout.flush()
    os._exit(0)

asyncio.run(main())
"""


def _seconds_to_unknown(here: Place) -> float:
    done = subprocess.run(
        (sys.executable, "-c", _CHECK, str(TIMEOUT_S)),
        cwd=here.folder,
        env=here.env,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    took, count, wrong = json.loads(done.stdout)
    if wrong or not count:
        raise RuntimeError(f"of {count} items these are not unknown: {wrong}")
    return float(took)


def _keys(here: Place) -> tuple[list[float], list[float]]:
    """Milliseconds from key to first byte painted: idle, and while everything is checked."""
    with Tty(OPSDECK, env=here.env, cwd=here.folder) as tty:
        tty.wait_for(r"\bLAST\b")
        tty.settle(0.5)
        idle = _presses(tty)
        tty.press("C")
        for _ in range(2):  # commands, then requests that change something: left out
            tty.wait_for(r"leave \w+ out|checking \d+ of")
            if "checking" in tty.screen():
                break
            tty.press("n")
            tty.settle(0.3)
        tty.wait_for(r"checking \d+ of")
        busy = _presses(tty)
        if os.environ.get("BENCH_SHOW"):
            print(tty.screen(), file=sys.stderr)
    return idle, busy


def _presses(tty: Tty) -> list[float]:
    found: list[Answer] = []
    for key in ("j" * 6 + "k" * 6) * (PRESSES // 12):
        found.append(tty.press(key, HELD_S))
    return [answer.first_ms for answer in found if answer.first_ms is not None]
