"""After an incident: its report on disk, and the checklist items that it proves."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from opsdeck.commands.output import say
from opsdeck.errors import NotSavedError
from opsdeck.incidents.proves import proved
from opsdeck.incidents.report_file import Written, write_report
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.reports.incident_markdown import incident_markdown
from opsdeck.reports.incident_report import read_incident
from opsdeck.text import visible

if TYPE_CHECKING:
    from opsdeck.commands._incident_desk import Desk

_HOLD = ("inactive", "attested", "passed")


def report_on(desk: Desk, identity: str) -> Written:
    """Write `incidents/ID.md`, record that, and say where; raises NotSavedError."""
    home = desk.deck.journal.home
    markdown = incident_markdown(read_incident(desk.deck, identity))
    written = write_report(home, identity, markdown)
    file = written.file
    below = file.relative_to(home).as_posix() if file.is_relative_to(home) else str(file)
    data = {"incident": identity, "file": below, "sha256": written.sha256}
    desk.record(Draft(ev.INCIDENT_REPORTED, data))
    say(f"report written: {visible(str(file))}")
    if written.kept is not None:
        say(f"  {visible(str(written.kept))} was edited and stays as it is")
    return written


def after_resolving(desk: Desk, identity: str) -> None:
    """Write the report; then say what the incident proves, and how that would be attested."""
    failed: NotSavedError | None = None
    try:
        report_on(desk, identity)
    except NotSavedError as error:
        failed = error
    deck = desk.deck
    found = [
        (where, proof)
        for where, proof in proved(deck.catalog, desk.now(identity), failed is None, deck.where)
        if where.status.state not in _HOLD
    ]
    if found:
        say("of the Incident Response Plan it shows (nothing is attested yet):")
    for where, proof in found:
        note = shlex.quote(visible(f"{proof} (incident {identity})"))
        say(f"  {visible(where.item.text)}: {visible(proof)}")
        say(f"    opsdeck attest {shlex.quote(visible(where.address))} --note {note}")
    if failed is not None:
        raise NotSavedError(
            f"{failed}; {identity} is resolved, `opsdeck incident report {identity}` tries again"
        )
