"""Sign and verify with `ssh-keygen`: everything of SSH that the rest of OpsDeck needs.

Each is one call of it, with the text as its input. It alone decides what is valid; what is read
here of keys, signatures and `allowed_signers` serves to say precisely why something is not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from opsdeck.signoff.allowed import (
    Signers,
    explain,
    identity_for,
    is_listed_as_revoked,
    principals,
    read_signers,
)
from opsdeck.signoff.ssh_keys import Found, Key, find_keys
from opsdeck.signoff.ssh_run import Done, private_files, run
from opsdeck.signoff.ssh_sign import sign
from opsdeck.signoff.sshsig import (
    NAMESPACE,
    SigningError,
    Trouble,
    is_canonical,
    signature_key,
    signature_public,
)
from opsdeck.text import visible

__all__ = [
    "NAMESPACE",
    "Found",
    "Key",
    "Signers",
    "SigningError",
    "Trouble",
    "Verified",
    "find_keys",
    "identity_for",
    "is_canonical",
    "principals",
    "read_signers",
    "sign",
    "signature_key",
    "signature_public",
    "verify",
]

VERIFY_TIMEOUT_S = 10.0
_DAMAGED = ("Couldn't", "verification failed", "sshsig_", "trailing data", "larger than supported")
"""What ssh-keygen says, in one of these words, of what is not fit to be checked."""


class Verified(msgspec.Struct, frozen=True):
    """A signature that holds: whose, and with which key."""

    identity: str
    kind: str
    fingerprint: str


def verify(
    statement: bytes,
    signature: str,
    identity: str,
    signers: Signers,
    *,
    at: datetime,
    timeout_s: float = VERIFY_TIMEOUT_S,
    environ: Mapping[str, str] | None = None,
) -> Verified:
    """Whose signature of the statement it is: that of `identity`, who might sign at that time.

    Blocks. Raises SigningError, which says why it does not hold: bad-signature (damaged, made for
    another text or another purpose), not-allowed, wrong-key (another's), expired, not-allowed-yet,
    revoked, timeout, no-ssh-keygen.
    """
    made = signature_key(signature)
    if not is_canonical(signature):
        raise SigningError(
            "bad-signature", "the signature was touched: it is not letter for letter what was made"
        )
    if not identity or visible(identity) != identity:
        raise SigningError("not-allowed", f"{visible(identity)!r} is no name of anybody")
    files = {"allowed_signers": signers.content, "signature": signature.encode()}
    if signers.revoked is not None:
        files["revoked"] = signers.revoked
    with private_files(files) as folder:
        check = _Check(
            folder, signature, identity, signers, at.astimezone(UTC), timeout_s,
            os.environ if environ is None else environ,
        )  # fmt: skip
        done = check.verdict(statement)
        if done.exit_code:
            raise check.trouble(done)
    return Verified(identity=identity, kind=made.kind, fingerprint=made.fingerprint)


class _Check(NamedTuple):
    """One signature, and the folder in which all lies that ssh-keygen reads."""

    folder: Path
    signature: str
    identity: str
    signers: Signers
    at: datetime
    timeout_s: float
    environ: Mapping[str, str]

    def verdict(self, statement: bytes) -> Done:
        """What ssh-keygen says of it."""
        arguments = ["-q", "-Y", "verify", "-f", str(self.folder / "allowed_signers")]
        arguments += ["-I", self.identity, "-n", NAMESPACE, "-s", str(self.folder / "signature")]
        if self.signers.revoked is not None:
            arguments += ["-r", str(self.folder / "revoked")]
        when = ["-O", f"verify-time={self.at:%Y%m%d%H%M%S}Z"]
        done = run([*arguments, *when], statement, self.environ, self.timeout_s)
        if done.exit_code and "verify-time" in done.said:  # before 9.1 all times are local
            when = ["-O", f"verify-time={self.at.astimezone():%Y%m%d%H%M%S}"]
            done = run([*arguments, *when], statement, self.environ, self.timeout_s)
        return done

    def trouble(self, done: Done) -> SigningError:
        """Why it does not hold, in the order in which ssh-keygen looks."""
        made, public = signature_key(self.signature), signature_public(self.signature)
        if made.namespace != NAMESPACE:
            return SigningError(
                "bad-signature",
                f"the signature was made for {visible(made.namespace)[:80]!r}, not for"
                f" {NAMESPACE}: it says nothing of this",
            )
        if "incorrect signature" in done.said:
            return SigningError(
                "bad-signature", "the signature does not fit the text: one of the two was changed"
            )
        if any(words in done.said for words in _DAMAGED):
            return SigningError("bad-signature", f"the signature is damaged: {done.reason}")
        if self._is_revoked(public):
            return SigningError(
                "revoked",
                f"the key {made.fingerprint} of {self.identity} was revoked by"
                f" {visible(str(self.signers.revoked_file))}: sign again with another key",
            )
        return explain(self.signers, public, self.identity, self.at) or SigningError(
            "failed", f"ssh-keygen does not accept this signature of {self.identity}: {done.reason}"
        )

    def _is_revoked(self, public: str) -> bool:
        """Whether a key was revoked; for a KRL ssh-keygen is asked once more."""
        listed = is_listed_as_revoked(self.signers, public)
        if listed is not None:
            return listed
        key = self.folder / "key.pub"
        key.write_text(f"{public}\n")
        asked = ["-Q", "-f", str(self.folder / "revoked"), str(key)]
        done = run(asked, b"", self.environ, self.timeout_s)
        if done.exit_code not in (0, 1):
            raise SigningError(
                "bad-allowed-signers",
                f"the revoked keys in {visible(str(self.signers.revoked_file))} cannot be read:"
                " make the file anew with ssh-keygen -k",
            )
        return done.exit_code == 1
