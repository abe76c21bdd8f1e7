"""Notice edits of the catalog's files while the program runs, and keep the last good catalog."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from opsdeck.catalog.compiled import key_of, read_compiled, write_compiled
from opsdeck.catalog.faults import CatalogFaults
from opsdeck.catalog.load import load_catalog

if TYPE_CHECKING:
    from opsdeck.catalog.model import Catalog, Fault

_Stamp = tuple[int, int, int, int] | None


class CatalogWatch:
    """Remembers how some files looked, to tell cheaply whether any was touched since.

    Files that do not exist are watched too: their appearing is a change.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(paths)
        self._stamps = self._look()

    def changed(self) -> bool:
        """Whether a file differs from how it looked at the last call (or at the beginning)."""
        stamps = self._look()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        return True

    def _look(self) -> tuple[_Stamp, ...]:
        return tuple(map(_stamp, self.paths))


def _stamp(path: Path) -> _Stamp:
    """What changes when a file is written, replaced or made readable; None when it is not there."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


class CatalogSource:
    """The catalog as it is on disk now, or the last good one with the faults of the newest.

    `team` is where the team's own `checklists.toml` is or may come to be; None when there is no
    such place. The first load raises `CatalogFaults`, unless `tolerant`; later ones never do. In
    `cache` (a folder, used if it exists) the checked catalog is kept for the next opening.
    """

    def __init__(
        self,
        shipped: Path,
        team: Path | None = None,
        cache: Path | None = None,
        *,
        tolerant: bool = False,
    ) -> None:
        self.shipped = shipped
        self.team = team
        self._cache = cache
        # Looked at before it is read: an edit in between then counts as a change.
        self._watch = CatalogWatch([shipped] if team is None else [shipped, team])
        self.faults: tuple[Fault, ...] = ()
        try:
            self.catalog: Catalog = self._load()
        except CatalogFaults as error:
            if not tolerant:
                raise
            self.catalog, self.faults = self._fallback(), error.faults

    def _fallback(self) -> Catalog:
        """The last good catalog of an earlier opening, else the shipped one alone."""
        kept = read_compiled(self._cache, None) if self._cache else None
        return kept or load_catalog(self.shipped)

    def reload_if_changed(self) -> bool:
        """Read the files again if one was touched; whether catalog or faults became different."""
        if not self._watch.changed():
            return False
        before = self.catalog, self.faults
        try:
            self.catalog, self.faults = self._load(), ()
        except CatalogFaults as error:
            self.faults = error.faults
        return (self.catalog, self.faults) != before

    def _load(self) -> Catalog:
        team = existing_team(self.shipped, self.team)
        key = key_of([self.shipped] if team is None else [self.shipped, team])
        if self._cache is None or key is None:
            return load_catalog(self.shipped, team)
        kept = read_compiled(self._cache, key)
        if kept is not None:
            return kept
        catalog = load_catalog(self.shipped, team)
        write_compiled(self._cache, key, catalog)
        return catalog


def existing_team(shipped: Path, team: Path | None) -> Path | None:
    """The team's own file when there is one that is not the shipped one itself."""
    if team is None:
        return None
    try:
        team.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        # It cannot even be looked at: loading it says why.
        return team
    try:
        return None if team.samefile(shipped) else team
    except OSError:
        return team
