"""Ready-made gauges of AWS: what `[[gauge]]` tables with `set = "ec2"` and its like become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

SETS: dict[str, Callable[[str, Mapping[str, Any], Mapping[str, Any]], list[dict[str, Any]]]] = {}
