"""What is agreed to is cut into lines that together are it, to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from opsdeck.widgets import lines
from opsdeck.widgets.lines import wrap, wrap_exact

texts = st.text(alphabet="ab   -;'\"\\$日本é│\u0301\u200d\u00a0👩", max_size=200)


@settings(max_examples=500)
@given(text=texts, width=st.integers(-3, 50))
def test_the_pieces_are_the_text_and_none_is_too_wide(text: str, width: int) -> None:
    # GIVEN any text WHEN it is cut for any width
    pieces = wrap_exact(text, width)
    # THEN nothing is lost, added or moved
    assert "".join(pieces) == text
    # AND every piece has its room: two cells at least, for a wide character needs them
    assert all(cell_len(piece) <= max(2, width) for piece in pieces)
    # AND none is empty but that of an empty text
    assert pieces == [""] or all(pieces)


@settings(max_examples=300)
@given(words=st.lists(st.sampled_from(["a", "bb", "日本", "ccc", "-rf"]), max_size=40))
def test_words_that_fit_are_not_cut(words: list[str]) -> None:
    # GIVEN words of which each fits, with two blanks between them
    text = "  ".join(words)
    # WHEN they are cut THEN every piece but the last ends behind a blank
    assert all(piece.endswith(" ") for piece in wrap_exact(text, 12)[:-1])


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("", 10, [""]),
        ("short", 10, ["short"]),
        ("just ten c", 10, ["just ten c"]),
        ("two  blanks", 20, ["two  blanks"]),
        ("two  blanks  in it", 8, ["two  ", "blanks  ", "in it"]),
        ("    two words", 12, ["    two ", "words"]),
        ("    indented word", 10, ["    indent", "ed word"]),
        ("          x", 4, ["    ", "    ", "  x"]),
        ("trailing   ", 8, ["trailing", "   "]),
        ("xxxxxxxxxxxx", 5, ["xxxxx", "xxxxx", "xx"]),
        ("日本日本", 3, ["日", "本", "日", "本"]),
        ("日本", 0, ["日", "本"]),
        ("\u200d\u200d;日", 2, ["\u200d\u200d;", "日"]),
    ],
)
def test_where_it_is_cut(text: str, width: int, expected: list[str]) -> None:
    assert wrap_exact(text, width) == expected


def test_prose_is_wrapped_otherwise() -> None:
    # Why there are two: prose may lose blanks, a command must not
    assert wrap("two  blanks", 20) == ["two blanks"]
    assert wrap_exact("two  blanks", 20) == ["two  blanks"]


def test_a_long_word_is_cut_where_the_line_ends() -> None:
    # GIVEN a line without a blank, as long as a page of base64
    text = "x" * 20_000
    pieces = wrap_exact(text, 76)
    assert "".join(pieces) == text
    assert len(pieces) == -(-len(text) // 76)


def test_a_very_long_line_is_measured_about_as_often_as_it_is_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN a hostile command of one line
    measured = 0

    def counting(text: str) -> int:
        nonlocal measured
        measured += len(text)
        return cell_len(text)

    monkeypatch.setattr(lines, "cell_len", counting)
    text = "x y" * 50_000
    # WHEN it is cut THEN no piece costs more for what is behind it
    assert "".join(wrap_exact(text, 76)) == text
    assert measured < 8 * len(text)
