"""Whether a signed content is whole, and rests on lines that the journal still has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from opsdeck.catalog.model import Catalog
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.errors import DataError
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import UNDECODABLE, Recorded, decode_event, line_hash
from opsdeck.runs.cadence import parse_run
from opsdeck.signoff.clocks import SKEW
from opsdeck.signoff.content import (
    FORMAT,
    Lines,
    canonical,
    catalog_version,
    evidence_bytes,
    kept_files,
    needs_of,
    rules_object,
    seconds_text,
    sha256,
    sums_of,
)
from opsdeck.signoff.content_values import (
    AsideValues,
    ContentValues,
    ItemValues,
    NoteValues,
    values_of,
)
from opsdeck.signoff.model import Needs
from opsdeck.signoff.verdict import Problem, bad, warn
from opsdeck.signoff.verify_signature import APART, is_plausible
from opsdeck.text import visible

_KEYS = frozenset(
    {
        "format",
        "deck",
        "timezone",
        "release",
        "started",
        "as_of",
        "catalog",
        "rules",
        "form",
        "lists",
    }
)
_SPAN = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?(e\+0[0-9])?")


class Opened(NamedTuple):
    """A content of the journal, taken apart: `rules` are those that it was made under."""

    sha256: str
    event: Recorded
    data: dict[str, Any]
    values: ContentValues
    rules: SignoffRules
    as_of: datetime
    sums: bytes

    @property
    def where(self) -> str:
        """`content 0123456789ab (carol@bastion:16)`."""
        return content_place(self.sha256, self.event.id)

    @property
    def rests_on(self) -> list[str]:
        """The events whose lines it has the hashes of."""
        return list(dict.fromkeys(one.event for one in kept_files(self.data)))


def content_place(digest: str, event: str) -> str:
    """How a content is named among problems."""
    return f"content {visible(digest)[:12]} ({visible(event)})"


def open_content(release: str, event: Recorded) -> tuple[Opened | None, list[Problem]]:
    """The content of an event; None, and what is wrong, where it is none."""
    digest, text = event.event.data.get("sha256"), event.event.data.get("content")
    where = content_place(str(digest), event.id)
    if not isinstance(text, str):
        return None, [bad("content", where, "the event holds no content")]
    whole = text.encode("utf-8", "replace")
    if sha256(whole) != digest:
        said = f"its SHA-256 is {sha256(whole)[:12]}…: it was altered since it was signed"
        return None, [bad("digest", where, said)]
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or canonical(data) != whole:
            return None, [bad("content", where, "it is not in its canonical form")]
        opened = _taken_apart(str(digest), event, data)
    except (DataError, ValueError, RecursionError) as error:
        return None, [bad("content", where, str(error))]
    return opened, list(_own_problems(release, opened, where))


msgspec.json.Decoder(SignoffRules)  # learnt where there is one thread; see content_values


def _taken_apart(digest: str, event: Recorded, data: dict[str, Any]) -> Opened:
    """Raises DataError for what is not as OpsDeck writes a content."""
    values = values_of(data)
    as_of = parse_wall(values.as_of)
    try:
        rules = msgspec.convert(data["rules"], SignoffRules)
    except (KeyError, msgspec.ValidationError) as error:
        raise DataError(f"its rules cannot be read ({error})") from None
    if as_of is None or not is_plausible(as_of):
        raise DataError(f"{values.as_of[:40]!r} is no time that it can be of")
    for checklist in values.lists:
        for item in checklist.items:
            if any(one.event is None and one.line is not None for one in _said_of(item)):
                raise DataError(f"{checklist.id}/{item.id} has a line of no event")
            if item.evidence is not None and item.event is None:
                raise DataError(f"{checklist.id}/{item.id} has evidence of no event")
            if item.valid_for_s is not None and not _SPAN.fullmatch(item.valid_for_s):
                raise DataError(f"{item.valid_for_s[:40]!r} is no time that evidence is valid")
    return Opened(digest, event, data, values, rules, as_of, sums_of(data))


def _own_problems(release: str, one: Opened, where: str) -> Iterator[Problem]:
    """What a content shows by itself to be wrong."""
    if one.values.release != release:
        yield bad("content", where, f"it is the content of release {one.values.release}")
    if one.values.format != FORMAT or set(one.data) != _KEYS:
        yield bad("content", where, "it does not have exactly the keys of a content")
    if plain(rules_object(one.rules)) != one.data["rules"]:
        yield bad("content", where, "its rules are not as OpsDeck writes them")
    if _needs(one.event.event.data.get("needs")) != needs_of(one.rules):
        yield bad("roles", where, "how many people its event says are needed is not what its rules"
                  " say")  # fmt: skip
    at = parse_wall(one.event.event.at)
    if at is not None and one.as_of - at > SKEW:
        yield bad("time", where, f"it says to be of {one.values.as_of}, later than its event"
                  f" ({one.event.event.at})")  # fmt: skip
    elif at is not None and at - one.as_of > 6 * APART:
        yield warn("time", where, f"it judges items as of {one.values.as_of}, and was written down"
                   f" only at {one.event.event.at}")  # fmt: skip
    yield from _list_problems(release, one, where)


def plain(value: Any) -> Any:
    """A value as JSON gives it back: lists for tuples."""
    return json.loads(canonical(value))


def _needs(value: Any) -> Needs | None:
    try:
        return msgspec.convert(value, Needs) if value is not None else Needs()
    except msgspec.ValidationError:
        return None


def _list_problems(release: str, one: Opened, where: str) -> Iterator[Problem]:
    """Whether every list has a run that is its own, and everything has its id once."""
    seen = set()
    for checklist in one.values.lists:
        run = parse_run(checklist.run) if checklist.run is not None else None
        own = checklist.cadence == "release"
        if run is None:
            if own or checklist.run is not None:
                yield bad("content", where, f"list {checklist.id} has no run of its own")
        elif run.checklist != checklist.id or (own and run.occasion != release):
            yield bad("content", where, f"list {checklist.id} has the run {checklist.run}")
        ids = [item.id for item in checklist.items]
        if len(set(ids)) < len(ids) or checklist.id in seen:
            yield bad("content", where, f"list {checklist.id}, or an item in it, is there twice")
        seen.add(checklist.id)


def line_problems(one: Opened, lines: Lines) -> Iterator[Problem]:
    """Whether every line that the content rests on is in the journal, byte for byte, and the
    evidence in it too."""
    items = _items_of(one.values)
    for kept in kept_files(one.data):
        line = lines.get(kept.event)
        item = items.get(kept.event, "")
        if line is None:
            yield bad("evidence", kept.event, f"the journal no longer has this event, which {item}"
                      " rests on")  # fmt: skip
        elif kept.evidence:
            found = evidence_bytes(line)
            if found is None or sha256(found) != kept.sha256:
                yield bad("evidence", kept.event, f"the evidence of {item} is not what was signed")
        elif line_hash(line) != kept.sha256:
            yield bad("evidence", kept.event, f"this line of the journal, which {item} rests"
                      " on, was altered since it was signed, or one before it was")  # fmt: skip
    for item, event in _without_line(one.values):
        yield bad("evidence", event, f"{item} rests on this event, but its line was not there when"
                  " it was signed")  # fmt: skip


def _said_of(item: ItemValues) -> list[ItemValues | AsideValues | NoteValues]:
    """All of an item that rests on an event: its state, what was said in its stead, its notes."""
    return [item, *item.set_aside, *item.notes]


def _items_of(values: ContentValues) -> dict[str, str]:
    """Event -> the item that rests on it, as it is named in messages."""
    found: dict[str, str] = {}
    for checklist in values.lists:
        for item in checklist.items:
            for said in _said_of(item):
                if said.event is not None:
                    found.setdefault(said.event, f"{checklist.id}/{item.id}")
    return found


def _without_line(values: ContentValues) -> Iterator[tuple[str, str]]:
    for checklist in values.lists:
        for item in checklist.items:
            for said in _said_of(item):
                if said.event is not None and said.line is None:
                    yield f"{checklist.id}/{item.id}", said.event


def newest_of(one: Opened, lines: Lines) -> datetime | None:
    """When the newest event that a content rests on says it was written."""
    times = []
    for line in lines.values():
        try:
            at = parse_wall(decode_event(line).at)
        except UNDECODABLE:
            continue
        if at is not None:
            times.append(at)
    return max(times, default=None)


def late_problems(one: Opened, newest: datetime | None) -> Iterator[Problem]:
    """A content cannot rest on what was not yet said when it was drawn up."""
    if newest is not None and newest - one.as_of > SKEW:
        yield bad("time", one.where, f"back-dated: it says to be of {one.values.as_of}, but an"
                  f" event it rests on is of {newest:%Y-%m-%d %H:%M:%S} UTC")  # fmt: skip


def catalog_problems(one: Opened, catalog: Catalog) -> Iterator[Problem]:
    """Whether the content has exactly the lists and items of the checklists, where these are still
    the ones that it was made from."""
    if catalog_version(catalog) != one.values.catalog:
        return
    wanted = {c.id: c for c in catalog.checklists}
    there: Mapping[str, Any] = {c.id: c for c in one.values.lists}
    for missing in wanted.keys() - there.keys():
        yield bad("content", one.where, f"list {missing} was left out")
    for more in there.keys() - wanted.keys():
        yield bad("content", one.where, f"there is no list {more} in the checklists")
    for identity in sorted(wanted.keys() & there.keys()):
        checklist, said = wanted[identity], there[identity]
        shown = [(i.id, i.text, i.sensed, i.valid_for_s) for i in said.items]
        meant = [(i.id, i.text, i.sensed, seconds_text(i.valid_for_s)) for i in checklist.items]
        if shown != meant or said.cadence != checklist.cadence:
            yield bad("content", one.where, f"the items of list {identity} are not those of the"
                      " checklists that it says it is made from")  # fmt: skip
