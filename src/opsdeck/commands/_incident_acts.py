"""What is done in an incident, one command each; all of it is on disk before it is said."""

from __future__ import annotations

import asyncio
from typing import cast

import click

from opsdeck.commands._incident_desk import Desk, step_meant, walked_playbook
from opsdeck.commands.completing import complete_incident, complete_playbook, complete_step
from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.output import say
from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.incidents.model import ROLES, SEVERITIES, STEP_STATES, IncidentState, StepState
from opsdeck.text import visible

_which = click.option(
    "-i",
    "--incident",
    metavar="ID",
    shell_complete=complete_incident,
    help="Which one, else the one that is open.",
)
_id = click.argument("named", metavar="[ID]", required=False, shell_complete=complete_incident)
_note = click.option("--note", "-m", default="", metavar="TEXT", help="A note beside it.")


def _one_of(*words: str | None) -> str | None:
    """The ID that was given, as an argument or with -i; raises UsageError for two."""
    given = {word for word in words if word is not None}
    if len(given) > 1:
        raise UsageError(f"two incidents are named: {' and '.join(sorted(given))}")
    return given.pop() if given else None


@click.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--update", is_flag=True, help="It is what stakeholders were told.")
@_which
@pass_door
def note(door: Door, text: tuple[str, ...], update: bool, incident: str | None) -> None:
    """A note for the timeline. A TEXT that begins with a time of day is filed there.

    \b
    Examples:
      opsdeck incident note "connections at 96 %"
      opsdeck incident note 14:05 failed over to the second zone
      opsdeck incident note --update "status page: orders are slow"
    """
    desk = Desk(door)
    one, deck = desk.meant(incident), desk.deck
    kind = "update" if update else "note"
    draft = acts.note(one, " ".join(text), deck.now(), deck.zone, kind=kind)
    desk.record(draft)
    say(f"noted in {one.id}{acts.filed(draft, deck.now(), deck.zone)}")


@click.command()
@click.argument("event")
@click.argument("text", nargs=-1, required=True)
@_which
@pass_door
def correct(door: Door, event: str, text: tuple[str, ...], incident: str | None) -> None:
    """Say what the entry EVENT should have said; both stay.

    EVENT is what `opsdeck incident show` has in brackets behind it.

    \b
    Examples:
      opsdeck incident correct 12 "it was the third instance"
    """
    from opsdeck.commands._incident_show import entry_meant

    desk = Desk(door)
    one = desk.meant(incident)
    desk.record(acts.correct(one, entry_meant(one, event), " ".join(text)))
    say(f"corrected in {one.id}; both stay")


def _to_state(door: Door, to: IncidentState, word: str | None, note: str) -> None:
    desk = Desk(door)
    if to == "reopened" and word is None and not any(not o.over for o in desk.walking.incidents()):
        raise UsageError("no incident is open: name the one to reopen (`opsdeck list incidents`)")
    one = desk.meant(word)
    desk.record(acts.state(one, to, note))
    say(f"incident {one.id} is {to}")
    if to == "resolved":
        from opsdeck.commands._incident_after import after_resolving

        after_resolving(desk, one.id)


@click.command()
@click.argument("to", type=click.Choice(["mitigated", "resolved", "reopened"]))
@_note
@_which
@pass_door
def state(door: Door, to: str, note: str, incident: str | None) -> None:
    """Say that an incident is mitigated, resolved, or open again.

    \b
    Examples:
      opsdeck incident state mitigated --note "old version is back"
    """
    _to_state(door, cast(IncidentState, to), incident, note)


@click.command()
@_id
@_note
@_which
@pass_door
def mitigate(door: Door, named: str | None, note: str, incident: str | None) -> None:
    """It hurts no more.

    \b
    Examples:
      opsdeck incident mitigate --note "old version is back"
    """
    _to_state(door, "mitigated", _one_of(named, incident), note)


@click.command()
@_id
@_note
@_which
@pass_door
def resolve(door: Door, named: str | None, note: str, incident: str | None) -> None:
    """It is over: the report is written, and what it proves is said.

    \b
    Examples:
      opsdeck incident resolve --note "fixed in v1.4.3"
    """
    _to_state(door, "resolved", _one_of(named, incident), note)


@click.command()
@_id
@_note
@_which
@pass_door
def reopen(door: Door, named: str | None, note: str, incident: str | None) -> None:
    """It is not over after all.

    \b
    Examples:
      opsdeck incident reopen 2026-11-23-0241 --note "errors again"
    """
    _to_state(door, "reopened", _one_of(named, incident), note)


