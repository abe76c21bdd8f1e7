"""What must be asked before a command is run, and the run itself, live on plain lines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from opsdeck.catalog.playbook import Command
from opsdeck.commands._walk_page import span
from opsdeck.commands.output import say, shown_encoding
from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.incidents.commands import Ended, Printed, Ready
from opsdeck.incidents.trust import asked_of
from opsdeck.incidents.variables import names_in
from opsdeck.text import visible, visible_lines
from opsdeck.walking import READ_ONLY

if TYPE_CHECKING:
    from opsdeck.commands._walk import Walk

NOTHING = "nothing is run"


async def run_command(walk: Walk, number: int) -> None:
    """r: whatever must be asked, then the command."""
    walking, book, step = walk.desk.walking, walk.book, walk.step
    if walk.desk.deck.read_only:
        raise UsageError(READ_ONLY)
    command = step.commands[number]
    edited = walk.edited.get((book.digest, command.line))
    if not await _trusted(walk):
        say("not trusted: nothing of it can be run")
        return
    names = walking.missing(walk.one, book, command)
    if names:
        say(visible(f"{command.name} needs them; they are quoted for the shell"))
        await ask_variables(walk, names)
    ready = walking.ready(walk.one, book, command, edited)
    if not await _agreed(walk, ready, edited is not None):
        say(NOTHING)
        return
    if ready.interactive:
        await _interact(walk, ready)
    elif ready.background:
        await walk.meanwhile.background(walk, ready)
    else:
        await _run(walk, ready)


async def _trusted(walk: Walk) -> bool:
    """Whether the playbook's commands may be run; asks for trust where it was not given."""
    trust, book = walk.desk.walking.trust, walk.book
    state = trust.state(book)
    if state == "trusted":
        return True
    if state == "changed":
        diff = trust.diff(book)
        say(visible(f"{book.title} is not what you trusted before. This is what changed:"))
        for line in diff:
            say(f"    {visible(line)}")
        state = "new" if len(diff) == 1 else state  # what was trusted is no longer kept
    else:
        say(visible(f"Nothing of {book.title} was trusted here yet. All its commands:"))
    for step, command in book.commands() if state == "new" else ():
        say(visible(f"  {asked_of(step, command)}"))
        for line in visible_lines(command.text):
            say(f"    $ {line}")
    say("Nothing is run by trusting it: each command still waits for r.")
    if not await walk.yes(f"Trust the commands of {visible(book.title)} as they are now?"):
        return False
    trust.add(book, walk.desk.deck.now())
    return True


async def ask_variables(walk: Walk, names: list[str]) -> None:
    """Ask what placeholders stand for, and save what was said."""
    known = walk.desk.walking.variables(walk.one, walk.book)
    drafts = []
    for name in names:
        old = known.get(name, "")
        said = await walk.answer(f"{visible(name)}{f' [{visible(old)}]' if old else ''}: ")
        if said and said != walk.one.variables.get(name):
            drafts.append(acts.variable(walk.one, name, said, walk.desk.deck.secrets()))
        elif not said and name not in known:
            raise UsageError(f"{name} has no value: {NOTHING}")
    if drafts:
        walk.desk.record(*drafts)


async def set_variables(walk: Walk, rest: str) -> None:
    """v: the placeholders of the step's commands, else of all; `v NAME=VALUE` sets any."""
    name, equals, value = rest.partition("=")
    if equals:
        secrets = walk.desk.deck.secrets()
        walk.desk.record(acts.variable(walk.one, name.strip(), value, secrets))
        say(visible(f"{name.strip()} = {walk.one.variables[name.strip()]}"))
        return
    if rest:
        raise UsageError(f"{rest!r} says no value: write v NAME=VALUE, or v to be asked")
    commands = walk.step.commands or [command for _, command in walk.book.commands()]
    names = names_in(t for c in commands for t in (c.text, c.cwd, *c.env.values()))
    if not names:
        raise UsageError("no command here has a {{placeholder}}")
    await ask_variables(walk, names)


async def edit_command(walk: Walk, number: int) -> None:
    """e: another text for this session, on one line; the playbook's file stays as it is."""
    command: Command = walk.step.commands[number]
    key = (walk.book.digest, command.line)
    for line in visible_lines(walk.edited.get(key, command.text)):
        say(f"    $ {line}")
    said = await walk.answer("its text for this session, on one line (- as it was): ")
    if not said:
        say("it stays as it is")
    elif said == "-":
        walk.edited.pop(key, None)
        say("it is as the playbook has it")
    else:
        walk.edited[key] = said
        say(f"changed for this session; r {number + 1} runs it")


