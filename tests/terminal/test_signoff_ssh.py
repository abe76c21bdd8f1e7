"""Three operators with three keys sign one release, each over SSH; a stranger verifies it."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.signoff.keys import PASSPHRASE, agent, line, make_key
from tests.signoff.test_bundle import TOOLS, Stranger, at_once
from tests.terminal.session import SRC, Session, opened
from tests.terminal.test_ssh import free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/usr/sbin/sshd").exists(), reason="needs openssh-server"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="needs an ssh client"),
    pytest.mark.skipif(
        not all(map(shutil.which, (*TOOLS, "ssh-agent"))), reason="needs ssh-keygen and ssh-agent"
    ),
]
RELEASE = "v1.4.2"
CATALOG = """
omit = ["environment-configuration", "code-quality-security", "database-readiness",
        "infrastructure", "monitoring-logging", "before-going-live", "deployment-execution",
        "post-deployment-verification"]
"""
ONLY = "deployment-preparation"


class Office:
    """A deck on a server, and people who reach it with a key of their own, which signs too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.here = folder / "here"
        self.there = folder / "there"
        self.there.mkdir()
        self.here.mkdir()
        self.keys = {name: make_key(self.here / name) for name in ("carol", "alice", "bob")}
        self.locked = make_key(self.there / "bob-signs", passphrase=PASSPHRASE)
        signs = {"carol": self.keys["carol"], "alice": self.keys["alice"], "bob": self.locked}
        lines = [line(f"{name}@acme", key) for name, key in signs.items()]
        (self.there / "allowed_signers").write_text("\n".join(lines) + "\n")
        (self.there / "opsdeck.toml").write_text(
            '[deck]\nname = "acme"\noperators = ["alice", "bob", "carol"]\n'
        )
        (self.there / "checklists.toml").write_text(CATALOG)
        known = "".join(Path(f"{key}.pub").read_text() for key in self.keys.values())
        (folder / "authorized").write_text(known)

    def variables(self, who: str) -> dict[str, str]:
        """What the program sees on the server."""
        found = {
            "PYTHONPATH": str(SRC),
            "HOME": str(self.there),
            "OPSDECK_HOME": str(self.there / "deck"),
            "LANG": "C.UTF-8",
            "OPSDECK_OPERATOR": who,
        }
        return found | ({"OPSDECK_SIGNING_KEY": str(self.locked)} if who == "bob" else {})

    def command(self, who: str, *arguments: str) -> str:
        """One command on the server, at once; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "opsdeck", *arguments],
            cwd=self.there,
            env={"PATH": os.environ["PATH"], **self.variables(who)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ssh(self, who: str) -> list[str]:
        """How somebody reaches the app; the agent goes with them."""
        given = " ".join(f"{k}={shlex.quote(v)}" for k, v in self.variables(who).items())
        options = [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "IdentitiesOnly=yes",
        ]
        return [
            "ssh",
            *("-tt", "-A"),
            *(part for option in options for part in ("-o", option)),
            *("-i", str(self.keys[who]), "-p", str(self.port), f"{getpass.getuser()}@127.0.0.1"),
            f"cd {shlex.quote(str(self.there))} && {given} {sys.executable} -m opsdeck",
        ]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    make_key(tmp_path / "host")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    config = tmp_path / "sshd_config"
    config.write_text(
        f"Port {made.port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nUsePAM no\n"
        f"StrictModes no\nAuthorizedKeysFile {tmp_path}/authorized\nPidFile none\n"
        "AllowAgentForwarding yes\n"
    )
    sshd = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-f", str(config), "-E", str(tmp_path / "log")]
    )
    try:
        time.sleep(0.3)
        yield made
    finally:
        sshd.terminate()
        sshd.wait(5)


def begin(office: Office) -> None:
    """A release whose items are all done."""
    office.command("bob", "release", "start", RELEASE, "--window", "Mon 02:00 to 03:00 UTC")
    office.command("bob", "release", "change", RELEASE, "--date", "2026-11-23")
    listed = office.command("bob", "list", "items", "--json")
    items = [i for i in json.loads(listed) if i["checklist"] == ONLY and i["state"] == "open"]
    office.command("dave", "attest", *(f"{ONLY}/{item['id']}" for item in items))


def open_signoff(session: Session) -> None:
    session.wait("DUE", 60)
    session.type("5")
    session.wait("gate open: 4 of 4 rules hold", 60)


def sign(session: Session, role: str, *, downs: int | None, passphrase: str = "") -> None:
    """S, the role in the list (None: there is only one), y, and what ssh-keygen asks."""
    session.type("S")
    if downs is not None:
        session.wait("as what")
        session.type(*["down"] * downs, "enter")
    session.wait(f"role: {role}", 60)
    session.read(0.3)
    session.type("y")
    if passphrase:
        session.wait("Enter passphrase", 60)
        session.type(f"{passphrase}\r")
    session.wait(f"signed {RELEASE} as {role}", 60)


def test_three_sign_in_three_sessions_and_a_stranger_verifies(
    office: Office, tmp_path: Path
) -> None:
    begin(office)
    with ExitStack() as stack:
        sessions = {}
        for who in ("carol", "bob", "alice"):
            # GIVEN three sessions at the same time, each with an agent that holds one key
            (tmp_path / f"agent-{who}").mkdir()
            held = () if who == "bob" else (office.keys[who],)
            socket = stack.enter_context(agent(tmp_path / f"agent-{who}", *held))
            environ = {"SSH_AUTH_SOCK": socket}
            command = ["env", *(f"{k}={v}" for k, v in environ.items()), *office.ssh(who)]
            sessions[who] = stack.enter_context(opened(tmp_path, *command))
        for session in sessions.values():
            open_signoff(session)
        # WHEN carol signs as deployer by her forwarded agent
        sign(sessions["carol"], "deployer", downs=0)
        # THEN she may not approve too
        sessions["carol"].type("S")
        sessions["carol"].wait("Nothing was signed")
        sessions["carol"].wait("carol has signed as deployer")
        # WHEN bob signs as verifier with a key that asks for its passphrase, typed behind the app
        sessions["bob"].wait("carol (deployer)", 60)
        sign(sessions["bob"], "verifier", downs=0, passphrase=PASSPHRASE)
        # and alice approves
        sessions["alice"].wait("bob (verifier)", 60)
        sign(sessions["alice"], "approver", downs=None)
        sessions["alice"].wait("signed by all", 60)
        painted = b"".join(session.painted for session in sessions.values())
        assert PASSPHRASE.encode() not in painted
    assert PASSPHRASE not in "".join(p.read_text() for p in office.there.glob("deck/journal/*"))
    # THEN it verifies here,
    assert "every signature holds" in office.command("dave", "signoff", "verify", RELEASE)
    # and a fourth believes it without OpsDeck
    tar = tmp_path / "bundle.tar"
    office.command("dave", "signoff", "bundle", RELEASE, "-o", str(tar))
    stranger = Stranger(tmp_path / "stranger")
    done = stranger.run(f"tar xf {shlex.quote(str(tar))}")
    assert done.returncode == 0, done.stderr
    folder = stranger.folder / f"{RELEASE}-signoff"
    checked = stranger.run(at_once((folder / "VERIFY.txt").read_text()), folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for who in ("alice", "bob", "carol"):
        assert f'Good "opsdeck-signoff" signature for {who}@acme' in checked.stdout


def test_a_passphrase_that_is_given_up_signs_nothing(office: Office, tmp_path: Path) -> None:
    begin(office)
    with opened(tmp_path, *office.ssh("bob")) as session:
        open_signoff(session)
        session.type("S")
        session.wait("as what")
        session.type("down", "enter")
        session.wait("role: verifier", 60)
        session.read(0.3)
        session.type("y")
        session.wait("Enter passphrase", 60)
        session.type("\x03")
        session.wait("Nothing was signed", 60)
        session.type("escape")
        session.wait("not signed yet")
    assert "signoff.signed" not in "".join(
        p.read_text() for p in office.there.glob("deck/journal/*.jsonl")
    )


def running(folder: Path) -> list[str]:
    """What runs in this folder."""
    found = []
    for process in psutil.process_iter(["cwd", "name"]):
        if process.info["cwd"] == str(folder):
            found.append(str(process.info["name"]))
    return found


def test_a_connection_that_drops_while_a_passphrase_is_asked_for_signs_nothing(
    office: Office, tmp_path: Path
) -> None:
    """GIVEN ssh-keygen, which asks bob over SSH WHEN the client is killed THEN nothing of his
    session goes on, and nothing is signed."""
    begin(office)
    with opened(tmp_path, *office.ssh("bob")) as session:
        open_signoff(session)
        session.type("S")
        session.wait("as what")
        session.type("down", "enter")
        session.wait("role: verifier", 60)
        session.read(0.3)
        session.type("y")
        session.wait("Enter passphrase", 60)
        assert "ssh-keygen" in running(office.there)
        session.kill(signal.SIGKILL)
        end = time.monotonic() + 30
        while running(office.there) and time.monotonic() < end:
            time.sleep(0.05)
        assert running(office.there) == []
    assert "signoff.signed" not in "".join(
        p.read_text() for p in office.there.glob("deck/journal/*.jsonl")
    )
