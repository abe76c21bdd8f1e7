"""Items as they stand, people who signed, and the gate that comes of both; said in a word each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opsdeck.catalog.model import Checklist, Item
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal.clock import parse_wall, wall_text
from opsdeck.journal.fold import Mark
from opsdeck.runs.status import Status
from opsdeck.signoff.gate import Gate, Rule, RuleId, Stand, gate_of, refusal, set_aside_by
from opsdeck.signoff.model import Role
from tests.signoff.said import NOW

DEFAULT = SignoffRules()
LIST = Checklist(id="pre", title="Before", section="Release", cadence="release", items=())
_KINDS = {"stale": "passed", "failed": "failed", "inactive": "unused"}
PEOPLE: dict[Role, list[str]] = {"deployer": ["ann"], "verifier": ["bob"], "approver": ["cid"]}


def stand(word: str, by: str = "ann", minutes_ago: int = 5) -> Stand:
    """An item in a state: `passed`, `stale-attested`, `deferred:2026-12-01` …"""
    state, _, due = word.partition(":")
    state, _, kind = state.partition("-")
    at = NOW - timedelta(minutes=minutes_ago)
    mark = Mark("", "w", 1, kind or _KINDS.get(state, state), wall_text(at), by, "")
    if state == "deferred":
        mark = Mark("", "w", 1, state, wall_text(at), by, "", {"due": due} if due else None)
    status = Status(state, None if state == "open" else mark, at, "", parse_wall(due))  # type: ignore[arg-type]
    return Stand(LIST, "release/v1/pre", Item(id="i", text="An item"), status)


def stands(*words: str) -> list[Stand]:
    """Items in these states."""
    return [stand(word) for word in words]


def people(*words: str) -> dict[Role, list[str]]:
    """Who signed: `deployer ann`, each."""
    found: dict[Role, list[str]] = {"deployer": [], "verifier": [], "approver": []}
    for word in words:
        role, _, name = word.partition(" ")
        found[role].append(name)  # type: ignore[index]
    return found


def gate(
    items: list[Stand] | None = None,
    signed: dict[Role, list[str]] | None = None,
    rules: SignoffRules = DEFAULT,
    *,
    now: datetime = NOW,
    journal: str = "",
) -> Gate:
    """The gate for these items (one that passed) and signatures (all three)."""
    return gate_of(
        rules,
        stands("passed") if items is None else items,
        PEOPLE if signed is None else signed,
        now=now,
        zone=UTC,
        journal=journal,
    )


def rule(of: Gate, identity: RuleId) -> Rule:
    """One rule of a gate."""
    (found,) = (one for one in of.rules if one.id == identity)
    return found


def may_not(
    of: Gate, role: Role, name: str, rules: SignoffRules = DEFAULT, aside: list[Stand] | None = None
) -> str:
    """Why somebody may not sign; "" where they may."""
    return refusal(rules, of, set_aside_by(aside or []), role, name)
