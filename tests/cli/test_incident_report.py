"""`opsdeck report INCIDENT`: named by its id or the beginning of it, in four formats."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from opsdeck.deck import Deck
from opsdeck.incidents import acts
from tests.cli.conftest import CommandLine
from tests.cli.test_completion import offered
from tests.cli.test_hostile import HOSTILE as OBEYED
from tests.incidents.outage import HOSTILE, ID, START, suffered
from tests.screens.desk import Desk

FORMS = ("md", "html", "json", "csv")


@pytest.fixture
def deck(opsdeck: CommandLine, tmp_path: Path) -> Deck:
    """The same deck, on which there was an incident full of hostile text."""
    desk = Desk(tmp_path, now=START)
    opened = desk.deck()
    desk.clock.forward(minutes=-3)
    suffered(opened, desk.clock, HOSTILE)
    return opened


@pytest.mark.parametrize("form", FORMS)
def test_each_format_is_whole_and_harmless(opsdeck: CommandLine, deck: Deck, form: str) -> None:
    result = opsdeck("report", ID, "--format", form)
    assert (result.code, result.err) == (0, "")
    assert "Pool exhausted" in result.out
    assert OBEYED.findall(result.out) == []


def test_each_format_is_what_it_says(opsdeck: CommandLine, deck: Deck) -> None:
    assert opsdeck("report", ID).out.startswith(f"# Post-incident report: Pool exhausted ({ID})\n")
    assert opsdeck("report", ID, "--format", "html").out.startswith("<!DOCTYPE html>\n")
    assert json.loads(opsdeck("report", ID, "--format", "json").out)["id"] == ID
    rows = list(csv.reader(opsdeck("report", ID, "--format", "csv").lines))
    assert {len(row) for row in rows} == {8}
    assert {row[0] for row in rows} == {"incident", ID}


def test_the_beginning_of_an_id_is_enough(opsdeck: CommandLine, deck: Deck) -> None:
    whole = opsdeck("report", ID).out
    for word in ("2026-11-23", "2", f" {ID} "):
        assert opsdeck("report", word).out == whole


def test_the_beginning_of_several_is_not(opsdeck: CommandLine, deck: Deck) -> None:
    # GIVEN another incident of the same minute
    deck.record(*acts.start(f"{ID}b", title="Another", operator="bob"))
    # THEN their common beginning is refused with their names, and the ids themselves are not
    result = opsdeck("report", "2026-11")
    assert (result.code, result.out) == (64, "")
    assert ID in result.err
    assert f"{ID}b" in result.err
    assert "Pool exhausted" in opsdeck("report", ID).out
    assert "Another" in opsdeck("report", f"{ID}b").out


def test_releases_and_checklists_go_before_beginnings(opsdeck: CommandLine, deck: Deck) -> None:
    assert opsdeck("release", "start", "2026-11").code == 0
    assert opsdeck("report", "2026-11").out.startswith("# Release 2026-11\n")
    assert opsdeck("report", "release/2026-11").out.startswith("# Release 2026-11\n")
    assert opsdeck("report", "daily-operations").out.startswith("# Daily")


@pytest.mark.parametrize("word", ["", " ", "2025", f"{ID}x", "2026-11-23/x"])
def test_what_is_none_is_told(opsdeck: CommandLine, deck: Deck, word: str) -> None:
    result = opsdeck("report", word)
    assert (result.code, result.out) == (64, "")


def test_only_incidents_are_reported_as_html(opsdeck: CommandLine, deck: Deck) -> None:
    result = opsdeck("report", "infrastructure", "--format", "html")
    assert (result.code, result.out) == (64, "")
    opsdeck("release", "start", "v1")
    result = opsdeck("report", "infrastructure", "--format", "html")
    assert (result.code, result.out) == (64, "")
    assert "'infrastructure' is neither an incident nor" in result.err


def test_into_a_file(opsdeck: CommandLine, deck: Deck) -> None:
    for form in FORMS:
        target = opsdeck.folder / f"x.{form}"
        result = opsdeck("report", "2026", "--format", form, "-o", target.name)
        assert result.out == f"reported incident {ID} to x.{form}\n"
        assert target.stat().st_mode & 0o777 == 0o600
    assert json.loads((opsdeck.folder / "x.json").read_text())["state"] == "resolved"
    assert (opsdeck.folder / "x.html").read_text().endswith("</html>\n")


def test_nothing_is_written_to_the_deck(opsdeck: CommandLine, deck: Deck) -> None:
    before = sorted(p.name for p in opsdeck.home.iterdir())
    assert opsdeck("report", ID).code == 0
    assert sorted(p.name for p in opsdeck.home.iterdir()) == before


def test_incidents_are_offered(opsdeck: CommandLine, deck: Deck) -> None:
    assert offered(opsdeck, "opsdeck report 2") == [ID]
    assert offered(opsdeck, "opsdeck list items --run 2") == []
    assert "infrastructure" in offered(opsdeck, "opsdeck report infra")
