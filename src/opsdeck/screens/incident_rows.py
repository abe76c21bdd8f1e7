"""An incident's own lines: how it stands, its steps at the left, its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from rich.cells import cell_len

from opsdeck.catalog.contacts import Contacts, rung_at
from opsdeck.catalog.playbook import Playbook
from opsdeck.durations import format_duration
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.words import amount
from opsdeck.incidents.model import Incident, StepState, Walk
from opsdeck.incidents.timeline import Entry
from opsdeck.incidents.times import times_of
from opsdeck.journal.events import Recorded
from opsdeck.screens.gauge_rows import STYLES, level_glyph, trend_text
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, Row, cut, fit, wrap

STEP_GLYPHS: dict[StepState, str] = {
    "to do": "open",
    "doing": "checking",
    "done": "passed",
    "skipped": "deferred",
    "failed": "failed",
}
"""State of a step -> the item state whose glyph it has."""
STEP_STYLES: dict[StepState, str] = {
    "to do": "",
    "doing": "accent",
    "done": "good",
    "skipped": "warn",
    "failed": "bad",
}
STATE_STYLES = {"open": "bad", "reopened": "bad", "mitigated": "warn", "resolved": "good"}
LONGEST_ENTRY_LINES = 4
TREND_CELLS = 8


def elapsed(start: datetime | None, now: datetime) -> str:
    """`12 min`, in steps that do not change every second."""
    if start is None:
        return ""
    seconds = (now - start).total_seconds()
    return "under a minute" if seconds < 60 else format_duration(seconds)


def update_words(one: Incident, every_s: float, now: datetime) -> tuple[str, str]:
    """When stakeholders are to hear of it, and the style of that; nothing once it is over."""
    if one.over or one.started_at is None:
        return "", ""
    last = one.updated_at or one.started_at
    left = (last + timedelta(seconds=every_s) - now).total_seconds()
    if left <= 0:
        if one.updated_at is None:
            return "nobody was told yet: u notes whom", "warn"
        return f"others were told {elapsed(one.updated_at, now)} ago: u", "warn"
    then = f"in {format_duration(max(60.0, left))}"
    if one.updated_at is not None:
        return f"others were told {elapsed(one.updated_at, now)} ago, again {then}", "dim"
    return f"tell others {then}", "dim"


class StatusOf(NamedTuple):
    """What the two lines above an incident are made of."""

    one: Incident
    contacts: Contacts
    beside: Sequence[Recorded]
    now: datetime


def status_lines(
    status: StatusOf, gauges: Sequence[Gauge], end: float | None, width: int, glyphs: Glyphs
) -> list[Line]:
    """Two lines: state, times and people; then its gauges, and when to tell others, or once it is
    over how long it took. Trends end at `end`; None for a link that cannot bear them."""
    one, now = status.one, status.now
    style = STATE_STYLES[one.state]
    until = one.resolved_at if one.over else now
    lasted = elapsed(one.started_at, until or now)
    state = {"mitigated": "mitigated", "resolved": "resolved after"}.get(one.state, one.state)
    people, people_style = _people(status)
    first: Line = (
        Part(f" {visible(one.severity)}  ", style),
        Part(f"{state} {lasted}   ", style),
        Part(glyphs.plain(people), people_style),
    )
    room = width - sum(cell_len(part.text) for part in first) - 1
    name = glyphs.plain(visible(one.id))
    if room > cell_len(name):
        first = (*first, Part(" " * (room - cell_len(name)) + name, "dim"))
    told, told_style = update_words(one, status.contacts.update_every_s, now)
    if one.over:
        return [cut(first, width, glyphs.ellipsis), (Part(f" {times_words(status)}", "dim"),)]
    parts: list[Part] = [Part(" ")]
    room = width - cell_len(told) - 3
    used = 1
    for gauge in gauges:
        text = f"{visible(gauge.spec.title)} {amount(gauge.value, gauge.spec.unit)}"
        shape = trend_text(gauge, end, TREND_CELLS, glyphs) if end is not None else ""
        size = cell_len(text) + 5 + cell_len(shape)
        if used + size > room:
            shape, size = "", cell_len(text) + 5
        if used + size > room:
            break
        parts.append(Part(f"{level_glyph(glyphs, gauge.level)} ", STYLES[gauge.level]))
        parts += [Part(f"{glyphs.plain(text)} "), Part(shape, "accent"), Part("  ")]
        used += size
    parts += [Part(" " * max(0, width - used - cell_len(told) - 1)), Part(told, told_style)]
    return [cut(first, width, glyphs.ellipsis), tuple(part for part in parts if part.text)]


def _people(status: StatusOf) -> tuple[str, str]:
    """Who does what; whom to call, where it is time for that."""
    one, now = status.one, status.now
    commander, scribe = one.roles.get("commander", ""), one.roles.get("scribe", "")
    words = f"{visible(commander)} commands" if commander else "nobody commands: a takes it"
    if scribe:
        words += f", {visible(scribe)} writes"
    others = [name for name in one.here(now) if name not in (commander, scribe)]
    if others:
        words += f", here: {visible(', '.join(others))}"
    rung = None
    if one.started_at is not None and one.state in ("open", "reopened"):
        rung, _ = rung_at(status.contacts.oncall, (now - one.started_at).total_seconds())
    if rung is not None:
        words += f"; call {visible(', '.join(rung.to))} (p)"
    return words, "dim" if commander and rung is None else "warn"


def times_words(status: StatusOf) -> str:
    """`detected after 2 min, mitigated after 12 min, resolved after 40 min`."""
    times = times_of(status.one, status.beside)
    told = (
        ("detected", times.detect_s),
        ("acknowledged", times.acknowledge_s),
        ("mitigated", times.mitigate_s),
        ("resolved", times.resolve_s),
    )
    return ", ".join(
        f"{word} after {format_duration(seconds)}" for word, seconds in told if seconds is not None
    )


def steps_rows(
    one: Incident, playbook: Playbook | None, walk: Walk | None, width: int, glyphs: Glyphs
) -> list[Row]:
    """The steps with their state; then what else is or may be walked."""
    rows: list[Row] = []
    if playbook is None:
        for text in _no_playbook(walk):
            rows += [Row((Part(f" {t}", "dim"),)) for t in wrap(text, width - 2)]
    else:
        title = fit(glyphs.plain(visible(playbook.title)), width - 2, glyphs.ellipsis)
        rows.append(Row((Part(f" {title}", "title"),)))
        rows += _step_rows(playbook, walk, width, glyphs)
    others = [w for w in one.walks.values() if walk is None or w.playbook != walk.playbook]
    if others:
        rows.append(Row((Part(" also walked", "dim"),)))
    for other in others:
        done = sum(step.state in ("done", "skipped") for step in other.steps.values())
        text = fit(glyphs.plain(visible(other.title)), width - 12, glyphs.ellipsis).rstrip()
        rows.append(
            Row((Part(f"   {text}"), Part(f"  {done} done", "dim")), f"walk {other.playbook}")
        )
    rows.append(
        Row((Part(f" {glyphs.enter} ", "accent"), Part("another playbook", "dim")), "other")
    )
    return rows


def _no_playbook(walk: Walk | None) -> list[str]:
    if walk is None:
        return ["No playbook is open yet. Enter on the line below chooses one."]
    title = visible(walk.title)
    return [f"The playbook {title} is no longer there: its steps stand on the timeline."]


def _step_rows(playbook: Playbook, walk: Walk | None, width: int, glyphs: Glyphs) -> list[Row]:
    rows = []
    digits = len(str(len(playbook.steps)))
    for number, step in enumerate(playbook.steps, 1):
        walked = walk.step(step.id) if walk is not None else None
        state: StepState = walked.state if walked is not None else "to do"
        style = STEP_STYLES[state]
        head = f"  {glyphs.states[STEP_GLYPHS[state]]} "  # type: ignore[index]
        word = "" if state == "to do" else state
        room = width - cell_len(head) - digits - 1 - (len(word) + 1 if word else 0) - 1
        title = fit(glyphs.plain(visible(step.title)), max(4, room), glyphs.ellipsis)
        parts = (
            Part(head, style),
            Part(f"{number:>{digits}} ", "dim"),
            Part(title, "dim" if state in ("done", "skipped") else ""),
            Part(f" {word}" if word else "", style),
        )
        rows.append(Row(parts, f"step {step.id}"))
    if not rows:
        rows.append(Row((Part("  this playbook has no steps", "dim"),), "step "))
    return rows


def timeline_rows(
    entries: Sequence[Entry], kind: str, zone: tzinfo, now: datetime, width: int, glyphs: Glyphs
) -> list[Row]:
    """The timeline, newest first; an entry's key is `entry ID`."""
    rows: list[Row] = []
    shown = [entry for entry in entries if not kind or entry.kind == kind]
    title = f" TIMELINE  {kind or 'all'}, {'UTC' if zone is UTC else 'local'}"
    rows.append(Row((Part(fit(title, width, glyphs.ellipsis), "dim"),)))
    for entry in reversed(shown):
        key = f"entry {entry.id}"
        rows += [Row(line, key if n == 0 else None) for n, line in enumerate(
            entry_lines(entry, zone, now, width, glyphs, most_lines(entry))
        )]  # fmt: skip
    if not shown:
        rows.append(Row((Part(" nothing of this kind", "dim"),)))
    return rows


