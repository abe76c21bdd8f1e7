"""The glance as one screen of plain text: at most 23 lines, whatever is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from opsdeck.durations import format_duration
from opsdeck.reports.glance import (
    CERTIFICATE_CRIT_DAYS,
    CERTIFICATE_WARN_DAYS,
    DueRun,
    Glance,
    ItemSeen,
)
from opsdeck.reports.glance_certificates import Certificate
from opsdeck.reports.glance_next import next_step
from opsdeck.reports.glance_signoffs import last_signed_off, signoff_words
from opsdeck.reports.glance_words import Told, fitted, joined, pending, told, trimmed, well, wrapped
from opsdeck.text import cells, cut, plural, visible

LINES = 23
"""A screen has 24, and the next prompt needs one."""
MOST = 7
"""Lines of one kind, where others need the room; what is left out is counted."""
LEAST = 2
NARROW = 60
"""Below so many columns the word for a gauge's level is left out; its mark says the same."""

_WORDS = {"ok": "all well", "warning": "WARNING", "critical": "CRITICAL", "unknown": "UNKNOWN"}
_MARKS = {"critical": "x", "warning": "!", "unknown": "?", "ok": " "}
_NAME = 12


class Part(NamedTuple):
    """Lines of one kind: `entries` of a line or two each; what is left out is counted as `noun`."""

    noun: str
    entries: list[list[str]]
    counts: list[int]

    @property
    def lines(self) -> int:
        """How many lines it takes whole."""
        return sum(map(len, self.entries))


def render(glance: Glance, zone: ZoneInfo, width: int = 80) -> str:
    """The lines, each at most `width` cells."""
    room = width - _NAME
    tail = list(_last_lines(glance, room))
    parts = [part for part in _parts(glance, room) if part.entries]
    lines = [_headline(glance, zone, width)]
    shares = _shares(parts, LINES - len(lines) - len(tail))
    for part, share in zip(parts, shares, strict=True):
        lines += _bounded(part, share)
    return "".join(f"{trimmed(line, width).rstrip()}\n" for line in (*lines, *tail))


def _headline(glance: Glance, zone: ZoneInfo, width: int) -> str:
    at = f"{glance.at.astimezone(zone):%a %d %b %Y %H:%M %Z}"
    note = "last known values" if not glance.looked else ""
    note = "OFFLINE: last known values" if glance.online is False else note
    rest = "   ".join(["", at, *([note] if note else [])])
    if cells(rest) > width - 24 and note:  # a narrow screen: the date is known there
        rest = f"   {note}"
    word = _WORDS[glance.status]
    return (
        f"{word}   {cut(visible(glance.deck), max(8, width - len(word) - 3 - cells(rest)))}{rest}"
    )


# The parts, the gravest first


def _parts(glance: Glance, room: int) -> Iterator[Part]:
    wide = room + _NAME >= NARROW
    yield _part("incident", (_incident(one, glance, room) for one in glance.incidents))
    bad = told(glance)
    yield Part("gauge", [_gauge(one, room, wide=wide) for one in bad], [one.gauges for one in bad])
    yield _part("gauge", _well(glance, room))
    yield _part("item", (_item("failing", "x", item, glance, room) for item in glance.failing))
    yield _part("review", (_overdue(item, glance, room) for item in glance.overdue))
    yield _part("run", (_run("missed", "!", run, glance, room) for run in glance.missed))
    soon = [[_line("soon", "  " + joined(one.name, one.rest, room - 2))] for one in pending(glance)]
    yield Part("gauge", soon, [1] * len(soon))
    open_runs = [run for run in glance.due if run.done < run.total and run.due is not None]
    yield _part("run", (_run("due", " ", run, glance, room) for run in open_runs))
    yield _part("item", (_item("stale", "!", item, glance, room) for item in glance.stale))
    yield _part("item", (_item("not seen", "?", item, glance, room) for item in glance.unknown))
    yield _part("waiver", (_waiver(item, glance, room) for item in glance.waivers))


def _part(noun: str, lines: Iterable[str]) -> Part:
    entries = [[line] for line in lines]
    return Part(noun, entries, [1] * len(entries))


def _line(name: str, text: str) -> str:
    return f"{name:<{_NAME}}{text}"


def _gauge(one: Told, room: int, *, wide: bool) -> list[str]:
    lead = f"{_MARKS[one.level]} {one.level:<8}  " if wide else f"{_MARKS[one.level]} "
    first, *more = wrapped(one, room - len(lead))
    return [_line("gauge", lead + first), *(_line("", " " * len(lead) + line) for line in more)]


def _item(name: str, mark: str, item: ItemSeen, glance: Glance, room: int) -> str:
    why = f": {visible(item.why)}" if item.why else _when(item, glance.at)
    return _line(name, f"{mark} {_both(visible(item.text), why, room - 2)}")


