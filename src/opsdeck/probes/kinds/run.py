"""Look at OpsDeck's own runs: whether one is complete, how old an item's last word is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from opsdeck.probes.base import Document, Parameter, ProbeError, Target

ABOUT = "looks at a run of OpsDeck's own: its completeness, an item's state and age"
TARGETS: tuple[str, ...] = ()
PARAMETERS = {
    "run": Parameter(
        (str,), "a CHECKLIST (its current run) or a run key such as release/v1/x", required=True
    ),
    "item": Parameter((str,), "the ID of an item in it"),
}


async def look(target: Target, parameters: Mapping[str, Any], timeout_s: float) -> Document:
    """How the run, or the item in it, stands; raises ProbeError where there is none."""
    began = time.perf_counter()
    run, item = str(parameters["run"]), parameters.get("item")
    found = target.facts.run_facts(run, item) if target.facts is not None else None
    if found is None:
        what = f"no item {item} in a run {run}" if item else f"no run {run}"
        raise ProbeError(
            "missing", f"there is {what}: name a checklist of the catalog or a run that was begun"
        )
    return {**found, "latency_ms": round((time.perf_counter() - began) * 1000, 1)}
