"""A step of a playbook as plain lines: prose, check boxes, what was seen, commands, links."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import NamedTuple

from opsdeck.catalog.playbook import Block, Link, Playbook, Step
from opsdeck.commands.table import columns
from opsdeck.durations import format_duration
from opsdeck.incidents.found import Found
from opsdeck.incidents.model import Incident, Ran
from opsdeck.incidents.timeline import ended_words
from opsdeck.journal.clock import parse_wall
from opsdeck.text import cells, time_of_day, visible, visible_lines

LAST_LINES = 3
"""Lines of what a command printed last; `r` prints all of it as it comes."""
LONGEST_PROSE = 20_000


class Page(NamedTuple):
    """A step, in an incident; `texts` are its commands as they would be run, `needs` what each
    lacks here."""

    playbook: Playbook
    step: Step
    one: Incident
    texts: list[str]
    needs: list[list[str]]
    now: datetime
    zone: tzinfo
    width: int


def title_line(page: Page) -> str:
    """`== 2/6  Review slow query logs (doing) ==`."""
    steps = page.playbook.steps
    walk = page.one.walks.get(page.playbook.id)
    state = walk.step(page.step.id).state if walk is not None else "to do"
    return visible(f"== {steps.index(page.step) + 1}/{len(steps)}  {page.step.title} ({state}) ==")


def block_lines(page: Page, block: Block) -> Iterator[str]:
    """Any block but a diagnostic."""
    match block.kind:
        case "heading":
            yield from wrapped(block.text, page.width)
        case "code":
            yield from (f"    {line}" for line in visible_lines(block.text[:LONGEST_PROSE]))
        case "table":
            yield from columns(block.rows, page.width, 2)
        case "tick":
            yield from _tick(page, block)
        case "command":
            yield from command_lines(page, block.number)
        case _:
            yield from _prose(page, block)


def _prose(page: Page, block: Block) -> Iterator[str]:
    indent = " " * (2 * min(block.indent, 6))
    mark = f"{visible(block.mark)} " if block.mark else ""
    first, *more = wrapped(block.text, page.width - len(indent) - cells(mark))
    yield f"{indent}{mark}{first}"
    yield from (f"{indent}{' ' * cells(mark)}{line}" for line in more)


def _tick(page: Page, block: Block) -> Iterator[str]:
    text = page.step.ticks[block.number]
    walk = page.one.walks.get(page.playbook.id)
    on = walk is not None and (page.step.id, text) in walk.ticks
    mark = f"{' ' * (2 * min(block.indent, 6))}[{'x' if on else ' '}] t {block.number + 1}  "
    first, *more = wrapped(block.text, page.width - len(mark))
    yield mark + first
    yield from (" " * len(mark) + line for line in more)


def found_lines(title: str, found: Found | None, page: Page) -> Iterator[str]:
    """What a diagnostic saw, as a table where it is one."""
    if found is None:
        yield visible(f"* {title}: not looked")
        return
    yield visible(f"* {title}, seen {found.at.astimezone(page.zone):%H:%M:%S}")
    if found.cause:
        lines = wrapped(f"could not look: {found.cause}", page.width - 4)
        yield from (f"    {line}" for line in lines)
        return
    if found.columns:
        yield from columns([found.columns, *found.rows], page.width, 4)
    yield from (f"    {visible(line)}" for line in found.lines)
    if found.more:
        yield f"    and {found.more} more"


def command_lines(page: Page, number: int) -> Iterator[str]:
    """A command exactly as `r` would run it, and how it went last."""
    command = page.step.commands[number]
    yield visible(f"r {number + 1}  {command.name}  ({command.risk_words})")
    yield from (f"    $ {line}" for line in visible_lines(page.texts[number]))
    for need in page.needs[number]:
        yield f"    ! {visible(need)}"
    for ran in page.one.runs_of(page.playbook.id, page.step.id, command.name)[-1:]:
        yield f"    {ran_words(ran, page.now, page.zone)}"
        output = str(ran.ended.data.get("output") or "") if ran.ended is not None else ""
        shown = [line for line in visible_lines(output[-2_000:]) if line.strip()]
        yield from (f"    | {line}" for line in shown[-LAST_LINES:])


def links_of(step: Step) -> list[Link]:
    """Where `g` leads: to steps and playbooks, not out into the world."""
    return [link for link in step.links if link.inside]


def link_lines(step: Step) -> Iterator[str]:
    """The same, numbered."""
    for number, link in enumerate(links_of(step), 1):
        yield visible(f"g {number}  {link.text}  -> {link.target}")


def ran_words(ran: Ran, now: datetime, zone: tzinfo) -> str:
    """`ended with 0 after 4 s, begun 02:41 by alice`."""
    data = ran.ended.data if ran.ended is not None else {}
    seconds = data.get("duration_s")
    took = isinstance(seconds, int | float) and ran.outcome in ("exited", "timeout", "stopped")
    after = f" after {span(float(seconds))}" if took and seconds is not None else ""
    at = parse_wall(ran.began.at)
    begun = f" {time_of_day(at, now, zone)}" if at is not None else ""
    return visible(f"{ended_words(ran)}{after}, begun{begun} by {ran.began.by}")


def span(seconds: float) -> str:
    """How long something took: `0.4 s`, `5 min`."""
    return format_duration(seconds) if seconds >= 1 else f"{seconds:.1f} s"


def wrapped(text: str, room: int) -> list[str]:
    """A text as harmless lines of at most so many cells, broken between words."""
    room = max(10, room)
    lines, line = [], ""
    for word in visible(text[:LONGEST_PROSE]).split():
        longer = f"{line} {word}" if line else word
        if cells(longer) <= room or not line:
            line = longer
            continue
        lines.append(line)
        line = word
    return [*lines, line]
