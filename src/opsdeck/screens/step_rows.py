"""A step as it is read and worked on: prose, ticks, live diagnostics, commands and their ends.

Every row has a key, so that the cursor walks through the text as well: `text N`, `tick N`,
`probe N`, `row N R`, `command N`, `link N`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from rich.cells import cell_len

from opsdeck.catalog.playbook import Block, Command, Diagnostic, Playbook, Step
from opsdeck.incidents.found import Found
from opsdeck.incidents.model import Incident, Ran
from opsdeck.incidents.timeline import ended_words, took_words
from opsdeck.journal.clock import parse_wall
from opsdeck.screens.wording import when
from opsdeck.text import plural, visible, visible_lines
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, Part, Row, fit, wrap, wrap_exact

LEAST_CELLS = 9
"""What a column of a table needs at least to be read, if it has so much to say."""
LAST_LINES = 3
"""Lines of a command's output that stand below it; the rest is one key away."""
_NUMBER = re.compile(r"-|-?[0-9][0-9,.]*(?: [kMGTPE]?B| %)?")
LONGEST_PROSE = 20_000


class StepPage(NamedTuple):
    """What a step's page is made of."""

    playbook: Playbook
    step: Step
    one: Incident
    found: Mapping[int, Found]
    looking: bool
    printed: Callable[[str], str | None]
    text_of: Callable[[Command], str]
    """A command as it would be run, or as it is written where that is not known yet."""
    needs: Callable[[Command], list[str]]
    """What a command lacks here, in words."""
    now: datetime
    zone: tzinfo


def step_rows(page: StepPage, width: int, glyphs: Glyphs) -> list[Row]:
    """All of the step, its title first."""
    maker = _Rows(page, max(20, width - 2), glyphs)
    return maker.made()


