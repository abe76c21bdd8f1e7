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
    for this, said in _barred(one, held, one.rules):
        yield bad("roles", named(this), said)


def _barred(one: Opened, held: Sequence[Held], rules: SignoffRules) -> Iterator[tuple[Signed, str]]:
    """The signatures of those who might not sign by these rules, and why not."""
    listed = {"deployer": rules.deployers, "verifier": rules.verifiers, "approver": rules.approvers}
    deployers = {this.signed.by for this in held if this.signed.role == "deployer"}
    aside = set_aside_by(one) if rules.approver_apart else set()
    apart = {"approver": rules.approver_apart, "verifier": rules.verifier_apart, "deployer": False}
    for signed in (this.signed for this in held):
        by, role = signed.by, signed.role
        may = listed[role]
        if may and by not in may:
            said = f"{by} is not among the {role}s of [signoff] ({', '.join(may)})"
            yield signed, said
        if apart[role] and by in deployers:
            yield signed, f"{by} signed as deployer too: it must be another person"
        if role == "approver" and by in aside:
            said = f"{by} waived or overrode an item of this release, and may not approve it"
            yield signed, said


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
    yield from statement_problems(one, held)
    past = _Past(one, runs, heads)
    for this in held:
        signed, said = this.signed, this.statement
        if said is None or said.reason or not all(holds for holds, _ in said.rules):
            continue
        at = one.as_of + max(said.at - one.as_of - READING_TIME, timedelta())
        until = ended.get(signed.event)
        closed = past.closed_by(min(at, until) if until else at)
        if closed:
            yield bad("roles", named(signed), "the gate was closed when it was signed, which its"
                      f" statement does not say: {closed}")  # fmt: skip


def statement_problems(one: Opened, held: Sequence[Held]) -> Iterator[Problem]:
    """Whether each statement gives a reason where it says that the gate was closed, and might."""
    for this in held:
        said = this.statement
        if said is None:
            continue
        if said.reason and not one.rules.break_glass:
            where = named(this.signed)
            yield bad("roles", where, "it breaks the glass, which [signoff] did not allow")
        lacking = [rule for holds, rule in said.rules if not holds]
        if lacking and not said.reason:
            yield bad("roles", named(this.signed), "it is signed at a closed gate without a reason:"
                      f" {'; '.join(lacking)}")  # fmt: skip


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


def lacking_of(one: Opened, held: Sequence[Held], *, surely: bool = True) -> list[str]:
    """The roles that have not enough people whose signatures hold: `approver (1 of 2)`; unless
    `surely`, those that could not be verified count as well."""
    needs = needs_of(one.rules)
    good = [h.signed for h in held if h.checked.ok or (h.checked.unknown and not surely)]
    there = {role: {signed.by for signed in good if signed.role == role} for role in ROLES}
    if needs.approver_apart:
        there["approver"] -= there["deployer"] | set_aside_by(one)
    if needs.verifier_apart:
        there["verifier"] -= there["deployer"]
    return [
        f"{role} ({len(there[role])} of {needs.of(role)})"
        for role in ROLES
        if len(there[role]) < needs.of(role)
    ]


def rules_problems(one: Opened, held: Sequence[Held], rules: SignoffRules) -> Iterator[Problem]:
    """That the rules in force now are others than those that it was signed under.

    That these were the deck's rules is said by nobody but those who signed. Where all of them had
    not to sign by the rules of now, it is proved by none.
    """
    then, now = one.data["rules"], plain(rules_object(rules))
    differing = sorted(key for key in {*then, *now} if then.get(key) != now.get(key))
    if not differing:
        return
    yield warn("roles", one.where, f"[signoff] has changed since it was signed:"
               f" {', '.join(differing)} ({plural(len(differing), 'rule')})")  # fmt: skip
    already = {signed.event for signed, _ in _barred(one, held, one.rules)}
    barred = [(s, why) for s, why in _barred(one, held, rules) if s.event not in already]
    if not barred:
        return
    who = dict.fromkeys(signed.by for signed, _ in barred)
    others = [h for h in held if h.checked.may_hold and h.signed.by not in who]
    said = f"by [signoff] as it is now it would not hold: {barred[0][1]}"
    if others:
        yield warn("roles", one.where, said)
    else:
        only = f"that the rules were others then is said by {', '.join(who)} alone"
        yield bad("roles", one.where, f"{said}; {only}")
