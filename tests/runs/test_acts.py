"""What may be said of an item, and the reasons why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from opsdeck.catalog.model import Checklist, Item
from opsdeck.errors import UsageError
from opsdeck.journal import events as ev
from opsdeck.runs import acts
from opsdeck.runs.acts import Where, parse_due, parse_until
from opsdeck.runs.status import Status
from tests.runs.marks import KINDS, RUN, Story

NOW = datetime(2026, 11, 23, 2, 38, 7, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ITEM = Item(id="i", text="an item")
LIST = Checklist(id="ops", title="Ops", section="S", cadence="daily", items=(ITEM,))
WHERE = Where(LIST, ITEM, RUN, Status("open"))


def until(text: str, now: datetime = NOW) -> tuple[str, str]:
    moment, zone = parse_until(text, now, BERLIN, "Europe/Berlin")
    assert moment.tzinfo is not None
    return moment.isoformat(timespec="minutes"), zone


@pytest.mark.parametrize(
    ("text", "moment", "zone"),
    [
        ("7d", "2026-11-30T03:38+01:00", "Europe/Berlin"),
        (" +7d ", "2026-11-30T03:38+01:00", "Europe/Berlin"),
        ("1d12h", "2026-11-24T15:38+01:00", "Europe/Berlin"),
        ("2026-12-01", "2026-12-01T23:59+01:00", "Europe/Berlin"),
        ("2026-12-01 18:00", "2026-12-01T18:00+01:00", "Europe/Berlin"),
        ("2026-12-01  18:00", "2026-12-01T18:00+01:00", "Europe/Berlin"),
        ("2026-12-01T18:00", "2026-12-01T18:00+01:00", "Europe/Berlin"),
        ("2027-07-01 18:00", "2027-07-01T18:00+02:00", "Europe/Berlin"),
        ("2026-12-01 18:00 Asia/Kolkata", "2026-12-01T18:00+05:30", "Asia/Kolkata"),
        ("2026-12-01 UTC", "2026-12-01T23:59+00:00", "UTC"),
        ("2026-12-01T18:00+05:30", "2026-12-01T18:00+05:30", "UTC+05:30"),
        ("2026-12-01T18:00Z", "2026-12-01T18:00+00:00", "UTC"),
        ("2026-11-23", "2026-11-23T23:59+01:00", "Europe/Berlin"),
    ],
)
def test_a_moment_is_understood_in_every_form_the_form_names(
    text: str, moment: str, zone: str
) -> None:
    assert until(text) == (moment, zone)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no moment"),
        ("tomorrow", "is no moment"),
        ("2026-13-01", "is no moment"),
        ("2026-02-29", "is no moment"),
        ("2026-12-01 25:00", "is no moment"),
        ("7", "is no moment"),
        ("-7d", "is no moment"),
        ("101w 3x", "is no moment"),
        ("99999999d", "is no moment"),
        ("2026-11-22", "in the past"),
        ("2026-11-23 03:38", "in the past"),
        ("30s", "in the past"),
        ("1999-01-01", "in the past"),
        ("2026-12-01 18:00 Europe/Berln", "zone"),
        ("2026-12-01 18:00 CEST", "zone"),
        ("2026-12-01 18:00 ../../etc/passwd", "zone"),
        ("\x1b[31m", "is no moment"),
        ("9" * 5000, "is no moment"),
    ],
)
def test_what_is_no_moment_to_come_is_refused_with_what_is_allowed(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        until(text)


@pytest.mark.parametrize("text", ["0001-01-01 00:00", "9999-12-31 23:59"])
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Sao_Paulo", "Pacific/Kiritimati"])
def test_the_ends_of_the_calendar_are_refused_or_taken_but_raise_nothing_else(
    text: str, zone: str
) -> None:
    try:
        moment, _ = parse_until(text, NOW, ZoneInfo(zone), zone)
    except UsageError:
        return
    assert moment > NOW


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("", ""),
        ("  ", ""),
        ("7d", "2026-11-30"),
        ("+1d", "2026-11-24"),
        ("2026-12-01", "2026-12-01"),
        ("2026-11-23", "2026-11-23"),
        # In Berlin it is already the 24th then.
        ("22h", "2026-11-24"),
    ],
)
def test_a_due_date_is_understood(text: str, due: str) -> None:
    assert parse_due(text, NOW, BERLIN) == due


@pytest.mark.parametrize(
    "text", ["soon", "2026-11-22", "2026-02-30", "1", "2026-12-01 18:00", "99999999d", "-1d"]
)
def test_a_bad_due_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^due "):
        parse_due(text, NOW, BERLIN)


def test_a_past_day_is_that_of_the_decks_zone() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)  # in Berlin the 24th has begun
    with pytest.raises(UsageError, match="past"):
        parse_due("2026-11-23", late, BERLIN)


def test_a_note_of_4000_characters_fits_and_one_more_does_not() -> None:
    assert acts.note(WHERE, "x" * 4000).data["text"] == "x" * 4000
    assert acts.note(WHERE, "  " + "x" * 4000 + "\n").data["text"] == "x" * 4000
    with pytest.raises(UsageError, match=r"4,001 characters; at most 4,000"):
        acts.note(WHERE, "x" * 4001)


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_a_reason_that_says_nothing_is_refused(text: str) -> None:
    for act in (acts.note, acts.override, acts.set_unused, acts.defer):
        with pytest.raises(UsageError, match="needed"):
            act(WHERE, text)
    week = (NOW + timedelta(days=7), "UTC")
    with pytest.raises(UsageError, match="a reason is needed"):
        acts.waive(WHERE, reason=text, approver="bob", until=week)
    with pytest.raises(UsageError, match="approver is needed"):
        acts.waive(WHERE, reason="r", approver=text, until=week)


@pytest.mark.parametrize("text", ["[/]", "[red]x[/red]", "\x1b[31mred", "a\ud800b", "日本 👩‍🚀"])
def test_any_text_may_be_said_and_is_kept_as_it_is(text: str) -> None:
    kept = acts.note(WHERE, text).data["text"]
    assert kept == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("state", ["passed", "attested", "waived", "inactive"])
def test_what_holds_cannot_be_overridden(state: str) -> None:
    where = Where(LIST, ITEM, RUN, Status(state))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="nothing to override"):
        acts.override(where, "because")


@pytest.mark.parametrize("state", ["open", "failed", "unknown", "stale", "deferred"])
def test_what_does_not_hold_can_be_overridden(state: str) -> None:
    where = Where(LIST, ITEM, RUN, Status(state))  # type: ignore[arg-type]
    assert acts.override(where, "because").type == ev.OVERRIDDEN


def test_taking_back_needs_something_to_take_back() -> None:
    with pytest.raises(UsageError, match="nothing to take back"):
        acts.take_back(WHERE)
    assert acts.take_back(Where(LIST, ITEM, RUN, Story("attested").status())).type == ev.REOPENED
    with pytest.raises(UsageError, match="nothing to take back"):
        acts.take_back(Where(LIST, ITEM, RUN, Story("attested", "reopened").status()))


# Undo


def undo(story: Story, operator: str = "alice", *, after: timedelta = timedelta()) -> str:
    draft, mark = acts.undo(RUN, story.state.run(RUN), operator, story.now + after)
    assert draft.type == ev.UNDONE
    assert draft.data["event"] == mark.id
    story.say(draft.type, draft.data)
    return mark.kind


def test_undo_takes_the_newest_first_and_each_once() -> None:
    story = Story("attested", "deferred", "overridden")
    assert [undo(story), undo(story), undo(story)] == ["overridden", "deferred", "attested"]
    assert story.status().state == "open"
    with pytest.raises(UsageError, match=r"nothing of alice's to undo in ops/2026-11-23"):
        undo(story)


def test_undo_takes_back_a_note_too() -> None:
    story = Story("attested")
    story.say(ev.NOTED, {"text": "look"})
    assert undo(story) == "noted"
    assert story.entry.standing_notes() == []
    assert story.status().state == "attested"


def test_undo_leaves_what_others_did() -> None:
    story = Story("attested")
    story.say(*KINDS["reopened"], by="bob")
    assert undo(story, "alice") == "attested"
    assert story.status().state == "open", "bob's word stands"
    with pytest.raises(UsageError, match="nothing of carol's"):
        undo(story, "carol")


def test_undo_does_not_take_what_a_probe_found() -> None:
    story = Story("passed")
    with pytest.raises(UsageError, match="nothing of alice's"):
        undo(story)


def test_undo_reaches_24_hours_back_and_no_further() -> None:
    day = timedelta(hours=24)
    assert undo(Story("attested"), after=day) == "attested"
    with pytest.raises(UsageError, match="too long ago"):
        undo(Story("attested"), after=day + timedelta(seconds=1))


def test_undo_in_a_run_nobody_touched_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing"):
        acts.undo(RUN, None, "alice", NOW)


# Releases


@pytest.mark.parametrize("name", ["v1.4.2", "2026-11-23", "a", "R_1+hotfix-2", "x" * 64])
def test_a_release_may_be_called(name: str) -> None:
    assert acts.start_release(name, []).data == {"release": name}


@pytest.mark.parametrize(
    "name", ["", " ", "v 1", "v/1", "../x", "-v1", ".v1", "x" * 65, "v1\n", "é", "[red]", "v1\x1b"]
)
def test_a_release_may_not_be_called(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a release"):
        acts.start_release(name, [])


def test_a_release_starts_once() -> None:
    with pytest.raises(UsageError, match="already started"):
        acts.start_release("v1", ["v0", "v1"])
