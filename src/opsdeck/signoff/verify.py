"""Verify sign-offs from the deck's files alone: everything that is wrong, and what it means.

The journal is read from its first line. What is held to be true is only that who is in
`allowed_signers` has the key that stands there; `docs/signoff.md` says what follows from that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from opsdeck.catalog.model import Catalog
from opsdeck.errors import UsageError
from opsdeck.journal.events import Event, Recorded
from opsdeck.signoff import verify_content as contents
from opsdeck.signoff import verify_signature as signatures
from opsdeck.signoff.content import Facts, canonical
from opsdeck.signoff.model import Release, Signed
from opsdeck.signoff.releases import folded
from opsdeck.signoff.verdict import Checked, Problem, Verdict, bad, in_order, named
from opsdeck.signoff.verify_content import Opened
from opsdeck.signoff.verify_deck import Statements, deck_problems, name_problems
from opsdeck.signoff.verify_gather import SIGNOFFS, Whole, gather, scan_for, writers
from opsdeck.signoff.verify_history import form_problems, history_problems
from opsdeck.signoff.verify_journal import (
    Reading,
    Scan,
    fault_problems,
    head_problems,
    place_of,
)
from opsdeck.signoff.verify_names import people_problems
from opsdeck.signoff.verify_record import record_problems, recorded
from opsdeck.signoff.verify_roles import (
    Held,
    gate_problems,
    lacking_of,
    role_problems,
    rules_problems,
)
from opsdeck.signoff.verify_signature import Context, Trust
from opsdeck.signoff.verify_since import end_problems, since_problems
from opsdeck.text import visible

__all__ = ["Checked", "Problem", "Trust", "Verdict", "verify_all", "verify_release"]

MOST_AT_ONCE = 4
"""So many ssh-keygen at the same time."""
_NOTHING = Context(None, None, None, None, None, True)


def verify_release(
    home: Path,
    name: str,
    trust: Trust,
    *,
    now: datetime,
    present: Facts | None = None,
    catalog: Catalog | None = None,
    deck: str = "",
) -> Verdict:
    """Verify all that was ever signed of one release, by the files in `home`; blocks.

    `present` is what a content would be made of now (its lists and State are not looked at: the
    journal's own are), to say what has changed since. `catalog` are the checklists as they are now,
    which a content is held against where it was made from them, and `deck` is this deck's name, so
    that another's sign-off is not taken for its own; without them those of `present` are.
    Raises UsageError for a release of which the journal says nothing.
    """
    verifying = _Verifying(Reading(home), trust, now, present, catalog, deck)
    if not verifying.reading.state.release_log.of(name):
        raise UsageError(f"release {visible(name)[:80]!r} was never started")
    return verifying.verdicts([name])[0]


def verify_all(
    home: Path,
    trust: Trust,
    *,
    now: datetime,
    present: Facts | None = None,
    catalog: Catalog | None = None,
    deck: str = "",
) -> list[Verdict]:
    """Verify every release of which something was signed, the one started last first; blocks.

    A release that has a record but nothing in the journal is among them. For the rest see
    verify_release.
    """
    verifying = _Verifying(Reading(home), trust, now, present, catalog, deck)
    heads = verifying.reading.state.release_log.heads
    signed = [n for n, log in heads.items() if any(h.type in SIGNOFFS for h in log)]
    signed.sort(key=lambda name: heads[name][0].key, reverse=True)
    signed += [name for name in recorded(home) if name not in signed]
    return verifying.verdicts(signed)


class _Verifying:
    """One reading of a journal, and what is held against it."""

    def __init__(
        self,
        reading: Reading,
        trust: Trust,
        now: datetime,
        present: Facts | None,
        catalog: Catalog | None,
        deck: str,
    ) -> None:
        self.reading, self.trust, self.now, self.present = reading, trust, now, present
        self.catalog = catalog or (present.catalog if present else None)
        self.deck = deck or (present.deck if present else "")
        self.statements = Statements(reading, trust)
        self.texts: dict[str, list[str]] = {}
        self.armours: dict[str, list[str]] = {}
        self.scan = Scan({}, {})
        log = reading.state.release_log
        for name in log.heads:
            for one in folded(name, log.of(name)).signatures:
                self.texts.setdefault(one.statement, []).append(one.event)
                if one.signature:
                    self.armours.setdefault(one.signature, []).append(one.event)

    def verdicts(self, releases: Sequence[str]) -> list[Verdict]:
        """What is to be said of these releases."""
        wholes = [gather(self.reading, name) for name in releases]
        self.scan = scan_for(self.reading, wholes)
        elsewhere = self.statements.elsewhere(releases)
        return [self._verdict(whole, elsewhere) for whole in wholes]

    def _verdict(self, whole: Whole, elsewhere: Sequence[Problem]) -> Verdict:
        found = [*whole.problems, *elsewhere]
        release, opened = whole.release, whole.opened
        proved = self._proved(whole)
        checked = tuple(self._checked(s, whole, proved, found) for s in release.signatures)
        for one in opened.values():
            found += self._of_content(one, whole, checked)
        counts = _counting(release, opened)
        complete = False
        if counts is not None:
            held = _held(counts, checked, whole)
            found += rules_problems(counts, held, self.trust.rules)
            complete = not lacking_of(counts, held)
            found += _lacking_problems(release, counts, held)
        found += fault_problems(self.reading.faults, writers(whole))
        found += record_problems(self.reading.home, release, whole.happenings, opened)
        found += end_problems(release)
        since: list[Problem] = []
        if counts is not None and self.present is not None:
            since = list(since_problems(self.reading, release, counts, self.present))
        found += since
        return Verdict(
            release=release.name,
            content=counts.sha256 if counts else _newest(release),
            problems=in_order(found),
            signatures=checked,
            complete=complete,
            current=not since,
        )

    # Signatures

    def _proved(self, whole: Whole) -> dict[str, list[Problem]]:
        """Event -> what is wrong with its signature itself; ssh-keygen runs for some at once."""

        def prove(one: Signed) -> list[Problem]:
            said, context = whole.statements[one.event], whole.contexts.get(one.content, _NOTHING)
            if said is None:
                return []
            return list(signatures.signature_problems(one, said, self.trust, context.keys_wanted))

        ids = [one.event for one in whole.release.signatures]
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            return dict(zip(ids, pool.map(prove, whole.release.signatures), strict=True))

    def _checked(
        self,
        one: Signed,
        whole: Whole,
        proved: Mapping[str, list[Problem]],
        found: list[Problem],
    ) -> Checked:
        """Whether a signature holds; everything that is wrong with it is among `found` then."""
        said = whole.statements[one.event]
        if said is None:
            return Checked(one, False, "its statement cannot be read")
        context = whole.contexts.get(one.content, _NOTHING)
        mine = [
            *signatures.agreement_problems(whole.release.name, one, said),
            *signatures.replay_problems(
                one, self.texts[one.statement], self.armours.get(one.signature, ())
            ),
            *signatures.content_problems(one, said, context),
            *proved[one.event],
            *(() if context.keys_wanted else name_problems(one, self.trust, self.statements)),
            *signatures.time_problems(one, said, context, self.now),
            *self._clock(one.event, named(one)),
        ]
        found += mine
        found += head_problems(self.reading, said.heads, named(one))
        why = next((p.message for p in mine if p.severity == "bad"), "")
        if why:
            return Checked(one, False, why)
        if why := next((p.message for p in mine if p.severity == "unknown"), ""):
            return Checked(one, False, why, unknown=True)
        if not one.signature:
            return Checked(one, True, "NOT SIGNED: a name only")
        return Checked(one, True, f"signed as {visible(one.identity)} with {one.fingerprint}")

    def _clock(self, identity: str, where: str) -> Iterator[Problem]:
        event = self._recorded(identity)
        if event is None:
            yield bad("journal", where, "its event cannot be read")
            return
        before = self._recorded(f"{event.writer}:{event.event.seq - 1}")
        pusher = self.scan.first.get(event.event.clock[:13])
        yield from signatures.clock_problems(where, event, before, pusher)

    def _recorded(self, identity: str) -> Recorded | None:
        place, event = place_of(identity), self.reading.event(identity)
        return Recorded(place[0], event) if place and isinstance(event, Event) else None

    # Contents

    def _of_content(
        self, one: Opened, whole: Whole, checked: Sequence[Checked]
    ) -> Iterator[Problem]:
        """All that is wrong with a content, and with who signed it."""
        yield from contents.line_problems(one, self.reading.lines(one.rests_on))
        yield from contents.late_problems(one, whole.contexts[one.sha256].newest)
        yield from self._clock(one.event.id, one.where)
        if self.catalog is not None:
            yield from contents.catalog_problems(one, self.catalog)
        held = _held(one, checked, whole)
        yield from deck_problems(one, held, self.deck, self.statements)
        yield from role_problems(one, held)
        yield from people_problems([h.signed for h in held], self.trust.signers)
        try:
            yield from list(self._of_history(one, whole, held))
        except OverflowError:
            said = "an event that it rests on has a time that no clock can show"
            yield bad("time", one.where, said)

    def _of_history(self, one: Opened, whole: Whole, held: Sequence[Held]) -> Iterator[Problem]:
        """What of a content is not what the journal said, as far as its first signer knew that."""
        best = sorted(held, key=lambda h: not h.checked.ok)
        good = (h.statement for h in best if h.checked.may_hold)
        heads = next((said.heads for said in good if said is not None), None)
        earlier = {
            canonical(checklist)
            for other in whole.opened.values()
            if other.event.key < one.event.key
            for checklist in other.data["lists"]
        }
        yield from history_problems(self.reading, one, self.scan.runs, heads, earlier)
        yield from form_problems(one, whole.happenings)
        ended = {h.signed.event: _ended_before(h.signed, whole) for h in held}
        yield from gate_problems(one, held, self.scan.runs, heads, ended)


def _ended_before(one: Signed, whole: Whole) -> datetime | None:
    before = [h for h in whole.happenings if h.key < one.key]
    return folded(whole.release.name, before).ended_at


def _held(one: Opened, checked: Sequence[Checked], whole: Whole) -> list[Held]:
    """The signatures over a content, oldest first."""
    found = [c for c in checked if c.signed.content == one.sha256]
    return [Held(c, whole.statements[c.signed.event]) for c in found]


def _counting(release: Release, opened: Mapping[str, Opened]) -> Opened | None:
    """The content that counts: what all roles have signed last, else what was signed last."""
    if release.complete:
        return opened.get(release.complete)
    signed = [one.content for one in release.signatures if one.content in opened]
    return opened[signed[-1]] if signed else None


def _lacking_problems(release: Release, counts: Opened, held: Sequence[Held]) -> Iterator[Problem]:
    """That the journal counts as signed what is not; nothing is said of what may hold."""
    lacking = lacking_of(counts, held, surely=False)
    if lacking and release.complete == counts.sha256:
        said = f"not enough signatures hold: {', '.join(lacking)}"
        yield bad("roles", counts.where, f"the journal counts it as signed, but {said}")


def _newest(release: Release) -> str:
    return release.complete or (release.signatures[-1].content if release.signatures else "")
