"""Which keys somebody may sign with: those of the agent, and the usual files.

The agent is asked in its own protocol, which takes a fraction of a millisecond and tells one that
is gone from one that hangs. No private key is ever taken apart: what is public in its file is.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import socket
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from opsdeck.signoff.ssh_run import run
from opsdeck.signoff.sshsig import (
    Public,
    SigningError,
    parse_public,
    public_of_blob,
    take_string,
)
from opsdeck.text import visible

AgentState = Literal["none", "ok", "dead", "hung", "empty"]

USUAL_FILES = ("id_ed25519_sk", "id_ed25519", "id_ecdsa_sk", "id_ecdsa", "id_rsa")
AGENT_TIMEOUT_S = 2.0
"""What an agent may take to list its keys; a forwarded one answers over the network."""

_LARGEST_KEY = 65_536
_LONGEST_ANSWER = 262_144
"""As in OpenSSH."""
_PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----"
_PRIVATE_MAGIC = b"openssh-key-v1\0"
_ASK_FOR_KEYS = b"\0\0\0\1\x0b"
_KEYS = 12


class Key(msgspec.Struct, frozen=True):
    """A key that one may sign with. `file` is what ssh-keygen gets as `-f`, a private or a public
    key file; for one of the agent it is where else the key lies, if anywhere."""

    public: str
    comment: str
    kind: str
    fingerprint: str
    source: Literal["file", "agent"]
    file: Path | None = None

    @property
    def is_hardware(self) -> bool:
        """Whether it is touched (or asks for a PIN) to sign."""
        return self.kind.startswith("sk-")


class Found(msgspec.Struct, frozen=True):
    """The keys there are, the agent's first, and how the agent is."""

    keys: list[Key]
    agent: AgentState
    socket: str = ""
    """Where the agent is to be reached, made harmless to show."""

    @property
    def agent_words(self) -> str:
        """How the agent is, in one sentence."""
        match self.agent:
            case "none":
                return "no SSH agent: SSH_AUTH_SOCK is not set"
            case "dead":
                return (
                    f"the SSH agent at {self.socket} is gone, as after a dropped connection:"
                    " set SSH_AUTH_SOCK anew, or log in again with ssh -A"
                )
            case "hung":
                return (
                    f"the SSH agent at {self.socket} does not answer:"
                    " restart it, or unset SSH_AUTH_SOCK to sign with a key file"
                )
            case "empty":
                return (
                    f"the SSH agent at {self.socket} holds no key:"
                    " ssh-add FILE gives it one, ssh-add -X unlocks it"
                )
        return f"the SSH agent at {self.socket} answers"


class Agent(NamedTuple):
    """How an agent is, and the keys that it holds."""

    state: AgentState
    keys: list[Public]


def find_keys(environ: Mapping[str, str], explicit: str | None = None) -> Found:
    """The keys that this user may sign with.

    `explicit` is the path of a key, private or public, beside which nothing else counts. Raises
    SigningError (no-key) where there is no such key, and no-ssh-keygen where an old private key
    has to be asked for its public half. May block for some seconds.
    """
    agent = ask_agent(environ, AGENT_TIMEOUT_S)
    held = {public.fingerprint: public for public in agent.keys}
    named = visible(environ.get("SSH_AUTH_SOCK", ""))
    if explicit:
        key = _explicit_key(_expanded(explicit, environ), environ, held)
        return Found(keys=[key], agent=agent.state, socket=named)
    files: dict[str, tuple[Path, Public]] = {}
    for name in USUAL_FILES:
        file = _expanded("~/.ssh", environ) / name
        if (public := _public_of_private(file, environ)) and not public.is_certificate:
            files.setdefault(public.fingerprint, (file, public))
    keys = [
        _key(public, "agent", files[print_][0] if print_ in files else None)
        for print_, public in held.items()
    ]
    keys += [
        _key(public, "file", file) for print_, (file, public) in files.items() if print_ not in held
    ]
    return Found(keys=keys, agent=agent.state, socket=named)


def _key(public: Public, source: Literal["file", "agent"], file: Path | None) -> Key:
    return Key(
        public=public.line,
        comment=visible(public.comment),
        kind=public.kind,
        fingerprint=public.fingerprint,
        source=source,
        file=file,
    )


