"""Which keys somebody may sign with: the agent's, the usual files, or the one that is named."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from opsdeck.signoff import ssh_keys
from opsdeck.signoff.ssh import SigningError, find_keys, sign
from opsdeck.signoff.ssh_keys import ask_agent
from tests.signoff.keys import (
    PASSPHRASE,
    FakeAgent,
    Keys,
    agent,
    dead_agent,
    environ_of,
    hung_agent,
    make_key,
    needs_agent,
    needs_ssh_keygen,
    public_line,
    ssh_keygen,
    wire,
)

pytestmark = needs_ssh_keygen


@pytest.fixture
def home(keys: Keys, tmp_path: Path) -> Path:
    """A home with two of the usual keys."""
    folder = tmp_path / "home" / ".ssh"
    folder.mkdir(parents=True)
    for key, name in ((keys.alice, "id_ed25519"), (keys.carol, "id_rsa")):
        shutil.copy(key, folder / name)
        shutil.copy(f"{key}.pub", folder / f"{name}.pub")
    return folder.parent


def test_without_an_agent_the_usual_files_are_offered(keys: Keys, home: Path) -> None:
    # GIVEN a home with keys and no agent
    # WHEN keys are looked for
    found = find_keys(environ_of(home))
    # THEN those of the files are found, with all that one needs to know of them
    assert found.agent == "none"
    assert "SSH_AUTH_SOCK is not set" in found.agent_words
    alice, carol = found.keys
    assert (alice.source, alice.file) == ("file", home / ".ssh" / "id_ed25519")
    assert (alice.kind, alice.comment) == ("ssh-ed25519", "alice@laptop")
    assert alice.public == public_line(keys.alice)
    assert carol.kind == "ssh-rsa"
    for key, file in ((alice, keys.alice), (carol, keys.carol)):
        assert key.fingerprint == ssh_keygen("-l", "-f", f"{file}.pub").split()[1]
        assert not key.is_hardware


def test_nobody_has_to_have_a_key(tmp_path: Path) -> None:
    assert find_keys(environ_of(tmp_path)).keys == []


def test_a_public_key_without_its_private_one_is_no_key_of_a_file(home: Path) -> None:
    (home / ".ssh" / "id_rsa").unlink()
    assert [key.kind for key in find_keys(environ_of(home)).keys] == ["ssh-ed25519"]


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["open", "with a passphrase"])
def test_a_key_needs_no_public_half_beside_it(home: Path, passphrase: str) -> None:
    # GIVEN a key, with a passphrase perhaps, whose .pub was lost
    folder = home / ".ssh"
    for file in list(folder.iterdir()):
        file.unlink()
    line = public_line(make_key(folder / "id_ecdsa", "ecdsa", passphrase))
    (folder / "id_ecdsa.pub").unlink()
    # WHEN keys are looked for THEN it is found all the same
    assert [key.public for key in find_keys(environ_of(home)).keys] == [line]


def test_a_key_of_the_old_format_is_asked_for_its_public_half(home: Path) -> None:
    folder = home / ".ssh"
    line = public_line(folder / "id_rsa")
    ssh_keygen("-p", "-m", "PEM", "-N", "", "-f", str(folder / "id_rsa"))
    (folder / "id_rsa.pub").unlink()
    assert "BEGIN RSA PRIVATE" in (folder / "id_rsa").read_text()
    assert [key.public for key in find_keys(environ_of(home)).keys][1:] == [line]


def test_an_old_one_with_a_passphrase_and_no_public_half_is_left_out(home: Path) -> None:
    folder = home / ".ssh"
    ssh_keygen("-p", "-m", "PEM", "-N", PASSPHRASE, "-f", str(folder / "id_rsa"))
    (folder / "id_rsa.pub").unlink()
    assert [key.kind for key in find_keys(environ_of(home)).keys] == ["ssh-ed25519"]
    with pytest.raises(SigningError, match="ssh-keygen -y") as finding:
        find_keys(environ_of(home), "~/.ssh/id_rsa")
    assert finding.value.kind == "no-key"


def test_the_public_half_is_that_of_the_private_key_not_of_the_file_beside_it(
    keys: Keys, home: Path
) -> None:
    shutil.copy(f"{keys.dave}.pub", home / ".ssh" / "id_ed25519.pub")
    assert find_keys(environ_of(home)).keys[0].public == public_line(keys.alice)


@needs_agent
def test_keys_of_the_agent_come_first_and_each_key_once(
    keys: Keys, home: Path, tmp_path: Path
) -> None:
    # GIVEN an agent with one of the keys in files, and another
    with agent(tmp_path, keys.bob, keys.carol) as path:
        # WHEN keys are looked for
        found = find_keys(environ_of(home, SSH_AUTH_SOCK=path))
    # THEN each is there once, and it says where it lies
    assert found.agent == "ok"
    assert path in found.agent_words
    assert [(key.public, key.source, key.file and key.file.name) for key in found.keys] == [
        (public_line(keys.bob), "agent", None),
        (public_line(keys.carol), "agent", "id_rsa"),
        (public_line(keys.alice), "file", "id_ed25519"),
    ]


@needs_agent
def test_an_empty_agent_is_told_from_none(home: Path, tmp_path: Path) -> None:
    with agent(tmp_path) as path:
        found = find_keys(environ_of(home, SSH_AUTH_SOCK=path))
    assert (found.agent, len(found.keys)) == ("empty", 2)
    assert "ssh-add" in found.agent_words


def test_an_agent_that_died_is_no_error_but_is_told(home: Path, tmp_path: Path) -> None:
    for path in (dead_agent(tmp_path), str(tmp_path / "nowhere"), str(tmp_path), "x" * 300):
        found = find_keys(environ_of(home, SSH_AUTH_SOCK=path))
        assert (found.agent, len(found.keys)) == ("dead", 2)
        assert "is gone" in found.agent_words


def test_an_agent_that_hangs_is_no_error_but_is_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_keys, "AGENT_TIMEOUT_S", 0.05)
    with hung_agent(tmp_path) as path:
        found = find_keys(environ_of(home, SSH_AUTH_SOCK=path))
    assert (found.agent, len(found.keys)) == ("hung", 2)
    assert "does not answer" in found.agent_words


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0",
        b"\0\0\0\0",
        b"\0\0\0\1\5",
        b"\xff\xff\xff\xff" + b"x" * 100,
        wire(b"\x05\0\0\0\0"),
        wire(b"\x0c\0\0\0\2" + wire(wire(b"ssh-ed25519") + wire(b"x" * 32)) + wire(b"one")),
        wire(b"\x0c\xff\xff\xff\xff"),
        wire(b"\x0c\0\0\0\1" + wire(b"junk") + wire(b"")),
        wire(b"\x0c\0\0\0\1" + wire(wire(b"ssh\x1b[2J")) + wire(b"")),
    ],
)
def test_whatever_an_agent_answers_it_is_only_that(answer: bytes, tmp_path: Path) -> None:
    # GIVEN something that answers nonsense where an agent should be
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "odd"))
        listener.listen()

        def serve() -> None:
            stream, _ = listener.accept()
            with stream:
                stream.recv(5)
                stream.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        # WHEN it is asked
        found = ask_agent({"SSH_AUTH_SOCK": str(tmp_path / "odd")})
        thread.join(20)
    # THEN there are no keys, and nothing breaks
    assert (found.state in ("dead", "empty"), found.keys) == (True, [])


def test_a_comment_cannot_steer_the_terminal(home: Path) -> None:
    folder = home / ".ssh"
    (folder / "id_rsa.pub").write_text(public_line(folder / "id_rsa") + " a\x1b[2Jb\n")
    assert find_keys(environ_of(home)).keys[1].comment == "a␛[2Jb"


def test_the_key_that_is_named_counts_alone(keys: Keys, home: Path) -> None:
    environ = environ_of(home)
    for named in ("~/.ssh/id_rsa", "~/.ssh/id_rsa.pub", str(home / ".ssh" / "id_rsa")):
        (key,) = find_keys(environ, named).keys
        assert (key.public, key.source) == (public_line(keys.carol), "file")
        assert sign(b"x", key, environ)


def test_a_public_key_may_be_named_when_the_private_one_is_only_in_the_agent(
    keys: Keys, home: Path, tmp_path: Path
) -> None:
    # GIVEN a public key file with no private one beside it
    file = tmp_path / "work key.pub"
    shutil.copy(f"{keys.bob}.pub", file)
    # WHEN it is named THEN it is a key of the agent, whether that is there or not
    (key,) = find_keys(environ_of(home), str(file)).keys
    assert (key.source, key.file) == ("agent", file)
    with FakeAgent(tmp_path / "fake", public_line(keys.bob)) as fake:
        (key,) = find_keys(environ_of(home, SSH_AUTH_SOCK=fake.path), str(file)).keys
    assert key.source == "agent"


def test_what_is_named_and_is_no_key_is_refused(keys: Keys, home: Path, tmp_path: Path) -> None:
    # GIVEN files that are no keys
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "huge").write_bytes(b"x" * 100_000)
    (tmp_path / "torn").write_text(keys.alice.read_text()[:120])
    (tmp_path / "\x1b[2J").write_text("ssh-ed25519 AAAA\n")
    os.mkfifo(tmp_path / "pipe")
    names = ["text", "huge", "torn", "\x1b[2J", "pipe", "nowhere", ".", "nul\0"]
    for name in names:
        # WHEN one is named as the key to sign with
        with pytest.raises(SigningError) as finding:
            find_keys(environ_of(home), f"{tmp_path}/{name}")
        # THEN it says which file it is, and what to name
        assert finding.value.kind == "no-key"
        assert "\x1b" not in str(finding.value)
        assert str(tmp_path) in str(finding.value)


def test_a_certificate_is_no_key_to_sign_with(keys: Keys, tmp_path: Path) -> None:
    # GIVEN a certificate for a key
    file = make_key(tmp_path / "erin")
    ssh_keygen("-s", str(keys.alice), "-I", "erin", "-n", "erin", f"{file}.pub")
    # WHEN it is named, or the agent offers it
    with pytest.raises(SigningError, match="certificate") as finding:
        find_keys(environ_of(tmp_path), f"{file}-cert.pub")
    assert finding.value.kind == "no-key"
    with FakeAgent(tmp_path / "fake", Path(f"{file}-cert.pub").read_text()) as fake:
        found = find_keys(environ_of(tmp_path, SSH_AUTH_SOCK=fake.path))
    # THEN it is left out
    assert found.keys == []


def test_a_hardware_key_is_told_by_its_kind(home: Path) -> None:
    # A real one cannot be made here; its public half says all that is needed to offer it.
    blob = wire(b"sk-ssh-ed25519@openssh.com") + wire(bytes(32)) + wire(b"ssh:")
    line = f"sk-ssh-ed25519@openssh.com {base64.b64encode(blob).decode()}"
    folder = home / ".ssh"
    (folder / "id_ed25519_sk").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    (folder / "id_ed25519_sk.pub").write_text(f"{line} blue one\n")
    key = find_keys(environ_of(home)).keys[0]
    assert (key.public, key.comment, key.is_hardware) == (line, "blue one", True)
