"""`opsdeck incident`: start, follow and close incidents."""

from __future__ import annotations

import asyncio
import sys

import click

from opsdeck.commands._incident_acts import ACTS
from opsdeck.commands._incident_desk import Desk, playbook_meant
from opsdeck.commands.completing import complete_gauge, complete_incident, complete_playbook
from opsdeck.commands.door import Door
from opsdeck.commands.groups import HelpfulGroup, pass_door
from opsdeck.commands.output import say, say_json
from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.incidents.model import SEVERITIES
from opsdeck.incidents.timeline import KINDS
from opsdeck.text import visible

_json = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
_id = click.argument("incident", metavar="[ID]", required=False, shell_complete=complete_incident)


@click.group(cls=HelpfulGroup)
def incident() -> None:
    """Start, follow and close incidents. Without an ID the one that is open is meant.

    \b
    Examples:
      opsdeck incident start "Orders fail" --playbook api-response-slowdown
      opsdeck incident note 14:05 failed over to the second zone
      opsdeck incident show
      opsdeck incident resolve --note "rolled back"
    """


@incident.command()
@click.argument("title", required=False, default="")
@click.option(
    "--playbook", metavar="ID", shell_complete=complete_playbook, help="What will be walked."
)
@click.option(
    "--gauge",
    metavar="ID",
    default="",
    shell_complete=complete_gauge,
    help="The gauge it is about.",
)
@click.option("--severity", metavar="S", default="", help=f"One of {', '.join(SEVERITIES)}.")
@click.option("--target", "targets", metavar="T", multiple=True, help="What it is about; several.")
@click.option("--began", metavar="WHEN", default="", help="When the trouble began, such as 02:31.")
@_json
@pass_door
def start(
    door: Door,
    title: str,
    playbook: str | None,
    gauge: str,
    severity: str,
    targets: tuple[str, ...],
    began: str,
    as_json: bool,
) -> None:
    """Start an incident; you command it. TITLE says in a line what is wrong.

    Without TITLE it is called by its gauge or its playbook; with none of them a terminal is asked.
    A gauge brings its own playbook.

    \b
    Examples:
      opsdeck incident start "Orders fail" --severity critical
      opsdeck incident start --gauge mongo-connections --target mongodb
      opsdeck incident start "Logins fail" --began 02:31
      opsdeck incident start --playbook high-cpu-usage --json | jq -r .id
    """
    if not (title or playbook or gauge) and sys.stdin.isatty() and sys.stderr.isatty():
        title = click.prompt("What is wrong? In a line, for everybody", err=True)
    asyncio.run(_start(door, title, playbook, gauge, severity, targets, began, as_json))


async def _start(
    door: Door,
    title: str,
    playbook: str | None,
    gauge: str,
    severity: str,
    targets: tuple[str, ...],
    began: str,
    as_json: bool,
) -> None:
    desk = Desk(door)
    try:
        book = playbook_meant(desk.deck, playbook) if playbook is not None else None
        if gauge:
            named, words, grave = await _gauge(desk, gauge)
            title, severity = title or words, severity or grave
            book = book or desk.walking.playbook(named)
        title = title or (book.title if book is not None else "")
        if not title:
            raise UsageError(
                "say in a few words what is wrong, or name a --playbook or --gauge:"
                ' opsdeck incident start "Orders fail"'
            )
        identity, drafts = desk.walking.start(
            title=title,
            severity=severity,
            playbook=book,
            gauge=gauge,
            targets=targets,
            began=acts.moment_said(began, desk.deck.now(), desk.deck.zone),
        )
        desk.record(*drafts)
    finally:
        await desk.aclose()
    if as_json:
        from opsdeck.commands._incident_show import head_object

        say_json(head_object(desk.now(identity)))
        return
    one = desk.now(identity)
    say(f"started incident {identity}, {one.severity}: {visible(one.title)}")
    walked = visible(book.id) if book is not None else "something-is-wrong"
    say(f"  opsdeck walk {walked} --incident {identity}")


