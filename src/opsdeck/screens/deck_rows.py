"""Rows of the Deck: what of the lists needs somebody, and what happened last."""

from __future__ import annotations

from rich.cells import cell_len

from opsdeck.deck import Deck
from opsdeck.incidents.timeline import is_still_here
from opsdeck.journal.events import CHECKED, LOOKED, Event, Recorded
from opsdeck.runs.overview import Concern
from opsdeck.screens.wording import event_text, event_time, occasion, when
from opsdeck.text import plural, visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Part, Row, cut, fit

LAST_EVENTS = 30
NO_LIST = "no list can have it: add a daily one"
TOGETHER_S = 30
"""Checks that follow each other within so much are told as one."""


def concern_row(concern: Concern, width: int, glyphs: Glyphs) -> Row:
    """What of the lists needs somebody: failed, overdue, missed, stale, unknown, about to end."""
    view = concern.view
    title = f"{visible(view.checklist.title)} {glyphs.dot} {occasion(view.run)}"
    key: str | None = f"list {view.checklist.id}"
    first = concern.items[0][0] if concern.items else None
    match concern.kind:
        case "failed":
            glyph, style = glyphs.states["failed"], "bad"
            text = f"{visible(first.text) if first else ''}  ({title})"
        case "overdue":
            glyph, style = glyphs.warn, "warn"
            text = f"{visible(first.text) if first else ''}  ({title if view.run else NO_LIST})"
        case "missed":
            glyph, style = glyphs.warn, "warn"
            key = f"run {view.checklist.id} {view.run}"
            text = f"{title}: {view.done} of {view.total} done"
        case "stale":
            glyph, style = glyphs.states["stale"], "warn"
            text = f"{title}: {plural(len(concern.items), 'item')} to look at again"
        case "unknown":
            glyph, style = glyphs.states["unknown"], "warn"
            why = visible(concern.items[0][1].why)
            count = plural(len(concern.items), "item")
            text = f"{title}: {count} could not be looked at: {why}"
        case _:
            glyph, style = glyphs.states["waived"], "warn"
            text = f"{title}: {plural(len(concern.items), 'waiver')} about to end"
    if first is not None:
        key = f"{key} {first.id}" if view.checklist.id else None
    head = f"   {glyph} {concern.kind:<8} "
    body = fit(glyphs.plain(text), width - cell_len(head), glyphs.ellipsis)
    return Row((Part(head, style), Part(body)), key)


def last_rows(deck: Deck, width: int, glyphs: Glyphs) -> list[Row]:
    """What happened last, newest first."""
    now = deck.now()
    rows = []
    told = [r for r in deck.state.recent() if not is_still_here(r.event.type, r.event.data)]
    for group in _grouped(told)[:LAST_EVENTS]:
        recorded = group[0]
        at = when(event_time(recorded.event), now, deck.zone)
        text = event_text(recorded.event, deck.catalog)
        if group[1:]:
            text = _checks_text(group)
        text = fit(glyphs.plain(text), width - 14, glyphs.ellipsis)
        rows.append(Row((Part(f"   {at:<9}  ", "dim"), Part(text)), f"event {recorded.id}"))
    return rows or [nothing_yet(width, glyphs)]


def nothing_yet(width: int, glyphs: Glyphs) -> Row:
    """What stands where nothing has happened."""
    words = "   nothing yet: what you tick and note appears here"
    return Row(cut((Part(words, "dim"),), width, glyphs.ellipsis))


def _grouped(events: list[Recorded]) -> list[list[Recorded]]:
    """The events, newest first; checks that one person made in a row together."""
    groups: list[list[Recorded]] = []
    for recorded in events:
        last = groups[-1][-1].event if groups else None
        event = recorded.event
        looked = last is not None and {last.type, event.type} <= {CHECKED, LOOKED}
        together = last is not None and looked and last.by == event.by
        if last is not None and together and _apart_s(last, event) < TOGETHER_S:
            groups[-1].append(recorded)
        else:
            groups.append([recorded])
    return groups


def _apart_s(later: Event, earlier: Event) -> float:
    times = event_time(later), event_time(earlier)
    return (times[0] - times[1]).total_seconds() if times[0] and times[1] else 0.0


def _checks_text(group: list[Recorded]) -> str:
    verdicts = [str(r.event.data.get("verdict", "for a person to judge")) for r in group]
    counted = [
        f"{verdicts.count(verdict)} {verdict}"
        for verdict in ("passed", "failed", "unknown", "for a person to judge")
        if verdict in verdicts
    ]
    return f"{visible(group[0].event.by)} checked {plural(len(group), 'item')}: " + ", ".join(
        counted
    )
