"""`opsdeck journal`: verify, follow and export what was recorded."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import Any

import click

from opsdeck.commands.door import Door
from opsdeck.commands.groups import HelpfulGroup, pass_door
from opsdeck.commands.output import escaped_controls, say, say_json, warn
from opsdeck.errors import NoInputError
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import MARKS, RELEASES, Event, Recorded
from opsdeck.journal.files import in_words
from opsdeck.signoff.words import release_verb
from opsdeck.text import plural, visible

FAULTY = 2
"""Exit status of a journal with faults."""


@click.group(cls=HelpfulGroup)
def journal() -> None:
    """Verify, follow and export the journal.

    \b
    Examples:
      opsdeck journal verify
      opsdeck journal tail -n 50
    """


@journal.command(short_help="Name every fault in the files; ends with 2 if any.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@pass_door
def verify(door: Door, as_json: bool) -> int:
    """Read every line of every file and name every fault; exit status 2 where there is one.

    \b
    Examples:
      opsdeck journal verify
      opsdeck journal verify --json | jq '.faults[].kind'
    """
    from opsdeck.journal.store import verify as verify_journal

    there = _is_there(door.journal_folder)
    files, loaded = verify_journal(door.home)
    if as_json:
        faults = [
            {"kind": f.kind, "file": f.file, "line": f.line, "message": f.message}
            for f in loaded.faults
        ]
        say_json({"files": files, "events": loaded.state.count, "faults": faults})
        return FAULTY if faults else 0
    for fault in loaded.faults:
        say(visible(str(fault)))
    for kind, count in sorted(loaded.state.unknown_types.items()):
        say(visible(f"{plural(count, 'event')} of the newer type {kind}: kept, not understood"))
    size = f"{plural(files, 'file')}, {plural(loaded.state.count, 'event')}"
    if loaded.faults:
        say(f"{plural(len(loaded.faults), 'fault')} in {size}")
        return FAULTY
    say(f"{size}: no faults" if there else f"no journal yet at {visible(str(door.journal_folder))}")
    return 0


@journal.command()
@click.option("-n", "--lines", "count", type=click.IntRange(0), default=20, show_default=True)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is added, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@pass_door
def tail(door: Door, count: int, follow: bool, as_json: bool) -> None:
    """The newest events, the newest last; times are UTC.

    \b
    Examples:
      opsdeck journal tail -n 50
      opsdeck journal tail -f --json | jq -r .by
    """
    from opsdeck.journal.paging import newest_first

    folder = door.journal_folder
    if not _is_there(folder) and not follow:
        warn(f"no journal yet at {folder}")
    write = _say_json_line if as_json else _say_line
    if not follow:
        for one in reversed(list(islice(newest_first(folder), count))):
            write(one)
        return
    from opsdeck.commands.following import Follower, until_ended

    with until_ended():
        follower = Follower(door.home)
        newest = list(islice(newest_first(folder), max(count, 1000)))
        for one in reversed(newest[:count]):
            write(one)
        sys.stdout.flush()
        follower.follow(write, {one.id for one in newest})


@journal.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
)
@click.option(
    "--output", "-o", metavar="FILE", type=click.Path(path_type=Path), help="Else stdout."
)
@pass_door
def export(door: Door, form: Any, output: Path | None) -> None:
    """All events of all writers in their order.

    \b
    Examples:
      opsdeck journal export --format csv --output events.csv
      opsdeck journal export | jq -r 'select(.type == "item.waived") | .data.run'
    """
    from opsdeck.journal.export import export as export_journal

    folder = door.journal_folder
    if not _is_there(folder):
        warn(f"no journal yet at {folder}")
    if output is None or str(output) == "-":
        from opsdeck.commands.output import HarmlessStream

        sys.stdout.flush()
        export_journal(folder, HarmlessStream(sys.stdout.buffer, escaped=form == "jsonl"), form)
        sys.stdout.buffer.flush()
        return
    from opsdeck.commands.outfile import written_whole

    with written_whole(output) as stream:
        export_journal(folder, stream, form)
    say(f"exported the journal to {visible(str(output))}")


COMMANDS = {"journal": journal}


def _is_there(folder: Path) -> bool:
    """Whether the folder can be read; raises NoInputError when it is there and cannot."""
    try:
        next(folder.iterdir(), None)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise NoInputError(f"{folder}: cannot be read: {in_words(error)}") from error
    return True


def _say_line(one: Recorded) -> None:
    say(visible(told(one.event)))


def _say_json_line(one: Recorded) -> None:
    import msgspec

    event: dict[str, Any] = {"writer": one.writer, **msgspec.structs.asdict(one.event)}
    text = escaped_controls(msgspec.json.encode(event).decode())
    say(text if _is_utf8() else text.encode("ascii", "backslashreplace").decode())


def _is_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def told(event: Event) -> str:
    """An event in words: `2026-11-23 05:41:22Z alice attested RUN/ITEM "note"`."""
    at = parse_wall(event.at)
    when = f"{at:%Y-%m-%d %H:%M:%S}Z" if at else event.at
    data = event.data
    parts = [when, event.by, _verb(event)]
    if "run" in data or "item" in data:
        parts.append("/".join(str(data[k]) for k in ("run", "item") if k in data))
    elif "release" in data:
        parts.append(str(data["release"]))
    text = next((data[k] for k in ("note", "reason", "text") if data.get(k)), None)
    if text is not None:
        parts.append(f'"{text}"')
    parts += (f"{key} {data[key]}" for key in ("approver", "until", "due") if data.get(key))
    return " ".join(parts)


def _verb(event: Event) -> str:
    kind = MARKS.get(event.type)
    if kind:
        return kind
    match event.type:
        case "item.noted":
            return "skipped" if event.data.get("skipped") is True else "noted"
        case "item.undone":
            return f"took back {event.data.get('kind', 'an act')} of"
        case "item.checked":
            return f"checked ({event.data.get('verdict', '?')})"
        case "item.looked":
            return "had a probe look at"
        case kind if kind in RELEASES:
            return release_verb(event)
        case "journal.opened":
            return f"opened journal file {event.data.get('writer', '')}".rstrip()
    return event.type
