"""Commands of a playbook in the app: dry by default, run at a clear word, both ends kept."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from textual.widgets import TextArea

from opsdeck.incidents.trust import PlaybookTrust
from opsdeck.journal import events as ev
from opsdeck.screens.command import CommandScreen
from opsdeck.screens.confirm import Confirm
from opsdeck.screens.incident import IncidentScreen
from opsdeck.screens.prompt import Prompt
from opsdeck.screens.running import Edit
from tests.probes.partners_mongo import Proxy, current_op
from tests.screens.desk import app_of, asked, listed, says, shown, to_row, until
from tests.screens.incident_desk import (
    PLAYBOOK,
    IncidentDesk,
    desk_with,
    drill,
    fill,
    in_front,
    incident_screen,
    ran,
    start_drill,
    to_command,
    told,
    trust,
)

__all__ = ["drill"]


async def test_enter_shows_and_runs_nothing(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "look-first", 0)
        await pilot.press("enter")
        await until(pilot, in_front(pilot, CommandScreen))
        await until(pilot, lambda: says(pilot, "echo hello world | tee -a said"))
        assert says(pilot, "not run yet: r runs it, esc goes back")
        assert not (drill.folder / "said").exists()
        assert drill.happened(ev.COMMAND_BEGAN) == []


async def test_r_runs_what_was_trusted_and_keeps_both_ends(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "look-first", 0)
        # WHEN r is pressed for the first time THEN all commands of the file are shown
        await pilot.press("r")
        await asked(pilot, "Look first: Say hello (only looks; runs on r alone)")
        # AND esc trusts nothing
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "not trusted: nothing of it can be run"))
        assert not (drill.folder / "said").exists()
        # WHEN it is trusted THEN what only looks is run at once
        await pilot.press("r")
        await trust(pilot)
        await ran(pilot, "ended with 0")
        assert says(pilot, "hello world")
        assert (drill.folder / "said").read_text() == "hello world\n"
        [began], [ended] = drill.happened(ev.COMMAND_BEGAN), drill.happened(ev.COMMAND_ENDED)
        assert (began.data["text"], began.data["cwd"]) == (
            "echo hello world | tee -a said",
            str(drill.folder),
        )
        assert began.clock < ended.clock
        assert (ended.data["outcome"], ended.data["exit_code"]) == ("exited", 0)
        assert ended.data["output"] == "hello world\n"
        # AND the step counts as begun
        assert drill.incident().walks["drill"].step("look-first").state == "doing"
        # AND it is not asked for again
        await pilot.press("r")
        await until(pilot, lambda: len(drill.happened(ev.COMMAND_ENDED)) == 2, 10)


async def test_a_changed_playbook_shows_what_changed(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "look-first", 0)
        await pilot.press("r")
        await trust(pilot)
        await ran(pilot, "ended with 0")
        await pilot.press("escape")
        # GIVEN somebody who edits the file
        drill.file.write_text(PLAYBOOK.replace("hello {{who}}", "HELLO {{who}}"))
        await until(pilot, in_front(pilot, IncidentScreen))
        app_of(pilot).show_changes(None)
        await until(pilot, lambda: says(pilot, "HELLO"))
        await to_command(pilot, "look-first", 0)
        # WHEN it is run again THEN the difference is shown first
        await pilot.press("r")
        await asked(pilot, "This is what changed")
        assert says(pilot, "+echo HELLO {{who}} | tee -a said")
        assert says(pilot, "-echo hello {{who}} | tee -a said")
        assert (drill.folder / "said").read_text() == "hello world\n"
        await pilot.press("escape")
        await until(pilot, in_front(pilot, IncidentScreen))
        playbook = app_of(pilot).walks.walking.playbook("drill")
        assert playbook is not None
        assert PlaybookTrust({"XDG_DATA_HOME": str(drill.folder.parent / "data")}).state(
            playbook
        ) == ("changed")


async def test_the_word_must_be_typed(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "act-on-it", 0)
        await pilot.press("r")
        await trust(pilot)
        # THEN what it lacks is asked for, then its word
        await until(pilot, lambda: told(pilot, "Restart needs them."))
        await fill(pilot, "api; touch evil")
        await until(pilot, lambda: says(pilot, "Type restart to run it"))
        assert says(pilot, "echo restarting 'api; touch evil' >> ran")
        # WHEN another one is typed THEN nothing is run
        await fill(pilot, "yes")
        await until(pilot, lambda: says(pilot, "that is not restart"))
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "nothing is run"))
        assert not (drill.folder / "ran").exists()
        # WHEN it is typed THEN it is run, and the value was nothing but text
        await pilot.press("r")
        await until(pilot, lambda: says(pilot, "Type restart to run it"))
        await fill(pilot, "restart")
        await ran(pilot, "ended with 0")
        assert (drill.folder / "ran").read_text() == "restarting api; touch evil\n"
        assert not (drill.folder / "evil").exists()


async def test_what_may_change_something_asks(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "act-on-it", 1)
        await pilot.press("r")
        await trust(pilot)
        await asked(pilot, "Run this on this machine?")
        # Enter is a habit: it is no answer
        await pilot.press("enter", "escape")
        await until(pilot, lambda: says(pilot, "nothing is run"))
        assert not (drill.folder / "ran").exists()
        await pilot.press("r")
        await asked(pilot, "Run this on this machine?")
        await pilot.press("y")
        await ran(pilot, "ended with 0")
        assert (drill.folder / "ran").read_text() == "careful\n"


@pytest.mark.parametrize("flag", [True, False], ids=["--read-only", "read_only in [deck]"])
async def test_read_only_runs_nothing(drill: IncidentDesk, flag: bool) -> None:
    app = drill.app(read_only=not flag)
    app.deck.read_only_asked = flag
    async with app.run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "look-first", 0)
        await pilot.press("r")
        await until(pilot, lambda: says(pilot, "read-only: nothing can be run here"))
        assert not isinstance(pilot.app.screen, Confirm)
        # AND that is said before anybody tries
        assert shown(pilot)[0].startswith(" OpsDeck")
        assert "alice (read-only)" in shown(pilot)[0]
        await pilot.press("enter")
        await until(pilot, lambda: says(pilot, "not run yet: read-only: nothing is run"))
        assert drill.happened(ev.COMMAND_BEGAN) == []


async def test_it_is_stopped(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "act-on-it", 2)
        await pilot.press("r")
        await trust(pilot)
        await ran(pilot, "is running")
        await until(pilot, lambda: says(pilot, "begun"), 10)
        # WHEN q is pressed to leave the app THEN that is asked twice
        await pilot.press("ctrl+q")
        await until(pilot, lambda: says(pilot, "Long still runs: q once more leaves"))
        # AND r does not run it a second time
        await pilot.press("r")
        await until(pilot, lambda: says(pilot, "it is running: x stops it"))
        await pilot.press("x")
        await until(pilot, lambda: says(pilot, "was stopped"), 15)
        assert [h.data["outcome"] for h in drill.happened(ev.COMMAND_ENDED)] == ["stopped"]


async def test_it_is_edited_for_this_session(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "look-first", 0)
        await pilot.press("e")
        await until(pilot, in_front(pilot, Edit))
        area = pilot.app.screen.query_one(TextArea)
        area.text = "   "
        await pilot.press("ctrl+s")
        await until(pilot, lambda: says(pilot, "the command is empty"))
        area.text = "echo bye {{who}}"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: says(pilot, "edited in this session"))
        await pilot.press("r")
        await trust(pilot)
        # THEN it is asked about, whatever its playbook says of its risk
        await asked(pilot, "Run this on this machine?")
        await pilot.press("y")
        await ran(pilot, "bye world")
        assert [h.data["text"] for h in drill.happened(ev.COMMAND_BEGAN)] == ["echo bye world"]
        assert drill.file.read_text() == PLAYBOOK


async def test_variables_are_set_ahead(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "look-first", 0)
        await pilot.press("v")
        await fill(pilot, "all of you")
        await until(pilot, lambda: says(pilot, "echo hello 'all of you'"))
        assert drill.incident().variables == {"who": "all of you"}


async def test_r_acts_on_the_step_that_is_shown(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        # GIVEN the cursor on the first step's command
        screen = await start_drill(pilot)
        await to_command(pilot, "look-first", 0)
        await pilot.press("escape")
        # WHEN another step is gone to, and r typed before that step is shown
        screen.pane("steps").action_move(1)
        await pilot.press("r")
        # THEN the cursor goes to that step's command, and r again is needed for it
        await until(pilot, lambda: says(pilot, "r again runs the command"))
        assert says(pilot, "$ Restart")
        assert drill.happened(ev.COMMAND_BEGAN) == []
        await pilot.press("r")
        await trust(pilot)
        await until(pilot, lambda: told(pilot, "Restart needs them."))


HOSTILE = "\x1b[2J[red]boo[/]\u202eevil\x9b31m"


async def test_hostile_text_is_shown_harmlessly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a playbook and a command's output that would steer the terminal
    text = (
        f"# T{HOSTILE}\n\n## S{HOSTILE}\n\nBody{HOSTILE} [link{HOSTILE}](#nowhere)\n\n"
        f"- [ ] tick{HOSTILE}\n\n| a{HOSTILE} | b |\n|---|---|\n| {HOSTILE} | 2 |\n\n"
        f'```sh name="N{HOSTILE}" risk="none"\n'
        "printf '\\033[2J[red]boo[/]\\n\\n'; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo z\n"
        "```\n"
    )
    desk = desk_with(tmp_path, monkeypatch, text)
    async with desk.app().run_test(size=(80, 40)) as pilot:
        await until(pilot, lambda: app_of(pilot).begun)
        app_of(pilot).open_mode("playbooks")
        await until(pilot, lambda: "playbook drill" in listed(pilot).keys)
        await to_row(pilot, "playbook drill")
        await pilot.press("i")
        await fill(pilot, "A title")
        await until(pilot, in_front(pilot, IncidentScreen))
        await until(pilot, lambda: says(pilot, "tick"))
        await pilot.press("enter", "r", "r")
        await trust(pilot)
        await ran(pilot, "ended with 0")
        await pilot.press("end")
        await until(pilot, lambda: says(pilot, "z"))
        await pilot.press("escape")
        await until(pilot, in_front(pilot, IncidentScreen))
        # THEN nothing that is shown, and nothing sent to the terminal, has it as it was
        for character in ("\x1b", "\u202e", "\x9b"):
            assert not any(character in line for line in shown(pilot))
        assert any("[red]boo[/]" in line for line in shown(pilot))
        # AND what is kept is bounded
        [ended] = desk.happened(ev.COMMAND_ENDED)
        assert ended.data["output_bytes"] > 3_000_000
        line = json.dumps(ended.data)
        assert len(line) < 20_000


OPERATION = {
    "opid": 481033,
    "active": True,
    "op": "query",
    "ns": "app.posts",
    "secs_running": 41,
    "client": "10.0.0.7:51514",
    "planSummary": "COLLSCAN",
    "command": {"find": "posts", "filter": {"token": "s3cr3t-value"}},
}
OPERATIONS = """# Drill

