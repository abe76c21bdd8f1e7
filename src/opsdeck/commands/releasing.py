"""`opsdeck release`: named releases, each with its own pass through the release lists."""

from __future__ import annotations

import click

from opsdeck.commands.completing import complete_release
from opsdeck.commands.door import Door
from opsdeck.commands.groups import HelpfulGroup, pass_door
from opsdeck.commands.meant import release_meant
from opsdeck.commands.output import say, say_json
from opsdeck.commands.table import columns, width
from opsdeck.deck import Deck
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Release
from opsdeck.reports.objects import release_object, release_state, release_views
from opsdeck.runs import acts
from opsdeck.text import plural, visible

_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")


@click.group(cls=HelpfulGroup)
def release() -> None:
    """Start, list and show releases.

    \b
    Examples:
      opsdeck release start v1.4.2
      opsdeck release show
    """


@release.command(short_help="Start a release: its lists start afresh.")
@click.argument("name")
@click.option("--note", "-m", default="", metavar="TEXT", help="A note beside it.")
@_json
@pass_door
def start(door: Door, name: str, note: str, as_json: bool) -> None:
    """Start the release NAME: its lists start afresh, and it is the current one.

    \b
    Examples:
      opsdeck release start v1.4.2 --note "hotfix for the login loop"
    """
    deck = door.deck(acting=True)
    deck.record(acts.start_release(name, list(deck.state.releases), note))
    started = deck.state.releases[name]
    if as_json:
        say_json(release_object(deck, started, lists=True))
        return
    views = release_views(deck, name)
    lists = plural(len(views), "list")
    items = plural(sum(view.total for view in views), "item")
    say(f"started release {name} ({_origin(deck, started)}): {lists}, {items}")


@release.command(name="list")
@_json
@pass_door
def list_releases(door: Door, as_json: bool) -> None:
    """All releases, the newest first.

    \b
    Examples:
      opsdeck release list
      opsdeck release list --json | jq -r '.[] | select(.current) | .name'
    """
    deck = door.deck()
    found = deck.releases()
    if as_json:
        say_json([release_object(deck, one) for one in found])
        return
    if not found:
        say("no release was ever started: start one with `opsdeck release start NAME`")
    rows = []
    for number, one in enumerate(found):
        views = release_views(deck, one.name)
        done, total = sum(v.done for v in views), sum(v.total for v in views)
        current = "current" if number == 0 else ""
        rows.append(
            (one.name, f"{done}/{total}", release_state(views), _origin(deck, one), current)
        )
    for line in columns(rows, width(), 0):
        say(line)


@release.command(short_help="The lists of a release and how they stand.")
@click.argument("name", required=False, shell_complete=complete_release)
@_json
@pass_door
def show(door: Door, name: str | None, as_json: bool) -> None:
    """The lists of the release NAME (else the current one) and how they stand.

    \b
    Examples:
      opsdeck release show
      opsdeck release show v1.4.2 --json
    """
    deck = door.deck()
    found = release_meant(deck, name)
    if as_json:
        say_json(release_object(deck, found, lists=True))
        return
    views = release_views(deck, found.name)
    done, total = sum(v.done for v in views), sum(v.total for v in views)
    say(visible(f"{found.name}  {done}/{total} {release_state(views)}  ({_origin(deck, found)})"))
    rows = [(v.checklist.id, f"{v.done}/{v.total}", v.state, v.checklist.title) for v in views]
    for line in columns(rows, width()):
        say(line)


COMMANDS = {"release": release}


def _origin(deck: Deck, one: Release) -> str:
    at = parse_wall(one.at)
    when = f"{at.astimezone(deck.zone):%Y-%m-%d %H:%M %Z}" if at else one.at
    return visible(f"{one.by}, {when}")
