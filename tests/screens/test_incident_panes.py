"""The panes of an incident: keys act on the step under the cursor alone, and each can be read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.geometry import Region

from opsdeck.journal import events as ev
from opsdeck.screens.incident import IncidentScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.widgets.panes import Pane
from tests.probes.partners_http import Asked, Partner, json_reply
from tests.screens.desk import AppPilot, row, says, until
from tests.screens.incident_desk import (
    PLAYBOOK,
    IncidentDesk,
    desk_with,
    drill,
    fill,
    in_front,
    incident_screen,
    start_drill,
)

__all__ = ["drill"]

SLOW = """# Drill

## Look first

Nothing to look at.

## Act on it

```toml probe
title = "The queue"
kind = "http"
target = "web"
timeout = 60
show = "body"
```
"""


async def to_no_step(pilot: AppPilot) -> None:
    """The steps' cursor on `another playbook`, the last of its rows."""
    steps = incident_screen(pilot).pane("steps")
    steps.focus()
    await pilot.press("end")
    await until(pilot, lambda: steps.has_focus and (steps.key or "").partition(" ")[0] != "step")


@pytest.mark.parametrize("rests", [True, False], ids=["rested", "at once"])
@pytest.mark.parametrize(
    "key", ["space", *(pytest.param(key, marks=pytest.mark.slow) for key in "sfr")]
)
async def test_on_a_row_that_is_no_step_keys_act_on_none(
    drill: IncidentDesk, key: str, rests: bool
) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        # GIVEN a step that is shown, and the cursor on a row that is none
        screen = await start_drill(pilot)
        await until(pilot, lambda: says(pilot, "Read before you act."))
        await to_no_step(pilot)
        if rests:
            await until(pilot, lambda: says(pilot, "choose a step at the left"))
        # WHEN a key is pressed that acts on a step
        await pilot.press(key)
        # THEN that is said, and nothing is done
        await until(pilot, lambda: says(pilot, "no step is chosen"))
        assert isinstance(pilot.app.screen, IncidentScreen)
        assert drill.happened(ev.INCIDENT_STEP) == []
        assert screen.here() is None
        assert says(pilot, "choose a step at the left")


