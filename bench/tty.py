"""Start a program in a pseudo-terminal, play the terminal, and measure what it costs.

Times are stamped when a read returns. While keys are measured nothing is drawn, so drawing the
screen does not delay a stamp.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, NoReturn

import psutil

from bench.terminal import Terminal

KEYS = {
    "down": b"\x1b[B", "up": b"\x1b[A", "right": b"\x1b[C", "left": b"\x1b[D",
    "tab": b"\t", "enter": b"\r", "escape": b"\x1b", "space": b" ",
    "home": b"\x1b[H", "end": b"\x1b[F", "pageup": b"\x1b[5~", "pagedown": b"\x1b[6~",
}  # fmt: skip
"""What a terminal sends for a named key; `ctrl+X` and single characters need no name."""

QUIET_S = 0.25
"""So long a silence ends the answer to a key. The answer's time is that of its last byte."""

_TAKEN_ALONG = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONPATH", "VIRTUAL_ENV")


class Answer(NamedTuple):
    """What a key brought: how many bytes, and when the first and the last of them came (ms)."""

    bytes: int
    first_ms: float
    last_ms: float
    sent: float
    """When the key was sent, by `time.perf_counter`."""


class NotShownError(Exception):
    """The program did not show in time what was waited for; the message has the screen."""


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """An environment of known content, its HOME and state in `home`; true colour, UTF-8."""
    kept = {name: os.environ[name] for name in _TAKEN_ALONG if name in os.environ}
    if "PYTHONPATH" in kept:
        parts = kept["PYTHONPATH"].split(os.pathsep)
        kept["PYTHONPATH"] = os.pathsep.join(str(Path(p).resolve()) for p in parts if p)
    return {
        "LANG": "C.UTF-8",
        **kept,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "HOME": str(home),
        "OPSDECK_HOME": str(home / "deck"),
        "OPSDECK_OPERATOR": "alice",
        **more,
    }


class Tty:
    """One program in a pseudo-terminal, from its start to its end (a context manager)."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        columns: int = 120,
        rows: int = 40,
    ) -> None:
        self.terminal = Terminal(columns, rows)
        self.bytes = 0
        self.ended = False
        self.started = self.last = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            _become(argv, env, cwd, columns, rows)

    def __enter__(self) -> Tty:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Output

    def read(self, wait_s: float) -> int:
        """One read, if output comes within `wait_s`: how many bytes. `last` is when it came."""
        if self.ended or not select.select([self._fd], [], [], max(0.0, wait_s))[0]:
            return 0
        try:
            data = os.read(self._fd, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            self.ended = True
            return 0
        self.last = time.perf_counter()
        self.bytes += len(data)
        if answer := self.terminal.take(data, self.last):
            self.send(answer)
        return len(data)

    def wait_for(self, pattern: str, timeout_s: float = 20.0) -> float:
        """Seconds from the start until the screen showed `pattern` (a regular expression).

        The time is that of the output that completed it. Raises NotShownError.
        """
        wanted = re.compile(pattern)
        if wanted.search(self.screen()):
            return time.perf_counter() - self.started
        deadline = time.perf_counter() + timeout_s
        while time.perf_counter() < deadline:
            if self.read(0.0 if not self.terminal.drawn else 0.02):
                continue
            if not self.terminal.drawn:
                at = self.terminal.draw()
                if wanted.search(self.terminal.text()):
                    return at - self.started
            elif self.ended:
                break
        raise NotShownError(f"no {pattern!r} on the screen:\n{self.terminal.text()}")

    def settle(self, quiet_s: float = 0.3, limit_s: float = 10.0) -> None:
        """Read until nothing came for `quiet_s`, at most for `limit_s`."""
        end = time.perf_counter() + limit_s
        while self.read(quiet_s) and time.perf_counter() < end:
            pass

    def idle(self, seconds: float) -> int:
        """Leave it alone for so long: how many bytes it wrote."""
        before, end = self.bytes, time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0 and not self.ended:
            self.read(left)
        return self.bytes - before

    def screen(self) -> str:
        """The screen with everything drawn that was read."""
        while not self.terminal.drawn:
            self.terminal.draw()
        return self.terminal.text()

    # Keys

    def send(self, data: bytes) -> None:
        """Write to the program as the keyboard would."""
        try:
            os.write(self._fd, data)
        except OSError:
            self.ended = True

    def press(self, key: str, quiet_s: float = QUIET_S, limit_s: float = 2.0) -> Answer:
        """Send a key and read its answer: until `quiet_s` of silence, at most for `limit_s`.

        A short `quiet_s` gives the pace of a key that is held, and may leave for later what the
        program paints once the keys rest.
        """
        before, first = self.bytes, float("nan")
        sent = time.perf_counter()
        self.send(key_bytes(key))
        while (now := time.perf_counter()) < sent + limit_s and not self.ended:
            answered = self.bytes > before
            if not self.read(self.last + quiet_s - now if answered else sent + limit_s - now):
                break
            if not answered:
                first = self.last - sent
        size = self.bytes - before
        last = self.last - sent if size else float("nan")
        return Answer(size, first * 1e3, last * 1e3, sent)

    # Cost

    def cpu_s(self) -> float:
        """User and system seconds so far, of the program and the processes it started."""
        process = psutil.Process(self.pid)
        reaped = process.cpu_times()
        children = process.children(recursive=True)
        return (
            _cpu_clock_s(self.pid)
            + sum(_cpu_clock_s(child.pid) for child in children)
            + float(reaped.children_user + reaped.children_system)
        )

    def rss_mb(self) -> float:
        """Resident memory of the program and the processes it started, in MiB."""
        process = psutil.Process(self.pid)
        total = 0
        for each in (process, *process.children(recursive=True)):
            try:
                total += int(each.memory_info().rss)
            except psutil.Error:
                continue
        return total / 2**20

    # End

    def stop(self) -> None:
        """End the program: SIGTERM, then SIGKILL, to its own process group; reap it."""
        if self._fd < 0:
            return
        for ending in (signal.SIGTERM, signal.SIGKILL):
            if not self._gone():
                os.killpg(self.pid, ending)
            deadline = time.perf_counter() + 3.0
            while not self._gone() and time.perf_counter() < deadline:
                if not self.read(0.005) and self.ended:
                    time.sleep(0.005)
        os.waitpid(self.pid, 0)
        os.close(self._fd)
        self._fd = -1

    def _gone(self) -> bool:
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None


def key_bytes(key: str) -> bytes:
    """What the keyboard sends for a key: a name of KEYS, `ctrl+X` or one character."""
    if key in KEYS:
        return KEYS[key]
    if key.startswith("ctrl+") and len(key) == 6:
        return bytes([ord(key[-1]) & 31])
    if len(key) != 1:
        raise ValueError(f"no key is called {key!r}")
    return key.encode()


def _cpu_clock_s(pid: int) -> float:
    """CPU seconds of a process to the nanosecond (Linux), where its clock cannot be read 0.

    /proc counts in ticks of 10 ms, too coarse for a start of 200 ms.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _become(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, columns: int, rows: int
) -> NoReturn:
    """In the child: be the program, or say why not and end with 127."""
    try:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.chdir(cwd)
        os.execvpe(argv[0], list(argv), dict(env))
    except OSError as error:
        os.write(2, f"{argv[0]}: {error}\n".encode())
    os._exit(127)
