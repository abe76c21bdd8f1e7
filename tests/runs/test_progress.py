"""A run as a whole: done, missed, or complete but for what was put off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from opsdeck.catalog.model import Checklist, Item
from opsdeck.journal.events import Event
from opsdeck.journal.fold import State
from opsdeck.runs.progress import RunView, view_run
from tests.runs.marks import KINDS, RUN, T0, Story

BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 11, 24, tzinfo=BERLIN)


def a_list(*ids: str, valid_for_s: float | None = None) -> Checklist:
    items = tuple(Item(id=i, text=i, valid_for_s=valid_for_s) for i in ids)
    return Checklist(id="ops", title="Ops", section="S", cadence="daily", items=items)


def view(
    state: State, now: datetime, *ids: str, valid_for_s: float | None = None, run: str = RUN
) -> RunView:
    return view_run(a_list(*ids, valid_for_s=valid_for_s), run, state, now, BERLIN, ())


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("attested", "complete"),
        ("passed", "complete"),
        ("overridden", "complete"),
        ("waived", "complete"),
        ("unused", "complete"),
        ("deferred", "complete except deferred"),
        ("reopened", "open"),
        ("failed", "open"),
        ("unknown", "open"),
    ],
)
def test_a_run_is_complete_when_nothing_is_in_the_way(kind: str, state: str) -> None:
    story = Story(kind)
    found = view(story.state, story.now, "i")
    assert found.state == state
    assert found.done == (1 if state == "complete" else 0)


def test_a_run_nobody_touched_is_not_started() -> None:
    found = view(State(), T0, "i", "j")
    assert (found.state, found.done, found.total) == ("not started", 0, 2)


def test_one_item_left_is_not_complete() -> None:
    assert view(Story("attested").state, T0, "i", "j").state == "open"


def test_an_unfinished_run_is_missed_from_midnight_of_the_decks_zone() -> None:
    story = Story("attested")
    before = view(story.state, MIDNIGHT - timedelta(seconds=1), "i", "j")
    after = view(story.state, MIDNIGHT, "i", "j")
    assert (before.state, before.over) == ("open", False)
    assert (after.state, after.over) == ("missed", True)
    assert before.due == after.due == MIDNIGHT
    assert after.statuses[0].state == "attested", "what was done is not erased"


def test_an_untouched_run_that_is_over_is_missed_too() -> None:
    assert view(State(), MIDNIGHT, "i").state == "missed"


def test_a_finished_run_stays_complete_however_long_ago() -> None:
    story = Story("attested")
    later = MIDNIGHT + timedelta(days=400)
    assert view(story.state, later, "i").state == "complete"


def test_a_run_that_is_over_is_judged_as_of_its_end() -> None:
    # GIVEN evidence that was good at the end of the day, and a waiver that was in force then
    story = Story("attested")
    later = MIDNIGHT + timedelta(days=30)
    found = view(story.state, later, "i", valid_for_s=86_400.0)
    # THEN neither goes stale in hindsight
    assert found.statuses[0].state == "attested"
    assert found.as_of == MIDNIGHT
    waived = Story("waived")  # until 02:38 UTC of the next day
    assert view(waived.state, later, "i").state == "complete"


def test_evidence_that_went_stale_within_the_run_is_stale_at_its_end() -> None:
    story = Story("attested")
    found = view(story.state, MIDNIGHT + timedelta(days=1), "i", valid_for_s=3600.0)
    assert found.statuses[0].state == "stale"
    assert found.state == "missed"


def test_a_release_is_judged_as_of_the_next_one() -> None:
    story = Story()
    story.say(KINDS["attested"][0], {"run": "release/v1/ops"})
    items = a_list("i", valid_for_s=86_400.0)
    later = T0 + timedelta(days=9)
    frozen = T0 + timedelta(hours=5)
    run = "release/v1/ops"
    assert view_run(items, run, story.state, later, BERLIN, ()).statuses[0].state == "stale"
    kept = view_run(items, run, story.state, later, BERLIN, (), frozen_at=frozen)
    assert kept.statuses[0].state == "attested"
    assert kept.over is False


def test_what_is_done_after_the_end_is_completed_late_and_never_plainly_complete() -> None:
    # GIVEN yesterday's list of one item, attested this morning
    checklist = Checklist(
        id="daily",
        title="Daily",
        section="S",
        cadence="daily",
        items=(Item(id="one", text="Look"),),
    )
    state = State()
    data = {"run": "daily/2026-11-22", "item": "one"}
    at = "2026-11-23T06:00:00.000Z"
    state.apply("a@h", Event(1, at, "1795413600000-00000", "alice", "item.attested", data, ""))
    # WHEN it is looked at after its end
    now = datetime(2026, 11, 23, 7, tzinfo=UTC)
    view = view_run(checklist, "daily/2026-11-22", state, now, UTC, ())
    # THEN it says that it was late
    assert view.state == "completed late"
