"""What was said of a small release, an event a minute, and the content that it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from opsdeck.catalog.model import Catalog, Checklist, Item
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal import events as ev
from opsdeck.journal.clock import wall_text
from opsdeck.journal.events import GENESIS, Event, decode_event, encode_event
from opsdeck.journal.fold import State
from opsdeck.signoff.content import Content, Facts, finish, plan_content
from opsdeck.signoff.releases import release_of
from tests.journal.helpers import stamp
from tests.signoff.said import NOW

PRE = "release/v1/pre"
DAY = "daily/2026-11-23"
AS_OF = NOW + timedelta(hours=1)
CATALOG = Catalog(
    checklists=(
        Checklist(
            id="pre",
            title="Before",
            section="Production Deployment",
            cadence="release",
            items=(
                Item(id="tests", text="Tests pass", probe={"kind": "x"}, valid_for_s=86_400.0),
                Item(id="backup", text="Backup made"),
                Item(id="redis", text="Redis warm", uses="redis"),
            ),
        ),
        Checklist(
            id="daily",
            title="Daily",
            section="Operations",
            cadence="daily",
            items=(Item(id="logs", text="Logs read"),),
        ),
        Checklist(
            id="infra",
            title="Infrastructure",
            section="Readiness",
            cadence="standing",
            items=(Item(id="tls", text="TLS", probe={"kind": "y"}, valid_for_s=604_800.0),),
        ),
    )
)


class Story:
    """Events of several writers and their lines; `content()` is what they come to."""

    def __init__(self) -> None:
        self.catalog = CATALOG
        self.rules = SignoffRules()
        self.uses: tuple[str, ...] = ()
        self.day = DAY
        self.events: list[tuple[str, Event]] = []
        self.lines: dict[str, bytes] = {}
        self.started = self.happen(0, ev.RELEASE_STARTED, release="v1", window="22:00")

    def happen(
        self, minute: int, kind: str, by: str = "alice", writer: str = "alice@one", **data: Any
    ) -> str:
        """Any event of that minute: its id."""
        seq = 1 + sum(w == writer for w, _ in self.events)
        at = wall_text(NOW + timedelta(minutes=minute))
        event = Event(seq, at, stamp(minute * 60_000), by, kind, data, GENESIS)
        line = encode_event(event)
        self.events.append((writer, decode_event(line)))
        self.lines[f"{writer}:{seq}"] = line
        return f"{writer}:{seq}"

    def say(self, minute: int, kind: str, item: str = "backup", **data: Any) -> str:
        """An event of that minute about an item of the release, unless `run` says otherwise."""
        return self.happen(minute, kind, **{"run": PRE, "item": item, **data})

    def facts(self, order: Iterable[tuple[str, Event]] | None = None) -> Facts:
        """What a content is made of, the events taken in this order."""
        state = State()
        for writer, event in self.events if order is None else order:
            state.apply(writer, event)
        runs = {"release": PRE, "daily": self.day, "standing": "standing/infra"}
        lists = [(c, runs[c.cadence]) for c in self.catalog.checklists]
        return Facts("acme", "Europe/Berlin", self.catalog, lists, state, self.uses, self.rules)

    def content(
        self,
        as_of: datetime = AS_OF,
        pinned: Sequence[dict[str, Any]] | None = None,
        order: Iterable[tuple[str, Event]] | None = None,
    ) -> Content:
        """The content of the release as of a moment."""
        facts = self.facts(order)
        release = release_of(facts.state, "v1")
        assert release is not None
        plan = plan_content(facts, release, as_of, pinned)
        wanted = {f"{w}:{seq}" for w, seqs in plan.wanted.items() for seq in seqs}
        return finish(plan, {k: line for k, line in self.lines.items() if k in wanted})

    def edit(self, item: str, **changed: Any) -> None:
        """Edit an item of the catalog."""

        def edited(checklist: Checklist) -> Checklist:
            items = tuple(
                msgspec.structs.replace(i, **changed) if i.id == item else i
                for i in checklist.items
            )
            return msgspec.structs.replace(checklist, items=items)

        self.catalog = Catalog(checklists=tuple(edited(c) for c in self.catalog.checklists))


def walked() -> Story:
    """Everything was said once: a check with evidence, a waiver, an override, notes."""
    story = Story()
    evidence = {"exit": 0, "lines": ["240 passed", "größe ✓"], "took_s": 1.50}
    story.say(1, ev.CHECKED, "tests", verdict="failed", text="2 failed")
    story.say(2, ev.CHECKED, "tests", verdict="passed", evidence=evidence, text="240 passed")
    story.say(3, ev.NOTED, "backup", text="on tape", writer="bob@two", by="bob")
    story.say(4, ev.OVERRIDDEN, "backup", reason="the disk is slow", writer="bob@two", by="bob")
    story.say(5, ev.ATTESTED, "logs", run=DAY)
    story.say(6, ev.CHECKED, "tls", run="standing/infra", verdict="passed", evidence={"days": 80})
    story.happen(7, ev.RELEASE_CHANGED, release="v1", notes="Line one\nline two")
    return story


def item(content: Content, name: str) -> dict[str, Any]:
    """An item of a content."""
    (found,) = (i for c in content.data["lists"] for i in c["items"] if i["id"] == name)
    assert isinstance(found, dict)
    return found
