"""What the keys cost on the wire in a list of 150 items at 120x40, and what silence costs."""

from __future__ import annotations

from typing import NamedTuple

from bench.figures import Figure, at_most
from bench.long_list import ROWS, opened_list, write_deck
from bench.programs import place
from bench.tty import QUIET_S, Answer, Tty

MOVE_BYTES = 600
TICK_BYTES = 600
TICK_MS = 10
PAGE_BYTES = 15_000
PAGE_MS = 50
IDLE_BYTES = 2_000

HELD_S = 0.06
MOVES = 20


class Pressed(NamedTuple):
    """The answer to a key: what came at once, and all of it once the keys rest."""

    at_once: Answer
    whole: Answer


def run(quick: bool) -> list[Figure]:
    """All keys in one session; in quick runs the idle minute is 20 s, scaled up."""
    with place() as here:
        write_deck(here.folder, here.home)
        with opened_list(here) as tty:
            moves = [tty.press(k, HELD_S) for k in "j" * MOVES + "k" * MOVES]
            tty.settle()
            rests = [_press(tty, k) for k in "jjjjjjkkkkkk"]
            ticks = _ticks(tty, 24 if quick else 60)
            pages = [_press(tty, k) for k in ("pagedown", "pagedown", "pageup", "pageup") * 5]
            tty.settle(0.5)
            seconds = 20 if quick else 60
            idle = tty.idle(seconds) * 60 / seconds
    title = f"{ROWS} items"
    return [
        _bytes(f"{title}: cursor move, key held", moves, MOVE_BYTES),
        _ms(f"{title}: cursor move, to the last byte", moves),
        _bytes(f"{title}: cursor move, the item beside it too", [p.whole for p in rests]),
        _bytes(f"{title}: tick, at once", [p.at_once for p in ticks]),
        _bytes(f"{title}: tick, all", [p.whole for p in ticks], TICK_BYTES),
        _ms(f"{title}: tick, at once", [p.at_once for p in ticks]),
        _ms(f"{title}: tick, to the last byte of all", [p.whole for p in ticks], TICK_MS),
        _bytes(f"{title}: page, all", [p.whole for p in pages], PAGE_BYTES),
        _ms(f"{title}: page, at once", [p.at_once for p in pages], PAGE_MS),
        _ms(f"{title}: page, to the last byte of all", [p.whole for p in pages]),
        at_most(f"{title}: idle minute", "bytes", [idle], IDLE_BYTES),
    ]


def _press(tty: Tty, key: str) -> Pressed:
    before = tty.bytes
    at_once = tty.press(key, HELD_S)
    tty.settle(QUIET_S)
    whole = at_once._replace(bytes=tty.bytes - before, last_ms=(tty.last - at_once.sent) * 1e3)
    return Pressed(at_once, whole)


def _ticks(tty: Tty, count: int) -> list[Pressed]:
    """Tick one item after the other; every tick must show."""
    pressed = []
    for _ in range(count // 2):
        for _ in range(2):  # ticked, then taken back: the screen ends as it began
            before = tty.screen()
            pressed.append(_press(tty, "space"))
            if tty.screen() == before:
                raise RuntimeError(f"a tick did not show on the screen:\n{before}")
        _press(tty, "j")
    return pressed


def _bytes(what: str, answers: list[Answer], limit: float | None = None) -> Figure:
    return at_most(f"{what}, p95", "bytes", [a.bytes for a in answers], limit, percent=95)


def _ms(what: str, answers: list[Answer], limit: float | None = None) -> Figure:
    return at_most(f"{what}, p95", "ms", [a.last_ms for a in answers], limit, percent=95)
