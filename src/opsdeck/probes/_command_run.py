"""Run a program so that nothing of it is left: its own session, no input, no terminal, an end.

Everything happens in one thread, since starting a program may block (a dead network folder) and
the loop must not. The whole process group gets TERM and, what is still there, KILL.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from opsdeck.probes.base import ProbeError
from opsdeck.probes.blocking import in_thread

KILL_AFTER_S = 0.5
"""What the group may take to end in peace."""

_TICK_S = 0.05
_CHUNK = 65_536


class Output(NamedTuple):
    """What one stream of a program printed: its first bytes, and how many there were in all."""

    data: bytes
    total_bytes: int


class Ended(NamedTuple):
    """How a program ended; a negative exit code is the signal that ended it."""

    exit_code: int
    stdout: Output
    stderr: Output
    duration_ms: float


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    timeout_s: float,
    most_bytes: int,
) -> Ended:
    """The program's end; it is over, with all its group, when this returns or raises.

    Raises ProbeError: `missing` where there is no such program or folder, `rights` where it may
    not be run, `timeout`. When cancelled the group is ended before the cancellation goes on.
    """
    job = _Job(argv, cwd, environ, timeout_s, most_bytes)
    task = asyncio.ensure_future(in_thread(job.run))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        job.stop.set()
        try:
            with contextlib.suppress(ProbeError, TimeoutError):
                async with asyncio.timeout(KILL_AFTER_S + 4 * _TICK_S):
                    await asyncio.shield(task)
        finally:
            job.kill()
            task.add_done_callback(_retrieved)
        raise


def _retrieved(task: asyncio.Future[Ended]) -> None:
    if not task.cancelled():
        task.exception()


class _Job:
    def __init__(
        self,
        argv: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        timeout_s: float,
        most_bytes: int,
    ) -> None:
        self.stop = threading.Event()
        self._argv = list(argv)
        self._cwd = cwd
        self._environ = dict(environ)
        self._timeout_s = timeout_s
        self._most = most_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._over = False

    def run(self) -> Ended:
        began = time.monotonic()
        # Ending it may take a moment, and that too must be over when the time is.
        peace_s = min(KILL_AFTER_S, self._timeout_s / 4)
        process = self._process = self._started()
        assert process.stdout is not None
        assert process.stderr is not None
        reader = _Reader((process.stdout, process.stderr), self._most)
        try:
            in_time = self._watched(process, reader, began + self._timeout_s - peace_s)
            took_ms = (time.monotonic() - began) * 1000
        finally:
            self._end(process, reader, peace_s)
        if not in_time:
            raise ProbeError(
                "timeout",
                f"{self._argv[0]} did not end within {self._timeout_s:g} s and was stopped: run it"
                " by hand to see what it waits for, or give the probe a longer timeout",
            )
        return Ended(process.returncode, *reader.outputs(), round(took_ms, 1))

    def kill(self) -> None:
        """End what is left of the group at once."""
        if self._process is not None and not self._over:
            _signal(self._process.pid, signal.SIGKILL)

    def _started(self) -> subprocess.Popen[bytes]:
        program = self._argv[0]
        try:
            return subprocess.Popen(
                self._argv,
                cwd=self._cwd,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except FileNotFoundError:
            if not self._cwd.is_dir():
                raise ProbeError("missing", f"there is no folder {self._cwd}") from None
            raise ProbeError(
                "missing",
                f"{program} is not installed on this machine (or not on PATH): install it, or run"
                " this check where it is",
            ) from None
        except NotADirectoryError:
            raise ProbeError("missing", f"{self._cwd} is not a folder") from None
        except PermissionError:
            raise ProbeError(
                "rights", f"{program} may not be run by this user: see its mode and {self._cwd}"
            ) from None
        except (OSError, ValueError) as error:
            code = error.errno if isinstance(error, OSError) else None
            reason = os.strerror(code) if code else str(error)
            raise ProbeError("internal", f"{program} could not be started: {reason}") from None

    def _watched(self, process: subprocess.Popen[bytes], reader: _Reader, until: float) -> bool:
        """Whether the program ended before its time was over and before anyone said stop."""
        pause = 0.001
        while not _has_ended(process):
            left = until - time.monotonic()
            if left <= 0 or self.stop.is_set():
                return False
            if reader.streams:
                reader.read(min(left, _TICK_S))
            else:  # it said all it will say, and lives on
                time.sleep(min(left, pause))
                pause = min(pause * 2, _TICK_S)
        # What it printed last is in the pipes; others that hold them are not waited for.
        while reader.streams and reader.read(0):
            if time.monotonic() > until:
                break
        return True

    def _end(self, process: subprocess.Popen[bytes], reader: _Reader, peace_s: float) -> None:
        """Nothing of the group is left, or all that can be done was done."""
        group = process.pid
        if _has_ended(process):
            process.poll()
        if _signal(group, signal.SIGTERM):
            self._wait(process, reader, peace_s)
            if _signal(group, signal.SIGKILL):
                self._wait(process, reader, 0.2)
        if process.poll() is None:  # it cannot even be killed (a dead disk): leave it to init
            process.returncode = -signal.SIGKILL
        self._over = True
        reader.close()

    def _wait(self, process: subprocess.Popen[bytes], reader: _Reader, wait_s: float) -> None:
        """Until nobody of the group lives, or the time is over."""
        until, pause = time.monotonic() + wait_s, 0.001
        while time.monotonic() < until:
            process.poll()  # one that ended and was not asked after still counts as a member
            if not _lives(process.pid):
                return
            reader.read(pause)
            pause = min(pause * 2, _TICK_S)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ended, without forgetting it: as long as it is remembered its group's number
    cannot become another's."""
    if process.returncode is not None:
        return True
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, options) is not None
    except ChildProcessError:
        return process.poll() is not None


