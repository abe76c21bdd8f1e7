"""What a diagnostic of a step saw, made ready to be read: a table, or a few lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from opsdeck.catalog.playbook import Diagnostic
from opsdeck.checks.judge import value_of
from opsdeck.checks.reading import Reading
from opsdeck.gauges.words import scaled
from opsdeck.text import plural, visible

MOST_ROWS = 50
MOST_COLUMNS = 8
LONGEST_CELL = 200
MOST_LINES = 60
_UNTOLD = ("latency_ms",)
"""Of a document shown whole, what tells nothing of its target."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen. `rows` are cells in the order of `columns`; without columns `lines` are shown.

    `raw` are the rows as the probe gave them; `cause` is why nothing was seen, "" where it was.
    """

    at: datetime
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    raw: tuple[Mapping[str, Any], ...] = ()
    lines: tuple[str, ...] = ()
    more: int = 0
    cause: str = ""

    @property
    def words(self) -> str:
        """It in short, for the timeline: how many rows and the first of them, or the first line."""
        if self.cause:
            return f"could not look: {self.cause}"
        if self.columns:
            count = plural(len(self.rows) + self.more, "row")
            first = ", ".join(
                f"{name} {cell}" for name, cell in zip(self.columns, self.rows[0], strict=True)
            ) if self.rows else ""  # fmt: skip
            return f"{count}; {first}" if first else count
        return "; ".join(self.lines[:3]) or "nothing"


def found_of(diagnostic: Diagnostic, reading: Reading, at: datetime) -> Found:
    """What a look brought, as its playbook wants it shown."""
    if reading.document is None:
        return Found(at=at, cause=reading.message or "nothing was seen")
    value: Any = reading.document
    if diagnostic.show:
        value, why = value_of(diagnostic.show, reading.document)
        if why:
            return Found(at=at, cause=f"show = {diagnostic.show!r} {why}")
    rows = _tables_in(value)
    if rows is not None:
        return _table(rows, diagnostic.columns, at)
    return Found(at=at, lines=tuple(_lines(value)))


def _tables_in(value: Any) -> list[Mapping[str, Any]] | None:
    """The rows of a list of tables; None for anything else."""
    if isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
        return value
    return None


def _table(rows: list[Mapping[str, Any]], wanted: tuple[str, ...], at: datetime) -> Found:
    columns = wanted or tuple(dict.fromkeys(key for row in rows[:MOST_ROWS] for key in row))
    columns = columns[:MOST_COLUMNS]
    shown = rows[:MOST_ROWS]
    if not shown:
        return Found(at=at, lines=("none",))
    cells = tuple(tuple(cell(row.get(name), name) for name in columns) for row in shown)
    return Found(
        at=at,
        columns=tuple(map(heading, columns)),
        rows=cells,
        raw=tuple(shown),
        more=len(rows) - len(shown),
    )


_UNITS = {"_bytes": "", "_percent": " %", "_s": " s", "_ms": " ms"}
"""Ending of a field's name -> the unit that is told in its heading."""


def heading(name: str) -> str:
    """A field's name above its column: `memory_bytes` is told as `memory`, `running_s` as
    `running s`."""
    for ending, unit in _UNITS.items():
        if name.endswith(ending) and len(name) > len(ending):
            name = f"{name.removesuffix(ending)}{unit}"
            break
    return visible(name.replace("_", " "))


def cell(value: Any, name: str = "") -> str:
    """A value in as few characters as it needs; of a field called so."""
    if name.endswith("_bytes") and isinstance(value, int | float) and not isinstance(value, bool):
        return scaled(float(value))
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"
        case int():
            return str(value)
        case str():
            text = value
        case _:
            text = json.dumps(value, ensure_ascii=False, default=str)
    return visible(text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…")


def _lines(value: Any) -> list[str]:
    """A value as lines: `name  value` for a table, one each for a list."""
    if isinstance(value, Mapping):
        pairs = [
            (heading(str(key)), cell(each, str(key)))
            for key, each in value.items()
            if key not in _UNTOLD
        ]
        widest = max((len(key) for key, _ in pairs), default=0)
        lines = [f"{key:<{widest}}  {text}" for key, text in pairs]
    elif isinstance(value, list):
        lines = [cell(each) for each in value] or ["none"]
    else:
        lines = [cell(value)]
    rest = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], f"and {rest} more"] if rest > 0 else lines
