"""Runs one command and outlives whoever asked for it: a program of its own, standard library only.

It is given an order (one JSON line) on stdin, then `stop` lines; it says what comes as JSON lines
on stdout. When nobody reads them any more the command goes on, and how it ended is kept in a file.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

TAIL_BYTES = 262_144
SAY_EVERY_S = 0.1
TICK_S = 0.05
CHUNK = 65_536
KILL_AFTER_S = 5.0
"""What a command may take to end in peace once it was told to."""
GIVE_UP_AFTER_S = 8.0
"""A command that cannot even be killed (a dead disk) is left to the system."""
LISTEN_S = 10.0
"""How long the last word waits for somebody to take it."""


class Voice:
    """Says lines to whoever asked, without ever waiting for them while the command runs."""

    def __init__(self) -> None:
        self.heard = True
        self.waiting = bytearray()
        os.set_blocking(1, False)

    def say(self, **what: Any) -> None:
        """Say it as soon as it is taken."""
        self.waiting += json.dumps(what).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        """Write what is taken at once."""
        while self.waiting and self.heard:
            try:
                del self.waiting[: os.write(1, self.waiting[:CHUNK])]
            except BlockingIOError:
                return
            except OSError:
                self.heard = False

    def finish(self) -> bool:
        """Whether all that was said was taken."""
        until = time.monotonic() + LISTEN_S
        while self.heard and self.waiting and time.monotonic() < until:
            select.select([], [1], [], TICK_S)
            self.flush()
        return self.heard and not self.waiting


class Output:
    """What the command prints: its end, how much it was in all, and what is yet to be said."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.open = True
        self.tail = bytearray()
        self.total = 0
        self.unsaid = bytearray()
        self.skipped = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        os.set_blocking(fd, False)

    def read(self) -> bool:
        """Take what is there; whether there was anything."""
        try:
            data = os.read(self.fd, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.open = False
            return False
        self.total += len(data)
        self.tail += data
        del self.tail[:-TAIL_BYTES]
        self.unsaid += data
        if len(self.unsaid) > TAIL_BYTES:
            self.skipped += len(self.unsaid) - TAIL_BYTES
            del self.unsaid[:-TAIL_BYTES]
        return True

    def taken(self, *, last: bool = False) -> dict[str, Any]:
        """What is new, as it is said."""
        text = self._decoder.decode(bytes(self.unsaid), last)
        found = {"text": text, "skipped": self.skipped, "total": self.total}
        self.unsaid.clear()
        self.skipped = 0
        return found


class Keeper:
    """The order, the command, and how it ends."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.voice = Voice()
        self.began = time.monotonic()
        self.outcome = "exited"
        self.stopped_at: float | None = None
        self.listening = True
        self.told = False
        """Whether a session that did not start it wants it stopped (SIGTERM)."""

    def keep(self, **what: Any) -> None:
        """Write what is known of the command where the next session looks for it."""
        path = self.order["file"]
        temporary = f"{path}.{os.getpid()}"
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, self.order["mode"])
            with open(fd, "w", encoding="utf-8") as out:
                json.dump({"keeper": os.getpid(), **what}, out)
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, path)  # noqa: PTH105 (nothing is imported here for a name)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108

    def run(self) -> None:
        """Start the command, see it to its end, and say how it ended."""
        order = self.order
        self.keep(state="running")
        try:
            child = subprocess.Popen(
                order["argv"],
                cwd=order["cwd"],
                env=order["env"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or str(error)
            place = getattr(error, "filename", None) or order["argv"][0]
            self.outcome = "not started"
            self.end(None, None, f"{place}: {words}")
            return
        assert child.stdout is not None
        output = Output(child.stdout.fileno())
        self.voice.say(pid=child.pid)
        self.watch(child, output)
        self.end(child.returncode, output)

    def watch(self, child: subprocess.Popen[bytes], output: Output) -> None:
        """Until the command has ended, and after a stop all of its group."""
        said_at, limit = 0.0, self.order.get("timeout_s")
        while not self.is_over(child):
            sources = [output.fd] if output.open else []
            sources += [0] if self.listening else []
            ready, _, _ = select.select(sources, [], [], TICK_S)
            if output.fd in ready:
                output.read()
            if 0 in ready:
                self.listen(child.pid)
            now = time.monotonic()
            if limit and now - self.began > limit:
                self.stop(child.pid, "timeout")
            self.voice.flush()
            if output.unsaid and now - said_at >= SAY_EVERY_S and not self.voice.waiting:
                said_at = now
                self.voice.say(**output.taken())
        for _ in range(64):  # what it printed last; others that hold the pipe are not waited for
            if not output.read():
                break

    def is_over(self, child: subprocess.Popen[bytes]) -> bool:
        """Whether nothing is left to wait for; what was told to stop and does not is killed."""
        ended = child.poll() is not None
        if self.told and not ended:
            self.stop(child.pid, "stopped")
        if self.stopped_at is None:
            return ended
        since = time.monotonic() - self.stopped_at
        if since > KILL_AFTER_S:
            send(child.pid, signal.SIGKILL)
        return (ended and not lives(child.pid)) or since > GIVE_UP_AFTER_S

    def listen(self, group: int) -> None:
        """Hear what the one who asked says; silence for ever once they are gone."""
        data = os.read(0, 1024)
        if not data:
            self.listening = False
        elif b"stop" in data:
            self.stop(group, "stopped")

    def stop(self, group: int, outcome: str) -> None:
        """Tell the whole group to end; those that do not are killed later."""
        if self.stopped_at is None:
            self.outcome, self.stopped_at = outcome, time.monotonic()
            send(group, signal.SIGTERM)

    def end(self, code: int | None, output: Output | None, reason: str = "") -> None:
        """Say how it ended, and keep it: with the output where nobody heard it."""
        found = {
            "outcome": self.outcome,
            "exit_code": code,
            "duration_s": round(time.monotonic() - self.began, 3),
            "output_bytes": output.total if output is not None else 0,
            "reason": reason,
        }
        if output is not None:
            self.voice.say(**output.taken(last=True))
        if output is not None and not self.voice.heard:  # in one piece: who asks may ask now
            self.keep(state="ended", **found, output=self.harmless(bytes(output.tail)))
            return
        self.keep(state="ended", **found)
        self.voice.say(ended=found)
        if not self.voice.finish() and output is not None:
            self.keep(state="ended", **found, output=self.harmless(bytes(output.tail)))

    def harmless(self, tail: bytes) -> str:
        """The end of the output without secrets, for the session that asks later."""
        text = tail.decode("utf-8", "replace")
        try:
            sys.path.insert(0, self.order["package"])
            from opsdeck.probes.redact import Redactor

            # Cut last: half a secret is not known for one.
            return Redactor(self.order["secrets"]).text(text)[-self.order["kept"] :]
        except Exception:  # what cannot be made harmless is not kept
            return ""


def send(group: int, number: int) -> None:
    """Send a signal to a process group, if there is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def lives(group: int) -> bool:
    """Whether anybody of a process group lives; who ended and was not buried yet does not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not os.path.isdir("/proc/1"):  # noqa: PTH112
        return True
    return any(name.isdigit() and is_member(name, group) for name in os.listdir("/proc"))  # noqa: PTH208


def is_member(number: str, group: int) -> bool:
    """Whether a process is of this group, and not a dead one."""
    try:
        with open(f"/proc/{number}/stat", "rb") as found:
            state, _, its_group = found.read().rpartition(b")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(its_group) == group and state not in (b"Z", b"X")


def pass_over(_number: int, _frame: object) -> None:
    """Go on. Unlike a signal that is ignored, the command does not inherit that."""


def main() -> None:
    """Read the order and carry it out."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, pass_over)
    data = b""
    while b"\n" not in data:
        more = os.read(0, CHUNK)
        if not more:
            return
        data += more
    order, _, rest = data.partition(b"\n")
    if os.fork():  # nobody's child: asyncio kills those that their owner leaves behind
        os._exit(0)
    keeper = Keeper(json.loads(order))
    keeper.told = b"stop" in rest

    def tell(_number: int, _frame: object) -> None:
        keeper.told = True

    signal.signal(signal.SIGTERM, tell)
    keeper.run()


if __name__ == "__main__":
    main()
