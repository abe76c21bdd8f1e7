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
    """Checklists, items, runs, gauges, playbooks and incidents, and how they stand.

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


@list_group.command()
@_json
@pass_door
def playbooks(door: Door, as_json: bool) -> None:
    """Every playbook: when it was walked, and what of it rots.

    What rots: programs that this machine has not, links that lead nowhere, targets that
    opsdeck.toml does not name, faults of the file.

    \b
    Examples:
      opsdeck list playbooks
      opsdeck list playbooks --json | jq -r '.[] | select(.rot != []) | .id'
    """
    from opsdeck.commands._playbook_list import show_playbooks

    show_playbooks(door, as_json=as_json)


@list_group.command()
@click.option("--open", "only_open", is_flag=True, help="Only those that are not resolved.")
@_json
@pass_door
def incidents(door: Door, only_open: bool, as_json: bool) -> None:
    """Every incident, the newest first.

    \b
    Examples:
      opsdeck list incidents
      opsdeck list incidents --open --json | jq -r '.[].id'
    """
    from opsdeck.commands._incident_show import show_incidents

    show_incidents(door, as_json=as_json, only_open=only_open)


COMMANDS = {"list": list_group}
