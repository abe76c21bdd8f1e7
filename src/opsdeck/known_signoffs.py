"""How sign-offs stand: what the app, the command line and reports all know of them.

It reads through the Deck. What only reads State runs where the Deck lives; what waits
for a disk or for `ssh-keygen` may run in another thread, and says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.errors import DataError, UsageError
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.lines import find_lines
from opsdeck.journal.paging import find_event
from opsdeck.signoff import gate as gates
from opsdeck.signoff.changes import changes
from opsdeck.signoff.content import (
    Content,
    Facts,
    Plan,
    canonical,
    finish,
    pinned_of,
    plan_content,
    sha256,
)
from opsdeck.signoff.content_values import values_of
from opsdeck.signoff.gate import Gate, Stand
from opsdeck.signoff.model import ROLES, ContentHead, Release, Role, Signed
from opsdeck.signoff.releases import release_of, signers
from opsdeck.signoff.sentences import lacking

if TYPE_CHECKING:
    from opsdeck.deck import Deck
    from opsdeck.signoff.record import Record

UNREADABLE = (
    "what was signed before is not in the journal as it was signed, so nobody can say what changed:"
    " see `opsdeck journal verify`"
)


class Planned(NamedTuple):
    """A look at a sign-off before anything is read from disk."""

    release: Release
    base: ContentHead | None
    base_data: dict[str, Any] | None
    again: Plan | None
    """The content as `base` was made, with what is known now; None without a base."""
    fresh: Plan
    stands: tuple[Stand, ...]
    now: datetime
    journal: str


class Seen(NamedTuple):
    """How a sign-off stands: `content` is what would be signed now, `base` the head of the same
    content where somebody signed it already, `changes` what differs from what was signed last."""

    release: Release
    content: Content
    base: ContentHead | None
    changes: tuple[str, ...]
    gate: Gate
    stands: tuple[Stand, ...]

    @property
    def signed(self) -> list[Signed]:
        """The signatures over exactly this content."""
        return self.release.over(self.content.sha256) if self.base else []

    @property
    def out_of_date(self) -> list[Signed]:
        """The signatures over what has changed since."""
        return [s for s in self.release.signatures if s.content != self.content.sha256]

    @property
    def complete(self) -> bool:
        """Whether all roles have signed exactly this content."""
        return not self.gate.missing

    def open_to(self, rules: SignoffRules, name: str) -> list[Role]:
        """The roles that somebody must still sign in, and in which this person may."""
        roles = lacking(rules, self.gate)
        return [role for role in roles if not self.refusal(rules, role, name)]

    def refusal(self, rules: SignoffRules, role: Role, name: str) -> str:
        """Why this person may not sign in this role; "" where nothing stands against it."""
        one = self.release
        if one.state == "abandoned":
            return (
                f"{one.name} was abandoned by {one.ended_by}:"
                f" `opsdeck release use {one.name}` opens it again"
            )
        return gates.refusal(rules, self.gate, gates.set_aside_by(self.stands), role, name)


class KnownSignoffs:
    """How the sign-offs of one deck stand, for one operator at one machine."""

    def __init__(self, deck: Deck, environ: Mapping[str, str]) -> None:
        self.deck = deck
        self.environ = environ
        self._contents: dict[str, dict[str, Any]] = {}

    @property
    def rules(self) -> SignoffRules:
        """`[signoff]` as it is now."""
        return self.deck.config.signoff

    @property
    def names_only(self) -> bool:
        """Whether this deck records names without signatures."""
        return self.rules.signatures == "names"

    def release(self, name: str) -> Release:
        """A release with all that was said of it; raises UsageError for one never started."""
        found = release_of(self.deck.state, name)
        if found is None:
            raise UsageError(f"release {name!r} was never started: see `opsdeck release list`")
        return found

    # Looking

    def base(self, release: Release) -> ContentHead | None:
        """The head of the content that was signed last; None where nothing was."""
        signed = [s.content for s in release.signatures if s.content in release.contents]
        return release.contents[signed[-1]] if signed else None

    def fetch(self, head: ContentHead) -> dict[str, Any] | None:
        """The values of a content, out of the journal on disk (in any thread); None where it is
        not there, or not what its digest says."""
        if head.sha256 in self._contents:
            return self._contents[head.sha256]
        writer, _, seq = head.event.rpartition(":")
        found = find_event(self.deck.journal.folder, writer, int(seq))
        text = found.event.data.get("content") if found else None
        data = read_content(text, head.sha256) if isinstance(text, str) else None
        if data is not None:
            self._contents[head.sha256] = data
        return data

    def plan(self, release: Release, base_data: dict[str, Any] | None) -> Planned:
        """What State says now; quick, and to be asked where the Deck lives."""
        deck, now = self.deck, to_ms(self.deck.now())
        base, again = self.base(release), None
        as_of = parse_wall(base_data["as_of"]) if base_data else None
        facts = self.facts(release.name, now)
        if base is not None and base_data is not None and as_of is not None:
            again = plan_content(facts, release, as_of, pinned_of(base_data))
        return Planned(
            release=release,
            base=base,
            base_data=base_data,
            again=again,
            fresh=plan_content(facts, release, now),
            stands=tuple(self._stands(release.name)),
            now=now,
            journal=_journal_words(deck),
        )

    def seen(self, planned: Planned) -> Seen:
        """The look made whole; it reads the journal's files (in any thread)."""
        release, base = planned.release, planned.base
        content: Content | None = None
        found: tuple[str, ...] = ()
        if planned.again is not None:
            content = self._finish(planned.again)
            if base is None or content.sha256 != base.sha256:
                found = tuple(changes(planned.base_data or {}, content.data))
                base = None
                if release.ended_at is None:
                    content = None  # one that has ended is judged as it was, ever after
        elif release.signatures:
            base, found = None, (UNREADABLE,)
        content = content or self._finish(planned.fresh)
        people = signers(release, content.sha256) if base else {role: [] for role in ROLES}
        gate = gates.gate_of(
            self.rules,
            planned.stands,
            people,
            now=release.ended_at or planned.now,
            zone=self.deck.zone,
            journal=planned.journal,
        )
        return Seen(release, content, base, found, gate, planned.stands)

    def look(self, name: str) -> Seen:
        """How the sign-off of a release stands, all at once."""
        release = self.release(name)
        base = self.base(release)
        return self.seen(self.plan(release, self.fetch(base) if base else None))

    def plan_again(self, seen: Seen) -> Plan:
        """What was looked at, to the same moment, with what State says now; quick."""
        data, name = seen.content.data, seen.release.name
        as_of = parse_wall(data["as_of"]) or self.deck.now()
        facts = self.facts(name, self.deck.now())
        return plan_content(facts, self.release(name), as_of, pinned_of(data))

    def changed_since(self, seen: Seen, again: Plan) -> list[str]:
        """What differs by now from what was looked at; it reads the journal (in any thread)."""
        return changes(seen.content.data, self._finish(again).data)

    def signed_record(self, release: Release) -> Record:
        """The record of the content that was signed last (in any thread).

        Raises UsageError where nobody has signed, and DataError where the journal has not, or no
        longer, what was signed.
        """
        from opsdeck.signoff.record import record_of

        head, name = self.base(release), release.name
        if head is None and not release.signatures:
            raise UsageError(
                f"nobody has signed release {name}:"
                f" `opsdeck signoff show {name}` says what it takes"
            )
        content = self.fetch(head) if head is not None else None
        if head is None or content is None:
            raise DataError(
                f"what was signed of release {name} is not in the journal, or was altered there:"
                f" see `opsdeck signoff verify {name}` and `opsdeck journal verify`"
            )
        return record_of(release, content, head.sha256)

    def facts(self, name: str, now: datetime) -> Facts:
        """What the content of a release is made of."""
        deck = self.deck
        lists = [
            (c, f"release/{name}/{c.id}" if c.cadence == "release" else deck.current_run(c))
            for c in deck.catalog.checklists
        ]
        return Facts(
            deck=deck.config.name,
            timezone=deck.config.timezone,
            catalog=deck.catalog,
            lists=lists,
            state=deck.state,
            uses=deck.config.uses,
            rules=self.rules,
        )

    def _stands(self, name: str) -> list[Stand]:
        found = []
        for checklist in self.deck.catalog.checklists:
            if checklist.cadence != "release":
                continue
            run = f"release/{name}/{checklist.id}"
            view = self.deck.view(checklist, run)
            pairs = zip(view.checklist.items, view.statuses, strict=True)
            found += [Stand(checklist, run, item, status) for item, status in pairs]
        return found

    def _finish(self, plan: Plan) -> Content:
        return finish(plan, find_lines(self.deck.journal.folder, plan.wanted))


def read_content(text: str, digest: str) -> dict[str, Any] | None:
    """The values of a content whose bytes have this SHA-256; None where they have not, or are no
    content."""
    if sha256(text.encode("utf-8", "replace")) != digest:
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or canonical(data) != text.encode("utf-8", "replace"):
        return None
    try:
        as_of = parse_wall(values_of(data).as_of)
    except DataError:
        return None
    return data if as_of is not None else None


def to_ms(when: datetime) -> datetime:
    return when.replace(microsecond=when.microsecond // 1000 * 1000)


def _journal_words(deck: Deck) -> str:
    if not deck.faults:
        return ""
    more = f" (and {len(deck.faults) - 1} more)" if deck.faults[1:] else ""
    return f"{deck.faults[0]}{more}: see `opsdeck journal verify`"
