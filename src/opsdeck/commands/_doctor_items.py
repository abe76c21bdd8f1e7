"""Doctor: what the items' own looks lack, and which items would run or change something."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from opsdeck.checks.checker import Ask, Subject, asks_of
from opsdeck.checks.result import Result
from opsdeck.looking import Looks
from opsdeck.probes.base import ProbeError
from opsdeck.probes.engine import filled_probe
from opsdeck.probes.registry import consent_of
from opsdeck.probes.targets import asked_keys
from opsdeck.reports.findings import Finding, Level
from opsdeck.text import plural

PART = "items"
COMMANDS = "commands"

_GRAVE = frozenset({"rights", "auth", "internal"})
_MENDABLE = frozenset({"missing"})
_TOLD = frozenset({"offline"})
"""Causes that were told with the targets."""

Waiting = Mapping[str, list[str]]


def lookable(
    subjects: Iterable[Subject], away: Collection[str], targets: Mapping[str, Mapping[str, Any]]
) -> tuple[list[Subject], Waiting]:
    """The items that may be looked at unasked, and those that wait for a target that is away.

    Items that need consent, a target or a key that is not there are neither: others tell of them.
    """
    looked: list[Subject] = []
    waiting: dict[str, list[str]] = {}
    for subject in subjects:
        name = str(subject.probe.get("target", ""))
        values = targets.get(name) if name else {}
        if values is None or consent_of(subject.probe) is not None or _lacks(subject, values):
            continue
        if name in away:
            waiting.setdefault(name, []).append(subject.address)
        else:
            looked.append(subject)
    return looked, waiting


def _lacks(subject: Subject, values: Mapping[str, Any]) -> bool:
    """Whether its target has not a key that it cannot do without."""
    asked = asked_keys(subject.probe)
    return any(default is None and values.get(key) is None for key, default in asked)


async def item_findings(looks: Looks, subjects: Sequence[Subject]) -> list[Finding]:
    """Look at these and tell what could not be looked at, by target and cause."""
    results: list[Result] = []
    await looks.check(subjects, lambda _, result: results.append(result))
    order = {subject.address: place for place, subject in enumerate(subjects)}
    results.sort(key=lambda result: order[result.address])
    blind = [r for r in results if r.verdict == "unknown" and r.cause is not None]
    groups: dict[tuple[str, str, str], list[str]] = {}
    for result in blind:
        key = (result.target, result.cause or "", result.reason)
        if result.cause not in _TOLD:
            groups.setdefault(key, []).append(result.address)
    found = [_group(*key, items) for key, items in groups.items()]
    if results:
        seen = len(results) - len(blind)
        found.insert(0, _finding("ok", "items", f"{plural(seen, 'item')} could be looked at"))
    return found


def waiting_findings(waiting: Waiting) -> Iterator[Finding]:
    """How many items wait for targets that are away."""
    for name, items in waiting.items():
        what = f"{plural(len(items), 'item')} not looked at: the target is away"
        yield _finding("unknown", name, what, items=items)


def _group(target: str, cause: str, reason: str, items: list[str]) -> Finding:
    level: Level = "bad" if cause in _GRAVE else "warn" if cause in _MENDABLE else "unknown"
    return _finding(level, target or "this machine", f"{cause}: {reason}", items=items)


def _finding(level: Level, where: str, what: str, items: Iterable[str] = ()) -> Finding:
    return Finding(level=level, part=PART, where=where, what=what, items=tuple(items))


def command_findings(
    looks: Looks, subjects: Iterable[Subject], known: Collection[str]
) -> Iterator[Finding]:
    """What would be run or sent that needs somebody's word, exactly as it would be."""
    there = [s for s in subjects if str(s.probe.get("target", "")) in ("", *known)]
    groups: dict[tuple[str, str, bool], list[Ask]] = {}
    for ask in asks_of(there, looks.engine):
        trusted = ask.fingerprint in looks.trust
        groups.setdefault((ask.consent.kind, ask.consent.text, trusted), []).append(ask)
    for (kind, text, trusted), asks in groups.items():
        yield _command(looks, asks, kind, text, trusted=trusted)


def _command(looks: Looks, asks: list[Ask], kind: str, text: str, *, trusted: bool) -> Finding:
    level: Level = "ok"
    todo = ""
    match kind:
        case "command":
            what = f"runs: {text}"
            program = _program(looks, asks[0].subject)
            if program is not None:
                level, todo = "warn", f"{program} is not installed here: install it"
            elif trusted:
                todo = "agreed to on this machine"
            else:
                level, todo = "warn", "not agreed to: check it in the app, or pass --trust"
        case "change":
            what, todo = f"sends: {text}", "asked about each time; scripts pass --trust"
        case _:
            what, todo = f"sends: {text}", "only when its item is named"
    where = asks[0].subject.address
    others = tuple(ask.subject.address for ask in asks)
    return Finding(
        level=level,
        part=COMMANDS,
        where=where,
        what=what,
        todo=todo,
        items=others if len(others) > 1 else (),
    )


def _program(looks: Looks, subject: Subject) -> str | None:
    """The program that an item would run, if it is not to be found here."""
    try:
        target = looks.engine.target(str(subject.probe.get("target", "")))
        probe = filled_probe(subject.probe, target)
    except ProbeError:
        return None
    argv: Any = probe.get("argv")
    if not isinstance(argv, list) or not argv:
        return None  # the shell is always there
    name = str(argv[0])
    if "/" in name:
        place = target.path(str(probe.get("cwd", "."))) / Path(name)
        return None if place.exists() else name
    return None if shutil.which(name, path=looks.environ.get("PATH")) else name
