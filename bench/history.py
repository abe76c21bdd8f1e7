"""Make the journal of a deck that has been in use for years, without waiting years."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from opsdeck.catalog.load import load_catalog, shipped_checklists_path
from opsdeck.catalog.model import Cadence, Checklist
from opsdeck.journal import events as ev
from opsdeck.journal.clock import next_stamp, wall_text
from opsdeck.journal.files import make_folder
from opsdeck.runs.cadence import run_key

WRITERS = ("alice@bastion-1", "bob@bastion-1", "carol@laptop", "ops@bastion-2")
DAYS_PER_RELEASE = 3
EVENTS_PER_DAY = 900

_CADENCE_SHARES: dict[Cadence, int] = {
    "release": 35, "daily": 40, "weekly": 8, "monthly": 5, "standing": 12,
}  # fmt: skip
_TYPE_SHARES = {
    ev.CHECKED: 55, ev.ATTESTED: 28, ev.NOTED: 5, ev.REOPENED: 4, ev.UNDONE: 3,
    ev.WAIVED: 2, ev.DEFERRED: 2, ev.OVERRIDDEN: 1,
}  # fmt: skip
_VERDICT_SHARES = {"passed": 90, "failed": 6, "unknown": 4}


class _Writer:
    """One writer's file: each line chained to the one before."""

    def __init__(self, name: str, out: BinaryIO) -> None:
        self.name = name
        self.acts: list[tuple[str, str, int]] = []
        self._out = out
        self._seq, self._head, self._stamp = 0, ev.GENESIS, ""

    def add(self, now: datetime, kind: str, data: dict[str, Any]) -> None:
        """Append one event of this type."""
        if self._seq == 0 and kind != ev.OPENED:
            self.add(now, ev.OPENED, {"format": 1, "writer": self.name})
        self._seq += 1
        self._stamp = next_stamp(self._stamp, now)
        by = self.name.partition("@")[0]
        line = ev.encode_event(
            ev.Event(self._seq, wall_text(now), self._stamp, by, kind, data, self._head)
        )
        self._out.write(line + b"\n")
        self._head = ev.line_hash(line)
        if kind == ev.ATTESTED:
            self.acts = [*self.acts[-20:], (data["run"], data["item"], self._seq)]


class _Occasions:
    """The runs that are current on a day."""

    def __init__(self, checklists: tuple[Checklist, ...]) -> None:
        self._by_cadence: dict[Cadence, list[Checklist]] = {}
        for checklist in checklists:
            self._by_cadence.setdefault(checklist.cadence, []).append(checklist)
        self._day: date | None = None
        self._keys: dict[str, str] = {}

    def pick(self, rng: random.Random, cadence: Cadence, now: datetime) -> tuple[str, str]:
        """A run of that cadence and one of its items."""
        if now.date() != self._day:
            self._day = now.date()
            self._keys = {
                c.id: run_key(c, now, UTC, release_name(now)) or ""
                for checklists in self._by_cadence.values()
                for c in checklists
            }
        checklist = rng.choice(self._by_cadence[cadence])
        return self._keys[checklist.id], rng.choice(checklist.items).id


def release_name(now: datetime) -> str:
    """The release of those days: `v1.738` and so on."""
    return f"v1.{now.date().toordinal() // DAYS_PER_RELEASE % 1000}"


def write_history(home: Path, count: int, until: datetime) -> None:
    """Write journals of about `count` events that end at `until` (aware UTC) under `home`.

    Four writers take turns; the mix is that of a team whose probes say half of it. The same
    arguments give the same journals.
    """
    rng = random.Random(count)
    folder = make_folder(home, "journal")
    with ExitStack() as files:
        writers = [
            _Writer(name, files.enter_context(open(folder / f"{name}.jsonl", "wb")))
            for name in WRITERS
        ]
        occasions = _Occasions(load_catalog(shipped_checklists_path()).checklists)
        cadences, cadence_weights = [*_CADENCE_SHARES], [*_CADENCE_SHARES.values()]
        release = ""
        for now in _moments(count, until):
            writer = rng.choice(writers)
            if release_name(now) != release:
                release = release_name(now)
                writer.add(now, ev.RELEASE_STARTED, {"release": release})
                continue
            cadence = rng.choices(cadences, cadence_weights)[0]
            run, item = occasions.pick(rng, cadence, now)
            writer.add(now, *_event(rng, writer, run, item, now))


def _moments(count: int, until: datetime) -> Iterator[datetime]:
    step = timedelta(days=1) / EVENTS_PER_DAY
    first = until - step * count
    return (first + step * number for number in range(count))


def _event(
    rng: random.Random, writer: _Writer, run: str, item: str, now: datetime
) -> tuple[str, dict[str, Any]]:
    """Type and data of one event about an item, or an undo of something this writer did."""
    kind = rng.choices([*_TYPE_SHARES], [*_TYPE_SHARES.values()])[0]
    data: dict[str, Any] = {"run": run, "item": item}
    if kind == ev.UNDONE:
        if not writer.acts:
            return ev.ATTESTED, data
        run, item, seq = rng.choice(writer.acts)
        return kind, {"run": run, "item": item, "event": f"{writer.name}:{seq}"}
    if kind == ev.CHECKED:
        verdict = rng.choices([*_VERDICT_SHARES], [*_VERDICT_SHARES.values()])[0]
        found = {"days_left": rng.randrange(400), "trusted": verdict == "passed"}
        data |= {"verdict": verdict, "evidence": found}
    elif kind == ev.NOTED:
        data["text"] = "checked by hand, see the ticket for what came out of it"
    elif kind == ev.WAIVED:
        until = (now + timedelta(days=7)).isoformat(timespec="minutes")
        data |= {"reason": "vendor fix is due", "approver": "dora", "until": until, "zone": "UTC"}
    elif kind in (ev.DEFERRED, ev.OVERRIDDEN):
        data["reason"] = "after the release, agreed in stand-up"
    return kind, data
