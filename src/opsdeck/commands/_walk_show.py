"""The step of a walk on plain lines; its diagnostics are looked with while it is printed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from opsdeck.catalog.playbook import Command, Diagnostic
from opsdeck.commands._walk_meanwhile import tell
from opsdeck.commands._walk_page import Page, block_lines, found_lines, link_lines, title_line
from opsdeck.commands.output import say
from opsdeck.commands.table import width
from opsdeck.errors import OpsDeckError, UsageError
from opsdeck.incidents.commands import missing_programs
from opsdeck.incidents.variables import filled, names_in, unset_in

if TYPE_CHECKING:
    from opsdeck.commands._walk import Walk
    from opsdeck.incidents.found import Found

WIDEST = 100


def page(walk: Walk) -> Page:
    """The step as it is now."""
    deck = walk.desk.deck
    texts = [_text(walk, command) for command in walk.step.commands]
    needs = [_needs(walk, command) for command in walk.step.commands]
    room = min(width() or 80, WIDEST) - 1
    return Page(walk.book, walk.step, walk.one, texts, needs, deck.now(), deck.zone, room)


async def show(walk: Walk) -> None:
    """The whole step; its diagnostics are looked with meanwhile."""
    step, shown = walk.step, page(walk)
    looks = _looking(walk, step.probes)
    try:
        say()
        say(title_line(shown))
        for block in step.blocks:
            if block.kind == "probe":
                await _show_look(walk, shown, block.number, looks)
                continue
            for line in block_lines(shown, block):
                say(line)
        for line in link_lines(step):
            say(line)
    finally:
        for look in looks:
            look.cancel()


async def look(walk: Walk) -> None:
    """c: only what its diagnostics see now."""
    if not walk.step.probes:
        await show(walk)
        return
    shown, looks = page(walk), _looking(walk, walk.step.probes)
    for number in range(len(looks)):
        await _show_look(walk, shown, number, looks)


def _looking(walk: Walk, probes: tuple[Diagnostic, ...]) -> list[asyncio.Future[Found]]:
    """What each will have seen, all at once; ctrl+c ends the wait."""
    loop = asyncio.get_running_loop()
    found: list[asyncio.Future[Found]] = [loop.create_future() for _ in probes]
    if not probes:
        return found

    def came(number: int, seen: Found) -> None:
        if not found[number].done():
            found[number].set_result(seen)

    task = asyncio.create_task(walk.desk.walking.look(probes, came))

    def ended(done: asyncio.Task[None]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            tell(error) if isinstance(error, OpsDeckError) else None
        for future in found:
            future.cancel()

    task.add_done_callback(ended)
    for future in found:
        future.add_done_callback(
            lambda one: task.cancel() if one.cancelled() and not task.done() else None
        )
    return found


async def _show_look(
    walk: Walk, shown: Page, number: int, looks: list[asyncio.Future[Found]]
) -> None:
    seen: Found | None = None
    with walk.lines.interrupting(looks[number].cancel):
        await asyncio.wait([looks[number]])
    if not looks[number].cancelled():
        seen = looks[number].result()
    for line in found_lines(walk.step.probes[number].title, seen, shown):
        say(line)


def _text(walk: Walk, command: Command) -> str:
    text = walk.edited.get((walk.book.digest, command.line), command.text)
    try:
        values = walk.desk.walking.variables(walk.one, walk.book)
        return filled(text, values, command.shell)
    except UsageError:
        return text


def _needs(walk: Walk, command: Command) -> list[str]:
    """What stands in the way of running it here, in words."""
    environ = walk.desk.door.environ
    text = walk.edited.get((walk.book.digest, command.line), command.text)
    known = walk.desk.walking.variables(walk.one, walk.book)
    listed = (
        ("r asks for", [n for n in names_in([text]) if n not in known]),
        ("not on this machine:", missing_programs(text, environ)),
        ("not set in this session:", [f"${n}" for n in unset_in(text, environ)]),
    )
    said = [f"{word} {', '.join(names)}" for word, names in listed if names]
    return ["edited in this session (e)", *said] if text != command.text else said