class _Rows:
    def __init__(self, page: StepPage, width: int, glyphs: Glyphs) -> None:
        self.page, self.width, self.glyphs = page, width, glyphs
        self.rows: list[Row] = []

    def made(self) -> list[Row]:
        step = self.page.step
        for text in wrap(self.plain(step.title), self.width):
            self.add((Part(f" {text}", "title"),))
        self.add(())
        blank = True
        for block in step.blocks:
            rows = self.block(block)
            if rows and not blank and block.kind in ("heading", "probe", "command", "table"):
                self.add(())
            for line, key in rows:
                self.add(line, key)
            blank = bool(rows) and not rows[-1][0]
        self.links()
        return self.rows

    def add(self, line: Line, key: str = "") -> None:
        self.rows.append(Row(line, key or f"text {len(self.rows)}"))

    def plain(self, text: str) -> str:
        return self.glyphs.plain(visible(text))

    def block(self, block: Block) -> list[tuple[Line, str]]:
        match block.kind:
            case "heading":
                return [((Part(f" {t}", "strong"),), "") for t in self.wrapped(block.text)]
            case "code":
                return [*self.code(block.text), ((), "")]
            case "table":
                return [(line, "") for line in self.grid(block.rows)] + [((), "")]
            case "tick":
                return self.tick(block)
            case "probe":
                return [*self.probe(block.number), ((), "")]
            case "command":
                return [*self.command(block.number), ((), "")]
        lines = self.prose(block)
        return [*lines, ((), "")] if not block.mark else lines

    # Prose

    def wrapped(self, text: str, width: int = 0) -> list[str]:
        return wrap(self.plain(text[:LONGEST_PROSE]), width or self.width)

    def prose(self, block: Block) -> list[tuple[Line, str]]:
        indent = 1 + min(block.indent, 6) * 2
        mark = f"{self.plain(block.mark)} " if block.mark else ""
        room = max(10, self.width - indent - cell_len(mark))
        first, *more = self.wrapped(block.text, room)
        hang = " " * (indent + cell_len(mark))
        head: Line = (Part(" " * indent + mark, "dim"), Part(first))
        return [(head, ""), *(((Part(hang + text),), "") for text in more)]

    def code(self, text: str, style: str = "code") -> list[tuple[Line, str]]:
        return [((Part(f"   {t}", style),), "") for t in self.exact(text)]

    def exact(self, text: str) -> list[str]:
        """Lines that are to be read exactly: all of each, in as many lines as it needs."""
        room = max(8, self.width - 4)
        found: list[str] = []
        for line in visible_lines(text[:LONGEST_PROSE]):
            found += wrap_exact(self.glyphs.plain(line), room)
        return found

    def grid(self, rows: Sequence[Sequence[str]]) -> list[Line]:
        """A table in as many cells as there are; the widest columns give way."""
        if not rows:
            return []
        cells = self.fitting([[self.plain(text) for text in row] for row in rows])
        rights = [
            all(_NUMBER.fullmatch(row[n]) for row in cells[1:] if n < len(row))
            for n in range(max(map(len, cells)))
        ]
        widths = column_widths(cells, self.width - 2, rights)
        lines: list[Line] = []
        for number, row in enumerate(cells):
            text = "  ".join(
                self.aligned(cell, size, right)
                for cell, size, right in zip(row, widths, rights, strict=False)
            )
            lines.append((Part(f" {text}", "dim" if number == 0 else ""),))
        return lines

    def fitting(self, cells: list[list[str]]) -> list[list[str]]:
        """As many of the first columns as can be read side by side; how many are left out stands
        behind the last heading."""
        count = max(map(len, cells))
        kept = count
        while kept > 2:
            widest = [max(cell_len(row[n]) for row in cells if n < len(row)) for n in range(kept)]
            if sum(min(size, LEAST_CELLS) + 2 for size in widest) <= self.width:
                break
            kept -= 1
        if kept == count:
            return cells
        head = [*cells[0][: kept - 1], f"{cells[0][kept - 1]} +{count - kept}"]
        return [head, *(row[:kept] for row in cells[1:])]

    def aligned(self, text: str, size: int, right: bool) -> str:
        """A cell in so many columns; numbers stand below each other's end."""
        text = fit(text, min(size, cell_len(text)), self.glyphs.ellipsis)
        blank = " " * (size - cell_len(text))
        return blank + text if right else text + blank

    # What is done

    def tick(self, block: Block) -> list[tuple[Line, str]]:
        text = self.page.step.ticks[block.number]
        walk = self.page.one.walks.get(self.page.playbook.id)
        on = walk is not None and (self.page.step.id, text) in walk.ticks
        mark = f"[{'x' if on else ' '}] "
        indent = " " * (1 + 2 * min(block.indent, 6))
        first, *more = self.wrapped(block.text, self.width - len(indent) - 4)
        key = f"tick {block.number}"
        head: Line = (Part(indent + mark, "good" if on else "accent"), Part(first))
        hang = indent + " " * 4
        return [(head, key), *(((Part(hang + text),), key) for text in more)]

    def probe(self, number: int) -> list[tuple[Line, str]]:
        diagnostic, found = self.page.step.probes[number], self.page.found.get(number)
        key = f"probe {number}"
        rows: list[tuple[Line, str]] = [(self.probe_head(diagnostic, found), key)]
        if found is None:
            return rows
        if found.cause:
            words = [f"could not look: {found.cause}"] if found.cause else []
            return rows + [
                ((Part(f"   {t}", "warn"),), key)
                for w in words
                for t in self.wrapped(w, self.width - 3)
            ]
        if found.columns:
            lines = self.grid([found.columns, *found.rows])
            for n, line in enumerate(lines):
                rows.append(((Part("  "), *line), f"row {number} {n - 1}" if n else key))
        rows += [((Part(f"   {t}"),), key) for text in found.lines for t in self.exact(text)]
        if found.more:
            rows.append(((Part(f"   and {found.more} more", "dim"),), key))
        return rows

    def probe_head(self, diagnostic: Diagnostic, found: Found | None) -> Line:
        at = f"{found.at.astimezone(self.page.zone):%H:%M:%S}" if found is not None else ""
        said = "looking" if self.page.looking else (f"seen {at}" if at else "c looks")
        room = self.width - cell_len(said) - 5
        name = self.plain(diagnostic.title)
        title = fit(name, min(room, cell_len(name)), self.glyphs.ellipsis)
        return (
            Part(f" {self.glyphs.sensed} ", "accent"),
            Part(title, "strong"),
            Part(f"  {said}", "dim"),
        )

    def command(self, number: int) -> list[tuple[Line, str]]:
        page, command = self.page, self.page.step.commands[number]
        key = f"command {number}"
        risk = command.risk_words
        style = "warn" if command.changes else "dim"
        name = self.plain(command.name)
        room = self.width - 3 - cell_len(risk) - 2
        rows: list[tuple[Line, str]] = []
        if cell_len(name) <= room:
            head: Line = (Part(" $ ", "accent"), Part(name, "strong"), Part(f"  {risk}", style))
            rows.append((head, key))
        else:
            first, *more = self.wrapped(command.name, self.width - 3)
            rows.append(((Part(" $ ", "accent"), Part(first, "strong")), key))
            rows += [((Part(f"   {t}", "strong"),), key) for t in more]
            rows += [((Part(f"   {t}", style),), key) for t in self.wrapped(risk, self.width - 3)]
        wall = self.glyphs.wall
        whole = page.text_of(command)
        for text in self.exact(whole):
            rows.append(((Part(f"   {wall} ", "dim"), Part(text, "code")), key))
        if len(whole) > LONGEST_PROSE:
            said = f"   enter shows all of its {len(whole):,} characters"
            rows.append(((Part(said, "warn"),), key))
        for need in page.needs(command):
            rows += [((Part(f"   {t}", "warn"),), key) for t in self.wrapped(need, self.width - 3)]
        for ran in page.one.runs_of(page.playbook.id, page.step.id, command.name)[-1:]:
            rows += [(line, key) for line in self.ran(ran)]
        return rows

    def ran(self, ran: Ran) -> list[Line]:
        """How it went last, and the end of what it printed."""
        style = "accent" if ran.outcome == "running" else "good" if ran.well else "bad"
        words = ran_words(ran, self.page.now, self.page.zone)
        lines: list[Line] = [(Part(f"   {t}", style),) for t in self.wrapped(words, self.width - 3)]
        output = self.page.printed(ran.number)
        if output is None and ran.ended is not None:
            output = str(ran.ended.data.get("output") or "")
        shown = [line for line in visible_lines((output or "")[-2_000:]) if line.strip()]
        for text in shown[-LAST_LINES:]:
            cut = fit(self.glyphs.plain(text), self.width - 5, self.glyphs.ellipsis).rstrip()
            lines.append((Part(f"     {cut}", "dim"),))
        return lines

    def links(self) -> None:
        inside = [(n, link) for n, link in enumerate(self.page.step.links) if link.inside]
        if inside:
            if self.rows and self.rows[-1].line:
                self.add(())
            self.add((Part(" leads to", "dim"),))
        for number, link in inside:
            key = f"link {number}"
            first, *more = self.wrapped(link.text, self.width - 5)
            self.add((Part(f" {self.glyphs.enter} ", "accent"), Part(first, "strong")), key)
            for text in more:
                self.add((Part(f"   {text}", "strong"),), key)


