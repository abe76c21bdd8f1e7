"""The form of a sign-off, as rows: date, who deployed, verified and approved, notes, content."""

from __future__ import annotations

from rich.cells import cell_len

from opsdeck.screens.signoff_shown import Proof, Shown
from opsdeck.screens.wording import NARROW, when
from opsdeck.signoff.gate import needed
from opsdeck.signoff.model import FIELD_TITLES, ROLE_TITLES, ROLES, Field, Role, Signed
from opsdeck.text import plural, visible, visible_lines
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, Row, cut, fit, indented, wrap

MOST_LINES = 8
"""So many lines a field of one line may take: who writes more has the notes."""
MOST_NOTES = 40
MOST_CHANGES = 30

_LABEL_CELLS, _SHORT_CELLS = 18, 13
_SHORT: dict[Field, str] = {"date": "Date", "window": "Window"}
"""What a narrow terminal calls them."""
_LONGEST_NAME = 20


def form_rows(shown: Shown, width: int) -> list[Row]:
    """As the reference document has it, with what was signed over in the last row."""
    rows = _alarms(shown, width)
    rows += _field(shown, "date", width)
    for role in ROLES:
        rows += _role(shown, role, width)
    for field in ("window", "stakeholders"):
        rows += _field(shown, field, width)
    rows += _notes(shown, width)
    rows += _content(shown, width)
    return rows


def _alarms(shown: Shown, width: int) -> list[Row]:
    """What must be seen before anything else."""
    release, plain = shown.seen.release, shown.glyphs.plain
    said = []
    if release.state == "abandoned":
        said.append(f"ABANDONED by {visible(release.ended_by)}: {visible(release.why)}")
    for reason in dict.fromkeys(s.reason for s in release.break_glass):
        said.append(f"BREAK-GLASS: signed against a closed gate: {visible(reason)}")
    lines = [line for text in said for line in wrap(plain(text), width - 2)]
    return [Row((Part(f" {line}", "bad"),)) for line in lines]


def _label(text: str, width: int, short: str = "") -> Part:
    if width < NARROW:
        return Part(f" {fit(short or text, min(_SHORT_CELLS, width // 3))}", "dim")
    return Part(f" {fit(text, _LABEL_CELLS)}", "dim")


def _room(label: Part, width: int) -> int:
    return max(8, width - cell_len(label.text) - 1)


def _beneath(line: Line, label: Part) -> Row:
    return Row(indented(line, cell_len(label.text)))


def _field(shown: Shown, field: Field, width: int) -> list[Row]:
    said = shown.seen.release.fields.get(field)
    label = _label(FIELD_TITLES[field], width, _SHORT.get(field, ""))
    key = f"field {field}"
    if said is None or not said.text:
        return [Row((label, Part("not said yet", "dim")), key)]
    pieces = wrap(shown.glyphs.plain(visible(said.text)), _room(label, width))
    if pieces[MOST_LINES:]:
        left = len(pieces) - MOST_LINES
        pieces = [*pieces[:MOST_LINES], f"and {plural(left, 'line')} more: enter shows it"]
    first, *more = [Part(piece) for piece in pieces]
    return [Row((label, first), key), *(_beneath((part,), label) for part in more)]


# Who signed, and whom it waits for


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
        more = f" ({lacks} of them)" if lacks > 1 else ""
        head = label if not rows else blank
        pieces = wrap(shown.glyphs.plain(visible(f"waiting: {who}{more}")), _room(head, width))
        rows.append(Row((head, Part(pieces[0], "warn")), f"role {role}"))
        rows += [_beneath((Part(piece, "warn"),), blank) for piece in pieces[1:]]
    current = {s.by for s in seen.signed if s.role == role}
    stale = {s.by: s for s in seen.out_of_date if s.role == role and s.by not in current}
    for one in stale.values():
        rows += _signature(shown, one, label if not rows else blank, width, stale=True)
    return rows or [Row((label, Part("nobody", "dim")), f"role {role}")]


