"""What a signature no longer covers, said in words that name the thing and who did it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from opsdeck.catalog.model import Catalog, Checklist, Item
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal import events as ev
from opsdeck.signoff.changes import changes
from opsdeck.signoff.content import pinned_of
from tests.signoff.story import Story, walked

CATALOG_TOO = "the checklists were edited (catalog version)"
NEW = Checklist(
    id="post", title="T", section="S", cadence="release", items=(Item(id="x", text="X"),)
)


def said(kind: str, name: str = "backup", **data: Any) -> Callable[[Story], object]:
    return lambda story: story.say(9, kind, name, **data)


def form(**changed: str) -> Callable[[Story], object]:
    return lambda story: story.happen(9, ev.RELEASE_CHANGED, release="v1", **changed)


def rules(**changed: Any) -> Callable[[Story], object]:
    return lambda story: setattr(story, "rules", SignoffRules(**changed))


def lists(*more: Checklist, upto: int = 3) -> Callable[[Story], object]:
    def change(story: Story) -> None:
        story.catalog = Catalog(checklists=(*story.catalog.checklists[:upto], *more))

    return change


def without_backup(story: Story) -> None:
    first = story.catalog.checklists[0]
    items = (first.items[0], *first.items[2:], Item(id="cache", text="Cache"))
    story.catalog = Catalog(checklists=(msgspec.structs.replace(first, items=items),))


CASES: list[tuple[Callable[[Story], object], list[str]]] = [
    (lambda _: None, []),
    (
        said(ev.CHECKED, "tests", verdict="failed", by="bob"),
        ["pre/tests: was passed, is failed (bob, 2026-11-23 02:47 UTC)"],
    ),
    (
        said(ev.CHECKED, "tests", verdict="passed"),
        ["pre/tests: passed anew (alice, 2026-11-23 02:47 UTC)"],
    ),
    (
        said(ev.OVERRIDDEN, reason="x"),
        ["pre/backup: overridden anew (alice, 2026-11-23 02:47 UTC)"],
    ),
    (said(ev.UNDONE, event="bob@two:2"), ["pre/backup: was overridden, is open"]),
    (said(ev.NOTED, text="x"), ["pre/backup: its notes were changed"]),
    (said(ev.UNDONE, event="bob@two:1"), ["pre/backup: its notes were changed"]),
    (
        said(ev.DEFERRED, "tests", reason="x"),
        ["pre/tests: was passed, is deferred (alice, 2026-11-23 02:47 UTC)"],
    ),
    (form(notes="x", date="y"), ["Deployment Date was changed", "Notes was changed"]),
    (form(window="23:00"), ["Deployment Window was changed"]),
    (
        rules(approvals=2, deferred="never"),
        ["the rules of [signoff] were changed: approvals, deferred"],
    ),
    (lambda s: s.edit("tests", guide="look"), [CATALOG_TOO]),
    (
        lambda s: s.edit("redis", text="Redis hot"),
        ["pre/redis: its text or rules were edited", CATALOG_TOO],
    ),
    (
        lambda s: s.edit("tests", valid_for_s=90_000.0),
        ["pre/tests: its text or rules were edited", CATALOG_TOO],
    ),
    (lists(NEW), ["list post is new", CATALOG_TOO]),
    (lists(upto=0), ["list pre is gone", CATALOG_TOO]),
    (without_backup, ["pre/cache is new", "pre/backup is gone", CATALOG_TOO]),
    (
        lambda s: s.happen(-9, ev.RELEASE_STARTED, "dora", "dora@x", release="v1"),
        ["its start was changed (dora, 2026-11-23 02:29 UTC)"],
    ),
]


def after(change: Callable[[Story], object]) -> list[str]:
    """What is said of a content after a change, as the screen asks."""
    story = walked()
    before = story.content()
    change(story)
    now = story.content(pinned=pinned_of(before.data))
    assert (now == before) is (now.sha256 == before.sha256)
    return changes(before.data, now.data)


@pytest.mark.parametrize(("change", "says"), CASES)
def test_a_change_is_said_in_a_line(change: Callable[[Story], object], says: list[str]) -> None:
    assert after(change) == says


def test_two_changes_of_one_item_are_in_its_line() -> None:
    def both(story: Story) -> None:
        said(ev.ATTESTED)(story)
        said(ev.NOTED, text="x")(story)

    (line,) = after(both)
    assert line.startswith(
        "pre/backup: was overridden, is attested (alice, 2026-11-23 02:47 UTC); "
    )
    assert line.endswith("; its notes were changed")


def test_a_line_that_was_altered_on_disk_is_called_that() -> None:
    def alter(story: Story) -> None:
        story.lines["alice@one:3"] = story.lines["alice@one:3"].replace(b"240", b"241")

    assert after(alter) == ["pre/tests: its line in the journal was altered"]


def test_a_waiver_that_ends_changes_what_it_was_in_stead_of() -> None:
    def change(story: Story) -> None:
        until = "2026-12-01T00:00+00:00"
        story.say(9, ev.WAIVED, "tests", reason="x", approver="dave", until=until)
        story.say(10, ev.CHECKED, "tests", verdict="passed")

    (line,) = after(change)
    assert line.startswith("pre/tests: ")


def test_what_differs_in_nothing_known_is_still_said() -> None:
    content = walked().content().data
    assert changes(content, dict(content)) == []
    assert changes(content, {**content, "more": 1}) == ["the serialisation differs"]
    assert changes(content, {**content, "release": "v2"}) == ["its release was v1, is v2"]
    moved = {**content, "deck": "b", "timezone": "UTC"}
    assert changes(content, moved) == [
        "its deck was acme, is b",
        "its timezone was Europe/Berlin, is UTC",
    ]


@pytest.mark.parametrize("old", [{}, {"lists": 3, "form": []}, {"lists": [3, {"items": "x"}]}])
def test_what_is_no_content_is_compared_all_the_same(old: dict[str, Any]) -> None:
    content = walked().content().data
    assert changes(old, content)
    assert changes(content, old)
