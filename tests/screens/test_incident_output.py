"""What commands print, what they are given, and what diagnostics saw: all of it can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsdeck.catalog.playbook_read import read_playbook
from opsdeck.incidents import acts
from opsdeck.incidents.commands import KEPT_CHARACTERS, PANE_CHARACTERS
from opsdeck.incidents.found import cell, heading
from opsdeck.incidents.variables import names_in
from opsdeck.journal import events as ev
from opsdeck.screens import walks
from opsdeck.screens.command import CommandScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.screens.reader import Reader
from opsdeck.widgets.lines import LineView
from tests.probes.partners_mongo import Proxy, current_op
from tests.screens.desk import AppPilot, app_of, says, until
from tests.screens.incident_desk import (
    IncidentDesk,
    desk_with,
    fill,
    in_front,
    incident_screen,
    ran,
    start_drill,
    to_command,
    told,
    trust,
)
from tests.screens.test_incident_commands import OPERATION, OPERATIONS

ROOT = Path(__file__).parents[2]
MANY = PANE_CHARACTERS // 64 + 500
PLAYBOOK = f"""# Drill

## Look first

```toml probe
title = "This machine"
kind = "host"
target = "host"
parts = []
top = 2
show = "top.by_memory"
```

```sh name="Much" risk="none"
i=0; while [ $i -lt {MANY} ]; do printf '%063d\\n' $i; i=$((i+1)); done
while [ ! -e go ]; do sleep 0.05; done
echo the very last words
```

## Act on it

```sh name="Bare" risk="none"
echo bare {{{{service}}}} >> ran
```

```sh name="Quoted" risk="none"
echo 'quoted {{{{service}}}}' >> ran
```
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IncidentDesk:
    return desk_with(tmp_path, monkeypatch, PLAYBOOK)


def last_line(pilot: AppPilot) -> str:
    """The last line of the page in front."""
    return pilot.app.screen.query_one("#page", LineView).plain_lines()[-1].strip()


async def test_the_tail_of_long_output_is_shown(
    desk: IncidentDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        # GIVEN a command that has printed more than is held for the screen
        await start_drill(pilot)
        await to_command(pilot, "look-first", 0)
        await pilot.press("r")
        await trust(pilot)
        await until(pilot, in_front(pilot, CommandScreen), 10)
        await until(pilot, lambda: last_line(pilot) == f"{MANY - 1:063d}", 60)
        # WHEN it goes on, and ends before that was shown (it is a few times a second at most)
        monkeypatch.setattr(walks, "SHOW_EVERY_S", 60.0)
        (desk.folder / "go").touch()
        await ran(pilot, "ended with 0")
        # THEN its last words are there
        await until(pilot, lambda: last_line(pilot) == "the very last words")
        assert says(pilot, "only its end is shown")
    # AND the next session shows what was kept of it, and says that this is the end of it
    [ended] = desk.happened(ev.COMMAND_ENDED)
    assert len(ended.data["output"]) <= KEPT_CHARACTERS < ended.data["output_bytes"]
    async with desk.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app_of(pilot).begun)
        app_of(pilot).open_incident(desk.incident().id)
        await until(pilot, lambda: bool(incident_screen(pilot).here()))
        await to_command(pilot, "look-first", 0)
        await pilot.press("enter")
        await until(pilot, in_front(pilot, CommandScreen))
        await until(pilot, lambda: last_line(pilot) == "the very last words")
        assert says(pilot, "only its end is shown")


@pytest.mark.parametrize("value", ["", " ", "   \u00a0"])
async def test_an_empty_value_is_refused_in_the_form(desk: IncidentDesk, value: str) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        # GIVEN a command that needs a value WHEN its form is left empty
        await start_drill(pilot)
        await to_command(pilot, "act-on-it", 0)
        await pilot.press("r")
        await trust(pilot)
        await until(pilot, lambda: told(pilot, "Bare needs them."))
        await fill(pilot, value)
        # THEN the form says why it cannot be, and stays
        await until(pilot, lambda: told(pilot, "{{service}} is empty"))
        assert in_front(pilot, Prompt)()
        assert desk.incident().variables == {}
        assert not (desk.folder / "ran").exists()
        # AND WHEN there is a value THEN it is saved, and the command run with it
        await fill(pilot, "api")
        await ran(pilot, "ended with 0")
        assert desk.incident().variables == {"service": "api"}
        assert (desk.folder / "ran").read_text() == "bare api\n"


async def test_a_value_that_cannot_stand_there_is_refused_in_the_form(desk: IncidentDesk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        # GIVEN a placeholder within quotes WHEN a value would end them
        await start_drill(pilot)
        await to_command(pilot, "act-on-it", 1)
        await pilot.press("r")
        await trust(pilot)
        await until(pilot, lambda: told(pilot, "Quoted needs them."))
        await fill(pilot, "x; touch y")
        # THEN the form says so, and nothing is saved or run
        await until(pilot, lambda: told(pilot, "stands where another shell or program may read it"))
        assert in_front(pilot, Prompt)()
        assert desk.incident().variables == {}
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "nothing is run"))
        assert desk.happened(ev.COMMAND_BEGAN) == []
        assert desk.happened(ev.INCIDENT_VARIABLE) == []
        assert not (desk.folder / "y").exists()