async def test_back_on_a_step_keys_act_on_it(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        # GIVEN the cursor on a row that is no step WHEN it goes back to one
        screen = await start_drill(pilot)
        await to_no_step(pilot)
        await until(pilot, lambda: says(pilot, "choose a step at the left"))
        screen.pane("steps").want("step act-on-it")
        await until(pilot, lambda: says(pilot, "$ Restart"))
        # THEN keys act on that one
        await pilot.press("s")
        await fill(pilot, "not needed")
        await until(pilot, lambda: "skipped" in row(pilot, "2 Act on it"))
        await until(pilot, lambda: screen.here()[1].id == "see-that-it-worked")  # type: ignore[index]
        await pilot.press("space")
        await until(pilot, lambda: "done" in row(pilot, "3 See that"))
        await pilot.press("f")
        await until(pilot, in_front(pilot, Prompt))
        await pilot.press("escape")
        await until(pilot, in_front(pilot, IncidentScreen))
        steps = drill.incident().walks["drill"].steps
        assert {key: step.state for key, step in steps.items()} == {
            "act-on-it": "skipped",
            "see-that-it-worked": "done",
        }


class Held:
    """A service that answers once it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked = threading.Event()
        self.partner = Partner(self._answer)

    def _answer(self, _: Asked) -> bytes:
        self.asked.set()
        self.go.wait()
        return json_reply('{"waiting": 7}')


@pytest.fixture
def held() -> Iterator[Held]:
    found = Held()
    yield found
    found.go.set()
    found.partner.close()


async def test_while_diagnostics_run_the_step_says_so(
    held: Held, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_with(tmp_path, monkeypatch, SLOW)
    targets = {"web": {"kind": "web", "url": held.partner.url}}
    async with desk.app(targets=targets).run_test(size=(80, 24)) as pilot:
        screen = await start_drill(pilot)
        await until(pilot, lambda: says(pilot, "Nothing to look at."))
        # WHEN a step opens whose diagnostic takes its time
        playbook = screen.playbook()
        assert playbook is not None
        screen.go_to(playbook, playbook.steps[1])
        # THEN its page says at once that it is looking, without a key
        assert says(pilot, "The queue  looking")
        await until(pilot, lambda: held.asked.is_set(), 20)
        assert says(pilot, "The queue  looking")
        assert not says(pilot, "c looks")
        # AND WHEN the answer is there THEN it is shown, with the time
        held.go.set()
        await until(pilot, lambda: says(pilot, "waiting"), 20)
        await until(pilot, lambda: says(pilot, "The queue  seen "))


def region_of(pilot: AppPilot, name: str) -> Region:
    """Where a pane is on the screen, as far as it can be seen."""
    screen = incident_screen(pilot)
    return screen.find_widget(screen.pane(name)).visible_region


async def resized(pilot: AppPilot, width: int, height: int) -> None:
    """The window has another size, and all is laid out for it."""
    await pilot.resize_terminal(width, height)
    await until(pilot, lambda: pilot.app.screen.size == (width, height))


@pytest.mark.parametrize("size", [(40, 12), (20, 8)], ids=["40x12", "20x8"])
async def test_in_a_tiny_window_the_focused_pane_has_the_room(
    drill: IncidentDesk, size: tuple[int, int]
) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        # GIVEN an incident in a tiny window
        screen = await start_drill(pilot)
        await resized(pilot, *size)
        panes = screen.query_one("#panes")
        for name in ("steps", "page", "timeline", "steps"):
            # THEN the pane with the focus has all of its width and most of its height
            await until(pilot, lambda n=name: screen.pane(n).has_focus)  # type: ignore[misc]
            await until(pilot, lambda n=name: region_of(pilot, n).width == size[0])  # type: ignore[misc]
            await until(
                pilot,
                lambda n=name: 2 * region_of(pilot, n).height > panes.size.height,  # type: ignore[misc]
            )
            # AND WHEN tab is pressed THEN the next one has it
            await pilot.press("tab")


async def test_in_a_tiny_window_a_step_can_be_read_and_done(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(40, 12)) as pilot:
        screen = await start_drill(pilot)
        # WHEN a step is opened THEN its page is what is read
        await pilot.press("enter")
        page = screen.pane("page")
        await until(pilot, lambda: page.has_focus and page.size.width > 30)
        shown = page.plain_lines()[page.top : page.top + page.size.height]
        await until(pilot, lambda: any("Read before you act." in line for line in shown))
        # AND WHEN it is done THEN the next one comes
        await pilot.press("escape", "space")
        await until(pilot, lambda: screen.here()[1].id == "act-on-it")  # type: ignore[index]


def first_shown(pane: Pane) -> bool:
    """Whether a pane shows its rows from the first on."""
    return pane.top == 0 and pane.size.height >= min(pane.line_count, 8)


@pytest.mark.parametrize("name", ["steps", "page", "timeline"])
@pytest.mark.parametrize(
    "tiny", [(40, 12), pytest.param((20, 8), marks=pytest.mark.slow)], ids=["40x12", "20x8"]
)
async def test_a_window_that_was_tiny_shows_the_steps_from_the_top(
    drill: IncidentDesk, tiny: tuple[int, int], name: str
) -> None:
    drill.file.write_text(PLAYBOOK + "".join(f"\n## More {n}\n\nMore.\n" for n in range(20)))
    async with drill.app().run_test(size=(80, 24)) as pilot:
        # GIVEN the cursor on the first step of many, in a window of the usual size
        screen = await start_drill(pilot)
        screen.pane(name).focus()
        steps = screen.pane("steps")
        await until(pilot, lambda: first_shown(steps) and screen.pane(name).has_focus)
        regions = [region_of(pilot, each) for each in ("steps", "page", "timeline")]
        # WHEN it is made tiny, and as large as before
        await resized(pilot, *tiny)
        await until(pilot, lambda: region_of(pilot, name).width == tiny[0])
        await resized(pilot, 80, 24)
        # THEN everything is where it was, and the steps are shown from the first on
        await until(
            pilot,
            lambda: [region_of(pilot, e) for e in ("steps", "page", "timeline")] == regions,
        )
        await until(pilot, lambda: first_shown(steps))
        assert steps.key == "step look-first"
        assert row(pilot, "1 Look first")
