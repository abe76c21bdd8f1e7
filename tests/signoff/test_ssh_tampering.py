"""No letter of a signature can be touched: what ssh-keygen would let pass is noticed before."""

from __future__ import annotations

import base64
import string
from pathlib import Path

import pytest

from opsdeck.signoff.ssh import NAMESPACE, Signers, SigningError, is_canonical, sign, verify
from opsdeck.signoff.sshsig import armoured
from tests.signoff.keys import (
    Keys,
    environ_of,
    key_of,
    line,
    needs_ssh_keygen,
    public_line,
    signers,
    wire,
)
from tests.signoff.test_ssh_verify import NOON, TEXT, refused

pytestmark = needs_ssh_keygen


@pytest.fixture(scope="module")
def signature(keys: Keys) -> str:
    return sign(TEXT, key_of(keys.alice), environ_of(keys.alice.parent))


@pytest.fixture
def allowed(keys: Keys, tmp_path: Path) -> Signers:
    return signers(tmp_path / "allowed_signers", line("alice@ops", keys.alice))


BASE64 = string.ascii_letters + string.digits + "+/"


def test_no_letter_of_a_signature_can_be_changed(
    signature: str, allowed: Signers, keys: Keys, tmp_path: Path
) -> None:
    """Each letter is made another of each class: what is left canonical, ssh-keygen refuses."""
    left = []
    for at, letter in enumerate(signature):
        for other in ("A" if letter != "A" else "B", "=", " ", "\n", "-", "\0", "é"):
            if other == letter:
                continue
            changed = signature[:at] + other + signature[at + 1 :]
            if is_canonical(changed):
                left.append(changed)
    # Every letter of the base64 that carries bits is among them; the rest was noticed already.
    assert len(signature) // 2 < len(left) < len(signature)
    for changed in left:
        with pytest.raises(SigningError):
            verify(TEXT, changed, "alice@ops", allowed, at=NOON)


def test_nor_can_it_be_lengthened_cut_or_wrapped_otherwise(
    signature: str, allowed: Signers
) -> None:
    body = signature.split("\n")[1:-2]
    begin, end = signature.split("\n")[0], signature.split("\n")[-2]
    one_line = "\n".join([begin, "".join(body), end]) + "\n"
    for changed in (
        signature + "\n",
        signature + signature,
        signature[:-1],
        "\n" + signature,
        signature.replace("\n", "\r\n"),
        one_line,
        signature.replace(begin, begin.lower()),
        "\n".join([begin, *body[:-1], end]) + "\n",
        "\n".join([begin, *body, "", end]) + "\n",
    ):
        assert not is_canonical(changed)
        refused(changed, allowed, "bad-signature", "damaged|touched")


def blob_of(signature: str) -> bytes:
    return base64.b64decode("".join(signature.split("\n")[1:-2]))


def test_spare_bits_at_the_end_are_noticed(signature: str, allowed: Signers) -> None:
    # GIVEN a signature whose base64 ends with bits that mean nothing
    at = signature.index("=") - 1
    twins = [signature[:at] + letter + signature[at + 1 :] for letter in BASE64]
    twins = [twin for twin in twins if blob_of(twin) == blob_of(signature) and twin != signature]
    assert len(twins) == 3
    # WHEN they are set, so that ssh-keygen would read the same THEN it is noticed all the same
    for twin in twins:
        refused(twin, allowed, "bad-signature", "touched")


def test_what_no_signature_covers_must_be_empty(
    keys: Keys, signature: str, allowed: Signers
) -> None:
    # GIVEN a signature with something in its reserved field, which ssh-keygen accepts
    public = base64.b64decode(public_line(keys.alice).split()[1])
    blob = blob_of(signature)
    before = b"SSHSIG\0\0\0\1" + wire(public) + wire(NAMESPACE.encode())
    assert blob.startswith(before + wire(b""))
    changed = armoured(before + wire(b"hello") + blob[len(before) + 4 :])
    # WHEN it is verified THEN it is refused
    assert not is_canonical(changed)
    refused(changed, allowed, "bad-signature", "touched")


def test_nothing_at_its_end_and_no_other_version_is_accepted(
    signature: str, allowed: Signers
) -> None:
    blob = blob_of(signature)
    for changed in (
        *(blob + b"\0", blob[:-1], b"", b"SSHSIG", b"SSHSIG\0\0\0\2" + blob[10:]),
        *(blob.replace(b"sha512", b"sha513"), blob[:12] + b"\xff" + blob[13:]),
    ):
        refused(armoured(changed), allowed, "bad-signature", "damaged")
