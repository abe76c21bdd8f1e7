"""A playbook as values: steps, and in each what to read, to tick, to look at, to run, to follow."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import unquote

import msgspec

BlockKind = Literal["heading", "text", "code", "table", "tick", "command", "probe"]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A shell command as it is written; `{{name}}` in it stands for a variable.

    `confirm` is a word to type before it is run; `risk` what it may cost, None where nothing is
    said, "none" where it only looks. `line` counts from 1 in the file.
    """

    name: str
    text: str
    line: int
    shell: str = "sh"
    cwd: str = ""
    env: dict[str, str] = {}
    timeout_s: float | None = None
    confirm: str = ""
    interactive: bool = False
    background: bool = False
    risk: str | None = None

    @property
    def changes(self) -> bool:
        """Whether it may change something, as far as its author says."""
        return self.risk not in (None, "none") or bool(self.confirm)

    @property
    def risk_words(self) -> str:
        """What it may cost, as far as its author says."""
        if self.risk == "none":
            return "only looks"
        return self.risk or ("changes something" if self.confirm else "risk not said")


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """A probe that is looked with when the step opens; `show` (JMESPath) finds what is shown.

    `fault` is why it cannot be looked with, "" where it can.
    """

    title: str
    probe: dict[str, Any]
    line: int
    show: str = ""
    columns: tuple[str, ...] = ()
    fault: str = ""


class Link(msgspec.Struct, frozen=True):
    """Where a step leads: `target` as written, e.g. `#step`, `other.md#step`, `https://…`."""

    text: str
    target: str

    @property
    def inside(self) -> bool:
        """Whether it leads to a step or a playbook, and not out into the world."""
        head = self.target.partition("#")[0]
        return "://" not in self.target and (
            not head or head.lower().endswith((".md", ".markdown"))
        )

    @property
    def playbook(self) -> str:
        """The id of the playbook it leads to; "" for the same one."""
        name = unquote(self.target.partition("#")[0]).rpartition("/")[2]
        return name.rpartition(".")[0]

    @property
    def step(self) -> str:
        """The id of the step it leads to; "" for the playbook's first."""
        return unquote(self.target.partition("#")[2]).lower()


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a step in reading order. `number` is its place among the step's ticks, commands or
    probes; `indent` and `mark` are those of the list it stands in; `rows` a table's cells."""

    kind: BlockKind
    text: str = ""
    indent: int = 0
    mark: str = ""
    number: int = 0
    rows: tuple[tuple[str, ...], ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step; `id` is its heading's anchor, as GitHub makes it."""

    id: str
    title: str
    line: int
    blocks: tuple[Block, ...] = ()
    ticks: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    probes: tuple[Diagnostic, ...] = ()
    links: tuple[Link, ...] = ()


class Playbook(msgspec.Struct, frozen=True, kw_only=True):
    """A playbook as it was read. `digest` is the SHA-256 (hex) of the file's bytes.

    `gauges` are those whose breach suggests it, `inhibits` the playbooks that need not be walked
    while this one is; `variables` what its placeholders are unless somebody says otherwise.
    """

    id: str
    title: str
    digest: str
    text: str
    severity: str = ""
    gauges: tuple[str, ...] = ()
    inhibits: tuple[str, ...] = ()
    variables: dict[str, str] = {}
    about: tuple[Block, ...] = ()
    steps: tuple[Step, ...] = ()
    file: str = ""
    faults: tuple[str, ...] = ()

    def step(self, identity: str) -> Step | None:
        """The step of this id."""
        return next((step for step in self.steps if step.id == identity), None)

    def commands(self) -> list[tuple[Step, Command]]:
        """Every command with its step, in reading order."""
        return [(step, command) for step in self.steps for command in step.commands]
