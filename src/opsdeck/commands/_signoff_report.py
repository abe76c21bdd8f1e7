"""What `opsdeck report` says of a release's sign-off: its record, or the form nobody has signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opsdeck.known_signoffs import KnownSignoffs
from opsdeck.reports.as_markdown import safe
from opsdeck.signoff.model import FIELD_TITLES, FIELDS, ROLE_TITLES, ROLES
from opsdeck.signoff.releases import release_of

if TYPE_CHECKING:
    from opsdeck.deck import Deck


def release_named(deck: Deck, word: str) -> str | None:
    """The release that a word names; None for a word that means something else."""
    name = word.strip().strip("/").removeprefix("release/")
    if deck.catalog.checklist(word.strip()) is not None or name not in deck.state.releases:
        return None
    return name


def signoff_report(deck: Deck, environ: Mapping[str, str], name: str, form: str) -> Any:
    """The record of what was signed last: the text for `md` and `html`, the value for `json`.

    Raises DataError where the journal has it no longer.
    """
    known = KnownSignoffs(deck, environ)
    seen = known.look(name)
    record = known.signed_record(seen.release)
    if form == "json":
        from opsdeck.reports.signoff_object import signoff_object

        return signoff_object(record, deck.zone, seen.changes)
    from opsdeck.reports.signoff_files import lines_of, looks_in

    looks = looks_in(lines_of(deck.journal.folder, record), record)
    if form == "html":
        from opsdeck.reports.signoff_html import signoff_html

        return signoff_html(record, deck.zone, looks, seen.changes)
    from opsdeck.reports.signoff_markdown import signoff_markdown

    return signoff_markdown(record, deck.zone, looks, seen.changes)


def form_object(deck: Deck, name: str) -> dict[str, Any]:
    """The form of a release that nobody has signed, for programs."""
    one = release_of(deck.state, name)
    assert one is not None  # it was named as one that was started
    return {
        "release": name,
        "standing": one.state,
        "form": {field: one.said(field) or None for field in FIELDS},
        "signed": False,
    }


def form_markdown(deck: Deck, name: str) -> str:
    """The same as the last section of a report."""
    one = release_of(deck.state, name)
    assert one is not None
    said = {FIELD_TITLES[field]: one.said(field) for field in FIELDS}
    rows = {**said, **{ROLE_TITLES[role]: "nobody yet" for role in ROLES}}
    lines = [f"- {title}: {safe(text)}" for title, text in rows.items() if text]
    return "\n".join(["", "## Sign-off", "", f"- Release: {safe(name)}, {one.state}", *lines, ""])
