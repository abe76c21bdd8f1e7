"""Everything that was ever signed of one release, read and taken apart, before it is judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from opsdeck.journal import events as ev
from opsdeck.journal.events import Recorded
from opsdeck.journal.happenings import Happening
from opsdeck.signoff.content import sha256
from opsdeck.signoff.model import Release
from opsdeck.signoff.releases import folded
from opsdeck.signoff.statement import Statement
from opsdeck.signoff.verdict import Problem, bad
from opsdeck.signoff.verify_content import Opened, newest_of, open_content
from opsdeck.signoff.verify_journal import Reading, Scan, place_of
from opsdeck.signoff.verify_signature import Context, read_statement

SIGNOFFS = (ev.SIGNOFF_CONTENT, ev.SIGNOFF_SIGNED)
"""Types of event that a sign-off leaves."""


class Whole(NamedTuple):
    """A release with everything of it that was read: contents by digest, statements by event."""

    release: Release
    happenings: Sequence[Happening]
    opened: dict[str, Opened]
    contexts: dict[str, Context]
    statements: dict[str, Statement | None]
    problems: list[Problem]
    """What was wrong by then."""


def gather(reading: Reading, name: str) -> Whole:
    """Read what there is of a release."""
    found: list[Problem] = []
    happenings = reading.state.release_log.of(name)
    release = folded(name, happenings)
    if name not in reading.state.releases:
        found.append(bad("journal", f"release {name}", "the journal has no start of it"))
    known = {one.event for one in release.signatures}
    for one in happenings:
        if one.type == ev.SIGNOFF_SIGNED and one.id not in known:
            found.append(bad("roles", one.id, "an event says that somebody signed, in no role"))
    opened: dict[str, Opened] = {}
    for one in happenings:
        if one.type == ev.SIGNOFF_CONTENT and (content := _opened(reading, name, one, found)):
            opened.setdefault(content.sha256, content)
    statements: dict[str, Statement | None] = {}
    for signed in release.signatures:
        statements[signed.event], problems = read_statement(signed)
        found += problems
    contexts = {digest: _context(reading, one) for digest, one in opened.items()}
    return Whole(release, happenings, opened, contexts, statements, found)


def scan_for(reading: Reading, wholes: Sequence[Whole]) -> Scan:
    """The second look at the journal that these releases need, all at once."""
    runs = {
        checklist.run
        for whole in wholes
        for one in whole.opened.values()
        for checklist in one.values.lists
        if checklist.run is not None
    }
    signed = (h for whole in wholes for h in whole.happenings if h.type in SIGNOFFS)
    return reading.scan(runs, {h.clock[:13] for h in signed})


def _opened(reading: Reading, name: str, one: Happening, found: list[Problem]) -> Opened | None:
    event = reading.event(one.id)
    if event is None or event.clock != one.clock:
        found.append(bad("journal", one.id, "the event of a signed content cannot be read"))
        return None
    content, problems = open_content(name, Recorded(one.writer, event))
    found += problems
    return content


def _context(reading: Reading, one: Opened) -> Context:
    return Context(
        as_of=one.as_of,
        newest=newest_of(one, reading.lines(one.rests_on)),
        sums=sha256(one.sums),
        deck=one.values.deck,
        key=one.event.key,
        keys_wanted=one.rules.signatures == "keys",
    )


def writers(whole: Whole) -> set[str]:
    """The writers whose files a sign-off rests on."""
    ids = [h.id for h in whole.happenings]
    ids += [event for one in whole.opened.values() for event in one.rests_on]
    found = {place[0] for one in ids if (place := place_of(one))}
    heads = (head for said in whole.statements.values() if said for head in said.heads)
    return found | {head.writer for head in heads}
