"""An incident as it is walked: steps at the left, the step beside them, the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.catalog.playbooks import follow
from opsdeck.deck import Touched
from opsdeck.gauges.gauge import Gauge
from opsdeck.incidents import acts, kill_op
from opsdeck.incidents.model import Incident
from opsdeck.incidents.timeline import KINDS, Entry, timeline
from opsdeck.journal.writing import Draft
from opsdeck.screens.incident_keys import IncidentKeys
from opsdeck.screens.incident_rows import (
    entry_lines,
    status_lines,
    steps_rows,
    timeline_rows,
)
from opsdeck.screens.reader import Reader
from opsdeck.screens.running import edit_command, edit_variables, kill_operation, run_command
from opsdeck.screens.step_rows import StepPage, step_rows
from opsdeck.screens.step_texts import needs_of, shown_text
from opsdeck.session import Place
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, LineView, Part, Row
from opsdeck.widgets.panes import Pane

SHOW_AFTER_S = 0.15
"""The step beside follows the cursor once it rests."""
PANES = ("steps", "page", "timeline")


class IncidentScreen(IncidentKeys):
    """One incident."""

    CSS_PATH = "incident.tcss"
    AUTO_FOCUS = "#steps"
    KEYS: ClassVar[tuple[str, ...]] = (
        "list.open",
        "step.done",
        "command.run",
        "incident.note",
        "step.skip",
        "step.failed",
        "step.look",
        "incident.update",
        "incident.mitigate",
        "incident.resolve",
        "incident.contacts",
        "incident.handover",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *IncidentKeys.BINDINGS,
        Binding(
            "r,ctrl+enter",
            "run",
            "run",
            key_display="r",
            id="command.run",
            tooltip="Run the command under the cursor, after what must be asked",
        ),
        Binding("e", "edit", show=False, id="command.edit", tooltip="Edit the command, or correct"),
        Binding("v", "variables", show=False, id="command.variables", tooltip="Set variables"),
        Binding("c", "look", "look", id="step.look", tooltip="Look again with its diagnostics"),
        Binding("tab", "pane(1)", show=False, id="incident.pane", tooltip="The next pane"),
        Binding(
            "shift+tab", "pane(-1)", show=False, id="incident.pane_back", tooltip="The one before"
        ),
        Binding("F", "kind", show=False, id="timeline.kind", tooltip="One kind of entries, or all"),
        Binding("z", "zone", show=False, id="timeline.zone", tooltip="UTC, or the deck's zone"),
        Binding("escape,q,h,left", "back", show=False, id="screen.back", tooltip="Back"),
    ]

    def __init__(self, identity: str, playbook: str = "", step: str = "") -> None:
        super().__init__()
        self.identity = identity
        self._playbook = playbook
        self._step = step
        self._first_step = step
        self._kind = ""
        self._utc = False
        self._resting: Timer | None = None
        self._entries: tuple[object, list[Entry]] = (None, [])
        self._looked: set[tuple[str, str]] = set()

    # What is shown

    def incident(self) -> Incident | None:
        """The incident as it is now."""
        return self.walks.walking.incident(self.identity)

    def playbook(self) -> Playbook | None:
        """The playbook that is shown: the one that is walked, unless another was chosen."""
        one = self.incident()
        identity = self._playbook or (one.current if one is not None else "")
        return self.walks.walking.playbook(identity)

    def here(self) -> tuple[Playbook, Step] | None:
        """The step that is shown."""
        playbook = self.playbook()
        step = playbook.step(self._step) if playbook is not None else None
        return (playbook, step) if playbook is not None and step is not None else None

    def heading(self) -> str:
        """What it is, and how long it lasts."""
        one = self.incident()
        if one is None:
            return f"Incident {self.identity}"
        return visible(one.title)

    def place(self) -> Place | None:
        """The step, to come back to."""
        return self.host.place_of(incident=self.identity, playbook=self._playbook, key=self._step)

    def body(self) -> Iterable[Widget]:
        """How it stands, and three panes."""
        yield LineView(self._status, id="status")
        glyph = self.glyphs.cursor
        with Container(id="panes"):
            yield Pane(self._steps, glyph, id="steps", marks=True)
            yield Pane(self._page, glyph, id="page")
            yield Pane(self._timeline, glyph, id="timeline")

    def compose_class(self) -> None:
        """The borders of a terminal without line drawing."""
        self.set_class(self.glyphs.ascii, "-ascii")

    def pane(self, name: str) -> Pane:
        """One of the three."""
        return self.query_one(f"#{name}", Pane)

    def on_mount(self) -> None:
        """Stand where one stood, say that one is here, read what happened beside it."""
        super().on_mount()
        self.compose_class()
        one = self.incident()
        if one is None:
            return
        walk = one.walks.get(self._playbook or one.current)
        self._step = self._first_step or (walk.at if walk is not None else "")
        playbook = self.playbook()
        if playbook is not None and playbook.step(self._step) is None and playbook.steps:
            self._step = playbook.steps[0].id
        self.pane("steps").want(f"step {self._step}")
        self.app.run_worker(self._join(one), group="join")

    async def _join(self, one: Incident) -> None:
        me = self.deck.operator
        if not one.over and me and me not in one.here(self.deck.now()):
            await self.host.commit_unasked([acts.present(one, here=True)])
        await self.walks.read_beside(one)
        self._show_all()
        self._open_step()

    def changed(self, touched: Touched | None) -> None:
        """Anything here may depend on anything."""
        self._show_all()

    def walks_changed(self) -> None:
        """A diagnostic answered, or a command printed."""
        self.pane("page").rebuild()

    def gauges_changed(self) -> None:
        """New values."""
        self.view("status").rebuild()

    def _show_all(self) -> None:
        if self.ready:
            self.view("status").rebuild()
            for name in PANES:
                pane = self.pane(name)
                newest = name == "timeline" and pane.follow_top()
                pane.rebuild()
                if newest:  # who looks at the newest entry goes on to do so
                    pane.action_edge(-1)

    # The panes

    def _status(self, width: int) -> list[Line]:
        one = self.incident()
        if one is None:
            text = " this incident is not in the journal of this machine (yet)"
            return [(Part(text, "warn"),), ()]
        every_s = self.deck.config.contacts.update_every_s
        gauges, now = self._gauges(one), self.deck.now()
        return status_lines(one, gauges, every_s, now, width, self.glyphs)

    def _gauges(self, one: Incident) -> list[Gauge]:
        watching, playbook = self.host.watching, self.playbook()
        if watching is None:
            return []
        ids = [value["id"] for value in self.walks.walking.values(playbook, one)]
        found = [gauge for i in ids if (gauge := watching.board.gauge(i)) is not None]
        return found or watching.board.breaches()[:4]

    def _steps(self, width: int) -> list[Row]:
        one = self.incident()
        if one is None:
            return []
        walk = one.walks.get(self._playbook or one.current)
        return steps_rows(one, self.playbook(), walk, width, self.glyphs)

    def _page(self, width: int) -> list[Row]:
        one, found = self.incident(), self.here()
        if one is None or found is None:
            return [Row((Part(" choose a step at the left", "dim"),))]
        playbook, step = found
        place = (playbook.digest, step.id)
        page = StepPage(
            playbook,
            step,
            one,
            self.walks.found.get(place, {}),
            place in self.walks.looking,
            self.walks.printed,
            partial(shown_text, self.walks, one, playbook),
            partial(needs_of, self.walks, one, playbook),
            self.deck.now(),
            self.deck.zone,
        )
        return step_rows(page, width, self.glyphs)

    def _timeline(self, width: int) -> list[Row]:
        zone = UTC if self._utc else self.deck.zone
        entries, now = self.entries(), self.deck.now()
        return timeline_rows(entries, self._kind, zone, now, width, self.glyphs)

    def entries(self) -> list[Entry]:
        """The whole timeline, oldest first."""
        one = self.incident()
        if one is None:
            return []
        beside = self.walks.beside(one)
        basis = (id(one), len(beside), beside[-1].id if beside else "")
        if self._entries[0] != basis:
            self._entries = (basis, timeline(one, beside))
        return self._entries[1]

    # Going about

    @on(Pane.Moved, "#steps")
    def _moved(self, event: Pane.Moved) -> None:
        kind, _, identity = (event.key or "").partition(" ")
        if kind != "step" or identity == self._step:
            return
        self._step = identity
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(SHOW_AFTER_S, self._open_step)
        self.host.keep_place()

    def _open_step(self) -> None:
        """Show the step, and look with its diagnostics when it is opened for the first time."""
        if not self.ready:
            return
        page = self.pane("page")
        page.rebuild()
        page.action_edge(-1)
        found = self.here()
        if found is None:
            return
        place = (found[0].digest, found[1].id)
        if place not in self._looked and place not in self.walks.found:
            self._looked.add(place)
            self.walks.look(*found)

    def go_to(self, playbook: Playbook, step: Step | None) -> None:
        """Show a step, of this playbook or another."""
        self._playbook = playbook.id
        self._step = (
            step.id if step is not None else (playbook.steps[0].id if playbook.steps else "")
        )
        self.pane("steps").rebuild()
        self.pane("steps").want(f"step {self._step}")
        self._open_step()
        self.host.keep_place()

    def step_done(self) -> None:
        """The cursor goes on to the next step."""
        found = self.here()
        if found is None:
            return
        playbook, step = found
        number = playbook.steps.index(step) + 1
        if playbook.steps[number:]:
            self.go_to(playbook, playbook.steps[number])

    def action_pane(self, by: int) -> None:
        """tab: to the next pane."""
        names = [pane.id or "" for pane in map(self.pane, PANES)]
        focused = self.focused.id if self.focused is not None and self.focused.id else "steps"
        at = names.index(focused) if focused in names else 0
        self.pane(names[(at + by) % len(names)]).focus()

    def action_back(self) -> None:
        """esc, h: from pane to pane, then to where one came from."""
        if self.focused is not None and self.focused.id in ("page", "timeline"):
            self.pane("steps").focus()
        else:
            self.dismiss()

    @on(Pane.Chosen)
    def _chosen(self, event: Pane.Chosen) -> None:
        kind, _, rest = (event.key or "").partition(" ")
        match kind:
            case "step":
                self._begin_step()
            case "walk":
                playbook = self.walks.walking.playbook(rest)
                if playbook is not None:
                    one = self.incident()
                    walk = one.walks.get(rest) if one is not None else None
                    self.go_to(playbook, playbook.step(walk.at) if walk is not None else None)
            case "other":
                self._choose_playbook()
            case "tick":
                self.action_step("done")
            case "probe":
                self.action_look()
            case "row":
                self.action_run()
            case "command":
                self._open_command(int(rest))
            case "link":
                self._follow(int(rest))
            case "entry":
                self._open_entry(rest)

    def _begin_step(self) -> None:
        """enter on a step: it is begun, with the gauges as they are, and the cursor goes to it."""
        self._open_step()
        self.pane("page").focus()
        found, one = self.here(), self.incident()
        if found is None or one is None:
            return
        playbook, step = found
        walk = one.walks.get(playbook.id)
        if walk is None or walk.step(step.id).state in ("to do", "skipped"):
            values = self.walks.walking.values(playbook, one)
            self.work(self._begun(acts_step(one, playbook, step, values)))

    async def _begun(self, drafts: list[Draft]) -> None:
        await self.save(*drafts)

    def _choose_playbook(self) -> None:
        from opsdeck.screens.playbooks import PickPlaybook

        async def choose() -> None:
            chosen = await self.app.push_screen_wait(PickPlaybook())
            playbook = self.walks.walking.playbook(chosen) if chosen else None
            if playbook is None:
                return
            one = self.now_incident()
            if playbook.id in one.walks or await self.save(acts.open_playbook(one.id, playbook)):
                self.go_to(playbook, None)

        self.work(choose())

    def _follow(self, number: int) -> None:
        found = self.here()
        if found is None:
            return
        playbook, step = found
        link = step.links[number]
        target = follow(link, playbook, self.deck.config.file)
        if target is None:
            self.say(f"{link.target} is not there: the playbook's author must mend it", "warn")
            return
        other, there = target
        self.go_to(other, there)
        one = self.incident()
        if one is not None and other.id not in one.walks:
            self.work(self._begun([acts.open_playbook(one.id, other)]))

    # What is under the cursor

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
        found, one = self.here(), self.incident()
        kind, rest = self._under()
        if found is None or one is None:
            self.say("no step is chosen")
        elif kind == "row":
            self._end_operation(one, *found, rest)
        elif (number := self._command_here()) is not None:
            self._open_command(number, run=True)
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

    def _open_command(self, number: int, *, run: bool = False) -> None:
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
        found, number = self.here(), self._command_here()
        if found is None or number is None:
            self.say("put the cursor on a command first")
            return
        command = found[1].commands[number]
        self.work(edit_command(self.walks, self.now_incident(), found[0], command))

    def action_variables(self) -> None:
        """v: what placeholders stand for."""
        found = self.here()
        if found is None:
            self.say("no step is chosen")
            return
        self.work(edit_variables(self.walks, self.now_incident(), *found))

    def action_look(self) -> None:
        """c: look again."""
        found = self.here()
        if found is None or not found[1].probes:
            self.say("this step has nothing to look at")
            return
        self.walks.look(*found)
        self.pane("page").rebuild()

    # The timeline

    def action_kind(self) -> None:
        """F: the next kind of entries."""
        kinds = ["", *KINDS]
        self._kind = kinds[(kinds.index(self._kind) + 1) % len(kinds)]
        self.pane("timeline").rebuild()

    def action_zone(self) -> None:
        """z: UTC or the deck's zone."""
        self._utc = not self._utc
        self.pane("timeline").rebuild()

    def _open_entry(self, identity: str) -> None:
        entry = next((e for e in self.entries() if e.id == identity), None)
        if entry is None:
            return
        zone, now = (UTC if self._utc else self.deck.zone), self.deck.now()

        def build(width: int) -> list[Line]:
            lines = entry_lines(entry, zone, now, width, self.glyphs, 10_000)
            return [
                *lines,
                (),
                (Part(f" {visible(entry.id)}: e on the timeline corrects it", "dim"),),
            ]

        self.app.push_screen(Reader("Timeline", build))


def acts_step(
    one: Incident, playbook: Playbook, step: Step, values: list[dict[str, object]]
) -> list[Draft]:
    """The step is begun; its playbook is opened with it where it was not yet."""
    opened = [] if playbook.id in one.walks else [acts.open_playbook(one.id, playbook)]
    return [*opened, acts.step(one, playbook, step, "doing", gauges=values)]
