"""The fold: events in, State out; the same events give the same State in any order of arrival.

Every part of State is a function of the *set* of events: the newest K by key, or what was taken
back by name. So an event costs the same whenever it comes, late, twice, or from another machine.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from opsdeck.journal import events as ev
from opsdeck.journal.events import MARKS, VERDICTS, Event, Recorded
from opsdeck.journal.happenings import Happening, IncidentLog, ReleaseLog

MARKS_KEPT = 24
VERDICTS_KEPT = 10
NOTES_KEPT = 24
TURNS_KEPT = 40
RECENT_KEPT = 200
"""How many of the newest State keeps; the journal keeps all."""

FOLD_VERSION = 5
"""Part of every snapshot: one of another version is not used."""


class Mark(msgspec.Struct, frozen=True, gc=False, array_like=True, order=True):
    """What one event said of one item: a person's mark, a probe's verdict, or a note.

    `kind` is attested, reopened, waived, overridden, deferred, unused, passed, failed, unknown
    or noted; `text` the note, reason or finding; `more` what else its event carries (approver,
    until, zone, due).
    """

    clock: str
    writer: str
    seq: int
    kind: str
    at: str
    by: str
    text: str = ""
    more: dict[str, Any] | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """Its place in the order of all events."""
        return (self.clock, self.writer, self.seq)

    @property
    def id(self) -> str:
        """`WRITER:SEQ` of its event."""
        return f"{self.writer}:{self.seq}"


def _mark_key(mark: Mark) -> tuple[str, str, int]:
    return (mark.clock, mark.writer, mark.seq)


def _keep_newest(kept: list[Mark], mark: Mark, limit: int) -> None:
    if not kept or mark.clock > kept[-1].clock:
        kept.append(mark)
    else:
        insort(kept, mark)  # marks compare by clock, writer and seq, their first fields
    if len(kept) > limit:
        del kept[0]


class Entry(msgspec.Struct, array_like=True):
    """All that State keeps of one item in one run; the lists are oldest first.

    `passed` is the newest verdict that was a pass, however many came after it; `looked` what a
    probe last found of an item that it only helps to judge.
    """

    marks: list[Mark] = []
    verdicts: list[Mark] = []
    notes: list[Mark] = []
    undone: set[str] = set()
    passed: Mark | None = None
    looked: Mark | None = None

    def in_force(self) -> Mark | None:
        """The newest mark that was not undone."""
        undone = self.undone
        return next((m for m in reversed(self.marks) if m.id not in undone), None)

    def verdict(self) -> Mark | None:
        """The newest verdict."""
        return self.verdicts[-1] if self.verdicts else None

    def standing_notes(self) -> list[Mark]:
        """Notes that were not taken back, oldest first."""
        return [n for n in self.notes if n.id not in self.undone]

    def history(self) -> list[Mark]:
        """Everything, newest first, undone marks too (see `undone`)."""
        return sorted((*self.marks, *self.verdicts, *self.notes), key=_mark_key, reverse=True)


class Run(msgspec.Struct, array_like=True):
    """One run: its items that anything was ever said of."""

    entries: dict[str, Entry] = {}


# msgspec learns a type at its first use, and crashes where two threads teach it the same one at the
# same time: it knows this one from here on.
_decoded_run = msgspec.msgpack.Decoder(Run).decode


class Release(msgspec.Struct, frozen=True, array_like=True):
    """A named release and who started it when; the earliest start counts."""

    name: str
    clock: str
    writer: str
    seq: int
    at: str
    by: str


class State:
    """What the journals say, folded. `apply` takes each event once, in any order."""

    def __init__(self) -> None:
        self._runs: dict[str, Run | msgspec.Raw] = {}
        self.releases: dict[str, Release] = {}
        self.gauges: dict[str, dict[str, list[Mark]]] = {}
        """Writer -> gauge -> its newest changes of level, oldest first."""
        self.incidents = IncidentLog()
        self.release_log = ReleaseLog()
        self.max_clock = ""
        self.first_at = ""
        self.first_clock = ""
        self.count = 0
        self.unknown_types: dict[str, int] = {}
        self.malformed: list[tuple[str, int, str]] = []
        # Which events were taken: all up to a seq of each writer, and a few beyond it.
        self._upto: dict[str, int] = {}
        self._beyond: dict[str, set[int]] = {}
        self._recent: list[Recorded] = []
        self._recent_floor = ""  # what is older than this is not among the newest

    # What is there

    def run(self, key: str) -> Run | None:
        """The run with this key, or None if nothing was ever said in it."""
        found = self._runs.get(key)
        if type(found) is msgspec.Raw:
            found = self._runs[key] = _decoded_run(found)
        return found

    def entry(self, run: str, item: str) -> Entry | None:
        """What was said of this item in this run, or None."""
        found = self.run(run)
        return found.entries.get(item) if found else None

    def run_keys(self) -> Iterable[str]:
        """The keys of all runs in which anything was ever said."""
        return self._runs.keys()

    def recent(self, count: int = RECENT_KEPT) -> list[Recorded]:
        """The newest events, newest first, at most RECENT_KEPT."""
        self._trim_recent()
        return self._recent[::-1][:count]

    # Taking events

    def apply(self, writer: str, event: Event) -> bool:
        """Take one event; False if it was already there."""
        # This runs a million times in a row: the usual case comes first and calls nothing.
        seq, clock = event.seq, event.clock
        if seq == self._upto.get(writer, 0) + 1 and not self._beyond:
            self._upto[writer] = seq
        elif not self._first_time(writer, seq):
            return False
        self.count += 1
        if clock > self.max_clock:
            self.max_clock = clock
        if clock <= self.first_clock or not self.first_clock:
            self._take_first(event)
        if clock >= self._recent_floor:
            recent = self._recent
            recent.append(Recorded(writer, event))
            if len(recent) > 4 * RECENT_KEPT:
                self._trim_recent()
        handler = _HANDLERS.get(event.type)
        if handler is None:
            self.unknown_types[event.type] = self.unknown_types.get(event.type, 0) + 1
        else:
            try:
                handler(self, writer, event)
            except (KeyError, TypeError, AttributeError):
                self.malformed.append((writer, event.seq, event.type))
        return True

    def _first_time(self, writer: str, seq: int) -> bool:
        upto = self._upto.get(writer, 0)
        beyond = self._beyond.get(writer)
        if seq <= upto or (beyond and seq in beyond):
            return False
        if seq != upto + 1:
            self._beyond.setdefault(writer, set()).add(seq)
            return True
        upto = seq
        while beyond and upto + 1 in beyond:
            upto += 1
            beyond.discard(upto)
        if beyond is not None and not beyond:
            del self._beyond[writer]
        self._upto[writer] = upto
        return True

    def _take_first(self, event: Event) -> None:
        if not self.first_clock or event.clock < self.first_clock:
            self.first_clock, self.first_at = event.clock, event.at
        else:
            self.first_at = min(self.first_at, event.at)

    def _trim_recent(self) -> None:
        self._recent.sort(key=lambda r: r.key)
        del self._recent[:-RECENT_KEPT]
        if len(self._recent) == RECENT_KEPT:
            self._recent_floor = self._recent[0].event.clock

    def _entry_for(self, data: dict[str, Any]) -> Entry:
        key, item = data["run"], data["item"]
        if type(key) is not str or type(item) is not str:
            raise TypeError("run and item are strings")
        run = self._runs.get(key)
        if type(run) is not Run:
            run = self.run(key)
            if run is None:
                run = self._runs[key] = Run()
        entry = run.entries.get(item)
        if entry is None:
            entry = run.entries[item] = Entry()
        return entry

    def _take_mark(self, writer: str, event: Event) -> None:
        mark = _to_mark(writer, event, MARKS[event.type])
        _keep_newest(self._entry_for(event.data).marks, mark, MARKS_KEPT)

    def _take_check(self, writer: str, event: Event) -> None:
        verdict = event.data["verdict"]
        if verdict not in VERDICTS:
            raise KeyError(verdict)
        mark = _to_mark(writer, event, verdict)
        entry = self._entry_for(event.data)
        _keep_newest(entry.verdicts, mark, VERDICTS_KEPT)
        if verdict == "passed" and (entry.passed is None or mark > entry.passed):
            entry.passed = mark

    def _take_look(self, writer: str, event: Event) -> None:
        mark = _to_mark(writer, event, "looked")
        entry = self._entry_for(event.data)
        if entry.looked is None or mark > entry.looked:
            entry.looked = mark

    def _take_note(self, writer: str, event: Event) -> None:
        mark = _to_mark(writer, event, "noted")
        _keep_newest(self._entry_for(event.data).notes, mark, NOTES_KEPT)

    def _take_undo(self, writer: str, event: Event) -> None:
        target = event.data["event"]
        if type(target) is not str:
            raise TypeError("an event is named by a string")
        self._entry_for(event.data).undone.add(target)

    def _take_release(self, writer: str, event: Event) -> None:
        name = event.data["release"]
        if type(name) is not str:
            raise TypeError("a release is named by a string")
        new = Release(name, event.clock, writer, event.seq, event.at, event.by)
        old = self.releases.get(name)
        if old is None or (new.clock, writer, new.seq) < (old.clock, old.writer, old.seq):
            self.releases[name] = new
        self.release_log.take(writer, event)

    def _take_of_release(self, writer: str, event: Event) -> None:
        self.release_log.take(writer, event)

    def _take_turn(self, writer: str, event: Event) -> None:
        gauge, level = event.data["gauge"], event.data["to"]
        if type(gauge) is not str or type(level) is not str:
            raise TypeError("a gauge and its level are strings")
        data = event.data
        more = {key: data[key] for key in _OF_TURN if key in data}
        turn = Mark(event.clock, writer, event.seq, level, event.at, event.by, "", more)
        turns = self.gauges.setdefault(writer, {}).setdefault(gauge, [])
        _keep_newest(turns, turn, TURNS_KEPT)

    def _take_incident(self, writer: str, event: Event) -> None:
        self.incidents.take(writer, event)

    def _take_opening(self, writer: str, event: Event) -> None:
        """A file's first line says only whose it is; the reader has used that already."""

    # Snapshots

    def dump(self) -> dict[str, Any]:
        """State as plain values for `load`; runs that were never looked at pass as they came."""
        self._trim_recent()
        return {
            "runs": self._runs,
            "releases": self.releases,
            "gauges": self.gauges,
            "incidents": self.incidents.kept,
            "incident_heads": self.incidents.heads,
            "release_log": self.release_log.kept,
            "release_heads": self.release_log.heads,
            "max_clock": self.max_clock,
            "first": [self.first_clock, self.first_at],
            "count": self.count,
            "unknown_types": self.unknown_types,
            "malformed": self.malformed,
            "upto": self._upto,
            "beyond": {w: sorted(b) for w, b in self._beyond.items() if b},
            "recent": self._recent,
        }

    @classmethod
    def load(cls, kept: Kept) -> State:
        """The State that `dump` gave, its runs decoded only when looked at."""
        state = cls()
        state._runs = dict(kept.runs)
        state.releases = kept.releases
        state.gauges = kept.gauges
        state.incidents = IncidentLog(dict(kept.incidents), kept.incident_heads)
        state.release_log = ReleaseLog(dict(kept.release_log), kept.release_heads)
        state.max_clock = kept.max_clock
        state.first_clock, state.first_at = kept.first
        state.count = kept.count
        state.unknown_types = kept.unknown_types
        state.malformed = kept.malformed
        state._upto = kept.upto
        state._beyond = kept.beyond
        state._recent = kept.recent
        return state


