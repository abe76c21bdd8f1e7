"""What a sign-off's bundle is made of, and the evidence that its pages show, out of the journal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

from opsdeck.checks.evidence import Evidence, read_evidence
from opsdeck.journal.lines import find_lines
from opsdeck.reports.signoff_document import Looks
from opsdeck.reports.signoff_html import signoff_html
from opsdeck.reports.signoff_markdown import signoff_markdown
from opsdeck.signing import Signing
from opsdeck.signoff.bundle import Parts, wanted_of
from opsdeck.signoff.content import Lines, evidence_bytes, sha256
from opsdeck.signoff.model import Release
from opsdeck.signoff.record import Record


def bundle_parts(signing: Signing, release: Release) -> Parts:
    """What the bundle of the content that was signed last is made of (in any thread).

    Raises as `Signing.signed_record` and `Signing.read_signers` do.
    """
    record = signing.signed_record(release)
    lines = lines_of(signing.deck.journal.folder, record)
    is_signed = any(one.signature for one, _ in record.signed)
    pages = pages_of(record, looks_in(lines, record))
    return Parts(record, lines, signing.read_signers() if is_signed else None, pages)


def pages_of(record: Record, looks: Looks) -> dict[str, bytes]:
    """Name -> page of a bundle, to be read: with times in UTC, so that whoever verifies the bundle
    makes the same of it."""
    return {
        "record.md": signoff_markdown(record, UTC, looks).encode("utf-8", "replace"),
        "record.html": signoff_html(record, UTC, looks).encode("utf-8", "replace"),
    }


def pages_anew(record: Record, evidence: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same pages from a bundle's own evidence, by event (`bundle_record.Pages`)."""
    looks = {event: read_evidence(json.loads(whole)) for event, whole in evidence.items()}
    return pages_of(record, looks)


def lines_of(folder: Path, record: Record) -> Lines:
    """The journal's lines that a record's content rests on, as far as they are there."""
    return find_lines(folder, wanted_of(record))


def looks_in(lines: Lines, record: Record) -> dict[str, Evidence]:
    """Event -> the evidence that a record's items rest on; what is no longer as it was signed is
    left out."""
    found = {}
    for checklist in record.values.lists:
        for item in checklist.items:
            line = lines.get(item.event or "") if item.evidence else None
            evidence = evidence_bytes(line) if line is not None else None
            if item.event and evidence is not None and sha256(evidence) == item.evidence:
                found[item.event] = read_evidence(json.loads(evidence))
    return found
