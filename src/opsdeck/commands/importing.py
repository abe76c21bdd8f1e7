"""`opsdeck import`: the task lists of a Markdown file become checklists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsdeck.commands.door import Door
from opsdeck.commands.groups import pass_door
from opsdeck.commands.output import escaped_controls, say, say_text, warn
from opsdeck.errors import DataError, NotSavedError
from opsdeck.text import plural, visible

if TYPE_CHECKING:
    from opsdeck.catalog.markdown_merge import MergeResult

_SHOWN = 20
"""So many addresses of each kind are named; the rest is counted."""


@click.command(name="import")
@click.argument("file", metavar="FILE.md", type=click.Path(path_type=Path))
@click.option(
    "--into",
    metavar="CHECKLISTS.toml",
    type=click.Path(path_type=Path),
    help="Merge into this file (new or not) instead of printing TOML.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change and write nothing.")
@pass_door
def import_file(door: Door, file: Path, into: Path | None, dry_run: bool) -> None:
    """The GitHub task lists of FILE.md as checklists.

    Imported again, texts follow the Markdown; ids, guides, probes and history stay.

    \b
    Examples:
      opsdeck import PRODUCTION.md > checklists.toml
      opsdeck import PRODUCTION.md --into checklists.toml --dry-run
      opsdeck import PRODUCTION.md --into checklists.toml
    """
    old = _content(into) if into is not None else None
    merged = _merged(file, into, old)
    if into is None and not dry_run:
        say_text(escaped_controls(merged.text))
        return
    if into is not None and not dry_run:
        _write(into, merged.text, old)
    name = visible(str(into)) if into is not None else "a new file"
    counts = (merged.added, merged.updated, merged.unchanged, merged.gone)
    words = ("added", "updated", "unchanged", "gone from the Markdown (kept in the file)")
    told = ", ".join(f"{len(n):,} {word}" for n, word in zip(counts, words, strict=True))
    say(f"{name}: {'would be ' if dry_run else ''}{told}")
    _name("added", merged.added)
    _name("updated", merged.updated)
    _name("gone", merged.gone)


COMMANDS = {"import": import_file}


def _merged(file: Path, into: Path | None, old: str | None) -> MergeResult:
    """The merged TOML; raises the OpsDeckError family, also where it would not load."""
    from opsdeck.catalog.faults import CatalogFaults
    from opsdeck.catalog.load import parse_checklists
    from opsdeck.catalog.markdown_merge import merge_into
    from opsdeck.catalog.markdown_read import import_markdown, read_markdown
    from opsdeck.catalog.source import LARGEST_BYTES

    imported = import_markdown(read_markdown(file), file.name)
    if not imported:
        raise DataError(f"{file}: has no task lists: tasks are written as `- [ ] text`")
    name = str(into) if into is not None else "checklists.toml"
    merged = merge_into(old, imported, file.name, into_name=name)
    size = len(merged.text.encode())
    if size > LARGEST_BYTES:
        raise DataError(
            f"{name}: not written: it would have {size / 2**20:.1f} MB, and at most"
            f" {LARGEST_BYTES // 2**20} MB are read: import a part of {file}"
        )
    faults = parse_checklists(merged.text, name)[1]
    if faults:
        warn(f"{name}: not written: with {plural(len(imported), 'list')} merged it would not load")
        raise CatalogFaults(faults)
    return merged


def _content(path: Path) -> str | None:
    """The text of a catalog file; None where there is none. Raises CatalogFaults."""
    from opsdeck.catalog.load import read_text

    try:
        path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        pass  # reading it says why it cannot be used
    return read_text(path)


def _write(into: Path, text: str, old: str | None) -> None:
    from opsdeck.catalog.edit import write_atomically

    if text == old:
        return
    if _content(into) != old:
        raise NotSavedError(
            f"{into}: not saved: the file was changed by somebody else meanwhile. Try again."
        )
    write_atomically(into, text)


def _name(word: str, addresses: tuple[str, ...]) -> None:
    for address in addresses[:_SHOWN]:
        say(f"  {word} {visible(address)}")
    if len(addresses) > _SHOWN:
        say(f"  {word} {len(addresses) - _SHOWN:,} more")
