"""What signatures are over: always the same bytes for the same facts, others for any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsdeck.catalog.model import Catalog
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.errors import DataError
from opsdeck.journal import events as ev
from opsdeck.journal.events import Event, decode_event, encode_event
from opsdeck.known_signoffs import read_content
from opsdeck.signoff.content import (
    canonical,
    content_of,
    finish,
    pinned_of,
    plan_content,
    sha256,
)
from opsdeck.signoff.content_values import values_of
from opsdeck.signoff.releases import release_of
from tests.signoff.story import AS_OF, Story, item, walked

HOSTILE = [
    "quotes \"' and \\ back\\slashes",
    "lines\nand\r\nmore\ttabs",
    "\x00\x07\x1b[31m\x7f\x9b",
    "\u2028\u2029\u202e\ufeff",
    "\U0001f680 größe e\u0301 日本",
    '{"lists":[]}',
    "</script>",
]


# One form


def test_the_same_facts_give_the_same_bytes_in_any_order_of_arrival() -> None:
    story = walked()
    made = {story.content(order=order).text for order in (story.events, story.events[::-1])}
    for order in list(permutations(story.events))[:: 40_320 // 60]:
        made.add(story.content(order=order).text)
    assert len(made) == 1


def test_the_form_is_canonical() -> None:
    content = walked().content()
    text = content.text.decode()
    # keys in order, no blanks, UTF-8 as it is, one newline
    assert text.endswith("}\n")
    assert text.count("\n") == 1
    assert "größe" not in text
    assert "the disk is slow" in text
    again = json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert again + "\n" == text
    assert content.sha256 == hashlib.sha256(content.text).hexdigest()
    assert content.sums_sha256 == hashlib.sha256(content.sums).hexdigest()
    assert canonical({"b": 1, "a": [None, True, "ü"]}) == '{"a":[null,true,"ü"],"b":1}\n'.encode()


def test_the_values_are_those_that_are_read_back() -> None:
    story = walked()
    story.rules = SignoffRules(approvers=("dave",), approvals=1)
    content = story.content()
    assert json.loads(content.text) == content.data
    assert content_of(json.loads(content.text)) == content
    assert values_of(content.data).release == "v1"


@pytest.mark.parametrize("text", [*HOSTILE, "\ud800 lone", "a\udfffb"])
def test_any_text_survives_the_journal(text: str) -> None:
    # GIVEN a content with a text in it that nobody would write
    story = walked()
    story.say(8, ev.NOTED, text=text.encode("utf-8", "replace").decode())
    data = story.content().data
    data["form"]["notes"] = text
    content = content_of(data)
    # WHEN it goes through an event's line
    event = Event(1, "", "", "a", ev.SIGNOFF_CONTENT, {"content": content.text.decode()}, "")
    kept = decode_event(encode_event(event)).data["content"]
    # THEN it is the same content, to the byte
    assert kept.encode() == content.text
    read = read_content(kept, content.sha256)
    assert read is not None
    assert canonical(read) == content.text


@given(st.text(max_size=200))
def test_any_text_keeps_its_digest(text: str) -> None:
    content = content_of({**walked().content().data, "deck": text})
    assert read_content(content.text.decode(), content.sha256) == content.data


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}\n',
        '{"a":1}',
        '{"a":1}\n',
        '{"b":1,"a":1}\n',
        "[]\n",
        "not json\n",
        "[" * 100_000,
        "\ud800",
        '{"format":"opsdeck-signoff-content-1"}\n',
    ],
)
def test_what_is_no_content_is_not_read_as_one(text: str) -> None:
    assert read_content(text, sha256(text.encode("utf-8", "replace"))) is None


def test_what_has_another_digest_or_no_time_is_not_read() -> None:
    content = walked().content()
    assert read_content(content.text.decode(), sha256(b"")) is None
    timeless = content_of({**content.data, "as_of": "noon"})
    assert read_content(timeless.text.decode(), timeless.sha256) is None
    other = content_of({**content.data, "format": "opsdeck-signoff-content-2"})
    assert read_content(other.text.decode(), other.sha256) is None
    with pytest.raises(DataError, match="this OpsDeck knows opsdeck-signoff-content-1"):
        values_of(other.data)


# What changes it


def rules(**changed: Any) -> Callable[[Story], object]:
    return lambda story: setattr(story, "rules", SignoffRules(**changed))


def form(**changed: str) -> Callable[[Story], object]:
    return lambda story: story.happen(9, ev.RELEASE_CHANGED, release="v1", **changed)


def said(kind: str, name: str = "backup", **data: Any) -> Callable[[Story], object]:
    return lambda story: story.say(9, kind, name, **data)


CHANGES: dict[str, Callable[[Story], object]] = {
    "attested": said(ev.ATTESTED),
    "attested by another": said(ev.ATTESTED, by="carol"),
    "with a note": said(ev.ATTESTED, note="x"),
    "reopened": said(ev.REOPENED),
    "passed anew, the same": said(ev.CHECKED, "tests", verdict="passed"),
    "failed": said(ev.CHECKED, "tests", verdict="failed"),
    "waived": said(ev.WAIVED, reason="r", approver="dave", until="2027-01-01T00:00+00:00"),
    "overridden anew": said(ev.OVERRIDDEN, reason="the disk is slow"),
    "deferred": said(ev.DEFERRED, reason="later", due="2026-12-01"),
    "unused": said(ev.UNUSED, reason="none"),
    "noted": said(ev.NOTED, text="y"),
    "skipped": said(ev.NOTED, text="y", skipped=True),
    "note undone": said(ev.UNDONE, event="bob@two:1"),
    "override undone": said(ev.UNDONE, event="bob@two:2"),
    "window": form(window="23:00"),
    "date": form(date="2026-11-24"),
    "stakeholders": form(stakeholders="sales"),
    "notes": form(notes="Line one\nline two "),
    "a field cleared": form(window=""),
    "rules": rules(approvals=2),
    "who may approve": rules(approvers=("dave",)),
    "names": rules(signatures="names"),
    "text of an item": lambda s: s.edit("redis", text="Redis hot"),
    "guide of an item": lambda s: s.edit("redis", guide="look"),
    "validity of an item": lambda s: s.edit("tests", valid_for_s=3600.0),
    "probe of an item": lambda s: s.edit("tests", probe={"kind": "z"}),
    "a feature": lambda s: setattr(s, "uses", ("redis",)),
    "a day later": lambda s: setattr(s, "day", "daily/2026-11-24"),
    "a list is gone": lambda s: setattr(s, "catalog", Catalog(checklists=s.catalog.checklists[:2])),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_what_is_signed_changes_the_digest(change: str) -> None:
    story = walked()
    before = story.content()
    CHANGES[change](story)
    after = story.content()
    assert after.sha256 != before.sha256
    assert after.text != before.text


def test_no_two_of_these_changes_give_one_digest() -> None:
    digests = set()
    for change in CHANGES.values():
        story = walked()
        change(story)
        digests.add(story.content().sha256)
    assert len(digests) == len(CHANGES)


@pytest.mark.parametrize("event", ["alice@one:3", "bob@two:1", "bob@two:2"])
def test_a_line_that_was_altered_changes_the_digest(event: str) -> None:
    story = walked()
    before = story.content().sha256
    story.lines[event] = story.lines[event].replace(b'"at":"2026', b'"at":"2025')
    assert story.content().sha256 != before
    del story.lines[event]
    assert story.content().sha256 != before


def test_what_comes_late_from_another_machine_changes_it() -> None:
    # GIVEN a content, and a failure before it that another machine had not sent yet
    story = walked()
    before = story.content()
    story.say(3, ev.NOTED, "tests", text="flaky", writer="carol@three", by="carol")
    # WHEN it arrives, as old as it is THEN the content is another one
    assert story.content(pinned=pinned_of(before.data)).sha256 != before.sha256


# What does not


def test_time_and_what_happens_elsewhere_change_nothing() -> None:
    story = walked()
    before = story.content()
    story.happen(10, ev.GAUGE_CHANGED, gauge="disk", to="critical")
    story.happen(11, ev.INCIDENT_STARTED, incident="i-1", title="disk full")
    story.happen(12, ev.RELEASE_STARTED, release="v2")
    story.say(13, ev.ATTESTED, run="release/v2/pre")
    story.say(13, ev.CHECKED, "tests", run="release/v2/pre", verdict="failed")
    story.happen(14, ev.RELEASE_CHOSEN, release="v1")
    story.happen(15, ev.SIGNOFF_CONTENT, release="v1", sha256=before.sha256, content="{}")
    story.happen(15, ev.SIGNOFF_SIGNED, release="v1", role="deployer", content=before.sha256)
    story.say(16, ev.LOOKED, "backup", evidence={"x": 1})
    assert story.content() == before


def test_lists_that_are_not_the_releases_own_stay_as_they_were_signed() -> None:
    story = walked()
    before = story.content()
    # WHEN the next day begins and a standing item is looked at again
    story.day = "daily/2026-11-24"
    story.say(20, ev.ATTESTED, "logs", run=story.day)
    story.say(21, ev.CHECKED, "tls", run="standing/infra", verdict="failed")
    # THEN the content is as before where those lists are taken from it, and only there
    assert story.content(pinned=pinned_of(before.data)) == before
    assert story.content().sha256 != before.sha256


def test_items_are_judged_at_its_moment_and_not_at_any_other() -> None:
    story = walked()
    states = [
        item(story.content(AS_OF + timedelta(days=days)), "tests")["state"] for days in (0, 1, 2)
    ]
    assert states == ["passed", "stale", "stale"]


def test_a_plan_is_apart_from_the_state_that_goes_on() -> None:
    story = walked()
    facts = story.facts()
    release = release_of(facts.state, "v1")
    assert release is not None
    plan = plan_content(facts, release, AS_OF)
    wanted = plan.wanted
    before = story.content()
    # WHEN more happens before it is made whole THEN it is what it was
    for change in ("note undone", "attested", "noted"):
        CHANGES[change](story)
        facts.state.apply(*story.events[-1])
    assert plan.wanted == wanted
    assert finish(plan, story.lines) == before
