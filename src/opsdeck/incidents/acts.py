"""What may be done in an incident, each as the event it would be, or the reason why not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.errors import UsageError
from opsdeck.incidents.model import (
    ROLES,
    SEVERITIES,
    STEP_STATES,
    Incident,
    IncidentState,
    StepState,
)
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall, wall_text
from opsdeck.journal.writing import Draft
from opsdeck.text import storable, time_of_day

LONGEST_TEXT = 4_000
LONGEST_TITLE = 200
LONGEST_VALUE = 1_000
_TIME = re.compile(
    r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2}[ T])?([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?"
    r"(Z\b|[ \t]+(?:UTC|GMT)\b)?\s+(\S.*)$",
    re.S,
)
SOON = timedelta(minutes=15)
"""A time of day that is so soon to come is no time of yesterday: somebody's watch is fast."""
_VARIABLE = re.compile(r"[A-Za-z_][\w.-]{0,60}")

Values = Sequence[Mapping[str, Any]]
"""Gauges as they were seen: id, title, value, unit, level."""


def checked(text: str, what: str, *, longest: int = LONGEST_TEXT, required: bool = True) -> str:
    """A text as it may be kept; raises UsageError when empty or too long."""
    kept = storable(text)
    if required and not kept:
        raise UsageError(f"a {what} is needed: say it in a few words")
    if len(kept) > longest:
        raise UsageError(f"the {what} has {len(kept):,} characters; at most {longest:,} fit")
    return kept


def new_id(now: datetime, taken: Iterable[str]) -> str:
    """`2026-11-23-0241`: day and minute (UTC) of its start, with a letter where that is taken."""
    base, known = f"{now.astimezone(UTC):%Y-%m-%d-%H%M}", set(taken)
    names = (base, *(f"{base}{letter}" for letter in "bcdefghijklmnopqrstuvwxyz"))
    found = next((name for name in names if name not in known), None)
    if found is None:
        raise UsageError("26 incidents were started within this minute: wait for the next")
    return found


def start(
    identity: str,
    *,
    title: str,
    severity: str = "",
    playbook: Playbook | None = None,
    gauge: str = "",
    targets: Sequence[str] = (),
    began: datetime | None = None,
    operator: str,
) -> list[Draft]:
    """An incident begins: whoever starts it commands it; its playbook, if any, is opened."""
    severity = checked_severity(severity) if severity else ""
    data: dict[str, Any] = {
        "incident": identity,
        "title": checked(title, "title", longest=LONGEST_TITLE),
        "severity": severity or "high",
    }
    if playbook is not None:
        data["playbook"] = playbook.id
    if gauge:
        data["gauge"] = gauge
    named = dict.fromkeys(filter(None, map(str.strip, targets)))
    if named:
        data["targets"] = [checked(target, "target", longest=LONGEST_TITLE) for target in named]
    if began is not None:
        data["began"] = wall_text(began)
    drafts = [
        Draft(ev.INCIDENT_STARTED, data),
        Draft(ev.INCIDENT_ROLE, {"incident": identity, "role": "commander", "to": operator}),
    ]
    return [*drafts, open_playbook(identity, playbook)] if playbook is not None else drafts


def checked_severity(word: str) -> str:
    """One of SEVERITIES, by its beginning; raises UsageError."""
    found = [known for known in SEVERITIES if known.startswith(word.strip().lower())]
    if len(found) != 1 or not word.strip():
        raise UsageError(f"severity is {word.strip()!r}; it must be one of {', '.join(SEVERITIES)}")
    return found[0]


def open_playbook(identity: str, playbook: Playbook) -> Draft:
    """A playbook is walked from here on; its digest says which text of it."""
    data = {"playbook": playbook.id, "title": playbook.title, "digest": playbook.digest}
    return Draft(ev.INCIDENT_PLAYBOOK, {"incident": identity, **data})


def change(
    one: Incident,
    *,
    title: str = "",
    severity: str = "",
    targets: Sequence[str] | None = None,
    began: datetime | None = None,
) -> Draft:
    """Another title or severity, other targets, another time at which the trouble began."""
    data: dict[str, Any] = {"incident": one.id}
    if title.strip() and title.strip() != one.title:
        data["title"] = checked(title, "title", longest=LONGEST_TITLE)
    if severity.strip() and checked_severity(severity) != one.severity:
        data["severity"] = checked_severity(severity)
    named = None if targets is None else tuple(dict.fromkeys(filter(None, map(str.strip, targets))))
    if named is not None and named != one.targets:
        data["targets"] = [checked(target, "target", longest=LONGEST_TITLE) for target in named]
    if began is not None and began != one.began_at:
        data["began"] = wall_text(began)
    if len(data) == 1:
        raise UsageError("nothing is changed: it is all as it was")
    return Draft(ev.INCIDENT_CHANGED, data)


