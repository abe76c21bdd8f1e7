"""`opsdeck report`: a run, a checklist, a whole release or an incident in a file for others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import click

from opsdeck.commands._signoff_report import (
    form_markdown,
    form_object,
    release_named,
    signoff_report,
)
from opsdeck.commands.completing import complete_reported
from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.meant import runs_meant
from opsdeck.commands.output import say, say_json, say_text
from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.reports.run_report import Report, build_report
from opsdeck.signoff.releases import head_of
from opsdeck.text import ascii_only, visible


@click.command()
@click.argument("what", metavar="RUN|CHECKLIST|RELEASE|INCIDENT", shell_complete=complete_reported)
@click.option(
    "--format",
    "form",
    type=click.Choice(["md", "html", "json", "csv"]),
    default="md",
    show_default=True,
    help="For people, programs, spreadsheets; html: incidents and releases that were signed.",
)
@click.option(
    "--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="Else stdout."
)
@pass_door
def report(door: Door, what: str, form: str, output: Path | None) -> None:
    """How every item of a run stands, with who, when and why; or an incident from start to end.

    RUN is a run's key, a checklist's id (its current run) or a release's name: all its lists, or
    the record of its sign-off once anybody has signed it (csv stays the lists).
    INCIDENT is an incident's id or as much of its beginning as no other has.

    \b
    Examples:
      opsdeck report infrastructure
      opsdeck report daily-operations/2026-11-22 --format json
      opsdeck report v1.4.2 --format csv --output v1.4.2.csv
      opsdeck report v1.4.2 --format html --output signoff.html
      opsdeck report 2026-11-23-0241 --format html --output outage.html
    """
    made = _made(door, what, form)
    if output is None or str(output) == "-":
        if form == "json":
            say_json(made.value)
        else:
            say_text(made.text, escape=_references if form == "html" else ascii_only)
        return
    from opsdeck.commands.outfile import write_whole

    write_whole(output, _json(made.value) if form == "json" else made.text)
    say(f"reported {visible(made.title)} to {visible(str(output))}")


COMMANDS = {"report": report}


class _Made(NamedTuple):
    """A report: what it is called, and its text or, for JSON, its value."""

    title: str
    text: str = ""
    value: Any = None


def _made(door: Door, word: str, form: str) -> _Made:
    deck = door.deck()
    identity = _incident_meant(deck, word)
    if identity is not None:
        return _of_incident(deck, identity, form)
    release = release_named(deck, word)
    is_signed = release is not None and bool(head_of(deck.state, release).signatures)
    if release is not None and is_signed and form != "csv":
        found = signoff_report(deck, door.environ, release, form)
        title = f"the sign-off of {release}"
        return _Made(title, value=found) if form == "json" else _Made(title, found)
    report = _build(deck, word, release)
    if form == "html":
        raise UsageError(
            f"{word!r} is neither an incident nor a release that was signed, and only these are"
            " reported as HTML: take --format md, json or csv"
        )
    made = _of_runs(report, form)
    if release is None or form == "csv":
        return made
    if form == "json":
        return made._replace(value={**made.value, "signoff": form_object(deck, release)})
    return made._replace(text=made.text + form_markdown(deck, release))


def _incident_meant(deck: Deck, word: str) -> str | None:
    """The incident of this id or of its unique beginning; None for a word that means something
    else. Raises UsageError for the beginning of several."""
    word = word.strip()
    release = word.removeprefix("release/")
    if not word or deck.catalog.checklist(word) is not None or release in deck.state.releases:
        return None
    if not any(identity.startswith(word) for identity in deck.state.incidents.heads):
        return None
    from opsdeck.incidents.acts import incident_meant
    from opsdeck.incidents.view import heads

    return incident_meant(heads(deck.state), word).id


def _of_incident(deck: Deck, identity: str, form: str) -> _Made:
    from opsdeck.reports.incident_report import read_incident

    found = read_incident(deck, identity)
    title = f"incident {identity}"
    match form:
        case "md":
            from opsdeck.reports.incident_markdown import incident_markdown

            return _Made(title, incident_markdown(found))
        case "html":
            from opsdeck.reports.incident_html import incident_html

            return _Made(title, incident_html(found))
        case "csv":
            from opsdeck.reports.incident_csv import incident_csv

            return _Made(title, incident_csv(found))
    from opsdeck.reports.incident_object import incident_object

    return _Made(title, value=incident_object(found.one, found.beside, found.zone))


def _build(deck: Deck, word: str, release: str | None) -> Report:
    runs = runs_meant(deck, word)
    checklist, key = runs[0]
    title = f"Release {release}" if release is not None else f"{checklist.title} ({key})"
    return build_report(deck, runs, title)


def _of_runs(report: Report, form: str) -> _Made:
    match form:
        case "md":
            from opsdeck.reports.as_markdown import report_markdown

            return _Made(report.title, report_markdown(report))
        case "csv":
            from opsdeck.reports.as_csv import report_csv

            return _Made(report.title, report_csv(report))
    from opsdeck.reports.as_json import report_object

    return _Made(report.title, value=report_object(report))


def _json(value: Any) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _references(text: str) -> str:
    """HTML in ASCII: what a terminal cannot show is named by its number."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
