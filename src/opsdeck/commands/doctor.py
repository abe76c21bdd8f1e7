"""`opsdeck doctor`: try every target and say what is missing, rights included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import click

from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.output import say, say_json, warn
from opsdeck.commands.table import width
from opsdeck.errors import UsageError
from opsdeck.text import visible

if TYPE_CHECKING:
    from opsdeck.deck import Deck
    from opsdeck.looking import Looks
    from opsdeck.reports.findings import Finding

PARTS = ("configuration", "secrets", "targets", "commands", "gauges", "items", "signoff")


@click.command()
@click.option("--quick", is_flag=True, help="Try the targets alone, not every item.")
@click.option("--policy", is_flag=True, help="Print only the smallest IAM policy for the probes.")
@click.option("--role", is_flag=True, help="Print only the smallest MongoDB role for the probes.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0.1, 60),
    default=3.0,
    show_default=True,
    help="For the first look at each target.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@pass_door
def doctor(door: Door, quick: bool, policy: bool, role: bool, timeout: float, as_json: bool) -> int:
    """Try every target of opsdeck.toml and say what is missing, rights included.

    It looks at each target once, then has every item look that needs nobody's consent, and sees
    whether you could sign a release. It runs no command, sends nothing that could change
    anything, and records nothing.
    Exit status: 0 all well, 1 warnings, 2 something is bad, 3 something is unknown.

    \b
    Examples:
      opsdeck doctor
      opsdeck doctor --quick --json
      opsdeck doctor --policy > policy.json    the rights that AWS must give
      opsdeck doctor --role                    the role that MongoDB must give
    """
    if policy and role:
        raise UsageError("--policy and --role are printed one at a time")
    if policy or role:
        return _print_rights(door, "aws" if policy else "mongodb")
    return _print_findings(door, quick=quick, timeout_s=timeout, as_json=as_json)


COMMANDS = {"doctor": doctor}


def _print_findings(door: Door, *, quick: bool, timeout_s: float, as_json: bool) -> int:
    from opsdeck.catalog.faults import ConfigFaults
    from opsdeck.commands._doctor_config import fault_findings
    from opsdeck.reports.findings import exit_code, findings_object, summary

    found: list[Finding] = []
    try:
        deck = _deck(door)
    except ConfigFaults as error:
        found += fault_findings(error.faults)
        file: str | None = error.faults[0].file if error.faults else None
        if not as_json:
            _say_part("configuration", found)
    else:
        file = str(deck.config.file) if deck.config.file else None
        asyncio.run(_examine(door, deck, found, quick=quick, timeout_s=timeout_s, quiet=as_json))
    if as_json:
        say_json(findings_object(found, file))
    else:
        say("")
        say(summary(found))
        say("`opsdeck doctor --policy` prints the IAM policy, `--role` the MongoDB role they need")
    return exit_code(found)


def _deck(door: Door) -> Deck:
    """The deck as far as it can be opened: its faults are what a doctor is asked about."""
    from opsdeck.deck import open_deck
    from opsdeck.operator import login

    deck = open_deck(
        environ=door.environ,
        cwd=door.cwd,
        config_file=door.config_file,
        operator=login(),
        interactive=True,
    )
    deck.load()
    return deck


async def _examine(
    door: Door, deck: Deck, found: list[Finding], *, quick: bool, timeout_s: float, quiet: bool
) -> None:
    """Gather all findings, part by part, and say each part as soon as it is known."""
    from opsdeck.looking import Looks

    looks = Looks(deck, door.environ)
    try:
        async for part, raw in _parts(door, deck, looks, quick=quick, timeout_s=timeout_s):
            findings = _clean(raw, looks)
            found += findings
            if not quiet:
                _say_part(part, findings)
    finally:
        await looks.aclose()


async def _parts(
    door: Door, deck: Deck, looks: Looks, *, quick: bool, timeout_s: float
) -> AsyncIterator[tuple[str, list[Finding]]]:
    from opsdeck.commands import _doctor_config as config
    from opsdeck.commands import _doctor_gauges as gauges
    from opsdeck.commands import _doctor_items as items
    from opsdeck.commands import _doctor_reach as reaching
    from opsdeck.commands import _doctor_signoff as signoff
    from opsdeck.commands import _doctor_targets as targets
    from opsdeck.probes.blocking import in_thread

    subjects = looks.subjects()
    known = {"host": {"kind": "host"}, **deck.config.targets}
    yield "configuration", list(config.config_findings(door, deck))
    yield "secrets", list(targets.secret_findings(deck, subjects, door.environ))
    yield "commands", list(items.command_findings(looks, subjects, known))
    tables = list(targets.table_findings(deck.config, subjects))
    reached = await reaching.reach_all(looks, timeout_s)
    yield "targets", [*reached.findings, *tables]
    cost = list(gauges.cost_findings(deck))
    yield "gauges", cost if quick else [*cost, *await gauges.reading_findings(looks)]
    yield "signoff", await in_thread(lambda: list(signoff.signoff_findings(door, deck)))
    if quick:
        return
    looked, waiting = items.lookable(subjects, reached.away, known)
    found = await items.item_findings(looks, looked)
    yield "items", [*found, *items.waiting_findings(waiting)]


def _clean(findings: Sequence[Finding], looks: Looks) -> list[Finding]:
    """The same without secrets: commands are shown as they would be run, variables filled in."""
    import msgspec

    from opsdeck.probes.redact import Redactor

    names = ["", "host", *looks.deck.config.targets]
    redactor = Redactor({secret for n in names for secret in looks.engine.target(n).secrets})
    cleaned = []
    for finding in findings:
        # Commands are read here before they are trusted: no pattern may hide part of one.
        clean = redactor.exact if finding.part == "commands" else redactor.text
        cleaned.append(
            msgspec.structs.replace(finding, what=clean(finding.what), todo=clean(finding.todo))
        )
    return cleaned


def _say_part(part: str, findings: Sequence[Finding]) -> None:
    from opsdeck.reports.findings import lines

    if not findings:
        return
    say(part)
    for line in lines(findings, width()):
        say(line)


def _print_rights(door: Door, kind: str) -> int:
    """The policy or the role for the probes in use, and nothing else, on stdout."""
    from opsdeck.commands._doctor_gauges import gauge_probes
    from opsdeck.commands._doctor_targets import database_in_use, probes_in_use
    from opsdeck.looking import Looks

    deck = _deck(door)
    looks = Looks(deck, door.environ)
    shipped = [
        item.probe for c in deck.catalog.checklists for item in c.items if item.probe is not None
    ]
    probes = probes_in_use(deck.config, looks.subjects(), shipped, kind)
    probes += [probe for probe in gauge_probes(deck) if probe.get("kind") == kind]
    if kind == "aws":
        from opsdeck.probes._aws_policy import policy_text

        text = policy_text(probes)
    else:
        from opsdeck.probes._mongo_role import role_text

        database = database_in_use(looks.engine, deck.config)
        text = role_text(probes, database) if database else role_text(probes)
    if not text:
        warn(f"no item in use asks {'AWS' if kind == 'aws' else 'MongoDB'} for anything")
        return 0
    for line in text.rstrip("\n").split("\n"):
        say(visible(line))
    return 0
