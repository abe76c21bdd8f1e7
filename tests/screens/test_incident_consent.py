"""What is agreed to before a command runs: all of it, to the letter, beside where one agrees."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widget import Widget
from textual.widgets import Input

from opsdeck.journal import events as ev
from opsdeck.screens.prompt import Prompt
from opsdeck.widgets.lines import LineView
from tests.screens.desk import AppPilot, asked, says, until
from tests.screens.incident_desk import (
    IncidentDesk,
    desk_with,
    fill,
    in_front,
    ran,
    start_drill,
    to_command,
    trust,
)

EXACT = """mkdir -p out
cat > 'out/two  blanks' <<'END'
    indented:  yes
  - a   b

   日本  {}   and a line that is so long that no window of this width shows it in one piece
END
printf '%s|' "a  b"   'c   d'  > out/words"""
LONG = "\n".join(f"echo line {number} >> ran" for number in range(1, 26))
COMMANDS = f"""# Drill

## Only step

```sh name="Careful" risk="costs a little"
{EXACT}
```

```sh name="Typed" risk="drops requests" confirm="restart"
{EXACT}
```

```sh name="Long" risk="drops requests" confirm="restart"
{LONG}
```
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IncidentDesk:
    """A playbook with a command that has blanks of every kind, and a long one."""
    return desk_with(tmp_path, monkeypatch, COMMANDS)


def code_of(pilot: AppPilot) -> str:
    """What would be run, put together again from the lines that show it."""
    found: list[str] = []
    for line in pilot.app.screen.query_one("#acts", LineView)._lines:
        begins = any("│" in part.text for part in line if part.style == "dim")
        for part in line:
            if part.style == "code":
                found.append(part.text) if begins else found.append(found.pop() + part.text)
    return "\n".join(found)


def seen_whole(pilot: AppPilot, widget: Widget) -> bool:
    """Whether all of a widget is on the screen."""
    screen = pilot.app.screen
    region = screen.find_widget(widget).region
    inside = screen.find_widget(widget).visible_region == region
    return region.area > 0 and inside and screen.region.contains_region(region)


def can_be_answered(pilot: AppPilot) -> bool:
    """Whether title, the line to type in and the keys are all on the screen."""
    views = [view for view in pilot.app.screen.query(LineView) if view.id != "acts"]
    lines = list(pilot.app.screen.query(Input))
    return bool(lines) and all(seen_whole(pilot, each) for each in [*views, *lines])


def count(pilot: AppPilot) -> int:
    """How many lines there are of it, with what a small window puts above them."""
    return pilot.app.screen.query_one("#acts", LineView).line_count


def shown_first(pilot: AppPilot) -> list[str]:
    """The first of its lines, as many as there is room for."""
    acts = pilot.app.screen.query_one("#acts", LineView)
    return acts.plain_lines()[: acts.size.height]


def on_screen(pilot: AppPilot) -> list[str]:
    """The lines of what would be run that can be seen now."""
    acts = pilot.app.screen.query_one("#acts", LineView)
    assert seen_whole(pilot, acts)
    return acts.plain_lines()[acts.top : acts.top + acts.size.height]


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_what_asks_for_y_is_shown_to_the_letter(
    desk: IncidentDesk, size: tuple[int, int]
) -> None:
    async with desk.app().run_test(size=size) as pilot:
        # GIVEN a command with a here-document, indentation and blanks that count
        await start_drill(pilot)
        await to_command(pilot, "only-step", 0)
        # WHEN it is to be run THEN it stands there to the letter, and nothing is run yet
        await pilot.press("r")
        await trust(pilot)
        await asked(pilot, "Run this on this machine?")
        await until(pilot, lambda: code_of(pilot) == EXACT)
        assert not (desk.folder / "out").exists()
        # AND WHEN y is pressed THEN that is what was run
        await pilot.press("y")
        await ran(pilot, "ended with 0")
        text = EXACT.partition("END'\n")[2].partition("END\n")[0]
        assert (desk.folder / "out" / "two  blanks").read_text() == text
        assert (desk.folder / "out" / "words").read_text() == "a  b|c   d|"
        assert [h.data["text"] for h in desk.happened(ev.COMMAND_BEGAN)] == [EXACT]


async def test_what_is_trusted_is_shown_to_the_letter(desk: IncidentDesk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "only-step", 0)
        await pilot.press("r")
        await asked(pilot, "Trust the commands")
        await until(pilot, lambda: code_of(pilot) == "\n".join([EXACT, EXACT, LONG]))


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_what_asks_for_a_word_is_shown_to_the_letter(
    desk: IncidentDesk, size: tuple[int, int]
) -> None:
    async with desk.app().run_test(size=size) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "only-step", 1)
        await pilot.press("r")
        await trust(pilot)
        await until(pilot, in_front(pilot, Prompt))
        await until(pilot, lambda: code_of(pilot) == EXACT)
        assert not (desk.folder / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_a_long_command_leaves_room_to_answer(
    desk: IncidentDesk, size: tuple[int, int]
) -> None:
    async with desk.app().run_test(size=size) as pilot:
        # GIVEN a command of 25 lines that asks for a word
        await start_drill(pilot)
        await to_command(pilot, "only-step", 2)
        await pilot.press("r")
        await trust(pilot)
        await until(pilot, in_front(pilot, Prompt))
        # THEN title, field and keys are there, and how much of it is seen is said
        await until(pilot, lambda: can_be_answered(pilot))
        await until(
            pilot, lambda: says(pilot, f"lines 1 to {len(on_screen(pilot))} of {count(pilot)}")
        )
        assert count(pilot) == 26 if size == (80, 24) else count(pilot) >= 26
        assert len(on_screen(pilot)) < 26
        # WHEN it is read on THEN its last line comes, while the field keeps the focus
        for _ in range(26):
            await pilot.press("pagedown")
        await until(pilot, lambda: any("echo line 25 " in line for line in on_screen(pilot)))
        assert says(pilot, f"to {count(pilot)} of {count(pilot)}")
        assert isinstance(pilot.app.focused, Input)
        assert can_be_answered(pilot)
        # AND WHEN another word is typed THEN that is said, and all of it is still there
        await fill(pilot, "reboot")
        await until(pilot, lambda: says(pilot, "that is not restart"))
        await until(pilot, lambda: can_be_answered(pilot))
        for _ in range(26):
            await pilot.press("pageup")
        await until(pilot, lambda: says(pilot, "lines 1 to "))
        assert on_screen(pilot) == shown_first(pilot)
        assert not (desk.folder / "ran").exists()
        # AND WHEN the word itself is typed THEN all of it is run
        await fill(pilot, "restart")
        await ran(pilot, "ended with 0")
        assert len((desk.folder / "ran").read_text().splitlines()) == 25
