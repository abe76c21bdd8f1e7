"""What a person does with items: all of a command's items are recorded at once, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import click

from opsdeck.commands._addresses import addresses
from opsdeck.commands._in_order import Act, InOrder
from opsdeck.commands.completing import complete_item, complete_run
from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.output import say, say_json, warn
from opsdeck.deck import Deck
from opsdeck.errors import UsageError
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import Event
from opsdeck.journal.writing import Draft
from opsdeck.reports.objects import item_object
from opsdeck.runs import acts, read_do
from opsdeck.runs.acts import Where
from opsdeck.signoff.acts import out_of_date
from opsdeck.text import plural, visible

_Command = TypeVar("_Command", bound=Callable[..., Any])

_items = click.argument("items", metavar="ITEM...", nargs=-1, shell_complete=complete_item)
_json = click.option("--json", "as_json", is_flag=True, help="Print the items as JSON.")
_reason = click.option("--reason", "-r", required=True, metavar="TEXT", help="Why (kept for good).")
_note = click.option("--note", "-m", default="", metavar="TEXT", help="A note beside it.")


@click.command()
@_items
@_note
@_json
@pass_door
def attest(door: Door, items: tuple[str, ...], note: str, as_json: bool) -> None:
    """Give your word that ITEMs are done. `-` reads addresses from stdin, one a line.

    \b
    Examples:
      opsdeck attest infrastructure/tls-certificate
      opsdeck attest daily-operations/2026-11-22/security-logs -m "by hand"
      grep -v '^#' addresses.txt | opsdeck attest - --note "walked together"
    """
    _perform(door, items, "attested", lambda deck: lambda w: acts.attest(w, note), as_json)


@click.command()
@_items
@_note
@_json
@pass_door
def reopen(door: Door, items: tuple[str, ...], note: str, as_json: bool) -> None:
    """Take back what was said of ITEMs: they are open again.

    \b
    Examples:
      opsdeck reopen infrastructure/tls-certificate --note "wrong host"
    """
    act: Act = partial(acts.take_back, note=note)
    _perform(door, items, "reopened", lambda deck: act, as_json, in_order=False)


@click.command()
@_items
@click.option("--text", "-m", required=True, metavar="TEXT", help="The note.")
@_json
@pass_door
def note(door: Door, items: tuple[str, ...], text: str, as_json: bool) -> None:
    """Leave a note beside ITEMs; their state stays.

    \b
    Examples:
      opsdeck note infrastructure/tls-certificate -m "renewal ordered: #4711"
    """
    act: Act = partial(acts.note, text=text)
    _perform(door, items, "noted", lambda deck: act, as_json, in_order=False)


@click.command()
@_items
@_reason
@_json
@pass_door
def skip(door: Door, items: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Pass over the next ITEMs of a read-do list: they stay open and are offered again at the end.

    \b
    Examples:
      opsdeck skip deployment-execution/low-traffic-window -r hotfix
    """
    _perform(door, items, "skipped", lambda d: InOrder(d).skipping(reason), as_json, in_order=False)


@click.command()
@_items
@_reason
@click.option("--approver", required=True, metavar="NAME", help="Who allowed it.")
@click.option(
    "--until",
    required=True,
    metavar="WHEN",
    help="7d, 2026-12-01 or 2026-12-01 18:00 Europe/Berlin.",
)
@_json
@pass_door
def waive(
    door: Door, items: tuple[str, ...], reason: str, approver: str, until: str, as_json: bool
) -> None:
    """Say that ITEMs need not hold until WHEN (a date, a time or a span; zone optional).

    \b
    Examples:
      opsdeck waive infrastructure/cdn --reason "no CDN before launch" \\
        --approver carol --until 7d
      opsdeck waive code-quality-security/owasp-review --reason "booked" \\
        --approver carol --until "2026-12-01 18:00 Europe/Berlin"
    """

    def prepare(deck: Deck) -> Act:
        end = acts.parse_until(until, deck.now(), deck.zone, deck.config.timezone)
        return lambda w: acts.waive(w, reason=reason, approver=approver, until=end)

    _perform(door, items, "waived", prepare, as_json)