def _expanded(path: str, environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME")
    if home and (path == "~" or path.startswith("~/")):
        return Path(home, path[2:]).absolute()
    return Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 (keeps ~nobody as it is)


def _explicit_key(file: Path, environ: Mapping[str, str], held: Mapping[str, Public]) -> Key:
    shown = visible(str(file))
    try:
        content = _read(file)
    except OSError as error:
        raise SigningError(
            "no-key",
            f"the signing key {shown} cannot be read ({error.strerror or error}):"
            " name the file of your key, for example ~/.ssh/id_ed25519",
        ) from None
    public = parse_public(content.strip())
    private = file.with_suffix("") if public and file.suffix == ".pub" else file
    if public is None:
        public = _public_of_private(file, environ)
    if public is None:
        raise SigningError(
            "no-key",
            f"{shown} is no SSH key, or one without its public half beside it: name a private key"
            f" or a .pub file; ssh-keygen -y -f {shown} > {shown}.pub makes the public half",
        )
    if public.is_certificate:
        raise SigningError(
            "no-key", f"{shown} is a certificate, and signing is done with a key: name the key"
        )
    if public.fingerprint in held:
        return _key(public, "agent", file)
    is_lonely = private != file and not _is_there(private)
    return _key(public, "agent" if is_lonely else "file", file)


def _public_of_private(file: Path, environ: Mapping[str, str]) -> Public | None:
    """The public half of a private key: what its file says, else the .pub beside it, else what
    ssh-keygen tells without a passphrase; None where there is none of these."""
    content = ""
    with contextlib.suppress(OSError):
        content = _read(file)
    if content.lstrip().startswith(_PRIVATE):
        with contextlib.suppress(ValueError, binascii.Error):
            public = _public_inside(content)
            with contextlib.suppress(OSError):
                beside = parse_public(_read(_pub(file)).strip())
                if beside and beside.blob == public.blob:
                    return beside  # it has the comment, too
            return public
    if not content and not _is_there(file):
        return None
    with contextlib.suppress(OSError):
        if beside := parse_public(_read(_pub(file)).strip()):
            return beside
    if "PRIVATE KEY-----" not in content:
        return None
    done = run(["-y", "-P", "", "-f", str(file)], b"", environ, 10.0)
    return parse_public(done.out.decode(errors="replace").strip()) if not done.exit_code else None


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except (OSError, ValueError):
        return False


def _pub(file: Path) -> Path:
    return file.with_name(file.name + ".pub")


def _public_inside(content: str) -> Public:
    """The public key that a private one of OpenSSH's own format has in the clear."""
    body = content.strip().removeprefix(_PRIVATE).partition("-----END")[0]
    blob = base64.b64decode("".join(body.split()), validate=True)
    if not blob.startswith(_PRIVATE_MAGIC):
        raise ValueError("no private key")
    at = len(_PRIVATE_MAGIC)
    for _ in range(3):  # cipher, key derivation and its options
        _, at = take_string(blob, at)
    public, _ = take_string(blob, at + 4)
    return public_of_blob(public)


def _read(file: Path) -> str:
    """The text of a plain file that may be a key; raises OSError."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:
        raise OSError("no name of a file") from None
    with open(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_KEY:
            raise OSError("no plain file, or far too large for a key")
        return stream.read(_LARGEST_KEY).decode(errors="replace")


def ask_agent(environ: Mapping[str, str], timeout_s: float = AGENT_TIMEOUT_S) -> Agent:
    """How the agent of SSH_AUTH_SOCK is, and its keys; certificates are left out."""
    path = environ.get("SSH_AUTH_SOCK", "")
    if not path:
        return Agent("none", [])
    until = time.monotonic() + timeout_s
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.settimeout(timeout_s)
            stream.connect(path)
            stream.sendall(_ASK_FOR_KEYS)
            length = int.from_bytes(_received(stream, 4, until), "big")
            if not 5 <= length <= _LONGEST_ANSWER:
                return Agent("empty" if length == 1 else "dead", [])
            found = _keys_in(_received(stream, length, until))
    except TimeoutError:
        return Agent("hung", [])
    except BlockingIOError:  # so many wait for it already that it takes no more
        return Agent("hung", [])
    except (OSError, ValueError):
        return Agent("dead", [])
    return Agent("ok" if found else "empty", found)


def _received(stream: socket.socket, count: int, until: float) -> bytes:
    data = bytearray()
    while len(data) < count:
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        stream.settimeout(left_s)
        more = stream.recv(count - len(data))
        if not more:
            raise ValueError("it hung up")
        data += more
    return bytes(data)


def _keys_in(answer: bytes) -> list[Public]:
    """The keys of an agent's answer; raises ValueError for what is none."""
    if answer[0] != _KEYS:
        raise ValueError("no list of keys")
    keys, at = [], 5
    for _ in range(int.from_bytes(answer[1:5], "big")):
        blob, at = take_string(answer, at)
        comment, at = take_string(answer, at)
        public = public_of_blob(blob, comment.decode(errors="replace"))
        if not public.is_certificate:
            keys.append(public)
    return keys
