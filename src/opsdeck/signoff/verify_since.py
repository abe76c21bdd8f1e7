"""What has become of a release since it was signed: changed, or abandoned."""

from __future__ import annotations

from collections.abc import Iterator

from opsdeck.signoff.changes import changes
from opsdeck.signoff.content import Facts, finish, pinned_of, plan_content
from opsdeck.signoff.model import Release
from opsdeck.signoff.verdict import Problem, warn
from opsdeck.signoff.verify_content import Opened, plain
from opsdeck.signoff.verify_journal import Reading
from opsdeck.text import plural


def since_problems(
    reading: Reading, release: Release, counts: Opened, present: Facts
) -> Iterator[Problem]:
    """That a release is no longer what was signed, by the journal as it is on disk.

    It is judged to the same moment, and with the other lists as they were signed: that these go on
    changes nothing. Of `present` neither the lists nor State are looked at.
    """
    own = [c for c in present.catalog.checklists if c.cadence == "release"]
    runs = [(c, f"release/{release.name}/{c.id}") for c in own]
    facts = present._replace(lists=runs, state=reading.state)
    plan = plan_content(facts, release, counts.as_of, pinned_of(counts.data))
    ids = [f"{writer}:{seq}" for writer, seqs in plan.wanted.items() for seq in seqs]
    since = changes(counts.data, plain(finish(plan, reading.lines(ids)).data))
    if since:
        more = f" (and {len(since) - 1} more)" if since[1:] else ""
        said = f"out of date: {plural(len(since), 'thing')} changed since: {since[0]}{more}"
        yield warn("content", counts.where, said)


def end_problems(release: Release) -> Iterator[Problem]:
    """That a release was abandoned, whatever was signed of it."""
    if release.state == "abandoned":
        why = f": {release.why}" if release.why else ""
        said = f"it was abandoned by {release.ended_by}{why}"
        yield warn("roles", f"release {release.name}", said)
