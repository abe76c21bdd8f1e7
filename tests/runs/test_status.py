"""An item's state follows from what was said of it, and from the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opsdeck.catalog.model import Item
from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import GENESIS, Event
from opsdeck.runs.status import status_of
from tests.runs.marks import KINDS, RUN, T0, Story

DAY = timedelta(days=1)
A_DAY_LONG = Item(id="i", text="an item", valid_for_s=86_400.0)
IF_USED = Item(id="i", text="an item", uses="redis")


@pytest.mark.parametrize(
    ("told", "state"),
    [
        # one thing said
        ("attested", "attested"),
        ("reopened", "open"),
        ("overridden", "overridden"),
        ("deferred", "deferred"),
        ("unused", "inactive"),
        ("waived", "waived"),
        ("passed", "passed"),
        ("failed", "failed"),
        ("unknown", "unknown"),
        # the newer person's word wins
        ("attested reopened", "open"),
        ("reopened attested", "attested"),
        ("waived attested", "attested"),
        ("attested waived", "waived"),
        ("deferred overridden", "overridden"),
        ("unused reopened", "open"),
        ("attested deferred", "deferred"),
        # newer evidence wins, whoever it is from
        ("attested failed", "failed"),
        ("failed attested", "attested"),
        ("attested passed", "passed"),
        ("passed attested", "attested"),
        ("passed failed", "failed"),
        ("failed passed", "passed"),
        ("passed reopened", "open"),
        ("reopened failed", "failed"),
        # what need not hold is not asked again
        ("waived failed", "waived"),
        ("waived passed", "waived"),
        ("unused failed", "inactive"),
        # an override stands until the item passes, and is over from then on
        ("failed overridden", "overridden"),
        ("failed overridden failed", "overridden"),
        ("failed overridden unknown", "overridden"),
        ("failed overridden passed", "passed"),
        ("failed overridden passed failed", "failed"),
        ("failed overridden passed unknown", "unknown"),
        ("deferred failed", "deferred"),
        ("deferred passed", "passed"),
        ("deferred passed failed", "failed"),
        # that the probe could not look never makes failed, nor takes a word away
        ("attested unknown", "attested"),
        ("attested unknown unknown", "attested"),
        ("unknown attested", "attested"),
        ("passed unknown", "unknown"),
        ("failed unknown", "unknown"),
        # but nor does it bring back a word that a failure had overtaken
        ("attested failed unknown", "unknown"),
    ],
)
def test_the_state_of_every_story(told: str, state: str) -> None:
    assert Story(*told.split()).status().state == state


def test_nothing_said_is_open() -> None:
    item = Item(id="i", text="an item")
    assert status_of(item, None, T0).state == "open"
    assert not status_of(item, None, T0).done


@pytest.mark.parametrize("kind", ["attested", "passed"])
def test_evidence_goes_stale_by_the_clock_alone(kind: str) -> None:
    story = Story(kind)
    almost = DAY - timedelta(seconds=1)
    assert story.status(A_DAY_LONG, after=almost).state == kind
    stale = story.status(A_DAY_LONG, after=DAY)
    assert (stale.state, stale.done) == ("stale", False)
    assert stale.until == story.now + DAY
    assert story.status(after=1000 * DAY).state == kind, "without valid_for nothing goes stale"


def test_newer_evidence_makes_stale_fresh_again() -> None:
    story = Story("attested")
    story.now += 2 * DAY
    assert story.status(A_DAY_LONG).state == "stale"
    story.say(*KINDS["passed"])
    assert story.status(A_DAY_LONG).state == "passed"


def test_a_stale_pass_clears_an_override_but_does_not_count() -> None:
    story = Story("overridden", "passed")
    assert story.status(A_DAY_LONG, after=2 * DAY).state == "stale"


@pytest.mark.parametrize("verdict", ["failed", "unknown"])
@pytest.mark.parametrize("kind", ["overridden", "deferred"])
def test_a_pass_ends_an_override_however_many_failures_came_after_it(
    kind: str, verdict: str
) -> None:
    # GIVEN an override, a pass, and more verdicts than State keeps
    story = Story("failed", kind, "passed", *[verdict] * 12)
    assert "passed" not in {mark.kind for mark in story.entry.verdicts}
    # THEN the override is over all the same
    assert story.status().state == verdict
    # BUT one that was said after the pass stands
    assert Story("passed", kind, *[verdict] * 12).status().state == kind


def test_the_newest_pass_is_kept_in_whatever_order_events_come() -> None:
    # GIVEN two passes
    story = Story("passed", "passed", "failed")
    newest = story.entry.passed
    assert newest is not None
    # WHEN an older one comes late, from another machine
    event = Event(
        1,
        wall_text(T0),
        f"{int(T0.timestamp() * 1000):013d}-00000",
        "bob",
        ev.CHECKED,
        {"run": RUN, "item": "i", "verdict": "passed"},
        GENESIS,
    )
    story.state.apply("other", event)
    # THEN the newest is still the newest
    assert story.entry.passed == newest


@pytest.mark.parametrize("zone", ["+00:00", "+05:30", "-08:00"])
def test_a_waiver_ends_at_its_moment_in_its_zone(zone: str) -> None:
    # GIVEN a waiver until 18:00 in an explicit zone
    story = Story()
    data = {"reason": "r", "approver": "bob", "until": f"2026-11-24T18:00{zone}", "zone": zone}
    story.say(ev.WAIVED, data)
    status = story.status()
    assert status.state == "waived"
    assert status.until is not None
    # WHEN that moment comes THEN it is over, without any event
    left = status.until - story.now
    assert status.until.isoformat().endswith("+00:00")
    assert story.status(after=left - timedelta(seconds=1)).state == "waived"
    assert story.status(after=left).state == "open"


def test_after_a_waiver_the_newest_verdict_speaks() -> None:
    story = Story("waived", "failed")
    assert story.status(after=2 * DAY).state == "failed"


def test_an_item_of_an_unused_feature_is_inactive_until_somebody_says_something() -> None:
    nothing = status_of(IF_USED, None, T0, ())
    assert (nothing.state, nothing.done) == ("inactive", True)
    assert "redis" in nothing.why
    assert status_of(IF_USED, None, T0, ("redis",)).state == "open"
    assert Story("attested").status(IF_USED).state == "attested"
    assert Story("failed").status(IF_USED).state == "failed"
    assert Story("reopened").status(IF_USED).state == "open"


@pytest.mark.parametrize(
    "kind", ["attested", "reopened", "overridden", "deferred", "unused", "waived"]
)
def test_every_kind_of_act_can_be_undone_and_what_was_before_stands_again(kind: str) -> None:
    # GIVEN an attestation (or, for that, an override) and an act upon it
    before = "overridden" if kind == "attested" else "attested"
    story = Story(before)
    act = story.say(*KINDS[kind])
    # WHEN it is undone THEN what was before stands
    undo = story.say(ev.UNDONE, {"event": act, "kind": kind})
    assert story.status().state == before
    # AND undoing the undoing is no such thing: the mark stays undone
    story.say(ev.UNDONE, {"event": undo, "kind": "undone"})
    assert story.status().state == before


def test_the_undone_act_shows_in_the_history() -> None:
    story = Story("attested")
    story.say(ev.UNDONE, {"event": "w:1", "kind": "attested"})
    assert [m.kind for m in story.entry.history()] == ["attested"]
    assert "w:1" in story.entry.undone


def test_a_status_says_by_whom_when_and_why() -> None:
    story = Story()
    story.say(ev.OVERRIDDEN, {"reason": "agreed in the call"}, by="bob")
    status = story.status()
    assert (status.by, status.at, status.why) == ("bob", story.now, "agreed in the call")


@pytest.mark.parametrize("until", ["", "soon", "2026-13-01T00:00+00:00"])
def test_a_waiver_that_names_no_end_holds_nothing(until: str) -> None:
    story = Story()
    story.say(ev.WAIVED, {"reason": "r", "approver": "bob", "until": until, "zone": "UTC"})
    assert story.status().state == "open"
