"""A drill that is cut off again and again: what was seen, what is on disk, what was run."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.drills.drill import Drill
from tests.drills.remote import PATIENCE_S, Typist, served_by
from tests.terminal.session import SRC

BOOK = "# Marks\n" + "".join(
    f"""
## Step {letter}

```sh name="Mark {letter}" risk="none"
mark=$(date +%s%N)-$$
echo $mark >>marks.txt
echo "marked $mark"
sleep 0.8
```
"""
    for letter in "ABCDEFGHIJKL"
)
"""Each run of a command leaves a line of its own behind, and prints it as well."""

ACTS: dict[str, tuple[str, ...]] = {
    "begin": ("\r",),
    "done": (" ",),
    "skip": ("s", "not needed", "\r"),
    "note": ("n", "note {}", "\r"),
    "run": ("r",),
}
"""What the operator does, as the pieces that are typed; the cut may come after any of them."""


CUTS = ("run",) * 6 + ("done",) * 5 + ("note", "skip", "begin") * 3
"""During which acts it is cut off, in an order that a seed chooses."""


class Journal:
    """The one file of the drill's journal, as it grows."""

    def __init__(self, drill: Drill) -> None:
        self.drill = drill
        self.lines: list[bytes] = []
        """As they were when they were last looked at."""

    def is_whole(self) -> None:
        """Every line that was seen before still stands, and nothing is at fault."""
        [file] = (self.drill.home / "journal").glob("*.jsonl")
        lines = file.read_bytes().splitlines()
        assert lines[: len(self.lines)] == self.lines
        self.lines = lines
        verify = [sys.executable, "-m", "opsdeck", "journal", "verify"]
        environ = {
            "HOME": str(self.drill.folder),
            "OPSDECK_HOME": str(self.drill.home),
            "PYTHONPATH": str(SRC),
            "PATH": os.environ["PATH"],
        }
        done = subprocess.run(
            verify, env=environ, cwd=self.drill.folder, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def number(self, act: str) -> int:
        """How many acts of a kind are on disk."""
        match act:
            case "run":
                return len(self.drill.events("command.began"))
            case "note":
                return len(self.drill.events("incident.noted"))
        states = {"begin": "doing", "done": "done", "skip": "skipped"}
        steps = self.drill.events("incident.step")
        return sum(data["state"] == states[act] for data in steps)


class Cutter:
    """Walks over SSH, and is cut off at points that a seed chooses."""

    def __init__(self, drill: Drill, sshd: int, rng: random.Random) -> None:
        self.drill = drill
        self.sshd = sshd
        self.rng = rng
        self.acts = rng.sample(CUTS, len(CUTS))
        """What is still to be done, and cut off."""
        self.journal = Journal(drill)
        self.presses = 0
        """How often r was typed."""
        self.stands = "Step A"
        """The step that was seen last under the cursor."""
        self.unseen: str | None = None
        """The step after it, where it was done or skipped and that may not have been painted."""
        self.ways: list[tuple[str, str, int]] = []
        """What was done so far: what was killed, during which act, after how many pieces."""

    def look(self, alice: Typist) -> None:
        """Take what is painted, and note the step that it stands at."""
        alice.session.read(0.02)
        self.stands = step_in(alice) or self.stands

    def comes_back(self, alice: Typist) -> None:
        """The next start stands at the step that was seen last, or that was to be seen next."""
        alice.sees("alice commands")
        alice.until(lambda: step_in(alice), "a step under the cursor")
        alice.session.read(0.3)
        assert step_in(alice) in (self.stands, self.unseen), self.ways[-1]
        self.stands = step_in(alice)

    def cut_off(self, alice: Typist) -> None:
        """Do something, and be cut off while or soon after it."""
        act = self.acts.pop()
        if act == "skip" and alice.states().get(self.stands) == "skipped":
            act = "note"  # s would take that back, and ask for nothing
        pieces = ACTS[act]
        typed = self.rng.randint(1, len(pieces))
        what = self.rng.choice(["app", "sshd"])
        self.ways.append((what, act, typed))
        if act == "run":  # nobody starts what still runs
            alice.until(self.all_ended, "the end of all commands")
            alice.until(lambda: not alice.shows("is running"), "that it is shown")
            self.presses += 1
        before, stood = self.journal.number(act), self.stands
        inside = served_by(self.sshd)
        for piece in pieces[:typed]:
            alice.session.child.send(piece.format(len(self.ways)))
            if piece != pieces[-1]:
                self._watch(alice, 0.25)
        if self.rng.random() < 0.5:
            time.sleep(self.rng.uniform(0.0, 0.08))  # in the middle of it
        else:
            self._watch(alice, self.rng.uniform(0.0, 0.7))
        said = self._was_told(alice, act, typed == len(pieces), stood)
        self._kill(alice, what, inside)
        # THEN what was shown as done is on disk
        self.journal.is_whole()
        recorded = self.journal.number(act) - before
        assert recorded <= 1
        assert recorded or not said, self.ways[-1]
        moved = recorded and act in ("done", "skip")
        self.unseen = f"Step {chr(min(ord(stood[-1]) + 1, ord('L')))}" if moved else None

    def _was_told(self, alice: Typist, act: str, whole: bool, stood: str) -> bool:
        """Whether the screen has said that it is done."""
        match act:
            case "note":
                return whole and alice.shows("noted")
            case "run":
                return alice.shows("is running")
            case "done" | "skip":
                return self.stands != stood
        return False

    def _watch(self, alice: Typist, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.look(alice)
        while time.monotonic() < end:
            self.look(alice)

    def _kill(self, alice: Typist, what: str, inside: list[int]) -> None:
        """SIGKILL to the app, or to the sshd of its connection, whose end hangs up on the app."""
        app = next(pid for pid in inside[1:] if b"opsdeck" in _words(pid))
        os.kill(app if what == "app" else inside[0], signal.SIGKILL)
        alice.session.ended(PATIENCE_S)
        self.look(alice)
        end = time.monotonic() + PATIENCE_S
        while any(Path(f"/proc/{pid}/exe").exists() for pid in inside):
            assert time.monotonic() < end, "something of it stays behind"
            time.sleep(0.01)

    # Commands

    def all_ended(self) -> bool:
        """Whether something is known of the end of every command."""
        began, ended = (self.drill.events(f"command.{end}") for end in ("began", "ended"))
        return {d["command"] for d in began} == {d["command"] for d in ended}

    def none_ran_twice(self) -> None:
        """Each run left one line behind, and no line is there without a run of its own."""
        marks = (self.drill.folder / "marks.txt").read_text(encoding="utf-8").split()
        began, ended = (self.drill.events(f"command.{end}") for end in ("began", "ended"))
        assert len(marks) == len(set(marks))
        assert len({d["command"] for d in began}) == len(began) == len(ended) <= self.presses
        told = [re.findall(r"marked (\S+)", data["output"]) for data in ended]
        known = [mark for each in told for mark in each]
        assert all(len(each) <= 1 for each in told)
        assert len(known) == len(set(known))
        assert set(known) <= set(marks)
        for data, each in zip(ended, told, strict=True):
            assert data["outcome"] in ("exited", "unknown")
            assert data["outcome"] == "unknown" or (data["exit_code"] == 0 and each)
        unknown = sum(data["outcome"] == "unknown" for data in ended)
        assert len(set(marks) - set(known)) <= unknown


def step_in(alice: Typist) -> str:
    """The step under the cursor; "" where something stands before it."""
    found = re.search(r"Step [A-L]", alice.at_step())
    return found[0] if found is not None else ""


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
