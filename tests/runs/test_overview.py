"""What needs somebody now, and what is due, in the order it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

from opsdeck.catalog.model import Cadence, Checklist, Item
from opsdeck.journal.fold import Mark
from opsdeck.runs.overview import Concern, Kind, concerns, due_lines
from opsdeck.runs.progress import RunView
from opsdeck.runs.status import DONE, ItemState, Status

NOW = datetime(2026, 11, 23, 2, 38, tzinfo=UTC)
MARK = Mark("1763865487123-00000", "w", 1, "waived", "2026-11-23T02:38:00Z", "alice")


def a_view(
    *states: ItemState, id: str = "ops", cadence: Cadence = "daily", until: datetime | None = None
) -> RunView:
    items = tuple(Item(id=f"i{n}", text=f"item {n}") for n, _ in enumerate(states))
    checklist = Checklist(id=id, title=id, section="S", cadence=cadence, items=items)
    counts: dict[ItemState, int] = {s: states.count(s) for s in states}
    statuses = tuple(Status(s, MARK, NOW, until=until) for s in states)
    done = all(s in DONE for s in states)
    return RunView(
        checklist, f"{id}/now", NOW, statuses, counts, "complete" if done else "open", NOW
    )


def kinds(
    views: list[RunView],
    missed: list[RunView] | None = None,
    overdue: list[RunView] | None = None,
) -> list[Kind]:
    late = [Concern("overdue", view) for view in overdue or []]
    return [c.kind for c in concerns(views, missed or [], NOW, late)]


def test_nothing_wrong_needs_nobody() -> None:
    assert kinds([a_view("open", "attested", "deferred", "overridden")]) == []


def test_the_worst_comes_first() -> None:
    soon = NOW + timedelta(days=1)
    views = [
        a_view("waived", until=soon),
        a_view("unknown", "unknown"),
        a_view("stale"),
        a_view("failed"),
    ]
    found = kinds(views, [a_view("open")], [a_view("open")])
    assert found == ["failed", "overdue", "missed", "stale", "unknown", "waiver"]
    assert set(found) == set(get_args(Kind))


def test_each_failed_item_is_named_and_stale_ones_are_counted_by_list() -> None:
    found = concerns([a_view("failed", "stale", "failed", "stale")], [], NOW)
    assert [(c.kind, [i.id for i, _ in c.items]) for c in found] == [
        ("failed", ["i0"]),
        ("failed", ["i2"]),
        ("stale", ["i1", "i3"]),
    ]


def test_a_waiver_is_told_of_a_week_before_it_ends() -> None:
    week = timedelta(days=7)
    assert kinds([a_view("waived", until=NOW + week)]) == []
    assert kinds([a_view("waived", until=NOW + week - timedelta(seconds=1))]) == ["waiver"]


def test_due_lines_are_by_cadence_and_lists_of_a_release_are_one_line() -> None:
    views = [
        a_view("open", id="s1", cadence="standing"),
        a_view("attested", "open", id="r1", cadence="release"),
        a_view("open", id="m", cadence="monthly"),
        a_view("attested", id="r2", cadence="release"),
        a_view("open", id="d", cadence="daily"),
        a_view("open", id="d2", cadence="daily"),
        a_view("open", id="w", cadence="weekly"),
    ]
    lines = due_lines(views)
    assert [(line.cadence, len(line.views)) for line in lines] == [
        ("daily", 1),
        ("daily", 1),
        ("weekly", 1),
        ("monthly", 1),
        ("release", 2),
        ("standing", 1),
    ]
    release = lines[4]
    assert (release.done, release.total) == (2, 3)
    assert release.next_view.checklist.id == "r1"


def test_a_release_with_everything_done_points_at_its_first_list() -> None:
    done = [a_view("attested", id=i, cadence="release") for i in ("r1", "r2")]
    assert due_lines(done)[0].next_view.checklist.id == "r1"
