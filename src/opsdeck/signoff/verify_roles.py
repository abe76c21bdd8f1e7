"""Whether those signed who may, as many as must, and at an open gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.journal.events import Recorded
from opsdeck.signoff.content import needs_of, rules_object
from opsdeck.signoff.gate import gate_of
from opsdeck.signoff.model import ROLES, Role, Signed
from opsdeck.signoff.statement import Head, Statement
from opsdeck.signoff.verdict import Checked, Problem, bad, named, warn
from opsdeck.signoff.verify_content import Opened, plain
from opsdeck.signoff.verify_history import stands_of
from opsdeck.text import plural

READING_TIME = timedelta(minutes=15)
"""So long somebody may look at an open gate before they sign: it may close meanwhile."""


class Held(NamedTuple):
    """A signature over a content with its statement (None: it cannot be read)."""

    checked: Checked
    statement: Statement | None

    @property
    def signed(self) -> Signed:
        """The signature."""
        return self.checked.signed


def role_problems(one: Opened, held: Sequence[Held]) -> Iterator[Problem]:
    """Whether everybody who signed this content might, by the rules that it was made under."""
    rules = one.rules
    listed = {"deployer": rules.deployers, "verifier": rules.verifiers, "approver": rules.approvers}
    for this in held:
        signed = this.signed
        may = listed[signed.role]
        if may and signed.by not in may:
            yield bad("roles", named(signed), f"{signed.by} is not among the {signed.role}s of"
                      f" [signoff] ({', '.join(may)})")  # fmt: skip
    if rules.approver_apart:
        yield from _apart(held, "approver")
        for this in held:
            if this.signed.role == "approver" and this.signed.by in set_aside_by(one):
                yield bad("roles", named(this.signed), f"{this.signed.by} waived or overrode an"
                          " item of this release, and may not approve it")  # fmt: skip
    if rules.verifier_apart:
        yield from _apart(held, "verifier")


def _apart(held: Sequence[Held], role: Role) -> Iterator[Problem]:
    """Nobody is both deployer and this, under whatever name."""
    deployers = [this.signed for this in held if this.signed.role == "deployer"]
    for this in held:
        one = this.signed
        for other in deployers if one.role == role else ():
            if one.by == other.by:
                said = f"{one.by} signed as deployer too: it must be another person"
            elif one.fingerprint and one.fingerprint == other.fingerprint:
                said = (
                    f"it is signed with the key of the deployer {other.by}: one person, two names"
                )
            elif one.identity and one.identity == other.identity:
                said = f"it is signed as {one.identity}, like the deployer {other.by}"
            else:
                continue
            yield bad("roles", named(one), said)


def set_aside_by(one: Opened) -> set[str]:
    """Who waived or overrode an item of the release, as the content has it."""
    return {
        item.by
        for checklist in one.values.lists
        if checklist.cadence == "release"
        for item in checklist.items
        if item.state in ("waived", "overridden") and item.by
    }


def gate_problems(
    one: Opened,
    held: Sequence[Held],
    runs: Mapping[str, Sequence[Recorded]],
    heads: Sequence[Head] | None,
    ended: Mapping[str, datetime | None],
) -> Iterator[Problem]:
    """Whether each signed at an open gate, or said why not; `ended` is when the release had ended
    before each of these events, for it is judged as of then ever after."""
    past = _Past(one, runs, heads)
    for this in held:
        signed, said = this.signed, this.statement
        if said is None:
            continue
        if said.reason and not one.rules.break_glass:
            yield bad("roles", named(signed), "it breaks the glass, which [signoff] did not allow")
        if said.reason:
            continue
        if lacking := [rule for holds, rule in said.rules if not holds]:
            yield bad("roles", named(signed), "it is signed at a closed gate without a reason:"
                      f" {'; '.join(lacking)}")  # fmt: skip
            continue
        at = one.as_of + max(said.at - one.as_of - READING_TIME, timedelta())
        until = ended.get(signed.event)
        closed = past.closed_by(min(at, until) if until else at)
        if closed:
            yield bad("roles", named(signed), "the gate was closed when it was signed, which its"
                      f" statement does not say: {closed}")  # fmt: skip


class _Past(NamedTuple):
    """What the gate of a content was judged by."""

    one: Opened
    runs: Mapping[str, Sequence[Recorded]]
    heads: Sequence[Head] | None

    def closed_by(self, at: datetime) -> str:
        """What closed the gate at a moment for certain; "" where it may have been open."""
        try:
            zone = ZoneInfo(self.one.values.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            zone = ZoneInfo("UTC")
        nobody: dict[Role, list[str]] = {role: [] for role in ROLES}
        said = ""
        for surely in (True, False):
            stands = stands_of(self.one, self.runs, self.heads, at, surely=surely)
            closed = gate_of(self.one.rules, stands, nobody, now=at, zone=zone).closed_by
            if not closed:
                return ""
            said = "; ".join(f"{rule.title}: {rule.detail}" for rule in closed)
        return said


def lacking_of(one: Opened, held: Sequence[Held]) -> list[str]:
    """The roles that have not enough people whose signatures hold: `approver (1 of 2)`."""
    needs = needs_of(one.rules)
    there = {
        role: {h.signed.by for h in held if h.signed.role == role and h.checked.ok}
        for role in ROLES
    }
    if needs.approver_apart:
        there["approver"] -= there["deployer"] | set_aside_by(one)
    if needs.verifier_apart:
        there["verifier"] -= there["deployer"]
    return [
        f"{role} ({len(there[role])} of {needs.of(role)})"
        for role in ROLES
        if len(there[role]) < needs.of(role)
    ]


def rules_problems(one: Opened, rules: SignoffRules) -> Iterator[Problem]:
    """That the rules in force now are others than those that it was signed under."""
    then, now = one.data["rules"], plain(rules_object(rules))
    differing = sorted(key for key in {*then, *now} if then.get(key) != now.get(key))
    if differing:
        yield warn("roles", one.where, f"[signoff] has changed since it was signed:"
                   f" {', '.join(differing)} ({plural(len(differing), 'rule')})")  # fmt: skip
