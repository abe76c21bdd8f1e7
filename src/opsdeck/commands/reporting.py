"""`opsdeck report`: a run, a checklist or a whole release in a file for others."""

from __future__ import annotations

from pathlib import Path

import click

from opsdeck.commands.completing import complete_run
from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.meant import runs_meant
from opsdeck.commands.output import say, say_json, say_text
from opsdeck.deck import Deck
from opsdeck.reports.run_report import Report, build_report
from opsdeck.text import visible


@click.command()
@click.argument("run", metavar="RUN|CHECKLIST|RELEASE", shell_complete=complete_run)
@click.option(
    "--format",
    "form",
    type=click.Choice(["md", "json", "csv"]),
    default="md",
    show_default=True,
    help="For people, for programs, for spreadsheets.",
)
@click.option(
    "--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="Else stdout."
)
@pass_door
def report(door: Door, run: str, form: str, output: Path | None) -> None:
    """How every item of a run stands, with who, when and why.

    RUN is a run's key, a checklist's id (its current run) or a release's name (all its lists).

    \b
    Examples:
      opsdeck report infrastructure
      opsdeck report daily-operations/2026-11-22 --format json
      opsdeck report v1.4.2 --format csv --output v1.4.2.csv
    """
    deck = door.deck()
    found = _build(deck, run)
    if output is None or str(output) == "-":
        if form == "json":
            from opsdeck.reports.as_json import report_object

            say_json(report_object(found))
        else:
            say_text(_text(found, form))
        return
    from opsdeck.commands.outfile import write_whole

    write_whole(output, _text(found, form))
    say(f"reported {visible(found.title)} to {visible(str(output))}")


COMMANDS = {"report": report}


def _build(deck: Deck, word: str) -> Report:
    runs = runs_meant(deck, word)
    checklist, key = runs[0]
    release = word.strip().strip("/").removeprefix("release/")
    whole = release in deck.state.releases and deck.catalog.checklist(word) is None
    title = f"Release {release}" if whole else f"{checklist.title} ({key})"
    return build_report(deck, runs, title)


def _text(report: Report, form: str) -> str:
    match form:
        case "md":
            from opsdeck.reports.as_markdown import report_markdown

            return report_markdown(report)
        case "csv":
            from opsdeck.reports.as_csv import report_csv

            return report_csv(report)
    import msgspec

    from opsdeck.reports.as_json import report_object

    return msgspec.json.format(msgspec.json.encode(report_object(report)), indent=2).decode() + "\n"
