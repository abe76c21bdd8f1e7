"""What every command is given: the deck that is meant, opened no further than it needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from opsdeck.commands.output import warn
from opsdeck.text import plural

if TYPE_CHECKING:
    from opsdeck.catalog.config import Config
    from opsdeck.catalog.model import Catalog
    from opsdeck.deck import Deck


class Door:
    """The options that stand before a command, and what they open."""

    def __init__(
        self,
        environ: Mapping[str, str],
        cwd: Path,
        config_file: Path | None = None,
        operator: str | None = None,
        read_only: bool = False,
    ) -> None:
        self.environ = environ
        self.cwd = cwd
        self.config_file = config_file
        self.operator = operator
        self.read_only = read_only

    @cached_property
    def config(self) -> Config:
        """The configuration that applies; raises ConfigFaults."""
        from opsdeck.catalog.config import find_config, load_config

        return load_config(find_config(self.config_file, self.environ, self.cwd), self.environ)

    @property
    def home(self) -> Path:
        """Where the deck keeps its state."""
        from opsdeck.catalog.config import state_home

        return state_home(self.config, self.environ)

    @property
    def journal_folder(self) -> Path:
        """Where the journal's files are."""
        return self.home / "journal"

    def catalog(self) -> Catalog:
        """The catalog alone, without any journal."""
        from opsdeck.catalog.config import open_catalog

        return open_catalog(self.config).catalog

    def deck(self, *, acting: bool = False) -> Deck:
        """The deck with its journal folded.

        Only for `acting` must it be known who is at the keyboard: anybody may look. What is
        wrong with the journal is said on stderr.
        """
        from opsdeck.deck import open_deck
        from opsdeck.operator import login

        deck = open_deck(
            environ=self.environ,
            cwd=self.cwd,
            config_file=self.config_file,
            operator=self.operator if acting else login(),
        )
        deck.read_only_asked = self.read_only
        deck.load()
        if deck.faults:
            count = plural(len(deck.faults), "fault")
            warn(f"the journal has {count}: see `opsdeck journal verify`")
        return deck


def open_door(
    config_file: Path | None = None, operator: str | None = None, *, read_only: bool = False
) -> Door:
    """The door of this process."""
    try:
        cwd = Path.cwd()
    except FileNotFoundError:
        cwd = Path("/")
    return Door(os.environ, cwd, config_file, operator, read_only)
