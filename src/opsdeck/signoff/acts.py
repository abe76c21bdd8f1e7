"""What may be done with a release as a whole, each as the event it would be, or why not.

Starting one is in `opsdeck.runs.acts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opsdeck.errors import UsageError
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs.acts import checked_line, checked_text
from opsdeck.signoff.model import FIELDS, Field, Release
from opsdeck.signoff.releases import current_of

_CALLED: dict[Field, str] = {
    "date": "deployment date",
    "window": "deployment window",
    "stakeholders": "list of stakeholders",
    "notes": "text of the notes",
}


def change(one: Release, given: Mapping[Field, str]) -> Draft:
    """Other words in these fields of the form; "" clears one, fields that are not given stay.

    What a field says already is left out. Notes keep their lines; the others have one. Raises
    UsageError for an abandoned release, and where nothing would change.
    """
    if one.state == "abandoned":
        raise UsageError(why_closed(one))
    texts = {field: _checked(field, given[field]) for field in FIELDS if field in given}
    kept: dict[str, str] = {f: text for f, text in texts.items() if text != one.said(f)}
    if not kept:
        named = ", ".join(field for field in FIELDS if field in given)
        raise UsageError(
            f"nothing to change: release {one.name} already says so ({named})"
            if named
            else f"nothing to change: say what is new of release {one.name}: {', '.join(FIELDS)}"
        )
    return Draft(ev.RELEASE_CHANGED, {"release": one.name, **kept})


def choose(one: Release, releases: Iterable[Release]) -> Draft:
    """This release is the current one; an abandoned one is open again with that.

    `releases` are all there are. Raises UsageError where it is the current one already, and for
    a signed one while another is open, since that one stays current.
    """
    current = current_of(releases)
    if current is not None and current.name == one.name:
        raise UsageError(f"release {one.name} is the current one already")
    if one.state == "signed" and current is not None and current.state == "open":
        raise UsageError(
            f"release {one.name} is signed off, and while {current.name} is open that is the"
            f" current one: name the release where you mean {one.name}"
            f" (`opsdeck release show {one.name}`)"
        )
    return Draft(ev.RELEASE_CHOSEN, {"release": one.name})


def abandon(one: Release, reason: str) -> Draft:
    """The release is given up; what was said in it stays readable.

    Raises UsageError without a reason, and for a release that has ended.
    """
    if one.state == "abandoned":
        raise UsageError(why_closed(one))
    if one.state == "signed":
        raise UsageError(
            f"release {one.name} is signed off by all roles, and what was signed cannot be"
            " abandoned: start the next release"
        )
    data = {"release": one.name, "reason": checked_text(reason, "reason")}
    return Draft(ev.RELEASE_ABANDONED, data)


def why_closed(one: Release) -> str:
    """Why nothing more may be said of the items of a release; "" where it may.

    One that is signed is not closed: what is said of it then shows that the signatures are out
    of date.
    """
    if one.state != "abandoned":
        return ""
    reason = " ".join(one.why.split())
    why = f" (abandoned because: {reason})" if reason else ""
    return f"release {one.name} was abandoned; `opsdeck release use {one.name}` opens it again{why}"


def out_of_date(name: str) -> str:
    """What to know after something was recorded of a release that somebody has signed."""
    return f"signatures over release {name} are of what it said before: sign it again"


def _checked(field: Field, text: str) -> str:
    if field != "notes":
        return checked_line(text, _CALLED[field], required=False)
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return checked_text(lines, _CALLED[field], required=False)
