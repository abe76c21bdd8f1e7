"""Commands of a step: shown, edited, run; and operations of a database ended."""

from __future__ import annotations

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.incidents import acts, kill_op
from opsdeck.incidents.found import cell, heading
from opsdeck.incidents.model import Incident
from opsdeck.screens.incident_panes import IncidentPanes
from opsdeck.screens.reader import Reader
from opsdeck.screens.running import edit_command, edit_variables, kill_operation, run_command
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, Part, wrap


class IncidentCommands(IncidentPanes):
    """What is done with what is under the page's cursor."""

    def _under(self) -> tuple[str, str]:
        """Kind and rest of the key under the page's cursor."""
        kind, _, rest = (self.pane("page").key or "").partition(" ")
        return kind, rest

    def tick_here(self) -> int | None:
        """The check box under the cursor, while the page has the focus."""
        kind, rest = self._under()
        on_page = self.focused is not None and self.focused.id == "page"
        return int(rest) if kind == "tick" and on_page else None

    def _command_here(self) -> int | None:
        """The command under the cursor; the step's only one, wherever the cursor is."""
        kind, rest = self._under()
        if kind == "command":
            return int(rest)
        found = self.here()
        return 0 if found is not None and len(found[1].commands) == 1 else None

    def action_run(self) -> None:
        """r: run what is under the cursor."""
        self.catch_up()
        found, one = self.here(), self.incident()
        kind, rest = self._under()
        if found is None or one is None:
            self.say("no step is chosen")
        elif kind == "row":
            self._end_operation(one, *found, rest)
        elif (number := self._command_here()) is not None:
            self.open_command(number, run=True)
        elif found[1].commands:
            self._go_to_command()
        else:
            self.say("this step has no command")

    def _go_to_command(self) -> None:
        """Put the cursor on the next command of the step: r again is then clear."""
        page = self.pane("page")
        commands = [key for key in dict.fromkeys(page.keys) if key.startswith("command ")]
        keys = page.keys
        at = keys.index(page.key) if page.key in keys else -1
        later = [key for key in commands if keys.index(key) > at]
        page.focus()
        page.want((later or commands)[0])
        self.say("r again runs the command that the cursor is on; enter shows it")

    def _end_operation(self, one: Incident, playbook: Playbook, step: Step, rest: str) -> None:
        probe, _, row = rest.partition(" ")
        diagnostic = step.probes[int(probe)]
        seen = self.walks.found.get((playbook.digest, step.id), {}).get(int(probe))
        raw = seen.raw[int(row)] if seen is not None and int(row) < len(seen.raw) else {}
        opid = kill_op.opid_of(raw) if diagnostic.probe.get("kind") == "mongodb" else None
        if opid is None:
            self.say("there is nothing to run in this row")
            return
        self.work(kill_operation(self.walks, one, playbook, step, diagnostic, opid))

    def open_row(self, rest: str) -> None:
        """enter on a row: all of it, with the columns that have no room beside each other."""
        found = self.here()
        if found is None:
            return
        playbook, step = found
        probe, _, number = rest.partition(" ")
        diagnostic = step.probes[int(probe)]
        seen = self.walks.found.get((playbook.digest, step.id), {}).get(int(probe))
        row = seen.raw[int(number)] if seen is not None and int(number) < len(seen.raw) else {}
        facts = [
            (visible(heading(name)), visible(cell(value, name))) for name, value in row.items()
        ]
        ends = diagnostic.probe.get("kind") == "mongodb" and kill_op.opid_of(row) is not None

        def build(width: int) -> list[Line]:
            lines: list[Line] = []
            for name, text in facts:
                lines.append((Part(f" {self.glyphs.plain(name)}", "dim"),))
                lines += [(Part(f"   {t}"),) for t in wrap(self.glyphs.plain(text), width - 4)]
            if ends:
                lines += [(), (Part(" r on its row ends it, after one more question", "accent"),)]
            return lines

        self.app.push_screen(Reader(diagnostic.title, build))

    def open_command(self, number: int, *, run: bool = False) -> None:
        from opsdeck.screens.command import CommandScreen

        found = self.here()
        if found is None:
            return
        playbook, step = found

        async def opened() -> None:
            one = self.now_incident()
            begun = run and await run_command(
                self.walks, one, playbook, step, step.commands[number]
            )
            if begun or not run:
                screen = CommandScreen(self.identity, playbook, step.id, number)
                self.app.push_screen(screen)

        self.work(opened())

    def action_edit(self) -> None:
        """e: the command under the cursor; on the timeline, a correction."""
        if self.focused is not None and self.focused.id == "timeline":
            kind, _, rest = (self.pane("timeline").key or "").partition(" ")
            entry = next((e for e in self.entries() if e.id == rest), None)
            if kind == "entry" and entry is not None:
                self.correct(entry.id, entry.text)
            return
        self.catch_up()
        found, number = self.here(), self._command_here()
        if found is None or number is None:
            self.say("put the cursor on a command first")
            return
        command = found[1].commands[number]
        self.work(edit_command(self.walks, self.now_incident(), found[0], command))

    def action_variables(self) -> None:
        """v: what placeholders stand for."""
        self.catch_up()
        found = self.here()
        if found is None:
            self.say("no step is chosen")
            return
        self.work(edit_variables(self.walks, self.now_incident(), *found))

    def action_look(self) -> None:
        """c: look again."""
        self.catch_up()
        found = self.here()
        if found is None or not found[1].probes:
            self.say("this step has nothing to look at")
            return
        self.walks.look(*found)
        self.pane("page").rebuild()

    def action_keep(self) -> None:
        """o: what the diagnostic under the cursor (else the first) saw goes to the timeline."""
        self.catch_up()
        found = self.here()
        kind, rest = self._under()
        number = int(rest.partition(" ")[0]) if kind in ("probe", "row") else 0
        if found is None or not found[1].probes:
            self.say("this step has nothing to look at")
            return
        playbook, step = found
        seen = self.walks.found.get((playbook.digest, step.id), {}).get(number)
        if seen is None:
            self.say("nothing was seen yet: c looks")
            return
        title = step.probes[number].title
        one, failed = self.now_incident(), bool(seen.cause)
        draft = acts.looked(one, playbook, step, title, seen.words, failed=failed)
        self.work(self.save(draft, said="kept on the timeline"))
