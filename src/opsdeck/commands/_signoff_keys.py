"""What `opsdeck signoff keys` prints: which keys are at hand, whose they are, what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from opsdeck.errors import OpsDeckError
from opsdeck.signoff.allowed import allowed_lines, is_listed_as_revoked
from opsdeck.signoff.ssh import (
    NAMESPACE,
    VERIFY_TIMEOUT_S,
    Found,
    Key,
    Signers,
    SigningError,
    find_keys,
    identity_for,
    principals,
)
from opsdeck.signoff.ssh_run import PROGRAM, private_files, run
from opsdeck.text import plural, visible

if TYPE_CHECKING:
    from opsdeck.signing import Signing

KEY_VARIABLE = "OPSDECK_SIGNING_KEY"
"""The environment's `--key`."""


class KeySeen(msgspec.Struct, frozen=True, kw_only=True):
    """A key, and what the list of allowed signers says of it.

    `identity` is as whom the operator may sign with it now, "" where they may not: `trouble` says
    why, and `line` what would have to be added to the list where it is in no line.
    """

    key: Key
    owners: tuple[str, ...] = ()
    identity: str = ""
    trouble: str = ""
    line: str = ""


class KeysSeen(msgspec.Struct, frozen=True, kw_only=True):
    """All that signing takes: the program, the list of allowed signers (`people` names stand in
    it), the keys. A trouble is "" where there is none."""

    operator: str
    file: Path
    people: int = 0
    file_trouble: str = ""
    keygen: str | None = None
    agent: str = ""
    keys: tuple[KeySeen, ...] = ()
    keys_trouble: str = ""

    @property
    def usable(self) -> bool:
        """Whether the operator can sign."""
        return bool(self.keygen) and any(one.identity for one in self.keys)


def keygen_of(environ: Mapping[str, str]) -> str | None:
    """Where ssh-keygen is; None where it is not on this PATH."""
    return shutil.which(PROGRAM, path=environ.get("PATH", ""))


def look_at_keys(
    signing: Signing, environ: Mapping[str, str], operator: str, explicit: str | None
) -> KeysSeen:
    """Find all that signing takes; blocks for a moment."""
    signers, trouble = None, ""
    try:
        signers = signing.read_signers()
    except OpsDeckError as error:
        trouble = str(error)
    seen = KeysSeen(
        operator=operator,
        file=signing.signers_file(),
        people=_people(signers) if signers else 0,
        file_trouble=trouble,
        keygen=keygen_of(environ),
    )
    try:
        found = find_keys(environ, explicit)
    except SigningError as error:
        return msgspec.structs.replace(seen, keys_trouble=str(error))
    keys = tuple(_key(signing, signers, key, operator, environ) for key in found.keys)
    agent, trouble = found.agent_words, _no(found)
    return msgspec.structs.replace(seen, agent=agent, keys=keys, keys_trouble=trouble)


def _no(found: Found) -> str:
    if found.keys:
        return ""
    return "there is no key: make one with `ssh-keygen -t ed25519`, or name its file with --key"


def _people(signers: Signers) -> int:
    return len({line.patterns for line in allowed_lines(signers) if line.counts})


def _key(
    signing: Signing,
    signers: Signers | None,
    key: Key,
    operator: str,
    environ: Mapping[str, str],
) -> KeySeen:
    names = signing.rules.identities
    if signers is None:
        return KeySeen(key=key, line=_line(signing, key, operator))
    owners = tuple(principals(signers, key.public))
    try:
        identity = identity_for(signers, key.public, operator, names, at=signing.deck.now())
    except SigningError as error:
        line = _line(signing, key, operator) if error.kind == "not-allowed" else ""
        return KeySeen(key=key, owners=owners, trouble=_in_short(error), line=line)
    if _is_revoked(signers, key.public, environ):
        return KeySeen(key=key, owners=owners, trouble="it was revoked: use another key")
    return KeySeen(key=key, owners=owners, identity=identity)


def _is_revoked(signers: Signers, public: str, environ: Mapping[str, str]) -> bool:
    listed = is_listed_as_revoked(signers, public)
    if listed is not None or signers.revoked is None:
        return bool(listed)
    files = {"revoked": signers.revoked, "key.pub": f"{public}\n".encode()}
    try:
        with private_files(files) as folder:
            asked = ["-Q", "-f", str(folder / "revoked"), str(folder / "key.pub")]
            return b"REVOKED" in run(asked, b"", environ, VERIFY_TIMEOUT_S).out
    except SigningError:
        return False  # without ssh-keygen nobody signs anyway, and that is said


def _in_short(error: SigningError) -> str:
    """What is wrong, without the line that is shown beneath it."""
    return "it is in no line of that file" if error.kind == "not-allowed" else str(error)


def _line(signing: Signing, key: Key, operator: str) -> str:
    """The line that would allow the operator this key."""
    name = signing.rules.identities.get(operator, operator)
    quoted = f'"{name}"' if set(name) & set(" \t") else name
    return visible(f'{quoted} namespaces="{NAMESPACE}" {key.public}')


def keys_lines(seen: KeysSeen) -> Iterator[str]:
    """All of it, for people."""
    yield f"ssh-keygen: {visible(seen.keygen) if seen.keygen else 'not on PATH: install OpenSSH'}"
    if seen.file_trouble:
        yield f"allowed signers: {visible(seen.file_trouble)}"
    else:
        many = plural(seen.people, "person", "people")
        yield f"allowed signers: {visible(str(seen.file))}, {many}"
    if seen.agent:
        yield visible(seen.agent)
    if seen.keys_trouble:
        yield visible(seen.keys_trouble)
    for one in seen.keys:
        yield from _key_lines(one, seen)


def _key_lines(one: KeySeen, seen: KeysSeen) -> Iterator[str]:
    key = one.key
    where = "agent" if key.source == "agent" else visible(str(key.file))
    comment = f" ({key.comment})" if key.comment else ""
    yield visible(f"{key.fingerprint} {key.kind}{comment}, {where}")
    if one.identity:
        yield visible(f"  {seen.operator} signs with it as {one.identity}")
    elif one.trouble:
        yield visible(f"  {seen.operator} cannot sign with it: {one.trouble}")
    if one.line:
        yield f"  for whoever keeps {visible(str(seen.file))}, the line to add:"
        yield f"  {one.line}"


def keys_object(seen: KeysSeen) -> dict[str, Any]:
    """All of it, for programs; `docs/cli.md` describes every key."""
    return {
        "operator": seen.operator,
        "usable": seen.usable,
        "ssh_keygen": seen.keygen,
        "allowed_signers": {
            "file": str(seen.file),
            "people": seen.people,
            "trouble": seen.file_trouble or None,
        },
        "agent": seen.agent or None,
        "trouble": seen.keys_trouble or None,
        "keys": [
            {
                "fingerprint": one.key.fingerprint,
                "kind": one.key.kind,
                "comment": one.key.comment or None,
                "source": one.key.source,
                "file": str(one.key.file) if one.key.file else None,
                "owners": list(one.owners),
                "identity": one.identity or None,
                "trouble": one.trouble or None,
                "line": one.line or None,
            }
            for one in seen.keys
        ],
    }
