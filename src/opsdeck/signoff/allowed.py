"""`allowed_signers`: who may sign with which key, from when and until when.

ssh-keygen alone decides whether a signature holds. What is read here names people in messages,
says what is wrong, and finds out as whom an operator signs.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from opsdeck.signoff.allowed_line import Allowed, fits, matches, numbered_lines, parse_line
from opsdeck.signoff.sshsig import NAMESPACE, Public, SigningError, parse_public
from opsdeck.text import visible

LARGEST_BYTES = 1_000_000
"""Some 8,000 people; of revoked keys a few times more."""
_LARGEST_REVOKED = 4_000_000
_KRL_MAGIC = b"SSHKRL\n\0"
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f]")
_MOST_NAMED = 3
_HINT = ": sign with your own key, or say as which of these names you sign"
_EXAMPLE = f'a line is like: alice@example namespaces="{NAMESPACE}" ssh-ed25519 AAAA…'
_EXAMPLE_REVOKED = "make it with ssh-keygen -k, or list public keys one a line"


class Signers(msgspec.Struct, frozen=True):
    """What is allowed, as it was read: what is verified against is exactly this."""

    file: Path
    content: bytes
    revoked: bytes | None = None
    """A KRL, or public keys one a line."""
    revoked_file: Path | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


def read_signers(file: Path, revoked: Path | None = None) -> Signers:
    """Read who may sign, and which keys were revoked.

    Raises SigningError (bad-allowed-signers), with the line, for what cannot be read or used: a
    revocation that cannot be read revokes nothing and is therefore never passed over.
    """
    content = _read(file, LARGEST_BYTES, _EXAMPLE)
    first = ""
    for number, line in numbered_lines(content):
        try:
            if parse_line(number, line):
                break
        except ValueError as error:
            first = first or f"line {number}: {error}"
    else:
        where = f"{_shown(file)}: {first}" if first else f"{_shown(file)} has no line"
        raise SigningError("bad-allowed-signers", f"nobody may sign: {where}; {_EXAMPLE}")
    if revoked is None:
        return Signers(file=file, content=content)
    keys = _read(revoked, _LARGEST_REVOKED, _EXAMPLE_REVOKED, is_binary=True)
    if not keys.startswith(_KRL_MAGIC):
        _revoked_lines(revoked, keys)
    return Signers(file=file, content=content, revoked=keys, revoked_file=revoked)


def _shown(file: Path) -> str:
    return visible(str(file))


def _read(file: Path, most: int, hint: str, *, is_binary: bool = False) -> bytes:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise SigningError(
                    "bad-allowed-signers", f"{_shown(file)} is no plain file; {hint}"
                )
            content = stream.read(most + 1)
    except OSError as error:
        said = f"{_shown(file)} cannot be read ({error.strerror or error}); {hint}"
        raise SigningError("bad-allowed-signers", said) from None
    if len(content) > most:
        said = f"{_shown(file)} is larger than {most:,} bytes: it is not what it should be; {hint}"
        raise SigningError("bad-allowed-signers", said)
    if not is_binary and (found := _CONTROL.search(content)):
        number = content.count(b"\n", 0, found.start()) + 1
        said = f"{_shown(file)}: line {number} has a control character in it: take it out; {hint}"
        raise SigningError("bad-allowed-signers", said)
    return content


def _revoked_lines(file: Path, content: bytes) -> list[Public]:
    found = []
    for number, line in numbered_lines(content):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        public = parse_public(text)
        if public is None:
            raise SigningError(
                "bad-allowed-signers",
                f"{_shown(file)}: line {number} is no public key: revoked keys stand there one a"
                " line, as in a .pub file, or it is a KRL of ssh-keygen -k",
            )
        found.append(public)
    return found


def is_listed_as_revoked(signers: Signers, public: str) -> bool | None:
    """Whether a key is in the list of revoked ones; None where that is a KRL."""
    if signers.revoked is None:
        return False
    if signers.revoked.startswith(_KRL_MAGIC):
        return None
    keys = _revoked_lines(signers.revoked_file or signers.file, signers.revoked)
    return any(key.line == public for key in keys)


def allowed_lines(signers: Signers) -> list[Allowed]:
    """The lines that can be used; ssh-keygen passes over the others too."""
    found = []
    for number, line in numbered_lines(signers.content):
        try:
            if one := parse_line(number, line):
                found.append(one)
        except ValueError:
            continue
    return found


def principals(signers: Signers, public: str) -> list[str]:
    """Who a public key belongs to, as written: patterns too, without those that exclude.

    Lines of certificate authorities and those for other namespaces name nobody here.
    """
    names = [
        name
        for line in allowed_lines(signers)
        if line.counts and line.public.line == public
        for name in line.patterns.split(",")
        if name and not name.startswith("!")
    ]
    return list(dict.fromkeys(names))


def identity_for(
    signers: Signers,
    public: str,
    operator: str,
    names: Mapping[str, str],
    *,
    at: datetime | None = None,
) -> str:
    """The principal as which an operator signs with a key at a time (now, if none is given).

    It is what `names` says of the operator; else the operator's own name; else one whose part
    before the @ is that name. Raises SigningError: not-allowed (the key is nobody's), wrong-key
    (it is somebody else's), expired, not-allowed-yet.
    """
    lines = [line for line in allowed_lines(signers) if line.public.line == public]
    if not any(line.counts for line in lines):
        raise _not_allowed(signers, public, names.get(operator, operator), lines)
    lines = [line for line in lines if line.counts]
    when = at or datetime.now(UTC)
    trouble: SigningError | None = None
    for identity in _candidates(operator, names, lines):
        for line in lines:
            if not matches(identity, line.patterns):
                continue
            found = line.trouble_at(when)
            if found is None:
                return identity
            trouble = trouble or found
    if trouble is not None:
        raise _in_file(signers, trouble)
    raise _wrong_key(signers, public, names.get(operator, operator))


def _candidates(operator: str, names: Mapping[str, str], lines: list[Allowed]) -> Iterator[str]:
    if operator in names:
        yield names[operator]
        return
    yield operator
    for line in lines:
        for pattern in line.patterns.split(","):
            local, at_sign, domain = pattern.partition("@")
            if at_sign and fits(operator, local) and not set(domain) & set("*?"):
                yield f"{operator}@{domain}"


def explain(signers: Signers, public: str, identity: str, at: datetime) -> SigningError | None:
    """Why a key may not sign as `identity` at a time; None where nothing here says so."""
    try:
        identity_for(signers, public, identity, {identity: identity}, at=at)
    except SigningError as error:
        return SigningError(error.kind, str(error).removesuffix(_HINT))
    return None


def _wrong_key(signers: Signers, public: str, who: str) -> SigningError:
    """That a key is somebody else's, and whose."""
    owners = principals(signers, public)
    named = ", ".join(visible(name)[:80] for name in owners[:_MOST_NAMED])
    more = ", …" if len(owners) > _MOST_NAMED else ""
    return SigningError(
        "wrong-key",
        f"by {_shown(signers.file)} this key is that of {named}{more}, not of"
        f" {visible(who)}{_HINT}",
    )


def _not_allowed(signers: Signers, public: str, who: str, lines: list[Allowed]) -> SigningError:
    name = f'"{who}"' if set(who) & set(" 	") else who
    line = f'{visible(name)} namespaces="{NAMESPACE}" {public}'
    why = "this key is in no line of"
    if lines:
        number = lines[0].number
        is_ca = lines[0].is_authority
        what = "certificates, not signatures" if is_ca else "other namespaces only"
        why = f"this key is for {what} in line {number} of"
    return SigningError(
        "not-allowed",
        f"{why} {_shown(signers.file)}: let whoever keeps that file add: {line}",
    )


def _in_file(signers: Signers, error: SigningError) -> SigningError:
    return SigningError(
        error.kind,
        f"by {_shown(signers.file)} {error}: use another key, or let whoever keeps that file"
        " change the dates",
    )
