"""The operator's own keys: `[keys]` of opsdeck.toml, checked against what there is to bind."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import Keys

from opsdeck.text import visible

_NAMED = frozenset(key.value for key in Keys)
_MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})


class Keymap(NamedTuple):
    """Id of a binding -> its keys, and what is wrong with the entries that were left out."""

    keys: dict[str, str]
    problems: list[str]


def checked_keymap(wanted: Mapping[str, str], screens: Iterable[tuple[type, ...]]) -> Keymap:
    """Those entries that name a binding and real keys that nothing else on its screens has.

    Each of `screens` is the classes whose bindings hold together: app, screen, its widgets.
    """
    places = [_keys_of(classes) for classes in screens]
    known = {name for place in places for name in place}
    good: dict[str, str] = {}
    problems: list[str] = []
    for name, keys in wanted.items():
        problem = _problem(name, keys, known)
        if problem:
            problems.append(f'"{visible(name)}" {problem}')
        else:
            good[name] = ",".join(_split(keys))
    for name in list(good):
        other = _clash(name, good, places)
        if other:
            problems.append(f'"{name}" = "{visible(good.pop(name))}" would take the key of {other}')
    return Keymap(good, problems)


def keymap_of(app: type, wanted: Mapping[str, str]) -> Keymap:
    """The keymap of the app's own screens."""
    from opsdeck.screens.checklist import ChecklistScreen
    from opsdeck.screens.checklists import ChecklistsScreen
    from opsdeck.screens.command import CommandScreen
    from opsdeck.screens.confirm import Confirm
    from opsdeck.screens.deck import DeckScreen
    from opsdeck.screens.evidence import EvidenceScreen
    from opsdeck.screens.gauge import GaugeScreen
    from opsdeck.screens.gauges import GaugesScreen
    from opsdeck.screens.incident import IncidentScreen
    from opsdeck.screens.journal import JournalScreen
    from opsdeck.screens.pick import Pick
    from opsdeck.screens.playbooks import PlaybooksScreen
    from opsdeck.screens.processes import ProcessesScreen
    from opsdeck.screens.prompt import Prompt
    from opsdeck.screens.reader import Reader
    from opsdeck.screens.running import Edit
    from opsdeck.screens.signoff import SignoffScreen
    from opsdeck.widgets.list import LineList

    lists = (
        *(ChecklistScreen, ChecklistsScreen, DeckScreen, GaugesScreen, JournalScreen),
        *(IncidentScreen, PlaybooksScreen, SignoffScreen),
    )
    screens = [(app, screen, LineList) for screen in lists]
    others = (Reader, EvidenceScreen, GaugeScreen, ProcessesScreen, CommandScreen)
    more = [(app, screen) for screen in others]
    forms = [(Prompt,), (Confirm,), (Edit,), (Pick, LineList)]
    return checked_keymap(wanted, [*screens, *more, *forms])


def _keys_of(classes: tuple[type, ...]) -> dict[str, set[str]]:
    """Id -> keys of all bindings that OpsDeck's own classes have."""
    found: dict[str, set[str]] = {}
    for cls in classes:
        for base in reversed(cls.__mro__):
            if not base.__module__.startswith("opsdeck.") or not issubclass(base, DOMNode):
                continue
            for binding in Binding.make_bindings(base.__dict__.get("BINDINGS", ())):
                if binding.id:
                    found.setdefault(binding.id, set()).add(binding.key)
    return found


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",")]


def _problem(name: str, keys: str, known: set[str]) -> str:
    if name not in known:
        near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
        return "is no key to set" + (f"; did you mean {near[0]}?" if near else "")
    wrong = [key for key in _split(keys) if not _is_key(key)]
    if wrong:
        return f'= "{visible(keys)}": {visible(wrong[0])!r} is no key; write for example space,f5'
    return ""


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    printable = len(last) == 1 and last.isprintable() and not last.isspace()
    return set(modifiers) <= _MODIFIERS and (printable or last in _NAMED)


def _clash(name: str, good: Mapping[str, str], places: list[dict[str, set[str]]]) -> str:
    """Another binding of a screen that has `name` and one of its keys; "" for none."""
    mine = set(map(_long, good[name].split(",")))
    for place in places:
        for other, keys in place.items() if name in place else ():
            theirs = set(map(_long, good[other].split(","))) if other in good else keys
            if other != name and (mine - place[name]) & theirs:
                return other
    return ""


def _long(key: str) -> str:
    """`?` as Textual calls it: `question_mark`."""
    return next(iter(Binding.make_bindings([Binding(key, "", "")]))).key
