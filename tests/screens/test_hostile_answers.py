"""Whatever the world answers: no screen, no journal, no report and no process breaks of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from opsdeck.app import OpsDeckApp
from opsdeck.checks.result import Result
from opsdeck.deck import open_deck
from opsdeck.journal.store import Journal
from opsdeck.looking import Looks
from opsdeck.reports.check import render
from opsdeck.screens.checklist import ChecklistScreen
from opsdeck.screens.deck import DeckScreen
from opsdeck.screens.evidence import EvidenceScreen, document_lines, expectation_lines
from opsdeck.screens.item_lines import ItemText
from opsdeck.screens.journal import JournalScreen
from opsdeck.screens.reader import Reader
from opsdeck.widgets.glyphs import UNICODE
from opsdeck.widgets.lines import Line, LineView
from tests.checks import tap
from tests.checks.schema import Schema
from tests.cli.conftest import CommandLine
from tests.cli.test_hostile import HOSTILE
from tests.screens.desk import AppPilot, app_of, asked, listed, open_list, says, shown, until
from tests.screens.hostile_world import AWS_KEYS, MARKUP, World, hostile_world

pytestmark = pytest.mark.slow

XSD = Path(__file__).parents[1] / "data" / "junit.xsd"
FORMATS = ("text", "json", "junit", "tap", "nagios")
LARGEST_LINE = 64 * 1024
SIZES = ((80, 24), (120, 40))


@pytest.fixture
def opsdeck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """`opsdeck` in a folder of its own, whose environment this process has as well."""
    made = CommandLine(tmp_path, monkeypatch)
    made.environ |= {**AWS_KEYS, "XDG_DATA_HOME": str(tmp_path / "data")}
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def some(opsdeck: CommandLine) -> Iterator[World]:
    """Those of all kinds, of the many of HTTP every third."""
    with hostile_world(opsdeck.folder, http=slice(2, None, 3)) as found:
        yield found


@pytest.fixture
def world(opsdeck: CommandLine) -> Iterator[World]:
    """All hostile partners, and the deck that looks at them."""
    with hostile_world(opsdeck.folder) as found:
        yield found


def app_on(opsdeck: CommandLine) -> OpsDeckApp:
    """The app as it is started in the folder."""
    deck = open_deck(environ=dict(os.environ), cwd=opsdeck.folder, interactive=True)
    deck.load()
    return OpsDeckApp(deck, UNICODE)


def assert_harmless(text: str) -> None:
    """Nothing in these lines is obeyed by a terminal."""
    assert HOSTILE.findall(text) == []
    text.encode("utf-8")


def assert_lines_harmless(lines: Sequence[Line]) -> None:
    """The same of lines that are yet to be drawn."""
    for line in lines:
        for part in line:
            assert "\n" not in part.text
            assert_harmless(part.text)


def assert_drawn_harmless(pilot: AppPilot) -> None:
    """Neither what is painted now nor what scrolling would bring steers anything."""
    screen = pilot.app.screen
    for strip in screen._compositor.render_strips():
        for segment in strip:
            assert not segment.control
            assert "\n" not in segment.text
            assert_harmless(segment.text)
            if segment.style is not None:
                assert "quit" not in str(segment.style.meta.get("@click", ""))
                assert not segment.style.link
    for view in screen.query(LineView):
        assert_lines_harmless(view._lines)
    assert "Traceback" not in "\n".join(shown(pilot))


async def draw(pilot: AppPilot) -> None:
    """Draw the screen in front at each size and look at every line."""
    for size in SIZES:
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert_drawn_harmless(pilot)


async def check_all(pilot: AppPilot, world: World) -> None:
    """C, y, and wait until everything has its verdict on disk."""
    await open_list(pilot, "bad")
    await pilot.press("C")
    await asked(pilot)
    # The question shows commands with everything in them, and the one about a lacking program.
    await draw(pilot)
    await pilot.press("y")
    checking = app_of(pilot).checking
    # One item names a target that does not exist.
    await until(pilot, lambda: checking.done >= len(world.items) - 1, 40)
    await until(pilot, lambda: not checking.running and says(pilot, "checked "))
    world.end()


async def back_to_list(pilot: AppPilot) -> None:
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(pilot.app.screen, ChecklistScreen))


def assert_every_item_is_harmless(app: OpsDeckApp, world: World) -> None:
    """What the screens of each item would show, at each width."""
    deck = app.deck
    checklist = deck.catalog.checklist("bad")
    assert checklist is not None
    recorded = {r.event.data.get("item"): r.event.data for r in deck.state.recent()}
    assert len(recorded) >= len(world.items) - 1
    for width in (40, 76, 116):
        for item in world.items:
            where = deck.where(checklist, item.name)
            text = ItemText(deck, UNICODE, where)
            assert_lines_harmless([*text.full(width), *text.short(width, 20)])
            evidence = recorded.get(item.name, {}).get("evidence", {})
            assert_lines_harmless(expectation_lines(evidence, UNICODE, width))
            assert_lines_harmless(document_lines(evidence.get("document"), UNICODE, width))


def assert_journal_is_whole(opsdeck: CommandLine, items: int) -> None:
    """Every line is valid JSON of a bounded size, the chain holds, and others can read it."""
    lines = [
        line
        for file in sorted(opsdeck.journal.glob("*.jsonl"))
        for line in file.read_bytes().split(b"\n")
        if line
    ]
    assert len(lines) >= items
    for line in lines:
        assert len(line) < LARGEST_LINE
        assert isinstance(json.loads(line.decode("utf-8")), dict)
    verified = opsdeck("journal", "verify")
    assert (verified.code, verified.err) == (0, "")
    loaded = Journal(opsdeck.home, "reader@elsewhere").load()
    assert loaded.faults == []


KEPT = (
    ("report", "bad"),
    ("report", "bad", "--format", "json"),
    ("report", "bad", "--format", "csv"),
    ("list", "items"),
    ("list", "items", "--json"),
    ("journal", "tail"),
    ("journal", "export"),
)


def assert_told_harmless(opsdeck: CommandLine) -> None:
    """What commands say of a recorded run steers nothing."""
    for command in KEPT:
        told = opsdeck(*command)
        assert (told.code, told.err) == (0, ""), command
        assert_harmless(told.out.replace("\n", ""))
        if "--json" in command or "json" in command:
            json.loads(told.out)


# One of each kind, and of those with the most in them.
DRAWN = re.compile("json-of-e|tls-a-certificate|command-text$|http-words|http-no-such")


async def test_hostile_answers_break_no_screen(opsdeck: CommandLine, some: World) -> None:
    """GIVEN a list of which every item meets somebody hostile."""
    world, app = some, app_on(opsdeck)
    assert len(world.items) > 100
    async with app.run_test(size=(120, 40)) as pilot:
        # WHEN all of it is checked in one go
        await check_all(pilot, world)
        # THEN the list shows it harmless, markup as it is written
        await draw(pilot)
        assert says(pilot, MARKUP)
        assert_every_item_is_harmless(app, world)
        # AND so do the details and the evidence of each kind
        drawn = [item.name for item in world.items if DRAWN.search(item.name)]
        assert len(drawn) == 5
        for name in drawn:
            app.open_checklist("bad", item=name)
            await until(pilot, lambda name=name: listed(pilot).key == name)  # type: ignore[misc]
            assert_drawn_harmless(pilot)
            await pilot.press("e")
            if name.endswith("no-such-target"):
                continue  # there is none: no target, no look
            await until(pilot, lambda: isinstance(pilot.app.screen, EvidenceScreen))
            await until(pilot, lambda: not says(pilot, "reading ..."))
            await draw(pilot)
            await pilot.press("y")
            await back_to_list(pilot)
        # AND the item in full
        app.open_checklist("bad", item=drawn[0])
        await until(pilot, lambda: listed(pilot).key == drawn[0])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        await draw(pilot)
        # AND the Deck, whose NOW and LAST name them
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, DeckScreen))
        await draw(pilot)
        # AND the journal and an event of it as it stands on disk
        await pilot.press("6")
        await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))
        await draw(pilot)
        for _ in range(2):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
            await draw(pilot)
            await pilot.press("escape", "down", "down")
            await until(pilot, lambda: isinstance(pilot.app.screen, JournalScreen))
        # AND keys are answered as ever
        await pilot.press("2")
        await until(pilot, lambda: says(pilot, "Hostile"))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, Reader))
        assert app.is_running
    # AND the journal is whole, for other processes too
    assert_journal_is_whole(opsdeck, len(world.items) - 1)
    assert_told_harmless(opsdeck)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "first"), [(SIZES[0], 0), (SIZES[1], 1)], ids=str)
async def test_hostile_evidence_of_every_item(
    opsdeck: CommandLine, world: World, size: tuple[int, int], first: int
) -> None:
    """GIVEN all of them checked WHEN every other item is walked THEN none steers anything."""
    app = app_on(opsdeck)
    async with app.run_test(size=size) as pilot:
        await check_all(pilot, world)
        await pilot.resize_terminal(*size)
        for item in world.items[first::2]:
            app.open_checklist("bad", item=item.name)
            await until(pilot, lambda item=item: listed(pilot).key == item.name)  # type: ignore[misc]
            assert_drawn_harmless(pilot)
            if item.name.endswith("no-such-target"):
                continue
            await pilot.press("e")
            await until(pilot, lambda: isinstance(pilot.app.screen, EvidenceScreen))
            await until(pilot, lambda: not says(pilot, "reading ..."))
            assert_drawn_harmless(pilot)
            await back_to_list(pilot)


def assert_parses(form: str, out: str, items: int) -> None:
    """What a program that reads this format would make of it."""
    match form:
        case "json":
            assert len(json.loads(out)["results"]) == items
        case "junit":
            assert Schema(XSD).faults(out) == []
            assert len(ElementTree.fromstring(out).findall(".//testcase")) == items
        case "tap":
            assert len(tap.parse(out)) == items
        case "nagios":
            assert out.isascii()
            first = out.splitlines()[0]
            assert first.count("|") == 1
            assert re.search(r"\b(CRITICAL|UNKNOWN)\b", first)
        case _:
            assert f"{items} items" in out or "failed" in out


async def test_hostile_answers_break_no_format(opsdeck: CommandLine, some: World) -> None:
    """GIVEN hostile answers of every kind WHEN they are checked THEN each format holds them."""
    deck = open_deck(environ=dict(os.environ), cwd=opsdeck.folder, interactive=True)
    deck.load()
    looks = Looks(deck, os.environ, jobs=64, timeout_s=0.5)
    subjects = looks.subjects()
    looks.agree(looks.asks(subjects))
    results: list[Result] = []
    await looks.check(subjects, lambda _, result: results.append(result))
    await looks.aclose()
    assert len(results) == len(some.items)
    for form in FORMATS:
        text = render(form, results, shown=results, took_s=1.0, offline_since=None, limit=100)
        assert_harmless(text.replace("\n", ""))
        assert_parses(form, text, len(results))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_hostile_answers_break_no_check(opsdeck: CommandLine, world: World, form: str) -> None:
    """GIVEN all of them WHEN `opsdeck check` looks THEN what it prints is harmless and parses."""
    result = opsdeck("check", "--trust", "--jobs", "64", "--timeout", "0.5", "--format", form)
    assert result.code in (2, 3)
    assert "Traceback" not in result.err
    assert_harmless(result.out.replace("\n", ""))
    assert_harmless(result.err.replace("\n", ""))
    assert_parses(form, result.out, len(world.items))
