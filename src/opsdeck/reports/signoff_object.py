"""The record of a sign-off as a JSON object: a stable form for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from opsdeck.reports.objects import moment
from opsdeck.signoff.content_values import AsideValues, ItemValues, ListValues
from opsdeck.signoff.model import Signed
from opsdeck.signoff.record import Record, first_lines, reason_of, state_words
from opsdeck.signoff.statement import Statement


def signoff_object(
    record: Record, zone: tzinfo | None = None, changes: Sequence[str] = ()
) -> dict[str, Any]:
    """The record as plain values; times are UTC, `timezone` is the one that people read it in (that
    of the deck unless given)."""
    values, release = record.values, record.release
    return {
        "release": release.name,
        "deck": values.deck,
        "timezone": str(zone) if zone is not None else values.timezone,
        "state": release.state,
        "complete": record.complete,
        "says": state_words(record),
        "first_lines": first_lines(record),
        "break_glass": record.break_glass,
        "names_only": record.names_only,
        "started_at": values.started.at,
        "started_by": values.started.by or None,
        "ended_at": moment(release.ended_at),
        "as_of": values.as_of,
        "content_sha256": record.sha256,
        "catalog_sha256": values.catalog,
        "form": {
            "date": values.form.date or None,
            "window": values.form.window or None,
            "stakeholders": values.form.stakeholders or None,
            "notes": values.form.notes or None,
        },
        "gate": _gate(record.last_statement),
        "roles": [_signed(*found) for found in record.signed],
        "missing": {role: count for role, count in record.missing.items() if count},
        "set_aside": [_aside(*found) for found in values.set_aside],
        "lists": [_list(checklist) for checklist in values.lists],
        "changes": list(changes),
    }


def _gate(last: Statement | None) -> dict[str, Any] | None:
    if last is None:
        return None
    return {
        "open": not last.reason,
        "as_signed_by": last.name,
        "role": last.role,
        "rules": [{"rule": rule, "holds": holds} for holds, rule in last.rules],
    }


def _signed(one: Signed, statement: Statement | None) -> dict[str, Any]:
    return {
        "role": one.role,
        "name": one.by,
        "identity": one.identity or None,
        "key": one.fingerprint or None,
        "at": moment(one.at),
        "signed": bool(one.signature),
        "break_glass": reason_of(one, statement) or None,
        "event": one.event,
    }


def _aside(checklist: ListValues, item: ItemValues, aside: AsideValues) -> dict[str, Any]:
    return {
        "list": checklist.id,
        "item": item.id,
        "kind": aside.kind,
        "by": aside.by,
        "at": aside.at,
        "reason": aside.reason,
        "approver": aside.approver,
        "until": aside.until,
        "due": aside.due,
        "in_force": aside.in_force,
        "undone": aside.undone,
        "event": aside.event,
    }


def _list(checklist: ListValues) -> dict[str, Any]:
    counts = Counter(item.state for item in checklist.items)
    return {
        "id": checklist.id,
        "title": checklist.title,
        "cadence": checklist.cadence,
        "run": checklist.run,
        "total": len(checklist.items),
        "counts": dict(sorted(counts.items())),
    }
