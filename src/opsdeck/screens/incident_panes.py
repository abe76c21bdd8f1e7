"""The three panes of an incident: its steps, the step in full, its timeline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo
from functools import partial

from textual import on
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget

from opsdeck.catalog.playbook import Playbook, Step
from opsdeck.deck import Touched
from opsdeck.gauges.gauge import Gauge
from opsdeck.incidents import acts
from opsdeck.incidents.model import Incident
from opsdeck.incidents.timeline import Entry, timeline
from opsdeck.screens.incident_keys import IncidentKeys
from opsdeck.screens.incident_rows import StatusOf, status_lines, steps_rows, timeline_rows
from opsdeck.screens.step_rows import StepPage, step_rows
from opsdeck.screens.step_texts import needs_of, shown_text
from opsdeck.session import Place
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, LineView, Part, Row
from opsdeck.widgets.panes import Pane

SHOW_AFTER_S = 0.15
"""The step beside follows the cursor once it rests."""
RENEW_EVERY_S = 60.0
PANES = ("steps", "page", "timeline")


class IncidentPanes(IncidentKeys):
    """What is shown, and where the operator stands in it."""

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
        self._built = ("", "")
        """Playbook and step that the page was built of last."""
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
            return f"Incident {visible(self.identity)}"
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
        self.set_interval(RENEW_EVERY_S, self.stay)

    async def _join(self, one: Incident) -> None:
        me = self.deck.operator
        if not one.over and me and me not in one.here(self.deck.now()):
            await self.host.commit_unasked([acts.present(one, here=True)])
        await self.walks.read_beside(one)
        self._show_all()
        self.open_step()

    async def stay(self) -> None:
        """Who reads here is here, though they say nothing: keys tell, an idle terminal does not."""
        one, me, now = self.incident(), self.deck.operator, self.deck.now()
        if one is None or not me or self not in self.app.screen_stack:
            return
        if one.fades(me, now, self.host.typed_at):
            await self.host.commit_unasked([acts.present(one, here=True, now=now, by=me)])

    def changed(self, touched: Touched | None) -> None:
        """Anything here may depend on anything."""
        self._show_all()

    def walks_changed(self) -> None:
        """A diagnostic answered, or a command printed."""
        self._rebuild_page()

    def _rebuild_page(self) -> None:
        """A step that was not shown before is read from its beginning."""
        before, page = self._built, self.pane("page")
        page.rebuild()
        if self._built != before:
            page.action_edge(-1)

    def gauges_changed(self) -> None:
        """New values."""
        self.view("status").rebuild()

    def _show_all(self) -> None:
        if self.ready:
            self.view("status").rebuild()
            self.pane("steps").rebuild()
            self._rebuild_page()
            timeline_pane = self.pane("timeline")
            newest = timeline_pane.follow_top()
            timeline_pane.rebuild()
            if newest:  # who looks at the newest entry goes on to do so
                timeline_pane.action_edge(-1)

    # The panes

    def _status(self, width: int) -> list[Line]:
        one = self.incident()
        if one is None:
            text = " this incident is not in the journal of this machine (yet)"
            return [(Part(text, "warn"),), ()]
        watching = self.host.watching
        gauges = self._gauges(one) if watching is not None else []
        end = watching.now() if watching is not None and not self.host.slow else None
        status = StatusOf(one, self.deck.config.contacts, self.walks.beside(one), self.deck.now())
        return status_lines(status, gauges, end, width, self.glyphs)

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
        self._built = (playbook.id, step.id)
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
        entries, now = self.entries(), self.deck.now()
        return timeline_rows(entries, self._kind, self.shown_zone, now, width, self.glyphs)

    @property
    def shown_zone(self) -> tzinfo:
        """UTC, or the deck's zone."""
        return UTC if self._utc else self.deck.zone

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
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        if (identity if kind == "step" else "") != self._step:
            self._resting = self.set_timer(SHOW_AFTER_S, self.open_step)

    @property
    def is_behind(self) -> bool:
        """Whether the page still shows the step before the one under the cursor."""
        return self._resting is not None

    def catch_up(self) -> None:
        """Before a key acts: the step under the cursor is the one that is shown."""
        if self._resting is not None:
            self.open_step()

    def open_step(self) -> None:
        """Show the step under the cursor, and look with its diagnostics when it is opened first."""
        if not self.ready:
            return
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
            kind, _, identity = (self.pane("steps").key or "").partition(" ")
            # On a row that is no step, keys act on none: not on the step that was shown before.
            self._step = identity if kind == "step" else ""
            if self._step:
                self.host.keep_place()
        found = self.here()
        place = (found[0].digest, found[1].id) if found is not None else None
        if found and place and place not in self._looked and place not in self.walks.found:
            self._looked.add(place)
            self.walks.look(*found)
        self._rebuild_page()  # last: it says that it is looking

    def go_to(self, playbook: Playbook, step: Step | None) -> None:
        """Show a step, of this playbook or another."""
        self._playbook = playbook.id
        self._step = (
            step.id if step is not None else (playbook.steps[0].id if playbook.steps else "")
        )
        self.pane("steps").rebuild()
        self.pane("steps").want(f"step {self._step}")
        self.open_step()
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
