"""`opsdeck glance`: the daily health glance, for people, cron and monitoring systems."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.output import say_json, say_text, warn
from opsdeck.commands.table import width
from opsdeck.errors import NotSavedError, OpsDeckError, UsageError

if TYPE_CHECKING:
    from opsdeck.reports.glance import Glance

QUICK_S, PATIENT_S = 0.7, 5.0
"""How long looks beyond this machine may take: for people, and for programs."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--nagios", is_flag=True, help="One line with performance data.")
@click.option("--openmetrics", is_flag=True, help="As metrics, for Prometheus and its kind.")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file, whole or not at all.",
)
@click.option(
    "--watch",
    metavar="SECONDS",
    type=click.FloatRange(1, 86_400),
    help="Again and again, so often, until interrupted.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0.1, 600),
    help="How long looks may take; what has not come by then is shown as last known"
    f" ({QUICK_S:g} s as text, else {PATIENT_S:g} s).",
)
@click.option("--last-known", is_flag=True, help="Look at nothing: show what was seen last.")
@pass_door
def glance(
    door: Door,
    as_json: bool,
    nagios: bool,
    openmetrics: bool,
    output: Path | None,
    watch: float | None,
    timeout: float | None,
    last_known: bool,
) -> int:
    """How everything is, on one screen: gauges, failing items, what is due.

    Gauges are looked at now; one that does not answer in time is shown as it was last seen, with
    its age. Exit status: 0 all well, 1 warning, 2 critical or failing, 3 unknown. With --nagios
    it is 3 for whatever else goes wrong, too.

    \b
    Examples:
      opsdeck glance                          over coffee
      opsdeck glance --nagios                 as a monitoring plugin
      opsdeck glance --json | jq .status
      opsdeck glance --openmetrics --output /var/lib/node_exporter/opsdeck.prom
      opsdeck glance --watch 10
    """
    chosen = [
        name
        for name, on in (("json", as_json), ("nagios", nagios), ("openmetrics", openmetrics))
        if on
    ]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[0]} and --{chosen[1]} are two forms: choose one")
    form = chosen[0] if chosen else "text"
    patience_s = timeout or (QUICK_S if form == "text" else PATIENT_S)
    looking = _glances(door, form, output, watch, patience_s=0.0 if last_known else patience_s)
    try:
        return asyncio.run(looking)
    except (OpsDeckError, OSError) as error:
        if form != "nagios" or isinstance(error, BrokenPipeError):
            raise
        from opsdeck.reports.glance import EXIT
        from opsdeck.reports.glance_machines import nagios_trouble

        # Monitoring systems read stdout alone, and know no other exit status.
        say_text(nagios_trouble(str(error)))
        return EXIT["unknown"]


async def _glances(
    door: Door, form: str, output: Path | None, watch: float | None, *, patience_s: float
) -> int:
    from opsdeck.commands._glance_look import Glancing
    from opsdeck.reports.glance import EXIT

    glancing = Glancing(door)
    try:
        while True:
            began = time.monotonic()
            found = await glancing.glance(patience_s)
            if watch is None:
                _write(found, form, output, door)
                return EXIT[found.status]
            _write_again(found, form, output, door)
            sys.stdout.flush()
            await asyncio.sleep(max(0.0, began + watch - time.monotonic()))
            glancing.catch_up()
    finally:
        await glancing.aclose()


def _write_again(found: Glance, form: str, output: Path | None, door: Door) -> None:
    """A disk that is full for a while ends no watch: the next glance may be written again."""
    try:
        _write(found, form, output, door, again=True)
    except NotSavedError as error:
        warn(str(error))


def _write(
    found: Glance, form: str, output: Path | None, door: Door, *, again: bool = False
) -> None:
    from opsdeck.reports import glance_machines as machines

    if form == "json" and output is None:
        say_json(machines.as_object(found), indent=0 if again else 2)
        return
    text = _text(found, form, door)
    if output is not None:
        from opsdeck.commands.outfile import write_whole

        write_whole(output, text, shared=True)
        return
    clear = again and form == "text" and sys.stdout.isatty() and _clears(door)
    say_text(("\x1b[H\x1b[2J" if clear else "") + text + ("\n" if again and not clear else ""))


def _clears(door: Door) -> bool:
    """Whether the terminal can begin a screen anew."""
    return door.environ.get("TERM", "dumb") not in ("dumb", "")


def _text(found: Glance, form: str, door: Door) -> str:
    from opsdeck.reports import glance_machines as machines

    match form:
        case "json":
            import msgspec

            from opsdeck.commands.output import escaped_controls

            whole = msgspec.json.encode(machines.as_object(found)).decode()
            return escaped_controls(whole) + "\n"
        case "nagios":
            return machines.as_nagios(found)
        case "openmetrics":
            return machines.as_openmetrics(found)
    from zoneinfo import ZoneInfo

    from opsdeck.reports.glance_text import render
    from opsdeck.terminal import locale_is_utf8

    text = render(found, ZoneInfo(door.config.timezone), width() or 80)
    # The one character of its own that is not ASCII; names keep theirs.
    return text if locale_is_utf8(door.environ) else text.replace("…", "~")


COMMANDS = {"glance": glance}
