"""A bundle of what a desk's people signed, and what it proves to a reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opsdeck.journal.lines import find_lines
from opsdeck.reports.signoff_files import looks_in, pages_anew, pages_of
from opsdeck.signoff.bundle import Parts, wanted_of
from opsdeck.signoff.bundle_check import verify_bundle
from opsdeck.signoff.content import Content
from opsdeck.signoff.record import record_of
from opsdeck.signoff.releases import release_of
from opsdeck.signoff.ssh import Signers
from opsdeck.signoff.verdict import Verdict
from tests.signoff.signed import NOW, RULES, V1, Desk


def bundled(desk: Desk, content: Content, name: str = V1, **changed: Any) -> Parts:
    """What the bundle of a content is made of."""
    release = release_of(desk.state, name)
    assert release is not None
    record = record_of(release, content.data, content.sha256)
    lines = find_lines(desk.journal.folder, wanted_of(record))
    pages = pages_of(record, looks_in(lines, record))
    return Parts(record, lines, desk.team.signers, pages)._replace(**changed)


def checked(tar: Path, known: Signers | None, **changed: Any) -> Verdict:
    """What it proves to somebody with signers of their own, or (None) with those in it."""
    rules, now = changed.pop("rules", RULES), changed.pop("now", NOW)
    return verify_bundle(tar, rules, known, now=now, pages=pages_anew)
