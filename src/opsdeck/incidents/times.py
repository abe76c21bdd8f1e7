"""The times of an incident that matter afterwards: to detect, acknowledge, mitigate, resolve."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from opsdeck.incidents.model import Incident
from opsdeck.incidents.timeline import window
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import Recorded


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, all of them from when the trouble itself began; None for what is not known.

    The trouble began when whoever started the incident said so; where nobody said when, with the
    first alarm of its gauge, else with the incident.

    - `detect_s`: until the first alarm of the incident's gauge, or, without one, until its start;
      0 where the alarm was there before.
    - `acknowledge_s`: until a person took it on, which is what starting an incident means.
    - `mitigate_s`: until it was said to be mitigated, or resolved where that came first.
    - `resolve_s`: until it was said to be resolved.

    An incident that was reopened is neither mitigated nor resolved. What would be negative, because
    clocks disagreed, is not known.
    """

    detect_s: float | None = None
    acknowledge_s: float | None = None
    mitigate_s: float | None = None
    resolve_s: float | None = None


def times_of(one: Incident, beside: Iterable[Recorded] = ()) -> Times:
    """The times of an incident; `beside` are the events of gauges that may belong to it."""
    alarm = first_alarm(one, beside)
    alarm_at = parse_wall(alarm.event.at) if alarm is not None else None
    began = _began(one, alarm_at)
    if began is None:
        return Times()
    detected = max(began, alarm_at) if alarm_at is not None else one.started_at
    return Times(
        detect_s=_between(began, detected),
        acknowledge_s=_between(began, one.acknowledged_at),
        mitigate_s=_between(began, one.mitigated_at),
        resolve_s=_between(began, one.resolved_at),
    )


def trouble_began(one: Incident, beside: Iterable[Recorded] = ()) -> datetime | None:
    """When the trouble itself began, as far as is known; what all times are measured from."""
    alarm = first_alarm(one, beside)
    return _began(one, parse_wall(alarm.event.at) if alarm is not None else None)


def first_alarm(one: Incident, beside: Iterable[Recorded]) -> Recorded | None:
    """The first time, in the window before the start, that the incident's gauge went to warning or
    critical; None where it names no gauge, or that was well."""
    bounds = window(one)
    if bounds is None or one.started_at is None or not one.gauge:
        return None
    found: list[tuple[datetime, Recorded]] = []
    for recorded in beside:
        event = recorded.event
        if event.type != ev.GAUGE_CHANGED or event.data.get("gauge") != one.gauge:
            continue
        at = parse_wall(event.at)
        alarming = event.data.get("to") in ("warning", "critical")
        if alarming and at is not None and bounds[0] <= at <= one.started_at:
            found.append((at, recorded))
    return min(found, key=lambda pair: (pair[0], pair[1].key))[1] if found else None


def _began(one: Incident, alarm: datetime | None) -> datetime | None:
    began = one.began_at or one.started_at
    if began is not None and alarm is not None and began == one.started_at:
        return min(began, alarm)  # nobody said when: an alarm comes no earlier than its trouble
    return began


def _between(began: datetime, end: datetime | None) -> float | None:
    if end is None or end < began:
        return None
    return (end - began).total_seconds()
