"""Live gauges in a real terminal: what is sent in pieces adds up, and bad links are noticed."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.terminal.session import Session, environment, opened

pytestmark = pytest.mark.slow


def settled(session: Session) -> list[str]:
    """The screen once the values stand and the last word has gone."""
    session.wait("Memory")
    session.read(4.0)
    return session.lines()


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (40, 120)])
def test_what_was_sent_in_pieces_is_what_a_full_paint_shows(
    tmp_path: Path, rows: int, columns: int
) -> None:
    with opened(tmp_path, rows=rows, columns=columns) as session:
        settled(session)
        session.type("3")
        session.wait("THIS MACHINE")
        session.read(5.0)  # live: numbers, bars and trends change cell by cell
        # WHEN it stands still
        session.type(" ")
        session.wait("paused")
        session.read(11.0)  # what was said goes
        pieces = session.lines()
        # AND everything is painted anew, onto an empty terminal
        session.child.setwinsize(rows, columns - 1)
        session.read(0.5)
        session.child.setwinsize(rows, columns)
        session.read(1.0)
        whole = session.lines()
        # THEN nothing differs, but for the age in the first line
        assert pieces[1:] == whole[1:]
        assert re.search(r"Gauges at \d\d:\d\d:\d\d", whole[0])


def test_a_link_that_does_not_keep_up_is_told_and_slowed(tmp_path: Path) -> None:
    with opened(tmp_path) as session:
        settled(session)
        # WHEN nothing is read for a while, whatever is painted
        for _ in range(40):
            for key in "3126":
                session.child.send(key)
                time.sleep(0.02)
        session.child.send("3")
        time.sleep(8)
        # THEN OpsDeck slows down by itself and says so once it can
        session.wait("this link cannot keep up", 20)
        session.wait("slow: every 5 s")
        # AND s goes back
        session.type("s")
        session.wait("every second again")


def test_the_deck_with_live_gauges_sends_little(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    with opened(tmp_path, rows=40, columns=120, environ=environ) as session:
        settled(session)
        session.read(8.0)
        # A hundred times less than this is usual (bench/gauges.py measures it); a full paint a
        # second would be far more.
        assert len(session.read(5.0)) < 20_000