def most_lines(entry: Entry) -> int:
    """What a handover or a change says is for somebody who comes new to it: more is shown."""
    whole, longer = 2 if entry.values else 0, entry.kind in ("people", "state") or entry.corrected
    return LONGEST_ENTRY_LINES * (3 if longer else 1) + whole


def _stamp(at: datetime, now: datetime, zone: tzinfo) -> str:
    """A time, with its day where that is not today."""
    there = at.astimezone(zone)
    same_day = there.date() == now.astimezone(zone).date()
    return f"{there:%H:%M}" if same_day else f"{there:%d %b %H:%M}"


def entry_lines(
    entry: Entry, zone: tzinfo, now: datetime, width: int, glyphs: Glyphs, most: int
) -> list[Line]:
    """One entry: its time, who, what; in at most so many lines."""
    stamp = _stamp(entry.at, now, zone)
    by = "" if entry.kind == "gauge" else f"{visible(entry.by)} "
    added = f" (added {entry.added_at.astimezone(zone):%H:%M})" if entry.added_at else ""
    head = f" {stamp} "
    room = max(10, width - len(head) - 1)
    first, *more = wrap(glyphs.plain(f"{by}{visible(entry.text)}{added}"), room)
    lines: list[Line] = [(Part(head, "dim"), Part(first, entry.tone))]
    hang = " " * len(head)
    lines += [(Part(hang + text, entry.tone),) for text in more]
    for said in entry.corrected:
        when = f" {_stamp(said.at, now, zone)}" if said.at is not None else ""
        told = f"corrected by {visible(said.by)}{when}: {visible(said.text)}"
        lines += [(Part(hang + text, "warn"),) for text in wrap(glyphs.plain(told), room)]
    for number, below in enumerate(entry.more):
        if entry.values and number == 0:  # their end is what counts
            pieces = wrap(glyphs.plain(visible(below)), room)
            lines += [(Part(hang + piece, "dim"),) for piece in pieces]
            continue
        text = fit(glyphs.plain(visible(below)), room, glyphs.ellipsis).rstrip()
        lines.append((Part(hang + text, "dim"),))
    if len(lines) > most:
        lines = [*lines[: most - 1], (Part(hang + glyphs.ellipsis, "dim"),)]
    return lines