def _both(text: str, why: str, room: int) -> str:
    """What an item says and why it stands so; where both are long each gets a part."""
    if cells(text) + cells(why) <= room:
        return text + why
    most = max(room // 2, room - cells(why))
    return trimmed(trimmed(text, most) + why, room)


def _when(item: ItemSeen, now: datetime) -> str:
    return f", {_past(item.at, now)} ago" if item.at is not None else ""


def _past(at: datetime, now: datetime) -> str:
    return format_duration(max(0.0, (now - at).total_seconds()))


def _incident(one: Mapping[str, Any], glance: Glance, room: int) -> str:
    at = one["started_at"]
    lasts = f" for {_past(at, glance.at)}" if at is not None else ""
    rest = f": {one['severity'] or 'no severity'}, {one['state']}{lasts}, {one['id']}"
    return _line("incident", f"! {joined(visible(one['title']), visible(rest), room - 2)}")


def _run(name: str, mark: str, run: DueRun, glance: Glance, room: int) -> str:
    rest = f": {run.done} of {run.total} done"
    if name == "due" and run.due is not None:
        rest += f", due in {_past(glance.at, run.due)}"
    else:
        rest = f", {visible(run.run.rpartition('/')[2])}{rest}"
    return _line(name, f"{mark} {joined(visible(run.title), rest, room - 2)}")


def _waiver(item: ItemSeen, glance: Glance, room: int) -> str:
    rest = f": ends in {_past(glance.at, item.until or glance.at)}"
    return _line("waiver", f"! {joined(visible(item.text), rest, room - 2)}")


def _overdue(item: ItemSeen, glance: Glance, room: int) -> str:
    rest = f": overdue for {_past(item.until or glance.at, glance.at)}"
    return _line("overdue", f"! {joined(visible(item.text), rest, room - 2)}")


def _well(glance: Glance, room: int) -> Iterator[str]:
    """The gauges that are ok, as many by name as fit whole, in one line."""
    count = sum(gauge.level == "ok" for gauge in glance.gauges)
    if not glance.gauges:
        yield _line("gauges", "? nothing is known of any gauge yet")
    elif count:
        lead, listed = f"+ {plural(count, 'gauge')} ok", well(glance)
        room -= len(lead) + 2
        names = fitted(listed, room, besides=count - len(listed)) if listed else ""
        yield _line("gauges", f"{lead}: {names}" if names and cells(names) <= room else lead)


# Lines that are always there


def _last_lines(glance: Glance, room: int) -> Iterator[str]:
    if glance.certificates:
        mark = _MARKS[_LEVELS[max(map(_gravity, glance.certificates))]]
        yield _line("certificate", f"{mark} {fitted(map(_ends, glance.certificates), room - 2)}")
    oldest = glance.oldest
    if oldest is not None and oldest.at is not None:
        rest = f": {oldest.state} {_past(oldest.at, glance.at)} ago"
        yield _line("oldest", f"  {joined(visible(oldest.text), rest, room - 2)}")
    release = visible(glance.release) if glance.release else "none is open"
    yield _line("release", f"  {joined(release, f'; signed off: {_signed(glance)}', room - 2)}")
    if glance.signoffs:
        yield _line("sign-off", _signoff(glance.signoffs[0], room))
    count = len(glance.incidents)
    yield _line("incidents", f"  {count} open" if count else "  none open")
    if todo := next_step(glance):
        yield _line("next", f"  {trimmed(todo, room - 2)}")


def _signed(glance: Glance) -> str:
    return last_signed_off(glance.signoffs) or "none yet"


def _signoff(one: Mapping[str, Any], room: int) -> str:
    mark = "!" if one["break_glass"] or not one["signed"] else " "
    return f"{mark} {joined(*signoff_words(one), room - 2)}"


_LEVELS = ("ok", "warning", "critical")


def _gravity(certificate: Certificate) -> int:
    if certificate.waived:
        return 0
    days = certificate.days_left
    return (days < CERTIFICATE_WARN_DAYS) + (days < CERTIFICATE_CRIT_DAYS)


def _ends(certificate: Certificate) -> str:
    days, host = certificate.days_left, visible(certificate.host)
    if days < 0:
        return f"{host} expired {format_duration(-days * 86_400)} ago"
    return f"{host} {int(days)} d"


# Into one screen


def _shares(parts: list[Part], room: int) -> list[int]:
    """How many lines each part gets: a few at least, and the gravest the rest."""
    shares = [min(part.lines, LEAST) for part in parts]
    left = room - sum(shares)
    for most in (MOST, LINES):
        for place, part in enumerate(parts):
            more = min(left, min(part.lines, most) - shares[place])
            shares[place] += max(0, more)
            left -= max(0, more)
    return shares


def _bounded(part: Part, share: int) -> Iterator[str]:
    """As many whole entries as fit, and how many there are more."""
    if part.lines <= share:
        for entry in part.entries:
            yield from entry
        return
    entries, left = list(part.entries), share - 1
    shown = 0
    while entries and len(entries[0]) <= left:
        left -= len(entries[0])
        shown += 1
        yield from entries.pop(0)
    if not shown:
        shown = 1
        yield entries.pop(0)[0]
    count = sum(part.counts[shown:])
    if count:
        yield _line("", f"  and {plural(count, part.noun)} more")
