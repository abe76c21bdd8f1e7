"""An event of an incident in words, outside of its timeline: in the journal and on the Deck."""

from __future__ import annotations

from opsdeck.incidents.timeline import is_still_here, timeline
from opsdeck.incidents.view import folded
from opsdeck.journal import events as ev
from opsdeck.journal.events import Event
from opsdeck.journal.happenings import Happening
from opsdeck.text import visible


def event_words(event: Event) -> str:
    """`alice done: Check for long-running queries  (incident 2026-11-23-0253)`."""
    data = {key: value for key, value in event.data.items() if key != "incident"}
    identity = str(event.data.get("incident", ""))
    happening = Happening(event.clock, "", event.seq, event.type, event.at, event.by, data)
    entries = timeline(folded(identity, [happening]))
    if event.type == ev.INCIDENT_CORRECTED:
        said = f"{event.by} corrected an entry: {data.get('text', '')}"
    elif event.type == ev.COMMAND_ENDED and entries:
        said = entries[0].text.replace(str(data.get("command", "")), "a command", 1)
    elif is_still_here(event.type, data):
        said = f"{event.by} is still here"
    elif entries:
        said = f"{event.by} {entries[0].text}"
    else:
        said = f"{event.by} {event.type}"
    return visible(f"{said}  (incident {identity})")
