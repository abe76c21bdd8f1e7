"""A catalog that was checked once, kept in the deck's `cache/` so that opening need not parse TOML.

It is used only for exactly the same files and program, and only if this account wrote it: it may
be deleted at any time, and nobody else can slip a catalog in.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from opsdeck import __version__
from opsdeck.catalog.model import Catalog
from opsdeck.catalog.source import UnusableError, read_bytes

_FORMAT = 3


def key_of(files: Sequence[Path]) -> str | None:
    """What names a catalog made of these files as they are now; None when one cannot be read."""
    digest = hashlib.sha256(f"{_FORMAT} {__version__}".encode())
    for file in files:
        try:
            content = read_bytes(file)
        except UnusableError:
            return None
        digest.update(f"\n{file}\n{len(content)}\n".encode("utf-8", "surrogateescape"))
        digest.update(content)
    return digest.hexdigest()


def read_compiled(folder: Path, key: str | None) -> Catalog | None:
    """The catalog kept under this key (None: under any, the last good one), or None."""
    path = _path(folder)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(fd, "rb") as file:
            found = os.fstat(fd)
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
                return None
            content = file.read()
    except OSError:
        return None
    head, _, body = content.partition(b"\n")
    kept_key, _, digest = head.partition(b" ")
    if digest != hashlib.sha256(body).hexdigest().encode():
        return None
    if key is not None and kept_key != key.encode():
        return None
    try:
        return msgspec.msgpack.decode(body, type=Catalog)
    except msgspec.DecodeError:
        return None


def write_compiled(folder: Path, key: str, catalog: Catalog) -> None:
    """Keep a catalog under its key, if `folder` exists; failing costs only time."""
    if not folder.is_dir():
        return
    body = msgspec.msgpack.encode(catalog)
    head = f"{key} {hashlib.sha256(body).hexdigest()}\n".encode()
    path = _path(folder)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(temporary, flags, 0o600), "wb") as out:
            out.write(head + body)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):  # a disk that only reads refuses this too
            temporary.unlink()


def _path(folder: Path) -> Path:
    return folder / f"catalog-{os.geteuid()}.compiled"
