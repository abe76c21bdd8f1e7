"""The gate of a sign-off: which rules hold, which do not, and the items that are in the way."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

import msgspec

from opsdeck.catalog.model import Checklist, Item
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.runs.status import DONE, Status
from opsdeck.signoff.model import ROLES, Role
from opsdeck.text import plural

RuleId = Literal[
    "items", "deferred", "fresh", "journal", "deployer", "verifier", "approver", "apart", "differ"
]
BLOCKING: tuple[RuleId, ...] = ("items", "deferred", "fresh", "journal")
"""The rules that close the gate; the others say who must still sign."""

_TOO_OLD = "too old"
_SAID = ("passed", "attested", "overridden", "waived", "inactive", _TOO_OLD, "deferred")
_LACKING = ("failed", "stale", "unknown", "open", "checking")


class Stand(msgspec.Struct, frozen=True):
    """An item of the release's lists as it stands now."""

    checklist: Checklist
    run: str
    item: Item
    status: Status


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: what it wants, whether it holds, in numbers or names, and the items to look at."""

    id: RuleId
    title: str
    holds: bool
    detail: str
    items: tuple[Stand, ...] = ()

    @property
    def blocking(self) -> bool:
        """Whether the gate is closed while it does not hold."""
        return self.id in BLOCKING


class Gate(msgspec.Struct, frozen=True):
    """All rules, and the people that they are about."""

    rules: tuple[Rule, ...]
    people: dict[Role, list[str]]

    @property
    def failing(self) -> list[Rule]:
        """The rules that do not hold."""
        return [rule for rule in self.rules if not rule.holds]

    @property
    def closed_by(self) -> list[Rule]:
        """The rules that close the gate; [] while it is open."""
        return [rule for rule in self.failing if rule.blocking]

    @property
    def missing(self) -> list[Rule]:
        """The rules about people that do not hold: who must still sign, or should not have."""
        return [rule for rule in self.failing if not rule.blocking]

    @property
    def closed(self) -> bool:
        """Whether it can be signed only by breaking the glass."""
        return bool(self.closed_by)


def gate_of(
    rules: SignoffRules,
    stands: Sequence[Stand],
    people: dict[Role, list[str]],
    *,
    now: datetime,
    zone: tzinfo,
    journal: str = "",
) -> Gate:
    """How the rules stand at `now`; `people` are those who signed this very content, `journal` what
    is wrong with the journal ("": nothing)."""
    found = [_items(rules, stands), _deferred(rules, stands, now, zone)]
    if rules.fresh_evidence:
        found.append(_fresh(stands, now))
    found.append(
        Rule(
            id="journal",
            title="journal whole",
            holds=not journal,
            detail=journal or "every line is there and fits the one before it",
        )
    )
    found += [_signed(role, people[role], needed(rules, role)) for role in ROLES]
    if rules.verifier_apart:
        found.append(_differ(people))
    if rules.approver_apart:
        found.append(_apart(people, set_aside_by(stands)))
    return Gate(tuple(found), people)


def needed(rules: SignoffRules, role: Role) -> int:
    """How many people of this role there must be."""
    return rules.approvals if role == "approver" else 1


def set_aside_by(stands: Sequence[Stand]) -> list[str]:
    """Who waived or overrode an item, as it is in force now; each once, in order."""
    return list(
        dict.fromkeys(s.status.by for s in stands if s.status.state in ("waived", "overridden"))
    )


def _is_aged(stand: Stand) -> bool:
    """Whether it passed once, and its evidence is too old by now."""
    mark = stand.status.mark
    return stand.status.state == "stale" and mark is not None and mark.kind == "passed"


def _items(rules: SignoffRules, stands: Sequence[Stand]) -> Rule:
    counts = Counter(_TOO_OLD if _is_aged(s) else s.status.state for s in stands)
    lacking = tuple(
        s
        for s in stands
        if s.status.state not in DONE and s.status.state != "deferred" and not _is_aged(s)
    )
    done = len(stands) - len(lacking) - counts["deferred"]
    said = ", ".join(f"{counts[state]:,} {state}" for state in (*_SAID, *_LACKING) if counts[state])
    return Rule(
        id="items",
        title="every item of the release done",
        holds=not lacking and bool(stands),
        detail=f"{done:,} of {len(stands):,}: {said}" if stands else "the release has no items",
        items=lacking,
    )


def _deferred(rules: SignoffRules, stands: Sequence[Stand], now: datetime, zone: tzinfo) -> Rule:
    deferred = [s for s in stands if s.status.state == "deferred"]
    if rules.deferred == "never":
        return Rule(
            id="deferred",
            title="no deferred item",
            holds=not deferred,
            detail=plural(len(deferred), "item") + " deferred" if deferred else "none",
            items=tuple(deferred),
        )
    today = now.astimezone(zone).date()
    wrong = tuple(s for s in deferred if (due := due_of(s)) is None or due < today.isoformat())
    dues = sorted(due for s in deferred if (due := due_of(s)))
    detail = "none is deferred"
    if wrong:
        detail = f"{len(wrong):,} of {len(deferred):,} without a date, or past it"
    elif deferred:
        detail = f"{len(deferred):,} deferred, the first due {dues[0]}"
    return Rule(
        id="deferred",
        title="no deferred item without date",
        holds=not wrong,
        detail=detail,
        items=wrong or tuple(deferred),
    )


def due_of(stand: Stand) -> str | None:
    """The date that a deferred item is due (ISO); None where it has none."""
    mark = stand.status.mark
    due = (mark.more or {}).get("due") if mark else None
    try:
        return date.fromisoformat(due).isoformat() if isinstance(due, str) else None
    except ValueError:
        return None


def _fresh(stands: Sequence[Stand], now: datetime) -> Rule:
    aged = tuple(s for s in stands if _is_aged(s))
    times = [s.status.at for s in stands if s.status.state == "passed" and s.status.at]
    oldest = age(now - min(times)) if times else ""
    if aged:
        detail = f"{plural(len(aged), 'item')} too old: check again"
    else:
        detail = f"oldest {oldest}" if oldest else "no item rests on a probe"
    return Rule(id="fresh", title="evidence fresh", holds=not aged, detail=detail, items=aged)


def age(span: timedelta) -> str:
    """How long ago, roughly: `31 min`, `5 h`, `3 d`."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440:,} d"