async def _agreed(walk: Walk, ready: Ready, edited: bool) -> bool:
    """The operator's word for exactly this: typed where the playbook wants a word, y where it may
    change anything, none where it only looks."""
    for line in visible_lines(ready.text):
        say(f"    $ {line}")
    facts = [f"in {ready.cwd}"]
    facts += [f"with {key}={value}" for key, value in ready.env.items()]
    facts += [f"with {ready.shell}"] if ready.shell != "sh" else []
    facts += [f"stopped after {span(ready.timeout_s)}"] if ready.timeout_s else []
    facts += [f"risk: {ready.risk}"] if ready.risk not in (None, "none") else []
    say(visible(f"    ({', '.join(facts)})"))
    last = walk.one.runs_of(walk.book.id, walk.step.id, ready.name)[-1:]
    if last and last[0].outcome == "running":
        host = last[0].began.data.get("host")
        if not await walk.yes(f"It runs already on {visible(str(host))}: run it once more?"):
            return False
    if ready.confirm:
        walk.lines.drop_typed()
        word = await walk.answer(f"type {visible(ready.confirm)} to run it: ")
        if word != ready.confirm:
            say(visible(f"that is not {ready.confirm}"))
        return word == ready.confirm
    if ready.risk == "none" and not edited:
        return True
    return await walk.yes("Run this on this machine?")


class Stream:
    """What a command prints, each line marked, so that it cannot pass for OpsDeck's own words."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        from opsdeck.probes.redact import Redactor

        self._within = False
        self._blot = Redactor(secrets).text

    def took(self, printed: Printed) -> None:
        """Show it at once. A terminal that is gone must not cut off the command."""
        with contextlib.suppress(OSError, ValueError):
            self._show(printed)

    def _show(self, printed: Printed) -> None:
        if printed.skipped:
            self.end()
            say(f"| ({printed.skipped:,} bytes came too fast to be shown)")
        lines = self._blot(printed.text).expandtabs(4).split("\n")
        for number, line in enumerate(lines):
            last = number == len(lines) - 1
            if last and not line:
                break
            sys.stdout.write("" if self._within else "| ")
            _part(visible(line))
            self._within = last
            if not last:
                sys.stdout.write("\n")
        sys.stdout.flush()

    def end(self) -> None:
        """End a line that has no end."""
        if self._within:
            self._within = False
            sys.stdout.write("\n")


def _part(text: str) -> None:
    from opsdeck.text import ascii_only

    try:
        text.encode(shown_encoding(sys.stdout.encoding))
    except (UnicodeEncodeError, LookupError):
        text = ascii_only(text)
    sys.stdout.write(text)


async def _run(walk: Walk, ready: Ready) -> None:
    """See it to its end; ctrl+c stops it."""
    walking, stream = walk.desk.walking, Stream(walk.desk.deck.secrets())
    numbers: list[str] = []

    def stop() -> None:
        running = walking.running.get(numbers[0]) if numbers else None
        if running is not None:
            running.stop()
            stream.end()
            say("told to end; what is still there after 5 s is killed")
            sys.stdout.flush()

    with walk.lines.interrupting(stop):
        ended = await walking.run(
            walk.one, walk.book, walk.step, ready, stream.took, numbers.append
        )
    stream.end()
    if ended is not None:
        say_end(ready.name, ended)


def say_end(name: str, ended: Ended) -> None:
    """How it ended, in a line."""
    how = f"ended with {ended.exit_code}" if ended.outcome == "exited" else ended.outcome
    if ended.outcome == "exited" and (ended.exit_code or 0) < 0:
        how = f"was ended by signal {-(ended.exit_code or 0)}"
    why = f": {ended.reason}" if ended.reason else ""
    say(visible(f"-- {name} {how} after {span(ended.duration_s)}{why}"))


async def _interact(walk: Walk, ready: Ready) -> None:
    """A command that needs the terminal gets it; both ends are saved."""
    walking = walk.desk.walking
    number = await walking.began(walk.one, walk.book, walk.step, ready)
    if number is None:
        return
    sys.stdout.flush()
    walk.lines.deafen()
    try:
        ended = _in_terminal(walk, ready)
    finally:
        walk.lines.listen()
    await walking.ended(walk.one.id, walk.book, walk.step.id, number, ended)
    say_end(ready.name, ended)


def _in_terminal(walk: Walk, ready: Ready) -> Ended:
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    modes = _modes()
    began = time.monotonic()
    try:
        env = {**walk.desk.door.environ, **ready.env}
        done = subprocess.run(ready.argv, cwd=ready.cwd, env=env, check=False)
    except (OSError, ValueError) as error:
        where = getattr(error, "filename", None) or ready.argv[0]
        words = getattr(error, "strerror", None) or str(error)
        return Ended(outcome="not started", reason=f"{where}: {words}")
    finally:
        signal.signal(signal.SIGINT, before)
        _set_modes(modes)
    took = round(time.monotonic() - began, 3)
    return Ended(outcome="exited", exit_code=done.returncode, duration_s=took)


def _modes() -> list[object] | None:
    """How the terminal is set, None where there is none."""
    import termios

    try:
        return list(termios.tcgetattr(0)) if os.isatty(0) else None
    except (termios.error, OSError):
        return None


def _set_modes(modes: list[object] | None) -> None:
    """Set the terminal as it was, however the command left it."""
    import termios

    if modes is not None:
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(0, termios.TCSADRAIN, modes)  # type: ignore[arg-type]


async def run_in_background(walk: Walk, ready: Ready) -> asyncio.Task[Ended | None]:
    """Begin it and come back once it is on disk that it was begun."""
    began = asyncio.Event()
    walking = walk.desk.walking
    running = walking.run(
        walk.one, walk.book, walk.step, ready, on_number=lambda number: began.set()
    )
    task = asyncio.create_task(running)
    waiting = asyncio.create_task(began.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return task
