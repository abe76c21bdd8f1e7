"""What of a bundle nobody signed and can be made anew from what was: the record, `VERIFY.txt`.

From the record as it lies there only the names of events and their times are taken, which are not
in what was signed, and that the release was abandoned.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from opsdeck.errors import DataError
from opsdeck.journal.clock import parse_wall
from opsdeck.signoff.bundle_text import (
    RECORD_FILE,
    REVOKED_FILE,
    SIGNERS_FILE,
    TEXT_FILE,
    statement_file,
    verify_text,
)
from opsdeck.signoff.content import kept_files, needs_of, sha256
from opsdeck.signoff.model import ContentHead, Release, Signed
from opsdeck.signoff.record import Record, record_of
from opsdeck.signoff.record_toml import record_toml
from opsdeck.signoff.verdict import Problem, bad, warn
from opsdeck.signoff.verify_content import Opened
from opsdeck.signoff.verify_roles import Held
from opsdeck.signoff.verify_signature import APART

Pages = Callable[[Record, Mapping[str, bytes]], Mapping[str, bytes]]
"""Makes the pages to read (name -> content) of a record and the evidence of its items by event."""


def unsigned_problems(
    release: str,
    files: Mapping[str, bytes],
    content: Opened,
    held: Sequence[Held],
    pages: Pages,
) -> Iterator[Problem]:
    """Whether the record, the pages and the text say exactly what was signed."""
    try:
        record = _record(release, files.get(RECORD_FILE, b""), content, held)
        wanted = record_toml(record).encode()
    except (ValueError, DataError, RecursionError):
        wanted, record = b"", None
    if record is None or files.get(RECORD_FILE) != wanted:
        yield bad("record", RECORD_FILE, "it is not what was signed: believe nothing that it says")
        return
    text = verify_text(
        record,
        [(one, said) for one, said in record.signed if said is not None],
        revoked=REVOKED_FILE in files,
        evidence=bool(content.sums),
        dated=b"valid-" in files.get(SIGNERS_FILE, b""),
    )
    if files.get(TEXT_FILE) != text.encode("utf-8", "replace"):
        yield bad("record", TEXT_FILE, "it is not as OpsDeck writes it: run none of its commands")
    yield from _page_problems(record, files, content, pages)


def _page_problems(
    record: Record, files: Mapping[str, bytes], content: Opened, pages: Pages
) -> Iterator[Problem]:
    """Pages may be of another version of OpsDeck, which words them otherwise: that is a warning."""
    evidence = {
        kept.event: files[kept.name]
        for kept in kept_files(content.data)
        if kept.evidence and sha256(files.get(kept.name, b"")) == kept.sha256
    }
    try:
        wanted = pages(record, evidence)
    except (ValueError, OverflowError, RecursionError) as error:
        yield bad("evidence", RECORD_FILE, f"no page can be made of it: {error}")
        return
    for name, page in wanted.items():
        if files.get(name) != page:
            said = "nobody signed this page, and it is not what this OpsDeck makes of the record"
            yield warn("record", name, f"{said}: read {RECORD_FILE} instead")


def _record(release: str, written: bytes, content: Opened, held: Sequence[Held]) -> Record:
    """The record anew; raises ValueError or DataError for one that no record can be made of."""
    found = tomllib.loads(written.decode())
    entries = found.get("signature", [])
    by_file = {h.signed.event: h.signed for h in held}
    signed = [_signed(n, entry, by_file) for n, entry in enumerate(entries)]
    if len(signed) != len(held) or len({one.event for one in signed}) != len(signed):
        raise ValueError("other signatures")
    head = ContentHead(
        sha256=content.sha256, event="", key=("", "", 0), at=None, needs=needs_of(content.rules)
    )
    abandoned = found.get("state") == "abandoned"
    made = Release(
        name=release,
        state="abandoned" if abandoned else "open",
        why=str(found.get("abandoned", "")) if abandoned else "",
        contents={content.sha256: head},
        signatures=signed,
    )
    return record_of(made, content.data, content.sha256)


def _signed(number: int, entry: Mapping[str, Any], by_file: Mapping[str, Signed]) -> Signed:
    """The signature that an entry of the record is of: its file is named after its event."""
    event, wall = str(entry["event"]), str(entry["at"])
    for file, one in by_file.items():
        named = msgspec.structs.replace(one, event=event, wall=wall, key=("", "", number))
        at = parse_wall(wall)
        if statement_file(named) == file and at and one.at and abs(at - one.at) <= APART:
            return named
    raise ValueError("no such signature")