async def test_a_command_says_that_a_saved_value_cannot_stand_there(desk: IncidentDesk) -> None:
    async with desk.app().run_test(size=(80, 30)) as pilot:
        await start_drill(pilot)
        # GIVEN a value that somebody else saved, which is none for this command
        bob = desk.desk.deck("bob", "box@two")
        bob.record(acts.variable(desk.incident(), "service", "x; touch y"))
        await to_command(pilot, "act-on-it", 1)
        # THEN its step says so, and so does its page
        await until(pilot, lambda: told(pilot, "cannot be run: the value of {{service}}"))
        await pilot.press("enter")
        await until(pilot, in_front(pilot, CommandScreen))
        await until(pilot, lambda: told(pilot, "cannot be run: the value of {{service}}"))
        assert says(pilot, "echo 'quoted {{service}}' >> ran")
        # AND r runs nothing
        await pilot.press("r")
        await trust(pilot)
        await until(pilot, lambda: says(pilot, "may read it anew"))
        assert desk.happened(ev.COMMAND_BEGAN) == []
        # AND the other command, to which it is one word, says nothing of the kind
        await pilot.press("escape")
        await to_command(pilot, "act-on-it", 0)
        await pilot.press("enter")
        await until(pilot, in_front(pilot, CommandScreen))
        await until(pilot, lambda: says(pilot, "echo bare 'x; touch y' >> ran"))
        assert not told(pilot, "cannot be run")


async def to_row(pilot: AppPilot) -> None:
    """The cursor on the first row of the step's first table."""
    page = incident_screen(pilot).pane("page")
    await until(pilot, lambda: "row 0 0" in page.keys, 20)
    page.focus()
    page.want("row 0 0")
    await until(pilot, lambda: page.key == "row 0 0")


async def test_a_row_is_opened_whole(desk: IncidentDesk) -> None:
    async with desk.app().run_test(size=(80, 24)) as pilot:
        # GIVEN a table with more columns than there is room for
        screen = await start_drill(pilot)
        await to_row(pilot)
        [found] = app_of(pilot).walks.found.values()
        row = found[0].raw[0]
        head = next(x for x in screen.pane("page").plain_lines() if "memory" in x and " +" in x)
        left_out = [name for name in row if heading(name) not in head]
        assert left_out
        # WHEN enter is pressed on a row THEN all of it is there, and nothing is run
        await pilot.press("enter")
        await until(pilot, in_front(pilot, Reader))
        for name, value in row.items():
            await until(pilot, lambda n=name: says(pilot, heading(n)))  # type: ignore[misc]
            assert told(pilot, " ".join(cell(value, name).split())), name
        assert not says(pilot, "ends it")
        await pilot.press("escape")
        await until(pilot, lambda: incident_screen(pilot) is screen)


WIDER = OPERATIONS.replace('"plan"]', '"plan", "client", "op"]')


async def test_a_row_of_operations_says_that_r_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a server on which one runs long (its proxy tells of one), in a narrow window
    desk = desk_with(tmp_path, monkeypatch, WIDER)
    with Proxy(dict(current_op([OPERATION]))) as proxy:
        targets = {"mongodb": {"kind": "mongodb", "uri": proxy.uri()}}
        async with desk.app(targets=targets).run_test(size=(80, 24)) as pilot:
            screen = await start_drill(pilot)
            await to_row(pilot)
            page = screen.pane("page").plain_lines()
            # THEN what ends it is in sight, and what is not is one key away
            assert any(line.split()[:1] == ["481033"] for line in page)
            assert not any("10.0.0.7:51514" in line for line in page)
            await pilot.press("enter")
            await until(pilot, in_front(pilot, Reader))
            await until(pilot, lambda: told(pilot, "481033"))
            for text in ("10.0.0.7:51514", "app.posts", "COLLSCAN", "query"):
                assert says(pilot, text)
            assert says(pilot, "r on its row ends it, after one more question")
            assert desk.happened(ev.COMMAND_BEGAN) == []


def test_shipped_tables_of_operations_begin_with_what_ends_them() -> None:
    # GIVEN the shipped playbooks
    tables, asked = [], []
    for file in sorted((ROOT / "runbooks").glob("*.md")):
        playbook = read_playbook(file.read_bytes(), file.stem, file.name)
        for step in playbook.steps:
            columns = [probe.columns for probe in step.probes if "long_running" in probe.show]
            tables += [(file.stem, step.id, each) for each in columns]
            if "opid" in names_in(command.text for command in step.commands):
                asked.append((file.stem, step.id, columns))
    # THEN opid is the first column wherever operations are listed: a narrow window keeps it
    assert len(tables) >= 2
    assert [found for found in tables if found[2] and found[2][0] != "opid"] == []
    # AND a command that needs one stands below a table that shows it
    assert asked
    assert [found for found in asked if not any(c[:1] == ("opid",) for c in found[2])] == []