def column_widths(
    rows: Sequence[Sequence[str]], width: int, numbers: Sequence[bool] = ()
) -> list[int]:
    """How wide each column may be, so that all of them fit; text gives way before numbers do."""
    count = max((len(row) for row in rows), default=0)
    widths = [
        max((cell_len(row[n]) for row in rows if n < len(row)), default=0) for n in range(count)
    ]
    exact = [n for n in range(count) if n < len(numbers) and numbers[n]]
    for least, kept in ((8, exact), (4, exact), (4, [])):
        while sum(widths) + 2 * (count - 1) > width:
            free = [n for n in range(count) if n not in kept and widths[n] > least]
            if not free:
                break
            widths[max(free, key=lambda n: widths[n])] -= 1
    return widths


def ran_words(ran: Ran, now: datetime, zone: tzinfo) -> str:
    """`ended with 0 after 4 s, 02:41, by alice, 12 kB printed`."""
    began = when(parse_wall(ran.began.at), now, zone)
    words = [ended_words(ran)]
    data = ran.ended.data if ran.ended is not None else {}
    if ran.outcome in ("exited", "timeout", "stopped"):
        words[0] += took_words(data.get("duration_s"))
    words.append(f"begun {began} by {visible(ran.began.by)}")
    size = data.get("output_bytes")
    if isinstance(size, int) and size:
        words.append(f"{plural(size, 'byte')} printed")
    return ", ".join(words)
