"""What `opsdeck signoff show` prints: form, gate, who is here, what comes next; lines and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from opsdeck.commands.table import width
from opsdeck.errors import UsageError
from opsdeck.journal.clock import parse_wall
from opsdeck.operator import find_operator, login
from opsdeck.reports.objects import moment
from opsdeck.signoff.gate import Gate, Rule, Stand, needed
from opsdeck.signoff.model import FIELD_TITLES, FIELDS, ROLE_TITLES, ROLES, Role, Signed
from opsdeck.signoff.record import NOT_SIGNED
from opsdeck.signoff.sentences import lacking, one_of, waits_for, who
from opsdeck.signoff.statement import BREAK_GLASS
from opsdeck.text import plural, visible, visible_lines

if TYPE_CHECKING:
    from opsdeck.commands.door import Door
    from opsdeck.signing import Seen, Signing

MOST_ITEMS, MOST_CHANGES = 8, 12
"""So many of each a page shows; JSON has all of them."""
_LABEL = max(map(len, (*FIELD_TITLES.values(), *ROLE_TITLES.values()))) + 2


def who_asks(door: Door) -> str:
    """The operator, as far as anybody was named: to look, nobody has to be."""
    try:
        return find_operator(door.operator, door.environ, door.config)
    except UsageError:
        return login()


def state_of(seen: Seen) -> str:
    """`abandoned`, `complete` (all roles signed exactly this), `closed` (the gate is, and somebody
    must still sign) or `waiting`."""
    if seen.release.state == "abandoned":
        return "abandoned"
    if seen.complete:
        return "complete"
    return "closed" if seen.gate.closed else "waiting"


def exit_of(seen: Seen) -> int:
    """0 where all have signed exactly this through an open gate, 2 where the gate is closed to
    those who have yet to sign, else 1."""
    match state_of(seen):
        case "complete":
            return 1 if broken(seen) else 0
        case "closed":
            return 2
    return 1


def broken(seen: Seen) -> list[str]:
    """Why the newest content that anybody signed was signed against a closed gate."""
    reasons = (one.reason for one in _newest(seen) if one.reason)
    return list(dict.fromkeys(reasons))


def _newest(seen: Seen) -> list[Signed]:
    """The signatures over the content that was signed last, be it out of date."""
    signatures = seen.release.signatures
    return seen.release.over(signatures[-1].content) if signatures else []


def first_lines(signing: Signing, seen: Seen) -> list[str]:
    """What must be said before anything else."""
    lines = [f"{BREAK_GLASS}: {'; '.join(reasons)}"] if (reasons := broken(seen)) else []
    newest = _newest(seen)
    unsigned = [one for one in newest if not one.signature]
    if unsigned and len(unsigned) < len(newest):
        named = ", ".join(f"{one.by} ({one.role})" for one in unsigned)
        lines.append(f"{NOT_SIGNED}: {named}")
    elif unsigned or signing.names_only:
        lines.append(NOT_SIGNED)
    return [visible(line) for line in lines]


# Lines


def show_lines(signing: Signing, seen: Seen, operator: str) -> Iterator[str]:
    """All of it, for people."""
    deck, one = signing.deck, seen.release
    yield from first_lines(signing, seen)
    current = ", current" if deck.release() == one.name else ""
    started = f"started by {one.started_by} {_when(signing, one.started_at)}".rstrip()
    yield visible(f"{one.name}  {one.state}{current}  (deck {deck.config.name}, {started})")
    yield from _form(signing, seen)
    yield from _gate(signing, seen)
    yield from _content(seen)
    yield visible(who(one, seen.gate, signing.rules))
    yield visible(next_step(signing, seen, operator))


def _form(signing: Signing, seen: Seen) -> Iterator[str]:
    for field in FIELDS:
        yield from _labelled(FIELD_TITLES[field], visible_lines(seen.release.said(field)))
    for role in ROLES:
        words = [_signature(signing, one) for one in seen.signed if one.role == role]
        yield from _labelled(ROLE_TITLES[role], words or ["nobody yet"])
    old = {(one.by, one.role): one for one in seen.out_of_date}
    words = [f"{_signature(signing, one)}, as {one.role}" for one in old.values()]
    yield from _labelled("Out of date", words)


def _labelled(label: str, lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"  {label if number == 0 else '':<{_LABEL}}{line}".rstrip()


def _signature(signing: Signing, one: Signed) -> str:
    words = f"{one.by}, {_when(signing, one.at) or one.wall}"
    words += "" if one.signature else ", not signed: name only"
    words += f", against a closed gate: {one.reason}" if one.reason else ""
    return visible(words)


def _gate(signing: Signing, seen: Seen) -> Iterator[str]:
    yield "gate closed" if seen.gate.closed else "gate open"
    for rule in seen.gate.rules:
        word = "holds" if rule.holds else "does not hold"
        lead, text = f"  {word:<13}  ", visible(f"{rule.title} ({rule.detail})")
        room = width()
        lines = [text] if room is None else wrap(text, room - len(lead), break_on_hyphens=False)
        for line in lines:
            yield lead + line
            lead = " " * len(lead)
        stands = rule.items if not rule.holds else ()
        for stand in stands[:MOST_ITEMS]:
            yield visible(f"      {address(signing, stand)}  {stand.status.state}")
        if len(stands) > MOST_ITEMS:
            yield f"      and {plural(len(stands) - MOST_ITEMS, 'item')} more (--json has all)"


def address(signing: Signing, stand: Stand) -> str:
    """What names the item on the command line: CHECKLIST/ITEM, of another release RUN/ITEM."""
    current = signing.deck.current_run(stand.checklist) == stand.run
    return f"{stand.checklist.id if current else stand.run}/{stand.item.id}"


def _content(seen: Seen) -> Iterator[str]:
    if seen.base is not None:
        yield f"content {seen.content.sha256}, as signed"
    elif not seen.out_of_date:
        yield "content not signed by anybody yet"
    else:
        yield "content CHANGED since it was signed: these signatures are out of date"
        for change in seen.changes[:MOST_CHANGES]:
            yield visible(f"      {change}")
        if len(seen.changes) > MOST_CHANGES:
            left = len(seen.changes) - MOST_CHANGES
            yield f"      and {plural(left, 'change')} more (--json has all)"


def next_step(signing: Signing, seen: Seen, operator: str) -> str:
    """What to do next, in one sentence with the command that does it."""
    one, gate, rules = seen.release, seen.gate, signing.rules
    name = one.name
    if one.state == "abandoned":
        return f"Abandoned by {one.ended_by}: {one.why}"
    wrong = [rule for rule in gate.missing if rule.id in ("apart", "differ")]
    if wrong:
        return f"Next: {wrong[0].detail}; somebody else must sign in that role."
    roles = lacking(rules, gate)
    if not roles:
        return f"Complete. `opsdeck signoff bundle {name}` is for whoever must verify it."
    if gate.closed:
        return f"Next: {_in_the_way(signing, name, gate.closed_by[0])}."

    def refusal(role: Role, person: str) -> str:
        return seen.refusal(rules, role, person)

    own = [role for role in roles if not refusal(role, operator)]
    if own:
        also = f" (or {one_of(own[1:])})" if own[1:] else ""
        return f"Next, {operator}: `opsdeck signoff sign {name} --role {own[0]}`{also}"
    role = roles[0]
    people = waits_for(rules, signing.deck.config.operators, role, gate, refusal)
    return (
        f"Next: {people}: `opsdeck signoff sign {name} --role {role}`."
        f" You cannot: {refusal(role, operator)}."
    )


def _in_the_way(signing: Signing, name: str, rule: Rule) -> str:
    """What to do about a rule that closes the gate."""
    count, first = plural(len(rule.items), "item"), ""
    if rule.items:
        first = address(signing, rule.items[0])
    match rule.id:
        case "items" if first:
            verb = "is" if len(rule.items) == 1 else "are"
            return f"{count} {verb} not done: `opsdeck list items --run {name}`"
        case "deferred" if first:
            how = f"`opsdeck defer {first} --reason WHY --due WHEN`"
            return f"{count} deferred without a date to come: {how}"
        case "fresh" if first:
            return f"{count} to be checked again: `opsdeck check {first} --record`"
    return f"{rule.title} ({rule.detail})"


def _when(signing: Signing, at: datetime | None) -> str:
    return f"{at.astimezone(signing.deck.zone):%Y-%m-%d %H:%M %Z}" if at else ""


# JSON


def show_object(signing: Signing, seen: Seen, operator: str) -> dict[str, Any]:
    """All of it, for programs; `docs/cli.md` describes every key."""
    deck, one, gate = signing.deck, seen.release, seen.gate
    as_of = parse_wall(seen.content.data["as_of"]) if seen.base else None
    return {
        "release": one.name,
        "deck": deck.config.name,
        "standing": one.state,
        "current": deck.release() == one.name,
        "state": state_of(seen),
        "first_lines": first_lines(signing, seen),
        "break_glass": broken(seen),
        "names_only": signing.names_only,
        "form": {field: one.said(field) or None for field in FIELDS},
        "gate": _gate_object(signing, gate),
        "roles": {
            role: {"signed": gate.people[role], "needed": needed(signing.rules, role)}
            for role in ROLES
        },
        "missing": lacking(signing.rules, gate),
        "content": seen.content.sha256 if seen.base else None,
        "as_of": moment(as_of),
        "out_of_date": bool(seen.out_of_date) and seen.base is None,
        "changes": list(seen.changes),
        "signatures": [signature_object(each, seen) for each in one.signatures],
        "next": next_step(signing, seen, operator),
    }


def _gate_object(signing: Signing, gate: Gate) -> dict[str, Any]:
    rules = [
        {
            "id": rule.id,
            "title": rule.title,
            "holds": rule.holds,
            "blocking": rule.blocking,
            "detail": rule.detail,
            "items": [address(signing, stand) for stand in rule.items],
        }
        for rule in gate.rules
    ]
    return {"closed": gate.closed, "rules": rules}


def signature_object(one: Signed, seen: Seen) -> dict[str, Any]:
    """One signature as the journal has it; whether it is good is for `verify` to say."""
    return {
        "event": one.event,
        "role": one.role,
        "by": one.by,
        "at": moment(one.at),
        "signed": bool(one.signature),
        "identity": one.identity or None,
        "key": one.fingerprint or None,
        "break_glass": one.reason or None,
        "content": one.content or None,
        "out_of_date": seen.base is None or one.content != seen.content.sha256,
    }
