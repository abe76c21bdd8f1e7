"""Fold what happened to a release into how it stands: a pure function, tolerant of any data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import State
from opsdeck.journal.happenings import Happening
from opsdeck.signoff.model import (
    FIELDS,
    ROLES,
    ContentHead,
    Needs,
    Release,
    Role,
    Said,
    Signed,
)

MOST_NEEDED = 20
"""More people of one role than this no release needs."""


def release_of(state: State, name: str) -> Release | None:
    """The release of this name with all that was said of it; None where it was never started."""
    if name not in state.releases:
        return None
    return folded(name, state.release_log.of(name))


def head_of(state: State, name: str) -> Release:
    """How a release that was started stands, without fields and statements."""
    return folded(name, state.release_log.heads.get(name, ()))


def heads(state: State) -> list[Release]:
    """All releases in short, the one started last first."""
    found = sorted(state.releases.values(), key=lambda r: (r.clock, r.writer, r.seq), reverse=True)
    return [head_of(state, one.name) for one in found]


def current_of(releases: Iterable[Release]) -> Release | None:
    """The current one: of the open ones the newest started or chosen; without any, of the signed
    ones."""
    found = list(releases)
    for wanted in ("open", "signed"):
        these = [one for one in found if one.state == wanted]
        if these:
            return max(these, key=lambda one: one.chosen)
    return None


def folded(name: str, happenings: Iterable[Happening]) -> Release:
    """What these happenings, in order, come to."""
    found = Release(name=name)
    for happening in happenings:
        fold = _FOLDS.get(happening.type)
        if fold is not None:
            fold(found, happening, happening.data)
    return found


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _started(one: Release, happening: Happening, data: dict[str, Any]) -> None:
    if not one.chosen[0]:
        one.started_at, one.started_by = parse_wall(happening.at), happening.by
        one.note = _text(data, "note")
        one.chosen = happening.key
    _changed(one, happening, data)


def _chosen(one: Release, happening: Happening, data: dict[str, Any]) -> None:
    one.chosen = happening.key
    if one.state == "abandoned":
        one.state, one.ended_at, one.ended_by, one.why = "open", None, "", ""
        for content in dict.fromkeys(s.content for s in one.signatures):
            _completed(one, content, happening)


def _changed(one: Release, happening: Happening, data: dict[str, Any]) -> None:
    for field in FIELDS:
        if isinstance(data.get(field), str):
            one.fields[field] = Said(data[field], happening.by, parse_wall(happening.at))


def _abandoned(one: Release, happening: Happening, data: dict[str, Any]) -> None:
    if one.state == "open":
        one.state, one.why = "abandoned", _text(data, "reason")
        one.ended_at, one.ended_by = parse_wall(happening.at), happening.by


def _content(one: Release, happening: Happening, data: dict[str, Any]) -> None:
    digest = _text(data, "sha256")
    if digest and digest not in one.contents:
        one.contents[digest] = ContentHead(
            sha256=digest,
            event=happening.id,
            key=happening.key,
            at=parse_wall(happening.at),
            needs=_needs(data.get("needs")),
        )


def _needs(value: Any) -> Needs:
    try:
        found = msgspec.convert(value, Needs)
    except msgspec.ValidationError:
        return Needs()
    if any(not 0 <= found.of(role) <= MOST_NEEDED for role in ROLES):
        return Needs()
    return found


def _signed(one: Release, happening: Happening, data: dict[str, Any]) -> None:
    role = data.get("role")
    if role not in ROLES:
        return
    one.signatures.append(
        Signed(
            event=happening.id,
            key=happening.key,
            at=parse_wall(happening.at),
            wall=happening.at,
            by=happening.by,
            role=role,
            content=_text(data, "content"),
            statement=_text(data, "statement"),
            signature=_text(data, "signature"),
            fingerprint=_text(data, "key"),
            identity=_text(data, "identity"),
            reason=_text(data, "reason"),
        )
    )
    _completed(one, _text(data, "content"), happening)


def _completed(one: Release, content: str, happening: Happening) -> None:
    """Note that everybody has signed a content, if they have; an abandoned release stays so."""
    if one.state == "abandoned" or one.complete == content or not is_complete(one, content):
        return
    one.complete = content
    if one.state == "open":
        one.state = "signed"
        one.ended_at, one.ended_by = parse_wall(happening.at), happening.by


def signers(one: Release, content: str) -> dict[Role, list[str]]:
    """Who signed this content in which role, each once, in order."""
    signed = one.over(content)
    return {role: list(dict.fromkeys(s.by for s in signed if s.role == role)) for role in ROLES}


def counted(one: Release, content: str) -> dict[Role, list[str]]:
    """Whom the roles of this content count, each once, in order: nobody counts for a role who holds
    one that excludes it."""
    found, needs = signers(one, content), needs_for(one, content)
    apart: dict[Role, bool] = {
        "approver": needs.approver_apart,
        "verifier": needs.verifier_apart,
    }
    for role, is_apart in apart.items():
        if is_apart:
            found[role] = [by for by in found[role] if by not in found["deployer"]]
    return found


def missing(one: Release, content: str) -> dict[Role, int]:
    """How many people each role of this content still needs."""
    there, needs = counted(one, content), needs_for(one, content)
    return {role: max(0, needs.of(role) - len(there[role])) for role in ROLES}


def needs_for(one: Release, content: str) -> Needs:
    """How many people this content needs; the defaults for one that the journal does not have."""
    head = one.contents.get(content)
    return head.needs if head is not None else Needs()


def is_complete(one: Release, content: str) -> bool:
    """Whether the journal has this content, and every role has all the people that it needs."""
    return content in one.contents and not any(missing(one, content).values())


_FOLDS = {
    ev.RELEASE_STARTED: _started,
    ev.RELEASE_CHOSEN: _chosen,
    ev.RELEASE_CHANGED: _changed,
    ev.RELEASE_ABANDONED: _abandoned,
    ev.SIGNOFF_CONTENT: _content,
    ev.SIGNOFF_SIGNED: _signed,
}
