"""What gauges ask of a look, and what it brings them. `opsdeck.checks.reader` carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

IN_ONE_CALL = "cloudwatch"
"""The kind of probe of which many looks are one question."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one look brought for one gauge: a number, or why there is none.

    `cause` is that of a ProbeError, `offline`, or `value` where the document has no such number;
    `document` is what the probe saw, bounded and without secrets.
    """

    value: float | None = None
    cause: str | None = None
    message: str = ""
    document: dict[str, Any] | None = None
    took_ms: float = 0.0
    observed_s: float | None = None
    """When it was so, seconds since the epoch, where that is not the time of the look."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A look, and the JMESPath expressions of the numbers that are read from what it sees."""

    probe: dict[str, Any]
    values: tuple[str, ...]
    whole: bool = False
    """Whether the document comes along in full: for who shows it rather than a number of it."""
    refusal: str | None = None
    """Why it must not be carried out: nobody agreed to it."""


OnReadings = Callable[[int, list[Reading]], None]
"""Is told the number of the look, and a reading for each of its values."""
