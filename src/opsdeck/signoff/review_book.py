"""Work out which break-glass reviews there are, and how people's words have ended them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta, tzinfo
from typing import NamedTuple

from opsdeck.catalog.model import Catalog, Checklist
from opsdeck.journal import events as ev
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.fold import Entry, Mark, State
from opsdeck.journal.happenings import Happening
from opsdeck.runs.cadence import PERIODIC, parse_run, period_bounds, period_days, period_name
from opsdeck.signoff.model import Signed
from opsdeck.signoff.releases import head_of
from opsdeck.signoff.reviews import NONE, Key, Review, Reviews, Settled

BUSINESS_DAYS = 2
_SETTLING = frozenset({"attested", "overridden", "unused", "waived"})
_GROUP = ("Sign-off",)
_DAY = timedelta(days=1)

Asked = dict[str, list[Signed]]
"""Release -> its break-glass signatures, oldest first."""


class _Run(NamedTuple):
    """A run of a period: the day after its last, its first day, its key."""

    end: date
    begin: date
    key: str


class ReviewBook:
    """Keeps the reviews until something that they depend on has changed."""

    def __init__(self) -> None:
        self._asked: tuple[State, int, Asked] | None = None
        self._runs: tuple[State, int, list[_Run]] | None = None
        self._made: tuple[State, int, Catalog, tzinfo, int, Reviews] | None = None

    def of(
        self, state: State, catalog: Catalog, zone: tzinfo, days: int = BUSINESS_DAYS
    ) -> Reviews:
        """The reviews as State has them now, each due `days` business days after the signing."""
        if not state.release_log.heads:
            return NONE
        asked = self._broken(state)
        if not asked:
            return NONE
        known = self._made
        same = known is not None and known[0] is state and known[2] is catalog
        if known is not None and same and (known[1], *known[3:5]) == (state.count, zone, days):
            return known[5]
        made = _made(state, asked, self._periodic(state), _host(catalog), zone, days)
        self._made = (state, state.count, catalog, zone, days, made)
        return made

    def _broken(self, state: State) -> Asked:
        log, known = state.release_log, self._asked
        if known is not None and known[0] is state and known[1] == log.revision:
            return known[2]
        these = (name for name, said in log.heads.items() if any(map(_breaks_glass, said)))
        found = {name: head_of(state, name).break_glass for name in these}
        asked = {name: signed for name, signed in found.items() if signed}
        self._asked = (state, log.revision, asked)
        return asked

    def _periodic(self, state: State) -> list[_Run]:
        """The runs of periods in which anything was said, those that end first first."""
        keys, known = tuple(state.run_keys()), self._runs
        if known is not None and known[0] is state and known[1] == len(keys):
            return known[2]
        runs = sorted(_runs_of(keys))
        self._runs = (state, len(keys), runs)
        return runs


def _breaks_glass(happening: Happening) -> bool:
    return happening.type == ev.SIGNOFF_SIGNED and bool(happening.data.get("reason"))


def _runs_of(keys: Iterable[str]) -> Iterator[_Run]:
    for key in keys:
        name = parse_run(key)
        days = period_days(name.occasion) if name and name.kind == "period" else None
        if days is not None:
            yield _Run(days[1], days[0], key)


def _host(catalog: Catalog) -> Checklist | None:
    """The list that has the reviews: of those that start afresh the most often, the first."""
    lists = (c for cadence in PERIODIC for c in catalog.checklists if c.cadence == cadence)
    return next(lists, None)


def _made(
    state: State,
    asked: Asked,
    runs: Sequence[_Run],
    host: Checklist | None,
    zone: tzinfo,
    days: int,
) -> Reviews:
    found = []
    for release, signed in asked.items():
        left, number = signed, 1
        while left:
            review, left = _review(state, runs, host, zone, days, (release, number, left))
            found.append(review)
            number += 1
    found.sort(key=lambda one: one.signed[0].key)
    return Reviews(tuple(found), host.id if host else "", zone)


def _review(
    state: State,
    runs: Sequence[_Run],
    host: Checklist | None,
    zone: tzinfo,
    days: int,
    wanted: tuple[str, int, list[Signed]],
) -> tuple[Review, list[Signed]]:
    """A release's next review, and the signatures that were made only after it was done: they ask
    for another one."""
    # Few decks ever have one, and every command would import it.
    from opsdeck.signoff.review_item import review_id, review_item, signed_at

    release, number, signed = wanted
    day = signed_at(signed[0]).astimezone(zone).date()
    due_day = business_day(day, days)
    identity = review_id(release, number, {item.id for item in host.items} if host else ())
    settled = tuple(_settled(state, runs, identity, day, signed[0].key))
    done = min((one.key for one in settled), default=None)
    covered = [one for one in signed if done is None or one.key < done]
    period = period_days(period_name(host.cadence, day)) if host else None
    bounds = period_bounds(due_day.isoformat(), zone)
    item = review_item(
        identity,
        release,
        covered,
        due_day,
        checklist=host.id if host else "",
        group=_GROUP if host and host.items[-1].group else (),
        zone=zone,
    )
    review = Review(
        release=release,
        item=item,
        signed=tuple(covered),
        since=period[0] if period else day,
        due_day=due_day,
        due=bounds[1] if bounds else signed_at(signed[0]),
        settled=settled,
    )
    return review, signed[len(covered) :]


def business_day(day: date, days: int) -> date:
    """The day so many business days (Monday to Friday) after this one."""
    while days > 0:
        day += _DAY
        days -= day.weekday() < 5
    return day


def _settled(
    state: State, runs: Sequence[_Run], identity: str, day: date, after: Key
) -> Iterator[Settled]:
    """What ended a review, in whichever list it stood then, up to the first word that is for
    good."""
    for run in runs[bisect_left(runs, (day + _DAY,)) :]:
        entry = state.entry(run.key, identity)
        marks = _standing(entry, after) if entry is not None else []
        if not marks:
            continue
        if marks[-1].kind != "waived":
            yield Settled(run.begin, None, marks[0].key)
            return
        until = (marks[-1].more or {}).get("until")
        end = parse_wall(until) if isinstance(until, str) else None
        if end is not None:
            yield Settled(run.begin, end, marks[0].key)


def _standing(entry: Entry, after: Key) -> list[Mark]:
    """The marks that say it is dealt with, none of them undone or taken back since; what was said
    before anybody had signed is about nothing."""
    marks: list[Mark] = []
    for mark in entry.marks:
        if mark.id in entry.undone or mark.key <= after:
            continue
        marks = [*marks, mark] if mark.kind in _SETTLING else []
    return marks
