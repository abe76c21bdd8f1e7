"""The ready-made item of the documents: what it proves of certbot's timer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opsdeck.catalog.load import load_catalog, shipped_checklists_path
from opsdeck.checks.judge import judge
from opsdeck.probes.engine import Engine, Round

FORMAT = Path(__file__).parents[2] / "docs" / "catalog-format.md"
GOOD = """\
Result=success
LastTriggerUSec=Wed 2026-11-25 03:12:07 UTC
Id=certbot.timer
ActiveState=active
UnitFileState=enabled

Result=success
Id=certbot.service
ActiveState=inactive
UnitFileState=static
"""


@pytest.mark.parametrize(
    ("told", "passes"),
    [
        (GOOD, True),
        (GOOD.replace("Wed 2026-11-25 03:12:07 UTC", ""), False),
        (GOOD.replace("Wed 2026-11-25 03:12:07 UTC", "n/a"), False),
        (GOOD.replace("=active", "=inactive"), False),
        (GOOD.replace("enabled", "disabled"), False),
        (GOOD.replace("\nResult=success\nId=", "\nResult=exit-code\nId="), False),
        ("Id=certbot.timer\nActiveState=inactive\nUnitFileState=\n", False),
    ],
)
async def test_certbot_renews_by_its_timer(told: str, passes: bool, tmp_path: Path) -> None:
    # GIVEN the item as the document has it, and a systemctl that tells this
    text = FORMAT.read_text(encoding="utf-8").partition("renewed by certbot")[2]
    example = re.search(r"^```toml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert example is not None
    team = tmp_path / "checklists.toml"
    team.write_text(example[1], encoding="utf-8")
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{told}END\n", encoding="utf-8")
    program.chmod(0o755)
    checklist = load_catalog(shipped_checklists_path(), team).checklist("infrastructure")
    item = checklist.item("cert-renewal") if checklist else None
    assert item is not None
    assert item.probe is not None
    engine = Engine({}, environ={"PATH": f"{tmp_path}:/usr/bin:/bin"}, folder=tmp_path)
    # WHEN it looks and judges
    try:
        seen = await Round(engine).look(item.probe)
    finally:
        await engine.aclose()
    # THEN it passes only where the timer does what it should
    assert seen.document is not None, seen.message
    assert all(one.holds for one in judge(item.expect, seen.document)) is passes
