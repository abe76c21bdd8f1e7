"""A tick with two apps open on one deck: from the key to disk, to the screen, to the other's."""

from __future__ import annotations

import re
import time
from typing import NamedTuple

from bench.figures import Figure, at_most
from bench.history import write_history
from bench.notify import Watch
from bench.programs import OPSDECK, Place, place
from bench.tty import NotShownError, Tty
from opsdeck.journal.clock import utc_now

LIMIT_MS = 30
OTHER_LIMIT_MS = 2_000
EVENTS = 2_000
ANSWER_S = 0.1
LOOK_EVERY = 6

CHECKLIST = "Critical Issues"
OPENED = r"\bmanual\b"


class Tick(NamedTuple):
    """When one tick was where, in ms after its key."""

    written: float
    durable: float
    shown: float
    painted: float


def run(quick: bool) -> list[Figure]:
    """Durable is when the writer's lock file says so: it is written after the flush returned.

    The stamps of files come from a thread and are late when the machine is busy, those of the
    screen are not: a few ticks "shown before durable" prove nothing, many do.
    """
    with place() as here:
        write_history(here.home, EVENTS, utc_now())
        ticks, elsewhere = _measure(here, 30 if quick else 120)
    early = sum(t.shown < t.durable for t in ticks)

    def p95(what: str, values: list[float], limit: float | None = None) -> Figure:
        return at_most(f"tick, two apps open: {what}, p95", "ms", values, limit, percent=95)

    return [
        p95("key to written", [t.written for t in ticks]),
        p95("key to durable", [t.durable for t in ticks], LIMIT_MS),
        p95("key to the row on screen", [t.shown for t in ticks], LIMIT_MS),
        p95("durable and on screen", [max(t.durable, t.painted) for t in ticks], LIMIT_MS),
        p95("on the other's screen", elsewhere, OTHER_LIMIT_MS),
        Figure(what="ticks shown before durable", ours=early, unit="", runs=len(ticks)),
    ]


def _open(here: Place, operator: str) -> Tty:
    tty = Tty(OPSDECK, env={**here.env, "OPSDECK_OPERATOR": operator}, cwd=here.folder)
    try:
        tty.wait_for(r"\bLAST\b")
        tty.press("2")
        tty.wait_for(CHECKLIST)
        for _ in range(40):
            if _cursor_on(tty, CHECKLIST):
                break
            tty.press("j", ANSWER_S)
        tty.press("enter")
        tty.wait_for(OPENED)
        tty.settle(0.5)
    except NotShownError:
        tty.stop()
        raise
    return tty


def _cursor_on(tty: Tty, text: str) -> bool:
    return any(line.startswith("▌") and text in line for line in tty.screen().splitlines())


def _measure(here: Place, count: int) -> tuple[list[Tick], list[float]]:
    ticks, elsewhere = [], []
    with _open(here, "alice") as alice, _open(here, "bob") as bob, Watch(here.journal) as watch:
        for number in range(count):
            look = number % LOOK_EVERY == 0
            if look:
                bob.settle(OTHER_LIMIT_MS / 1e3)  # what came before is shown by then
            before = _cursor_row(bob)
            tick, sent = _tick(alice, watch)
            ticks.append(tick)
            if look:
                elsewhere.append(_until_changed(bob, before, sent))
            bob.settle(0.0)
    return ticks, elsewhere


def _tick(tty: Tty, watch: Watch) -> tuple[Tick, float]:
    """Space toggles: the row says another state then, or this raises."""
    row = _cursor_row(tty)
    answer = tty.press("space", ANSWER_S)
    shown = _when_row_changes(tty, row)
    written = watch.first_after(answer.sent, ".jsonl")
    durable = watch.first_after(answer.sent, ".lock")
    if written is None or durable is None:
        raise RuntimeError("a tick did not reach the journal")
    tty.settle(0.3)
    return Tick(
        (written - answer.sent) * 1e3,
        (durable - answer.sent) * 1e3,
        (shown - answer.sent) * 1e3,
        answer.last_ms,
    ), answer.sent


def _when_row_changes(tty: Tty, row: str) -> float:
    """Draw piece by piece what was read: when the one came that changed the row."""
    while not tty.terminal.drawn:
        at = tty.terminal.draw()
        if _row_in(tty.terminal.text()) != row:
            tty.screen()
            return at
    raise RuntimeError(f"a tick did not show:\n{tty.screen()}")


def _cursor_row(tty: Tty) -> str:
    return _row_in(tty.screen())


def _row_in(text: str) -> str:
    found = re.search(r"(?m)^▌.*$", text)
    return found[0] if found else ""


def _until_changed(tty: Tty, before: str, since: float) -> float:
    deadline = since + 4.0
    while time.perf_counter() < deadline:
        tty.read(0.05)
        if _cursor_row(tty) != before:
            return (tty.last - since) * 1e3
    raise RuntimeError(f"the other app did not show a tick within 4 s:\n{tty.screen()}")
