"""A deck small enough for tests: one journal, its State, and events to say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from opsdeck.journal.events import ATTESTED, GENESIS, NOTED, Event, encode_event, line_hash
from opsdeck.journal.faults import JournalFault
from opsdeck.journal.fold import State
from opsdeck.journal.store import Journal, Loaded, Saved, verify
from opsdeck.journal.writing import Draft

NOW = datetime(2026, 11, 23, 2, 38, 7, 123000, tzinfo=UTC)
RUN = "release/v1.4.2/infrastructure"


class Desk:
    """One process at one deck: loads at once, and keeps its State up to date."""

    def __init__(self, home: Path, writer: str = "w", *, by: str = "alice") -> None:
        self.by = by
        self.now = NOW
        self.journal = Journal(home, writer)
        self.state, self.faults = self.journal.load()

    def say(self, kind: str = ATTESTED, **data: Any) -> Saved:
        """Append one event, about item `i` of RUN unless told otherwise, and fold it."""
        self.now += timedelta(seconds=1)
        draft = Draft(kind, {"run": RUN, "item": "i", **data})
        saved = self.journal.append([draft], by=self.by, now=self.now, after=self.state.max_clock)
        for writer, event in saved.events:
            self.state.apply(writer, event)
        return saved

    def note(self, text: str) -> Saved:
        """Append one note."""
        return self.say(NOTED, text=text)

    def poll(self) -> bool:
        """Fold what others wrote; whether a reload is asked for."""
        news = self.journal.poll()
        for writer, event in news.events:
            self.state.apply(writer, event)
        return news.reload


def texts(state: State) -> list[str]:
    """The notes that stand on item `i` of RUN, oldest first."""
    entry = state.entry(RUN, "i")
    return [n.text for n in entry.standing_notes()] if entry else []


def load(home: Path) -> Loaded:
    """A fresh process opens the deck."""
    return Journal(home, "reader").load()


def faults_of(home: Path) -> list[JournalFault]:
    """What `verify` finds."""
    return verify(home)[1].faults


def places(faults: list[JournalFault]) -> list[tuple[str, str, int | None]]:
    """Kind, file and line of each fault."""
    return [(f.kind, f.file, f.line) for f in faults]


def file_of(home: Path, writer: str = "w") -> Path:
    """The journal file of a writer."""
    return home / "journal" / f"{writer}.jsonl"


def lines_of(home: Path, writer: str = "w") -> list[bytes]:
    """The lines of a writer's file, without newlines."""
    return file_of(home, writer).read_bytes().splitlines()


def stamp(number: int) -> str:
    """A stamp; greater for a greater number."""
    return f"{1_763_865_487_000 + number:013d}-00000"


def chained(drafts: list[Draft], *, seqs: list[int] | None = None) -> list[bytes]:
    """Lines of one writer with a right chain, numbered 1, 2, 3 … or as `seqs` says."""
    lines: list[bytes] = []
    head = GENESIS
    for number, draft in zip(seqs or range(1, len(drafts) + 1), drafts, strict=True):
        event = Event(
            number, "2026-11-23T02:38:07.123Z", stamp(number), "bob", draft.type, draft.data, head
        )
        lines.append(encode_event(event))
        head = line_hash(lines[-1])
    return lines


def put(home: Path, lines: list[bytes], writer: str = "w") -> None:
    """Write these lines as a writer's file, as if they had come from elsewhere."""
    file_of(home, writer).parent.mkdir(parents=True, exist_ok=True)
    file_of(home, writer).write_bytes(b"".join(line + b"\n" for line in lines))


def notes(*said: str) -> list[Draft]:
    """Drafts of notes on item `i` of RUN."""
    return [Draft(NOTED, {"run": RUN, "item": "i", "text": text}) for text in said]


def seen(state: State) -> bytes:
    """All of a State, in a form that can be compared."""
    for key in state.run_keys():
        state.run(key)
    return msgspec.json.encode(state.dump(), order="deterministic")
