"""Whom to call: `[incident]`, `[oncall]` and `[[contact]]` of opsdeck.toml."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

import msgspec

from opsdeck.catalog.faults import shown
from opsdeck.catalog.validate import Table

UPDATE_EVERY_S = 1_800.0

_CONTACT_KEYS = ("name", "role", "phone", "mail", "chat", "page", "note")
_WAYS = ("phone", "chat", "mail", "page")
_WHEN = 'a local time in quotes, such as "2026-11-02 09:00"'


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else is on call for a while; times are local to the team, without an offset."""

    start: datetime
    end: datetime
    who: str


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """Who is called when nobody has mitigated it after so many seconds."""

    after_s: float
    to: tuple[str, ...]


class OnCall(msgspec.Struct, frozen=True, kw_only=True):
    """The rotation: each for `every_s` from `start` (local time of the team), in turns."""

    rotation: tuple[str, ...] = ()
    start: datetime | None = None
    every_s: float = 7 * 86_400.0
    overrides: tuple[Override, ...] = ()
    ladder: tuple[Rung, ...] = ()


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, or a team, and the ways to reach them: (what, address)."""

    name: str
    role: str = ""
    note: str = ""
    ways: tuple[tuple[str, str], ...] = ()


class Contacts(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `update_every_s`: how often stakeholders are to hear of an open incident."""

    oncall: OnCall = OnCall()
    people: tuple[Contact, ...] = ()
    update_every_s: float = UPDATE_EVERY_S

    def of(self, name: str) -> Contact | None:
        """The contact of this name, by its letters alone."""
        wanted = name.casefold()
        return next((one for one in self.people if one.name.casefold() == wanted), None)


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Who is on call, until when (aware), and who comes then; `instead_of` for an override."""

    who: str
    until: datetime | None
    then: str = ""
    instead_of: str = ""


def shift_at(oncall: OnCall, now: datetime, zone: tzinfo) -> Shift | None:
    """Who is on call at a moment; None where nobody says. Shifts change at the same local time
    the whole year through."""
    here = now.astimezone(zone).replace(tzinfo=None)
    turn = _turn(oncall, here)
    for override in oncall.overrides:
        if override.start <= here < override.end:
            after = _turn(oncall, override.end)
            return Shift(
                who=override.who,
                until=override.end.replace(tzinfo=zone),
                then=after[0] if after else "",
                instead_of=turn[0] if turn else "",
            )
    if turn is None:
        return None
    who, end = turn
    until, then = end, (_turn(oncall, end) or ("", end))[0]
    for override in oncall.overrides:
        if here < override.start < until:
            until, then = override.start, override.who
    return Shift(who=who, until=until.replace(tzinfo=zone), then=then)


def _turn(oncall: OnCall, here: datetime) -> tuple[str, datetime] | None:
    """Whose turn it is by the rotation alone, and when it ends."""
    if not oncall.rotation or oncall.start is None or here < oncall.start:
        return None
    length = timedelta(seconds=oncall.every_s)
    number = (here - oncall.start) // length
    who = oncall.rotation[number % len(oncall.rotation)]
    return who, oncall.start + (number + 1) * length


def rung_at(oncall: OnCall, open_for_s: float) -> tuple[Rung | None, Rung | None]:
    """The highest rung that is due by now, and the next one."""
    due = [rung for rung in oncall.ladder if open_for_s >= rung.after_s]
    later = [rung for rung in oncall.ladder if open_for_s < rung.after_s]
    return (due[-1] if due else None), (later[0] if later else None)


# Reading


def read_contacts(top: Table) -> Contacts:
    """The three sections; what is wrong with them is in the report."""
    incident = _section(top, "incident", 'update_every = "30m"')
    incident.only(("update_every",))
    return Contacts(
        oncall=_oncall(top),
        people=_people(top),
        update_every_s=incident.duration("update_every") or UPDATE_EVERY_S,
    )


def _section(top: Table, name: str, example: str) -> Table:
    values = top.table(name, f"[{name}] with {example}")
    return Table(top.report, values or {}, (name,), prefix=f"{name}.")


def _oncall(top: Table) -> OnCall:
    section = _section(top, "oncall", 'rotation = ["alice", "bob"]')
    section.only(("rotation", "start", "every", "override", "escalate"))
    rotation = section.strings("rotation")
    start = _moment(section, "start")
    if rotation and start is None and "start" not in section.values:
        section.missing("start")
    every = section.duration("every")
    return OnCall(
        rotation=rotation,
        start=start,
        every_s=max(3_600.0, every) if every else OnCall().every_s,
        overrides=_overrides(section),
        ladder=_ladder(section),
    )


def _overrides(section: Table) -> tuple[Override, ...]:
    found = []
    for position, values in section.tables("override", "[[oncall.override]]"):
        table = _entry(section, "override", position, values)
        table.only(("from", "until", "who"))
        who = table.line("who", required=True)
        start, end = _moment(table, "from", required=True), _moment(table, "until", required=True)
        if start and end and end <= start:
            table.fault("is not after `from`", "until")
        elif who and start and end:
            found.append(Override(start=start, end=end, who=who))
    return tuple(found)


def _ladder(section: Table) -> tuple[Rung, ...]:
    found = []
    for position, values in section.tables("escalate", "[[oncall.escalate]]"):
        table = _entry(section, "escalate", position, values)
        table.only(("after", "to"))
        after, to = table.duration("after"), table.strings("to")
        for key in ("after", "to"):
            if key not in table.values:
                table.missing(key)
        if after and to:
            found.append(Rung(after_s=after, to=to))
    return tuple(sorted(found, key=lambda rung: rung.after_s))


def _people(top: Table) -> tuple[Contact, ...]:
    found = []
    for position, values in top.tables("contact", "[[contact]]"):
        table = Table(top.report, values, ("contact", position), prefix="contact.")
        table.only(_CONTACT_KEYS)
        name = table.line("name", required=True)
        ways = [(way, text) for way in _WAYS if (text := table.line(way))]
        role, note = table.line("role") or "", table.line("note") or ""
        if name:
            found.append(Contact(name=name, role=role, note=note, ways=tuple(ways)))
    return tuple(found)


def _entry(section: Table, key: str, position: int, values: dict[str, object]) -> Table:
    path = (*section.path, key, position)
    return Table(section.report, values, path, prefix=f"{section.prefix}{key}.")


def _moment(table: Table, key: str, *, required: bool = False) -> datetime | None:
    """A local time: as a string, or as TOML has it without an offset."""
    value = table.values.get(key)
    if value is None:
        if required:
            table.missing(key)
        return None
    found: datetime | None = None
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime.combine(value, time())
    elif isinstance(value, str):
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError:
            found = None
    if found is None or found.tzinfo is not None:
        table.fault(f"is {shown(value)}; write {_WHEN}", key)
        return None
    return found
