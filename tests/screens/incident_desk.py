"""A desk with a playbook of its own, and an incident that walks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from opsdeck.deck import Deck
from opsdeck.incidents.model import Incident
from opsdeck.incidents.view import incident_of
from opsdeck.journal.happenings import Happening
from opsdeck.screens.command import CommandScreen
from opsdeck.screens.incident import IncidentScreen
from opsdeck.screens.prompt import Prompt
from tests.screens.desk import AppPilot, Desk, app_of, asked, says, shown, to_row, until

PLAYBOOK = """+++
title = "Drill"
severity = "critical"
gauges = ["queue"]
inhibits = ["other"]
[variables]
who = "world"
+++
# Drill

## Look first

Read before you act.

```toml probe
title = "This machine"
kind = "host"
target = "host"
parts = []
top = 2
show = "top.by_memory"
columns = ["pid", "memory_bytes", "name"]
```

- [ ] Seen it
- [ ] Told them

```sh name="Say hello" risk="none"
echo hello {{who}} | tee -a said
```

Still bad? [Act](#act-on-it). Or [the other one](other.md).

## Act on it

```sh name="Restart" risk="drops requests" confirm="restart" timeout="20s"
echo restarting {{service}} >> ran
```

```sh name="Careful" risk="costs a little"
echo careful >> ran
```

```sh name="Long" risk="none"
echo begun; while [ ! -e go ]; do sleep 0.05; done; echo through
```

## See that it worked

Good when the queue is short.
"""
OTHER = "# Other\n\n## Only step\n\nDo nothing.\n"


class IncidentDesk:
    """A deck whose `runbooks/` has `drill` and `other`."""

    def __init__(self, folder: Path, playbook: str = PLAYBOOK) -> None:
        self.folder = folder
        self.desk = Desk(folder)
        (folder / "opsdeck.toml").write_text("")
        (folder / "runbooks").mkdir()
        self.file = folder / "runbooks" / "drill.md"
        self.file.write_text(playbook, encoding="utf-8")
        (folder / "runbooks" / "other.md").write_text(OTHER)

    def app(self, **options: Any) -> Any:
        """An app on this deck."""
        return self.desk.app(**options)

    def on_disk(self) -> Deck:
        """The deck as a process sees it that starts now."""
        return self.desk.deck(writer="reader@x")

    def incident(self) -> Incident:
        """The newest incident, as it is on disk."""
        deck = self.on_disk()
        found = incident_of(deck.state.incidents, max(deck.state.incidents.heads))
        assert found is not None
        return found

    def happened(self, kind: str) -> list[Happening]:
        """What of one type is on disk of the newest incident."""
        return [h for h in self.incident().happenings if h.type == kind]


def incident_screen(pilot: AppPilot) -> IncidentScreen:
    """The incident in front."""
    screen = pilot.app.screen
    assert isinstance(screen, IncidentScreen)
    return screen


def told(pilot: AppPilot, text: str) -> bool:
    """Whether the screen says this, on however many lines."""
    return text in " ".join(" ".join(shown(pilot)).split())


def in_front(pilot: AppPilot, kind: type) -> Callable[[], bool]:
    """Whether such a screen is in front."""
    return lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted


async def start_drill(pilot: AppPilot) -> IncidentScreen:
    """Screen 4, `i` on the playbook, enter three times."""
    await until(pilot, lambda: app_of(pilot).begun)
    await pilot.press("4")
    await until(pilot, lambda: says(pilot, "Drill"))
    await to_row(pilot, "playbook drill")
    await pilot.press("i")
    await take_form(pilot)
    await until(pilot, lambda: says(pilot, "incident started"))
    return incident_screen(pilot)


async def take_form(pilot: AppPilot) -> None:
    """The form in front is recorded as it is."""
    await fill(pilot)


async def fill(pilot: AppPilot, *texts: str) -> None:
    """Fill the form in front, line by line, and record it."""
    await until(pilot, in_front(pilot, Prompt))
    await until(pilot, lambda: isinstance(pilot.app.focused, Input))
    for line, text in zip(pilot.app.screen.query(Input), texts, strict=False):
        line.value = text
    for _ in pilot.app.screen.query(Input):
        await pilot.press("enter")


async def to_command(pilot: AppPilot, step: str, number: int) -> None:
    """The cursor on a command of a step."""
    screen = incident_screen(pilot)
    screen.pane("steps").want(f"step {step}")
    await until(pilot, lambda: screen.here() is not None and screen.here()[1].id == step)  # type: ignore[index]
    await until(pilot, lambda: f"command {number}" in screen.pane("page").keys)
    screen.pane("page").focus()
    screen.pane("page").want(f"command {number}")
    await until(pilot, lambda: screen.pane("page").key == f"command {number}")


async def trust(pilot: AppPilot) -> None:
    """y to the question whether this playbook is trusted."""
    await asked(pilot, "Trust the commands")
    await pilot.press("y")


async def ran(pilot: AppPilot, words: str) -> None:
    """The command's screen says this."""
    await until(pilot, lambda: in_front(pilot, CommandScreen)() and says(pilot, words), 10)


def desk_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, playbook: str = PLAYBOOK
) -> IncidentDesk:
    """A desk whose `drill` is this; what is trusted is kept in a folder of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = tmp_path / "deck"
    folder.mkdir()
    return IncidentDesk(folder, playbook)


@pytest.fixture
def drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IncidentDesk:
    """The desk with the playbook that is written here."""
    return desk_with(tmp_path, monkeypatch)
