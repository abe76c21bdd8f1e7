"""What happened to releases, said in a line each, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import Event
from opsdeck.journal.fold import State
from opsdeck.signoff.model import Release
from opsdeck.signoff.releases import release_of
from tests.journal.helpers import stamp

NOW = datetime(2026, 11, 23, 2, 38, 0, tzinfo=UTC)
APART = {"deployer": 1, "verifier": 1, "approver": 1}

Written = tuple[str, Event]


def at(minute: int) -> datetime:
    """The time of the event of this minute."""
    return NOW + timedelta(minutes=minute)


def said(minute: int, kind: str, by: str = "alice", release: Any = "v1", **data: Any) -> Written:
    """An event of that minute, alone in the file of a writer of its own."""
    everything = {"release": release, **data}
    event = Event(1, wall_text(at(minute)), stamp(minute), by, kind, everything, "")
    return f"{by}@{minute:03d}", event


def signed(minute: int, by: str, role: str, content: str = "d1", **data: Any) -> Written:
    """A signature of that minute."""
    return said(minute, ev.SIGNOFF_SIGNED, by, role=role, content=content, **data)


def content(minute: int, sha256: str = "d1", **needs: Any) -> Written:
    """A content that can be signed from that minute on."""
    return said(minute, ev.SIGNOFF_CONTENT, sha256=sha256, content="{}", needs={**APART, **needs})


def state_of(events: Iterable[Written]) -> State:
    """What these events come to."""
    state = State()
    for writer, event in events:
        state.apply(writer, event)
    return state


def release(events: Iterable[Written], name: str = "v1") -> Release:
    """How a release stands after these events."""
    found = release_of(state_of(events), name)
    assert found is not None
    return found
