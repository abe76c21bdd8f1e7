"""A deck that records names, people who sign at it, and a release whose items are done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.deck import Deck
from opsdeck.journal import events as ev
from opsdeck.journal.writing import Draft
from opsdeck.runs import acts
from opsdeck.signing import Seen, Signing
from opsdeck.signoff.model import Role
from opsdeck.signoff.prepared import Prepared
from tests.screens.desk import Desk

CATALOG = """
[[checklist]]
id = "pre"
title = "Before"
section = "Before"
cadence = "release"
[[checklist.item]]
id = "tests"
text = "Tests pass"
valid_for = "2h"
[[checklist.item]]
id = "backup"
text = "Backup made"

[[checklist]]
id = "daily"
title = "Daily operations"
section = "Operations"
cadence = "daily"
[[checklist.item]]
id = "logs"
text = "Read the logs"

[[checklist]]
id = "scaling"
title = "Scaling"
section = "Operations"
cadence = "standing"
[[checklist.item]]
id = "plan"
text = "A plan exists"
"""
NAMES = SignoffRules(signatures="names")
ROLES: tuple[tuple[str, Role], ...] = (
    ("ann", "deployer"),
    ("bob", "verifier"),
    ("cid", "approver"),
)


class Office(Desk):
    """A deck that records names; whoever sits down sees all that is on disk."""

    rules = NAMES

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, CATALOG)

    def sit(self, who: str = "ann", **rules: Any) -> Signing:
        """What this person may do, at a machine of their own."""
        given = msgspec.structs.replace(self.rules, **rules)
        deck = self.deck(who, f"{who}@box", signoff=given)
        deck.environ = {}
        return Signing(deck, {})

    def begin(self, *, done: bool = True) -> None:
        """A release, its items passed and attested."""
        deck = self.sit("eve").deck
        deck.record(acts.start_release("v1", [], window="22:00"))
        if done:
            check(deck, "passed")
            deck.record(acts.attest(deck.locate("pre/backup")))
        deck.record(acts.attest(deck.locate("daily/logs")))

    def sign(self, who: str, role: Role, reason: str = "", **rules: Any) -> Seen:
        """Sign as somebody, and look again."""
        signing = self.sit(who, **rules)
        prepared = prepare(signing, role, reason)
        signing.deck.record(*prepared.drafts(signing.rules))
        return signing.look("v1")

    def all_sign(self) -> Seen:
        """The three sign, a minute apart."""
        for who, role in ROLES:
            self.clock.forward(minutes=1)
            seen = self.sign(who, role)
        return seen


def check(deck: Deck, verdict: str) -> None:
    """A probe looked at the tests."""
    data = {"run": "release/v1/pre", "item": "tests", "verdict": verdict}
    deck.record(Draft(ev.CHECKED, {**data, "evidence": {"lines": ["240 passed"]}}))


def note(deck: Deck, text: str = "a word") -> None:
    """A word beside the backup."""
    deck.record(acts.note(deck.locate("release/v1/pre/backup"), text))


def prepare(signing: Signing, role: Role, reason: str = "") -> Prepared:
    """What would be signed now."""
    heads = signing.deck.journal.heads()
    return signing.prepare(signing.look("v1"), role, reason, None, "", heads)
