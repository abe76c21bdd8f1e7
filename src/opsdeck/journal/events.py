"""An event: one line of JSON, chained to the line before it by its hash.

`docs/journal.md` describes every type for people who read the file without this program.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

GENESIS = "0" * 64
"""`prev` of the first line of a file."""

# Marks: what a person says of an item. The newest one that was not undone is in force.
ATTESTED = "item.attested"
REOPENED = "item.reopened"
WAIVED = "item.waived"
OVERRIDDEN = "item.overridden"
DEFERRED = "item.deferred"
UNUSED = "item.unused"
# What a probe found: of a sensed item a verdict, of any other what it saw.
CHECKED = "item.checked"
LOOKED = "item.looked"
# Beside the state of an item.
NOTED = "item.noted"
UNDONE = "item.undone"
# The deck itself.
OPENED = "journal.opened"
# Of a release: `release` in their data names it.
RELEASE_STARTED = "release.started"
RELEASE_CHOSEN = "release.chosen"
RELEASE_CHANGED = "release.changed"
RELEASE_ABANDONED = "release.abandoned"
SIGNOFF_CONTENT = "signoff.content"
SIGNOFF_SIGNED = "signoff.signed"
# A gauge went from one level to another.
GAUGE_CHANGED = "gauge.changed"
# Of an incident: `incident` in their data names it.
INCIDENT_STARTED = "incident.started"
INCIDENT_CHANGED = "incident.changed"
INCIDENT_STATE = "incident.state"
INCIDENT_PLAYBOOK = "incident.playbook"
INCIDENT_STEP = "incident.step"
INCIDENT_TICKED = "incident.ticked"
INCIDENT_NOTED = "incident.noted"
INCIDENT_CORRECTED = "incident.corrected"
INCIDENT_ROLE = "incident.role"
INCIDENT_PRESENT = "incident.present"
INCIDENT_VARIABLE = "incident.variable"
INCIDENT_LOOKED = "incident.looked"
INCIDENT_REPORTED = "incident.reported"
COMMAND_BEGAN = "command.began"
COMMAND_ENDED = "command.ended"

MARKS = {
    ATTESTED: "attested",
    REOPENED: "reopened",
    WAIVED: "waived",
    OVERRIDDEN: "overridden",
    DEFERRED: "deferred",
    UNUSED: "unused",
}
"""Type of event -> kind of mark."""

INCIDENT_HEADS = frozenset({INCIDENT_STARTED, INCIDENT_CHANGED, INCIDENT_STATE})
"""What says whether an incident is open, and what it is called."""

INCIDENTS = INCIDENT_HEADS | {
    INCIDENT_PLAYBOOK,
    INCIDENT_STEP,
    INCIDENT_TICKED,
    INCIDENT_NOTED,
    INCIDENT_CORRECTED,
    INCIDENT_ROLE,
    INCIDENT_PRESENT,
    INCIDENT_VARIABLE,
    INCIDENT_LOOKED,
    INCIDENT_REPORTED,
    COMMAND_BEGAN,
    COMMAND_ENDED,
}
"""Types of event that belong to an incident."""

RELEASE_HEADS = frozenset(
    {
        RELEASE_STARTED,
        RELEASE_CHOSEN,
        RELEASE_ABANDONED,
        SIGNOFF_CONTENT,
        SIGNOFF_SIGNED,
    }
)
"""What says whether a release is open, and which one is current."""

RELEASES = RELEASE_HEADS | {RELEASE_CHANGED}
"""Types of event that belong to a release."""

VERDICTS = frozenset({"passed", "failed", "unknown"})


class Event(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened, as it stands in its line.

    `seq` counts 1, 2, 3 … in its file; `at` is wall time for people, `clock` the hybrid logical
    clock that orders; `prev` is the SHA-256 (hex) of the line before, without its newline.
    """

    seq: int
    at: str
    clock: str
    by: str
    type: str
    data: dict[str, Any]
    prev: str


class Recorded(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An event and the writer in whose file it stands: together they name it for ever."""

    writer: str
    event: Event

    @property
    def key(self) -> tuple[str, str, int]:
        """What all events are ordered by, on every machine alike."""
        return (self.event.clock, self.writer, self.event.seq)

    @property
    def id(self) -> str:
        """`WRITER:SEQ`."""
        return f"{self.writer}:{self.event.seq}"


_encoder = msgspec.json.Encoder()
decode_event = msgspec.json.Decoder(Event).decode
"""Bytes of a line -> Event; raises one of UNDECODABLE."""

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding bytes that are no event raises; RecursionError for data nested too deeply."""


def encode_event(event: Event) -> bytes:
    """The line of an event, without its newline."""
    return _encoder.encode(event)


def line_hash(line: bytes) -> str:
    """SHA-256 (hex) of a line without its newline: what the next line keeps as `prev`."""
    return hashlib.sha256(line).hexdigest()
