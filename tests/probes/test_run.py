"""The kind that looks at OpsDeck's own runs."""

from __future__ import annotations

from pathlib import Path

from opsdeck.probes.base import Document
from tests.probes.partners_local import document, see


class Facts:
    """One run with one item."""

    def run_facts(self, run: str, item: str | None) -> Document | None:
        if run != "backup-strategy" or item not in (None, "restore-tested"):
            return None
        if item is None:
            return {"complete": False, "open": 2, "failed": 1, "state": "failed"}
        return {"state": "attested", "age_s": 86_400.0, "by": "ada"}


async def test_a_run_and_an_item(tmp_path: Path) -> None:
    # GIVEN runs that OpsDeck knows
    run = await document("run", tmp_path, target="", facts=Facts(), run="backup-strategy")
    item = await document(
        "run", tmp_path, target="", facts=Facts(), run="backup-strategy", item="restore-tested"
    )
    # THEN what it knows is the document
    assert (run["complete"], run["open"], run["failed"]) == (False, 2, 1)
    assert (item["state"], item["age_s"], item["by"]) == ("attested", 86_400.0, "ada")
    assert isinstance(item["latency_ms"], float)


async def test_no_such_run(tmp_path: Path) -> None:
    for facts in (None, Facts()):
        seen = await see("run", tmp_path, target="", facts=facts, run="nothing", item="x")
        assert seen.cause == "missing"
        assert "no item x in a run nothing" in seen.message
