"""The record of a sign-off as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from opsdeck.reports.incident_markdown import markdown_of
from opsdeck.reports.signoff_document import Looks, document
from opsdeck.signoff.record import Record


def signoff_markdown(
    record: Record, zone: tzinfo, evidence: Looks | None = None, changes: Sequence[str] = ()
) -> str:
    """The whole record; parameters as those of `signoff_document.document`."""
    return markdown_of(document(record, zone, evidence, changes))
