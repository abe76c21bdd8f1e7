"""A command that needs the terminal gets it, and gives it back."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.terminal.session import Session, environment, opened

pytestmark = pytest.mark.slow

PLAYBOOK = """# Drill

## Only step

```sh name="Ask" interactive risk="none"
read -p "which? " which; echo "got $which" > answer; exit 3
```
"""


def events(home: Path) -> list[dict[str, Any]]:
    """Everything in the journal."""
    files = (home / "deck" / "journal").glob("*.jsonl")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def ended(home: Path) -> list[dict[str, Any]]:
    return [e["data"] for e in events(home) if e["type"] == "command.ended"]


def asked(session: Session) -> None:
    """The command's question stands on a line of its own."""
    end = time.monotonic() + 30
    while not any(line.startswith("which?") for line in session.lines()):
        assert time.monotonic() < end, "\n".join(session.lines())
        session.read()


def to_the_step(session: Session) -> None:
    """Start an incident with the playbook, and stand at its step."""
    session.wait("NOW")
    session.type("4")
    session.wait("Security Breach")
    session.type("/", *"drill", "enter")
    session.type("i")
    session.wait("Start an incident")
    session.type("enter", "enter", "enter")
    session.wait("$ Ask")


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_it_gets_the_terminal_and_gives_it_back(tmp_path: Path) -> None:
    # GIVEN an incident at a step with such a command
    (tmp_path / "opsdeck.toml").write_text('[deck]\nname = "drill"\n')
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "drill.md").write_text(PLAYBOOK.replace("```sh", "```bash"))
    environ = environment(tmp_path, XDG_DATA_HOME=str(tmp_path / "data"))
    with opened(tmp_path, environ=environ) as session:
        to_the_step(session)
        # WHEN it is run THEN its question stands on the terminal, with what is run
        session.type("r", "r")
        session.wait("Trust the commands")
        session.type("y")
        asked(session)
        assert ended(tmp_path) == []
        # AND what is typed goes to it
        session.type(*"two", "enter")
        # AND the app comes back, and says how it ended
        session.wait("ended with 3")
        session.wait("esc back")
        assert (tmp_path / "answer").read_text() == "got two\n"
        [found] = ended(tmp_path)
        assert (found["outcome"], found["exit_code"], found["output"]) == ("exited", 3, "")
        session.type("escape", "escape", "escape", "q")
        assert session.ended() == 0
        assert session.restored()


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_a_dropped_line_during_it_is_told_as_unknown(tmp_path: Path) -> None:
    (tmp_path / "opsdeck.toml").write_text('[deck]\nname = "drill"\n')
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "drill.md").write_text(PLAYBOOK.replace("```sh", "```bash"))
    environ = environment(tmp_path, XDG_DATA_HOME=str(tmp_path / "data"))
    with opened(tmp_path, environ=environ) as session:
        to_the_step(session)
        session.type("r", "r")
        session.wait("Trust the commands")
        session.type("y")
        asked(session)
        # GIVEN a session that is killed meanwhile
        session.kill(signal.SIGKILL)
        session.ended()
    # WHEN the next one begins THEN it stands there, and nobody pretends to know how it ended
    with opened(tmp_path, environ=environ) as session:
        session.wait("$ Ask")
        session.wait("ended unknown")
        assert [found["outcome"] for found in ended(tmp_path)] == ["unknown"]
        assert not (tmp_path / "answer").exists()
