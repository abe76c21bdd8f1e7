"""Fold what happened in an incident into how it stands: a pure function, tolerant of any data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from opsdeck.incidents.model import (
    STATES,
    STEP_STATES,
    Incident,
    Ran,
    StepWalked,
    Walk,
)
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import State
from opsdeck.journal.happenings import Happening, IncidentLog


def incident_of(log: IncidentLog, identity: str) -> Incident | None:
    """The incident of this id as it stands; None where it was never started."""
    if identity not in log.heads:
        return None
    return folded(identity, log.of(identity))


def head_of(log: IncidentLog, identity: str) -> Incident:
    """What it is called and whether it is open, without anything else."""
    return folded(identity, log.heads[identity])


def heads(state: State) -> list[Incident]:
    """All incidents in short, the newest first."""
    log = state.incidents
    found = [head_of(log, identity) for identity in log.heads]
    return sorted(found, key=lambda one: (one.started_at or _NEVER, one.id), reverse=True)


def open_heads(state: State) -> list[Incident]:
    """Those that are not resolved, the newest first."""
    return [one for one in heads(state) if not one.over]


_NEVER = datetime.min.replace(tzinfo=UTC)


def folded(identity: str, happenings: Iterable[Happening]) -> Incident:
    """What these happenings, in order, come to."""
    found = Incident(id=identity)
    for happening in happenings:
        found.happenings.append(happening)
        fold = _FOLDS.get(happening.type)
        if fold is not None:
            fold(found, happening, happening.data)
        _heard(found, happening)
    return found


def _heard(one: Incident, happening: Happening) -> None:
    """Whoever does anything is there."""
    at = parse_wall(happening.at)
    if at is not None and happening.by in one.present:
        one.present[happening.by] = max(at, one.present[happening.by])


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _texts(data: dict[str, Any], key: str) -> tuple[str, ...]:
    value = data.get(key)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _started(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    if one.started_at is not None:
        return  # two machines started it in the same minute: the first counts
    at = parse_wall(happening.at)
    one.started_at, one.started_by = at, happening.by
    one.title = _text(data, "title") or one.id
    one.severity = _text(data, "severity")
    one.gauge = _text(data, "gauge")
    one.targets = _texts(data, "targets")
    one.began_at = parse_wall(_text(data, "began")) or at
    one.acknowledged_at, one.acknowledged_by = at, happening.by


def _changed(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    one.title = _text(data, "title") or one.title
    one.severity = _text(data, "severity") or one.severity
    if "targets" in data:
        one.targets = _texts(data, "targets")
    one.began_at = parse_wall(_text(data, "began")) or one.began_at


def _stated(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    state, at = data.get("state"), parse_wall(happening.at)
    if state not in STATES or (state, one.state) in _UNAWARE:
        return
    one.state = state
    if state == "mitigated":
        one.mitigated_at = at
    elif state == "resolved":
        one.resolved_at = at
        one.mitigated_at = one.mitigated_at or at
    elif state == "reopened":
        one.mitigated_at = one.resolved_at = None


_UNAWARE = {("mitigated", "resolved"), ("mitigated", "mitigated"), ("resolved", "resolved")}
"""(what was said, what it was): whoever said it did not know yet what somebody else had said. It
stands on the timeline; only `reopened` takes a resolution back."""


def _walked(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    walk = _walk(one, _text(data, "playbook"))
    walk.title = _text(data, "title") or walk.title
    walk.digest = _text(data, "digest") or walk.digest


def _walk(one: Incident, playbook: str) -> Walk:
    """The walk of a playbook, which is the one that goes on from here."""
    found = one.walks.get(playbook)
    if found is None:
        found = one.walks[playbook] = Walk(playbook=playbook, title=playbook)
    one.current = playbook
    return found


def _stepped(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    step, state = _text(data, "step"), data.get("state")
    if not step or state not in STEP_STATES:
        return
    walk = _walk(one, _text(data, "playbook"))
    values = _values(data)
    old = walk.step(step)
    walk.steps[step] = StepWalked(
        state=state,
        by=happening.by,
        at=parse_wall(happening.at),
        reason=_text(data, "reason"),
        gauges=values,
        before=values if state == "doing" and not old.before else old.before,
    )
    walk.titles[step] = _text(data, "title") or step
    walk.at = step


def _values(data: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    found = data.get("gauges")
    return tuple(g for g in found if isinstance(g, dict)) if isinstance(found, list) else ()


def _ticked(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    walk = _walk(one, _text(data, "playbook"))
    key = (_text(data, "step"), _text(data, "tick"))
    if data.get("on") is True:
        walk.ticks.add(key)
    else:
        walk.ticks.discard(key)


def _noted(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    if data.get("kind") == "update":
        at = parse_wall(_text(data, "when")) or parse_wall(happening.at)
        one.updated_at = max(filter(None, (one.updated_at, at)), default=None)


def _corrected(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    said = {known.id: known for known in one.happenings}
    event, seen = _text(data, "event"), {happening.id}
    while (known := said.get(event)) is not None and known.type == ev.INCIDENT_CORRECTED:
        if event in seen:
            break
        seen.add(event)  # what corrects a correction is of the entry that it is of
        event = _text(known.data, "event")
    one.corrections.setdefault(event, []).append(happening)


def _role(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    role, to = _text(data, "role"), _text(data, "to")
    if to:
        one.roles[role] = to
    else:
        one.roles.pop(role, None)
    if isinstance(data.get("handover"), dict):
        one.handovers.append(happening)


def _present(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    at = parse_wall(happening.at)
    if data.get("here") is True and at is not None:
        one.present[happening.by] = at
    else:
        one.present.pop(happening.by, None)


def _variable(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    one.variables[_text(data, "name")] = _text(data, "value")


def _began(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    number = _text(data, "command")
    one.ran[number] = Ran(number=number, began=happening)


def _ended(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    """What is known replaces what was not: a command whose end was unknown may be heard of."""
    ran = one.ran.get(_text(data, "command"))
    if ran is not None and ran.outcome in ("running", "unknown"):
        one.ran[ran.number] = msgspec.structs.replace(ran, ended=happening)


def _reported(one: Incident, happening: Happening, data: dict[str, Any]) -> None:
    one.reported.append(happening)


_FOLDS: dict[str, Callable[[Incident, Happening, dict[str, Any]], None]] = {
    ev.INCIDENT_STARTED: _started,
    ev.INCIDENT_CHANGED: _changed,
    ev.INCIDENT_STATE: _stated,
    ev.INCIDENT_PLAYBOOK: _walked,
    ev.INCIDENT_STEP: _stepped,
    ev.INCIDENT_TICKED: _ticked,
    ev.INCIDENT_NOTED: _noted,
    ev.INCIDENT_CORRECTED: _corrected,
    ev.INCIDENT_ROLE: _role,
    ev.INCIDENT_PRESENT: _present,
    ev.INCIDENT_VARIABLE: _variable,
    ev.COMMAND_BEGAN: _began,
    ev.COMMAND_ENDED: _ended,
    ev.INCIDENT_REPORTED: _reported,
}