def state(one: Incident, to: IncidentState, note: str = "") -> Draft:
    """Mitigated, resolved or reopened; raises UsageError where that is what it is."""
    allowed: dict[IncidentState, tuple[IncidentState, ...]] = {
        "mitigated": ("open", "reopened"),
        "resolved": ("open", "reopened", "mitigated"),
        "reopened": ("mitigated", "resolved"),
        "open": (),
    }
    if one.state not in allowed[to]:
        raise UsageError(f"{one.id} is {one.state}: it cannot become {to}")
    data = {"incident": one.id, "state": to}
    text = checked(note, "note", required=False)
    return Draft(ev.INCIDENT_STATE, {**data, "note": text} if text else data)


def step(
    one: Incident,
    playbook: Playbook,
    at: Step,
    to: StepState,
    *,
    reason: str = "",
    gauges: Values = (),
) -> Draft:
    """A step is begun, done, skipped, failed, or to do again; skipping and failing ask why."""
    if to not in STEP_STATES:
        raise UsageError(f"a step cannot be {to!r}; it can be {', '.join(STEP_STATES)}")
    data: dict[str, Any] = {
        "incident": one.id,
        "playbook": playbook.id,
        "step": at.id,
        "title": at.title,
        "state": to,
    }
    if to in ("skipped", "failed") or reason.strip():
        data["reason"] = checked(reason, "reason")
    if gauges:
        data["gauges"] = [dict(value) for value in gauges]
    return Draft(ev.INCIDENT_STEP, data)


def tick(one: Incident, playbook: Playbook, at: Step, text: str, *, on: bool) -> Draft:
    """One of the step's check boxes, set or cleared."""
    data = {"playbook": playbook.id, "step": at.id, "tick": text, "on": on}
    return Draft(ev.INCIDENT_TICKED, {"incident": one.id, **data})


def note(one: Incident, text: str, now: datetime, zone: tzinfo, *, kind: str = "note") -> Draft:
    """A note, or (`update`) what stakeholders were told; one that begins with a time of day,
    `14:05 failed over`, is filed there and marked as added later.
    """
    when, said = backfilled(text, now, zone)
    data = {"incident": one.id, "text": checked(said, "note")}
    if kind != "note":
        data["kind"] = kind
    if when is not None:
        data["when"] = wall_text(when)
    return Draft(ev.INCIDENT_NOTED, data)


def backfilled(text: str, now: datetime, zone: tzinfo) -> tuple[datetime | None, str]:
    """The moment a text begins with, in the team's zone or, where it says so, in UTC, and the rest;
    None where there is none.

    A time of day that is yet to come was yesterday's, unless it comes within minutes. One that
    there was twice, as clocks were set back, is the later one that is over. Raises UsageError for
    a time that cannot be meant.
    """
    found = _TIME.match(text)
    if found is None:
        return None, text
    day, hour, minute, second, utc, said = found.groups()
    if utc:
        zone = UTC
    here = now.astimezone(zone)
    try:
        base = datetime.strptime(day.strip(" T"), "%Y-%m-%d") if day else here  # noqa: DTZ007
        local = datetime(
            base.year, base.month, base.day, int(hour), int(minute), int(second or 0), tzinfo=zone
        )
        when = _last_over(local, now)
    except (ValueError, OverflowError):
        return None, text
    if when > now:
        if day or when - now <= SOON:
            at = f"{day.strip()} {hour}:{minute}" if day else f"{hour}:{minute}"
            raise UsageError(f"{at} is yet to come: write what happened")
        local -= timedelta(days=1)
        when = _last_over(local, now)
    if when.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise UsageError(f"{local:%Y-%m-%d %H:%M} never was: clocks were set forward over it")
    return when, said


def moment_said(text: str, now: datetime, zone: tzinfo) -> datetime | None:
    """The moment that `14:05`, or a date and time, means; None for no text. Raises UsageError."""
    if not text.strip():
        return None
    when, _ = backfilled(f"{text.strip()} x", now, zone)
    if when is None:
        raise UsageError(f"{text.strip()!r} is no time: write 14:05, or 2026-11-23 14:05")
    return when


