"""An operator at a terminal of 80 by 24, over real SSH: types, and reads the screen."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.drills.drill import Drill
from tests.terminal.session import SRC, Session
from tests.terminal.test_ssh import children

PATIENCE_S = 60.0
CURSOR = "▌"
STEPS_CELLS = 34
"""How wide the steps at the left are; the step's page is right of them."""

needs_ssh = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/usr/sbin/sshd").exists(), reason="needs openssh-server"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="needs an ssh client"),
]
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


def over_ssh(folder: Path, port: int, command: str) -> list[str]:
    """Run a command in a terminal of its own on the other side; `id` lies in the folder."""
    variables = {
        "PYTHONPATH": SRC,
        "HOME": folder,
        "XDG_DATA_HOME": folder / "data",
        "OPSDECK_HOME": folder / "deck",
        "LANG": "C.UTF-8",
    }
    settings = " ".join(f"{k}={shlex.quote(str(v))}" for k, v in variables.items())
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
    return [
        "ssh",
        "-tt",
        *(part for option in options for part in ("-o", option)),
        *("-i", str(folder / "id"), "-p", str(port), f"{getpass.getuser()}@127.0.0.1"),
        f"cd {shlex.quote(str(folder))} && export {settings} && exec {command}",
    ]


def opsdeck() -> str:
    """The program, as a shell starts it."""
    return f"{shlex.quote(sys.executable)} -m opsdeck --operator alice"


class Tmux:
    """A server of the drill's own, in which the app outlives a connection that breaks."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "tmux"
        self.config = folder / "tmux.conf"
        self.config.write_text("set -g status off\nset -g escape-time 20\n", encoding="utf-8")

    def command(self) -> str:
        """Attach to the session; begin it where there is none."""
        options = f"-u -S {shlex.quote(str(self.socket))} -f {shlex.quote(str(self.config))}"
        return f"tmux {options} new-session -A -s drill {shlex.quote('exec ' + opsdeck())}"

    def end(self) -> None:
        """The server ends, whatever still runs in it."""
        end = ["tmux", "-S", str(self.socket), "kill-server"]
        subprocess.run(end, check=False, capture_output=True)


def cut(sshd: int) -> None:
    """The connection breaks: the sshd that serves it is killed."""
    os.kill(served_by(sshd)[0], signal.SIGKILL)


def served_by(sshd: int) -> list[int]:
    """The processes of the one connection: its sshd, then what that started."""
    inside = children(sshd)
    assert [pid for pid in inside if parent(pid) == sshd] == inside[:1]
    return inside


def parent(pid: int) -> int:
    """Whose child a process is; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except OSError:
        return 0
    return int(fields.split()[1])


class Typist:
    """Alice, who has only a terminal."""

    def __init__(self, session: Session, drill: Drill) -> None:
        self.session = session
        self.drill = drill

    def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Wait for it, and read the screen meanwhile."""
        end = time.monotonic() + PATIENCE_S
        while not holds():
            shown = "\n".join(self.session.lines())
            assert time.monotonic() < end, f"{what} never came:\n{shown}"
            self.session.read(0.05)

    def sees(self, *texts: str) -> None:
        """All of these stand on the screen."""
        for text in texts:
            self.until(lambda t=text: self.shows(t), repr(text))  # type: ignore[misc]

    def shows(self, text: str) -> bool:
        """Whether it stands on the screen."""
        return any(text in line for line in self.session.lines())

    def types(self, text: str) -> None:
        """Fill in a line."""
        self.session.child.send(text)
        self.until(lambda: self.shows(text[-40:]), text)
        self.session.type("enter")

    # The incident

    def is_well(self) -> None:
        """The drill's gauge was seen to be ok."""
        title = self.drill.gauge.title
        self.until(lambda: any(f"✓ {title}" in row for row in self.session.lines()), title)

    def starts_incident(self) -> None:
        """Sees the breach with its playbook on the Deck; i, and the form."""
        gauge, title = self.drill.gauge, self.drill.book.title
        self.until(lambda: self._breach_names(title[:16]), f"{gauge.title} with {title}")
        self.session.type("g")
        self.until(lambda: CURSOR in self._line(f"{gauge.title} "))
        self.session.type("i")
        self.sees("Start an incident")
        self.session.type("enter", "enter", "enter")
        self.sees("alice commands", self.drill.book.steps[0].title)

    def _breach_names(self, title: str) -> bool:
        line = self._line(f"{self.drill.gauge.title} ")
        return "critical" in line and f" p {title}" in line

    def _line(self, text: str) -> str:
        return next((line for line in self.session.lines() if text in line), "")

    def states(self) -> dict[str, str]:
        """Title of a step -> its state, as it is on disk."""
        found = self.drill.events("incident.step")
        return {str(data["title"]): str(data["state"]) for data in found}

    def is_now(self, title: str, state: str) -> None:
        """A step is in this state on disk."""
        self.until(lambda: self.states().get(title) == state, f"{title} {state}")

    def at_step(self) -> str:
        """The row of the steps at the left that the cursor stands on."""
        rows = [line[:STEPS_CELLS] for line in self.session.lines()]
        return next((row for row in rows if CURSOR in row), "")

    def begins(self, title: str, *, from_page: bool = True) -> None:
        """enter on the step."""
        self.until(lambda: title[:20] in self.at_step(), f"the cursor at {title}")
        self.session.type(*(["escape"] if from_page else []), "enter")
        self.is_now(title, "doing")

    def done(self, title: str) -> None:
        """space."""
        self.session.type("g", " ")
        self.is_now(title, "done")

    def skips(self, title: str, reason: str) -> None:
        """s, and why."""
        self.until(lambda: title[:20] in self.at_step(), f"the cursor at {title}")
        self.session.type("s")
        self.sees("Reason")
        self.types(reason)
        self.is_now(title, "skipped")

    def to_row(self, text: str) -> None:
        """Down the page until the cursor stands on the row that says this."""
        for _ in range(60):
            if any(CURSOR in row and text in row for row in self._page()):
                return
            self.session.type("down")
        raise AssertionError(f"no row {text!r} in\n" + "\n".join(self._page()))

    def _page(self) -> list[str]:
        return [line[STEPS_CELLS:] for line in self.session.lines()]

    def agrees(self, question: str) -> None:
        """y, once the question can be read."""
        self.sees(question, "esc no, nothing is done")
        self.session.read(0.3)
        self.session.type("y")

    def ticks(self) -> None:
        """space on each check box of the step."""
        for number, step_tick in enumerate(self.drill.book.steps[-1].ticks):
            self.to_row(step_tick[:20])
            self.session.type(" ")
            self.until(lambda n=number: len(self.drill.events("incident.ticked")) == n + 1)  # type: ignore[misc]

    def recovers(self) -> None:
        """The gauge is ok again, on disk."""
        self.until(lambda: self.drill.turns()[-1:] == [("critical", "ok")], "recovery")

    def ends(self, mitigated: str, resolved: str) -> None:
        """m, M; her word for what the incident proves; then she leaves."""
        for key, note, state in (("m", mitigated, "mitigated"), ("M", resolved, "resolved")):
            self.session.type(key)
            self.sees(f"{state.title()}?")
            self.types(note)
            self.until(
                lambda s=state: self.drill.events("incident.state")[-1:][0]["state"] == s  # type: ignore[misc]
            )
        self.agrees("This incident shows that")
        self.until(lambda: self.drill.events("item.attested"), "her word")
        self.session.type("escape", "escape")
        self.sees("GAUGES")
        self.session.type("q")
        assert self.session.ended(20) == 0
