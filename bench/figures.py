"""A measured figure, its limit, and the table of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "over", "missing", ""]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure: `ours` in `unit`, beside `theirs` where there is something to stand beside.

    `limit` bounds the ratio where there is one, else `ours`; without a limit the figure is for
    information. `ours` is NaN where nothing could be measured. `runs` counts what it is of.
    """

    what: str
    ours: float
    unit: str
    runs: int
    theirs: float | None = None
    ratio: float | None = None
    limit: float | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether the limit is kept."""
        if self.ours != self.ours:
            return "missing"
        if self.limit is None:
            return ""
        return "ok" if (self.ours if self.ratio is None else self.ratio) <= self.limit else "over"

    def cells(self) -> list[str]:
        """The row of it: what, ours, theirs, ratio, limit, runs, verdict."""
        of_ratio = self.ratio is not None
        limit = (
            "" if self.limit is None else f"{self.limit:.2f}x" if of_ratio else _plain(self.limit)
        )
        return [
            self.what,
            f"{_plain(self.ours)} {self.unit}",
            "" if self.theirs is None else f"{_plain(self.theirs)} {self.unit}",
            "" if self.ratio is None else f"{self.ratio:.2f}x",
            limit,
            str(self.runs),
            self.verdict,
        ]


HEAD = ["what", "ours", "theirs", "ratio", "limit", "n", ""]


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned plain text, one a line under a heading."""
    rows = [HEAD, *(f.cells() for f in figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = []
    for row in rows:
        right = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *right, row[-1]]).rstrip())
    return "\n".join(lines)


def paired(
    what: str, unit: str, pairs: Sequence[tuple[float, float]], limit: float | None = None
) -> Figure:
    """Ours beside theirs from alternating runs: medians, and the median of the pairwise ratios."""
    return Figure(
        what=what,
        ours=statistics.median(a for a, _ in pairs),
        theirs=statistics.median(b for _, b in pairs),
        ratio=statistics.median(a / b for a, b in pairs),
        unit=unit,
        limit=limit,
        runs=len(pairs),
    )


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that `percent` of all are not above; NaN of none."""
    found = sorted(values)
    if not found:
        return float("nan")
    return found[max(0, min(len(found), -int(-len(found) * percent // 100)) - 1)]


def at_most(
    what: str, unit: str, values: Sequence[float], limit: float | None = None, percent: float = 50
) -> Figure:
    """A percentile of single figures against an absolute limit."""
    return Figure(
        what=what, ours=percentile(values, percent), unit=unit, limit=limit, runs=len(values)
    )


def _plain(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
