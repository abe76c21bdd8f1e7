"""Results as events: what is written of one, and when a watch has anything new to write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from opsdeck.catalog.model import Item
from opsdeck.checks.evidence import read_evidence
from opsdeck.checks.judge import judge, reason_of
from opsdeck.checks.recording import draft_of, is_news, seen_text
from opsdeck.checks.result import Judged, Result
from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.fold import Entry, Mark
from tests.checks.results import AT, FAILED, HOSTILE, UNKNOWN, result

HELPED = result(item="access-reviewed", assist=True, verdict="failed", reason="users failed: 14")


@pytest.mark.parametrize(
    ("found", "type_", "data"),
    [
        (
            result(),
            ev.CHECKED,
            {"verdict": "passed", "text": "days_left > `30`: 74; trusted: true"},
        ),
        (FAILED, ev.CHECKED, {"verdict": "failed", "text": FAILED.reason}),
        (UNKNOWN, ev.CHECKED, {"verdict": "unknown", "text": UNKNOWN.reason}),
        (HELPED, ev.LOOKED, {"text": "days_left > `30`: 74; trusted: true"}),
        (
            result(verdict="failed", cause="refused", reason="refused", document=None, expect=()),
            ev.CHECKED,
            {"verdict": "failed", "text": "refused"},
        ),
    ],
    ids=["passed", "failed", "unknown", "helps", "failed without a document"],
)
def test_what_is_written(found: Result, type_: str, data: dict[str, Any]) -> None:
    draft = draft_of(found)
    assert draft.type == type_
    evidence = draft.data.pop("evidence")
    assert draft.data == {"run": found.run, "item": found.item, **data}
    kept = read_evidence(evidence)
    assert (kept.kind, kept.target, kept.cause) == (found.kind, found.target, found.cause)
    assert kept.document == found.document


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_whatever_was_found_can_be_written_in_one_line(text: str) -> None:
    document = {"a": text, "b": True}
    judged = judge(["b", "a != 'x'", "a == 'x'"], document)
    for found in (
        result(expect=judged, document=document),
        result(expect=judged, document=document, assist=True),
        result(expect=judged, document=document, verdict="failed", reason=reason_of(judged)),
    ):
        draft = draft_of(found)
        assert "\n" not in draft.data["text"]
        assert msgspec.json.decode(msgspec.json.encode(draft.data)) is not None


def test_what_was_seen_is_short() -> None:
    judged = tuple(Judged("x" * 100, True, "y" * 200) for _ in range(50))
    assert len(seen_text(result(expect=judged))) <= 400


def entry(said: Result, **ago: float) -> Entry:
    """What State keeps when this was recorded a while before AT."""
    draft = draft_of(said)
    mark = Mark(
        "1",
        "w",
        1,
        said.verdict if not said.assist else "looked",
        wall_text(AT - timedelta(**ago)),
        "alice",
        draft.data.get("text", ""),
    )
    return Entry(looked=mark) if said.assist else Entry(verdicts=[mark])


def failing(reason: str) -> Result:
    return result(verdict="failed", reason=reason)


@pytest.mark.parametrize(
    ("now", "before", "ago", "valid_for_s", "news"),
    [
        # nothing was known
        (result(), None, {}, None, True),
        (HELPED, None, {}, None, True),
        # nothing changed
        (result(), result(), {"minutes": 5}, None, False),
        (FAILED, FAILED, {"minutes": 5}, None, False),
        (UNKNOWN, UNKNOWN, {"minutes": 59}, None, False),
        (HELPED, HELPED, {"minutes": 5}, None, False),
        # a pass with other numbers is still a pass
        (result(expect=(Judged("n", True, "73"),)), result(), {"minutes": 5}, None, False),
        # another verdict, or another reason for none
        (FAILED, result(), {"seconds": 1}, None, True),
        (result(), FAILED, {"seconds": 1}, None, True),
        (UNKNOWN, FAILED, {"seconds": 1}, None, True),
        (failing("days_left failed: 11"), failing("trusted failed: false"), {}, None, True),
        # evidence that grows old is refreshed before it is stale, or once an hour
        (result(), result(), {"minutes": 60}, None, True),
        (result(), result(), {"minutes": 60}, 86_400.0, True),
        (result(), result(), {"minutes": 6}, 600.0, True),
        (result(), result(), {"minutes": 4}, 600.0, False),
        (HELPED, HELPED, {"minutes": 60}, None, True),
    ],
)
def test_what_is_news_to_a_watch(
    now: Result, before: Result | None, ago: dict[str, float], valid_for_s: float | None, news: bool
) -> None:
    item = Item(id="i", text="t", valid_for_s=valid_for_s)
    known = entry(before, **ago) if before is not None else None
    assert is_news(now, item, known, AT) is news


def test_an_item_that_only_a_person_spoke_of_is_news() -> None:
    assert is_news(result(), Item(id="i", text="t"), Entry(), AT)


def test_an_unreadable_time_is_no_reason_to_say_nothing() -> None:
    known = entry(result())
    known.verdicts[0] = msgspec.structs.replace(known.verdicts[0], at="soon")
    assert is_news(result(), Item(id="i", text="t"), known, AT)
