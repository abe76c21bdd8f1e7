"""What an event of a release says was done, for the journal and the Deck."""

from __future__ import annotations

from opsdeck.journal import events as ev
from opsdeck.journal.events import Event
from opsdeck.signoff.model import FIELDS, ROLES

_CALLED = {"window": "deployment window", "date": "deployment date"}


def release_verb(event: Event) -> str:
    """What its `by` did, up to the release's name: `started release`, `signed as approver`."""
    data = event.data
    match event.type:
        case ev.RELEASE_STARTED:
            return "started release"
        case ev.RELEASE_CHOSEN:
            return "went on with release"
        case ev.RELEASE_CHANGED:
            named = [_CALLED.get(field, field) for field in FIELDS if field in data]
            return f"changed {', '.join(named) or 'nothing'} of release"
        case ev.RELEASE_ABANDONED:
            return "abandoned release"
        case ev.SIGNOFF_CONTENT:
            return "drew up what is signed of release"
        case ev.SIGNOFF_SIGNED:
            role = data.get("role") if data.get("role") in ROLES else "nobody known"
            glass = "broke the glass: " if data.get("reason") else ""
            signed = "signed" if data.get("signature") else "name only, not signed,"
            if not glass and not data.get("signature"):
                signed = "put down a name only"
            return f"{glass}{signed} as {role} for release"
    return f"{event.type} of release"
