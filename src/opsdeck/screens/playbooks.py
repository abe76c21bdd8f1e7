"""The Playbooks screen: incidents that are open, every playbook, incidents that are over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from opsdeck.catalog.playbooks import playbook_files, playbook_title
from opsdeck.deck import Touched
from opsdeck.incidents.model import Incident
from opsdeck.playbook_facts import Facts, facts_of
from opsdeck.screens.gauge_keys import open_playbook
from opsdeck.screens.incident_rows import STATE_STYLES, elapsed
from opsdeck.screens.pick import Pick
from opsdeck.screens.rows import RowsFrame
from opsdeck.screens.starting import begin_incident
from opsdeck.screens.wording import when
from opsdeck.text import plural, visible
from opsdeck.widgets.lines import Line, Part, Row, cut, fit
from opsdeck.widgets.list import LineList

if TYPE_CHECKING:
    from opsdeck.screens.host import DeckHost

MOST_OVER = 200


class PlaybooksScreen(RowsFrame):
    """Everything there is to walk."""

    KEYS: ClassVar[tuple[str, ...]] = ("list.open", "incident.start", "list.find")
    LABELS: ClassVar[dict[str, str]] = {"list.open": "open"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "i", "incident", "incident", id="incident.start", tooltip="Start an incident with it"
        ),
        Binding("p", "contacts", "contacts", id="incident.contacts", tooltip="Whom to call"),
        Binding("slash", "find", "find", key_display="/", id="list.find", tooltip="Filter"),
        Binding("escape", "clear", show=False, id="playbooks.all", tooltip="No filter"),
    ]
    DEFAULT_CSS = """
    PlaybooksScreen #find { display: none; height: 1; border: none; padding: 0 1;
        background: $boost; }
    PlaybooksScreen #find.-shown { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._facts: dict[str, Facts] = {}
        self._query = ""
        self._reading = False

    def heading(self) -> str:
        """How many are open."""
        count = sum(not one.over for one in self.host.walks.walking.incidents())
        return f"Playbooks   {plural(count, 'incident')} open" if count else "Playbooks"

    def body(self) -> Iterable[Widget]:
        """One list, and a line to filter it."""
        rows = LineList(self._rows, self.glyphs.cursor, id="rows")
        rows.want(self.first)
        yield rows
        find = Input(id="find", placeholder="part of a title; enter keeps it, esc clears it")
        find.cursor_blink = False
        find.can_focus = False
        yield find

    def on_mount(self) -> None:
        """Read all playbooks, off the event loop."""
        super().on_mount()
        self._read_soon()

    def on_screen_resume(self) -> None:
        """They may have been edited meanwhile."""
        super().on_screen_resume()
        if self.ready:
            self._read_soon()

    def _read_soon(self) -> None:
        """Not twice at once: what changed meanwhile is read the next time."""
        if not self._reading:
            self._reading = True
            self.run_worker(self._read(), group="facts")

    async def _read(self) -> None:
        from opsdeck.probes.blocking import in_thread

        walking = self.host.walks.walking
        config, environ, walks = self.deck.config, walking.environ, walking.walked()
        try:
            found = await in_thread(lambda: facts_of(config, environ, walks))
        finally:
            self._reading = False
        self._facts = {facts.id: facts for facts in found}
        if self.ready:
            self.rows.rebuild()

    def changed(self, touched: Touched | None) -> None:
        """Something was walked."""
        self.rows.rebuild()
        self.view("header").rebuild()
        if touched is not None and any("incident" in e.data for _, e in touched.events):
            self._read_soon()

    # The rows

    def _rows(self, width: int) -> list[Row]:
        incidents = self.host.walks.walking.incidents()
        running = [one for one in incidents if not one.over and self._fits(one.title)]
        over = [one for one in incidents if one.over and self._fits(one.title)][:MOST_OVER]
        rows: list[Row] = []
        if running:
            rows += [self._section("OPEN INCIDENTS", width)]
            rows += [self._incident(one, width) for one in running]
        rows.append(self._section("PLAYBOOKS", width))
        rows += self._playbooks(width)
        if over:
            rows.append(self._section("RESOLVED", width))
            rows += [self._incident(one, width) for one in over]
        return rows

    def _fits(self, text: str) -> bool:
        return self._query.casefold() in text.casefold()

    def _section(self, name: str, width: int) -> Row:
        rule = self.glyphs.rule * max(0, width - cell_len(name) - 2)
        return Row((Part(f" {name} ", "title"), Part(rule, "dim")))

    def _incident(self, one: Incident, width: int) -> Row:
        now = self.deck.now()
        at = when(one.started_at, now, self.deck.zone)
        lasted = elapsed(one.started_at, one.resolved_at or now if one.over else now)
        state = f"{one.state} {lasted}"
        head = f"   {visible(one.severity):<8} "
        right = f"  {state:<22} {at:>9} "
        room = width - cell_len(head) - cell_len(right)
        title = fit(self.glyphs.plain(visible(one.title)), max(8, room), self.glyphs.ellipsis)
        style = STATE_STYLES[one.state]
        line: Line = (
            Part(head, style),
            Part(title, "strong"),
            Part(right, style if not one.over else "dim"),
        )
        return Row(cut(line, width, self.glyphs.ellipsis), f"incident {one.id}")

    def _playbooks(self, width: int) -> list[Row]:
        files = playbook_files(self.deck.config.file)
        rows = []
        for identity in files:
            facts = self._facts.get(identity)
            title = facts.title if facts is not None else identity
            if self._fits(title) or self._fits(identity):
                rows.append(self._playbook(identity, title, facts, width))
        if files.left_out:
            said = f"   {self.glyphs.plain(visible(files.left_out))}"
            rows.append(Row(cut((Part(said, "warn"),), width, self.glyphs.ellipsis)))
        nothing = "   none of this name" if self._query else "   no runbooks/*.md is there"
        return rows or [Row((Part(nothing, "dim"),))]

    def _playbook(self, identity: str, title: str, facts: Facts | None, width: int) -> Row:
        glyphs, now, zone = self.glyphs, self.deck.now(), self.deck.zone
        right, style = "", "dim"
        if facts is not None:
            last = facts.last_walked
            walked = f"walked {when(last, now, zone)}" if last else "never walked"
            right = f"{plural(facts.steps, 'step'):>8}  {walked:<16}"
            if facts.rot:
                right, style = f"{len(facts.rot)} missing  {walked:<16}", "warn"
        head = "     "
        room = width - cell_len(head) - cell_len(right) - 2
        name = fit(glyphs.plain(visible(title)), max(8, room), glyphs.ellipsis)
        line: Line = (Part(head), Part(name), Part(f"  {right}", style))
        return Row(cut(line, width, glyphs.ellipsis), f"playbook {identity}")

    # Keys

    @on(LineList.Chosen)
    def _open(self, event: LineList.Chosen) -> None:
        kind, _, identity = (event.key or "").partition(" ")
        if kind == "incident":
            self.host.open_incident(identity)
        elif kind == "playbook":
            facts = self._facts.get(identity)
            open_playbook(self, identity, facts.rot if facts is not None else ())

    def action_incident(self) -> None:
        """i: an incident with the playbook under the cursor."""
        kind, _, identity = (self.rows.key or "").partition(" ")
        begin_incident(self.host, playbook=identity if kind == "playbook" else "")

    def action_contacts(self) -> None:
        """p: whom to call."""
        from opsdeck.screens.contacts import open_contacts

        open_contacts(self.host)

    def action_find(self) -> None:
        """/: part of a title."""
        find = self.query_one("#find", Input)
        find.add_class("-shown")
        find.can_focus = True
        self.set_focus(find)

    @on(Input.Changed, "#find")
    def _typed(self, event: Input.Changed) -> None:
        self._query = event.value.strip()
        self.rows.rebuild()

    @on(Input.Submitted, "#find")
    def _submitted(self) -> None:
        self._leave_find()

    def action_clear(self) -> None:
        """esc: everything again."""
        self.query_one("#find", Input).value = ""
        self._query = ""
        self._leave_find()
        self.rows.rebuild()

    def _leave_find(self) -> None:
        find = self.query_one("#find", Input)
        if not self._query:
            find.remove_class("-shown")
        find.can_focus = False
        self.set_focus(self.rows)


def pick_playbook(host: DeckHost) -> Pick:
    """Which playbook?"""
    glyphs, file = host.glyphs, host.deck.config.file

    def rows(_width: int) -> list[Row]:
        return [
            Row((Part(f"  {glyphs.plain(visible(playbook_title(identity, file)))}"),), identity)
            for identity in playbook_files(file)
        ] or [Row((Part("no runbooks/*.md is there", "dim"),))]

    return Pick("Which playbook?", rows, glyphs, does="walk it")
