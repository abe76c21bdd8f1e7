"""When files in a folder are written to, as the kernel tells it (inotify; Linux)."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
import time
from pathlib import Path
from types import TracebackType

_IN_MODIFY = 0x2
_IN_CLOEXEC = 0o2000000
_HEAD = struct.Struct("iIII")
_POLL_MS = 50


class Watch:
    """Stamps every write to a file in `folder` (a context manager, with a thread of its own)."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(_IN_CLOEXEC | os.O_NONBLOCK)
        if self._fd < 0 or libc.inotify_add_watch(self._fd, os.fsencode(folder), _IN_MODIFY) < 0:
            raise OSError(ctypes.get_errno(), "inotify cannot watch", str(folder))
        self._stamps: list[tuple[float, str]] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join()
        os.close(self._fd)

    def first_after(self, moment: float, suffix: str) -> float | None:
        """When a file whose name ends so was first written to after `moment` (perf_counter)."""
        found = (at for at, name in list(self._stamps) if at >= moment and name.endswith(suffix))
        return next(found, None)

    def _listen(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        while not self._ending.is_set():
            if not poll.poll(_POLL_MS):
                continue
            told = os.read(self._fd, 1 << 16)
            now = time.perf_counter()
            at = 0
            while at < len(told):
                *_, length = _HEAD.unpack_from(told, at)
                start = at + _HEAD.size
                name = told[start : start + length].rstrip(b"\0")
                self._stamps.append((now, os.fsdecode(name)))
                at = start + length
