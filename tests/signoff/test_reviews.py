"""Break-glass reviews as they follow from signatures and from people's words."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.catalog.model import Cadence, Catalog, Checklist, Item
from opsdeck.catalog.validate import id_problem
from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import GENESIS, Event
from opsdeck.journal.fold import State
from opsdeck.runs.progress import view_run
from opsdeck.screens.item_lines import commands_in
from opsdeck.signoff.review_book import ReviewBook, business_day
from opsdeck.signoff.review_item import review_id
from opsdeck.signoff.reviews import NONE, Review, Reviews

BERLIN = ZoneInfo("Europe/Berlin")
ANGELES = ZoneInfo("America/Los_Angeles")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

Told = list[tuple[str, Event]]


def a_list(cadence: Cadence = "daily", *, id: str = "", item: str = "logs") -> Checklist:
    items = (Item(id=item, text=item),)
    return Checklist(id=id or cadence, title=cadence, section="S", cadence=cadence, items=items)


def a_catalog(*checklists: Checklist) -> Catalog:
    return Catalog(checklists=checklists or (a_list("release"), a_list("weekly"), a_list()))


class Story:
    """A journal being written, an hour from event to event unless the test sets `now`."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self.now = now
        self.told: Told = []

    def say(self, type_: str, *, by: str = "erin", writer: str = "w", **data: Any) -> str:
        """One more event of a writer; its id."""
        seq = sum(w == writer for w, _ in self.told) + 1
        clock = f"{int(self.now.timestamp() * 1000):013d}-00000"
        at = data.pop("at", wall_text(self.now))
        self.told.append((writer, Event(seq, at, clock, by, type_, data, GENESIS)))
        self.now += timedelta(hours=1)
        return f"{writer}:{seq}"

    def break_glass(self, release: str = "v1.4.2", reason: str = "disk full", **more: Any) -> str:
        """A signature against a closed gate."""
        data = {"role": "approver", "content": "x" * 64, "statement": "s", **more}
        return self.say(ev.SIGNOFF_SIGNED, release=release, reason=reason, **data)

    def mark(self, day: str, type_: str = ev.ATTESTED, item: str = "", **data: Any) -> str:
        """Somebody's word on a review in a run."""
        run = day if "/" in day else f"daily/{day}"
        return self.say(type_, by="bob", run=run, item=item or "review-v1.4.2", **data)

    @property
    def state(self) -> State:
        """All of it, folded."""
        return folded(self.told)


def folded(told: Iterable[tuple[str, Event]]) -> State:
    state = State()
    for writer, event in told:
        state.apply(writer, event)
    assert state.malformed == []
    return state


def reviews(
    told: Story, catalog: Catalog | None = None, zone: ZoneInfo = BERLIN, days: int = 2
) -> Reviews:
    return ReviewBook().of(told.state, catalog or a_catalog(), zone, days)


def only(told: Story, **options: Any) -> Review:
    [found] = reviews(told, **options).found
    return found


def days_of(told: Story, *days: int) -> list[int]:
    """The days of November in whose daily list a review stands."""
    found = reviews(told)
    return [day for day in days if found.in_run(f"daily/2026-11-{day:02d}")]


# When it is due


@pytest.mark.parametrize(
    ("signed", "days", "due"),
    [
        ("2026-11-23", 2, "2026-11-25"),
        ("2026-11-26", 2, "2026-11-30"),
        ("2026-11-27", 2, "2026-12-01"),
        ("2026-11-28", 2, "2026-12-01"),
        ("2026-11-29", 2, "2026-12-01"),
        ("2026-11-27", 1, "2026-11-30"),
        ("2026-11-28", 0, "2026-11-28"),
        ("2026-12-31", 2, "2027-01-04"),
    ],
)
def test_business_days_are_monday_to_friday(signed: str, days: int, due: str) -> None:
    assert business_day(date.fromisoformat(signed), days) == date.fromisoformat(due)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 30))
def test_a_due_day_has_so_many_business_days_before_it(day: date, days: int) -> None:
    due = business_day(day, days)
    between = (day + timedelta(days=n) for n in range(1, (due - day).days + 1))
    assert sum(one.weekday() < 5 for one in between) == days
    assert due.weekday() < 5


