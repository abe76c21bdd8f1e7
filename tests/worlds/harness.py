"""Worlds: for each sensed item of the shipped catalog one where it passes, one where it fails.

A world sets up real partners and says how `opsdeck.toml` would name them; the item's own probe
and expectations, as they stand in `checklists.toml`, then look and judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from opsdeck.catalog.load import load_catalog
from opsdeck.catalog.model import Item
from opsdeck.probes.base import Facts
from opsdeck.probes.engine import Engine, Round, Seen

SHIPPED = Path(__file__).parents[2] / "checklists.toml"


Verdict = Literal["passed", "failed", "unknown"]
"""`unknown`: there is nothing to judge, and the probe says so."""


class Setting(NamedTuple):
    """What `opsdeck.toml` and the environment say in a world."""

    targets: Mapping[str, Mapping[str, Any]]
    environ: Mapping[str, str] = {}
    folder: Path = Path("/")
    """The folder of `opsdeck.toml`."""
    facts: Facts | None = None


class World(NamedTuple):
    """One item in one world.

    `setup(tmp_path)` is a context manager that brings the partners into the state that `about`
    describes and gives the Setting; it undoes what it did.
    """

    item: str
    """CHECKLIST/ITEM"""
    verdict: Verdict
    about: str
    """What is (or is not) so in this world, in a few words."""
    setup: Callable[[Path], AbstractContextManager[Setting]]

    @property
    def id(self) -> str:
        """How pytest names it."""
        return f"{self.item}: {self.about} -> {self.verdict}"


def items() -> dict[str, Item]:
    """CHECKLIST/ITEM -> item of the shipped catalog."""
    catalog = load_catalog(SHIPPED)
    return {f"{c.id}/{i.id}": i for c in catalog.checklists for i in c.items}


async def look(item: Item, setting: Setting) -> Seen:
    """What the item's probe sees in this setting."""
    engine = Engine(
        setting.targets, environ=setting.environ, folder=setting.folder, facts=setting.facts
    )
    try:
        return await Round(engine).look(item.probe or {})
    finally:
        await engine.aclose()
