"""Notice edits of `opsdeck.toml` while the program runs; a broken one never replaces a good one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from opsdeck.catalog.config import Config, load_config
from opsdeck.catalog.faults import ConfigFaults
from opsdeck.catalog.watch import CatalogWatch

if TYPE_CHECKING:
    from opsdeck.catalog.model import Fault

TAKEN_OVER = (
    *("targets", "uses", "anchors", "auto_check", "read_only"),
    *("gauges", "contacts", "signoff"),
)
"""What counts at once. The rest decides where the state lies, when days begin and who one is."""


class ConfigWatch:
    """Looks again and again whether the file was edited, and reads it once it has come to rest.

    An editor that empties a file before it writes it must not be taken at its word.
    """

    def __init__(self, file: Path | None, environ: Mapping[str, str] | None = None) -> None:
        self._file = file
        self._environ = environ
        self._watch = CatalogWatch([] if file is None else [file])
        self._edited = False

    def look_again(self) -> None:
        """Read the file at the next opportunity, edited or not."""
        self._edited = self._file is not None

    def poll(self) -> Config | tuple[Fault, ...] | None:
        """The file as it is now, or its faults; None while there is nothing new."""
        if self._watch.changed():
            self._edited = True
            return None
        if not self._edited:
            return None
        self._edited = False
        try:
            return load_config(self._file, self._environ)
        except ConfigFaults as error:
            return error.faults


def taken_over(old: Config, new: Config) -> Config:
    """The old one with what counts at once of the new one."""
    return msgspec.structs.replace(old, **{name: getattr(new, name) for name in TAKEN_OVER})


def left_waiting(old: Config, new: Config) -> list[str]:
    """The keys and sections that differ and count only once the program is started anew."""
    return [
        name
        for name in Config.__struct_fields__
        if name not in (*TAKEN_OVER, "file", "extra") and getattr(old, name) != getattr(new, name)
    ]
