"""A program of the team's own, of which one instance runs: well, until it falls ill for real."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PROGRAM = """
import os, signal, sys, time
ill = []
signal.signal(signal.SIGUSR1, lambda *_: ill.append(True))
{well}
print("ready", flush=True)
ends = time.monotonic() + 120  # whatever becomes of the test
while not ill and time.monotonic() < ends:
    time.sleep(0.02)
{ill}
while time.monotonic() < ends:
    time.sleep(0.1)
"""

_UNIT = """#!/bin/sh
# What systemctl does where there is a systemd: `./orders restart`, `./orders is-active`.
cd "$(dirname "$0")" || exit 1
case "$1" in
restart)
    kill "$(cat orders.pid)" && echo "ended $(cat orders.pid)"
    {program} </dev/null >/dev/null 2>&1 &
    echo $! >orders.pid ;;
is-active)
    kill -0 "$(cat orders.pid)" && echo active ;;
esac
"""

SPINS = "while time.monotonic() < ends: pass"
EATS = """
eaten = []
for _ in range({megabytes} // 4):
    eaten.append(b"x" * (4 << 20))
    time.sleep(0.01)
"""
CONNECTS = """
from pymongo import MongoClient
def pool(size):
    client = MongoClient({uri!r}, minPoolSize=size, maxPoolSize=size, maxConnecting=20)
    client.admin.command("ping")
    return client
mine = pool(2)
"""
LEAKS = "leaked = pool({count})"


class Instance:
    """One process, and `./orders` beside it, which restarts it as the team's own unit would."""

    def __init__(self, folder: Path, well: str, ill: str) -> None:
        self.folder = folder
        self.name = f"orders-{secrets.token_hex(4)}.py"
        """What the host probe knows it by: there is no other process of this name."""
        script = folder / self.name
        script.write_text(_PROGRAM.format(well=well, ill=ill), encoding="utf-8")
        command = [sys.executable, str(script)]
        unit = folder / "orders"
        unit.write_text(_UNIT.format(program=" ".join(command)), encoding="utf-8")
        unit.chmod(0o755)
        self._first = subprocess.Popen(command, stdout=subprocess.PIPE)
        (folder / "orders.pid").write_text(f"{self._first.pid}\n", encoding="utf-8")
        assert self._first.stdout is not None
        assert self._first.stdout.readline() == b"ready\n"

    @property
    def pid(self) -> int:
        """Of the instance that runs now."""
        return int((self.folder / "orders.pid").read_text(encoding="utf-8"))

    def fall_ill(self) -> None:
        """The fault begins."""
        os.kill(self._first.pid, signal.SIGUSR1)

    def has_ended(self) -> bool:
        """Whether the instance that fell ill is gone."""
        return self._first.poll() is not None

    def end(self) -> None:
        """Whatever still runs of it ends."""
        if self.pid != self._first.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._first.kill()
        self._first.wait()
        assert self._first.stdout is not None
        self._first.stdout.close()


@contextlib.contextmanager
def instance(folder: Path, ill: str, well: str = "") -> Iterator[Instance]:
    """An instance that is well, and ends with the test."""
    made = Instance(folder, well, ill)
    try:
        yield made
    finally:
        made.end()
