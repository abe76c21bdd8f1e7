"""Who is here, who is missing and what to do next, in plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.signoff.gate import Gate, Rule, needed
from opsdeck.signoff.model import ROLES, Release, Role
from opsdeck.text import plural

Refusal = Callable[[Role, str], str]
"""Why somebody may not sign in a role; "" where nothing stands against it."""

MOST_NAMED = 4
ALL = "Everybody has signed"


def lacking(rules: SignoffRules, gate: Gate) -> list[Role]:
    """The roles that somebody must still sign in, in their order."""
    return [role for role in ROLES if len(gate.people[role]) < needed(rules, role)]


def candidates(
    rules: SignoffRules, operators: Sequence[str], role: Role, refusal: Refusal
) -> list[str]:
    """Who may still sign in a role, of those that opsdeck.toml names; [] where it names none."""
    listed = {"deployer": rules.deployers, "verifier": rules.verifiers, "approver": rules.approvers}
    return [name for name in listed[role] or operators if not refusal(role, name)]


def waits_for(
    rules: SignoffRules, operators: Sequence[str], role: Role, gate: Gate, refusal: Refusal
) -> str:
    """`alice, dave or erin (not carol, not bob)`; without names in opsdeck.toml whoever may."""
    names = candidates(rules, operators, role, refusal)
    signed = list(dict.fromkeys(n for these in gate.people.values() for n in these))
    barred = [name for name in signed if refusal(role, name)]
    but = f" (not {', not '.join(barred)})" if barred else ""
    if names:
        return one_of(names) + but
    if rules_out_all(rules, operators, role, refusal):
        return f"nobody that opsdeck.toml names may{but}"
    return f"anybody{but}"


def rules_out_all(
    rules: SignoffRules, operators: Sequence[str], role: Role, refusal: Refusal
) -> bool:
    """Whether opsdeck.toml names people for a role, none of whom may still sign in it."""
    listed = {"deployer": rules.deployers, "verifier": rules.verifiers, "approver": rules.approvers}
    named = bool(listed[role] or operators)
    return named and not candidates(rules, operators, role, refusal)


def one_of(names: Sequence[str]) -> str:
    """`alice`, `alice or bob`, `alice, bob or 3 others`."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[: MOST_NAMED - 1])} or {len(names) - MOST_NAMED + 1} others"
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def who(release: Release, gate: Gate, rules: SignoffRules) -> str:
    """`Here: carol (deployer), bob (verifier). Missing: approver.`"""
    here = [f"{name} ({role})" for role in ROLES for name in gate.people[role]]
    names_only, missing = rules.signatures == "names", []
    for role in lacking(rules, gate):
        more = needed(rules, role) - len(gate.people[role])
        missing.append(role if more == 1 else f"{more} {role}s")
    if here:
        said = f"Here: {', '.join(here)}."
    elif release.signatures:
        said = "Nobody has signed it as it is now."
    else:
        said = "Nobody has put down a name." if names_only else "Nobody has signed."
    if missing:
        return f"{said} Missing: {', '.join(missing)}."
    return f"{said} {'All names are there, none is signed' if names_only else ALL}."


def next_step(
    release: Release,
    gate: Gate,
    rules: SignoffRules,
    operator: str,
    operators: Sequence[str],
    refusal: Refusal,
) -> str:
    """What to do next, in one sentence, for this operator."""
    if release.state == "abandoned":
        return f"Abandoned by {release.ended_by}: {release.why}"
    if wrong := wrong_signer(gate):
        return f"Next: {wrong}: write so in the notes (n), then everybody signs anew."
    roles = lacking(rules, gate)
    if not roles:
        return "Complete: e makes a bundle for whoever must verify it."
    if gate.closed:
        return f"Next: {_in_the_way(gate.closed_by[0])}."
    names_only = rules.signatures == "names"
    to = "put down a name" if names_only else "sign"
    if own := [role for role in roles if not refusal(role, operator)]:
        return f"Next: press S to {to} as {one_of(own)}."
    role = roles[0]
    if rules_out_all(rules, operators, role, refusal):
        return (
            f"Next: nobody that opsdeck.toml names may be {role} now:"
            f" name somebody in {role}s of [signoff], or in operators of [deck]."
        )
    names = waits_for(rules, operators, role, gate, refusal)
    does = "puts down a name" if names_only else "signs"
    return f"Next: {names} {does} as {role}: 5, then S."


def wrong_signer(gate: Gate) -> str:
    """Who signed that should not have, in words; "" where nobody did.

    A signature cannot be taken back: only another content, signed anew, is without it.
    """
    wrong = [rule for rule in gate.missing if rule.id in ("apart", "differ")]
    return wrong[0].detail if wrong else ""


def _in_the_way(rule: Rule) -> str:
    """What to do about a rule that closes the gate."""
    count = plural(len(rule.items), "item")
    match rule.id:
        case "items" if not rule.items:
            return "no release list has an item, so there is nothing to sign"
        case "items":
            verb = "is" if len(rule.items) == 1 else "are"
            return f"{count} {verb} not done: tab to the gate, enter leads there"
        case "deferred":
            verb = "is" if len(rule.items) == 1 else "are"
            late = f"{count} {verb} deferred and without a date to come"
            if rule.detail.endswith(" deferred"):
                late = f"{count} {verb} deferred, which [signoff] does not allow"
            return f"{late}: tab to the gate, enter leads there"
        case "fresh":
            return f"check {count} again: tab to the gate, enter leads there, c checks it"
        case "journal":
            return f"the journal is not whole, {rule.detail}"
    return f"{rule.title}: {rule.detail}"
