"""What signatures are over: one release's exact content, in one canonical form, and its digest.

`docs/signoff.md` describes every key. The content is a pure function of catalog, journal and the
moment `as_of`; the same ones give the same bytes on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from opsdeck.catalog.model import Catalog, Checklist, Item
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal.clock import parse_wall, wall_text
from opsdeck.journal.events import line_hash
from opsdeck.journal.fold import Entry, Mark, State
from opsdeck.runs.status import Status, status_of
from opsdeck.signoff.model import FIELDS, Needs, Release

FORMAT = "opsdeck-signoff-content-1"
CONTENT_FILE = "content.json"
SUMS_FILE = "evidence.sha256"

SET_ASIDE = frozenset({"waived", "overridden", "deferred", "unused"})
"""Marks by which a person let an item be although it does not hold; all are listed."""

Lines = Mapping[str, bytes]
"""`WRITER:SEQ` -> its line in the journal, byte for byte; what is not there is left out."""


class Facts(NamedTuple):
    """What a content is made of, beside the release itself. `lists` are all checklists with the
    runs that count (None: a list that has none now)."""

    deck: str
    timezone: str
    catalog: Catalog
    lists: Sequence[tuple[Checklist, str | None]]
    state: State
    uses: Sequence[str]
    rules: SignoffRules


class Content(NamedTuple):
    """A canonical content: its values, its bytes, and the sums of the lines it rests on."""

    data: dict[str, Any]
    text: bytes
    sha256: str
    sums: bytes
    sums_sha256: str


class _Stands(NamedTuple):
    """An item as it stands, apart from the State that goes on changing."""

    item: Item
    status: Status
    aside: tuple[tuple[Mark, bool], ...]
    """What was said in its stead, and whether that was undone."""
    notes: tuple[Mark, ...]


class Plan(NamedTuple):
    """A content but for the hashes of the journal's lines; it shares nothing with State."""

    data: dict[str, Any]
    lists: list[tuple[Checklist, str | None, list[_Stands]]]
    pinned: Sequence[dict[str, Any]]

    @property
    def wanted(self) -> dict[str, set[int]]:
        """Writer -> the numbers of the events whose lines `finish` needs."""
        found: dict[str, set[int]] = {}
        for _, _, stands in self.lists:
            for one in stands:
                for mark in _marks(one):
                    found.setdefault(mark.writer, set()).add(mark.seq)
        return found


class _OnlyEvidence(msgspec.Struct):
    data: dict[str, msgspec.Raw]


_evidence_of = msgspec.json.Decoder(_OnlyEvidence).decode


def canonical(value: Any) -> bytes:
    """JSON in its one form here: keys in order, no blanks, UTF-8, one newline at the end."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


def sha256(content: bytes) -> str:
    """The SHA-256 of these bytes, hex."""
    return hashlib.sha256(content).hexdigest()


def plan_content(
    facts: Facts, release: Release, as_of: datetime, pinned: Sequence[dict[str, Any]] | None = None
) -> Plan:
    """The content of a release, its items judged at `as_of` (aware); `finish` makes it whole.

    `pinned` are the lists that are not the release's own as an earlier content has them: a daily
    list that starts afresh, or a standing item looked at again, changes nothing in what was signed.
    """
    own = [(c, run) for c, run in facts.lists if c.cadence == "release"]
    others = [(c, run) for c, run in facts.lists if c.cadence != "release"]
    chosen = own if pinned is not None else [*own, *others]
    data = {
        "format": FORMAT,
        "deck": facts.deck,
        "timezone": facts.timezone,
        "release": release.name,
        "started": {"at": _at(release.started_at), "by": release.started_by},
        "as_of": wall_text(as_of),
        "catalog": catalog_version(facts.catalog),
        "rules": rules_object(facts.rules),
        "form": {field: release.said(field) for field in FIELDS},
    }
    lists = [(c, run, _stands(facts, c, run, as_of)) for c, run in chosen]
    return Plan(data, lists, pinned or ())


def finish(plan: Plan, lines: Lines) -> Content:
    """The whole content, given the journal's lines that `plan.wanted` names."""
    made = [_list(c, run, stands, lines) for c, run, stands in plan.lists]
    return content_of({**plan.data, "lists": [*made, *plan.pinned]})


def content_of(data: dict[str, Any]) -> Content:
    """The content that these values are."""
    text = canonical(data)
    sums = sums_of(data)
    return Content(data, text, sha256(text), sums, sha256(sums))


def pinned_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The lists of a content that are not the release's own."""
    return [one for one in data.get("lists", ()) if one.get("cadence") != "release"]


def catalog_version(catalog: Catalog) -> str:
    """SHA-256 over all that the checklists say."""
    return sha256(canonical(msgspec.to_builtins(catalog.checklists)))


def rules_object(rules: SignoffRules) -> dict[str, Any]:
    """The rules in force, without the paths of files."""
    kept: dict[str, Any] = msgspec.to_builtins(rules)
    for key in ("allowed_signers", "revoked_keys", "identities", "review_days"):
        kept.pop(key)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()}


