"""An incident as a JSON object: the stable form that `report INCIDENT --format json` prints."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import tzinfo
from typing import Any

from opsdeck.incidents.model import Incident, Ran, Walk
from opsdeck.incidents.timeline import Entry, timeline
from opsdeck.incidents.times import Times, times_of, trouble_began
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import Recorded
from opsdeck.reports.incident_report import people_of
from opsdeck.reports.objects import moment


def incident_object(one: Incident, beside: Iterable[Recorded], zone: tzinfo) -> dict[str, Any]:
    """The incident as plain values; times are UTC, `timezone` is the one that people read it in."""
    beside = list(beside)
    return {
        "id": one.id,
        "title": one.title,
        "severity": one.severity,
        "state": one.state,
        "timezone": str(zone),
        "started_at": moment(one.started_at),
        "started_by": one.started_by or None,
        "began_at": moment(trouble_began(one, beside)),
        "acknowledged_at": moment(one.acknowledged_at),
        "acknowledged_by": one.acknowledged_by or None,
        "mitigated_at": moment(one.mitigated_at),
        "resolved_at": moment(one.resolved_at),
        "times": _times(times_of(one, beside)),
        "roles": dict(sorted(one.roles.items())),
        "people": people_of(one),
        "targets": list(one.targets),
        "gauge": one.gauge or None,
        "variables": dict(sorted(one.variables.items())),
        "playbooks": [_walk(walk) for walk in one.walks.values()],
        "commands": [command_object(ran) for ran in one.ran.values()],
        "timeline": [_entry(entry) for entry in timeline(one, beside)],
    }


def _times(times: Times) -> dict[str, float | None]:
    return {
        "to_detect_s": times.detect_s,
        "to_acknowledge_s": times.acknowledge_s,
        "to_mitigate_s": times.mitigate_s,
        "to_resolve_s": times.resolve_s,
    }


def _walk(walk: Walk) -> dict[str, Any]:
    return {
        "id": walk.playbook,
        "title": walk.title,
        "digest": walk.digest or None,
        "steps": [
            {
                "id": identity,
                "title": walk.titles.get(identity, identity),
                "state": step.state,
                "by": step.by,
                "at": moment(step.at),
                "reason": step.reason or None,
            }
            for identity, step in walk.steps.items()
        ],
    }


def command_object(ran: Ran) -> dict[str, Any]:
    """One command that was run; what it printed stands in the journal and in the timeline."""
    began = ran.began.data
    return {
        **{key: _text(began.get(key)) for key in ("name", "text", "playbook", "step", "host")},
        "at": moment(parse_wall(ran.began.at)),
        "by": ran.began.by,
        "outcome": ran.outcome,
        "exit_code": ran.exit_code,
        "duration_s": duration_of(ran),
    }


def duration_of(ran: Ran) -> float | None:
    """How long a command took, where that is known."""
    took = ran.ended.data.get("duration_s") if ran.ended is not None else None
    if isinstance(took, bool) or not isinstance(took, int | float):
        return None
    return float(took) if 0 <= took < 1e12 and math.isfinite(took) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": moment(entry.at),
        "kind": entry.kind,
        "by": entry.by,
        "text": entry.text,
        "more": list(entry.more),
        "added_at": moment(entry.added_at),
        "corrected": [{"text": c.text, "by": c.by, "at": moment(c.at)} for c in entry.corrected],
    }
