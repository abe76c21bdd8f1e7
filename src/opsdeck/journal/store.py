"""The journal as a whole: every writer's file in one folder, loaded, followed and appended to.

One thread at a time may use a Journal; State belongs to the caller from the moment it is handed
over. Nothing is created on disk until the first event is written.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from opsdeck.errors import NotSavedError
from opsdeck.journal.events import Event
from opsdeck.journal.faults import FaultKind, JournalFault
from opsdeck.journal.files import in_words, make_folder
from opsdeck.journal.fold import State
from opsdeck.journal.reading import Cursor, read_onward, tail_still_there
from opsdeck.journal.snapshot import fits, read_snapshot, write_snapshot
from opsdeck.journal.writing import Draft, LogFile

SNAPSHOT_AFTER = 1000
"""So many events beyond the snapshot make a load write a new one."""

Progress = Callable[[int, int], None]


class Loaded(NamedTuple):
    """What opening gave: State and everything wrong with the files."""

    state: State
    faults: list[JournalFault]


class News(NamedTuple):
    """Events that State has not seen; `reload` when a file no longer holds what was read of it."""

    events: list[tuple[str, Event]]
    faults: list[JournalFault]
    reload: bool = False


class Saved(NamedTuple):
    """Events that are on disk: `events` to fold (others' too), `own` those just asked for."""

    events: list[tuple[str, Event]]
    own: list[tuple[str, Event]]
    faults: list[JournalFault]


class Journal:
    """The journal folder under `home`, written by `writer` (one a machine and user)."""

    def __init__(self, home: Path, writer: str) -> None:
        self.home = home
        self.writer = writer
        self.folder = home / "journal"
        self._cursors: dict[str, Cursor] = {}

    def load(self, progress: Progress | None = None, *, from_snapshot: bool = True) -> Loaded:
        """Fold everything, from the snapshot where it fits; `progress(done, total)` in bytes.

        Without `from_snapshot` every line is read and checked, and nothing is written.
        """
        collecting = gc.isenabled()
        gc.disable()  # a million events make no cycles, and looking for some takes seconds
        try:
            return self._load(progress, from_snapshot)
        finally:
            if collecting:
                gc.enable()

    def _load(self, progress: Progress | None, from_snapshot: bool) -> Loaded:
        snapshot = read_snapshot(self.home)
        remembered = dict(snapshot[1]) if snapshot else {}
        state, self._cursors = State(), {}
        if (
            snapshot
            and from_snapshot
            and all(fits(self.folder, n, c) for n, c in remembered.items() if c.offset)
        ):
            state, self._cursors = snapshot
        before = state.count
        names = self.names()
        total = sum(self._size(n) for n in names)
        faults: list[JournalFault] = []
        done = 0
        for name in names:
            cursor = self._cursors.setdefault(name, Cursor())
            base = done

            def take(events: list[Event], offset: int, name: str = name, base: int = base) -> None:
                apply = state.apply
                for event in events:
                    apply(name, event)
                if progress:
                    progress(base + offset, total)

            faults += self._read(name, cursor, take)
            faults += self._torn(name, cursor)
            done = base + cursor.offset
        faults += self._losses(remembered)
        faults += [
            _fault("data", f"{name}.jsonl", None, f"event {seq} ({kind}) lacks what its type needs")
            for name, seq, kind in state.malformed
        ]
        if from_snapshot and state.count - before >= SNAPSHOT_AFTER:
            self._snapshot(state)
        return Loaded(state, faults)

    def append(self, drafts: list[Draft], *, by: str, now: datetime, after: str) -> Saved:
        """Write these events and flush them; only then return. `after`: State's `max_clock`.

        Raises NotSavedError: nothing of it is in the journal then.
        """
        self._make_folders()
        events: list[tuple[str, Event]] = []
        faults: list[JournalFault] = []
        for name in self._own_names():
            log = LogFile(self.folder, name, self._cursors.setdefault(name, Cursor()))
            appended = log.append(drafts, by=by, now=now, after=after)
            events += [(name, e) for e in appended.events]
            faults += appended.faults
            if appended.own:
                return Saved(events, [(name, e) for e in appended.own], faults)
        raise NotSavedError(f"not saved: every journal file of {self.writer} is damaged")

    def poll(self) -> News:
        """What other processes and writers have added since."""
        events: list[tuple[str, Event]] = []
        faults: list[JournalFault] = []
        for name in self.names():
            cursor = self._cursors.setdefault(name, Cursor())
            size = self._size(name)
            if size == cursor.offset:
                continue
            if size < cursor.offset or not self._unchanged(name, cursor):
                return News([], [], reload=True)

            def take(more: list[Event], _offset: int, name: str = name) -> None:
                events.extend((name, e) for e in more)

            faults += self._read(name, cursor, take)
        return News(events, faults)

    # Files

    def names(self) -> list[str]:
        """The writers whose files are there."""
        return sorted(p.stem for p in self.folder.glob("*.jsonl"))

    def _size(self, name: str) -> int:
        try:
            return (self.folder / f"{name}.jsonl").stat().st_size
        except OSError:
            return 0

    def _unchanged(self, name: str, cursor: Cursor) -> bool:
        try:
            fd = os.open(self.folder / f"{name}.jsonl", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            return tail_still_there(fd, cursor)
        finally:
            os.close(fd)

    def _own_names(self) -> list[str]:
        """Own files that may be appended to: the newest one, else its successor."""
        number = 1
        while self._name(number + 1) in self._cursors:
            number += 1
        names = [self._name(n) for n in (number, number + 1)]
        return [n for n in names if n not in self._cursors or not self._cursors[n].damaged]

    def _name(self, number: int) -> str:
        return self.writer if number == 1 else f"{self.writer}~{number}"

    def _make_folders(self) -> None:
        try:
            make_folder(self.home, "journal")
            make_folder(self.home, "cache")
        except OSError as error:
            raise NotSavedError(f"not saved: {self.home}: {in_words(error)}") from error

    def _read(
        self, name: str, cursor: Cursor, take: Callable[[list[Event], int], None]
    ) -> list[JournalFault]:
        path = self.folder / f"{name}.jsonl"
        try:
            return read_onward(path, cursor, take)
        except OSError as error:
            return [_fault("unreadable", path.name, None, in_words(error))]

    def _torn(self, name: str, cursor: Cursor) -> list[JournalFault]:
        """A last line without its end, unless another process is just writing it."""
        for pause_s in (0.0, 0.05):
            time.sleep(pause_s)
            left = self._size(name) - cursor.offset
            if left <= 0:
                return []
        message = f"{left} bytes of a line that was never acknowledged"
        return [_fault("torn", f"{name}.jsonl", cursor.lines + 1, message)]

    def _losses(self, remembered: dict[str, Cursor]) -> list[JournalFault]:
        """Files that end before what was once acknowledged in them, or are gone."""
        faults = []
        locks = {p.stem for p in self.folder.glob("*.lock")}
        for name in sorted(locks | remembered.keys()):
            cursor = self._cursors.setdefault(name, Cursor())
            log = LogFile(self.folder, name, cursor)
            known = max(
                log.acknowledged(),
                cursor.acknowledged,
                getattr(remembered.get(name), "acknowledged", 0),
            )
            if known <= cursor.seq:
                continue
            cursor.acknowledged, cursor.damaged = known, True
            kind: FaultKind = "truncated" if log.path.exists() else "missing"
            message = f"ends at event {cursor.seq}, but event {known} was once acknowledged"
            faults.append(_fault(kind, log.path.name, cursor.lines or None, message))
        return faults

    def _snapshot(self, state: State) -> None:
        try:
            make_folder(self.home, "cache")
            write_snapshot(self.home, state, self._cursors)
        except OSError:
            return  # only the next opening is slower for it


def _fault(kind: FaultKind, file: str, line: int | None, message: str) -> JournalFault:
    return JournalFault(kind=kind, file=file, line=line, message=message)


def verify(home: Path) -> tuple[int, Loaded]:
    """Read every file from its first line: how many files, and what they gave. Changes nothing."""
    journal = Journal(home, "verify")
    loaded = journal.load(from_snapshot=False)
    return len(journal.names()), loaded
