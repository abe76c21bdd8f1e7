"""Over a real SSH connection that breaks in the middle of a list."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.session import SRC, Session, opened

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/usr/sbin/sshd").exists(), reason="needs openssh-server"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="needs an ssh client"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """An sshd of our own on the loopback, its key, and the process."""
    for name in ("host", "id"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        subprocess.run(key, check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    port = free_port()
    config = tmp_path / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nUsePAM no\n"
        f"StrictModes no\nAuthorizedKeysFile {tmp_path}/id.pub\nPidFile none\n"
    )
    command = ["/usr/sbin/sshd", "-D", "-f", str(config), "-E", str(tmp_path / "log")]
    process = subprocess.Popen(command)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port, process
    finally:
        process.terminate()
        process.wait(5)


def children(pid: int) -> list[int]:
    """The processes that this one started, theirs after them."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(status.parent.name)
            found += [child, *children(child)]
    return found


def ssh(home: Path, port: int) -> list[str]:
    variables = {"PYTHONPATH": SRC, "OPSDECK_HOME": home / "deck", "LANG": "C.UTF-8"}
    settings = " ".join(f"{k}={shlex.quote(str(v))}" for k, v in variables.items())
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
    return [
        "ssh",
        "-tt",
        *(part for option in options for part in ("-o", option)),
        *("-i", str(home / "id"), "-p", str(port), f"{getpass.getuser()}@127.0.0.1"),
        f"cd {home} && {settings} {sys.executable} -m opsdeck --operator alice",
    ]


def cursor_line(session: Session) -> str:
    return next((line for line in session.lines() if line.startswith("▌")), "")


def test_a_connection_that_breaks_loses_neither_tick_nor_place(
    tmp_path: Path, server: tuple[int, subprocess.Popen[bytes]]
) -> None:
    port, sshd = server
    # GIVEN a list half walked over SSH
    with opened(tmp_path, *ssh(tmp_path, port)) as session:
        session.wait("Daily Operations", 20)
        session.type("enter")
        session.wait("Daily Operations · ")
        session.type(" ", "down", " ", "down")
        session.wait("2/8")
        session.read(0.4)
        item = cursor_line(session)
        # WHEN the connection breaks
        inside = children(sshd.pid)
        for pid in inside[:1]:
            os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 5
        while any(Path(f"/proc/{pid}").exists() for pid in inside[1:]) and time.monotonic() < end:
            session.read()
        assert session.ended() == 255
        alive = [pid for pid in inside[1:] if Path(f"/proc/{pid}/exe").exists()]
        assert alive == [], "nothing of it stays behind"
    # THEN the next one is at the same item, with both ticks there
    with opened(tmp_path, *ssh(tmp_path, port)) as session:
        session.wait("Daily Operations · ", 20)
        session.wait("2/8")
        session.read(0.4)
        assert cursor_line(session) == item
        session.type(" ")
        session.wait("3/8")
        session.type("q", "q")
        assert session.ended() == 0
