"""One call of a program: fed, listened to, and seen to its end without waiting any longer."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator

_MOST_BYTES = 1_000_000
_TICK_S = 0.05
_CHUNK = 65_536
_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)


class StoppedError(Exception):
    """Whoever was asked for something stopped it (ctrl+c, ctrl+z)."""


class Job:
    """A process with pipes at its input and output; `errors` is where its errors are read.

    Whatever comes there is written to `screen` too, if there is one; then it may also be stopped
    from the keyboard.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], errors: int, screen: int | None = None
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._in, self._out = process.stdin, process.stdout.fileno()
        self._errors, self._screen = errors, screen
        self._said: dict[int, bytearray] = {self._out: bytearray(), errors: bytearray()}
        self._open = set(self._said)

    def watch(self, data: bytes, timeout_s: float) -> tuple[bytes, bytes]:
        """Its output and its errors once it has ended. Raises TimeoutError and StoppedError; it
        still runs then."""
        until = time.monotonic() + timeout_s
        left = self._write(memoryview(data))
        with _end_of(self._process.pid) as end:
            while True:
                wait_s = until - time.monotonic()
                if wait_s <= 0:
                    raise TimeoutError
                left = self._turn(left, self._pause(wait_s, end), end)
                if self._process.returncode is not None or self._has_ended():
                    self._drain()
                    return bytes(self._said[self._out]), bytes(self._said[self._errors])

    def _pause(self, wait_s: float, end: int | None) -> float:
        """What to wait for at most: its end wakes us up where the system can tell of it."""
        if self._screen is not None or (end is None and self._open):
            return min(wait_s, _TICK_S)
        return wait_s if end is not None else min(wait_s, 0.001)

    def _turn(self, left: memoryview, wait_s: float, end: int | None) -> memoryview:
        reading = list(self._open) + ([] if end is None else [end])
        writing = [] if self._in.closed else [self._in.fileno()]
        readable, writable, _ = select.select(reading, writing, [], wait_s)
        if writable:
            left = self._write(left)
        for one in self._open.intersection(readable):
            self._read(one)
        return left

    def _drain(self) -> None:
        """What it printed last is in the pipes; others that hold them are not waited for."""
        while self._open:
            readable, _, _ = select.select(list(self._open), [], [], 0)
            if not readable:
                return
            for one in readable:
                self._read(one)

    def _write(self, left: memoryview) -> memoryview:
        os.set_blocking(self._in.fileno(), False)
        try:
            left = left[os.write(self._in.fileno(), left[:_CHUNK]) if left else 0 :]
        except BlockingIOError:
            return left
        except OSError:  # it does not want the rest
            left = left[:0]
        if not left:
            self._in.close()
        return left

    def _read(self, one: int) -> None:
        try:
            data = os.read(one, _CHUNK)
        except OSError:  # how a terminal says that nobody is at the other end
            data = b""
        if not data:
            self._open.discard(one)
        if one == self._errors and self._screen is not None:
            with contextlib.suppress(OSError):
                os.write(self._screen, data)
        kept = self._said[one]
        kept += data[: _MOST_BYTES - len(kept)]

    def _has_ended(self) -> bool:
        """Whether it ended; raises StoppedError where somebody stopped it."""
        number, status = os.waitpid(self._process.pid, os.WUNTRACED | os.WNOHANG)
        if number == 0:
            return False
        if os.WIFSTOPPED(status):
            if os.WSTOPSIG(status) not in (signal.SIGTTIN, signal.SIGTTOU):
                raise StoppedError
            os.killpg(number, signal.SIGCONT)  # it asked before the terminal was its own
            return False
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if self._screen is not None and -self._process.returncode in _FROM_KEYS:
            raise StoppedError
        return True


@contextlib.contextmanager
def _end_of(pid: int) -> Iterator[int | None]:
    """Something that can be read from once a process has ended; None where there is no such."""
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)
