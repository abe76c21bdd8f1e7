"""How the screens say things: times, states, runs, events."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any

from opsdeck.catalog.model import Catalog, Checklist
from opsdeck.durations import format_duration
from opsdeck.gauges.words import turn_words
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import (
    CHECKED,
    GAUGE_CHANGED,
    INCIDENTS,
    LOOKED,
    MARKS,
    NOTED,
    OPENED,
    RELEASES,
    UNDONE,
    VERDICTS,
    Event,
)
from opsdeck.journal.fold import Mark
from opsdeck.runs.acts import kind_of
from opsdeck.runs.cadence import parse_run, period_days
from opsdeck.runs.status import ItemState, Status
from opsdeck.signoff.words import release_verb
from opsdeck.text import visible

NARROW = 60
"""Below so many columns rows have only what must be there."""

STATE_STYLES: dict[ItemState, str] = {
    "open": "",
    "checking": "accent",
    "passed": "good",
    "attested": "good",
    "failed": "bad",
    "unknown": "warn",
    "stale": "warn",
    "overridden": "warn",
    "waived": "dim",
    "deferred": "warn",
    "inactive": "dim",
}


def when(at: datetime | None, now: datetime, zone: tzinfo) -> str:
    """A moment as short as it can be told: `02:38`, `Fri 02:38`, `03 Nov`, `Nov 2025`."""
    if at is None:
        return ""
    there, here = at.astimezone(zone), now.astimezone(zone)
    if there.date() == here.date():
        return f"{there:%H:%M}"
    if abs(here - there) < timedelta(days=6):
        return f"{there:%a %H:%M}"
    if there.year == here.year:
        return f"{there:%d %b}"
    return f"{there:%b %Y}"


def clock(now: datetime, zone: tzinfo) -> str:
    """The header's clock: `Mon 02:41 UTC`."""
    return f"{now.astimezone(zone):%a %H:%M %Z}"


def span(start: datetime, end: datetime) -> str:
    """How long from one moment to another: `21 h`."""
    return format_duration(max(1.0, (end - start).total_seconds()))


def occasion(run: str | None) -> str:
    """The occasion of a run: `v1.4.2`, `Mon 23 Nov`, `2026-W48`, `November 2026`, `standing`."""
    name = parse_run(run) if run else None
    if name is None:
        return "no release"
    if name.kind != "period":
        return visible(name.occasion) or "standing"
    days = period_days(name.occasion)
    if days is None or "W" in name.occasion:
        return name.occasion
    return f"{days[0]:%B %Y}" if len(name.occasion) == 7 else f"{days[0]:%a %d %b}"


def run_title(checklist: Checklist, run: str | None) -> str:
    """`Infrastructure · v1.4.2`."""
    return f"{visible(checklist.title)} · {occasion(run)}"


def quoted(text: str) -> str:
    """What somebody wrote, on one line, in quotes; "" for nothing."""
    return f'"{visible(text)}"' if text else ""


def mark_words(kind: str) -> str:
    """What a mark's kind says was done."""
    return {
        "reopened": "took back",
        "overridden": "overrode",
        "unused": "not used here",
        "noted": "note",
    }.get(kind, kind)


def mark_text(mark: Mark) -> str:
    """A mark in words, without its time: `alice waived until 2026-12-01 18:00 (bob): "why"`."""
    more = mark.more or {}
    words = [visible(mark.by), mark_words(kind_of(mark))]
    if until := more.get("until"):
        words.append(f"until {visible(str(until))[:16].replace('T', ' ')} {_zone(more)}".rstrip())
    if due := more.get("due"):
        words.append(f"due {visible(str(due))}")
    if approver := more.get("approver"):
        words.append(f"approved by {visible(str(approver))}")
    text = " ".join(words)
    return f"{text}: {quoted(mark.text)}" if mark.text else text


def _zone(more: dict[str, Any]) -> str:
    return visible(str(more.get("zone", "")))


def status_text(status: Status, now: datetime, zone: tzinfo) -> str:
    """What a status rests on, in a line; "" when nothing was said."""
    if status.mark is None:
        return visible(status.why)
    mark = status.mark
    text = f"{when(status.at, now, zone)} {mark_text(mark)}"
    if mark.kind in VERDICTS:
        text = f"{when(status.at, now, zone)} checked by {visible(mark.by)}"
    if status.state == "stale" and status.until:
        text += f"; stale since {when(status.until, now, zone)}"
    elif status.state in ("passed", "attested") and status.until:
        text += f"; good until {when(status.until, now, zone)}"
    if mark.kind in VERDICTS and mark.text:
        text += f": {visible(mark.text)}"
    return text


def item_name(catalog: Catalog, run: str, item: str) -> tuple[str, str]:
    """An item's text, and where it stands: `Infrastructure · v1.4.2`; the address, if unknown."""
    name = parse_run(run)
    checklist = catalog.checklist(name.checklist) if name else None
    found = checklist.item(item) if checklist else None
    if checklist is None or found is None:
        return visible(f"{run}/{item}"), ""
    return visible(found.text), f"  ({run_title(checklist, run)})"


def event_text(event: Event, catalog: Catalog) -> str:
    """An event in words, without its time."""
    data = event.data
    by = visible(event.by)
    if event.type in INCIDENTS:
        from opsdeck.incidents.words import event_words

        return event_words(event)
    item, place = item_name(catalog, str(data.get("run", "")), str(data.get("item", "")))
    text = quoted(str(data.get("note") or data.get("reason") or data.get("text") or ""))
    match event.type:
        case "item.reopened":
            words = f"{by} took back {item}"
        case "item.unused":
            words = f"{by} set {item} as not used here"
        case kind if kind in MARKS:
            words = f"{by} {mark_words(MARKS[kind])} {item}"
        case kind if kind == NOTED:
            words = (
                f"{by} skipped {item}" if data.get("skipped") is True else f"{by} noted on {item}"
            )
        case kind if kind == UNDONE:
            words = f"{by} undid {visible(str(data.get('kind', 'an act')))} {item}"
        case kind if kind == CHECKED:
            words = f"{by} checked, {visible(str(data.get('verdict', '')))}: {item}"
        case kind if kind == LOOKED:
            words = f"{by} had a probe look at {item}"
        case kind if kind in RELEASES:
            words = f"{by} {visible(release_verb(event))} {visible(str(data.get('release', '')))}"
        case kind if kind == GAUGE_CHANGED:
            return visible(turn_words(data))
        case kind if kind == OPENED:
            words = f"journal opened by {by}"
        case kind:
            words = f"{by} {visible(kind)}"
    about = place if "item" in data else ""
    return f"{words} {text}".rstrip() + about


def event_time(event: Event) -> datetime | None:
    """When an event says it happened."""
    return parse_wall(event.at)
