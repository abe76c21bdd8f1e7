"""A sign-off as one tar that a stranger verifies with `sha256sum` and `ssh-keygen` alone.

What is in it comes from journals of many machines: no name is taken into the tar unlooked at.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from opsdeck.errors import DataError, NotSavedError, UsageError
from opsdeck.journal.events import line_hash
from opsdeck.journal.files import fsync_folder, not_saved
from opsdeck.signoff.bundle_text import (
    ALL_SUMS,
    RECORD_FILE,
    REVOKED_FILE,
    SIGNERS_FILE,
    TEXT_FILE,
    Pairs,
    signature_file,
    statement_file,
    verify_text,
)
from opsdeck.signoff.content import (
    CONTENT_FILE,
    SUMS_FILE,
    Lines,
    content_of,
    evidence_bytes,
    kept_files,
    sha256,
)
from opsdeck.signoff.record import Record, record_name
from opsdeck.signoff.record_toml import record_toml
from opsdeck.signoff.ssh import Signers
from opsdeck.signoff.statement import one_line
from opsdeck.text import visible

FILE_MODE = 0o644
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._+-]{0,99}){0,2}")
"""What a file of a bundle may be called: no `..`, nothing hidden, nothing that a shell reads."""


class Parts(NamedTuple):
    """What a bundle is made of: `lines` are the journal's that the content rests on (`wanted_of`),
    `signers` who may sign (None where nothing is signed), `readable` the record as pages to read
    (`record.md`, `record.html`)."""

    record: Record
    lines: Lines
    signers: Signers | None
    readable: Mapping[str, bytes]


def bundle_name(release: str) -> str:
    """`v1.4.2-signoff.tar`; raises UsageError for what is no release's name."""
    return record_name(release).removesuffix(".toml") + "-signoff.tar"


def wanted_of(record: Record) -> dict[str, set[int]]:
    """Writer -> the numbers of the events whose lines a bundle needs, for `find_lines`."""
    found: dict[str, set[int]] = {}
    for kept in kept_files(record.content):
        writer, _, number = str(kept.event).rpartition(":")
        if number.isascii() and number.isdigit() and len(number) <= 15:
            found.setdefault(writer, set()).add(int(number))
    return found


def bundle_files(parts: Parts) -> dict[str, bytes]:
    """Name -> content of every file of a bundle, in order.

    Raises UsageError where nobody signed, or there is nothing to verify signatures with, and
    DataError for what is not what was signed: that is never packed.
    """
    record = parts.record
    pairs = _pairs(record)
    content = content_of(record.content)
    if content.sha256 != record.sha256:
        raise _damaged(record, f"its content has the SHA-256 {content.sha256[:12]}…")
    found = {CONTENT_FILE: content.text, SUMS_FILE: content.sums, **_kept(parts)}
    for one, _ in pairs:
        found[statement_file(one)] = one.statement.encode("utf-8", "replace")
        if one.signature:
            found[signature_file(one)] = one.signature.encode("utf-8", "replace")
    is_signed = any(one.signature for one, _ in pairs)
    signers = parts.signers if is_signed else None
    if signers is not None:
        found[SIGNERS_FILE] = signers.content
        if signers.revoked is not None:
            found[REVOKED_FILE] = signers.revoked
    elif is_signed:
        raise UsageError(
            "a bundle needs the file of allowed signers, for nobody could verify the signatures"
            " without: see allowed_signers in [signoff] of opsdeck.toml"
        )
    found[RECORD_FILE] = record_toml(record).encode()
    found |= parts.readable
    text = verify_text(
        record,
        pairs,
        revoked=REVOKED_FILE in found,
        evidence=bool(content.sums),
        dated=b"valid-" in found.get(SIGNERS_FILE, b""),
    )
    found[TEXT_FILE] = text.encode("utf-8", "replace")
    for name in found:
        if not FILE_NAME.fullmatch(name):
            raise _damaged(record, f"{visible(name)[:80]!r} cannot name a file")
    ordered = {name: found[name] for name in sorted(found)}
    sums = "".join(f"{sha256(whole)}  {name}\n" for name, whole in ordered.items())
    return {**ordered, ALL_SUMS: sums.encode()}


def _pairs(record: Record) -> Pairs:
    """The signatures with their statements, none of which may be unreadable or another's."""
    found: Pairs = []
    for one, said in record.signed:
        if said is None:
            raise _damaged(record, f"the statement of {one.role} {one_line(one.by)} cannot be read")
        told = (said.release, said.role, said.name, said.content)
        if told != (record.release.name, one.role, one_line(one.by), record.sha256):
            raise _damaged(record, f"the statement of {one.role} {one_line(one.by)} is another's")
        if any(visible(text) != text for text in (said.name, said.identity, said.reason)):
            raise _damaged(record, f"a statement of {one.role} has control characters in it")
        found.append((one, said))
    if not found:
        raise UsageError(f"nobody has signed release {record.release.name} yet: there is no bundle")
    return found


def _kept(parts: Parts) -> dict[str, bytes]:
    """The journal's lines and the evidence, byte for byte as they were signed."""
    found: dict[str, bytes] = {}
    for kept in kept_files(parts.record.content):
        line = parts.lines.get(kept.event)
        if line is None:
            raise _damaged(parts.record, f"event {visible(str(kept.event))} is not in the journal")
        whole = evidence_bytes(line) if kept.evidence else line
        digest = None if whole is None else sha256(whole) if kept.evidence else line_hash(whole)
        if whole is None or digest != kept.sha256 or kept.name in found:
            raise _damaged(parts.record, f"event {visible(kept.event)} is not as it was signed")
        found[kept.name] = whole
    return found


def _damaged(record: Record, why: str) -> DataError:
    name = visible(record.release.name)
    return DataError(f"no bundle of {name}: {why}; `opsdeck signoff verify {name}` says more")


def bundle_bytes(parts: Parts) -> bytes:
    """The tar: the same for the same parts, to the byte. Raises as bundle_files does."""
    folder = bundle_name(parts.record.release.name).removesuffix(".tar")
    times = [one.at.timestamp() for one, _ in parts.record.signed if one.at is not None]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, whole in bundle_files(parts).items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(whole), FILE_MODE
            entry.mtime = max(0, int(max(times, default=0.0)))
            tar.addfile(entry, io.BytesIO(whole))
    return stream.getvalue()


def write_bundle(path: Path, parts: Parts, *, force: bool = False) -> int:
    """Write a bundle as this file, whole and on disk; its size in bytes.

    Without `force` nothing that is there is written over. Raises as bundle_files does, UsageError
    where something is there, NotSavedError where it cannot be written.
    """
    whole = bundle_bytes(parts)
    there = UsageError(f"{path} is there already: name another file, or say --force")
    if not force and os.path.lexists(path):
        raise there
    temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        if path.is_dir():
            raise NotSavedError(f"not saved: {path} is a folder")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with open(os.open(temporary, flags, FILE_MODE), "wb") as out:
                out.write(whole)
                out.flush()
                os.fsync(out.fileno())
            if force:
                temporary.replace(path)
            else:
                path.hardlink_to(temporary)
        finally:
            temporary.unlink(missing_ok=True)
        fsync_folder(path.parent)
    except FileExistsError:
        raise there from None
    except OSError as error:
        raise not_saved(path, error) from error
    return len(whole)
