"""Whatever was said before, while and after it: with an honest sign-off nothing is wrong."""

from __future__ import annotations

import random
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs.cadence import run_key
from opsdeck.signoff.bundle import write_bundle
from tests.signoff.bundled import bundled, checked
from tests.signoff.keys import needs_ssh_keygen
from tests.signoff.signed import CATALOG, NOW, ONE, TWO, V1, Desk, Team, make_team, verdict_of

pytestmark = needs_ssh_keygen
BROKEN: dict[str, Any] = {"rules": ((False, "items"),), "reason": "a test"}
SAID: list[tuple[str, dict[str, Any]]] = [
    (ev.ATTESTED, {"note": "done"}),
    (ev.REOPENED, {}),
    (ev.WAIVED, {"reason": "r", "approver": "q", "until": "2026-11-23T16:00+01:00"}),
    (ev.WAIVED, {"reason": "r", "approver": "q", "until": "2026-12-24T16:00+01:00"}),
    (ev.OVERRIDDEN, {"reason": "b"}),
    (ev.DEFERRED, {"reason": "l", "due": "2026-12-01"}),
    (ev.UNUSED, {"reason": "n"}),
    (ev.CHECKED, {"verdict": "passed", "evidence": {"n": 1}}),
    (ev.CHECKED, {"verdict": "failed", "text": "bad", "evidence": [1]}),
    (ev.CHECKED, {"verdict": "unknown", "text": "?"}),
    (ev.LOOKED, {"evidence": {}}),
    (ev.NOTED, {"text": "see"}),
    (ev.UNDONE, {}),
]


class Story:
    """Three machines, one of them a little ahead, and people who say all kinds of things."""

    def __init__(self, home: Path, team: Team, seed: int) -> None:
        self.random = random.Random(seed)
        self.desks = [Desk(home, team, writer) for writer in (ONE, TWO, "erin@three")]
        self.ahead = (0, 0, self.random.choice((0, 4)))
        self.minutes = 0.0
        self.on(0).say("carol", Draft(ev.RELEASE_STARTED, {"release": V1}))

    def on(self, machine: int) -> Desk:
        """A machine that knows all, a moment later."""
        self.minutes += self.random.random() * 2
        self.desks[machine].load()
        return self.desks[machine].at(self.minutes + self.ahead[machine])

    def go_on(self, count: int) -> None:
        """Say this many things."""
        for _ in range(count):
            desk = self.on(self.random.randrange(3))
            checklist = self.random.choice(CATALOG.checklists)
            item = self.random.choice(checklist.items).id
            run = run_key(checklist, desk.now, UTC, V1)
            kind, data = self.random.choice(SAID)
            if kind == ev.UNDONE:
                entry = desk.state.entry(str(run), item)
                marks = [*entry.marks, *entry.notes] if entry else []
                if not marks:
                    continue
                data = {"event": self.random.choice(marks).id}
            desk.mark(self.random.choice(("alice", "bob")), f"{run}/{item}", kind, **data)


@pytest.mark.parametrize("seed", range(12))
def test_an_honest_sign_off_is_never_called_forged(tmp_path: Path, seed: int) -> None:
    # GIVEN things said of all items on three machines, while and after three people signed
    team = make_team(tmp_path / "keys")
    story = Story(tmp_path / "deck", team, seed)
    story.go_on(50)
    content = story.on(0).content(V1)
    story.go_on(seed % 3)
    story.on(0).sign(V1, "deployer", "carol", content, **BROKEN)
    story.go_on(5)
    story.on(1).sign(V1, "verifier", "bob", content, **BROKEN)
    story.on(0).sign(V1, "approver", "dave", content, **BROKEN)
    story.desks[0].write_record(V1, content)
    story.go_on(20)
    # WHEN it is verified days later
    verdict = verdict_of(tmp_path / "deck", team, now=NOW + timedelta(days=3), catalog=CATALOG)
    # THEN nothing is wrong with it
    assert verdict.ok, "\n".join(map(str, verdict.problems))
    assert verdict.complete
    # NOR with its bundle, wherever that is read
    tar = tmp_path / "b.tar"
    write_bundle(tar, bundled(story.on(0), content))
    later = NOW + timedelta(days=3)
    verdict = checked(tar, team.signers, now=later)
    assert not verdict.problems, "\n".join(map(str, verdict.problems))
    assert verdict.complete
