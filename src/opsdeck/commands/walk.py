"""`opsdeck walk`: a playbook, step by step, at a prompt; a dumb terminal is enough."""

from __future__ import annotations

import asyncio

import click

from opsdeck.catalog.playbook import Playbook
from opsdeck.commands._incident_desk import Desk, playbook_meant
from opsdeck.commands.completing import complete_incident, complete_playbook
from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.output import say
from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.text import visible


@click.command()
@click.argument("playbook", shell_complete=complete_playbook)
@click.option(
    "-i",
    "--incident",
    metavar="ID",
    shell_complete=complete_incident,
    help="In this one, else in the one that is open, else in a new one.",
)
@click.option("--title", default="", metavar="TEXT", help="In a new incident that is called so.")
@click.option("--severity", default="", metavar="S", help="Of a new incident.")
@pass_door
def walk(door: Door, playbook: str, incident: str | None, title: str, severity: str) -> None:
    """Walk PLAYBOOK at a prompt: read, look, run its commands, say how each step went.

    Everything is on disk before it is said. No command runs before you trusted the playbook and,
    unless it only looks, agreed to exactly that command. ctrl+c stops a command, and leaves at
    the prompt. `?` there says what may be typed.

    \b
    Examples:
      opsdeck walk something-is-wrong
      opsdeck walk high-cpu-usage --title "web-3 is away" --severity critical
      opsdeck --read-only walk high-cpu-usage --incident 2026-11-23-0241
    """
    asyncio.run(_walk(door, playbook, incident, title, severity))


async def _walk(door: Door, playbook: str, incident: str | None, title: str, severity: str) -> None:
    from opsdeck.commands._walk import Walk
    from opsdeck.commands._walk_keys import do
    from opsdeck.commands._walk_lines import Lines

    desk = Desk(door)
    try:
        book = playbook_meant(desk.deck, playbook)
        if not book.steps:
            raise UsageError(f"playbook {book.id} has no steps: nothing of it can be walked")
        identity = _joined(desk, book, incident, title, severity)
        walked = Walk(desk, Lines(), identity, book)
        await walked.meanwhile.settle()
        say("? says what may be typed")
        await walked.walk(do)
    finally:
        await desk.aclose()


def _joined(desk: Desk, book: Playbook, incident: str | None, title: str, severity: str) -> str:
    """The incident in which it is walked, started where that is meant; said, and on disk."""
    if incident is not None and (title or severity):
        raise UsageError("--title and --severity are of a new incident: leave --incident out")
    opened = [one for one in desk.walking.incidents() if not one.over]
    if incident is None and (title or severity or not opened):
        identity, drafts = desk.walking.start(
            title=title or book.title, severity=severity, playbook=book
        )
        desk.record(*drafts)
        say(f"started incident {identity}: {visible(desk.now(identity).title)}")
        return identity
    if incident is None and len(opened) > 1:
        names = ", ".join(one.id for one in opened)
        raise UsageError(
            f"{len(opened)} incidents are open: name one of {names} with --incident,"
            " or start another with --title"
        )
    one = desk.meant(incident)
    if one.over:
        raise UsageError(
            f"{one.id} is resolved: `opsdeck incident reopen {one.id}` goes on with it"
        )
    drafts = []
    if desk.deck.operator not in one.here(desk.deck.now()):
        drafts.append(acts.present(one, here=True))
    if book.id not in one.walks:
        drafts.append(acts.open_playbook(one.id, book))
    if drafts:
        desk.record(*drafts)
    say(f"in incident {one.id}, {one.state}: {visible(one.title)}")
    return one.id


COMMANDS = {"walk": walk}