def needs_of(rules: SignoffRules) -> Needs:
    """How many people each role needs by these rules."""
    return Needs(
        approver=rules.approvals,
        approver_apart=rules.approver_apart,
        verifier_apart=rules.verifier_apart,
    )


def _stands(facts: Facts, checklist: Checklist, run: str | None, as_of: datetime) -> list[_Stands]:
    found = facts.state.run(run) if run else None
    entries = found.entries if found else {}
    return [_stand(item, entries.get(item.id), as_of, facts.uses) for item in checklist.items]


def _stand(item: Item, entry: Entry | None, as_of: datetime, uses: Sequence[str]) -> _Stands:
    status = status_of(item, entry, as_of, uses)
    if entry is None:
        return _Stands(item, status, (), ())
    aside = tuple((m, m.id in entry.undone) for m in entry.marks if m.kind in SET_ASIDE)
    return _Stands(item, status, aside, tuple(entry.standing_notes()))


def _marks(one: _Stands) -> Iterator[Mark]:
    if one.status.mark is not None:
        yield one.status.mark
    yield from (mark for mark, _ in one.aside)
    yield from one.notes


def _list(
    checklist: Checklist, run: str | None, stands: Iterable[_Stands], lines: Lines
) -> dict[str, Any]:
    return {
        "id": checklist.id,
        "title": checklist.title,
        "section": checklist.section,
        "cadence": checklist.cadence,
        "run": run,
        "items": [_item(one, lines) for one in stands],
    }


def _item(one: _Stands, lines: Lines) -> dict[str, Any]:
    item, status = one.item, one.status
    mark = status.mark
    return {
        "id": item.id,
        "text": item.text,
        "sensed": item.sensed,
        "valid_for_s": seconds_text(item.valid_for_s),
        "state": status.state,
        "by": status.by or None,
        "at": _at(status.at),
        "why": status.why or None,
        "until": _at(status.until),
        **_line(mark, lines),
        "evidence": _evidence_digest(mark, lines),
        "set_aside": [_aside(m, undone, m == mark, lines) for m, undone in one.aside],
        "notes": [_note(m, lines) for m in one.notes],
    }


def seconds_text(seconds: float | None) -> str | None:
    """How a content writes how long evidence is good; null for ever."""
    return None if seconds is None else f"{seconds:.15g}"


def _line(mark: Mark | None, lines: Lines) -> dict[str, Any]:
    """An event and the hash of its line in the journal; null where there is none."""
    event = mark.id if mark else None
    line = lines.get(event) if event else None
    return {"event": event, "line": line_hash(line) if line is not None else None}


def _aside(mark: Mark, undone: bool, in_force: bool, lines: Lines) -> dict[str, Any]:
    more = mark.more or {}
    return {
        "kind": mark.kind,
        "by": mark.by,
        "at": _said_at(mark.at),
        "reason": mark.text or None,
        "approver": _text(more.get("approver")),
        "until": _text(more.get("until")),
        "due": _text(more.get("due")),
        "in_force": in_force,
        "undone": undone,
        **_line(mark, lines),
    }


def _note(mark: Mark, lines: Lines) -> dict[str, Any]:
    skipped = (mark.more or {}).get("skipped") is True
    return {
        "by": mark.by,
        "at": _said_at(mark.at),
        "text": mark.text,
        "skipped": skipped,
        **_line(mark, lines),
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _at(when: datetime | None) -> str | None:
    return wall_text(when) if when is not None else None


@lru_cache(maxsize=8192)  # the same events are looked at again and again
def _said_at(text: str) -> str | None:
    return _at(parse_wall(text))


def evidence_bytes(line: bytes) -> bytes | None:
    """The evidence in an event's line, byte for byte; None where it carries none."""
    try:
        found = _evidence_of(line).data.get("evidence")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return bytes(found) if found is not None else None


def _evidence_digest(mark: Mark | None, lines: Lines) -> str | None:
    line = lines.get(mark.id) if mark else None
    found = evidence_bytes(line) if line is not None else None
    return sha256(found) if found is not None else None


class Kept(NamedTuple):
    """One file that `evidence.sha256` names: its name, SHA-256, and the event it comes from."""

    name: str
    sha256: str
    event: str
    evidence: bool


def kept_files(data: dict[str, Any]) -> list[Kept]:
    """The journal's lines and evidence that a content rests on, each once, in its order."""
    found: list[Kept] = []
    seen: set[str] = set()
    for checklist in data["lists"]:
        for item in checklist["items"]:
            for said in (item, *item["set_aside"], *item["notes"]):
                if said["line"] is not None and said["event"] not in seen:
                    seen.add(said["event"])
                    name = f"journal/{len(seen):04d}.json"
                    found.append(Kept(name, said["line"], said["event"], False))
            if item["evidence"] is not None:
                name = f"evidence/{checklist['id']}/{item['id']}.json"
                found.append(Kept(name, item["evidence"], item["event"], True))
    return found


def sums_of(data: dict[str, Any]) -> bytes:
    """`evidence.sha256`: those files as `sha256sum -c` reads them."""
    return "".join(f"{one.sha256}  {one.name}\n" for one in kept_files(data)).encode()