@pytest.mark.parametrize(
    ("zone", "signed", "since", "due"),
    [
        # Friday evening in Berlin, still Friday by UTC: due on Tuesday
        (BERLIN, "2026-11-27T22:59:00Z", "2026-11-27", "2026-12-01T23:00:00Z"),
        # a minute later it is Saturday there: Tuesday all the same
        (BERLIN, "2026-11-27T23:00:00Z", "2026-11-28", "2026-12-01T23:00:00Z"),
        # by UTC it is Saturday, in Los Angeles still Friday
        (ANGELES, "2026-11-28T07:30:00Z", "2026-11-27", "2026-12-02T08:00:00Z"),
        # the clocks change in between: a day is a day
        (BERLIN, "2026-03-27T12:00:00Z", "2026-03-27", "2026-03-31T22:00:00Z"),
        (BERLIN, "2026-10-23T12:00:00Z", "2026-10-23", "2026-10-27T23:00:00Z"),
        (ZoneInfo("Pacific/Kiritimati"), "2026-11-23T11:00:00Z", "2026-11-24", "2026-11-26T10:00Z"),
    ],
)
def test_it_is_due_at_the_end_of_a_day_of_the_deck(
    zone: ZoneInfo, signed: str, since: str, due: str
) -> None:
    # GIVEN a signature at some moment
    told = Story(datetime.fromisoformat(signed))
    told.break_glass()
    # THEN its day and the end of the day that it is due are those of the deck's zone
    found = only(told, zone=zone)
    assert (found.since, found.due) == (date.fromisoformat(since), datetime.fromisoformat(due))
    assert f"due {found.due_day}" in found.item.text


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "2027-06-01T00:00:00Z", "no time", ""])
def test_a_wrong_date_puts_no_review_off(at: str) -> None:
    told = Story()
    told.break_glass(at=at)
    assert only(told).since == date(2026, 11, 23)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1969-12-31T23:00:00Z"])
def test_a_date_before_all_dates_is_long_overdue(at: str) -> None:
    told = Story()
    told.break_glass(at=at)
    assert only(told, zone=ANGELES).due < MONDAY


# Which there are


def test_without_break_glass_there_is_none() -> None:
    told = Story()
    assert reviews(told) is NONE
    told.say(ev.RELEASE_STARTED, release="v1.4.2")
    told.break_glass(reason="")
    told.break_glass(reason=7)  # type: ignore[arg-type]
    told.break_glass(role="emperor")
    assert reviews(told) is NONE
    assert NONE.listed(a_list(), "daily/2026-11-23") == a_list()
    assert NONE.put_off("daily/2026-11-23", MONDAY + timedelta(days=9)) == {}


def test_all_break_glass_signatures_of_a_release_are_one_review() -> None:
    # GIVEN a release that three people signed against a closed gate, over two days
    told = Story()
    told.break_glass(role="deployer", by="dora")
    told.now += timedelta(days=1)
    told.break_glass(role="verifier", by="vera", reason="what dora said")
    told.break_glass(role="approver", by="erin")
    # THEN one review names them all, and the first day counts
    found = only(told)
    assert (found.since, found.due_day) == (date(2026, 11, 23), date(2026, 11, 25))
    assert found.item.text == (
        "Review the break-glass sign-off of v1.4.2"
        " (due 2026-11-25, signed by dora, vera, erin: disk full)"
    )
    closed = "although the gate was closed"
    assert found.item.guide.splitlines()[:3] == [
        f'dora signed v1.4.2 as deployer at 2026-11-23 11:00 CET {closed}: "disk full".',
        f'vera signed v1.4.2 as verifier at 2026-11-24 12:00 CET {closed}: "what dora said".',
        "and 1 more signature against a closed gate.",
    ]
    assert 2 <= len(found.item.guide.splitlines()) <= 6
    assert commands_in(found.item.guide) == [
        "opsdeck signoff show v1.4.2",
        "opsdeck attest daily/review-v1.4.2 -m NOTE",
    ]
    assert not found.item.sensed


def test_each_release_has_its_own_the_oldest_first() -> None:
    told = Story()
    for release in ("v2", "v1", "hotfix/7"):
        told.break_glass(release)
    found = reviews(told).found
    assert [one.release for one in found] == ["v2", "v1", "hotfix/7"]
    assert len({one.item.id for one in found}) == 3


