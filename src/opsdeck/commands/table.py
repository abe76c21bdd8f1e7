"""Rows of text as aligned columns that fit the width at hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

from opsdeck.text import cells, cut, visible

NARROWEST = 40
_LAST_AT_LEAST = 16
"""So many cells the last column keeps before the others are cut."""


def width() -> int | None:
    """How many cells a line may have: `COLUMNS`, else the terminal's; None: as many as it takes."""
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given) > 0:
        return max(NARROWEST, int(given))
    try:
        if sys.stdout.isatty():
            return max(NARROWEST, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError, AttributeError):
        return None
    return None


def columns(rows: Iterable[Sequence[str]], limit: int | None, indent: int = 2) -> list[str]:
    """Rows as aligned lines of at most `limit` cells; the last column gives way first.

    Every value is made harmless. Columns that are empty in every row are left out.
    """
    table = [[visible(value) for value in row] for row in rows]
    if not table:
        return []
    natural = [max(cells(row[n]) for row in table) for n in range(len(table[0]))]
    shown = [n for n, size in enumerate(natural) if size]
    sizes = [natural[n] for n in shown]
    if limit is not None and sizes:
        sizes = _squeezed(sizes, limit - indent - 2 * (len(sizes) - 1))
    lines = []
    for row in table:
        parts = [cut(row[n], size) for n, size in zip(shown, sizes, strict=True)]
        padded = [
            part + " " * (size - cells(part)) for part, size in zip(parts, sizes, strict=True)
        ]
        lines.append((" " * indent + "  ".join(padded)).rstrip())
    return lines


def _squeezed(sizes: list[int], room: int) -> list[int]:
    """Sizes that fit: the last column shrinks to its least, then the widest of all do."""
    *others, last = sizes
    last = max(min(last, room - sum(others)), min(last, _LAST_AT_LEAST))
    squeezed = [*others, last]
    while sum(squeezed) > room and max(squeezed) > 1:
        squeezed[squeezed.index(max(squeezed))] -= 1
    return squeezed
