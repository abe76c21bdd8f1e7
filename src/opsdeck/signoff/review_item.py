"""The item by which a break-glass sign-off is reviewed: its id, its text, its guide."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, tzinfo

from opsdeck.catalog.model import Item
from opsdeck.journal.clock import is_stamp
from opsdeck.runs.cadence import RELEASE_NAME
from opsdeck.signoff.model import Signed
from opsdeck.text import cut, plural, visible

ID_PREFIX = "review-"
_LONGEST_SLUG = 50
_LONGEST_NAME, _LONGEST_REASON = 64, 160
_MOST_NAMED = 2
"""So many signatures the guide tells of one by one; all are in `opsdeck signoff show`."""

_ASK = (
    "Was it right to go on, did it do harm, and what must change so that the gate is open the next"
    " time? Somebody who did not sign it should judge."
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_PLAIN = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{_LONGEST_SLUG - 1}}}")
_HASHED = re.compile(r".*-[0-9a-f]{6}")
_OTHER = re.compile(r"[^a-z0-9._]+")


def review_id(release: str, number: int, taken: Collection[str] = ()) -> str:
    """The id of the `number`th review (from 1) of a release, the same on every machine.

    `review-v1.4.2`; with a hash behind it where the name alone would not do: it cannot be an id as
    it is, it looks like one with a hash, it is not the first review, or the list has that id.
    """
    slug = _OTHER.sub("-", release.lower())[:_LONGEST_SLUG].strip("-._")
    plain = f"{ID_PREFIX}{release}"
    known = _PLAIN.fullmatch(release) is not None and not _HASHED.fullmatch(release)
    if known and number == 1 and plain not in taken:
        return plain
    named = f"{release}\n{number}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(named).hexdigest()
    head = f"{ID_PREFIX}{slug}-" if slug else ID_PREFIX
    ids = (head + digest[:length] for length in (6, 12, 24))
    return next((one for one in ids if one not in taken), head + digest[:25])


def review_item(
    identity: str,
    release: str,
    signed: Sequence[Signed],
    due: date,
    *,
    checklist: str,
    group: tuple[str, ...],
    zone: tzinfo,
) -> Item:
    """The item; `signed` are the signatures it is about, oldest first. Text from outside is in it
    on one line, without anything that steers a terminal or is taken for a command."""
    name, first = _said(release, _LONGEST_NAME), signed[0]
    people = ", ".join(dict.fromkeys(_said(one.by, _LONGEST_NAME) for one in signed))
    reason = _said(first.reason, _LONGEST_REASON)
    what = f"due {due}, signed by {cut(people, _LONGEST_NAME)}: {reason}"
    lines = [_signature(one, name, zone) for one in signed[:_MOST_NAMED]]
    if (more := len(signed) - _MOST_NAMED) > 0:
        lines.append(f"and {plural(more, 'more signature')} against a closed gate.")
    show = f"signoff show {release}" if RELEASE_NAME.fullmatch(release) else "release list"
    attest = f"Write what was found in the note: `opsdeck attest {checklist}/{identity} -m NOTE`."
    lines += [
        f"See which rules did not hold, and on which evidence it was signed: `opsdeck {show}`.",
        _ASK,
        attest if checklist else "No list can have this item: add a daily one to checklists.toml.",
    ]
    return Item(
        id=identity,
        text=f"Review the break-glass sign-off of {name} ({what})",
        guide="\n".join(lines),
        group=group,
    )


def signed_at(one: Signed) -> datetime:
    """When it was signed, aware UTC: what it says itself, but never after its place in the order of
    all events, so that a wrong date puts no review off."""
    at = one.at or _EPOCH
    clock = one.key[0]
    if is_stamp(clock):
        placed = datetime.fromtimestamp(int(clock.partition("-")[0]) / 1000, UTC)
        at = min(at, placed) if one.at else placed
    return max(at, _EPOCH)


def _signature(one: Signed, release: str, zone: tzinfo) -> str:
    at = f"{signed_at(one).astimezone(zone):%Y-%m-%d %H:%M %Z}"
    reason = _said(one.reason, _LONGEST_REASON)
    by = _said(one.by, _LONGEST_NAME)
    closed = "although the gate was closed"
    return f'{by} signed {release} as {one.role} at {at} {closed}: "{reason}".'


def _said(text: str, limit: int) -> str:
    """What somebody wrote, on one line of so many cells; backticks would make it a command."""
    return cut(" ".join(visible(text).split()).replace("`", "'"), limit)
