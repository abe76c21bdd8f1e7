"""Signing with real keys and agents: a signature, or a reason why there is none."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from opsdeck.signoff import ssh_sign
from opsdeck.signoff.ssh import (
    NAMESPACE,
    SigningError,
    find_keys,
    is_canonical,
    sign,
    signature_key,
)
from tests.signoff.keys import (
    PASSPHRASE,
    FakeAgent,
    Keys,
    agent,
    dead_agent,
    environ_of,
    hung_agent,
    key_of,
    line,
    make_key,
    needs_agent,
    needs_ssh_keygen,
    signers,
    ssh_keygen,
)

pytestmark = needs_ssh_keygen

TEXT = b"release: v1.4.2\nrole: approver\n"


def trouble(signing: pytest.ExceptionInfo[SigningError]) -> tuple[str, str]:
    return signing.value.kind, str(signing.value)


def holds(text: bytes, signature: str, key: Path, folder: Path) -> None:
    """ssh-keygen itself, called as anybody would call it, accepts the signature."""
    allowed = signers(folder / "allowed", line("somebody", key)).file
    (folder / "sig").write_text(signature)
    ssh_keygen(
        *("-Y", "verify", "-f", str(allowed), "-I", "somebody", "-n", NAMESPACE),
        *("-s", str(folder / "sig")),
        data=text,
    )


@pytest.mark.parametrize("name", ["alice", "bob", "carol"])
def test_a_key_of_each_kind_signs(keys: Keys, name: str, tmp_path: Path) -> None:
    # GIVEN a key in a file
    file: Path = getattr(keys, name)
    key = key_of(file)
    # WHEN it signs
    signature = sign(TEXT, key, environ_of(tmp_path))
    # THEN it is a signature for us with this key, and anybody can check it
    assert is_canonical(signature)
    assert signature_key(signature) == (key.kind, key.fingerprint, NAMESPACE)
    holds(TEXT, signature, file, tmp_path)


@pytest.mark.parametrize("text", [b"", b"\0\xff", b"x" * 3_000_000], ids=["none", "raw", "long"])
def test_whatever_the_text_is_it_is_signed_as_it_is(
    keys: Keys, text: bytes, tmp_path: Path
) -> None:
    holds(text, sign(text, key_of(keys.alice), environ_of(tmp_path)), keys.alice, tmp_path)


def test_a_passphrase_is_not_asked_for_without_a_terminal(
    keys: Keys, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a key with a passphrase, and a display and an askpass that would hang
    environ = environ_of(tmp_path, DISPLAY=":0", SSH_ASKPASS="/bin/cat")
    # WHEN it is to sign
    with pytest.raises(SigningError) as signing:
        sign(TEXT, key_of(keys.dave), environ)
    # THEN it says so, and nothing reached the screen
    kind, words = trouble(signing)
    assert kind == "needs-passphrase"
    assert str(keys.dave) in words
    assert "ssh-add" in words
    assert capfd.readouterr() == ("", "")


def test_with_a_terminal_but_none_there_nothing_is_asked_either(keys: Keys, tmp_path: Path) -> None:
    # GIVEN a process that has no controlling terminal
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from opsdeck.signoff.ssh import *\n"
        "environ = {'HOME': '/', 'PATH': sys.argv[2]}\n"
        "(key,) = find_keys(environ, sys.argv[1]).keys\n"
        "try:\n"
        "    sign(b'x', key, environ, terminal=True)\n"
        "except SigningError as error:\n"
        "    print(error.kind)\n"
    )
    # WHEN it is to sign with a key that has a passphrase, and may ask
    done = subprocess.run(
        [sys.executable, "-c", program, str(keys.dave), os.environ["PATH"]],
        capture_output=True,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    # THEN it says what it would have to ask for
    assert (done.stdout, done.stderr) == (b"needs-passphrase\n", b"")


@needs_agent
@pytest.mark.parametrize("name", ["alice", "bob", "carol"])
def test_the_agent_signs_with_a_key_whose_file_is_elsewhere(
    keys: Keys, name: str, tmp_path: Path
) -> None:
    # GIVEN an agent that holds a key, as one that was forwarded here, and no file of it
    file: Path = getattr(keys, name)
    with agent(tmp_path, file) as path:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=path)
        found = find_keys(environ)
        (key,) = found.keys
        assert (found.agent, key.source, key.file) == ("ok", "agent", None)
        (tmp_path / "work").mkdir()
        # WHEN it signs
        signature = sign(TEXT, key, environ, workdir=tmp_path / "work")
    # THEN the signature holds, and nothing was left behind
    holds(TEXT, signature, file, tmp_path)
    assert list((tmp_path / "work").iterdir()) == []


@needs_agent
def test_the_agent_spares_one_the_passphrase(keys: Keys, tmp_path: Path) -> None:
    # GIVEN an agent that was given a key that has a passphrase
    copy = make_key(tmp_path / "id_ed25519")
    with agent(tmp_path, copy) as path:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=path)
        ssh_keygen("-p", "-N", PASSPHRASE, "-a", "1", "-f", str(copy))
        # WHEN it is named as the key to sign with
        key = key_of(copy, environ)
        # THEN the agent signs, and nobody is asked
        assert key.source == "agent"
        holds(TEXT, sign(TEXT, key, environ), copy, tmp_path)


@needs_agent
def test_an_agent_that_lost_the_key_is_named(keys: Keys, tmp_path: Path) -> None:
    # GIVEN a key that the agent had a moment ago
    with agent(tmp_path, keys.alice) as path:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=path)
        (key,) = find_keys(environ).keys
        subprocess.run(["ssh-add", "-q", "-D"], env=environ, check=True, capture_output=True)
        # WHEN it is to sign
        with pytest.raises(
            SigningError, match=r"no longer holds.*alice@laptop.*ssh-add"
        ) as signing:
            sign(TEXT, key, environ)
    assert signing.value.kind == "no-key"


@needs_agent
def test_without_its_agent_a_key_of_it_does_not_sign(keys: Keys, tmp_path: Path) -> None:
    # GIVEN a key of an agent
    with agent(tmp_path, keys.alice) as path:
        (key,) = find_keys(environ_of(tmp_path, SSH_AUTH_SOCK=path)).keys
    # WHEN the agent is gone, or nobody says any more where it is
    for environ in (
        environ_of(tmp_path),
        environ_of(tmp_path, SSH_AUTH_SOCK=path),
        environ_of(tmp_path, SSH_AUTH_SOCK=dead_agent(tmp_path)),
    ):
        with pytest.raises(SigningError, match="SSH_AUTH_SOCK") as signing:
            sign(TEXT, key, environ)
        # THEN it says so
        assert signing.value.kind == "no-agent"


def test_a_hung_agent_is_noticed(keys: Keys, tmp_path: Path) -> None:
    # GIVEN a key that is the agent's, and an agent that hangs
    key = msgspec.structs.replace(key_of(keys.alice), source="agent", file=None)
    with hung_agent(tmp_path) as path:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=path)
        # WHEN it is to sign
        with pytest.raises(SigningError, match="does not answer") as signing:
            sign(TEXT, key, environ, timeout_s=0.05)
    assert signing.value.kind == "agent-hung"


def test_a_hung_agent_does_not_hold_up_a_key_in_a_file(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_sign, "AGENT_TIMEOUT_S", 0.05)
    with hung_agent(tmp_path) as path:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=path)
        signature = sign(TEXT, key_of(keys.alice), environ)
    holds(TEXT, signature, keys.alice, tmp_path)


def test_an_agent_that_hangs_when_it_is_to_sign_is_given_up(keys: Keys, tmp_path: Path) -> None:
    # GIVEN an agent that lists its keys and then waits for a touch that never comes
    key = msgspec.structs.replace(key_of(keys.alice), source="agent", file=None)
    with FakeAgent(tmp_path / "fake", key.public) as fake:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=fake.path)
        # WHEN it is to sign
        with pytest.raises(SigningError, match=r"did not sign within.*confirm") as signing:
            sign(TEXT, key, environ, timeout_s=0.5)
    # THEN it was asked and given up
    assert signing.value.kind == "timeout"
    assert fake.asked_to_sign


def test_an_agent_may_refuse(keys: Keys, tmp_path: Path) -> None:
    key = msgspec.structs.replace(key_of(keys.alice), source="agent", file=None)
    with FakeAgent(tmp_path / "fake", key.public, lambda data: None) as fake:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=fake.path)
        with pytest.raises(SigningError, match=r"refused to sign.*confirm") as signing:
            sign(TEXT, key, environ)
    assert signing.value.kind == "failed"


def program(folder: Path, script: str) -> dict[str, str]:
    """An environment in which ssh-keygen is this script of a shell."""
    folder.mkdir()
    file = folder / "ssh-keygen"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return {**environ_of(folder), "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_no_ssh_keygen_is_said_plainly(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(SigningError, match=r"not installed.*openssh-client") as signing:
        sign(TEXT, key_of(keys.alice), {"PATH": str(tmp_path), "HOME": str(tmp_path)})
    assert signing.value.kind == "no-ssh-keygen"
    assert signing.value.exit_code == 77


def test_when_time_is_over_nothing_of_it_is_left(keys: Keys, tmp_path: Path) -> None:
    # GIVEN an ssh-keygen that waits for a child of its own
    pids = tmp_path / "pids"
    environ = program(tmp_path / "bin", f"sleep 600 & echo $! $$ > {pids}.new\n"
                      f"mv {pids}.new {pids}; wait")  # fmt: skip
    # WHEN it takes too long
    with pytest.raises(SigningError, match="did not sign within 1 s") as signing:
        sign(TEXT, key_of(keys.alice), environ, timeout_s=1)
    # THEN both are gone
    assert signing.value.kind == "timeout"
    for pid in pids.read_text().split():
        assert is_gone(int(pid))


def is_gone(pid: int) -> bool:
    for _ in range(1000):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    "script",
    [
        "cat >/dev/null",
        "cat",
        "echo '-----BEGIN SSH SIGNATURE-----'; echo '-----END SSH SIGNATURE-----'",
        "head -c 3000000 /dev/zero",
    ],
    ids=["nothing", "the text", "an empty one", "too much"],
)
def test_what_is_no_signature_is_not_taken_for_one(keys: Keys, script: str, tmp_path: Path) -> None:
    environ = program(tmp_path / "bin", script)
    with pytest.raises(SigningError, match="nothing was signed") as signing:
        sign(TEXT, key_of(keys.alice), environ)
    assert signing.value.kind == "failed"


def test_a_signature_with_another_key_is_not_taken_either(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "sig").write_text(sign(TEXT, key_of(keys.bob), environ_of(tmp_path)))
    environ = program(tmp_path / "bin", f"cat {tmp_path}/sig")
    with pytest.raises(SigningError, match="no signature with the key SHA256:") as signing:
        sign(TEXT, key_of(keys.alice), environ)
    assert signing.value.kind == "failed"


def test_what_ssh_keygen_says_cannot_steer_the_terminal(keys: Keys, tmp_path: Path) -> None:
    environ = program(tmp_path / "bin", "printf 'odd \\033[2J news\\n' >&2; exit 1")
    with pytest.raises(SigningError, match=r"odd ␛.2J news"):
        sign(TEXT, key_of(keys.alice), environ)


def test_a_private_key_that_others_may_read_is_refused(keys: Keys, tmp_path: Path) -> None:
    file = make_key(tmp_path / "open")
    file.chmod(0o644)
    with pytest.raises(SigningError, match=f"chmod 600 {re.escape(str(file))}") as signing:
        sign(TEXT, key_of(file), environ_of(tmp_path))
    assert signing.value.kind == "no-key"


def test_a_key_that_went_away_is_named(keys: Keys, tmp_path: Path) -> None:
    file = make_key(tmp_path / "gone")
    key = key_of(file)
    file.unlink()
    with pytest.raises(SigningError, match="ssh-add") as signing:
        sign(TEXT, key, environ_of(tmp_path))
    assert signing.value.kind == "no-key"


def test_no_room_for_temporary_files_is_said(keys: Keys, tmp_path: Path) -> None:
    key = msgspec.structs.replace(key_of(keys.alice), source="agent", file=None)
    with FakeAgent(tmp_path / "fake", key.public) as fake:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=fake.path)
        with pytest.raises(SigningError, match=r"no temporary file.*TMPDIR"):
            sign(TEXT, key, environ, workdir=tmp_path / "nowhere")
