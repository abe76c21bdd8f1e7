"""What must be asked before a command is run: trust, variables, the operator's clear word."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import TextArea

from opsdeck.errors import NotSavedError, OpsDeckError, UsageError
from opsdeck.incidents import acts, kill_op
from opsdeck.incidents.commands import Ended, Ready, checked_edit, made_ready
from opsdeck.incidents.trust import asked_of
from opsdeck.incidents.variables import names_in
from opsdeck.journal.writing import Draft
from opsdeck.screens.confirm import Confirm
from opsdeck.screens.prompt import Answers, Field, Prompt
from opsdeck.text import visible
from opsdeck.widgets.glyphs import Glyphs
from opsdeck.widgets.lines import Line, LineView, Part, wrap

if TYPE_CHECKING:
    from opsdeck.catalog.playbook import Command, Diagnostic, Playbook, Step
    from opsdeck.incidents.model import Incident
    from opsdeck.screens.host import DeckHost
    from opsdeck.screens.walks import Walks

_NEW = (
    "Its commands run only once you have read and trusted them, exactly as they are now. Nothing"
    " is run yet: each command still waits for r."
)
_CHANGED = (
    "It is not what you trusted before. This is what changed; its commands run only once you have"
    " trusted it as it is now. Nothing is run yet."
)


async def trusted(walks: Walks, playbook: Playbook) -> bool:
    """Whether the playbook's commands may be run; asks for trust where it was not given."""
    host, walking = walks.host, walks.walking
    if host.deck.read_only:
        host.say(walking.refusal(playbook), "warn")
        return False
    state = walking.trust.state(playbook)
    if state == "trusted":
        return True
    if state == "changed":
        about, shown = _CHANGED, [(playbook.file, "\n".join(walking.trust.diff(playbook)))]
    else:
        about = _NEW
        shown = [(asked_of(step, c), c.text) for step, c in playbook.commands()]
    question = Confirm(
        f"Trust the commands of {visible(playbook.title)}?", about, shown, host.glyphs, yes="trust"
    )
    if await host.push_screen_wait(question) != "yes":
        host.say("not trusted: nothing of it can be run")
        return False
    try:
        walking.trust.add(playbook, host.deck.now())
    except NotSavedError as error:
        host.say(f"nothing is run: {error}", "bad")
        return False
    return True


async def ask_variables(
    walks: Walks,
    one: Incident,
    playbook: Playbook,
    names: list[str],
    about: str,
    command: Command | None = None,
) -> bool:
    """Ask what placeholders stand for, and save what was said; False where it was given up. A
    value that `command` could not be run with is not taken."""
    host, walking = walks.host, walks.walking
    known = walking.variables(one, playbook)

    def drafts(answers: Answers) -> list[Draft]:
        said = [(name, answers[f"v{n}"]) for n, name in enumerate(names)]
        if command is not None:
            text = walks.edited.get((playbook.digest, command.line))
            made_ready(command, {**known, **dict(said)}, walking.folder, text)
        secrets = host.deck.secrets()
        return [
            acts.variable(one, name, value, secrets)
            for name, value in said
            if value != one.variables.get(name, playbook.variables.get(name))
        ]

    fields = [Field(f"v{n}", name, "", known.get(name, "")) for n, name in enumerate(names)]
    prompt = Prompt("What do these stand for?", fields, host.glyphs, about=about, check=drafts)
    answers = await host.push_screen_wait(prompt)
    if answers is None:
        return False
    wanted = drafts(answers)
    return await host.commit(*wanted) if wanted else True


async def edit_variables(walks: Walks, one: Incident, playbook: Playbook, step: Step) -> None:
    """v: the placeholders of the step's commands, else of the whole playbook's."""

    def named(commands: list[Command]) -> list[str]:
        return names_in(t for c in commands for t in (c.text, c.cwd, *c.env.values()))

    names = named(list(step.commands)) or named([c for _, c in playbook.commands()])
    if not names:
        walks.host.say("no command of this playbook has a {{placeholder}}")
        return
    about = "They are filled into the commands, quoted for the shell."
    if await ask_variables(walks, one, playbook, names[:8], about):
        walks.show()


async def run_command(
    walks: Walks, one: Incident, playbook: Playbook, step: Step, command: Command
) -> bool:
    """r: whatever must be asked, then the command; whether it was begun."""
    host, walking = walks.host, walks.walking
    if not await trusted(walks, playbook):
        return False
    names = walking.missing(one, playbook, command)
    if names:
        about = f"{visible(command.name)} needs them."
        if not await ask_variables(walks, one, playbook, names, about, command):
            host.say("nothing is run")
            return False
        one = walking.incident(one.id) or one
    try:
        text = walks.edited.get((playbook.digest, command.line))
        ready = walking.ready(one, playbook, command, text)
    except UsageError as error:
        host.say(str(error), "warn")
        return False
    if not await _agreed(host, ready, edited=text is not None):
        host.say("nothing is run")
        return False
    walks.run(one, playbook, step, ready)
    return True


