"""The styles of the app: read once, and right after every change."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from textual.css import parse as model
from textual.css.stylesheet import StylesheetParseError

from opsdeck.themes import THEMES
from opsdeck.widgets.stylesheet import Sheet
from tests.screens.desk import AppPilot, Desk, until

MODES = {
    "1": "deck",
    "2": "checklists",
    "3": "gauges",
    "4": "playbooks",
    "5": "signoff",
    "6": "journal",
}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The CSS that is parsed from here on, with its place and its rank, as often as it is."""
    seen: list[str] = []
    parse = model.parse

    def watched(*what: Any, **more: Any) -> Any:
        ranked = {name: value for name, value in more.items() if name != "variable_tokens"}
        seen.append(repr((what, ranked)))
        return parse(*what, **more)

    monkeypatch.setattr("textual.css.stylesheet.parse", watched)
    return seen


async def about(pilot: AppPilot, digits: str) -> None:
    """Go from screen to screen by digit."""
    for digit in digits:
        await pilot.press(digit)
        await until(pilot, partial(shows, pilot, MODES[digit]))


def shows(pilot: AppPilot, mode: str) -> bool:
    return pilot.app.current_mode == mode


async def test_no_style_is_read_twice(desk: Desk, parsed: list[str]) -> None:
    # GIVEN an app whose screens were all shown, each twice
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await about(pilot, "234561" * 2)
        # THEN each source was parsed once
        assert parsed
        assert len(parsed) == len(set(parsed))


async def test_another_theme_shows_at_once(desk: Desk, parsed: list[str]) -> None:
    # GIVEN a deck in the dark theme
    async with desk.app().run_test(size=(80, 24)) as pilot:
        app = pilot.app
        dark = app.screen.styles.background
        # WHEN the theme is another
        parsed.clear()
        app.theme = THEMES["light"].name
        # THEN all is read with its colours, and back again
        await until(pilot, lambda: app.screen.styles.background != dark)
        assert parsed
        app.theme = THEMES["dark"].name
        await until(pilot, lambda: app.screen.styles.background == dark)


def test_a_style_that_cannot_be_read_leaves_the_rest_as_it_was() -> None:
    # GIVEN a sheet of one rule
    sheet = Sheet(variables={"colour": "red"})
    sheet.add_source("Label { color: $colour; }", read_from=("a", ""))
    rules = list(sheet.rules)
    # WHEN a source comes that is no CSS
    sheet.add_source("Label { color: nonesuch; }", read_from=("b", ""))
    with pytest.raises(StylesheetParseError):
        sheet.reparse()
    # THEN the one rule stands, and what is broken is not tried again
    sheet.reparse()
    assert sheet.rules == rules
