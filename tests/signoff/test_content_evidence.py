"""What a content rests on: lines, evidence and their sums, and what was set aside."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from opsdeck.catalog.model import Catalog
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal import events as ev
from opsdeck.journal.lines import find_lines
from opsdeck.signoff.content import (
    evidence_bytes,
    finish,
    kept_files,
    needs_of,
    plan_content,
    sums_of,
)
from opsdeck.signoff.releases import release_of
from tests.journal.helpers import put
from tests.signoff.story import AS_OF, Story, item, walked


def test_evidence_is_taken_as_it_stands_in_the_line() -> None:
    raw = b'{"z": 1.50,  "a":"\\u00fc", "n":1e3,"deep":[[{}]]}'
    line = b'{"seq":1,"data":{"run":"r","evidence":' + raw + b',"verdict":"passed"},"x":0}'
    assert evidence_bytes(line) == raw
    for without in (b"{}", b'{"data":{}}', b'{"data":3}', b"no json", b"\xff", b"[" * 9999, b""):
        assert evidence_bytes(without) is None


def test_sums_agree_with_what_the_files_would_be() -> None:
    story = walked()
    content = story.content()
    kept = kept_files(content.data)
    names = [one.name for one in kept]
    assert len(names) == len(set(names)) == 7
    assert names[:2] == ["journal/0001.json", "evidence/pre/tests.json"]
    for one in kept:
        line = story.lines[one.event]
        file = evidence_bytes(line) if one.evidence else line
        assert file is not None
        assert one.sha256 == hashlib.sha256(file).hexdigest()
    assert content.sums == sums_of(content.data)
    assert content.sums.decode().splitlines() == [f"{one.sha256}  {one.name}" for one in kept]


def test_an_event_that_two_things_rest_on_is_kept_once() -> None:
    content = walked().content()
    overridden = item(content, "backup")
    assert overridden["event"] == overridden["set_aside"][0]["event"] == "bob@two:2"
    assert overridden["set_aside"][0]["in_force"] is True
    events = [one.event for one in kept_files(content.data) if not one.evidence]
    assert len(events) == len(set(events))
    assert "bob@two:2" in events


def test_what_was_set_aside_is_listed_even_when_it_is_over() -> None:
    story = walked()
    story.say(8, ev.WAIVED, "tests", reason="r", approver="dave", until="2026-11-23T02:50+00:00")
    put_off = story.say(9, ev.DEFERRED, "redis", reason="later", due="2026-12-01")
    story.say(10, ev.UNDONE, "redis", event=put_off)
    story.say(11, ev.ATTESTED, "backup")
    content = story.content()
    asides = {i["id"]: i["set_aside"] for c in content.data["lists"] for i in c["items"]}
    found = [
        (name, one["kind"], one["in_force"], one["undone"])
        for name, ones in asides.items()
        for one in ones
    ]
    assert found == [
        ("tests", "waived", False, False),
        ("backup", "overridden", False, False),
        ("redis", "deferred", False, True),
    ]
    assert asides["tests"][0]["approver"] == "dave"
    assert asides["redis"][0]["due"] == "2026-12-01"


def test_it_is_the_same_with_the_lines_of_the_journals_files(tmp_path: Path) -> None:
    story = walked()
    for writer in ("alice@one", "bob@two"):
        own = [line for key, line in story.lines.items() if key.startswith(f"{writer}:")]
        put(tmp_path, own, writer)
    facts = story.facts()
    release = release_of(facts.state, "v1")
    assert release is not None
    plan = plan_content(facts, release, AS_OF)
    assert finish(plan, find_lines(tmp_path / "journal", plan.wanted)) == story.content()


def test_needs_are_those_of_the_rules() -> None:
    needs = needs_of(SignoffRules(approvals=3, verifier_apart=False))
    assert msgspec.to_builtins(needs) == {
        "deployer": 1,
        "verifier": 1,
        "approver": 3,
        "approver_apart": True,
        "verifier_apart": False,
    }


def test_an_empty_release_has_a_content_too() -> None:
    story = Story()
    story.catalog = Catalog(checklists=())
    content = story.content()
    assert content.data["lists"] == []
    assert (content.sums, kept_files(content.data)) == (b"", [])