async def _agreed(host: DeckHost, ready: Ready, *, edited: bool) -> bool:
    """The operator's word for exactly this: typed where the playbook wants a word, y where it may
    change anything or was edited, none where it only looks."""
    where = f"In {ready.cwd}"
    risk = "" if ready.risk in (None, "none") else f" Risk: {ready.risk}."
    if ready.confirm:
        word = ready.confirm

        def check(answers: Answers) -> None:
            if answers["word"].strip() != word:
                raise UsageError(f"that is not {word}: type it exactly, or press esc")

        prompt = Prompt(
            f"Run {visible(ready.name)}?",
            [Field("word", f"Type {word} to run it")],
            host.glyphs,
            about=f"{where}.{risk}",
            exact=ready.text,
            check=check,
            keys=("run it", "no, nothing is run"),
        )
        return await host.push_screen_wait(prompt) is not None
    if ready.risk == "none" and not edited:
        return True
    shown = [(f"{ready.name}, {where.lower()}", ready.text)]
    question = Confirm("Run this on this machine?", risk.strip(), shown, host.glyphs, yes="run")
    return await host.push_screen_wait(question) == "yes"


async def edit_command(walks: Walks, one: Incident, playbook: Playbook, command: Command) -> None:
    """e: another text for this session; the playbook's file stays as it is."""
    key = (playbook.digest, command.line)
    first = walks.edited.get(key, command.text)
    plain = first.replace("\n", "").replace("\t", "")
    if visible(plain) != plain:
        walks.host.say(
            "it has characters that a terminal would obey: edit the playbook's file", "warn"
        )
        return
    found = await walks.host.push_screen_wait(
        Edit(f"Edit {visible(command.name)}", first, walks.host.glyphs, checked_edit)
    )
    if found is None:
        return
    if found.strip() == command.text.strip():
        walks.edited.pop(key, None)
        walks.host.say("it is as the playbook has it")
    else:
        walks.edited[key] = found
        walks.host.say("changed for this session; r runs it as it is shown now")
    walks.show()


async def kill_operation(
    walks: Walks,
    one: Incident,
    playbook: Playbook,
    step: Step,
    diagnostic: Diagnostic,
    opid: int | str,
) -> None:
    """End an operation of a MongoDB, its text shown once more; both ends are on the timeline."""
    host, walking = walks.host, walks.walking
    if host.deck.read_only:
        host.say(
            "read-only: nothing can be ended here (--read-only, or read_only in [deck])", "warn"
        )
        return
    try:
        looks = await host.checking.looks()
        target = looks.engine.target(str(diagnostic.probe.get("target", "")))
        redactor = looks.engine.redactor()
        found = await kill_op.seen(target, opid, redactor)
    except OpsDeckError as error:
        host.say(str(error), "warn")
        return
    about = "Whoever asked for it gets an error. A write that is half done is rolled back first."
    shown = [(f"on {target.name}", found.text)]
    question = Confirm("End this operation?", about, shown, host.glyphs, yes="end it")
    if await host.push_screen_wait(question) != "yes":
        host.say("nothing is ended")
        return
    number = await walking.begin_act(
        one, playbook, step, f"end operation {opid} on {target.name}", found.text
    )
    if number is None:
        return
    try:
        said = await kill_op.kill(target, found, redactor)
        ended = Ended(outcome="exited", exit_code=0, output=said, output_bytes=len(said))
        host.say(f"operation {opid}: {said}", "good")
    except UsageError as error:
        ended = Ended(outcome="exited", exit_code=1, reason=str(error))
        host.say(str(error), "warn")
    await walking.ended(one.id, playbook, step.id, number, ended)
    walks.look(playbook, step)


class Edit(ModalScreen[str | None]):
    """A text of several lines; ctrl+s keeps it, esc leaves it as it was."""

    LEAVES: ClassVar[str] = "leave it as it was"
    """What esc does, in words."""

    CSS = """
    Edit { align: center middle; background: $background 60%; }
    Edit > Vertical {
        width: 96%; max-width: 110; height: auto; max-height: 90%; padding: 1 2;
        background: $panel; border: round $primary;
    }
    Edit.-ascii > Vertical { border: ascii $primary; }
    Edit TextArea { height: 10; border: none; background: $boost; }
    Edit LineView { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "Keep", id="edit.keep", tooltip="Keep the text", priority=True),
        Binding("escape", "cancel", "Cancel", id="edit.cancel", tooltip="Leave it", priority=True),
    ]

    def __init__(
        self, title: str, text: str, glyphs: Glyphs, check: Callable[[str], object]
    ) -> None:
        super().__init__(classes="-ascii" if glyphs.ascii else "")
        self._title, self._text, self._glyphs, self._check = title, text, glyphs, check
        self._problem = ""

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        with Vertical():
            yield LineView(self._head)
            area = TextArea(self._text, id="text")
            area.cursor_blink = False
            yield area
            yield LineView(self._foot, id="foot")

    def _head(self, width: int) -> list[Line]:
        return [(Part(self._glyphs.plain(self._title), "title"),), ()]

    def _foot(self, width: int) -> list[Line]:
        problem = wrap(self._glyphs.plain(visible(self._problem)), width) if self._problem else []
        keys: Line = (
            Part("ctrl+s", "accent"),
            Part(" keep   ", "dim"),
            Part("esc", "accent"),
            Part(f" {self.LEAVES}", "dim"),
        )
        return [(), *((Part(line, "bad"),) for line in problem), keys]

    def action_keep(self) -> None:
        """ctrl+s."""
        text = self.query_one("#text", TextArea).text
        try:
            self._check(text)
        except OpsDeckError as error:
            self._problem = str(error)
            foot = self.query_one("#foot", LineView)
            foot.refresh(layout=True)
            foot.rebuild()
            return
        self.dismiss(text)

    def action_cancel(self) -> None:
        """esc."""
        self.dismiss(None)
