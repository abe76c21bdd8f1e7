"""Text from outside steers no terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from opsdeck.text import ascii_only, plural, storable, visible, visible_lines
from opsdeck.widgets.glyphs import ASCII, UNICODE, bar
from opsdeck.widgets.lines import fit, wrap

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("a\x9b31mb", "a�31mb"),
        ("a\tb\r\nc", "a b  c"),
        ("\x00\x07\x7f", "␀␇␡"),
        ("user\u202egnp.exe", "user�gnp.exe"),
        ("\u2066x\u2069\u200f", "�x��"),
        ("\ud800", "�"),
        ("[/] [red]x[/red]", "[/] [red]x[/red]"),
        ("é 日本 e\u0301 ☁\ufe0f ✓", "é 日本 e\u0301 ☁\ufe0f ✓"),
        ("rm\u200b\u2060 a\u00adb\U000e0061", "rm�� a�b�"),
        ("👩\u200d🚀", "👩�🚀"),
    ],
)
def test_controls_are_made_visible_and_the_rest_stays(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(max_size=80))
def test_nothing_visible_is_a_control(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert visible(shown) == shown
    assert len(shown) == len(text)


@given(text=st.text("ab \u200d\ufe0f\u0301日│👩🏽🇩☁", max_size=40), width=st.integers(1, 20))
def test_whatever_is_joined_to_nothing_can_be_painted(text: str, width: int) -> None:
    # GIVEN any text from outside WHEN it is cut as screens cut it
    shown = visible(text)
    strip = Strip([Segment(shown[:5]), Segment(shown[5:])])
    # THEN nothing raises (Rich 15 does so on stray joiners), and all has its room
    assert cell_len(fit(shown, width)) == width
    assert all(cell_len(line) <= max(width, 2) for line in wrap(shown, width))
    assert strip.crop(1, 1 + width).cell_length <= width
    assert strip.adjust_cell_length(width).cell_length == width


def test_lines_are_made_visible_one_by_one() -> None:
    assert visible_lines("a\tb\n\x1b[2J\r\nc\rd\n") == ["a   b", "␛[2J", "c", "d"]
    # AND what ends a line for some programs only is a character in it
    assert visible_lines("# c\u2028rm\x0bx\x85y") == [visible("# c\u2028rm\x0bx\x85y")]
    assert visible_lines("a\n\n") == ["a", ""]
    assert visible_lines("") == []


@given(TEXTS)
def test_ascii_only_is(text: str) -> None:
    assert ascii_only(text).isascii()


def test_ascii_keeps_what_it_can() -> None:
    assert ascii_only("> 30 d – “café” ≥ 2 × µ…") == '> 30 d - "cafe" >= 2 x u~'
    assert ascii_only("日本") == "??"


@given(st.text(max_size=80))
def test_what_is_storable_is_unicode(text: str) -> None:
    assert storable(text).encode("utf-8").decode("utf-8").strip() == storable(text)


@given(TEXTS.map(visible), st.integers(0, 40), st.sampled_from(["…", "~"]))
def test_fitted_text_has_exactly_its_cells(text: str, width: int, ellipsis: str) -> None:
    assert cell_len(fit(text, width, ellipsis)) == width


@given(TEXTS.map(visible), st.integers(2, 40))
def test_wrapped_text_fits_and_loses_no_letter(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_word_of_10_000_characters_wraps() -> None:
    lines = wrap("x" * 10_000, 76)
    assert len(lines) == 132
    assert "".join(lines) == "x" * 10_000


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_bar_is_full_only_when_all_is_done(done: int, more: int) -> None:
    total = done + more
    drawn = bar(UNICODE, done, total)
    assert len(drawn) == 8
    assert (UNICODE.empty not in drawn) == (total > 0 and done == total)
    assert (UNICODE.full in drawn) == (done > 0)


def test_every_glyph_is_one_cell_and_has_an_ascii_twin() -> None:
    for one, twin in zip(_glyphs(UNICODE), _glyphs(ASCII), strict=True):
        assert cell_len(one) == 1
        assert unicodedata.east_asian_width(one[0]) not in ("W", "F")
        assert twin.isascii()
        assert twin


def _glyphs(glyphs: object) -> list[str]:
    fields = [getattr(glyphs, name) for name in glyphs.__struct_fields__]  # type: ignore[attr-defined]
    states = [glyph for field in fields if isinstance(field, dict) for glyph in field.values()]
    heights: list[str] = list(glyphs.heights)  # type: ignore[attr-defined]
    single = [f for f in fields if isinstance(f, str) and len(f) != len(heights)]
    return states + single + heights


def test_words_are_counted() -> None:
    assert (plural(1, "item"), plural(1200, "item")) == ("1 item", "1,200 items")
    assert plural(2, "entry", "entries") == "2 entries"
