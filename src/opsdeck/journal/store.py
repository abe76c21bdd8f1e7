"""The journal as a whole: every writer's file in one folder, loaded, followed and appended to.

One thread at a time may use a Journal; State belongs to the caller from the moment it is handed
over. Nothing is created on disk until the first event is written.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from opsdeck.errors import NotSavedError
from opsdeck.journal.acks import Ack, loss, read_acks
from opsdeck.journal.events import Event
from opsdeck.journal.faults import FaultKind, JournalFault
from opsdeck.journal.files import in_words, make_folder
from opsdeck.journal.fold import State
from opsdeck.journal.reading import Cursor, read_onward
from opsdeck.journal.snapshot import (
    Snapshot,
    all_fit,
    change_time,
    fits,
    read_snapshot,
    snapshot_bytes,
    write_snapshot,
)
from opsdeck.journal.writing import Draft, LogFile

SNAPSHOT_AFTER = 1000
"""So many events beyond the snapshot make a load write a new one."""

TORN_PAUSE_S = 0.05
"""So long another process has to finish the line it is writing."""

_SUCCESSORS = 10
"""So many own files are tried when one after the other turns out to be damaged."""

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
        self._folders_made = False
        self._logs: dict[str, LogFile] = {}
        self._unreadable: set[str] = set()
        self._gone: set[str] = set()

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
        acks = read_acks(self.folder)
        kept = read_snapshot(self.home)
        remembered = {n: c.acknowledged for n, c in kept.cursors.items()} if kept else {}
        # What this process has read counts too: lock files and cache may go with the folder.
        for name, read in self._cursors.items():
            remembered[name] = max(read.acknowledged, remembered.get(name, 0))
        if not kept or not from_snapshot or not all_fit(self.folder, kept):
            kept = Snapshot(State(), {}, [], {})
        state, self._cursors, line_faults, _ = kept
        before = state.count
        names, faults = self._list()
        listed = not faults
        self._unreadable = set()
        total = sum(self._size(n) for n in names)
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

            in_lines, in_file = self._read_to_end(name, cursor, take)
            line_faults += in_lines
            faults += in_file
            done = base + cursor.offset
        if listed:
            faults += self._losses(acks, remembered)
        if from_snapshot and state.count - before >= SNAPSHOT_AFTER:
            self._snapshot(state, line_faults)
        return Loaded(state, [*line_faults, *faults, *_malformed(state)])

    def bytes_to_read(self) -> int:
        """How much a load would have to read, snapshot and files together, at most."""
        total = sum(self._size(name) for name in self.names())
        snapshot = snapshot_bytes(self.home)
        return min(total, snapshot) if snapshot else total

    def append(self, drafts: list[Draft], *, by: str, now: datetime, after: str) -> Saved:
        """Write these events and flush them; only then return. `after`: State's `max_clock`.

        Raises NotSavedError: nothing of it is in the journal then, unless the message says that
        this is not certain. What others had added is given by the next `append` or `poll`.
        """
        if not drafts:
            return Saved([], [], [])
        if not self._folders_made:
            self._make_folders()
            self._folders_made = True
        try:
            return self._append(drafts, by, now, after)
        except NotSavedError:
            self._folders_made = False  # somebody may have taken them away
            raise

    def _append(self, drafts: list[Draft], by: str, now: datetime, after: str) -> Saved:
        events: list[tuple[str, Event]] = []
        faults: list[JournalFault] = []
        moved: dict[str, Cursor] = {}
        for name in self._own_names():
            cursor = moved[name] = copy(self._cursors.get(name) or Cursor())
            log = self._logs.get(name)
            if log is None:
                log = self._logs[name] = LogFile(self.folder, name)
            appended = log.append(drafts, cursor, by=by, now=now, after=after)
            events += [(name, e) for e in appended.events]
            faults += appended.faults
            if appended.own:
                self._cursors |= moved
                return Saved(events, [(name, e) for e in appended.own], faults)
        raise NotSavedError(f"not saved: every journal file of {self.writer} is damaged")

    def poll(self) -> News:
        """What other processes and writers have added since."""
        events: list[tuple[str, Event]] = []
        faults: list[JournalFault] = []
        for name in sorted({*self.names(), *self._cursors}):
            cursor = self._cursors.setdefault(name, Cursor())
            size = self._size(name)
            if size == cursor.offset:
                continue
            if (
                name in self._gone
                or size < cursor.offset
                or (cursor.offset and not fits(self.folder, name, cursor))
            ):
                return News([], [], reload=True)

            def take(more: list[Event], _offset: int, name: str = name) -> None:
                events.extend((name, e) for e in more)

            found = self._read(name, cursor, take)
            unreadable = any(f.kind == "unreadable" for f in found)
            if not (unreadable and name in self._unreadable):
                faults += found
            (self._unreadable.add if unreadable else self._unreadable.discard)(name)
        return News(events, faults)

    def heads(self) -> dict[str, tuple[int, str]]:
        """Writer -> the highest number read of its file, and the hash of its last line."""
        return {n: (c.seq, c.head) for n, c in sorted(self._cursors.items()) if c.seq}

    # Files

    def names(self) -> list[str]:
        """The writers whose files are there."""
        return self._list()[0]

    def _list(self) -> tuple[list[str], list[JournalFault]]:
        suffix = ".jsonl"
        try:
            found = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return [], []
        except OSError as error:
            return [], [_fault("unreadable", self.folder.name, None, in_words(error))]
        return sorted(f.removesuffix(suffix) for f in found if f.endswith(suffix)), []

    def _size(self, name: str) -> int:
        try:
            return (self.folder / f"{name}.jsonl").stat().st_size
        except OSError:
            return 0

    def _own_names(self) -> Iterator[str]:
        """Own files that may be appended to: the newest one, else its successors."""
        number = 1
        while self._name(number + 1) in self._cursors:
            number += 1
        for name in map(self._name, range(number, number + _SUCCESSORS)):
            if name not in self._cursors or not self._cursors[name].damaged:
                yield name

    def _name(self, number: int) -> str:
        return self.writer if number == 1 else f"{self.writer}~{number}"

    def _make_folders(self) -> None:
        try:
            if not self.folder.is_dir():
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

    def _read_to_end(
        self, name: str, cursor: Cursor, take: Callable[[list[Event], int], None]
    ) -> tuple[list[JournalFault], list[JournalFault]]:
        """Faults in whole lines, and those of the file: unreadable, or its last line torn.

        A last line without its end is looked at again: another process may be just writing it.
        """
        faults: list[JournalFault] = []
        left = moved = 0
        for pause_s in (0.0, TORN_PAUSE_S):
            time.sleep(pause_s)
            before = cursor.offset
            found = self._read(name, cursor, take)
            if found and found[-1].kind == "unreadable":
                self._unreadable.add(name)
                return faults, found
            faults += found
            left, moved = self._size(name) - cursor.offset, cursor.offset - before
            if left <= 0:
                return faults, []
        if moved:
            return faults, []
        message = f"{left} bytes of a line that has no end"
        return faults, [_fault("torn", f"{name}.jsonl", cursor.lines + 1, message)]

    def _losses(self, acks: dict[str, Ack], remembered: dict[str, int]) -> list[JournalFault]:
        """Files that end before what was once acknowledged in them, or are gone."""
        faults = []
        self._gone = set()
        for name in sorted((acks.keys() | remembered.keys()) - self._unreadable):
            cursor = self._cursors.setdefault(name, Cursor())
            known = max(
                acks.get(name, Ack()),
                Ack(max(cursor.acknowledged, remembered.get(name, 0))),
                key=lambda ack: ack.seq,
            )
            path = self.folder / f"{name}.jsonl"
            exists = os.path.lexists(path)
            if lost := loss(path.name, cursor, known, exists=exists):
                self._gone |= set() if exists else {name}
                cursor.acknowledged, cursor.damaged = max(known.seq, cursor.acknowledged), True
                faults.append(lost)
        return faults

    def _snapshot(self, state: State, faults: list[JournalFault]) -> None:
        cursors = self._cursors
        changed = {n: change_time(self.folder, n) for n, c in cursors.items() if c.damaged}
        try:
            make_folder(self.home, "cache")
            write_snapshot(self.home, Snapshot(state, cursors, faults, changed))
        except (OSError, ValueError, OverflowError, RecursionError):
            return  # only the next opening is slower for it


def _fault(kind: FaultKind, file: str, line: int | None, message: str) -> JournalFault:
    return JournalFault(kind=kind, file=file, line=line, message=message)


def _malformed(state: State) -> list[JournalFault]:
    return [
        _fault("data", f"{name}.jsonl", None, f"event {seq} ({kind}) lacks what its type needs")
        for name, seq, kind in sorted(state.malformed)
    ]


def verify(home: Path) -> tuple[int, Loaded]:
    """Read every file from its first line: how many files, and what they gave. Changes nothing."""
    journal = Journal(home, "verify")
    loaded = journal.load(from_snapshot=False)
    return len(journal.names()), loaded
