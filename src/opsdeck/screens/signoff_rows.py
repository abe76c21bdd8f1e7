"""The gate, and the releases that were signed before, as rows of the sign-off screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo

from rich.cells import cell_len

from opsdeck.screens.signoff_shown import Proof, Shown
from opsdeck.screens.wording import when
from opsdeck.signoff.gate import Rule
from opsdeck.signoff.model import ROLES, Release
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, Row, cut, fit, wrap

_ONE_LINE = 72
"""From so many columns on a rule's numbers stand beside it."""
_LONGEST_RELEASE = 32


def gate_rows(shown: Shown, width: int) -> list[Row]:
    """What does not hold first, each rule with its numbers; enter leads to its items."""
    gate = shown.seen.gate
    beside = max(cell_len(rule.title) for rule in gate.rules) if width >= _ONE_LINE else 0
    rows: list[Row] = []
    for rule in sorted(gate.rules, key=lambda r: (r.holds, not r.blocking)):
        rows += _rule(rule, width, shown.glyphs, beside)
    return rows


def _rule(rule: Rule, width: int, glyphs: Glyphs, beside: int) -> list[Row]:
    """A rule with how it stands and why: beside its title of `beside` cells, beneath it where that
    is 0."""
    to_come = not rule.holds and rule.id in ROLES
    glyph = glyphs.states["passed" if rule.holds else "open" if to_come else "failed"]
    style = "good" if rule.holds else "warn" if to_come else "bad"
    word = "holds" if rule.holds else "to come" if to_come else "does not hold"
    leads = f" {glyphs.enter} " if rule.items else ""
    title = Part(glyphs.plain(rule.title), "" if rule.holds else "strong")
    key, detail = f"rule {rule.id}", glyphs.plain(visible(rule.detail))
    mark = Part(f"   {glyph} ", style)
    if beside:
        room = width - 5 - beside - 2 - cell_len(leads)
        first, *more = wrap(f"{word}: {detail}", room)
        told = (Part(first[: len(word)], style), Part(fit(first[len(word) :], room - len(word))))
        head = Part(fit(title.text, beside + 2), title.style)
        rows = [Row((mark, head, *told, Part(leads, "accent")), key)]
        return [*rows, *(Row((Part(" " * (beside + 7) + piece),)) for piece in more)]
    room = width - len(word) - cell_len(leads) - 7
    named = Part(fit(title.text, room, glyphs.ellipsis), title.style)
    rows = [Row((mark, named, Part(f" {word}", style), Part(leads, "accent")), key)]
    pieces = wrap(detail, max(8, width - 6)) if detail else []
    return [*rows, *(Row((Part(f"     {piece}", "dim"),)) for piece in pieces)]


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
        return [Row((Part("   none yet: R starts one", "dim"),))]
    names = [glyphs.plain(visible(one.name)) for one in releases]
    standings = [_standing(one, now, zone) for one in releases]
    name_cells = min(max(map(cell_len, names)), _LONGEST_RELEASE, max(8, width // 4))
    stand_cells = max(map(len, standings))
    rows: list[Row] = []
    for one, name, standing in zip(releases, names, standings, strict=True):
        here = one.name == shown_name
        parts: list[Part] = [
            Part(f"  {glyphs.next if here else ' '} "),
            Part(fit(name, name_cells, glyphs.ellipsis), "strong" if here else ""),
            Part(f"  {fit(standing, stand_cells)}  ", "dim"),
            *_signers(one, state_of(one), glyphs),
        ]
        rows.append(Row(cut(tuple(parts), width, glyphs.ellipsis), f"release {one.name}"))
    return rows


def _signers(one: Release, proof: Proof, glyphs: Glyphs) -> Line:
    if not one.signatures:
        return (Part("nobody has signed" if one.state == "open" else "", "dim"),)
    names = ", ".join(dict.fromkeys(visible(s.by) for s in one.signatures))
    broken = (Part("BREAK-GLASS  ", "bad"),) if one.break_glass else ()
    return (*broken, proof.part(glyphs), Part(f"  {glyphs.plain(names)}", "dim"))


def _standing(one: Release, now: datetime, zone: tzinfo) -> str:
    ended = when(one.ended_at, now, zone)
    match one.state:
        case "signed":
            return f"signed off {ended}"
        case "abandoned":
            return f"abandoned {ended}"
    return f"open since {when(one.started_at, now, zone)}"
