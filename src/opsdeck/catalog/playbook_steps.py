"""Where the steps of a Markdown document begin, and a step while it is being read."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import msgspec
from markdown_it.token import Token

from opsdeck.catalog.playbook import Block, Command, Diagnostic, Link, Step

_HEADING_ID = re.compile(r"\{#([\w-]++)[^{}]*+\}$")
_NOT_ANCHOR = re.compile(r"[^\w\- ]+")


def anchor(title: str, taken: dict[str, int]) -> str:
    """The id of a heading as GitHub makes it, with a number where it is taken."""
    base = _NOT_ANCHOR.sub("", title.strip().lower()).replace(" ", "-")[:100] or "step"
    count = taken.get(base, 0)
    taken[base] = count + 1
    found = f"{base}-{count}" if count else base
    if count:
        while found in taken:
            count += 1
            found = f"{base}-{count}"
        taken[found] = 1
    return found


def parted(heading: str) -> tuple[str, str]:
    """A heading and the id it gives itself, `## Title {#id}`; "" for none."""
    heading = heading.rstrip()
    found = _HEADING_ID.match(heading, max(0, heading.rfind("{#")))
    return (heading[: found.start()].rstrip(), found[1]) if found else (heading, "")


def starts_of(tokens: list[Token]) -> set[int]:
    """The places of the tokens that begin a step: `##` headings; without any, the items of the
    first ordered list and the headings after it; else the headings there are, but for the title.
    """
    headings = [
        n for n, token in enumerate(tokens) if token.type == "heading_open" and not token.level
    ]
    second = {n for n in headings if tokens[n].tag == "h2"}
    if second:
        return second
    items = _first_list(tokens)
    if items:
        last = max(items)
        return items | {n for n in headings if n > last}
    levels = Counter(tokens[n].tag for n in headings)
    titles = levels.pop("h1", 0)
    if titles > 1:
        return {n for n in headings if tokens[n].tag == "h1"}
    top = min(levels, default="")
    return {n for n in headings if tokens[n].tag == top}


def _first_list(tokens: list[Token]) -> set[int]:
    """The items of the first ordered list, and of those up to the next heading that go on with its
    numbers, or are all of them a single `1.`: a fence that is not indented cuts a list in two."""
    found: set[int] = set()
    within, items = False, 0
    for place, token in enumerate(tokens):
        if token.type in ("ordered_list_open", "ordered_list_close") and not token.level:
            within = token.type == "ordered_list_open"
            start = int(token.attrs.get("start", 1)) if within else 0
            if within and found and start != len(found) + 1 and (start != 1 or items > 1):
                return found
            items = 0 if within else items
        elif within and token.type == "list_item_open" and token.level == 1:
            found.add(place)
            items += 1
        elif found and token.type == "heading_open" and not token.level:
            return found
    return found


@dataclass(slots=True)
class Draft:
    """A step as far as it was read."""

    title: str
    line: int
    given_id: str = ""
    blocks: list[Block] = field(default_factory=list)
    ticks: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    probes: list[Diagnostic] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    _names: dict[str, int] = field(default_factory=dict)
    """Names of commands that are taken, and the number to try next."""

    def add(self, command: Command) -> None:
        """One more command. What ran is known by its name: no two of a step have the same."""
        name, number = command.name, self._names.get(command.name, 1)
        while name in self._names:
            number += 1
            name = f"{command.name} ({number})"
        self._names[command.name] = number
        self._names.setdefault(name, 1)
        if name != command.name:
            command = msgspec.structs.replace(command, name=name)
        self.commands.append(command)

    @property
    def to_do(self) -> bool:
        """Whether there is anything in it besides words."""
        return bool(self.ticks or self.commands or self.probes)

    def named(self, title: str) -> Draft:
        """The same step by another title."""
        self.title = title
        return self

    def step(self, identity: str) -> Step:
        """The finished step."""
        return Step(
            id=identity,
            title=self.title,
            line=self.line,
            blocks=tuple(self.blocks),
            ticks=tuple(self.ticks),
            commands=tuple(self.commands),
            probes=tuple(self.probes),
            links=tuple(dict.fromkeys(self.links)),
        )
