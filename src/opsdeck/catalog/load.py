"""Load the catalog: every file read, checked and laid over the one beneath, or every fault told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opsdeck.catalog.faults import CatalogFaults, Report
from opsdeck.catalog.model import Catalog, Checklist, Fault
from opsdeck.catalog.overlay import lay_over
from opsdeck.catalog.raw import RawCatalog, read_raw
from opsdeck.catalog.source import (
    Source,
    UnusableError,
    decode,
    open_source,
    parse_source,
    read_bytes,
)

__all__ = [
    "CatalogFaults",
    "load_catalog",
    "parse_checklists",
    "read_text",
    "read_toml",
    "shipped_checklists_path",
]


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file holds; raises `CatalogFaults` with the one fault that prevents it."""
    try:
        return open_source(path).data
    except UnusableError as error:
        raise CatalogFaults([error.fault]) from None


def read_text(path: Path) -> str:
    """The text of a UTF-8 file as it is, byte-order mark and line ends included.

    Raises `CatalogFaults` with the one fault that prevents it.
    """
    try:
        return decode(read_bytes(path), str(path))
    except UnusableError as error:
        raise CatalogFaults([error.fault]) from None


def parse_checklists(content: str | bytes, file: str) -> tuple[RawCatalog, tuple[Fault, ...]]:
    """What the text of one `checklists.toml` says, and everything that is wrong with it.

    `file` is its name for messages. What can only be judged together with the file beneath
    (keys that a new checklist needs, what `omit` names) is not checked here.
    """
    try:
        source = parse_source(content, file)
    except UnusableError as error:
        return RawCatalog(), (error.fault,)
    report = Report(file, source)
    return read_raw(report, source.data), report.faults


def load_catalog(shipped: Path, team: Path | None = None) -> Catalog:
    """The shipped catalog with the team's own laid over it.

    The probes and expectations of the file that OpsDeck itself ships were checked by its tests.
    Raises `CatalogFaults` with every fault of both files; a catalog is whole or not at all.
    """
    paths = [shipped] if team is None else [shipped, team]
    checklists: tuple[Checklist, ...] = ()
    faults: list[Fault] = []
    beneath_is_whole = True
    proven = shipped_checklists_path()
    for path in paths:
        source = _opened(path, faults)
        if source is None:
            beneath_is_whole = False
            continue
        # Asking every kind of probe costs more than all the rest; that of what is shipped is known.
        report = Report(str(path), source, proven=path == proven)
        raw = read_raw(report, source.data)
        # Over a broken file half of what stands above would only seem to be wrong.
        if beneath_is_whole:
            checklists = lay_over(checklists, raw, report)
        faults.extend(report.faults)
        beneath_is_whole = beneath_is_whole and not report.faults
    if faults:
        raise CatalogFaults(faults)
    return Catalog(checklists=checklists, sources=tuple(map(str, paths)))


def shipped_checklists_path() -> Path:
    """Where the shipped `checklists.toml` is: inside the package, else in the source tree."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "shipped" / "checklists.toml"
    return inside if inside.is_file() else package.parents[1] / "checklists.toml"


def _opened(path: Path, faults: list[Fault]) -> Source | None:
    try:
        return open_source(path)
    except UnusableError as error:
        faults.append(error.fault)
        return None
