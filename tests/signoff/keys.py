"""Real keys, agents and lists of who may sign, as people have them; all in folders of the test."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from opsdeck.signoff.ssh import NAMESPACE, Key, Signers, find_keys, read_signers
from opsdeck.signoff.ssh_keys import ask_agent

PASSPHRASE = "correct horse battery"

needs_ssh_keygen = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed"
)
needs_agent = pytest.mark.skipif(
    shutil.which("ssh-agent") is None or shutil.which("ssh-add") is None,
    reason="ssh-agent and ssh-add are not installed",
)


class Keys(NamedTuple):
    """Private key files; each has its .pub beside it."""

    alice: Path
    """ed25519"""
    bob: Path
    """ecdsa"""
    carol: Path
    """rsa"""
    dave: Path
    """ed25519, with a passphrase"""


def make_keys(folder: Path) -> Keys:
    """A key of each kind; making that of RSA takes a moment."""
    return Keys(
        make_key(folder / "alice", comment="alice@laptop"),
        make_key(folder / "bob", "ecdsa"),
        make_key(folder / "carol", "rsa"),
        make_key(folder / "dave", passphrase=PASSPHRASE),
    )


def make_key(
    file: Path, kind: str = "ed25519", passphrase: str = "", comment: str = "", *more: str
) -> Path:
    """A new private key in a file, with its public half beside it."""
    arguments = ["-t", kind, "-N", passphrase, "-C", comment, "-a", "1", *more, "-f", str(file)]
    ssh_keygen(*arguments)
    return file


def ssh_keygen(*arguments: str, data: bytes = b"") -> str:
    """What ssh-keygen prints; it must end well."""
    done = subprocess.run(
        ["ssh-keygen", "-q", *arguments], input=data, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def public_line(key: Path) -> str:
    """The public half of a key, without a comment."""
    return " ".join(key.with_name(f"{key.name}.pub").read_text().split()[:2])


def line(who: str, key: Path, options: str = f'namespaces="{NAMESPACE}"') -> str:
    """A line of allowed_signers."""
    return " ".join(filter(None, [who, options, public_line(key)]))


def signers(file: Path, *lines: str, revoked: Path | None = None) -> Signers:
    """These lines, written to a file and read from it."""
    file.write_text("".join(f"{one}\n" for one in lines))
    return read_signers(file, revoked)


def make_krl(file: Path, *keys: Path) -> Path:
    """A list of revoked keys in ssh-keygen's own format."""
    ssh_keygen("-k", "-f", str(file), *(f"{key}.pub" for key in keys))
    return file


def environ_of(home: Path, **more: str) -> dict[str, str]:
    """An environment in which nothing of the one who runs the tests is to be seen."""
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(home)} | more


def key_of(file: Path, environ: Mapping[str, str] | None = None) -> Key:
    """The key of a file, as found when it is named."""
    (key,) = find_keys(environ or environ_of(file.parent), str(file)).keys
    return key


@contextlib.contextmanager
def agent(folder: Path, *keys: Path) -> Iterator[str]:
    """A real ssh-agent that holds these keys: its socket."""
    path = folder / "agent"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 20
        environ = environ_of(folder, SSH_AUTH_SOCK=str(path))
        while ask_agent(environ).state == "dead" and time.monotonic() < until:
            time.sleep(0.005)
        for key in keys:
            subprocess.run(
                ["ssh-add", "-q", str(key)],
                env=environ,
                check=True,
                capture_output=True,
                timeout=20,
            )
        yield str(path)
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def hung_agent(folder: Path) -> Iterator[str]:
    """The socket of an agent that takes a question and never answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(folder / "hung"))
        listener.listen(8)
        yield str(folder / "hung")


def dead_agent(folder: Path) -> str:
    """A socket that an agent left behind when it died."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(folder / "dead"))
    return str(folder / "dead")


Signer = Callable[[bytes], bytes | None]


class FakeAgent:
    """An agent that lists one key and signs with what it is given; with None it refuses to, and
    without anything it never answers."""

    def __init__(self, file: Path, public: str, signer: Signer | None = None) -> None:
        self.path = str(file)
        self.asked_to_sign = False
        self._blob = base64.b64decode(public.split()[1])
        self._signer = signer
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._streams: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> FakeAgent:
        self._listener.bind(self.path)
        self._listener.listen(8)
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._streams):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        for one in (self._listener, *self._streams):
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                self._streams.append(stream)
                self._threads.append(threading.Thread(target=self._serve, args=[stream]))
                self._threads[-1].start()

    def _serve(self, stream: socket.socket) -> None:
        with contextlib.suppress(OSError), stream.makefile("rb") as questions:
            while head := questions.read(4):
                question = questions.read(int.from_bytes(head, "big"))
                if (answer := self._answer(question)) is not None:
                    stream.sendall(wire(answer))

    def _answer(self, question: bytes) -> bytes | None:
        if question[0] == 11:
            return b"\x0c" + (1).to_bytes(4, "big") + wire(self._blob) + wire(b"fake")
        if question[0] != 13:
            return b"\x05"
        self.asked_to_sign = True
        if self._signer is None:
            return None
        at = 5 + int.from_bytes(question[1:5], "big")
        data = question[at + 4 : at + 4 + int.from_bytes(question[at : at + 4], "big")]
        signature = self._signer(data)
        return b"\x05" if signature is None else b"\x0e" + wire(signature)


def wire(data: bytes) -> bytes:
    """A string of SSH's wire format."""
    return len(data).to_bytes(4, "big") + data
