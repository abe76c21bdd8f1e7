"""The lines around the panes of the sign-off screen: how it stands, the tabs, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from opsdeck.screens.signoff_shown import Shown
from opsdeck.screens.wording import NARROW
from opsdeck.signing import Seen
from opsdeck.signoff.gate import needed
from opsdeck.signoff.model import ROLES
from opsdeck.signoff.sentences import next_step, who
from opsdeck.text import plural, visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, cut, fit, wrap

NO_RELEASE = "Next: R starts a release, and its checklists with it."


def status_line(shown: Shown, width: int) -> Line:
    """Whether the gate is open, and how far the signing is."""
    glyphs, blocking = shown.glyphs, [r for r in shown.seen.gate.rules if r.blocking]
    closed, count = len(shown.seen.gate.closed_by), len(blocking)
    if not closed:
        glyph, style = glyphs.states["passed"], "good"
        said = "gate open" if width < NARROW else f"gate open: {count} of {count} rules hold"
    else:
        glyph, style = glyphs.states["failed"], "bad"
        verb = "does" if closed == 1 else "do"
        said = f"gate closed: {closed} of {count} rules {verb} not hold"
        said = f"gate closed ({closed} of {count})" if width < NARROW else said
    parts = [Part(f" {glyph} {said}   ", style), _signing_state(shown)]
    if shown.rules.signatures == "names":
        parts.append(Part("   names only: nothing is signed here", "warn"))
    return cut(tuple(parts), width, glyphs.ellipsis)


def _signing_state(shown: Shown) -> Part:
    seen, signed, glyphs = shown.seen, shown.seen.signed, shown.glyphs
    proofs = [shown.proofs[s.event].state for s in signed if s.event in shown.proofs]
    if seen.release.state == "abandoned":
        return Part(f"{glyphs.states['failed']} abandoned", "bad")
    if "bad" in proofs:
        return Part(f"{glyphs.states['failed']} a signature is NOT VALID", "bad")
    if seen.complete and all(s.signature for s in signed):
        return Part(f"{glyphs.states['passed']} signed by all", "good")
    if seen.complete:
        return Part(f"{glyphs.warn} names only, NOT SIGNED", "warn")
    there = sum(len(seen.gate.people[role]) for role in ROLES)
    if seen.out_of_date and not there:
        return Part(f"{glyphs.warn} signatures out of date", "warn")
    wanted = sum(needed(shown.rules, role) for role in ROLES)
    did = "named" if shown.rules.signatures == "names" else "signed"
    return Part(f"{there} of {wanted} {did}" if there else f"not {did} yet", "dim")


def tabs_line(titles: Mapping[str, str], front: str, width: int, glyphs: Glyphs) -> Line:
    """Which panes there are, the one in front in brackets."""
    parts: list[Part] = [Part(" ")]
    for name, title in titles.items():
        here = name == front
        parts.append(Part(f"[{title}]" if here else f" {title} ", "title" if here else "dim"))
        parts.append(Part(" "))
    parts += [Part(" tab", "accent"), Part(" the next one", "dim")]
    return cut(tuple(parts), width, glyphs.ellipsis)


def next_lines(
    shown: Shown, me: str, operators: tuple[str, ...], width: int, *, short: bool
) -> list[Line]:
    """Who is here and who is missing, then what to do next: at most two lines. Where it is `short`,
    or takes two lines, only the latter."""
    seen, rules, glyphs = shown.seen, shown.rules, shown.glyphs
    refusal = partial(seen.refusal, rules)
    said = next_step(seen.release, seen.gate, rules, me, operators, refusal)
    todo = two_lines(said, width, glyphs)
    if short or len(todo) > 1:
        return todo
    here = glyphs.plain(visible(who(seen.release, seen.gate, rules)))
    return [(Part(f" {fit(here, width - 2, glyphs.ellipsis)}", "dim"),), *todo]


def two_lines(said: str, width: int, glyphs: Glyphs) -> list[Line]:
    """What to do, in two lines at most."""
    room = max(8, width - 2)
    pieces = wrap(glyphs.plain(visible(said)), room)
    if pieces[2:]:
        pieces = [pieces[0], fit(" ".join(pieces[1:]), room, glyphs.ellipsis)]
    return [(Part(f" {piece}", "strong"),) for piece in pieces]


def gate_title(seen: Seen | None) -> str:
    """The tab of the gate, which says that something is in the way."""
    closed = len(seen.gate.closed_by) if seen is not None else 0
    return f"Gate: {plural(closed, 'rule')} in the way" if closed else "Gate"