def test_what_is_signed_after_the_review_asks_for_another() -> None:
    # GIVEN a review that was done, and another signature against a closed gate after that
    told = Story()
    told.break_glass(by="dora")
    done = told.mark("2026-11-23")
    told.break_glass(by="erin", reason="again")
    # THEN there is a second review, about that signature alone
    first, second = reviews(told).found
    assert [one.by for one in first.signed] == ["dora"]
    assert [one.by for one in second.signed] == ["erin"]
    assert first.item.id == "review-v1.4.2"
    assert second.item.id.startswith("review-v1.4.2-")
    assert second.settled == ()
    # WHEN that the first was done is undone
    told.say(ev.UNDONE, run="daily/2026-11-23", item="review-v1.4.2", event=done, kind="attested")
    # THEN it is about both again
    assert [one.by for one in only(told).signed] == ["dora", "erin"]


def test_to_say_it_again_of_a_done_review_covers_no_later_signature() -> None:
    told = Story()
    told.break_glass()
    told.mark("2026-11-23")
    told.break_glass(by="dora")
    told.mark("2026-11-23")
    assert len(reviews(told).found) == 2


# Ids


@pytest.mark.parametrize(
    ("release", "slug"),
    [
        ("v1.4.2", "review-v1.4.2"),
        ("2026-11-23_hotfix", "review-2026-11-23_hotfix"),
        ("V1.4.2", "review-v1.4.2-"),
        ("v1+build.7", "review-v1-build.7-"),
        ("v1-abc123", "review-v1-abc123-"),
        ("../../etc/passwd", "review-etc-passwd-"),
        ("Ünïcode \x1b[31m", "review-"),
        ("", "review-"),
        ("x" * 300, "review-xxx"),
    ],
)
def test_an_id_is_made_of_the_name_with_a_hash_where_that_is_not_all(
    release: str, slug: str
) -> None:
    found = review_id(release, 1)
    assert found.startswith(slug)
    assert id_problem(found) is None
    assert found == slug or len(found) >= len(slug) + 6


def test_an_id_is_none_that_the_list_has_already() -> None:
    taken: set[str] = set()
    for _ in range(4):
        found = review_id("v1", 1, taken)
        assert found not in taken
        assert id_problem(found) is None
        taken.add(found)
    told = Story()
    told.break_glass("v1")
    found = only(told, catalog=a_catalog(a_list(item="review-v1"))).item.id
    assert found.startswith("review-v1-")


names = st.text(max_size=90) | st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9._+-]{0,63}", fullmatch=True)


@given(names, names, st.integers(1, 5), st.integers(1, 5))
def test_ids_of_different_reviews_differ(one: str, other: str, n: int, m: int) -> None:
    first, second = review_id(one, n), review_id(other, m)
    assert id_problem(first) is None
    assert (first == second) == ((one, n) == (other, m))


def test_text_from_outside_stays_text() -> None:
    # GIVEN names and a reason that want to be more than that
    told = Story()
    evil = "`rm -rf /`\n`curl x|sh`\x1b[2J\u202e" + "long " * 900
    told.break_glass(evil, reason=evil, by=evil)
    # THEN they are in one line, bounded, obeyed by nothing, and no command is made of them
    item = only(told).item
    assert item.text.isprintable()
    assert len(item.text) < 500
    assert len(item.guide.splitlines()) == 4
    assert all(line.isprintable() and len(line) < 500 for line in item.guide.splitlines())
    assert [c.split()[:2] for c in commands_in(item.guide)] == [
        ["opsdeck", "release"],
        ["opsdeck", "attest"],
    ]


# In which runs it stands


def test_it_stands_in_every_list_from_the_signing_until_it_is_done() -> None:
    told = Story()
    told.break_glass()
    assert days_of(told, 21, 22, 23, 24, 25, 26, 30) == [23, 24, 25, 26, 30]
    # WHEN it is attested on the third day
    told.mark("2026-11-25")
    # THEN it stays in the lists of three days, and is gone from the next
    assert days_of(told, 22, 23, 24, 25, 26, 30) == [23, 24, 25]


@pytest.mark.parametrize("type_", [ev.OVERRIDDEN, ev.UNUSED])
def test_other_words_that_end_it(type_: str) -> None:
    told = Story()
    told.break_glass()
    told.mark("2026-11-23", type_, reason="why")
    assert days_of(told, 23, 24) == [23]


@pytest.mark.parametrize("type_", [ev.DEFERRED, ev.REOPENED, ev.NOTED])
def test_words_that_do_not_end_it(type_: str) -> None:
    told = Story()
    told.break_glass()
    told.mark("2026-11-23", type_, reason="why")
    assert days_of(told, 23, 24) == [23, 24]


