"""One command of a step: exactly what would be run, and what it printed, live."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from opsdeck.catalog.playbook import Command, Playbook
from opsdeck.deck import Touched
from opsdeck.durations import format_duration
from opsdeck.errors import UsageError
from opsdeck.incidents.model import Incident, Ran
from opsdeck.screens.reader import Reader
from opsdeck.screens.running import edit_command, edit_variables, run_command
from opsdeck.screens.step_rows import ran_words
from opsdeck.screens.step_texts import needs_of, shown_text
from opsdeck.session import Place
from opsdeck.text import visible, visible_lines
from opsdeck.widgets.lines import Line, Part, wrap, wrap_exact

MOST_LINES = 5_000


class CommandScreen(Reader):
    """enter shows it, r runs it; `/` finds words in what it printed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r,ctrl+enter", "run", "run", id="command.run", tooltip="Run it"),
        Binding("x", "stop", "stop", id="command.stop", tooltip="Stop it: TERM, then KILL"),
        Binding("e", "edit", "edit", id="command.edit", tooltip="Edit it for this session"),
        Binding("v", "variables", "variables", id="command.variables", tooltip="Set variables"),
    ]
    KEYS: ClassVar[tuple[str, ...]] = (
        "command.run",
        "command.stop",
        "command.edit",
        "command.variables",
        "reader.find",
        "reader.end",
        "reader.back",
    )

    def __init__(self, incident: str, playbook: Playbook, step_id: str, number: int) -> None:
        found = playbook.step(step_id)
        assert found is not None
        self.identity, self.playbook, self.step = incident, playbook, found
        self.command: Command = found.commands[number]
        super().__init__(f"$ {visible(self.command.name)}", self._lines)
        self._output: tuple[tuple[str, str, int], list[Line]] = (("", "", 0), [])

    def _incident(self) -> Incident | None:
        return self.host.walks.walking.incident(self.identity)

    def _last(self) -> Ran | None:
        one = self._incident()
        if one is None:
            return None
        ran = one.runs_of(self.playbook.id, self.step.id, self.command.name)
        return ran[-1] if ran else None

    def place(self) -> Place | None:
        """Its step, to come back to."""
        return self.host.place_of(
            incident=self.identity, playbook=self.playbook.id, key=self.step.id
        )

    # What is shown

    def changed(self, touched: Touched | None) -> None:
        """It may have ended."""
        self._follow()

    def walks_changed(self) -> None:
        """It printed something."""
        self._follow()

    def _follow(self) -> None:
        """Show what came; who stood at the end still stands there."""
        page = self.view("page")
        at_end = page.top + page.size.height >= page.line_count
        page.rebuild()
        if at_end:
            page.scroll_lines(page.line_count)

    def _lines(self, width: int) -> list[Line]:
        one = self._incident()
        if one is None:
            return [(Part("this incident is not in the journal of this machine", "warn"),)]
        last = self._last()
        lines = [*self._head(one, width), ()]
        if last is None:
            how = "read-only: nothing is run" if self.deck.read_only else "r runs it, esc goes back"
            lines.append((Part(f"not run yet: {how}", "dim"),))
            return lines
        style = "accent" if last.outcome == "running" else "good" if last.well else "bad"
        words = ran_words(last, self.deck.now(), self.deck.zone)
        lines += [(Part(text, style),) for text in wrap(self.glyphs.plain(words), width)]
        return [*lines, (), *self._printed(last, width)]

    def _head(self, one: Incident, width: int) -> list[Line]:
        command, walks, plain = self.command, self.host.walks, self.glyphs.plain
        lines: list[Line] = []
        for text in visible_lines(shown_text(walks, one, self.playbook, command)):
            for part in wrap_exact(plain(text), width - 4):
                lines.append((Part(f"{self.glyphs.wall} ", "dim"), Part(part, "code")))
        facts = [
            ("risk", command.risk_words),
            ("runs in", command.cwd or str(walks.walking.folder)),
        ]
        facts += [("with", " ".join(f"{k}={v}" for k, v in command.env.items()))]
        if command.timeout_s:
            facts.append(("stopped", f"after {format_duration(command.timeout_s)}"))
        if command.confirm:
            facts.append(("asks", f"for the word {command.confirm}"))
        if command.interactive:
            facts.append(("terminal", "it takes this terminal, and gives it back when it ends"))
        lines.append(())
        for name, text in facts:
            style = "warn" if name == "risk" and command.changes else ""
            for n, part in enumerate(wrap(plain(visible(text)), width - 10) if text else ()):
                lines.append((Part(f"{name if n == 0 else '':<10}", "dim"), Part(part, style)))
        for need in needs_of(walks, one, self.playbook, command):
            lines += [(Part(text, "warn"),) for text in wrap(plain(visible(need)), width)]
        return lines

    def _printed(self, last: Ran, width: int) -> list[Line]:
        text = self.host.walks.printed(last.number)
        if text is None:
            data = last.ended.data if last.ended is not None else {}
            text = str(data.get("output") or "")
            size = data.get("output_bytes")
            cut = isinstance(size, int) and size > len(text.encode())
        else:
            cut = last.number in self.host.walks.cut
        if not text:
            said = "nothing was printed" if last.outcome != "running" else "nothing yet"
            if self.command.interactive:
                said = "it had the terminal: what it printed is not kept"
            return [(Part(said, "dim"),)]
        basis = (last.number, text, width)  # not its length: what is kept is bounded
        if self._output[0] != basis or last.outcome == "running":
            self._output = (basis, output_lines(text, width, self.glyphs.plain))
        note: list[Line] = [(Part("only its end is shown", "dim"),)] if cut else []
        return [*note, *self._output[1]]

    # Keys

    def _work(self, work: Callable[[Incident], Coroutine[Any, Any, Any]]) -> None:
        one = self._incident()
        if one is None:
            return
        self.host.opening = True

        async def worked() -> None:
            try:
                await work(one)
            except UsageError as error:
                self.host.say(str(error), "warn")
            finally:
                self.host.opening = False

        self.app.run_worker(worked(), group="act")

    def action_run(self) -> None:
        """r: run it, unless it runs."""
        last = self._last()
        if last is not None and last.outcome == "running":
            self.say("it is running: x stops it", "warn")
            return
        walks = self.host.walks
        self._work(lambda one: run_command(walks, one, self.playbook, self.step, self.command))

    def action_stop(self) -> None:
        """x: TERM to all of it, KILL after five seconds."""
        last = self._last()
        if last is None or last.outcome != "running":
            self.say("it is not running")
        elif self.host.walks.stop(last.number):
            self.say("told to end; what is still there after 5 s is killed", "warn")
        else:
            host = visible(str(last.began.data.get("host", "")))
            self.say(f"it does not run on this machine: it was begun on {host}", "warn")

    def action_edit(self) -> None:
        """e: another text, for this session."""
        walks = self.host.walks
        self._work(lambda one: edit_command(walks, one, self.playbook, self.command))

    def action_variables(self) -> None:
        """v: what placeholders stand for."""
        walks = self.host.walks
        self._work(lambda one: edit_variables(walks, one, self.playbook, self.step))


def output_lines(text: str, width: int, plain: Callable[[str], str]) -> list[Line]:
    """What a command printed, harmless, its last lines."""
    found: list[Line] = []
    for line in visible_lines(text)[-MOST_LINES:]:
        found += [(Part(part),) for part in wrap_exact(plain(line), width)]
    return found[-MOST_LINES:]
