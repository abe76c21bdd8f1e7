"""What `opsdeck signoff bundle` does: a tar on disk, its sum, and how a stranger verifies it."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from opsdeck.commands.output import say
from opsdeck.errors import NoInputError
from opsdeck.reports.signoff_files import bundle_parts
from opsdeck.signoff.bundle import bundle_name, write_bundle
from opsdeck.signoff.bundle_text import TEXT_FILE
from opsdeck.signoff.record import first_lines
from opsdeck.text import visible

if TYPE_CHECKING:
    from opsdeck.signing import Signing


def make_bundle(signing: Signing, name: str, output: Path | None, *, force: bool) -> None:
    """Write the bundle of what was signed last, and say where it is and what to do with it.

    Raises UsageError where nobody has signed or the file is there already, SigningError without
    allowed signers, DataError for what is no longer as it was signed, NotSavedError.
    """
    parts = bundle_parts(signing, signing.release(name))
    tar = bundle_name(name)
    path = output if output is not None else Path(tar)
    if path.is_dir():
        path = path / tar
    if not path.parent.is_dir():
        raise NoInputError(f"there is no folder {path.parent}")
    write_bundle(path, parts, force=force)
    folder = tar.removesuffix(".tar")
    for line in first_lines(parts.record):
        say(visible(line))
    say(visible(f"written: {path}"))
    say(f"sha256: {hashlib.sha256(path.read_bytes()).hexdigest()}")
    unpack = f"tar xf {shlex.quote(str(path))} && cd {folder}"
    say(visible(f"to verify it without OpsDeck: {unpack} && cat {TEXT_FILE}"))