def test_a_waiver_ends_it_for_as_long_as_it_is_good() -> None:
    told = Story()
    told.break_glass()
    told.mark("2026-11-23", ev.WAIVED, reason="r", approver="c", until="2026-11-25T12:00+01:00")
    assert days_of(told, 23, 24, 25, 26, 27) == [23, 26, 27]
    told.mark("2026-11-26")
    assert days_of(told, 23, 24, 25, 26, 27) == [23, 26]


def test_a_waiver_that_names_no_end_says_nothing() -> None:
    told = Story()
    told.break_glass()
    told.mark("2026-11-23", ev.WAIVED, reason="r", until="whenever")
    assert days_of(told, 23, 24) == [23, 24]


@pytest.mark.parametrize("undo", ["undone", "taken back"])
def test_what_is_undone_ends_nothing(undo: str) -> None:
    told = Story()
    told.break_glass()
    done = told.mark("2026-11-23")
    if undo == "undone":
        told.say(ev.UNDONE, run="daily/2026-11-23", item="review-v1.4.2", event=done)
    else:
        told.mark("2026-11-23", ev.REOPENED)
    assert days_of(told, 23, 24) == [23, 24]


def test_what_was_said_before_anybody_had_signed_ends_nothing() -> None:
    told = Story()
    told.mark("2026-11-23")
    told.break_glass()
    assert days_of(told, 23, 24) == [23, 24]
    assert only(told).settled == ()


def test_a_verdict_of_a_probe_ends_nothing() -> None:
    told = Story()
    told.break_glass()
    told.mark("2026-11-23", ev.CHECKED, verdict="passed")
    assert days_of(told, 23, 24) == [23, 24]


def test_it_stands_nowhere_else() -> None:
    told = Story()
    told.break_glass()
    found = reviews(told)
    for run in (None, "", "weekly/2026-W48", "release/v1.4.2/release", "standing/daily", "daily/x"):
        assert found.in_run(run) == []
    assert found.listed(a_list("weekly"), "weekly/2026-W48") == a_list("weekly")


def test_a_list_of_another_run_is_made_that_of_this_one() -> None:
    told = Story()
    told.break_glass()
    told.mark("2026-11-23")
    found = reviews(told)
    monday = found.listed(a_list(), "daily/2026-11-23")
    assert [i.id for i in monday.items] == ["logs", "review-v1.4.2"]
    assert found.listed(monday, "daily/2026-11-23") == monday
    assert found.listed(monday, "daily/2026-11-24") == a_list()


@pytest.mark.parametrize(
    ("cadences", "run", "before"),
    [
        (("monthly", "standing", "weekly"), "weekly/2026-W48", "weekly/2026-W47"),
        (("standing", "monthly"), "monthly/2026-11", "monthly/2026-10"),
    ],
)
def test_without_a_daily_list_it_is_in_the_next_best(
    cadences: tuple[Cadence, ...], run: str, before: str
) -> None:
    told = Story(datetime(2026, 11, 25, 12, 0, tzinfo=UTC))
    told.break_glass()
    catalog = a_catalog(*(a_list(cadence) for cadence in cadences))
    found = reviews(told, catalog)
    assert [one.release for one in found.in_run(run)] == ["v1.4.2"]
    assert found.in_run(before) == []
    told.mark(run)
    assert len(reviews(told, catalog).in_run(run)) == 1
    assert reviews(told, catalog).in_run("weekly/2026-W49") == []
    assert reviews(told, catalog).in_run("monthly/2026-12") == []


def test_where_no_list_can_have_it_it_is_overdue_all_the_same() -> None:
    told = Story()
    told.break_glass()
    found = reviews(told, a_catalog(a_list("release"), a_list("standing")))
    due = found.found[0].due
    assert found.overdue([], due - timedelta(seconds=1)) == []
    [concern] = found.overdue([], due)
    assert concern.items[0][0].id == "review-v1.4.2"
    assert concern.view.run is None
    assert "add a daily one" in found.found[0].item.guide


def test_what_was_done_stays_done_when_another_list_comes_first() -> None:
    # GIVEN a review that was done in the daily list
    told = Story()
    told.break_glass()
    told.mark("2026-11-23")
    # WHEN the catalog gets another daily list before it
    catalog = a_catalog(a_list(id="earlier"), a_list())
    # THEN nobody is asked for it anew
    assert reviews(told, catalog).in_run("earlier/2026-11-24") == []


