"""Hardware keys, with an authenticator made of software.

There is no real one here. Its place is taken where it plugs in: an agent that signs as one does,
and a library that ssh-keygen loads for a key file. Everything else is real; what no test here
shows is a USB device, or a finger.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from opsdeck.signoff.ssh import NAMESPACE, SigningError, find_keys, sign, signature_key, verify
from tests.signoff.keys import FakeAgent, environ_of, needs_ssh_keygen, signers, wire
from tests.signoff.test_ssh_terminal import lives_on, signing
from tests.signoff.test_ssh_verify import NOON, TEXT

pytestmark = needs_ssh_keygen

KIND = b"sk-ssh-ed25519@openssh.com"
APPLICATION = b"ssh:"
TOUCHED = 0x01
PIN_GIVEN = 0x04

LIBRARY = """
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

struct response {
    uint8_t flags; uint32_t counter; uint8_t *r; size_t r_len; uint8_t *s; size_t s_len;
};

uint32_t sk_api_version(void) { return 0x000a0000; }

int sk_enroll() { return -1; }
int sk_load_resident_keys() { return -1; }

int sk_sign(uint32_t alg, const uint8_t *data, size_t length, const char *application,
    const uint8_t *handle, size_t handle_length, uint8_t flags, const char *pin,
    void *options, struct response **out)
{
    uint8_t message[32 + 1 + 4 + 32];
    struct response *one = calloc(1, sizeof(*one));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, handle, 32);
    if (getenv("NOBODY_TOUCHES")) sleep(600);
    if ((flags & 4) && (pin == NULL || strcmp(pin, "1234") != 0)) return -3;
    SHA256((const uint8_t *)application, strlen(application), message);
    message[32] = flags;
    memcpy(message + 33, "\\0\\0\\0\\7", 4);
    SHA256(data, length, message + 37);
    one->flags = flags;
    one->counter = 7;
    one->r_len = 64;
    one->r = malloc(64);
    EVP_DigestSignInit(context, NULL, NULL, NULL, key);
    EVP_DigestSign(context, one->r, &one->r_len, message, sizeof(message));
    *out = one;
    return 0;
}
"""


class Token(NamedTuple):
    """An authenticator: what it has inside, and what it tells the world."""

    secret: Ed25519PrivateKey
    flags: int = TOUCHED

    @property
    def point(self) -> bytes:
        return self.secret.public_key().public_bytes_raw()

    @property
    def blob(self) -> bytes:
        return wire(KIND) + wire(self.point) + wire(APPLICATION)

    @property
    def line(self) -> str:
        return f"{KIND.decode()} {base64.b64encode(self.blob).decode()}"

    def signed(self, data: bytes) -> bytes:
        """What an authenticator signs is more than it was given: that it was touched, and a
        counter."""
        extra = bytes([self.flags]) + (41).to_bytes(4, "big")
        hashes = (hashlib.sha256(part).digest() for part in (APPLICATION, data))
        signature = self.secret.sign(extra.join(hashes))
        return wire(KIND) + wire(signature) + extra

    def file(self, path: Path) -> Path:
        """The private key file of such a key: it holds no secret of use without the token."""
        secret = wire(KIND) + wire(self.point) + wire(APPLICATION) + bytes([self.flags])
        secret += wire(self.secret.private_bytes_raw()) + wire(b"") + wire(b"blue one")
        inside = b"\1\2\3\4" * 2 + secret
        inside += bytes(range(1, 1 + -len(inside) % 8))
        blob = b"openssh-key-v1\0" + wire(b"none") * 2 + wire(b"") + (1).to_bytes(4, "big")
        text = base64.encodebytes(blob + wire(self.blob) + wire(inside)).decode()
        path.write_text(
            f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n"
        )
        path.chmod(0o600)
        return path


@pytest.fixture
def token() -> Token:
    return Token(Ed25519PrivateKey.generate())


def holds(signature: str, token: Token, folder: Path, text: bytes = TEXT) -> None:
    allowed = signers(folder / "allowed", f'alice@ops namespaces="{NAMESPACE}" {token.line}')
    assert verify(text, signature, "alice@ops", allowed, at=NOON).kind == KIND.decode()


def test_a_hardware_key_of_an_agent_signs(token: Token, tmp_path: Path) -> None:
    # GIVEN a hardware key that an agent far away holds
    with FakeAgent(tmp_path / "fake", token.line, token.signed) as agent:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=agent.path)
        (key,) = find_keys(environ).keys
        assert (key.kind, key.is_hardware) == (KIND.decode(), True)
        # WHEN it signs
        signature = sign(TEXT, key, environ)
    # THEN it is a signature like any other
    assert signature_key(signature).kind == KIND.decode()
    holds(signature, token, tmp_path)


def test_a_hardware_key_that_nobody_touches_is_given_up(token: Token, tmp_path: Path) -> None:
    with FakeAgent(tmp_path / "fake", token.line) as agent:
        environ = environ_of(tmp_path, SSH_AUTH_SOCK=agent.path)
        (key,) = find_keys(environ).keys
        with pytest.raises(SigningError, match="touch the key") as signing:
            sign(TEXT, key, environ, timeout_s=0.5)
    assert signing.value.kind == "timeout"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ssh-keygen loads to speak with an authenticator."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler to make an authenticator with")
    folder = tmp_path_factory.mktemp("sk")
    source = folder / "sk.c"
    source.write_text(LIBRARY)
    made = folder / "sk.so"
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(made), str(source), "-lcrypto"],
        capture_output=True,
    )
    if done.returncode:
        pytest.skip("the headers of OpenSSL are not installed")
    return made


def test_a_hardware_key_in_a_file_signs(token: Token, library: Path, tmp_path: Path) -> None:
    environ = environ_of(tmp_path, SSH_SK_PROVIDER=str(library))
    (key,) = find_keys(environ, str(token.file(tmp_path / "id_sk"))).keys
    assert (key.public, key.is_hardware) == (token.line, True)
    holds(sign(TEXT, key, environ), token, tmp_path)


def test_a_hardware_key_in_a_file_that_nobody_touches_is_given_up(
    token: Token, library: Path, tmp_path: Path
) -> None:
    environ = environ_of(tmp_path, SSH_SK_PROVIDER=str(library), NOBODY_TOUCHES="1")
    (key,) = find_keys(environ, str(token.file(tmp_path / "id_sk"))).keys
    with pytest.raises(SigningError, match="touch the key") as signing:
        sign(TEXT, key, environ, timeout_s=0.5)
    assert signing.value.kind == "timeout"


def test_touching_is_asked_for_on_the_terminal(token: Token, library: Path, tmp_path: Path) -> None:
    file = token.file(tmp_path / "id_sk")
    with signing(tmp_path, file, SSH_SK_PROVIDER=str(library)) as child:
        child.expect("(?i)touch|user presence")
        child.expect_exact("signed:True")
        lives_on(child)


def test_a_pin_is_asked_for_on_the_terminal_and_nowhere_else(
    token: Token, library: Path, tmp_path: Path
) -> None:
    # GIVEN a hardware key that wants a PIN
    file = token._replace(flags=TOUCHED | PIN_GIVEN).file(tmp_path / "id_sk")
    environ = environ_of(tmp_path, SSH_SK_PROVIDER=str(library))
    (key,) = find_keys(environ, str(file)).keys
    # WHEN nobody can be asked THEN it says that it needs one
    with pytest.raises(SigningError, match="has a passphrase or PIN: type it") as refusing:
        sign(TEXT, key, environ)
    assert refusing.value.kind == "needs-passphrase"
    # WHEN somebody can be asked THEN the right one signs, a wrong one does not
    for pin, words in (("1234", "signed:True"), ("4321", "kind:cancelled"), ("", "kind:cancelled")):
        with signing(tmp_path, file, SSH_SK_PROVIDER=str(library)) as child:
            child.expect("PIN.*: ")
            child.sendline(pin)
            child.expect_exact(words)
            lives_on(child)
