"""Playbooks and their commands: a very long one opened, and a gigabyte of output taken."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures import Figure, at_most, paired, percentile
from bench.programs import OPSDECK, Place, place
from bench.programs import run as run_program
from bench.tty import Answer, Tty

STEPS, LINES_A_STEP = 1_000, 6
OPEN_LIMIT_S = 0.5
KEYS_LIMIT = 1.5
MEMORY_LIMIT_MB = 30.0
OUTPUT_BYTES = 1_000_000_000
PRESSES = 36
HELD_S = 0.06

PRINT = "yes {line} | head -c {size}"
FLOOD = """# Flood

## Flood it

```sh name="Flood" risk="none"
{printing}; echo the end
```
"""


def run(quick: bool) -> list[Figure]:
    """From enter to the step on screen; what the app feels while a command prints without end."""
    size = OUTPUT_BYTES // 4 if quick else OUTPUT_BYTES
    with place() as here:
        _write(here, size)
        pairs = _opened(here, 3 if quick else 7)
        idle = _keys(here)
        with _flood_outside(size):
            beside = _keys(here)
        busy, grown, took = _flooded(here)
    slow, fast = percentile(busy, 50), percentile(beside, 50)
    return [
        paired(f"open a playbook of {STEPS:,} steps beside one of 3", "ms", pairs),
        Figure(
            what=f"open a playbook of {STEPS:,} steps and {STEPS * LINES_A_STEP:,} lines",
            ours=max(a for a, _ in pairs) / 1e3,
            unit="s",
            runs=len(pairs),
            limit=OPEN_LIMIT_S,
        ),
        Figure(
            what=f"{size / 1e9:g} GB of output: memory of the app and all it started, more",
            ours=grown,
            unit="MB",
            runs=1,
            limit=MEMORY_LIMIT_MB,
        ),
        Figure(what="until it is through", ours=took, unit="s", runs=1),
        Figure(
            what="key to paint meanwhile, p50, beside the same flood outside of the app",
            ours=slow,
            theirs=fast,
            ratio=slow / fast,
            unit="ms",
            runs=len(busy),
            limit=KEYS_LIMIT,
        ),
        at_most("key to paint meanwhile, p95", "ms", busy, percent=95),
        at_most("key to paint while nothing is run, p95", "ms", idle, percent=95),
    ]


@contextmanager
def _flood_outside(size: int) -> Iterator[None]:
    """As much printed, again and again, to nobody: what the machine has left for others then."""
    text = f"while :; do {PRINT.format(line='x' * 99, size=size)} | cat > /dev/null; done"
    flood = subprocess.Popen(["sh", "-c", text], start_new_session=True)
    try:
        yield
    finally:
        os.killpg(flood.pid, signal.SIGKILL)
        flood.wait()


def _write(here: Place, size: int) -> None:
    here.env["OPSDECK_OPERATOR"] = "alice"
    (here.folder / "opsdeck.toml").write_text('[deck]\nname = "bench"\n', encoding="utf-8")
    books = here.folder / "runbooks"
    books.mkdir()
    step = (
        "## Step {n} of it\n\nText with `code` and a [link](#step-1-of-it).\n- [ ] Tick {n}\n\n\n"
    )
    for name, count in (("long", STEPS), ("short", 3)):
        text = f"# {name.title()}\n\n" + "".join(step.format(n=n) for n in range(1, count + 1))
        (books / f"{name}.md").write_text(text, encoding="utf-8")
        run_program([*OPSDECK, "incident", "start", f"the {name} one", "--playbook", name], here)
    (books / "flood.md").write_text(
        FLOOD.format(printing=PRINT.format(size=size, line="x" * 99)), encoding="utf-8"
    )
    run_program([*OPSDECK, "incident", "start", "the flood", "--playbook", "flood"], here)


def _opened(here: Place, rounds: int) -> list[tuple[float, float]]:
    """Milliseconds from enter on the incident until its first step is on screen, each in a process
    that has read neither playbook."""
    return [(_open(here, "long"), _open(here, "short")) for _ in range(rounds)]


def _open(here: Place, name: str) -> float:
    _afresh(here)
    with Tty(OPSDECK, env=here.env, cwd=here.folder) as tty:
        tty.wait_for(r"\bLAST\b")
        tty.settle(0.5)
        _to_incident(tty, f"the {name} one")
        began = time.perf_counter() - tty.started
        tty.send(b"\r")
        return (tty.wait_for(r"Tick 1\b") - began) * 1e3


def _afresh(here: Place) -> None:
    """The next session begins at the Deck."""
    for kept in (here.home / "cache").glob("session-*.json"):
        kept.unlink()


def _to_incident(tty: Tty, title: str) -> None:
    """The Deck's cursor on an incident."""
    tty.press("home")
    for _ in range(6):
        line = next((x for x in tty.screen().splitlines() if x.startswith("▌")), "")
        if title in line:
            return
        tty.press("down")
    raise RuntimeError(f"no row of {title!r}:\n{tty.screen()}")


def _at_command(tty: Tty) -> None:
    tty.wait_for(r"\bLAST\b")
    tty.settle(0.5)
    _to_incident(tty, "the flood")
    tty.press("enter")
    tty.wait_for(r"\$ Flood")
    tty.press("enter")
    tty.settle(0.5)


def _keys(here: Place) -> list[float]:
    """Keys on the step's page while it runs nothing."""
    _afresh(here)
    with Tty(OPSDECK, env=here.env, cwd=here.folder) as tty:
        _at_command(tty)
        return _presses(tty)


def _flooded(here: Place) -> tuple[list[float], float, float]:
    """Keys on the step's page meanwhile, what memory grew by, and how long it took."""
    _afresh(here)
    with Tty(OPSDECK, env=here.env, cwd=here.folder) as tty:
        _at_command(tty)
        before = tty.rss_mb()
        tty.press("r")  # the cursor goes to the command
        tty.press("r")
        tty.wait_for(r"Trust the commands")
        tty.settle(0.3)
        began = time.perf_counter()
        tty.press("y")
        tty.wait_for(r"is running")
        tty.press("escape")
        tty.press("home")
        busy, most = [], before
        while "ended with 0" not in tty.screen() and time.perf_counter() - began < 120:
            busy += _presses(tty)
            most = max(most, tty.rss_mb())
        took = time.perf_counter() - began
        if "the end" not in tty.screen():
            raise RuntimeError(f"the end of the output is not shown:\n{tty.screen()}")
    return busy, most - before, took


def _presses(tty: Tty) -> list[float]:
    """Milliseconds from a key to the first byte painted, the key held."""
    found: list[Answer] = []
    for key in ("j" * 3 + "k" * 3) * (PRESSES // 6):
        found.append(tty.press(key, HELD_S))
    return [answer.first_ms for answer in found if answer.bytes]
