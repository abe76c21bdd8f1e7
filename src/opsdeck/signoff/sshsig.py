"""SSH keys and signatures as bytes: what a public key and an armoured SSHSIG hold.

Nothing here decides whether a signature is valid; `ssh-keygen` alone does. This tells whose key it
is, for a message, and notices a signature whose text was touched. The format is that of
PROTOCOL.sshsig of OpenSSH; every step is linear in the text, whatever it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Literal, NamedTuple

import msgspec

from opsdeck.errors import OpsDeckError

NAMESPACE = "opsdeck-signoff"
"""What signatures are made for; one that was made for anything else does not count."""
LONGEST_SIGNATURE = 65_536
"""Characters; that of the largest RSA key takes some 6,000."""

Trouble = Literal[
    "no-ssh-keygen",
    "no-key",
    "no-agent",
    "agent-hung",
    "needs-passphrase",
    "cancelled",
    "wrong-key",
    "not-allowed",
    "not-allowed-yet",
    "expired",
    "revoked",
    "bad-signature",
    "bad-allowed-signers",
    "timeout",
    "failed",
]

_BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
_END = "\n-----END SSH SIGNATURE-----\n"
_COLUMNS = 70
_PREAMBLE = b"SSHSIG"
_DAMAGED = "the signature is damaged: it is not what ssh-keygen wrote; get it anew, or sign again"


class SigningError(OpsDeckError):
    """Nothing was signed, or a signature does not hold. `kind` says why, for programs."""

    exit_code = 77

    def __init__(self, kind: Trouble, message: str) -> None:
        super().__init__(message)
        self.kind: Trouble = kind


class SignatureKey(NamedTuple):
    """What a signature says of itself: nothing of it is proved."""

    kind: str
    fingerprint: str
    namespace: str


class Public(msgspec.Struct, frozen=True):
    """A public key, and the words that stood behind it."""

    kind: str
    blob: bytes
    comment: str = ""

    @property
    def line(self) -> str:
        """`ssh-ed25519 AAAA…`, as it stands in files, without a comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """`SHA256:…`, as ssh-keygen shows it."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    @property
    def is_certificate(self) -> bool:
        return "-cert-v" in self.kind


def take_string(data: bytes, at: int) -> tuple[bytes, int]:
    """The string of SSH's wire format that begins at `at`, and where the next thing does.

    Raises ValueError where there is none.
    """
    begin = at + 4
    end = begin + int.from_bytes(data[at:begin], "big")
    if begin > len(data) or end > len(data):
        raise ValueError("it ends too early")
    return data[begin:end], end


def public_of_blob(blob: bytes, comment: str = "") -> Public:
    """The public key of its wire format; raises ValueError for what is none."""
    kind, _ = take_string(blob, 0)
    if not kind or not all(0x21 <= byte < 0x7F for byte in kind) or len(kind) > 64:
        raise ValueError("no kind of key")
    return Public(kind.decode(), blob, comment)


def parse_public(line: str) -> Public | None:
    """The key of a line `ssh-ed25519 AAAA… comment`; None where it is no such line."""
    words = line.split(None, 2)
    if len(words) < 2:
        return None
    try:
        public = public_of_blob(base64.b64decode(words[1], validate=True))
    except (ValueError, binascii.Error):
        return None
    if public.kind != words[0]:
        return None
    return Public(public.kind, public.blob, words[2].strip() if len(words) > 2 else "")


def signature_key(signature: str) -> SignatureKey:
    """Which key a signature says it was made with, and for what.

    Raises SigningError (bad-signature) for what is no armoured SSHSIG.
    """
    public, namespace, _ = _parsed(signature)
    return SignatureKey(public.kind, public.fingerprint, namespace)


def signature_public(signature: str) -> str:
    """The public key in a signature, as the line `ssh-ed25519 AAAA…`; raises like signature_key."""
    return _parsed(signature)[0].line


def is_canonical(signature: str) -> bool:
    """Whether it is letter for letter as ssh-keygen writes one.

    The armour alone would let some letters be changed unnoticed: spare bits at the end of the
    base64, spaces, the text around it, the reserved field that nothing covers.
    """
    try:
        blob = _dearmoured(signature)
        _, _, reserved = _parsed(signature)
    except SigningError:
        return False
    return not reserved and armoured(blob) == signature


def armoured(blob: bytes) -> str:
    """A signature as the text that ssh-keygen writes."""
    text = base64.b64encode(blob).decode()
    lines = (text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS))
    return _BEGIN + "\n".join(lines) + _END


def _dearmoured(signature: str) -> bytes:
    if (
        len(signature) > LONGEST_SIGNATURE
        or not signature.startswith(_BEGIN)
        or not signature.endswith(_END)
    ):
        raise SigningError("bad-signature", _DAMAGED)
    try:
        return base64.b64decode(
            signature[len(_BEGIN) : -len(_END)].replace("\n", ""), validate=True
        )
    except (ValueError, binascii.Error):
        raise SigningError("bad-signature", _DAMAGED) from None


def _parsed(signature: str) -> tuple[Public, str, bytes]:
    """The key, the namespace and the reserved field."""
    blob = _dearmoured(signature)
    at = len(_PREAMBLE) + 4
    if not blob.startswith(_PREAMBLE) or blob[len(_PREAMBLE) : at] != b"\0\0\0\1":
        raise SigningError("bad-signature", _DAMAGED)
    fields = []
    try:
        for _ in range(5):  # key, namespace, reserved, hash, signature
            field, at = take_string(blob, at)
            fields.append(field)
        if at != len(blob):
            raise ValueError("more behind it")
        return public_of_blob(fields[0]), fields[1].decode(), fields[2]
    except ValueError:
        raise SigningError("bad-signature", _DAMAGED) from None
