"""What of a line is sent again: all that changed, no half of a wide character, little else."""

from __future__ import annotations

import io
import itertools

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from opsdeck.widgets.diff import APART, cells_of, changed_spans
from opsdeck.widgets.lines import Line, Part
from opsdeck.widgets.narrow import NarrowUpdate

WIDTH = 40
texts = st.text(alphabet="ab 0│█…日本é", max_size=30)
parts = st.builds(Part, texts, st.sampled_from(["", "bad", "dim", "alarm"]))
lines = st.lists(parts, max_size=4).map(tuple)
STYLES = {"": Style(), "bad": Style(color="red"), "dim": Style(color="blue")}
STYLES["alarm"] = Style(bgcolor="red")


@pytest.mark.parametrize(
    ("before", "after", "spans"),
    [
        ("CPU 10 %", "CPU 10 %", []),
        ("CPU 10 %", "CPU 12 %", [(5, 6)]),
        ("CPU", "CPU 12 %", [(4, 8)]),
        ("CPU 12 %", "", [(0, 8)]),
        ("a" + "." * 30 + "b", "x" + "." * 30 + "y", [(0, 1), (31, 32)]),
        ("a....b", "x....y", [(0, 6)]),
        ("日本", "日木", [(2, 4)]),
        ("日本", "a本", [(0, 4)]),
    ],
)
def test_only_what_changed(before: str, after: str, spans: list[tuple[int, int]]) -> None:
    assert changed_spans((Part(before),), (Part(after),), WIDTH) == spans


def test_colour_alone_is_a_change_but_not_on_blanks() -> None:
    assert changed_spans((Part("ab c", "bad"),), (Part("ab c"),), WIDTH) == [(0, 4)]
    assert changed_spans((Part("a", "bad"), Part("   ", "bad")), (Part("a", "bad"),), WIDTH) == []
    assert changed_spans((Part("   ", "alarm"),), (Part("   "),), WIDTH) == [(0, 3)]


@given(lines, lines)
def test_the_spans_cover_every_change_and_cut_no_character(before: Line, after: Line) -> None:
    spans = changed_spans(before, after, WIDTH)
    old, new = cells_of(before, WIDTH), cells_of(after, WIDTH)
    covered = {x for start, end in spans for x in range(start, end)}
    assert all(x in covered for x in range(WIDTH) if old[x] != new[x])
    assert all(0 <= start < end <= WIDTH for start, end in spans)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    for start, end in spans:
        assert old[start][0]
        assert new[start][0]
        assert end == WIDTH or (old[end][0] and new[end][0])
        # AND what is sent without having changed is never a long stretch
        same = [x for x in range(start, end) if old[x] == new[x]]
        assert len(same) <= APART * max(1, len(range(start, end)) - len(same))


def strip_of(line: Line) -> Strip:
    """A line as a widget paints it, without combining marks that a terminal may place anyhow."""
    text = "".join(part.text for part in line)
    if cell_len(text) > WIDTH:
        return Strip([Segment(set_cell_size(text, WIDTH))], WIDTH)
    return Strip([Segment(p.text, STYLES[p.style]) for p in line]).adjust_cell_length(WIDTH)


def painted(*writes: str) -> list[str]:
    """A row of a terminal after these were written to it."""
    screen = pyte.Screen(WIDTH, 1)
    stream = pyte.Stream(screen)
    for write in writes:
        stream.feed(write)
    return [
        f"{screen.buffer[0][x].data}/{screen.buffer[0][x].fg}/{screen.buffer[0][x].bg}"
        for x in range(WIDTH)
    ]


@settings(max_examples=300)
@given(lines, lines)
def test_an_update_of_the_spans_ends_as_a_full_paint_does(before: Line, after: Line) -> None:
    # GIVEN a terminal that shows the old line
    before, after = _short(before), _short(after)
    console = Console(file=io.StringIO(), color_system="truecolor", force_terminal=True)
    start = f"\x1b[H{strip_of(before).render(console)}"
    whole = f"\x1b[H{strip_of(after).render(console)}"
    # WHEN only what changed is sent
    spans = [(0, x1, x2) for x1, x2 in changed_spans(before, after, WIDTH)]
    update = NarrowUpdate([{0: strip_of(after)}], spans, [[WIDTH]])
    sent = update.render_segments(console) if spans else ""
    # THEN it shows what a full paint would have shown
    old, new = painted(start, sent), painted(start, whole)
    assert [c.split("/")[0] for c in old] == [c.split("/")[0] for c in new]
    inked = [x for x in range(WIDTH) if new[x].split("/")[0].strip()]
    assert [old[x] for x in inked] == [new[x] for x in inked]


def _short(line: Line) -> Line:
    """As much of it as fits, as the screens see to."""
    found, room = [], WIDTH
    for part in line:
        if cell_len(part.text) > room:
            break
        found.append(part)
        room -= cell_len(part.text)
    return tuple(found)