# Past its day


def seen(told: Story, run: str, now: datetime) -> tuple[str, str, int]:
    """State of the review in a run, state of the run, and how many are overdue."""
    found, state = reviews(told), told.state
    listed = found.listed(a_list(), run)
    view = view_run(listed, run, state, now, BERLIN, (), None, found.put_off(run, now))
    states = dict(zip((i.id for i in listed.items), view.statuses, strict=True))
    late = found.overdue([view], now)
    assert all(c.kind == "overdue" for c in late)
    return states["review-v1.4.2"].state, view.state, len(late)


def test_a_run_missed_nothing_while_the_review_was_not_due() -> None:
    # GIVEN all else done on the two days before the review is due
    told = Story()
    told.break_glass()
    for day in (23, 24, 25):
        told.mark(f"2026-11-{day}", item="logs")
    midnight = {day: datetime(2026, 11, day, tzinfo=BERLIN) for day in (24, 25, 26)}
    # THEN it is open while the day goes on, and put off once that is over
    assert seen(told, "daily/2026-11-23", MONDAY) == ("open", "open", 0)
    late = midnight[26] + timedelta(hours=3)
    assert seen(told, "daily/2026-11-23", late)[:2] == ("deferred", "complete except deferred")
    assert seen(told, "daily/2026-11-24", late)[:2] == ("deferred", "complete except deferred")
    # AND the day that it was due on has missed it
    assert seen(told, "daily/2026-11-25", midnight[26] - timedelta(seconds=1)) == (
        "open",
        "open",
        0,
    )
    assert seen(told, "daily/2026-11-25", late)[:2] == ("open", "missed")


def test_it_is_overdue_from_the_end_of_its_day_until_it_is_done() -> None:
    told = Story()
    told.break_glass()
    late = datetime(2026, 11, 26, 9, 0, tzinfo=BERLIN)
    assert seen(told, "daily/2026-11-26", late) == ("open", "not started", 1)
    told.now = late
    told.mark("2026-11-26", ev.DEFERRED, reason="no time")
    assert seen(told, "daily/2026-11-26", late)[::2] == ("deferred", 1)
    told.mark("2026-11-26")
    assert seen(told, "daily/2026-11-26", late)[::2] == ("attested", 0)


# Machines and memory


def test_the_order_in_which_journals_arrive_does_not_matter() -> None:
    # GIVEN what four machines said of a release
    told = Story()
    told.say(ev.RELEASE_STARTED, release="v1.4.2", writer="a")
    told.break_glass(writer="b", by="dora", role="deployer")
    told.mark("2026-11-23", writer="c")
    told.break_glass(writer="d", by="erin")
    told.break_glass(writer="b", by="dora", reason="more")
    told.break_glass("other", writer="a")
    # WHEN they come in any order
    journals = [[one for one in told.told if one[0] == writer] for writer in "abcd"]
    found = {
        repr(ReviewBook().of(folded(itertools.chain(*order)), a_catalog(), BERLIN).found)
        for order in itertools.permutations(journals)
    }
    # THEN everybody sees the same reviews
    assert len(found) == 1
    assert len(reviews(told).found) == 3


def test_the_book_notices_every_change_and_keeps_what_has_not_changed() -> None:
    told, state, book, catalog = Story(), State(), ReviewBook(), a_catalog()

    def now(zone: ZoneInfo = BERLIN, days: int = 2) -> Reviews:
        for writer, event in told.told[state.count :]:
            state.apply(writer, event)
        return book.of(state, catalog, zone, days)

    told.break_glass()
    first = now()
    assert now() is first
    assert now(days=3).found[0].due_day == date(2026, 11, 26)
    assert now(ANGELES).zone is ANGELES
    told.mark("2026-11-23")
    assert now().found[0].settled
    told.mark("2026-11-23", ev.REOPENED)
    assert not now().found[0].settled
    told.mark("2026-11-24")
    assert now().found[0].settled[0].day == date(2026, 11, 24)
    told.break_glass("v9")
    assert len(now().found) == 2
    catalog = a_catalog(a_list("weekly"))
    assert now().checklist == "weekly"
    other = book.of(State(), catalog, BERLIN)
    assert other is NONE