@click.command()
@_items
@_reason
@_json
@pass_door
def override(door: Door, items: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Go on although ITEMs do not hold; shown at sign-off.

    \b
    Examples:
      opsdeck override infrastructure/tls-certificate --reason "internal, own CA"
    """
    _perform(door, items, "overridden", lambda deck: lambda w: acts.override(w, reason), as_json)


@click.command()
@_items
@_reason
@click.option("--due", default="", metavar="WHEN", help="A date (2026-12-01) or a span (7d).")
@_json
@pass_door
def defer(door: Door, items: tuple[str, ...], reason: str, due: str, as_json: bool) -> None:
    """Put ITEMs off, with a reason and where known a date.

    \b
    Examples:
      opsdeck defer deployment-preparation/maintenance-page \\
        --reason "after the freeze" --due 2026-12-01
    """

    def prepare(deck: Deck) -> Act:
        day = acts.parse_due(due, deck.now(), deck.zone)
        return lambda w: acts.defer(w, reason, day)

    _perform(door, items, "deferred", prepare, as_json)


@click.command()
@_items
@_reason
@_json
@pass_door
def unuse(door: Door, items: tuple[str, ...], reason: str, as_json: bool) -> None:
    """Say that the team does not use what ITEMs are about.

    \b
    Examples:
      opsdeck unuse infrastructure/cdn --reason "no CDN"
    """
    _perform(door, items, "unused", lambda deck: lambda w: acts.set_unused(w, reason), as_json)


@click.command()
@click.argument("run", metavar="CHECKLIST|RUN", shell_complete=complete_run)
@_json
@pass_door
def undo(door: Door, run: str, as_json: bool) -> None:
    """Take back your own newest act in a run (of the last 24 hours).

    \b
    Examples:
      opsdeck undo infrastructure
      opsdeck undo daily-operations/2026-11-23
    """
    deck = door.deck(acting=True)
    checklist, key = deck.locate_run(run.strip().strip("/"))
    run_so_far, closed = deck.state.run(key), deck.closed(key)
    draft, mark = acts.undo(key, run_so_far, deck.operator, deck.now(), closed)
    item_id = str(draft.data["item"])
    done = _record(deck, [draft])
    if signed := deck.signed(key):
        warn(
            f"release {signed} was signed: `opsdeck signoff show {signed}` says if it is as it was"
        )
    item = deck.listed(checklist, key).item(item_id)
    if as_json:
        where = deck.where(checklist, item_id, key) if item else None
        say_json([_object(deck, where)] if where else [])
        return
    say(_line(deck, f"undone: {acts.kind_of(mark)}", f"{key}/{item_id}", done))


COMMANDS: dict[str, click.Command] = {
    "attest": attest,
    "reopen": reopen,
    "note": note,
    "skip": skip,
    "waive": waive,
    "override": override,
    "defer": defer,
    "unuse": unuse,
    "undo": undo,
}


def _perform(
    door: Door,
    words: Sequence[str],
    done: str,
    prepare: Callable[[Deck], Act],
    as_json: bool,
    *,
    in_order: bool = True,
) -> None:
    """Check every address and rule, then record all at once, then say so.

    With `in_order` items of read-do lists are refused until their turn comes.
    """
    named = addresses(words)
    deck = door.deck(acting=True)
    act = InOrder(deck).acting(prepare(deck)) if in_order else prepare(deck)
    wheres: dict[str, Where] = {}
    drafts: list[Draft] = []
    problems: list[str] = []
    for address in named:
        try:
            where = deck.locate(address)
            if where.address not in wheres:
                drafts.append(act(where))
                wheres[where.address] = where
        except UsageError as error:
            if str(error) not in problems:
                problems.append(str(error))
    if problems:
        if len(named) > 1:
            problems.append("nothing was recorded")
        raise UsageError("\n".join(problems))
    events = _record(deck, drafts)
    for name in dict.fromkeys(deck.signed(where.run) for where in wheres.values()):
        if name:
            warn(out_of_date(name))
    if as_json:
        now = [deck.where(w.checklist, w.item.id, w.run) for w in wheres.values()]
        say_json([_object(deck, where) for where in now])
        return
    for address in wheres:
        say(_line(deck, done, address, events))


def _object(deck: Deck, where: Where) -> dict[str, Any]:
    skip = read_do.skip_of(where, deck.state)
    return item_object(where.checklist, where.item, where.run, where.status, skip)


def _record(deck: Deck, drafts: list[Draft]) -> list[Event]:
    """What is on disk now, without the first line of a new file."""
    saved = deck.write(drafts, deck.state.max_clock)
    deck.absorb(saved)
    if saved.faults:
        warn(f"the journal has {plural(len(saved.faults), 'fault')}: see `opsdeck journal verify`")
    return [event for _, event in saved.own]


def _line(deck: Deck, done: str, address: str, events: Sequence[Event]) -> str:
    at = parse_wall(events[-1].at) or deck.now()
    when = f"{at.astimezone(deck.zone):%H:%M %Z}"
    return f"{done} {visible(address)} ({visible(deck.operator)}, {when})"
