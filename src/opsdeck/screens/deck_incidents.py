"""What the Deck shows of incidents; imported once there is one."""

from __future__ import annotations

from rich.cells import cell_len

from opsdeck.deck import Deck
from opsdeck.incidents.view import open_heads
from opsdeck.screens.incident_rows import STATE_STYLES, elapsed
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Part, Row, fit

MOST = 3


def open_rows(deck: Deck, width: int, glyphs: Glyphs) -> list[Row]:
    """Those that are not resolved, the newest first; their key is `incident ID`."""
    found = open_heads(deck.state)
    rows = []
    for one in found[:MOST]:
        style = STATE_STYLES[one.state]
        head = f"   {glyphs.warn} incident "
        right = f"  {one.state} {elapsed(one.started_at, deck.now())} "
        title = glyphs.plain(visible(f"{one.title} ({one.severity})"))
        body = fit(title, max(8, width - cell_len(head) - cell_len(right)), glyphs.ellipsis)
        line = (Part(head, style), Part(body, "strong"), Part(right, style))
        rows.append(Row(line, f"incident {one.id}"))
    if found[MOST:]:
        more = f"     and {len(found) - MOST} more incidents: press 4 for all"
        rows.append(Row((Part(more, "dim"),)))
    return rows
