"""One item in words: beside the list in short, on a page of its own in full."""

from __future__ import annotations

from datetime import datetime

from opsdeck.deck import Deck
from opsdeck.durations import format_duration
from opsdeck.journal.clock import parse_wall
from opsdeck.journal.events import VERDICTS
from opsdeck.journal.fold import Mark
from opsdeck.runs.acts import Where, is_skip
from opsdeck.runs.read_do import NO_ORDER, Order
from opsdeck.runs.status import ItemState
from opsdeck.screens.wording import (
    STATE_STYLES,
    mark_text,
    occasion,
    quoted,
    span,
    status_text,
    when,
)
from opsdeck.text import visible, visible_lines
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, indented, wrap

LAST_VERDICTS = 10
_COMMAND_MARGIN = 2


def commands_in(guide: str) -> list[str]:
    """What the guide says to type: what stands between backticks and has more than one word."""
    pieces = " ".join(line.strip() for line in visible_lines(guide)).split("`")
    return [piece.strip() for piece in pieces[1::2] if " " in piece.strip()]


class ItemText:
    """Builds the lines of one item as it stands now."""

    def __init__(self, deck: Deck, glyphs: Glyphs, where: Where, order: Order = NO_ORDER) -> None:
        self.deck = deck
        self.glyphs = glyphs
        self.where = where
        self.order = order
        self.entry = deck.state.entry(where.run, where.item.id)
        self.now = deck.now()

    def short(self, width: int, room: int) -> list[Line]:
        """Title, state, notes, guide, the latest of its history; denser where `room` is short."""
        lines = self._short(width, commands_apart=True)
        return lines if len(lines) <= room else self._short(width, commands_apart=False)

    def _short(self, width: int, *, commands_apart: bool) -> list[Line]:
        lines = [*self._title(width), *self._state(width), *self._notes(width)]
        lines += self._guide(width, commands_apart=commands_apart)
        past = self._past()
        if past[1:]:
            before = f"before: {self._history_line(past[1], width)[0].text}"
            more = f", {len(past) - 2} earlier" if past[2:] else ""
            lines += [(), (Part(f"{before}{more}", "dim"),)]
        return lines

    def full(self, width: int) -> list[Line]:
        """All that is known of it."""
        lines = [*self._title(width), *self._state(width), (), *self._guide(width), ()]
        lines += self._facts(width)
        lines += [(), (Part("Notes", "strong"),)]
        lines += self._notes(width) or [(Part("none yet; n writes one", "dim"),)]
        lines += [(), (Part("History, newest first", "strong"),)]
        past = self._past()
        lines += [self._history_line(p, width) for p in past]
        return lines if past else [*lines, (Part("nothing was said of it yet", "dim"),)]

    def _plain(self, text: str) -> str:
        return self.glyphs.plain(text)

    def _wrapped(self, text: str, width: int, style: str = "") -> list[Line]:
        return [(Part(line, style),) for line in wrap(self._plain(text), width)]

    def _title(self, width: int) -> list[Line]:
        return self._wrapped(visible(self.where.item.text), width, "strong")

    def _state(self, width: int) -> list[Line]:
        item, status = self.where.item, self.where.status
        kind = "sensed" if item.sensed else "manual"
        glyph = self.glyphs.states[status.state]
        head: Line = (
            Part(f"{glyph} {status.state}", STATE_STYLES[status.state]),
            Part(f"  {kind}", "dim"),
        )
        nothing = "c has its probe look" if item.sensed else "nobody has attested it yet"
        text = status_text(status, self.now, self.deck.zone) or nothing
        lines = [head, *self._wrapped(text, width, "" if status.mark else "dim")]
        lines += self._turn(width)
        lines += self._probed(width)
        verdicts = self._verdicts()
        return [*lines, verdicts] if verdicts else lines

    def _turn(self, width: int) -> list[Line]:
        """What the order of a read-do list says of it, and who skipped it when and why."""
        order, item = self.order, self.where.item
        lines: list[Line] = []
        skip, first = order.skipped.get(item.id), order.before(item.id)
        if order.turn(item.id) == "next":
            text = f"{self.glyphs.next} next in this read-do list; s skips it"
            lines += self._wrapped(text, width, "accent")
        if skip is not None:
            at = when(_at(skip), self.now, self.deck.zone)
            text = f"{self.glyphs.states['deferred']} skipped by {visible(skip.by)} {at}"
            lines += self._wrapped(f"{text}: {quoted(skip.text)}", width, "warn")
        if first is not None:
            text = f"read-do: comes after {self.glyphs.next} {visible(first.text)}"
            lines += self._wrapped(text, width, "dim")
        return lines

    def _probed(self, width: int) -> list[Line]:
        """What probes found that the state itself does not say."""
        entry, lines = self.entry, []
        if entry is None:
            return []
        if self.where.status.state in ("failed", "unknown") and entry.passed is not None:
            at = _at(entry.passed)
            ago = f", {span(at, self.now)} ago" if at else ""
            text = f"last passed {when(at, self.now, self.deck.zone)}{ago}"
            lines += self._wrapped(text, width, "dim")
        if entry.looked is not None:
            seen = visible(entry.looked.text) or "see the evidence"
            moment = when(_at(entry.looked), self.now, self.deck.zone)
            lines += self._wrapped(f"seen {moment}: {seen}", width, "accent")
        return lines

    def _verdicts(self) -> Line:
        found = self.entry.verdicts[-LAST_VERDICTS:] if self.entry else []
        if not found:
            return ()
        parts = [Part("last ten  ", "dim")]
        states: dict[str, ItemState] = {"passed": "passed", "failed": "failed"}
        for verdict in found:
            state = states.get(verdict.kind, "unknown")
            parts.append(Part(self.glyphs.states[state], STATE_STYLES[state]))
        return tuple(parts)

    def _notes(self, width: int) -> list[Line]:
        lines: list[Line] = []
        if self.where.item.note:
            lines += self._wrapped(visible(self.where.item.note), width, "dim")
        told = self.order.skipped.get(self.where.item.id)
        notes = self.entry.standing_notes() if self.entry else []
        for note in [note for note in notes if note is not told][-3:]:
            at = when(_at(note), self.now, self.deck.zone)
            by = f"{visible(note.by)} skipped it" if is_skip(note) else visible(note.by)
            lines += self._wrapped(f"{at} {by}: {quoted(note.text)}", width, "accent")
        return lines

    def _guide(self, width: int, *, commands_apart: bool = True) -> list[Line]:
        """The guide, flowing into the width there is; a command on its own line may keep it."""
        lines: list[Line] = []
        flowing: list[str] = []

        def flow() -> None:
            if flowing:
                lines.extend(_with_code(wrap(self._plain(" ".join(flowing)), width)))
                flowing.clear()

        for line in map(str.strip, visible_lines(self.where.item.guide)):
            if not line:
                flow()
                lines += [()] if lines and lines[-1] else []
            elif commands_apart and _is_command(line):
                flow()
                typed = _with_code(wrap(self._plain(line), width - _COMMAND_MARGIN))
                lines += [indented(part, _COMMAND_MARGIN) for part in typed]
            else:
                flowing.append(line)
        flow()
        return lines if not lines or lines[-1] else lines[:-1]

    def _facts(self, width: int) -> list[Line]:
        item = self.where.item
        facts = [
            ("address", f"{self.where.checklist.id}/{item.id}"),
            ("run", self.where.run or "none yet"),
        ]
        if item.group:
            facts.append(("group", " > ".join(item.group)))
        if item.valid_for_s is not None:
            facts.append(("evidence is good for", format_duration(item.valid_for_s)))
        if item.probe is not None:
            target = item.probe.get("target")
            place = f" at {target}" if target else ""
            facts.append(("probe", f"{item.probe.get('kind', '')}{place}"))
            facts += [("expected", expression) for expression in item.expect]
        if item.uses:
            used = "used here" if item.uses in self.deck.config.uses else "not in [deck] uses"
            facts.append(("only if the team uses", f"{item.uses} ({used})"))
        return [
            line
            for name, value in facts
            for line in self._wrapped(f"{name}: {visible(value)}", width, "dim")
        ]

    def _past(self) -> list[tuple[str, Mark]]:
        return self.deck.history(self.where.checklist, self.where.item.id)

    def _history_line(self, past: tuple[str, Mark], width: int) -> Line:
        run, mark = past
        entry = self.deck.state.entry(run, self.where.item.id)
        undone = entry is not None and mark.id in entry.undone
        text = f"{when(_at(mark), self.now, self.deck.zone)} {mark_text(mark)}"
        if mark.kind in VERDICTS:
            text = f"{when(_at(mark), self.now, self.deck.zone)} {mark.kind} {quoted(mark.text)}"
        if undone:
            text += " (undone)"
        if run != self.where.run:
            text += f"  [{visible(occasion(run))}]"
        return (Part(self._plain(text), "dim" if undone or run != self.where.run else ""),)


def _at(mark: Mark) -> datetime | None:
    return parse_wall(mark.at)


def _is_command(line: str) -> bool:
    """Whether a line of a guide is one command between backticks and nothing else."""
    return line.count("`") == 2 and line[0] == "`" and line.rstrip(".,;:")[-1:] == "`"


def _with_code(texts: list[str]) -> list[Line]:
    """Lines in which what stands between backticks, also across line ends, is set apart."""
    lines: list[Line] = []
    code = False
    for text in texts:
        parts: list[Part] = []
        for number, piece in enumerate(text.split("`")):
            code = code != (number > 0)
            if piece:
                parts.append(Part(piece, "code" if code else ""))
        lines.append(tuple(parts))
    return lines
