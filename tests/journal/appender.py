"""A process that appends notes to a deck, one for each number, and says which are acknowledged.

`python -m tests.journal.appender HOME WRITER FIRST COUNT [--load-first]`; on standard output
`ready`, then `ok NUMBER` or `no NUMBER REASON` for each, flushed at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from opsdeck.errors import NotSavedError
from opsdeck.journal.clock import utc_now
from opsdeck.journal.events import NOTED
from opsdeck.journal.store import Journal
from opsdeck.journal.writing import Draft


def say(line: str) -> None:
    """One write a line: whoever kills this process never sees half a word."""
    os.write(1, f"{line}\n".encode())


def main(home: str, writer: str, first: str, count: str) -> None:
    journal = Journal(Path(home), writer)
    state, _ = journal.load()
    say("ready")
    for number in range(int(first), int(first) + int(count)):
        draft = Draft(NOTED, {"run": "r", "item": "i", "text": str(number)})
        try:
            saved = journal.append([draft], by=writer, now=utc_now(), after=state.max_clock)
        except NotSavedError as error:
            say(f"no {number} {error}")
            continue
        say(f"ok {number}")
        for name, event in saved.events:
            state.apply(name, event)


if __name__ == "__main__":
    main(*sys.argv[1:])
