"""Lines from a terminal, a serial line or a pipe, while everything else goes on; and ctrl+c."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator

from opsdeck.commands.output import say, shown_encoding
from opsdeck.text import ascii_only, visible

CHUNK = 4_096
LONGEST_BYTES = 262_144
"""A line that is longer is cut: nobody typed it."""


class InterruptedHereError(Exception):
    """ctrl+c, where it ends no more than what is asked or looked at."""


class Lines:
    """Asks for lines on stdin; use within a running loop."""

    def __init__(self) -> None:
        self._fd = _number_of_stdin()
        self._waiting = bytearray()
        self._ended = False
        self._on_interrupt: list[Callable[[], object]] = []

    @property
    def is_terminal(self) -> bool:
        """Whether somebody types."""
        return self._fd is not None and os.isatty(self._fd)

    # ctrl+c

    def listen(self) -> None:
        """Take ctrl+c from now on."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            loop.add_signal_handler(signal.SIGINT, self._interrupted)

    def deafen(self) -> None:
        """Leave ctrl+c to others."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)

    def _interrupted(self) -> None:
        if self._on_interrupt:
            self._on_interrupt[-1]()

    @contextlib.contextmanager
    def interrupting(self, act: Callable[[], object]) -> Iterator[None]:
        """What ctrl+c does meanwhile."""
        self._on_interrupt.append(act)
        try:
            yield
        finally:
            self._on_interrupt.remove(act)

    # Asking

    async def ask(self, prompt: str) -> str | None:
        """The next line, without its end; None where there is no more.

        Raises InterruptedHereError for ctrl+c.
        """
        _write(prompt)
        try:
            found = await self._line()
        except InterruptedHereError:
            _write("\n")
            raise
        if found is None:
            _write("\n")
            return None
        line = _decoded(found).rstrip("\r\n")
        if not self.is_terminal:
            say(visible(line))  # what is typed is seen; what comes from a pipe would not be
        return line

    def drop_typed(self) -> None:
        """Forget what was typed before it was asked for: no answer is given by accident."""
        if self._fd is None or not self.is_terminal:
            return
        import termios

        self._waiting.clear()
        with contextlib.suppress(termios.error, OSError):
            termios.tcflush(self._fd, termios.TCIFLUSH)

    async def _line(self) -> bytes | None:
        if self._fd is None:
            return sys.stdin.buffer.readline() or None
        while b"\n" not in self._waiting and not self._ended:
            await self._readable(self._fd)
            try:
                data = os.read(self._fd, CHUNK)
            except OSError:  # the line was hung up
                data = b""
            self._ended = not data
            self._waiting += data
            if len(self._waiting) > LONGEST_BYTES:
                del self._waiting[CHUNK:]
        end = self._waiting.find(b"\n") + 1 or len(self._waiting)
        found = bytes(self._waiting[:end])
        del self._waiting[:end]
        if self._ended and not self._waiting and self.is_terminal:
            self._ended = False
        return found or None

    async def _readable(self, fd: int) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def came() -> None:
            if not ready.done():
                ready.set_result(None)

        def stopped() -> None:
            if not ready.done():
                ready.set_exception(InterruptedHereError())

        try:
            loop.add_reader(fd, came)
        except (OSError, ValueError, NotImplementedError):
            return  # a file, which is always ready
        try:
            with self.interrupting(stopped):
                await ready
        finally:
            loop.remove_reader(fd)


def _number_of_stdin() -> int | None:
    try:
        return sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):
        return None


def _decoded(data: bytes) -> str:
    try:
        return data.decode(sys.stdin.encoding or "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _write(text: str) -> None:
    """Part of a line on stdout, at once."""
    stream = sys.stdout
    try:
        text.encode(shown_encoding(stream.encoding))
    except (UnicodeEncodeError, LookupError):
        text = ascii_only(text)
    stream.write(text)
    stream.flush()