def _lives(group: int) -> bool:
    """Whether anybody of a process group lives; those that ended and wait to be buried by a
    parent that never does (as in many a container) do not."""
    if not _signal(group, 0):
        return False
    try:
        names = os.listdir("/proc")  # noqa: PTH208 (names are all that is needed)
    except OSError:
        return True
    numbers = [name for name in names if name.isdigit()]
    return not numbers or any(_is_member(name, group) for name in numbers)


def _is_member(number: str, group: int) -> bool:
    try:
        text = Path(f"/proc/{number}/stat").read_bytes()
    except OSError:
        return False
    state, _, its_group = text.rpartition(b")")[2].split()[:3]
    return int(its_group) == group and state not in (b"Z", b"X")


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; whether there was anybody to get it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class _Reader:
    """Read streams to their ends, keep the beginning of each and count the rest."""

    def __init__(self, streams: Sequence[IO[bytes]], most: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._kept = [bytearray() for _ in streams]
        self._totals = [0 for _ in streams]
        self._all = streams
        self._most = most
        self.streams = len(streams)
        for number, stream in enumerate(streams):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, number)

    def read(self, wait_s: float) -> bool:
        """Read what is there within `wait_s`; whether there was anything."""
        if not self.streams:
            time.sleep(wait_s)
            return False
        ready = self._selector.select(wait_s)
        for key, _ in ready:
            number: int = key.data
            try:
                data = os.read(key.fd, _CHUNK)
            except BlockingIOError:
                continue
            if not data:
                self._selector.unregister(key.fileobj)
                self.streams -= 1
            self._totals[number] += len(data)
            kept = self._kept[number]
            kept += data[: self._most - len(kept)]
        return bool(ready)

    def outputs(self) -> tuple[Output, Output]:
        first, second = (Output(bytes(k), n) for k, n in zip(self._kept, self._totals, strict=True))
        return first, second

    def close(self) -> None:
        self._selector.close()
        for stream in self._all:
            stream.close()
