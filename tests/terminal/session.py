"""The installed program in a terminal of its own: what is typed, what is painted, how it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pyte

SRC = Path(__file__).parents[2] / "src"
KEYS = {"down": "\x1b[B", "enter": "\r", "escape": "\x1b", "ctrl+p": "\x10", "ctrl+r": "\x12"}


class Session:
    """`opsdeck` (or another command) in a pty; `painted` is every byte it wrote."""

    def __init__(self, child: pexpect.spawn, rows: int, columns: int) -> None:
        self.child = child
        self.painted = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def pid(self) -> int:
        """The process."""
        return int(self.child.pid)

    def read(self, seconds: float = 0.05) -> bytes:
        """Take what it writes for so long."""
        end, found = time.monotonic() + seconds, b""
        while (left := end - time.monotonic()) > 0:
            try:
                found += self.child.read_nonblocking(65536, timeout=left)
            except pexpect.TIMEOUT:
                break
            except pexpect.EOF:
                break
        self.painted += found
        # pyte does not know every sequence Textual sends: those with a mark of their own are left.
        with contextlib.suppress(Exception):
            self._stream.feed(found)
        return found

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size."""
        self.child.setwinsize(rows, columns)
        self._screen.resize(rows, columns)

    def lines(self) -> list[str]:
        """The screen as it stands."""
        return [line.rstrip() for line in self._screen.display]

    def wait(self, text: str, seconds: float = 30.0) -> None:
        """Until this is on the screen."""
        end = time.monotonic() + seconds
        while not any(text in line for line in self.lines()):
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} never came:\n" + "\n".join(self.lines()))
            self.read()

    def type(self, *keys: str) -> None:
        """Press keys, each on its own."""
        for key in keys:
            self.child.send(KEYS.get(key, key))
            self.read(0.15)

    def kill(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def ended(self, seconds: float = 20.0) -> int:
        """Its exit status (128 + N after a signal) once it has ended."""
        end = time.monotonic() + seconds
        while self.child.isalive():
            self.read()
            if time.monotonic() > end:
                raise AssertionError("it does not end:\n" + "\n".join(self.lines()))
        self.read()
        status, number = self.child.exitstatus, self.child.signalstatus
        return int(status) if status is not None else 128 + int(number)

    def restored(self) -> bool:
        """Whether the terminal is as it was: main screen, cursor shown, no mouse."""
        last = {
            mode: max(self.painted.rfind(f"\x1b[?{mode}{c}".encode()) for c in "hl")
            for mode in (25, 1049, 1000)
        }
        states = {m: self.painted[at + len(f"\x1b[?{m}")] for m, at in last.items() if at >= 0}
        return states.get(25) == ord("h") and states.get(1049) == ord("l")


def environment(home: Path, **more: str) -> dict[str, str]:
    """What the program sees: a terminal, a home of its own, nothing of ours."""
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SRC),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "OPSDECK_HOME": str(home / "deck"),
        "OPSDECK_OPERATOR": "alice",
        **more,
    }


@contextlib.contextmanager
def opened(
    home: Path,
    *command: str,
    rows: int = 24,
    columns: int = 80,
    environ: dict[str, str] | None = None,
) -> Iterator[Session]:
    """A session that is ended afterwards, whatever happens."""
    program, *rest = command or (sys.executable, "-m", "opsdeck")
    child = pexpect.spawn(
        program,
        rest,
        env=environ if environ is not None else environment(home),
        cwd=str(home),
        dimensions=(rows, columns),
        timeout=10,
    )
    session = Session(child, rows, columns)
    try:
        yield session
    finally:
        if not child.closed:
            child.close(force=True)
