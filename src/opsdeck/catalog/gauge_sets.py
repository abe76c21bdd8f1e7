"""The ready-made sets of gauges, by the name that `set = "…"` in a `[[gauge]]` block gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsdeck.catalog import gauge_sets_aws, gauge_sets_services

MadeSet = Callable[[str, Mapping[str, Any], Mapping[str, Any]], list[dict[str, Any]]]
"""Target's name, the block, the target's table -> `[[gauge]]` tables; raises ValueError with what
the block or the target lacks."""

SETS: dict[str, MadeSet] = {**gauge_sets_aws.SETS, **gauge_sets_services.SETS}
