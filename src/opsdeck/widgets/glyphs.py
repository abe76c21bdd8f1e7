"""Glyphs: single-cell in every terminal, none with an emoji form, each with an ASCII twin."""

from __future__ import annotations

import msgspec

from opsdeck.runs.status import STATE_GLYPHS, ItemState
from opsdeck.text import ascii_only


class Glyphs(msgspec.Struct, frozen=True):
    """One set of glyphs; `ascii` when the terminal can show nothing else."""

    ascii: bool
    states: dict[ItemState, str]
    cursor: str
    sensed: str
    manual: str
    full: str
    empty: str
    rule: str
    wall: str
    warn: str
    enter: str
    ellipsis: str
    note: str
    dot: str
    filled: str
    unfilled: str
    mark: str
    next: str
    heights: str
    """From nothing to full, for trends: nine characters."""
    level: str
    """What draws a limit into a plot."""

    def plain(self, text: str) -> str:
        """`text` as this terminal can show it."""
        return ascii_only(text) if self.ascii else text


UNICODE = Glyphs(
    ascii=False,
    states=STATE_GLYPHS,
    cursor="▌",
    sensed="●",
    manual="○",
    full="▰",
    empty="▱",
    rule="─",
    wall="│",
    warn="▲",
    enter="↵",
    ellipsis="…",
    note="≡",
    dot="·",
    filled="█",
    unfilled="░",
    mark="│",
    next="→",
    heights=" ▁▂▃▄▅▆▇█",
    level="┄",
)

ASCII = Glyphs(
    ascii=True,
    states={
        "open": ".",
        "checking": ":",
        "passed": "+",
        "attested": "+",
        "failed": "x",
        "unknown": "?",
        "stale": "%",
        "overridden": "!",
        "waived": "~",
        "deferred": ">",
        "inactive": "-",
    },
    cursor=">",
    sensed="*",
    manual="o",
    full="#",
    empty=".",
    rule="-",
    wall="|",
    warn="!",
    enter="Enter",
    ellipsis="~",
    note="=",
    dot=".",
    filled="#",
    unfilled=".",
    mark="|",
    next=">",
    heights=" __..::##",
    level="-",
)


def bar(glyphs: Glyphs, done: int, total: int, cells: int = 8) -> str:
    """A progress bar; full only when everything is done, begun as soon as anything is."""
    filled = 0 if not total else done * cells // total
    if done and not filled:
        filled = 1
    return glyphs.full * filled + glyphs.empty * (cells - filled)