def _last_over(local: datetime, now: datetime) -> datetime:
    """The moment of a local time; where clocks showed it twice, the later that is not to come."""
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if first < second <= now else first


def correct(one: Incident, event: str, text: str) -> Draft:
    """What an entry should have said; the entry itself stays."""
    known = {happening.id for happening in one.happenings}
    if event not in known:
        raise UsageError(f"{one.id} has no entry {event!r}: `opsdeck incident show` names them")
    data = {"incident": one.id, "event": event, "text": checked(text, "correction")}
    return Draft(ev.INCIDENT_CORRECTED, data)


def take_role(
    one: Incident, role: str, to: str, handover: Mapping[str, str] | None = None
) -> Draft:
    """A role is taken, or handed over with what is done, running and next; "" gives it up."""
    if role not in ROLES:
        raise UsageError(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    name = checked(to, "name", longest=80, required=False)
    if one.roles.get(role, "") == name:
        raise UsageError(f"{name or 'nobody'} is {role} already")
    data: dict[str, Any] = {"incident": one.id, "role": role, "to": name}
    if handover is not None:
        said = {key: checked(text, key, required=False) for key, text in handover.items()}
        data["handover"] = {key: text for key, text in said.items() if text}
    return Draft(ev.INCIDENT_ROLE, data)


def present(one: Incident, *, here: bool, now: datetime | None = None, by: str = "") -> Draft:
    """The operator opened the incident, or left it; `by` is still here where that is so `now`."""
    still = now is not None and by in one.here(now)
    return Draft(
        ev.INCIDENT_PRESENT,
        {"incident": one.id, "here": here, **({"still": True} if still else {})},
    )


def filed(draft: Draft, now: datetime, zone: tzinfo) -> str:
    """`, filed at 14:05 CET` for a note that was added later."""
    when = parse_wall(str(draft.data.get("when", "")))
    if when is None:
        return ""
    return f", filed at {time_of_day(when, now, zone)} {when.astimezone(zone):%Z}"


def variable(one: Incident, name: str, value: str, secrets: Iterable[str] = ()) -> Draft:
    """What a placeholder of the playbooks stands for: none of the `secrets`, nor what looks like
    one, for it is shown to everybody and kept."""
    from opsdeck.probes.known_secrets import is_secret_name
    from opsdeck.probes.redact import Redactor

    if not _VARIABLE.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a variable: letters, digits and _ make one")
    if is_secret_name(name) or Redactor(secrets).text(value) != value:
        raise UsageError(
            f"{name} looks like a secret, and would stand in the journal for everybody to read:"
            f" set it in the environment, and write ${name.upper()} into the command"
        )
    if len(value) > LONGEST_VALUE:
        raise UsageError(f"the value of {name} has {len(value):,} characters; at most 1,000 fit")
    if "\n" in value or "\r" in value or "\0" in value:
        raise UsageError(f"the value of {name} has more than one line: a placeholder takes one")
    kept = storable(value)
    return Draft(ev.INCIDENT_VARIABLE, {"incident": one.id, "name": name, "value": kept})


def looked(
    one: Incident, playbook: Playbook, at: Step, title: str, found: str, *, failed: bool = False
) -> Draft:
    """What a diagnostic found, in short."""
    data: dict[str, Any] = {"playbook": playbook.id, "step": at.id, "title": title, "found": found}
    if failed:
        data["failed"] = True
    return Draft(ev.INCIDENT_LOOKED, {"incident": one.id, **data})


def incident_meant(known: Sequence[Incident], word: str | None) -> Incident:
    """The incident of this id or of its unique beginning; without a word the one that is open.

    Raises UsageError that says what there is.
    """
    if word is None:
        found = [one for one in known if not one.over]
        if len(found) == 1:
            return found[0]
        if not found and known:
            raise UsageError(
                f"no incident is open: name one, the newest is {known[0].id}, or start one with"
                " `opsdeck incident start`"
            )
        if not found:
            raise UsageError("no incident is open: start one with `opsdeck incident start`")
        names = ", ".join(one.id for one in found)
        raise UsageError(f"{len(found)} incidents are open: name one of {names}")
    exact = [one for one in known if one.id == word]
    near = exact or [one for one in known if one.id.startswith(word)]
    if len(near) == 1:
        return near[0]
    if near:
        names = ", ".join(one.id for one in near[:8])
        raise UsageError(f"{word!r} can mean {names}: write more of it")
    raise UsageError(f"there is no incident {word!r}: see `opsdeck list incidents`")
