"""Start an app with one screen, headless, and say what CPU that took; run by `mount`.

`python -m bench.mount_one FOLDER list|empty`, the deck in FOLDER as `bench.long_list` writes it.
What is imported is imported before the clock starts.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from bench.long_list import LIST_ID
from opsdeck.app import OpsDeckApp
from opsdeck.deck import Deck, open_deck
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.widgets.glyphs import UNICODE

SIZE = (120, 40)
QUIET_PAUSES = 3


class OneScreen(OpsDeckApp):
    """OpsDeck's app, but it opens on one screen and follows nothing."""

    def __init__(self, deck: Deck, first: Screen[Any]) -> None:
        super().__init__(deck, UNICODE)
        self._only = first

    def on_mount(self) -> None:
        """Show the screen in place of the deck."""
        self.push_screen(self._only)


def make_screen(kind: str) -> Screen[Any]:
    """The long list, or a screen with nothing in it."""
    return ChecklistScreen(LIST_ID) if kind == "list" else Screen()


def loaded_deck(folder: Path) -> Deck:
    """The deck in `folder`, read."""
    deck = open_deck(environ=os.environ, cwd=folder)
    deck.load()
    return deck


async def quiet(pilot: Pilot[Any]) -> None:
    """Wait until everything is painted."""
    for _ in range(QUIET_PAUSES):
        await pilot.pause()


async def start(folder: Path, kind: str) -> float:
    """CPU in ms from making the app until its screen is painted."""
    deck = loaded_deck(folder)
    began = time.process_time()
    app = OneScreen(deck, make_screen(kind))
    async with app.run_test(size=SIZE) as pilot:
        await quiet(pilot)
        return (time.process_time() - began) * 1e3


def main() -> None:
    """Print it."""
    print(asyncio.run(start(Path(sys.argv[1]), sys.argv[2])))


if __name__ == "__main__":
    main()