class Kept(msgspec.Struct):
    """The form of `State.dump` as it is read back."""

    runs: dict[str, msgspec.Raw]
    releases: dict[str, Release]
    gauges: dict[str, dict[str, list[Mark]]]
    incidents: dict[str, msgspec.Raw]
    incident_heads: dict[str, list[Happening]]
    release_log: dict[str, msgspec.Raw]
    release_heads: dict[str, list[Happening]]
    max_clock: str
    first: tuple[str, str]
    count: int
    unknown_types: dict[str, int]
    malformed: list[tuple[str, int, str]]
    upto: dict[str, int]
    beyond: dict[str, set[int]]
    recent: list[Recorded]


def _to_mark(writer: str, event: Event, kind: str) -> Mark:
    data = event.data
    text = data.get("note") or data.get("reason") or data.get("text") or ""
    if type(text) is not str:
        raise TypeError("a note is a string")
    more = None
    if not data.keys() <= _NOT_MORE:
        more = {k: v for k, v in data.items() if k not in _NOT_MORE}
    return Mark(event.clock, writer, event.seq, kind, event.at, event.by, text, more or None)


_OF_TURN = ("title", "from", "value", "unit", "start", "duration_s", "reason")

_NOT_MORE = frozenset({"run", "item", "note", "reason", "text", "evidence", "verdict"})

_HANDLERS: dict[str, Callable[[State, str, Event], None]] = {
    **dict.fromkeys(MARKS, State._take_mark),
    ev.CHECKED: State._take_check,
    ev.LOOKED: State._take_look,
    ev.NOTED: State._take_note,
    ev.UNDONE: State._take_undo,
    ev.GAUGE_CHANGED: State._take_turn,
    **dict.fromkeys(ev.INCIDENTS, State._take_incident),
    **dict.fromkeys(ev.RELEASES, State._take_of_release),
    ev.RELEASE_STARTED: State._take_release,
    ev.OPENED: State._take_opening,
}
