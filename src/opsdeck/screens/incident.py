"""An incident as it is walked: steps at the left, the step beside them, the timeline."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.catalog.playbooks import follow
from opsdeck.incidents import acts
from opsdeck.incidents.model import Incident
from opsdeck.incidents.timeline import KINDS
from opsdeck.journal.writing import Draft
from opsdeck.screens.incident_commands import IncidentCommands
from opsdeck.screens.incident_keys import IncidentKeys
from opsdeck.screens.incident_panes import PANES
from opsdeck.screens.incident_rows import entry_lines
from opsdeck.screens.reader import Reader
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, Part
from opsdeck.widgets.panes import Pane


class IncidentScreen(IncidentCommands):
    """One incident."""

    CSS_PATH = "incident.tcss"
    AUTO_FOCUS = "#steps"
    HORIZONTAL_BREAKPOINTS = [
        (0, "-tiny"),
        (60, "-narrow"),
        (112, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [
        (0, "-low"),
        (12, "-high"),
    ]
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
            id="command.run",
            tooltip="Run the command under the cursor",
        ),
        Binding("e", "edit", show=False, id="command.edit", tooltip="Edit the command, or correct"),
        Binding("v", "variables", show=False, id="command.variables", tooltip="Set variables"),
        Binding("c", "look", "look", id="step.look", tooltip="Look again with its diagnostics"),
        Binding(
            "o", "keep", show=False, id="step.keep", tooltip="Keep what was seen, on the timeline"
        ),
        Binding("tab", "pane(1)", show=False, id="incident.pane", tooltip="The next pane"),
        Binding(
            "shift+tab", "pane(-1)", show=False, id="incident.pane_back", tooltip="The one before"
        ),
        Binding("F", "kind", show=False, id="timeline.kind", tooltip="One kind of entries, or all"),
        Binding("z", "zone", show=False, id="timeline.zone", tooltip="UTC, or the deck's zone"),
        Binding("escape,q,h,left", "back", show=False, id="screen.back", tooltip="Back"),
    ]

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
        waits = self.is_behind
        self.catch_up()
        if waits and event.sender.id == "page":
            return  # it was of the step before
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
                self.open_row(rest)
            case "command":
                self.open_command(int(rest))
            case "link":
                self._follow(int(rest))
            case "entry":
                self._open_entry(rest)

    def _begin_step(self) -> None:
        """enter on a step: it is begun, with the gauges as they are, and the cursor goes to it."""
        self.open_step()
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
        from opsdeck.screens.playbooks import pick_playbook

        async def choose() -> None:
            chosen = await self.app.push_screen_wait(pick_playbook(self.host))
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
        zone, now = self.shown_zone, self.deck.now()

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
