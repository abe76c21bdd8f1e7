"""`opsdeck release`: start and show releases, say which one is current, change and abandon them."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from opsdeck.commands._release_show import changed_lines, form_lines, origin, standing, still_open
from opsdeck.commands.completing import complete_release
from opsdeck.commands.door import Door
from opsdeck.commands.groups import HelpfulGroup, pass_door
from opsdeck.commands.meant import release_meant
from opsdeck.commands.output import say, say_json, warn
from opsdeck.commands.table import columns, width
from opsdeck.deck import Deck
from opsdeck.journal.writing import Draft
from opsdeck.reports.objects import release_object, release_state, release_views
from opsdeck.runs import acts
from opsdeck.signoff import acts as release_acts
from opsdeck.signoff.model import FIELD_TITLES, FIELDS, Field, Release
from opsdeck.signoff.releases import folded, head_of, heads
from opsdeck.text import plural, visible

_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
_name = click.argument("name", required=False, shell_complete=complete_release)


@click.group(cls=HelpfulGroup)
def release() -> None:
    """Start, list, show, change and abandon releases; say which one is current.

    \b
    Examples:
      opsdeck release start v1.4.2
      opsdeck release show
      opsdeck release use v1.4.1
    """


@release.command(short_help="Start a release: its lists start afresh.")
@click.argument("name")
@click.option("--note", "-m", default="", metavar="TEXT", help="A note beside it.")
@click.option("--window", default="", metavar="TEXT", help="When it is to be deployed.")
@click.option("--stakeholders", default="", metavar="TEXT", help="Who is told of it.")
@_json
@pass_door
def start(door: Door, name: str, note: str, window: str, stakeholders: str, as_json: bool) -> None:
    """Start the release NAME: its lists start afresh, and it is the current one.

    \b
    Examples:
      opsdeck release start v1.4.2 --note "hotfix for the login loop"
      opsdeck release start v1.5.0 --window "Tue 22:00 to 23:30 UTC" \\
        --stakeholders "support, sales"
    """
    deck = door.deck(acting=True)
    known = list(deck.state.releases)
    deck.record(acts.start_release(name, known, note, window=window, stakeholders=stakeholders))
    started = deck.state.releases[name]
    if as_json:
        say_json(release_object(deck, started, lists=True))
        return
    views = release_views(deck, name)
    lists = plural(len(views), "list")
    items = plural(sum(view.total for view in views), "item")
    say(f"started release {name} ({origin(deck, started)}): {lists}, {items}")
    if not views:
        warn(
            "no list is walked once a release, so there is nothing to do or sign in it:"
            ' cadence = "release" in checklists.toml makes one such a list'
        )
    if others := still_open(deck, name):
        say(f"open too: {', '.join(map(visible, others))}")


@release.command(short_help="Make a release the current one; open it again.")
@click.argument("name", shell_complete=complete_release)
@_json
@pass_door
def use(door: Door, name: str, as_json: bool) -> None:
    """Make the release NAME the current one. One that was abandoned is open again with that.

    \b
    Examples:
      opsdeck release use v1.4.2
    """
    deck = door.deck(acting=True)
    before = _standing(deck, name)
    words = f"release {before.name} is "
    words += "open again, and " if before.state == "abandoned" else ""
    draft = release_acts.choose(before, heads(deck.state))
    _record(deck, draft, lambda: f"{words}the current one", as_json)


@release.command(short_help="Change date, window, stakeholders or notes.")
@_name
@click.option("--window", metavar="TEXT", help="When it is to be deployed.")
@click.option("--stakeholders", metavar="TEXT", help="Who is told of it.")
@click.option("--date", metavar="TEXT", help="The day of the deployment.")
@click.option("--notes", metavar="TEXT|-", help="Any number of lines; `-` reads them from stdin.")
@_json
@pass_door
def change(door: Door, /, name: str | None, as_json: bool, **options: str | None) -> None:
    """Say what the form of the release NAME (else the current one) says; "" empties a line.

    \b
    Examples:
      opsdeck release change --date 2026-11-24 --window "22:00 to 23:30 UTC"
      opsdeck release change v1.4.2 --stakeholders "support, sales"
      opsdeck release change --notes - < notes.txt
    """
    given = _given(options)
    deck = door.deck(acting=True)
    found = release_meant(deck, name)
    before = folded(found.name, deck.state.release_log.of(found.name))
    draft = release_acts.change(before, given)
    titles = ", ".join(FIELD_TITLES[field] for field in FIELDS if field in draft.data)
    _record(deck, draft, lambda: f"changed release {found.name}: {titles}", as_json)
    if before.signatures:
        warn(release_acts.out_of_date(found.name))


def _given(options: dict[str, str | None]) -> dict[Field, str]:
    """The fields that are named; raises click.UsageError for none."""
    given = {field: text for field in FIELDS if (text := options[field]) is not None}
    if not given:
        names = ", ".join(f"--{field}" for field in FIELDS)
        raise click.UsageError(f"say what is to be changed: {names}")
    if given.get("notes") == "-":
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
        given["notes"] = text.removeprefix("\ufeff")
    return given


@release.command(short_help="Give a release up, with a reason.")
@_name
@click.option("--reason", "-r", required=True, metavar="TEXT", help="Why (kept for good).")
@_json
@pass_door
def abandon(door: Door, name: str | None, reason: str, as_json: bool) -> None:
    """Give up the release NAME (else the current one): nothing more is recorded in its lists.

    What was said in them stays readable, as of now; `opsdeck release use` opens it again.

    \b
    Examples:
      opsdeck release abandon v1.4.2 --reason "v1.4.3 replaces it"
    """
    deck = door.deck(acting=True)
    found = _standing(deck, release_meant(deck, name).name)

    def said() -> str:
        current = deck.release()
        left = f"{current} is the current one" if current else "no release is open"
        return f"abandoned release {found.name}; {left}"

    _record(deck, release_acts.abandon(found, reason), said, as_json)


def _standing(deck: Deck, name: str) -> Release:
    return head_of(deck.state, release_meant(deck, name).name)


def _record(deck: Deck, draft: Draft, said: Callable[[], str], as_json: bool) -> None:
    """Put it on disk, and then say what is so now."""
    deck.record(draft)
    name = str(draft.data["release"])
    if as_json:
        say_json(release_object(deck, deck.state.releases[name]))
        return
    when = f"{deck.now().astimezone(deck.zone):%H:%M %Z}"
    say(visible(f"{said()} ({deck.operator}, {when})"))


@release.command(name="list")
@_json
@pass_door
def list_releases(door: Door, as_json: bool) -> None:
    """All releases, the newest first: how far each is, and whether it is open.

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
    for one in found:
        views = release_views(deck, one.name)
        done, total = sum(v.done for v in views), sum(v.total for v in views)
        words = standing(deck, head_of(deck.state, one.name))
        lists = release_state(views)
        rows.append((one.name, f"{done}/{total}", lists, origin(deck, one), words))
    for line in columns(rows, width(), 0):
        say(line)


@release.command(short_help="A release: its form, who signed, its lists.")
@_name
@_json
@pass_door
def show(door: Door, name: str | None, as_json: bool) -> None:
    """The release NAME (else the current one): its form, who signed it, and how its lists stand.

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
    one = folded(found.name, deck.state.release_log.of(found.name))
    views = release_views(deck, found.name)
    done, total = sum(v.done for v in views), sum(v.total for v in views)
    say(visible(f"{found.name}  {done}/{total} {release_state(views)}  ({origin(deck, found)})"))
    say(f"  {standing(deck, one)}")
    for line in (*form_lines(deck, one), *changed_lines(deck, one)):
        say(line)
    rows = [(v.checklist.id, f"{v.done}/{v.total}", v.state, v.checklist.title) for v in views]
    for line in columns(rows, width()):
        say(line)


COMMANDS = {"release": release}