## Only step

```toml probe
title = "Slow operations"
kind = "mongodb"
target = "mongodb"
look = "operations"
show = "long_running"
columns = ["opid", "running_s", "ns", "plan"]
```
"""


async def test_an_operation_is_ended_after_its_text_was_shown_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a server on which one runs long. The partner has no operations of its own: a proxy
    # before it tells of one, and answers killOp.
    desk = desk_with(tmp_path, monkeypatch, OPERATIONS)
    killed: list[object] = []

    def kill(command: dict[str, object], _real: object) -> dict[str, object]:
        killed.append(command.get("op"))
        return {"ok": 1.0, "info": "attempting to kill op"}

    patches = {**current_op([OPERATION]), "killOp": kill}
    with Proxy(patches) as proxy:
        targets = {"mongodb": {"kind": "mongodb", "uri": proxy.uri()}}
        async with desk.app(targets=targets).run_test(size=(120, 30)) as pilot:
            screen = await start_drill(pilot)
            page = screen.pane("page")
            await until(pilot, lambda: "row 0 0" in page.keys, 20)
            assert [line.split() for line in page.plain_lines() if "481033" in line] == [
                ["481033", "41", "app.posts", "COLLSCAN"]
            ]
            page.focus()
            page.want("row 0 0")
            await until(pilot, lambda: page.key == "row 0 0")
            # WHEN it is chosen THEN its text is read anew and shown; esc ends nothing
            await pilot.press("r")
            await asked(pilot, "db.killOp(481033)")
            assert says(pilot, "posts")
            await pilot.press("escape")
            await until(pilot, lambda: says(pilot, "nothing is ended"))
            assert killed == []
            # WHEN y is pressed THEN it is ended, and both ends are on the timeline
            await pilot.press("r")
            await asked(pilot, "db.killOp(481033)")
            await pilot.press("y")
            await until(pilot, lambda: len(desk.happened(ev.COMMAND_ENDED)) == 1, 10)
            assert killed == [481033]
            [began] = desk.happened(ev.COMMAND_BEGAN)
            assert "db.killOp(481033)" in began.data["text"]
            [ended] = desk.happened(ev.COMMAND_ENDED)
            assert ended.data["output"] == "attempting to kill op"


async def test_what_only_prompts_is_not_left_behind(drill: IncidentDesk) -> None:
    async with drill.app().run_test(size=(80, 24)) as pilot:
        # GIVEN a form that was given up WHEN the key is pressed again THEN it opens again
        await start_drill(pilot)
        for _ in range(2):
            await pilot.press("n")
            await until(pilot, in_front(pilot, Prompt))
            await pilot.press("escape")
            await until(pilot, in_front(pilot, IncidentScreen))
        assert incident_screen(pilot).here() is not None


async def test_on_a_full_disk_nothing_is_begun_and_no_end_is_lost(
    drill: IncidentDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with drill.app().run_test(size=(80, 24)) as pilot:
        await start_drill(pilot)
        await to_command(pilot, "act-on-it", 2)
        app = app_of(pilot)
        # There is no full disk to be had here: the one seam is the system call of the writer.
        with monkeypatch.context() as patch:
            # GIVEN a command that runs
            await pilot.press("r")
            await trust(pilot)
            await ran(pilot, "is running")
            await until(pilot, lambda: says(pilot, "begun"), 10)
            # WHEN it is full when the command ends THEN that is said, and its end waits
            patch.setattr("opsdeck.journal.writing.os.fsync", refuse)
            (drill.folder / "go").touch()
            await until(pilot, lambda: says(pilot, "NOT SAVED: 1 act"), 10)
            assert says(pilot, "is running")
            # AND it is not said again and again
            for _ in range(3):
                app.walks._settled_at = float("-inf")
                app.walks.follow()
                await pilot.pause(0.1)
            assert len(app.unsaved) == 1
            # AND nothing else can be begun meanwhile
            await pilot.press("escape")
            await until(pilot, in_front(pilot, IncidentScreen))
            await to_command(pilot, "look-first", 0)
            await pilot.press("r")
            await until(pilot, lambda: says(pilot, "nothing is run: not saved"))
            assert len(app.unsaved) == 1
            assert not (drill.folder / "said").exists()
        # WHEN there is room again THEN how it ended is saved
        await pilot.press("ctrl+r")
        await until(pilot, lambda: drill.happened(ev.COMMAND_ENDED), 10)
        assert [h.data["exit_code"] for h in drill.happened(ev.COMMAND_ENDED)] == [0]
        # AND what was not begun is not said to have been
        assert [h.data["name"] for h in drill.happened(ev.COMMAND_BEGAN)] == ["Long"]
