"""What the Deck shows of gauges; imported once they begin, which is after the first paint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from rich.cells import cell_len

from opsdeck.catalog.playbooks import playbook_title
from opsdeck.gauges.gauge import Gauge
from opsdeck.gauges.words import breach_words, sourced_title, worst_words
from opsdeck.screens.gauge_rows import STYLES, level_glyph
from opsdeck.screens.gauge_short import short_rows
from opsdeck.screens.wording import NARROW
from opsdeck.text import visible
from opsdeck.watching import Watching
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Part, Row, fit


def breach_rows(
    watching: Watching,
    config_file: Path | None,
    width: int,
    glyphs: Glyphs,
    most: int,
    inhibited: Mapping[str, str] = MappingProxyType({}),
) -> list[Row]:
    """What is out of bounds, the worst first; its key is `gauge ID`.

    Those whose playbook is `inhibited` (by the one of that title) come last: they are its effect.
    """
    found, now = watching.board.breaches(), watching.now()
    found.sort(key=lambda gauge: gauge.spec.playbook in inhibited)
    rows = [
        _breach_row(
            gauge, now, config_file, width, glyphs, inhibited.get(gauge.spec.playbook or "")
        )
        for gauge in found[:most]
    ]
    if found[most:]:
        more = f"     and {len(found) - most} more gauges: press 3 for all"
        rows.append(Row((Part(more, "dim"),)))
    return rows


def _breach_row(
    gauge: Gauge,
    now: float,
    config_file: Path | None,
    width: int,
    glyphs: Glyphs,
    part_of: str | None = None,
) -> Row:
    level = gauge.level
    head = f"   {level_glyph(glyphs, level)} {level or '':<8} "
    right = ""
    if gauge.spec.playbook:
        title = glyphs.plain(visible(playbook_title(gauge.spec.playbook, config_file)))
        key = "p"
        if part_of is not None:
            key, title = "part of", glyphs.plain(visible(part_of))
        room = width // 3 if width >= NARROW else 0
        right = f"  {key} {fit(title, min(cell_len(title), room), glyphs.ellipsis)} "
    room = width - cell_len(head) - cell_len(right)
    words = visible(breach_words(gauge, now, sourced_title(gauge)))
    words = fit(glyphs.plain(words), room, glyphs.ellipsis)
    strong = "strong" if part_of is None else "dim"
    parts = (Part(head, STYLES[level]), Part(words, strong), Part(right, "dim"))
    return Row(parts, f"gauge {gauge.spec.id}")


def gauge_rows(
    watching: Watching, width: int, glyphs: Glyphs, lines: int, *, trends: bool
) -> tuple[str, list[Row]]:
    """What is wrong in a few words, and the gauges in short."""
    gauges = watching.board.gauges()
    rows = short_rows(gauges, watching.now(), width, glyphs, lines, trends=trends)
    return worst_words(gauges), rows
