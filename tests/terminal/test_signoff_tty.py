"""Signing and writing notes in a terminal that goes away, and with passphrases that are wrong."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.signoff.keys import PASSPHRASE, hung_agent, line, make_key
from tests.terminal.session import Session, environment, opened

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen"),
]
RELEASE = "v1.4.2"
CATALOG = """
omit = ["environment-configuration", "code-quality-security", "database-readiness",
        "infrastructure", "monitoring-logging", "before-going-live", "deployment-execution",
        "post-deployment-verification"]
"""
ONLY = "deployment-preparation"


class Desk:
    """A deck with a release whose items are done, and bob, whose key asks for its passphrase."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = make_key(folder / "bob", passphrase=PASSPHRASE)
        (folder / "allowed_signers").write_text(line("bob@acme", self.key) + "\n")
        (folder / "opsdeck.toml").write_text('[deck]\nname = "acme"\n')
        (folder / "checklists.toml").write_text(CATALOG)
        (folder / "tmp").mkdir()
        self.environ = environment(
            folder,
            OPSDECK_OPERATOR="bob",
            OPSDECK_SIGNING_KEY=str(self.key),
            TMPDIR=str(folder / "tmp"),
        )
        self.command("release", "start", RELEASE)
        listed = json.loads(self.command("list", "items", "--json"))
        items = [i["id"] for i in listed if i["checklist"] == ONLY and i["state"] == "open"]
        self.command("attest", *(f"{ONLY}/{item}" for item in items))

    def command(self, *arguments: str) -> str:
        """One command; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "opsdeck", *arguments],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def journal(self) -> bytes:
        """Every byte of it."""
        return b"".join(p.read_bytes() for p in sorted(self.folder.glob("deck/journal/*.jsonl")))

    def drafts(self) -> str:
        """What is kept of notes that were typed."""
        return "".join(p.read_text() for p in self.folder.glob("deck/cache/notes-*.txt"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def at_signoff(session: Session) -> None:
    session.wait("DUE")
    session.type("5")
    session.wait("gate open")


def asked_for_passphrase(session: Session) -> None:
    """Say yes to the text, and wait until ssh-keygen asks."""
    at_signoff(session)
    session.type("S")
    session.wait("as what")
    session.type("down", "enter")
    session.wait("role: verifier")
    session.wait("y sign it")
    session.read(0.3)
    session.type("y")
    session.wait("Enter passphrase")


def gone(pids: list[int], seconds: float = 20.0) -> bool:
    """Whether none of these runs any more."""
    end = time.monotonic() + seconds
    while any(psutil.pid_exists(p) and psutil.Process(p).status() != "zombie" for p in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def family(session: Session) -> list[int]:
    """The program and all it started."""
    program = psutil.Process(session.pid)
    return [program.pid, *(each.pid for each in program.children(recursive=True))]


@pytest.mark.parametrize("typed", ["", "wrong"])
def test_a_wrong_passphrase_signs_nothing_and_the_app_goes_on(desk: Desk, typed: str) -> None:
    with opened(desk.folder, environ=desk.environ) as session:
        asked_for_passphrase(session)
        before = desk.journal()
        session.type(typed, "enter")
        session.wait("Nothing was signed, and nothing is recorded as signed.")
        assert desk.journal() == before
        session.type("escape")
        session.wait("not signed yet")
        session.type("q")
        assert session.ended() == 0
        assert session.restored()
    assert not list((desk.folder / "tmp").glob("opsdeck-*"))


def test_a_terminal_that_goes_while_a_passphrase_is_asked_for_leaves_nothing(desk: Desk) -> None:
    """GIVEN ssh-keygen, which asks WHEN the connection drops THEN neither it nor the program goes
    on, nothing is signed, and no temporary file is left."""
    with opened(desk.folder, environ=desk.environ) as session:
        asked_for_passphrase(session)
        before, pids = desk.journal(), family(session)
        assert len(pids) > 1
        session.child.ptyproc.fileobj.close()
        assert gone(pids)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(session.pid, 0)
        session.child.closed = True  # there is nothing left to be closed
    assert desk.journal() == before
    assert not list((desk.folder / "tmp").glob("opsdeck-*"))


def test_a_terminal_of_another_size_while_a_passphrase_is_asked_for(desk: Desk) -> None:
    with opened(desk.folder, environ=desk.environ) as session:
        asked_for_passphrase(session)
        session.resize(40, 120)
        session.type(PASSPHRASE, "enter")
        session.wait(f"signed {RELEASE} as verifier")
        session.wait("All releases")
        session.wait("1 of 3 signed")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_notes_outlive_the_session(desk: Desk, number: signal.Signals) -> None:
    """GIVEN notes that are being typed WHEN the session ends at once THEN nothing is lost that
    stood there for longer than a moment."""
    text = "Feed index first."
    with opened(desk.folder, environ=desk.environ) as session:
        at_signoff(session)
        session.type("n")
        session.wait("Notes of")
        session.child.send(text)
        session.wait(text)
        if number is signal.SIGKILL:
            end = time.monotonic() + 20
            while desk.drafts() != text and time.monotonic() < end:
                session.read(0.02)
        session.kill(number)
        session.ended()
    assert desk.drafts() == text
    with opened(desk.folder, environ=desk.environ) as session:
        session.wait("typed and not saved yet")
        session.type("n")
        session.wait(text)


def test_q_leaves_at_once_while_an_agent_hangs(desk: Desk) -> None:
    with hung_agent(desk.folder) as socket:
        environ = {**desk.environ, "SSH_AUTH_SOCK": socket}
        del environ["OPSDECK_SIGNING_KEY"]
        with opened(desk.folder, environ=environ) as session:
            at_signoff(session)
            session.type("S")
            session.wait("as what")
            session.type("enter")
            session.wait("When was")
            session.type("enter")
            session.wait("looking for your key")
            session.type("q")
            assert session.ended() == 0
            assert session.restored()


def test_at_rest_it_sends_next_to_nothing(desk: Desk) -> None:
    with opened(desk.folder, environ=desk.environ) as session:
        at_signoff(session)
        session.read(11.0)
        # Nothing but, once a minute, the clock.
        assert len(session.read(5.0)) < 400
