"""`opsdeck check` of 100 HTTP items on loopback beside the same 100 requests by bare httpx."""

from __future__ import annotations

import sys
import time

from bench.figures import Figure, paired
from bench.http_server import http_server
from bench.programs import OPSDECK, Place, place
from bench.programs import run as run_program

LIMIT = 2.0
ITEMS = 100
CONCURRENCY = 16


def run(quick: bool) -> list[Figure]:
    """Alternating whole processes, start and imports included."""
    pairs = 7 if quick else 15
    with place() as here, http_server(here.env, here.folder) as port:
        _write_deck(here, port)
        found = [_pair(here, port) for _ in range(pairs + 1)][1:]
    what = f"`opsdeck check` of {ITEMS} HTTP items beside bare httpx, {CONCURRENCY} at once"
    return [paired(what, "ms", found, LIMIT)]


def _write_deck(here: Place, port: int) -> None:
    (here.folder / "opsdeck.toml").write_text(
        f'[deck]\nname = "bench"\n[targets.web]\nkind = "web"\nurl = "http://127.0.0.1:{port}"\n',
        encoding="utf-8",
    )
    lines = ['[[checklist]]\nid = "web"\ntitle = "Web"\nsection = "Bench"\ncadence = "standing"\n']
    lines += [
        f'[[checklist.item]]\nid = "item-{number}"\ntext = "Item {number} is well"\n'
        f'probe = {{ kind = "http", target = "web", path = "/item-{number}" }}\n'
        'expect = ["status == `200`", "body.status == \'ok\'"]\n'
        for number in range(ITEMS)
    ]
    (here.folder / "checklists.toml").write_text("\n".join(lines), encoding="utf-8")
    # Once beforehand, as on any machine where the deck is in use: the checked catalog is kept.
    (here.home / "cache").mkdir(parents=True, mode=0o700)
    run_program((*OPSDECK, "list", "checklists"), here)


def _pair(here: Place, port: int) -> tuple[float, float]:
    bare = (
        *(sys.executable, "-m", "bench.bare_httpx"),
        *(f"http://127.0.0.1:{port}", str(ITEMS), str(CONCURRENCY)),
    )
    return _wall_ms((*OPSDECK, "check", "web"), here), _wall_ms(bare, here)


def _wall_ms(argv: tuple[str, ...], here: Place) -> float:
    began = time.perf_counter()
    printed = run_program(argv, here)
    took = (time.perf_counter() - began) * 1e3
    if "check" in argv and f"{ITEMS} passed" not in printed:
        raise RuntimeError(f"not all passed:\n{printed}")
    return took
