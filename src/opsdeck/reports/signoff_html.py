"""The record of a sign-off as one HTML file, to be printed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from opsdeck.reports.incident_html import html_of
from opsdeck.reports.signoff_document import Looks, document, title_of
from opsdeck.signoff.record import Record


def signoff_html(
    record: Record, zone: tzinfo, evidence: Looks | None = None, changes: Sequence[str] = ()
) -> str:
    """The whole record; parameters as those of `signoff_document.document`."""
    return html_of(title_of(record), document(record, zone, evidence, changes))
