"""What differs between two contents of one release, in words: what a signature no longer covers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsdeck.signoff.model import FIELD_TITLES, FIELDS


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """One line for everything that is in `new` as it was not in `old`; [] for the same content.

    Texts are as they stand in the contents: whoever shows them makes them harmless.
    """
    if old == new:
        return []
    return [*_form(old, new), *_lists(old, new), *_rest(old, new)] or ["the serialisation differs"]


def _form(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    before, after = _table(old.get("form")), _table(new.get("form"))
    for field in FIELDS:
        if before.get(field) != after.get(field):
            yield f"{FIELD_TITLES[field]} was changed"


def _rest(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    if old.get("catalog") != new.get("catalog"):
        yield "the checklists were edited (catalog version)"
    before, after = _table(old.get("rules")), _table(new.get("rules"))
    if before != after:
        named = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
        yield f"the rules of [signoff] were changed: {', '.join(named)}"
    for key in ("release", "deck", "timezone"):
        if old.get(key) != new.get(key):
            yield f"its {key} was {old.get(key)}, is {new.get(key)}"
    if old.get("started") != new.get("started"):
        yield f"its start was changed{_whose(_table(new.get('started')))}"


def _lists(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    before, after = _by_id(old.get("lists")), _by_id(new.get("lists"))
    for identity, checklist in after.items():
        if identity not in before:
            yield f"list {identity} is new"
            continue
        yield from _items(identity, before[identity], checklist)
    yield from (f"list {identity} is gone" for identity in before if identity not in after)


def _items(checklist: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    before, after = _by_id(old.get("items")), _by_id(new.get("items"))
    for identity, item in after.items():
        where = f"{checklist}/{identity}"
        then = before.get(identity)
        if then is None:
            yield f"{where} is new"
        elif then != item:
            yield f"{where}: {'; '.join(_item(then, item))}"
    yield from (f"{checklist}/{i} is gone" for i in before if i not in after)


def _item(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    differing = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    found = []
    if "state" in differing:
        found.append(f"was {old.get('state')}, is {new.get('state')}{_whose(new)}")
    elif "event" in differing:
        found.append(f"{new.get('state')} anew{_whose(new)}")
    elif differing & {"line", "evidence"}:
        found.append("its line in the journal was altered")
    if "notes" in differing:
        found.append("its notes were changed")
    if "set_aside" in differing and not differing & {"state", "event"}:
        found.append("its waivers, overrides or deferrals were changed")
    if differing & {"text", "sensed", "valid_for_s"}:
        found.append("its text or rules were edited")
    return found or ["it was changed"]


def _whose(item: dict[str, Any]) -> str:
    by, at = item.get("by"), item.get("at")
    return f" ({by}, {str(at)[:16].replace('T', ' ')} UTC)" if by and at else ""


def _by_id(found: Any) -> dict[str, dict[str, Any]]:
    these = found if isinstance(found, list) else []
    return {str(one.get("id")): one for one in these if isinstance(one, dict)}


def _table(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
