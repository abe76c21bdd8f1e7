"""Keys typed ahead: each is handed on once the one before it has had its effect.

Textual sends every key to the widget that has the focus when the key arrives. Over a slow line
several arrive at once, and those behind the first would go to where the operator was: what
follows `n` belongs into the note, not to the list.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from textual import events
from textual.dom import DOMNode
from textual.screen import ModalScreen

if TYPE_CHECKING:
    from opsdeck.screens.host import DeckHost

LONGEST_S = 0.5
"""A key that has had no effect by then keeps the next one waiting no longer."""

_LOOK_EVERY_S = 0.002
_ROUNDS = 2
"""The second round is behind what the key's action posted."""

Typed = events.Key | events.Paste


class Typeahead:
    """The queue between the terminal and the app."""

    def __init__(self, app: DeckHost) -> None:
        self._app = app
        self._waiting: deque[Typed] = deque()
        self._now: Typed | None = None
        self._task: asyncio.Task[None] | None = None

    def admits(self, event: Typed) -> bool:
        """Whether it is this key's turn; if not, it is kept and posted again in its time."""
        if self._now is not None and event is not self._now:
            self._waiting.append(event)
            return False
        self._now = event
        return True

    def sent(self, target: DOMNode) -> None:
        """The key whose turn it is was sent to `target`: let the next come after it."""
        self._task = asyncio.create_task(self._settle(target))

    async def _settle(self, target: DOMNode) -> None:
        try:
            async with asyncio.timeout(LONGEST_S):
                for _ in range(_ROUNDS):
                    for node in target.ancestors_with_self:
                        await _passed(node)
                while not self._ready():
                    await asyncio.sleep(_LOOK_EVERY_S)
        except TimeoutError:
            pass
        finally:
            self._now = self._waiting.popleft() if self._waiting else None
            if self._now is not None:
                self._app.post_message(self._now)

    def _ready(self) -> bool:
        """Whether a form that is about to open has opened, and the screen has its focus."""
        screen = self._app.screen
        if self._app.opening and not isinstance(screen, ModalScreen):
            return False
        return screen.focused is not None or screen.AUTO_FOCUS == ""


async def _passed(node: DOMNode) -> None:
    """Return when `node` has handled all that was sent to it so far."""
    passed = asyncio.Event()
    if node.call_later(passed.set):
        await passed.wait()
