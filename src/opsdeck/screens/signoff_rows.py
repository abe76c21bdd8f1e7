"""The rows of the sign-off screen: the form, the gate, the releases that were signed before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Literal, NamedTuple

from rich.cells import cell_len

from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.screens.wording import when
from opsdeck.signing import Seen
from opsdeck.signoff.gate import Rule, needed
from opsdeck.signoff.model import FIELD_TITLES, ROLE_TITLES, ROLES, Field, Release, Role, Signed
from opsdeck.text import plural, visible, visible_lines
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, Row, cut, fit, indented, wrap

LABEL_CELLS = 18
MOST_NOTES = 40
MOST_CHANGES = 30

ProofState = Literal["valid", "bad", "not signed", "checking", "unknown"]

PROOF_STYLES: dict[ProofState, str] = {
    "valid": "good",
    "bad": "bad",
    "not signed": "warn",
    "checking": "dim",
    "unknown": "warn",
}
_PROOF_WORDS: dict[ProofState, str] = {
    "valid": "valid",
    "bad": "NOT VALID",
    "not signed": "not signed",
    "checking": "checking",
    "unknown": "not verified",
}


class Proof(NamedTuple):
    """What came of verifying a signature; `why` where it does not hold or cannot be verified."""

    state: ProofState
    why: str = ""

    @property
    def words(self) -> str:
        """One or two words."""
        return _PROOF_WORDS[self.state]


class Shown(NamedTuple):
    """All that the rows are made of."""

    seen: Seen
    rules: SignoffRules
    proofs: Mapping[str, Proof]
    waits: Mapping[Role, str]
    """Role -> who may still sign in it."""
    now: datetime
    zone: tzinfo
    glyphs: Glyphs


# The form


def form_rows(shown: Shown, width: int) -> list[Row]:
    """Date, who deployed, verified and approved, notes: as the reference document has them."""
    release, glyphs = shown.seen.release, shown.glyphs
    rows: list[Row] = []
    if release.state == "abandoned":
        said = f" ABANDONED by {visible(release.ended_by)}: {visible(release.why)}"
        rows += [Row((Part(line, "bad"),)) for line in wrap(glyphs.plain(said), width)]
    for reason in [s.reason for s in release.break_glass]:
        said = f" BREAK-GLASS: signed against a closed gate: {visible(reason)}"
        rows += [Row((Part(f" {line}", "bad"),)) for line in wrap(glyphs.plain(said), width - 1)]
    rows += _field(shown, "date", width)
    for role in ROLES:
        rows += _role(shown, role, width)
    for field in ("window", "stakeholders"):
        rows += _field(shown, field, width)
    rows += _notes(shown, width)
    rows += _content(shown, width)
    return rows


def _label(text: str, width: int) -> Part:
    return Part(f" {fit(text, min(LABEL_CELLS, width // 3))}", "dim")


def _field(shown: Shown, field: Field, width: int) -> list[Row]:
    said = shown.seen.release.fields.get(field)
    label = _label(FIELD_TITLES[field], width)
    room = width - cell_len(label.text) - 1
    key = f"field {field}"
    if said is None or not said.text:
        return [Row((label, Part("not said yet", "dim")), key)]
    pieces = wrap(shown.glyphs.plain(visible(said.text)), max(8, room))
    first, *more = [Part(piece) for piece in pieces]
    return [Row((label, first), key), *(_beneath((part,), label) for part in more)]


def _beneath(line: Line, label: Part) -> Row:
    return Row(indented(line, cell_len(label.text)))


def _role(shown: Shown, role: Role, width: int) -> list[Row]:
    """One row a signature, then whom it waits for; signatures over what has changed since last."""
    seen, label = shown.seen, _label(ROLE_TITLES[role], width)
    blank = Part(" " * cell_len(label.text))
    rows: list[Row] = []
    for one in (s for s in seen.signed if s.role == role):
        rows += _signature(shown, one, label if not rows else blank, width)
    lacks = needed(shown.rules, role) - len(seen.gate.people[role])
    if lacks > 0 and seen.release.state != "abandoned":
        who = shown.waits.get(role, "")
        more = f" ({lacks} more)" if lacks > 1 else ""
        head = label if not rows else blank
        pieces = wrap(f"waiting: {visible(who)}{more}", max(8, width - cell_len(head.text) - 1))
        rows.append(Row((head, Part(shown.glyphs.plain(pieces[0]), "warn")), f"role {role}"))
        rows += [_beneath((Part(shown.glyphs.plain(p), "warn"),), blank) for p in pieces[1:]]
    current = {s.by for s in seen.signed if s.role == role}
    stale = {s.by: s for s in seen.out_of_date if s.role == role and s.by not in current}
    for one in stale.values():
        rows += _signature(shown, one, label if not rows else blank, width, stale=True)
    return rows or [Row((label, Part("nobody", "dim")), f"role {role}")]


def _signature(
    shown: Shown, one: Signed, label: Part, width: int, *, stale: bool = False
) -> list[Row]:
    glyphs = shown.glyphs
    at = when(one.at, shown.now, shown.zone)
    proof = shown.proofs.get(one.event, Proof("checking"))
    name = glyphs.plain(visible(one.by))
    verb = "signed" if one.signature else "named"
    head = f"{name}  {verb} {at}  "
    words = [Part(proof.words, PROOF_STYLES[proof.state])]
    if stale:
        words = [Part("out of date", "warn"), Part(f"  {proof.words}", "dim")]
    line = (label, Part(head, "dim" if stale else ""), *words)
    key_text = _short_key(one.fingerprint, glyphs)
    if key_text and width - sum(cell_len(p.text) for p in line) > cell_len(key_text) + 3:
        line = (*line, Part(f"  {key_text}", "dim"))
    rows = [Row(cut(line, width, glyphs.ellipsis), f"signed {one.event}")]
    if proof.why:
        room = max(8, width - cell_len(label.text) - 1)
        style = PROOF_STYLES[proof.state]
        pieces = wrap(glyphs.plain(visible(proof.why)), room)
        rows += [_beneath((Part(piece, style),), label) for piece in pieces]
    return rows


def _short_key(fingerprint: str, glyphs: Glyphs) -> str:
    text = visible(fingerprint)
    return f"{text[:11]}{glyphs.ellipsis}{text[-4:]}" if len(text) > 20 else text


def _notes(shown: Shown, width: int) -> list[Row]:
    said, label = shown.seen.release.fields.get("notes"), _label("Notes", width)
    if said is None or not said.text:
        return [Row((label, Part("none: n writes some", "dim")), "notes")]
    room = max(8, width - cell_len(label.text) - 1)
    lines = [
        piece for text in visible_lines(said.text) for piece in wrap(shown.glyphs.plain(text), room)
    ]
    rows = [Row((label, Part(lines[0])), "notes")]
    rows += [_beneath((Part(line),), label) for line in lines[1:MOST_NOTES]]
    if lines[MOST_NOTES:]:
        rows.append(_beneath((Part(f"and {len(lines) - MOST_NOTES} lines more", "dim"),), label))
    return rows


def _content(shown: Shown, width: int) -> list[Row]:
    seen, glyphs = shown.seen, shown.glyphs
    label = _label("Content", width)
    if not seen.changes:
        if not seen.base:
            return [Row((label, Part("nobody has signed it yet", "dim")))]
        digest = f"sha256:{seen.content.sha256[:8]}{glyphs.ellipsis}{seen.content.sha256[-4:]}"
        first = next((s.by for s in seen.signed), "")
        since = glyphs.plain(f"unchanged since {visible(first)} signed") if first else ""
        if cell_len(label.text) + cell_len(digest) + cell_len(since) + 2 <= width:
            return [Row((label, Part(f"{digest}  "), Part(since, "dim")), "content")]
        row = Row(cut((label, Part(digest)), width, glyphs.ellipsis), "content")
        return [row, _beneath((Part(fit(since, width - cell_len(label.text)), "dim"),), label)]
    head = f"{plural(len(seen.changes), 'thing')} changed since: sign again"
    rows = [Row(cut((label, Part(head, "warn")), width, glyphs.ellipsis), "content")]
    room = max(8, width - cell_len(label.text) - 1)
    for change in seen.changes[:MOST_CHANGES]:
        pieces = wrap(glyphs.plain(visible(change)), room)
        rows += [_beneath((Part(piece, "dim"),), label) for piece in pieces]
    if seen.changes[MOST_CHANGES:]:
        more = f"and {len(seen.changes) - MOST_CHANGES} more"
        rows.append(_beneath((Part(more, "dim"),), label))
    return rows


# The gate


def gate_rows(shown: Shown, width: int) -> list[Row]:
    """What does not hold first, each rule with its numbers; enter leads to its items."""
    gate = shown.seen.gate
    rows: list[Row] = []
    for rule in sorted(gate.rules, key=lambda r: (r.holds, not r.blocking)):
        rows += _rule(rule, width, shown.glyphs)
    return rows


def _rule(rule: Rule, width: int, glyphs: Glyphs) -> list[Row]:
    to_come = not rule.holds and rule.id in ROLES
    glyph = glyphs.states["passed" if rule.holds else "open" if to_come else "failed"]
    style = "good" if rule.holds else "warn" if to_come else "bad"
    word = "holds" if rule.holds else "to come" if to_come else "does not hold"
    leads = f" {glyphs.enter}" if rule.items else ""
    title = glyphs.plain(rule.title)
    room = width - cell_len(word) - cell_len(leads) - 7
    line = (
        Part(f"   {glyph} ", style),
        Part(fit(title, room, glyphs.ellipsis), "" if rule.holds else "strong"),
        Part(f" {word}", style),
        Part(leads, "accent"),
    )
    rows = [Row(line, f"rule {rule.id}")]
    pieces = wrap(glyphs.plain(visible(rule.detail)), max(8, width - 6))
    return [*rows, *(Row((Part(f"     {piece}", "dim"),)) for piece in pieces if piece)]


# What was signed before


def past_rows(
    releases: Sequence[Release],
    shown_name: str,
    state_of: Callable[[Release], Proof],
    now: datetime,
    zone: tzinfo,
    width: int,
    glyphs: Glyphs,
) -> list[Row]:
    """All releases, the one started last first, with who signed and whether that was verified."""
    if not releases:
        return [Row((Part("   no release was ever started: R starts one", "dim"),))]
    rows: list[Row] = []
    for one in releases:
        proof = state_of(one)
        mark = glyphs.next if one.name == shown_name else " "
        name = fit(glyphs.plain(visible(one.name)), min(16, max(8, width // 4)), glyphs.ellipsis)
        parts: list[Part] = [Part(f"  {mark} "), Part(name, "strong" if mark.strip() else "")]
        parts += [Part(f"  {_standing(one, now, zone)}  ", "dim")]
        if one.signatures:
            broken = "BREAK-GLASS " if one.break_glass else ""
            parts += [Part(broken, "bad"), Part(proof.words, PROOF_STYLES[proof.state])]
        names = ", ".join(dict.fromkeys(visible(s.by) for s in one.signatures))
        parts += [Part(f"  {glyphs.plain(names)}", "dim")]
        rows.append(Row(cut(tuple(parts), width, glyphs.ellipsis), f"release {one.name}"))
    return rows


def _standing(one: Release, now: datetime, zone: tzinfo) -> str:
    ended = when(one.ended_at, now, zone)
    match one.state:
        case "signed":
            return f"signed off {ended}"
        case "abandoned":
            return f"abandoned {ended}"
    return f"open since {when(one.started_at, now, zone)}"


# The line at the top


def status_line(shown: Shown, width: int) -> Line:
    """How many rules hold, and how far the signing is."""
    gate, seen, glyphs = shown.seen.gate, shown.seen, shown.glyphs
    blocking = [rule for rule in gate.rules if rule.blocking]
    closed = gate.closed_by
    if closed:
        gate_words = Part(f"gate closed: {len(closed)} of {len(blocking)} rules do not hold", "bad")
    else:
        gate_words = Part(f"gate open: {len(blocking)} of {len(blocking)} rules hold", "good")
    signed = seen.signed
    if seen.release.state == "abandoned":
        state = Part("abandoned", "bad")
    elif any(shown.proofs[s.event].state == "bad" for s in signed if s.event in shown.proofs):
        state = Part("a signature is NOT VALID", "bad")
    elif seen.complete and all(s.signature for s in signed):
        state = Part("signed by all", "good")
    elif seen.complete:
        state = Part("names only, NOT SIGNED", "warn")
    elif seen.out_of_date:
        state = Part("signatures out of date", "warn")
    else:
        state = Part(f"{len(signed)} signed so far" if signed else "not signed yet", "dim")
    names = Part(
        "  names only: nothing is signed here" if shown.rules.signatures == "names" else "", "warn"
    )
    return cut((Part(" "), gate_words, Part("   "), state, names), width, glyphs.ellipsis)
