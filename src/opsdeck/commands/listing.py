"""`opsdeck list`: the options and help of what `opsdeck.commands.showing` prints."""

from __future__ import annotations

from typing import get_args

import click

from opsdeck.commands.completing import complete_checklist, complete_run
from opsdeck.commands.door import Door
from opsdeck.commands.groups import HelpfulGroup, pass_door
from opsdeck.commands.showing import show_checklists, show_items, show_runs
from opsdeck.runs.status import ItemState

_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.group(cls=HelpfulGroup, name="list")
def list_group() -> None:
    """Checklists, items, runs and gauges, and how they stand.

    \b
    Examples:
      opsdeck list checklists
      opsdeck list items infrastructure --state open
      opsdeck list runs --json
    """


@list_group.command()
@_json
@pass_door
def checklists(door: Door, as_json: bool) -> None:
    """Every checklist and how its current run stands.

    \b
    Examples:
      opsdeck list checklists
      opsdeck list checklists --json | jq -r '.[] | .id + " " + .state'
    """
    show_checklists(door, as_json=as_json)


@list_group.command()
@click.argument("checklist", nargs=-1, shell_complete=complete_checklist)
@click.option(
    "--state",
    multiple=True,
    metavar="STATE",
    type=click.Choice(get_args(ItemState)),
    help=f"Only items in this state, several times for several: {', '.join(get_args(ItemState))}.",
)
@click.option(
    "--run",
    metavar="RUN",
    shell_complete=complete_run,
    help="In this run or release instead of the current runs.",
)
@_json
@pass_door
def items(
    door: Door,
    checklist: tuple[str, ...],
    state: tuple[ItemState, ...],
    run: str | None,
    as_json: bool,
) -> None:
    """Items of all checklists, or of the CHECKLISTs named, and their states.

    An item is addressed as CHECKLIST/ITEM, in another run as RUN/ITEM.

    \b
    Examples:
      opsdeck list items
      opsdeck list items infrastructure --state open --state stale
      opsdeck list items --run daily-operations/2026-11-22
      opsdeck list items --run v1.4.2 --json
    """
    show_items(door, checklist, states=state, run=run, as_json=as_json)


@list_group.command()
@_json
@pass_door
def runs(door: Door, as_json: bool) -> None:
    """Every run in which anything was said, every current one, and those just missed.

    \b
    Examples:
      opsdeck list runs
      opsdeck list runs --json | jq -r '.[] | select(.state == "missed") | .run'
    """
    show_runs(door, as_json=as_json)


@list_group.command()
@_json
@pass_door
def gauges(door: Door, as_json: bool) -> None:
    """Every gauge as it was last seen: nothing is looked at (`opsdeck glance` looks).

    \b
    Examples:
      opsdeck list gauges
      opsdeck list gauges --json | jq -r '.[] | select(.level != "ok") | .id'
    """
    from opsdeck.commands.gauges import show_gauges

    show_gauges(door, as_json=as_json)


COMMANDS = {"list": list_group}
