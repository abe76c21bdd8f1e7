"""The journal as verifying reads it: every line from disk, nothing of a snapshot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from opsdeck.journal.events import UNDECODABLE, Event, Recorded, decode_event, line_hash
from opsdeck.journal.faults import JournalFault
from opsdeck.journal.fold import State
from opsdeck.journal.lines import find_lines
from opsdeck.journal.reading import Cursor, read_onward
from opsdeck.journal.store import verify
from opsdeck.signoff.statement import Head
from opsdeck.signoff.verdict import Problem, bad, warn
from opsdeck.text import visible


class Scan(NamedTuple):
    """A second look at the files, for what State does not keep: all events of some runs in the
    order of all events, and of some milliseconds of the clock the first event that has them."""

    runs: dict[str, list[Recorded]]
    first: dict[str, Recorded]


class Reading:
    """The journal of a deck, read from its first line to its last; changes nothing."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "journal"
        _, loaded = verify(home)
        self.state: State = loaded.state
        self.faults: list[JournalFault] = loaded.faults
        self._lines: dict[str, bytes | None] = {}

    def lines(self, ids: Iterable[str]) -> dict[str, bytes]:
        """`WRITER:SEQ` -> its line, for those that are there."""
        asked = list(ids)
        wanted: dict[str, set[int]] = {}
        for one in asked:
            if one not in self._lines and (place := place_of(one)):
                wanted.setdefault(place[0], set()).add(place[1])
        found = find_lines(self.folder, wanted)
        self._lines |= {one: found.get(one) for one in asked if one not in self._lines}
        return {one: line for one in asked if (line := self._lines[one]) is not None}

    def event(self, identity: str) -> Event | None:
        """One event; None where it is not there."""
        line = self.lines([identity]).get(identity)
        try:
            return decode_event(line) if line is not None else None
        except UNDECODABLE:
            return None

    def scan(self, runs: Collection[str], moments: Collection[str]) -> Scan:
        """The events of these runs, and the first event of each of these milliseconds."""
        found = Scan({run: [] for run in runs}, {})
        for path in sorted(self.folder.glob("*.jsonl")):

            def take(events: list[Event], _offset: int, writer: str = path.stem) -> None:
                for event in events:
                    run = event.data.get("run")
                    if type(run) is str and run in found.runs:
                        found.runs[run].append(Recorded(writer, _lean(event)))
                    if event.clock[:13] in moments:
                        _keep_first(found.first, Recorded(writer, event))

            try:
                read_onward(path, Cursor(), take)
            except OSError:
                continue  # that it cannot be read is among the faults
        for events in found.runs.values():
            events.sort(key=lambda one: one.key)
        return found


def _lean(event: Event) -> Event:
    """An event without its evidence, which State does not look at and may be large."""
    if "evidence" not in event.data:
        return event
    data = {key: value for key, value in event.data.items() if key != "evidence"}
    return msgspec.structs.replace(event, data=data)


def _keep_first(first: dict[str, Recorded], one: Recorded) -> None:
    there = first.get(one.event.clock[:13])
    if there is None or one.key < there.key:
        first[one.event.clock[:13]] = one


def place_of(identity: str) -> tuple[str, int] | None:
    """The writer and number of `WRITER:SEQ`; None for what is none."""
    writer, colon, number = identity.rpartition(":")
    plain = number.isascii() and number.isdigit() and len(number) <= 15
    if not (colon and writer and plain) or visible(writer) != writer:
        return None
    return writer, int(number)


def fault_problems(faults: Iterable[JournalFault], rests_on: Collection[str]) -> Iterator[Problem]:
    """What is wrong with the journal's files; `rests_on` are the writers whose files the sign-off
    needs."""
    for fault in faults:
        where = fault.file if fault.line is None else f"{fault.file}:{fault.line}"
        said = f"{fault.kind}: {fault.message}"
        writer = fault.file.removesuffix(".jsonl")
        if fault.kind == "torn":
            yield warn("journal", where, f"{said}: it was being written, or a crash left it")
        elif writer in rests_on or not fault.file.endswith(".jsonl"):
            yield bad("journal", where, f"{said}: what the sign-off rests on was altered or lost")
        else:
            yield warn("journal", where, f"{said}; the sign-off rests on nothing in this file")


def head_problems(reading: Reading, heads: Iterable[Head], where: str) -> Iterator[Problem]:
    """Whether the journal still goes as far as it went when a statement was signed, with the same
    lines."""
    wanted = {f"{head.writer}:{head.seq}": head for head in heads}
    lines = reading.lines(wanted)
    for identity, head in wanted.items():
        line = lines.get(identity)
        if line is None:
            said = "is not there any more, but was when this was signed: the journal was cut"
        elif line_hash(line) != head.line:
            said = "is not the line that was there when this was signed: the journal was rewritten"
        else:
            continue
        yield bad("journal", where, f"event {head.seq} of {head.writer}.jsonl {said}")
