"""After an incident: its report, and the checklist items that it proves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.msgpack import decode

from opsdeck.errors import OpsDeckError
from opsdeck.gauges import keeping
from opsdeck.incidents.report_file import Written, write_report
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.reports.incident_markdown import incident_markdown
from opsdeck.reports.incident_report import build_incident_report
from opsdeck.screens.confirm import Confirm
from opsdeck.screens.host import DeckHost

if TYPE_CHECKING:
    from opsdeck.incidents.model import Incident


async def write_report_of(host: DeckHost, one: Incident) -> Written | None:
    """Write `incidents/ID.md` and say so; None where that failed, which is said too."""
    deck, home = host.deck, host.deck.journal.home
    watching, now = host.watching, host.deck.now()
    past = keeping.dump_series(watching.board, watching.now()) if watching is not None else b""

    def write() -> Written:
        kept = decode(past, type=keeping.Past) if past else None
        report = build_incident_report(one, beside, deck.config.name, deck.zone, now, (None, kept))
        return write_report(home, one.id, incident_markdown(report))

    try:
        await host.walks.read_beside(one)
        beside = list(host.walks.beside(one))
        written = await host.journal_thread.run(write)
    except OpsDeckError as error:
        host.say(f"the report is not written: {error}", "bad")
        return None
    file = _below(written.file, home)
    draft = Draft(
        ev.INCIDENT_REPORTED, {"incident": one.id, "file": file, "sha256": written.sha256}
    )
    if await host.commit(draft):
        kept = " (the edited one stays as it is)" if written.kept is not None else ""
        host.say(f"report written: {written.file}{kept}", "good")
    return written


def _below(file: Path, home: Path) -> str:
    try:
        return file.relative_to(home).as_posix()
    except ValueError:
        return str(file)


async def after_resolving(host: DeckHost, one: Incident) -> None:
    """Write the report; then offer what the incident proves, to be attested or not."""
    from opsdeck.incidents.proves import proved
    from opsdeck.runs import acts

    written = await write_report_of(host, one)
    deck = host.deck
    found = [
        (where, proof)
        for where, proof in proved(deck.catalog, one, written is not None, deck.where)
        if where.status.state not in ("inactive", "attested", "passed")
    ]
    if not found:
        return
    about = "y gives your word for all of these, with the incident as note; esc leaves them."
    shown = [(where.item.text, proof) for where, proof in found]
    question = Confirm("This incident shows that", about, shown, host.glyphs, yes="attest them")
    if await host.push_screen_wait(question) != "yes":
        return
    drafts = [acts.attest(where, f"{proof} (incident {one.id})") for where, proof in found]
    if await host.commit(*drafts):
        host.say(f"attested: {len(drafts)} of the Incident Response Plan", "good")