@click.command()
@click.argument("role", type=click.Choice(ROLES))
@click.option("--to", metavar="NAME", help="Who gets it, else you take it.")
@click.option("--done", default="", metavar="TEXT", help="Handed over: what was found and done.")
@click.option("--running", default="", metavar="TEXT", help="Handed over: what is under way.")
@click.option("--next", "coming", default="", metavar="TEXT", help="Handed over: what comes next.")
@_which
@pass_door
def role(
    door: Door,
    role: str,
    to: str | None,
    done: str,
    running: str,
    coming: str,
    incident: str | None,
) -> None:
    """Take a role, give it to somebody, or hand it over with what they must know.

    \b
    Examples:
      opsdeck incident role scribe
      opsdeck incident role commander --to bob --done "rolled back"
    """
    desk = Desk(door)
    one = desk.meant(incident)
    said = {"done": done, "running": running, "next": coming}
    if any(said.values()) and not (to or "").strip():
        raise UsageError("a handover needs somebody: say to whom with --to NAME")
    name = desk.deck.operator if to is None else to
    desk.record(acts.take_role(one, role, name, said if any(said.values()) else None))
    say(f"{visible(desk.now(one.id).roles.get(role) or 'nobody')} is {role} of {one.id}")


@click.command()
@click.argument("step", shell_complete=complete_step)
@click.argument("to", metavar="STATE", type=click.Choice(STEP_STATES))
@click.option(
    "--playbook", metavar="ID", shell_complete=complete_playbook, help="Else the current."
)
@click.option("--reason", "-r", default="", metavar="TEXT", help="Why; skipped and failed need it.")
@_which
@pass_door
def step(
    door: Door, step: str, to: str, playbook: str | None, reason: str, incident: str | None
) -> None:
    """Say how STEP (a number or an id) stands: 'to do', doing, done, skipped or failed.

    \b
    Examples:
      opsdeck incident step 2 done
      opsdeck incident step review-slow-query-logs skipped --reason "no DB"
    """
    asyncio.run(_step(door, step, cast(StepState, to), playbook, reason, incident))


async def _step(
    door: Door, word: str, to: StepState, named: str | None, reason: str, incident: str | None
) -> None:
    desk = Desk(door)
    try:
        one = desk.meant(incident)
        playbook = walked_playbook(desk.deck, one, named)
        at = step_meant(playbook, word)
        acts.step(one, playbook, at, to, reason=reason)  # refused before anything is looked at
        if to != "to do":
            await desk.see(playbook, one)
        values = desk.walking.values(playbook, one) if to != "to do" else ()
        opened = [] if playbook.id in one.walks else [acts.open_playbook(one.id, playbook)]
        desk.record(*opened, acts.step(one, playbook, at, to, reason=reason, gauges=values))
    finally:
        await desk.aclose()
    say(f"{to}: {visible(at.title)} ({one.id})")


@click.command(name="set")
@click.argument("values", metavar="NAME=VALUE...", nargs=-1, required=True)
@_which
@pass_door
def set_values(door: Door, values: tuple[str, ...], incident: str | None) -> None:
    """Say what {{NAME}} stands for in the commands of playbooks.

    \b
    Examples:
      opsdeck incident set host=web-3 port=3000
    """
    desk = Desk(door)
    one = desk.meant(incident)
    pairs = [value.partition("=") for value in values]
    for name, equals, _ in pairs:
        if not equals:
            raise UsageError(f"{name!r} says no value: write NAME=VALUE, such as host=web-3")
    secrets = desk.deck.secrets()
    desk.record(*(acts.variable(one, name.strip(), value, secrets) for name, _, value in pairs))
    for name, _, value in pairs:
        say(visible(f"{name.strip()} = {value.strip()}"))


@click.command()
@click.option("--title", default="", metavar="TEXT", help="What it is called from now on.")
@click.option("--severity", default="", metavar="S", help=f"One of {', '.join(SEVERITIES)}.")
@click.option("--target", "targets", metavar="T", multiple=True, help="What it is about; several.")
@click.option("--began", metavar="WHEN", default="", help="When the trouble began, such as 02:31.")
@_which
@pass_door
def change(
    door: Door,
    title: str,
    severity: str,
    targets: tuple[str, ...],
    began: str,
    incident: str | None,
) -> None:
    """Another title or severity, other targets, when the trouble began.

    \b
    Examples:
      opsdeck incident change --severity critical
      opsdeck incident change --began 02:31
    """
    desk = Desk(door)
    one = desk.meant(incident)
    when = acts.moment_said(began, desk.deck.now(), desk.deck.zone)
    named = targets or None
    desk.record(acts.change(one, title=title, severity=severity, targets=named, began=when))
    one = desk.now(one.id)
    say(f"incident {one.id}, {one.severity}: {visible(one.title)}")


ACTS = (note, correct, state, mitigate, resolve, reopen, role, step, set_values, change)
