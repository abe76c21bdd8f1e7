"""Every sensed item proves what its words say: it passes where they hold and fails where not."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import tests.worlds as here
from opsdeck.checks.judge import judge
from tests.worlds.harness import World, items, look

ITEMS = items()
DOMAINS = [m.name for m in pkgutil.iter_modules(here.__path__) if m.name != "test_worlds"]
WORLDS: list[World] = [
    world
    for name in DOMAINS
    for world in getattr(importlib.import_module(f"tests.worlds.{name}"), "WORLDS", [])
]
IN_THE_CLOUD = [
    world.item for world in WORLDS if (ITEMS[world.item].probe or {}).get("kind") == "aws"
]
CASES = [
    pytest.param(world, marks=[pytest.mark.slow] if world.item in IN_THE_CLOUD else [], id=world.id)
    for world in WORLDS
]
"""Those of AWS take a third of the time of all fast tests, so they are run with the slow ones."""


@pytest.mark.parametrize("world", CASES)
async def test_item_in_its_world(world: World, tmp_path: Path) -> None:
    # GIVEN a world with real partners
    item = ITEMS[world.item]
    assert item.probe is not None, f"{world.item} has no probe"
    with world.setup(tmp_path) as setting:
        # WHEN the item's own probe looks and its own expectations judge
        seen = await look(item, setting)
    # THEN it could look, and the verdict is what the world deserves
    if world.verdict == "unknown":
        assert (seen.document, seen.cause) == (None, "missing"), seen
        return
    assert seen.document is not None, f"could not look ({seen.cause}): {seen.message}"
    judged = judge(item.expect, seen.document)
    refused = [f"{j.expression} failed: {j.found}" for j in judged if not j.holds]
    verdict = "failed" if refused else "passed"
    assert verdict == world.verdict, f"{refused}\n{seen.document}"