async def _gauge(desk: Desk, gauge: str) -> tuple[str, str, str]:
    """Its playbook, what it says and how grave that is; raises UsageError where there is none."""
    from opsdeck.gauges.words import breach_words, sourced_title

    same = [one for one in desk.walking.incidents() if not one.over and one.gauge == gauge]
    if same:
        raise UsageError(
            f"{same[0].id} is open for gauge {gauge!r} already:"
            f" `opsdeck incident show {same[0].id}`"
        )
    board = await desk.see_gauges()
    known = board.gauge(gauge)
    if known is None:
        from difflib import get_close_matches

        near = get_close_matches(gauge, [g.spec.id for g in board.gauges()], n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"there is no gauge {gauge!r}{hint} (`opsdeck list gauges` shows them)")
    title = sourced_title(known)
    if known.level in ("warning", "critical"):
        title = breach_words(known, desk.deck.now().timestamp(), title)
    grave = {"critical": "critical", "warning": "high"}.get(known.level or "", "")
    return known.spec.playbook or "", title, grave


@incident.command(name="list")
@click.option("--open", "only_open", is_flag=True, help="Only those that are not resolved.")
@_json
@pass_door
def list_incidents(door: Door, only_open: bool, as_json: bool) -> None:
    """All incidents, the newest first.

    \b
    Examples:
      opsdeck incident list --open
      opsdeck incident list --json | jq -r '.[] | .id + " " + .title'
    """
    from opsdeck.commands._incident_show import show_incidents

    show_incidents(door, as_json=as_json, only_open=only_open)


@incident.command()
@_id
@click.option("--kind", type=click.Choice(KINDS), help="Only such entries of the timeline.")
@click.option("--utc", is_flag=True, help="Times in UTC, not in the deck's zone.")
@_json
@pass_door
def show(door: Door, incident: str | None, kind: str | None, utc: bool, as_json: bool) -> None:
    """How an incident stands, its steps, what runs, and its timeline.

    What stands in brackets behind an entry names it for `opsdeck incident correct`.

    \b
    Examples:
      opsdeck incident show
      opsdeck incident show 2026-11-23-0241 --kind command --utc
      opsdeck incident show --json | jq .times
    """
    from opsdeck.commands._incident_show import show_incident

    show_incident(door, incident, as_json=as_json, kind=kind, utc=utc)


@incident.command()
@click.option(
    "-i",
    "--incident",
    metavar="ID",
    shell_complete=complete_incident,
    help="What escalation is due in.",
)
@_json
@pass_door
def contacts(door: Door, incident: str | None, as_json: bool) -> None:
    """Who is on call, whom to call next, how to reach everybody.

    \b
    Examples:
      opsdeck incident contacts
      opsdeck incident contacts --json | jq -r .on_call.who
    """
    from opsdeck.commands._incident_contacts import contact_lines, contacts_object
    from opsdeck.incidents.acts import incident_meant
    from opsdeck.incidents.view import heads, open_heads

    deck = door.deck()
    found = open_heads(deck.state)
    if incident is not None or len(found) == 1:
        found = [incident_meant(heads(deck.state), incident)]
    one = found[0] if len(found) == 1 else None
    given = (deck.config.contacts, one, deck.now(), deck.zone)
    if as_json:
        say_json(contacts_object(*given))
        return
    for line in contact_lines(*given):
        say(line)


@incident.command()
@_id
@pass_door
def report(door: Door, incident: str | None) -> None:
    """Write the post-incident report as `incidents/ID.md` in the folder that keeps the state.

    One that was edited is never written over: the new one goes beside it. `opsdeck report ID`
    prints it instead, in other formats too.

    \b
    Examples:
      opsdeck incident report
      opsdeck incident report 2026-11-23-0241
    """
    from opsdeck.commands._incident_after import report_on

    desk = Desk(door)
    report_on(desk, desk.meant(incident).id)


for _command in ACTS:
    incident.add_command(_command)

COMMANDS = {"incident": incident}
