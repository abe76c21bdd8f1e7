"""Doctor: the deck itself: its files, who works with it, and where its state is kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opsdeck.catalog.faults import did_you_mean
from opsdeck.errors import UsageError
from opsdeck.journal.files import is_shared
from opsdeck.operator import find_operator, login
from opsdeck.reports.findings import Finding, Level
from opsdeck.text import plural

if TYPE_CHECKING:
    from opsdeck.catalog.model import Fault
    from opsdeck.commands.door import Door
    from opsdeck.deck import Deck

PART = "configuration"
_MOST_FAULTS = 20


def config_findings(door: Door, deck: Deck) -> Iterator[Finding]:
    """Everything about the deck that needs no look at the world."""
    file = deck.config.file
    if file is None:
        yield _finding(
            "warn",
            "opsdeck.toml",
            "none in this folder or above it: defaults apply, and no target is known",
            "`opsdeck init` writes one",
        )
    else:
        yield _finding("ok", "opsdeck.toml", f"{file}, deck {deck.config.name}")
    yield from _catalog(deck)
    yield _operator(door, deck)
    yield _finding("ok", "time zone", deck.config.timezone)
    yield _state(deck.journal.home)
    yield from _journal(deck)


def fault_findings(faults: Sequence[Fault], level: Level = "bad") -> Iterator[Finding]:
    """What is wrong in files that people wrote, each with its place."""
    for fault in faults[:_MOST_FAULTS]:
        place = Path(fault.file).name + (f":{fault.line}" if fault.line is not None else "")
        named = (f"{word} {name}" for word, name in _names(fault) if name)
        yield _finding(level, place, ": ".join((*named, fault.message)))
    more = len(faults) - _MOST_FAULTS
    if more > 0:
        yield _finding(level, "", f"and {plural(more, 'more fault')}: mend these first")


def _names(fault: Fault) -> Iterable[tuple[str, str | None]]:
    return ("checklist", fault.checklist), ("item", fault.item), ("key", fault.key)


def _finding(level: Level, where: str, what: str, todo: str = "") -> Finding:
    return Finding(level=level, part=PART, where=where, what=what, todo=todo)


def _catalog(deck: Deck) -> Iterator[Finding]:
    yield from fault_findings(deck.source.faults)
    items = [item for checklist in deck.catalog.checklists for item in checklist.items]
    sensed = sum(1 for item in items if item.sensed)
    if deck.source.faults:
        yield _finding("warn", "catalog", "the last good one is used until these are mended")
    else:
        files = len(deck.catalog.sources)
        yield _finding(
            "ok",
            "catalog",
            f"{plural(len(items), 'item')} from {plural(files, 'file')}, {sensed} with a probe",
        )
    known = sorted({item.uses for item in items if item.uses})
    for word in deck.config.uses:
        if word not in known:
            yield _finding(
                "warn", "uses", f'no item is for teams that use "{word}"{did_you_mean(word, known)}'
            )


def _operator(door: Door, deck: Deck) -> Finding:
    try:
        name = find_operator(door.operator, door.environ, deck.config)
    except UsageError as error:
        return _finding("warn", "operator", str(error))
    if deck.config.operators and name not in deck.config.operators:
        return _finding(
            "warn",
            "operator",
            f"{name} is not among the operators of the deck",
            "add the name to operators in opsdeck.toml, or say who you are with --operator",
        )
    return _finding("ok", "operator", f"{name} (account {login()})")


def _state(home: Path) -> Finding:
    """Whether the state can be kept here, and who else could read or change it."""
    where = next((path for path in (home, *home.parents) if path.exists()), Path("/"))
    if not where.is_dir() or not os.access(where, os.W_OK | os.X_OK):
        return _finding(
            "bad", "state", f"{home} cannot be written", f"see the owner and mode of {where}"
        )
    if where != home:
        return _finding("ok", "state", f"{home}, made when something is first recorded")
    found = home.stat()
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o002:
        return _finding("bad", "state", f"{home} is writable for everybody", f"chmod o-w {home}")
    if is_shared(home):
        return _finding("ok", "state", f"{home}, shared by a group")
    if found.st_uid != os.geteuid():
        return _finding(
            "warn",
            "state",
            f"{home} belongs to somebody else",
            "share it with `opsdeck init --shared GROUP`, or choose another home",
        )
    if mode & 0o077:
        return _finding("warn", "state", f"{home} can be read by others", f"chmod 700 {home}")
    return _finding("ok", "state", f"{home}, private")


def _journal(deck: Deck) -> Iterator[Finding]:
    for fault in deck.faults[:_MOST_FAULTS]:
        yield _finding("bad", "journal", str(fault), "see `opsdeck journal verify`")
    if not deck.faults:
        yield _finding("ok", "journal", plural(deck.state.count, "event"))