def _signed(role: Role, names: list[str], wanted: int) -> Rule:
    title = f"{role} has signed" if wanted == 1 else f"{wanted} {role}s have signed"
    detail = ", ".join(names) if names else "nobody yet"
    if names and len(names) < wanted:
        detail += f": {len(names)} of {wanted}"
    return Rule(id=role, title=title, holds=len(names) >= wanted, detail=detail)


def _differ(people: dict[Role, list[str]]) -> Rule:
    both = [name for name in people["verifier"] if name in people["deployer"]]
    detail = f"{', '.join(both)} signed as both" if both else "nobody is both"
    return Rule(id="differ", title="deployer and verifier differ", holds=not both, detail=detail)


def _apart(people: dict[Role, list[str]], aside: list[str]) -> Rule:
    barred = dict.fromkeys(people["deployer"], "deployed")
    barred |= {name: "waived or overrode" for name in aside if name not in barred}
    wrong = [f"{name} {barred[name]}" for name in people["approver"] if name in barred]
    if wrong:
        detail = f"{', '.join(wrong)}, and signed as approver"
    else:
        who = f"not {', not '.join(barred)}" if barred else "nobody is barred so far"
        detail = f"neither deployed, waived nor overrode: {who}"
    return Rule(
        id="apart",
        title="approver is independent",
        holds=not wrong,
        detail=detail,
    )


def _spelled_otherwise(name: str, known: Iterable[str]) -> str:
    """The name among those known that differs from this one only in case, width or marks that
    nobody sees; "" where there is none."""
    return next((one for one in known if one != name and plain_name(one) == plain_name(name)), "")


def plain_name(name: str) -> str:
    """A name without case, width, blanks and marks that nobody sees: names with the same one are
    one name in two spellings, and the gate lets nobody sign under the second."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if unicodedata.category(c) not in ("Cf", "Zs"))


def refusal(rules: SignoffRules, gate: Gate, aside: list[str], role: Role, name: str) -> str:
    """Why this person may not sign in this role; "" where nothing stands against it.

    Whether the gate is open is not asked here: who may sign does not depend on it.
    """
    listed = {"deployer": rules.deployers, "verifier": rules.verifiers, "approver": rules.approvers}
    may = listed[role]
    if may and name not in may:
        return f"{name} is not among the {role}s of [signoff] in opsdeck.toml ({', '.join(may)})"
    people = gate.people
    if name in people[role]:
        return f"{name} has already signed this content as {role}"
    if other_name := _spelled_otherwise(
        name, [*(n for these in people.values() for n in these), *aside]
    ):
        return f"{name} is {other_name}, spelled in another way: sign under that name"
    if rules.verifier_apart and role in ("deployer", "verifier"):
        other: Role = "verifier" if role == "deployer" else "deployer"
        if name in people[other]:
            return f"{name} has signed as {other}: deployer and verifier must be two people"
    if rules.approver_apart:
        if role == "approver" and name in people["deployer"]:
            return f"{name} has signed as deployer: somebody else must approve"
        if role == "approver" and name in aside:
            return f"{name} waived or overrode an item: somebody else must approve"
        if role == "deployer" and name in people["approver"]:
            return f"{name} has signed as approver: somebody else must sign as deployer"
    return ""
