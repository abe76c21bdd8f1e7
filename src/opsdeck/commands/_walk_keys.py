"""What may be typed at the prompt of a walk: short commands, each with a word that means it too."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from opsdeck.catalog.playbooks import follow
from opsdeck.commands._incident_contacts import contact_lines
from opsdeck.commands._incident_desk import playbook_meant, step_meant
from opsdeck.commands._incident_show import entry_lines, head_lines, walk_lines
from opsdeck.commands._walk import Walk
from opsdeck.commands._walk_page import links_of
from opsdeck.commands._walk_run import edit_command, run_command, set_variables
from opsdeck.commands._walk_show import look
from opsdeck.commands.output import say
from opsdeck.errors import UsageError
from opsdeck.incidents import acts
from opsdeck.incidents.commands import stop_left
from opsdeck.incidents.model import ROLES, IncidentState, StepState
from opsdeck.incidents.timeline import timeline
from opsdeck.text import visible

HELP = """\
  d  done, and on           r N  run command N             l    timeline (l all)
  s  skip it [why]          e N  edit command N            n    note [text, or 14:05 text]
  f  it failed [how]        v    variables (v NAME=VALUE)  u    what others were told [text]
  b  begin it again         c    look again                m    mitigated    M  resolved
  t N  tick box N           x    stop what runs            h    hand over    a  take a role
  g N  follow link N        j N  to step N (j lists them)  p    whom to call
  o  another playbook       w    where am I                q    leave (or ctrl+c)"""
LATEST = 15
_TYPED = re.compile(r"(\S+?)(?:\s+(.*)|([0-9]+))?", re.S)
_T = TypeVar("_T")

Key = Callable[[Walk, str], Awaitable[None]]


async def do(walk: Walk, line: str) -> None:
    """One line of the operator; raises UsageError for what is none."""
    found = _TYPED.fullmatch(line)
    if found is None:
        say("? says what may be typed")
        return
    word, rest = found[1], (found[2] or found[3] or "").strip()
    key = KEYS.get(WORDS.get(word.lower(), word) if len(word) > 1 else word)
    if key is None:
        raise UsageError(f"{word!r} is nothing here: ? says what may be typed")
    await key(walk, rest)


def numbered(things: Sequence[_T], rest: str, what: str) -> int:
    """The place of the one that is meant: by its number, or the only one."""
    if not things:
        raise UsageError(f"this step has no {what}")
    if not rest and len(things) == 1:
        return 0
    if rest.isascii() and rest.isdigit() and 1 <= int(rest[:9]) <= len(things):
        return int(rest[:9]) - 1
    most = f"a number from 1 to {len(things)}" if len(things) > 1 else "1"
    raise UsageError(f"which {what}? write {most} behind it")


# Steps


async def _state(walk: Walk, to: StepState, reason: str = "") -> None:
    await walk.desk.see(walk.book, walk.one)
    values = walk.desk.walking.values(walk.book, walk.one)
    walk.desk.record(acts.step(walk.one, walk.book, walk.step, to, reason=reason, gauges=values))
    say(visible(f"{to}: {walk.step.title}"))


async def _done(walk: Walk, rest: str) -> None:
    if rest:
        raise UsageError("d takes nothing behind it: n writes a note")
    await _state(walk, "done")
    await walk.on()


async def _skip(walk: Walk, rest: str) -> None:
    await _state(walk, "skipped", rest or await walk.answer("why is it not needed? "))
    await walk.on()


async def _fail(walk: Walk, rest: str) -> None:
    await _state(walk, "failed", rest or await walk.answer("what happened instead? "))


async def _begin(walk: Walk, rest: str) -> None:
    await walk.begin()
    say(visible(f"doing: {walk.step.title}"))


async def _tick(walk: Walk, rest: str) -> None:
    await walk.check_unchanged()
    text = walk.step.ticks[numbered(walk.step.ticks, rest, "check box")]
    on_walk = walk.one.walks.get(walk.book.id)
    on = on_walk is None or (walk.step.id, text) not in on_walk.ticks
    walk.desk.record(acts.tick(walk.one, walk.book, walk.step, text, on=on))
    say(visible(f"[{'x' if on else ' '}] {text}"))


async def _jump(walk: Walk, rest: str) -> None:
    if not rest:
        _list_steps(walk)
        return
    await walk.go(walk.book, step_meant(walk.book, rest))


def _list_steps(walk: Walk) -> None:
    found = walk.one.walks.get(walk.book.id)
    for line in walk_lines(walk.desk.deck, found, walk.desk.deck.zone) if found else ():
        say(line)


async def _follow(walk: Walk, rest: str) -> None:
    await walk.check_unchanged()
    links = links_of(walk.step)
    link = links[numbered(links, rest, "link")]
    found = follow(link, walk.book, walk.desk.deck.config.file)
    if found is None or found[1] is None:
        raise UsageError(f"{link.target} is not there: the playbook's author must mend it")
    await walk.go(found[0], found[1])


async def _other(walk: Walk, rest: str) -> None:
    if rest:
        book = playbook_meant(walk.desk.deck, rest)
        await walk.go(book, walk.first(book), begin=True)
        return
    for known in walk.one.walks.values():
        say(visible(f"  o {known.playbook}  {known.title}"))
    say("  `opsdeck list playbooks` shows all there are")


# Commands


async def _run(walk: Walk, rest: str) -> None:
    await walk.check_unchanged()
    await run_command(walk, numbered(walk.step.commands, rest, "command"))


async def _edit(walk: Walk, rest: str) -> None:
    await walk.check_unchanged()
    await edit_command(walk, numbered(walk.step.commands, rest, "command"))


async def _look(walk: Walk, rest: str) -> None:
    await look(walk)


async def _stop(walk: Walk, rest: str) -> None:
    running = walk.meanwhile.running()
    if len(running) > 1 and not rest:
        for number, ran in enumerate(running, 1):
            say(visible(f"  x {number}  {ran.began.data.get('name')}"))
        return
    if not running:
        raise UsageError("nothing runs on this machine that was begun here")
    ran = running[numbered(running, rest, "running command")]
    own = walk.desk.walking.running.get(ran.number)
    if own is not None:
        own.stop()
    elif not stop_left(walk.desk.deck.journal.home, ran.number):
        raise UsageError("it does not run any more")
    say("told to end; what is still there after 5 s is killed")


# The timeline


async def _note(walk: Walk, rest: str, kind: str = "note") -> None:
    deck = walk.desk.deck
    ask = "what were stakeholders told? " if kind == "update" else "note: "
    text = rest or await walk.answer(ask)
    draft = acts.note(walk.one, text, deck.now(), deck.zone, kind=kind)
    walk.desk.record(draft)
    say(f"noted{acts.filed(draft, deck.now(), deck.zone)}")


async def _update(walk: Walk, rest: str) -> None:
    await _note(walk, rest, "update")


async def _timeline(walk: Walk, rest: str) -> None:
    from opsdeck.incidents.beside import events_beside

    one, deck = walk.one, walk.desk.deck
    entries = timeline(one, events_beside(deck.journal, one))
    for line in entry_lines(entries if rest == "all" else entries[-LATEST:], deck.zone):
        say(line)


# The incident


async def _to(walk: Walk, to: IncidentState, rest: str) -> None:
    acts.state(walk.one, to)  # refused before anything is asked
    note = rest or await walk.answer("note (may stay empty): ")
    walk.meanwhile.tell_news()  # somebody else may have said so meanwhile
    walk.desk.record(acts.state(walk.one, to, note))
    say(f"incident {walk.identity} is {to}")
    if to == "resolved":
        from opsdeck.commands._incident_after import after_resolving

        after_resolving(walk.desk, walk.identity)


async def _mitigated(walk: Walk, rest: str) -> None:
    await _to(walk, "mitigated", rest)


async def _resolved(walk: Walk, rest: str) -> None:
    await _to(walk, "resolved", rest)


async def _take(walk: Walk, rest: str) -> None:
    me = walk.desk.deck.operator
    other = "scribe" if walk.one.roles.get("commander") == me else "commander"
    role = rest or await walk.answer(f"which role, {' or '.join(ROLES)} [{other}]? ") or other
    walk.desk.record(acts.take_role(walk.one, role, me))
    say(f"you are {role} now")


async def _hand_over(walk: Walk, rest: str) -> None:
    one, me = walk.one, walk.desk.deck.operator
    role = next((role for role in ROLES if one.roles.get(role) == me), "commander")
    to = rest or await walk.answer(f"who is {role} from now on? ")
    if not to:
        raise UsageError("say to whom: their name is needed")
    names = ", ".join(visible(str(ran.began.data.get("name", ""))) for ran in one.running())
    said = {
        "done": await walk.answer("what was found and done? "),
        "running": await walk.answer(f"what is under way{f' [{names}]' if names else ''}? ")
        or names,
        "next": await walk.answer(f"what comes next [{visible(walk.step.title)}]? ")
        or walk.step.title,
    }
    walk.desk.record(acts.take_role(walk.one, role, to, said))
    say(visible(f"{to} is {role} now"))


async def _contacts(walk: Walk, rest: str) -> None:
    deck = walk.desk.deck
    for line in contact_lines(deck.config.contacts, walk.one, deck.now(), deck.zone):
        say(line)


async def _where(walk: Walk, rest: str) -> None:
    deck = walk.desk.deck
    for line in head_lines(walk.one, deck.now(), deck.zone):
        say(line)
    _list_steps(walk)


async def _help(walk: Walk, rest: str) -> None:
    say(HELP)


async def _quit(walk: Walk, rest: str) -> None:
    walk.left = True


KEYS: dict[str, Key] = {
    "d": _done,
    "s": _skip,
    "f": _fail,
    "b": _begin,
    "t": _tick,
    "j": _jump,
    "g": _follow,
    "o": _other,
    "r": _run,
    "e": _edit,
    "v": set_variables,
    "c": _look,
    "x": _stop,
    "n": _note,
    "u": _update,
    "l": _timeline,
    "m": _mitigated,
    "M": _resolved,
    "a": _take,
    "h": _hand_over,
    "p": _contacts,
    "w": _where,
    "?": _help,
    "q": _quit,
}
WORDS = {
    "done": "d", "skip": "s", "fail": "f", "failed": "f", "begin": "b", "tick": "t", "jump": "j",
    "step": "j", "go": "g", "other": "o", "run": "r", "edit": "e", "variables": "v", "look": "c",
    "stop": "x", "note": "n", "update": "u", "timeline": "l", "mitigated": "m", "mitigate": "m",
    "resolved": "M", "resolve": "M", "take": "a", "hand": "h", "contacts": "p", "where": "w",
    "help": "?", "quit": "q", "exit": "q",
}  # fmt: skip
