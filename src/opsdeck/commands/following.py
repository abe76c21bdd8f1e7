"""Follow the journal as it grows, until the user or the reader of our output has had enough."""

from __future__ import annotations

import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from opsdeck.commands.output import warn
from opsdeck.journal.events import Recorded
from opsdeck.journal.store import Journal

POLL_S = 0.5


class Ended(Exception):  # noqa: N818 - the ordinary end, no error
    """Somebody asked us to end."""


@contextmanager
def until_ended() -> Iterator[None]:
    """Inside, SIGINT, SIGTERM and SIGHUP end the block instead of the process."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Ended

    before = {n: signal.signal(n, end) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except Ended:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Follower:
    """Gives each event that is added from now on once, oldest first."""

    def __init__(self, home: Path) -> None:
        self._journal = Journal(home, "tail")
        self._journal.load()

    def follow(self, show: Callable[[Recorded], None], shown: set[str]) -> None:
        """Show events as they come, for ever; not those whose ids are in `shown`."""
        while _reader_is_there():
            news = self._journal.poll()
            if news.reload:
                warn("a journal file was cut or changed: see `opsdeck journal verify`")
                self._journal.load()
            found = [Recorded(writer, event) for writer, event in news.events]
            for one in sorted(found, key=lambda r: r.key):
                if one.id not in shown:
                    show(one)
            if found:
                shown.clear()
                sys.stdout.flush()


def _reader_is_there() -> bool:
    """Wait for the next turn; False as soon as nobody reads our output any more."""
    try:
        reader = select.poll()
        reader.register(sys.stdout.fileno(), 0)
        events = reader.poll(POLL_S * 1000)
    except (OSError, ValueError, AttributeError):
        time.sleep(POLL_S)
        return True
    return not events