def _name_cells(shown: Shown, width: int) -> int:
    """So wide are names, that what stands behind them is in columns."""
    names = [visible(s.by) for s in (*shown.seen.signed, *shown.seen.out_of_date)]
    widest = max((cell_len(shown.glyphs.plain(name)) for name in names), default=0)
    return min(widest, _LONGEST_NAME, max(6, width // 5))


def _signature(
    shown: Shown, one: Signed, label: Part, width: int, *, stale: bool = False
) -> list[Row]:
    glyphs = shown.glyphs
    proof = shown.proofs.get(one.event, Proof("checking"))
    name = fit(glyphs.plain(visible(one.by)), _name_cells(shown, width), glyphs.ellipsis)
    verb = "signed" if one.signature else "named"
    head = f"{name}  {verb} {when(one.at, shown.now, shown.zone)}  "
    words = [proof.part(glyphs)]
    if stale:
        words = [Part("out of date", "warn"), Part(f"  {proof.words}", "dim")]
    line: Line = (label, Part(head, "dim" if stale else ""), *words)
    key_text = _short_key(one.fingerprint, glyphs)
    if key_text and width - sum(cell_len(p.text) for p in line) > cell_len(key_text) + 3:
        line = (*line, Part(f"  {key_text}", "dim"))
    rows = [Row(cut(line, width, glyphs.ellipsis), f"signed {one.event}")]
    if proof.why:
        pieces = wrap(glyphs.plain(visible(proof.why)), _room(label, width))
        rows += [_beneath((Part(piece, proof.style),), label) for piece in pieces]
    return rows


def _short_key(fingerprint: str, glyphs: Glyphs) -> str:
    text = visible(fingerprint)
    return f"{text[:11]}{glyphs.ellipsis}{text[-4:]}" if len(text) > 20 else text


# Notes, and what was signed


def _notes(shown: Shown, width: int) -> list[Row]:
    said, label = shown.seen.release.fields.get("notes"), _label("Notes", width)
    rows: list[Row] = []
    if said is not None and said.text:
        room, plain = _room(label, width), shown.glyphs.plain
        lines = [p for text in visible_lines(said.text) for p in wrap(plain(text), room)]
        rows.append(Row((label, Part(lines[0])), "notes"))
        rows += [_beneath((Part(line),), label) for line in lines[1:MOST_NOTES]]
        if lines[MOST_NOTES:]:
            more = f"and {plural(len(lines) - MOST_NOTES, 'line')} more: n shows all"
            rows.append(_beneath((Part(more, "dim"),), label))
    elif not shown.draft:
        rows.append(Row((label, Part("none: n writes some", "dim")), "notes"))
    if shown.draft:
        head = Part(" " * cell_len(label.text)) if rows else label
        typed = wrap("typed and not saved yet: n goes on with it", _room(label, width))
        rows.append(Row((head, Part(typed[0], "warn")), "notes"))
        rows += [_beneath((Part(piece, "warn"),), label) for piece in typed[1:]]
    return rows


def _content(shown: Shown, width: int) -> list[Row]:
    seen, glyphs = shown.seen, shown.glyphs
    label = _label("Content", width)
    if seen.changes:
        return _changes(shown, label, width)
    if not seen.base:
        return [Row((label, Part("nobody has signed it yet", "dim")))]
    digest = f"sha256:{seen.content.sha256[:8]}{glyphs.ellipsis}{seen.content.sha256[-4:]}"
    first = next((s.by for s in seen.signed), "")
    since = glyphs.plain(f"unchanged since {visible(first)} signed") if first else ""
    if cell_len(label.text) + cell_len(digest) + cell_len(since) + 2 <= width:
        return [Row((label, Part(f"{digest}  "), Part(since, "dim")), "content")]
    row = Row(cut((label, Part(digest)), width, glyphs.ellipsis), "content")
    return [row, *(_beneath((Part(p, "dim"),), label) for p in wrap(since, _room(label, width)))]


def _changes(shown: Shown, label: Part, width: int) -> list[Row]:
    """What differs from what was signed, as far as a form has room for it."""
    changes, glyphs = shown.seen.changes, shown.glyphs
    again = ": sign again" if shown.seen.release.state != "abandoned" else ""
    head = f"{plural(len(changes), 'thing')} changed since{again}"
    rows = [Row(cut((label, Part(head, "warn")), width, glyphs.ellipsis), "content")]
    for change in changes[:MOST_CHANGES]:
        pieces = wrap(glyphs.plain(visible(change)), _room(label, width))
        rows += [_beneath((Part(piece, "dim"),), label) for piece in pieces]
    if changes[MOST_CHANGES:]:
        more = f"and {len(changes) - MOST_CHANGES} more: enter lists them all"
        rows.append(_beneath((Part(more, "dim"),), label))
    return rows
