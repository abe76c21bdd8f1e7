"""An incident from its alarm to its end, in a real journal: what reports are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.deck import Deck
from opsdeck.incidents import acts
from opsdeck.incidents.model import Incident
from opsdeck.incidents.view import incident_of
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from tests.screens.desk import Clock

ID = "2026-11-23-0241"
GAUGE = "mongo-connections"
HOSTILE = (
    "=cmd()|<b onload=x>`rm`\x1b[31m\u202e [x](javascript:1) ![i](http://e) www.e.org &lt; *a* _b_"
)
STEPS = (Step(id="1-look", title="1. Look", line=1), Step(id="2-kill", title="2. Kill", line=5))
POOL = Playbook(id="pool", title="Connection pool", digest="ab" * 32, text="", steps=STEPS)


def connections(value: float, level: str = "ok") -> dict[str, Any]:
    """The gauge as it was seen."""
    said = {"id": GAUGE, "title": "Connections", "unit": "%", "level": level}
    return {**said, "value": value, "text": f"{value:.0f} %"}


def turned(to: str, value: float, gauge: str = GAUGE, **more: Any) -> Draft:
    """A gauge changes its level."""
    data = {"gauge": gauge, "title": "Connections", "unit": "%", "to": to, "value": value}
    return Draft(ev.GAUGE_CHANGED, {**data, "from": "ok", **more}, by="opsdeck")


def the(deck: Deck, identity: str = ID) -> Incident:
    """The incident as it stands."""
    found = incident_of(deck.state.incidents, identity)
    assert found is not None
    return found


def ran(deck: Deck, number: str, name: str, text: str, **ended: Any) -> None:
    """A command is run to its end."""
    data = {"incident": ID, "command": number, "playbook": "pool", "step": "2-kill"}
    more = {"name": name, "text": text, "cwd": "/", "host": "ops1"}
    before = [connections(96, "critical")]
    deck.record(Draft(ev.COMMAND_BEGAN, {**data, **more, "gauges": before}))
    deck.record(Draft(ev.COMMAND_ENDED, {**data, **ended}))


def alarmed(deck: Deck, clock: Clock) -> None:
    """02:38:07: the gauge goes wrong; 02:41:07: alice starts the incident."""
    deck.record(turned("critical", 96))
    clock.forward(minutes=3)
    drafts = acts.start(
        ID,
        title="Pool exhausted",
        severity="critical",
        playbook=POOL,
        gauge=GAUGE,
        targets=["db"],
        began=clock.now - timedelta(minutes=4),
        operator="alice",
    )
    deck.record(*drafts)


def suffered(deck: Deck, clock: Clock, said: str = "killed 2 operations") -> None:
    """All of it, mitigated after 10 and resolved after 22 minutes; `said` stands everywhere."""
    alarmed(deck, clock)
    clock.forward(minutes=1)
    critical = [connections(96, "critical")]
    deck.record(acts.step(the(deck), POOL, STEPS[0], "skipped", reason=said))
    deck.record(acts.step(the(deck), POOL, STEPS[1], "doing", gauges=critical))
    ran(deck, "aa", "Kill", "kill '1'\n```\n# x", outcome="exited", exit_code=0,
        duration_s=4.2, output=said, gauges=[connections(41)])  # fmt: skip
    ran(deck, "bb", said, said, outcome="timeout", exit_code=None, duration_s=60)
    deck.record(acts.step(the(deck), POOL, STEPS[1], "done", gauges=[connections(41)]))
    clock.forward(minutes=5)
    deck.record(acts.note(the(deck), said, clock.now, UTC))
    deck.record(acts.note(the(deck), f"02:44 {said}", clock.now, UTC))
    deck.record(acts.correct(the(deck), the(deck).happenings[-1].id, "it was three"))
    deck.record(acts.variable(the(deck), "host", said[:100]))
    deck.record(acts.state(the(deck), "mitigated", said))
    clock.forward(minutes=12)
    deck.record(turned("ok", 38, start="2026-11-23T02:38:07.000Z", max=99, min=41))
    deck.record(acts.take_role(the(deck), "commander", "bob", {"next": said}))
    deck.record(acts.state(the(deck), "resolved", "back to normal"))


START = datetime(2026, 11, 23, 2, 41, 7, tzinfo=UTC)
