"""A checklist in one run: the list, the item under the cursor, and what may be done with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from opsdeck.catalog.model import Checklist
from opsdeck.deck import Touched
from opsdeck.errors import UsageError
from opsdeck.journal.events import CHECKED, LOOKED
from opsdeck.runs.acts import Where
from opsdeck.runs.progress import RunView
from opsdeck.screens.checklist_rows import ItemRows
from opsdeck.screens.in_order import InOrder
from opsdeck.screens.item_lines import ItemText, commands_in
from opsdeck.screens.progress_line import checking_line, progress_line
from opsdeck.screens.reader import Reader
from opsdeck.screens.wording import occasion, run_title
from opsdeck.session import Place
from opsdeck.text import plural, visible
from opsdeck.widgets.lines import Line, LineView, Part, Row, cut, indented
from opsdeck.widgets.list import LineList

DETAIL_AFTER_S = 0.15
"""The detail follows the cursor once it rests, so that holding a key costs two rows a move."""


class ChecklistScreen(InOrder):
    """One checklist, walked."""

    CSS_PATH = "checklist.tcss"
    KEYS: ClassVar[tuple[str, ...]] = (
        "item.attest",
        "item.skip",
        "item.check",
        "list.check",
        "item.evidence",
        "item.note",
        "item.waive",
        "item.defer",
        "item.override",
        "item.unuse",
        "item.undo",
        "list.open",
        "list.next_open",
        "list.find",
    )
    LABELS: ClassVar[dict[str, str]] = {"list.open": "in full", "list.check": "all"}
    BINDINGS: ClassVar[list[BindingType]] = [
        *InOrder.BINDINGS,
        Binding(
            "slash", "find", "find", key_display="/", id="list.find", tooltip="Filter the items"
        ),
        Binding(
            "right_square_bracket",
            "sibling(1)",
            "next list",
            key_display="]",
            id="list.next",
            tooltip="The next checklist",
        ),
        Binding(
            "left_square_bracket",
            "sibling(-1)",
            show=False,
            key_display="[",
            id="list.previous",
            tooltip="The checklist before",
        ),
        Binding(
            "y", "copy", show=False, id="item.copy", tooltip="Copy the guide's next command, unrun"
        ),
        Binding("p", "older(1)", "past", id="run.older", tooltip="The run before this one"),
        Binding("P", "older(-1)", show=False, id="run.newer", tooltip="The run after this one"),
        Binding("R", "release", show=False, id="release.start", tooltip="Start a release"),
        Binding("escape,q,h,left", "back", show=False, id="screen.back", tooltip="Back"),
    ]

    def __init__(self, checklist_id: str, run: str | None = None, item: str | None = None) -> None:
        super().__init__()
        self._checklist_id = checklist_id
        self._run = run
        self._first = item
        self._query = ""
        self._resting: Timer | None = None
        self._shown: str | None = None
        self._item_rows: ItemRows | None = None
        self._copied = ("", 0)
        self._view_for: tuple[object, ...] = ()
        self._view: RunView | None = None
        self._run_shown: str | None = None

    # What is shown

    @property
    def checklist(self) -> Checklist | None:
        """The checklist as the catalog has it now; None when it was taken out."""
        return self.deck.catalog.checklist(self._checklist_id)

    def run_view(self) -> RunView | None:
        """The run on screen; the current one unless the operator went back to an older one."""
        checklist, deck = self.checklist, self.deck
        if checklist is None:
            return None
        # One rebuild asks for it several times over.
        second = int(deck.now().timestamp())
        basis = (checklist, self._run, deck.state, deck.state.count, second)
        if self._view is None or basis != self._view_for:
            self._view, self._view_for = deck.view(checklist, self._run), basis
        return self._view

    def has_item(self) -> bool:
        """Whether the cursor stands on an item."""
        return self.ready and self.items.key is not None

    def where(self) -> Where | None:
        """The item under the cursor."""
        checklist, key = self.checklist, self.items.key
        if checklist is None or key is None:
            return None
        try:
            return self.deck.where(checklist, key, self._run or self._run_shown)
        except UsageError:
            return None

    @property
    def items(self) -> LineList:
        """The list."""
        return self.query_one("#items", LineList)

    def body(self) -> Iterable[Widget]:
        """Progress, list and detail."""
        items = LineList(self._rows, self.glyphs.cursor, id="items")
        items.want(self._first or self.first_key())
        find = Input(id="find", placeholder="words to find; enter keeps them, esc shows all")
        find.cursor_blink = False
        find.can_focus = False
        yield LineView(self._progress, id="progress")
        yield Container(
            items,
            LineView(self._split, id="split"),
            LineView(self._detail, id="detail"),
            id="work",
        )
        yield find

    def heading(self) -> str:
        """Which list, which occasion."""
        checklist = self.checklist
        if checklist is None:
            return visible(self._checklist_id)
        return run_title(checklist, self._run or self.deck.current_run(checklist))

    def changed(self, touched: Touched | None) -> None:
        """Rows and progress now; the detail too if it was one's own act, else at the next rest."""
        before = self._run_shown
        self.items.rebuild()
        self.follow_order()
        self.view("progress").rebuild()
        if touched and any(event.by == self.deck.operator for _, event in touched.events):
            self._rested()
        else:
            self._rest()
        self._tell_of_others(touched)
        self.check_stale()
        now = self._run_shown
        if self._run is None and before and now and before != now:
            self.say(f"{occasion(now)} has begun: this is its list; p shows {occasion(before)}")

    def on_mount(self) -> None:
        """What has aged out may be looked at by itself."""
        super().on_mount()
        self.follow_order()
        self.check_stale()

    def place(self) -> Place | None:
        """This list, this item."""
        key = self.items.key if self.ready else self._first
        return self.host.place_of(checklist=self._checklist_id, run=self._run, key=key)

    def _tell_of_others(self, touched: Touched | None) -> None:
        view = self.run_view()
        for _, event in touched.events if touched and view else ():
            if event.type in (CHECKED, LOOKED) or event.by == self.deck.operator:
                continue
            if event.data.get("run") == (view and view.run):
                what = event.type.removeprefix("item.").replace("reopened", "took back")
                what = "skipped" if event.data.get("skipped") is True else what
                self.say(f"{event.by} {what} {event.data.get('item')}", "accent")

    def _rows(self, width: int) -> list[Row]:
        view = self.run_view()
        self._run_shown = view.run if view else None
        if view is None:
            gone = Part("   this list is no longer in the catalog; esc goes back", "warn")
            return [Row(cut((gone,), width, self.glyphs.ellipsis))]
        run = self.deck.state.run(view.run) if view.run else None
        entries = run.entries if run else {}
        order = self.order()
        noted = {
            item
            for item, entry in entries.items()
            if any(note != order.skipped.get(item) for note in entry.standing_notes())
        }
        if self._item_rows is None:
            self._item_rows = ItemRows(self.glyphs, self.deck.zone)
        checking = {item for run, item in self.host.checking.under_way if run == view.run}
        return self._item_rows.build(view, width, noted, self._query, checking, order)

    def _progress(self, width: int) -> list[Line]:
        view, checking = self.run_view(), self.host.checking
        line: Line = ()
        if checking.running:
            line = checking_line(checking, self.glyphs, width)
        elif view is not None:
            order = self.order()
            line = progress_line(view, self.deck, self.glyphs, self._query, order, width)
        return [line, self._rule(width)]

    def _rule(self, width: int) -> Line:
        return (Part(self.glyphs.rule * width, "dim"),)

    def _split(self, width: int) -> list[Line]:
        return [self._rule(width)]

    def _detail(self, width: int) -> list[Line]:
        where = self.shown_item()
        if where is None:
            return []
        # The margin is part of the text: as padding it would be sent apart, line by line.
        margin = 2 if self.has_class("-wide") else 1
        room = self.view("detail").size.height
        text = ItemText(self.deck, self.glyphs, where, self.order())
        lines = text.short(width - margin - 1, room)
        lines = [indented(line, margin) for line in lines]
        if room and len(lines) > room:
            more = f"{self.glyphs.ellipsis} {plural(len(lines) - room + 1, 'more line')}: enter"
            lines = [*lines[: room - 1], indented((Part(more, "dim"),), margin)]
        return lines

    def shown_item(self) -> Where | None:
        """The item under the cursor, also while no release is open: then it can only be read."""
        where = self.where()
        if where is not None:
            return where
        view = self.run_view()
        item = view.checklist.item(self.items.key or "") if view and view.run is None else None
        if view is None or item is None:
            return None
        return Where(view.checklist, item, "", view.statuses[view.checklist.items.index(item)])

    # Moving about

    @on(LineList.Moved)
    def _cursor_moved(self, event: LineList.Moved) -> None:
        if self._shown is None or event.key is None:
            self._rested()
            self.view("keys").rebuild()
        else:
            self._rest()

    def _rest(self) -> None:
        if self._resting is None:
            self._resting = self.set_timer(DETAIL_AFTER_S, self._rested)
        else:
            self._resting.reset()

    def _rested(self) -> None:
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        self._shown = self.items.key
        self.view("detail").rebuild()
        if self.checklist and self.checklist.read_do:
            self.view("keys").rebuild()
        self.host.keep_place()

    @on(LineList.Chosen)
    def _open_item(self) -> None:
        where = self.shown_item()
        if where is None:
            return
        text = visible(where.item.text)

        def build(width: int) -> list[Line]:
            now = self.where() or where
            return ItemText(self.deck, self.glyphs, now, self.order()).full(width)

        self.app.push_screen(Reader(text, build))

    def action_sibling(self, by: int) -> None:
        """The checklist after or before this one."""
        lists = [c.id for c in self.deck.catalog.checklists]
        if self._checklist_id not in lists:
            return
        self._checklist_id = lists[(lists.index(self._checklist_id) + by) % len(lists)]
        self._run, self._run_shown, self._query = None, None, ""
        self.items.top = 0
        self.items.want(self.first_key())
        self.state_changed(None)
        self.view("detail").rebuild()
        self.host.keep_place()

    def action_older(self, by: int) -> None:
        """An older or newer run of this list."""
        checklist = self.checklist
        if checklist is None:
            return
        runs = self.deck.runs_of(checklist)
        current = self._run or self.deck.current_run(checklist)
        if current not in runs:
            self.say("there is no older run of this list")
            return
        index = runs.index(current) - by
        if not 0 <= index < len(runs):
            self.say("there is no older run of this list" if by > 0 else "this is the newest run")
            return
        newest = runs[index] == self.deck.current_run(checklist)
        self._run, self._run_shown = None if newest else runs[index], None
        self.state_changed(None)
        self.view("detail").rebuild()

    def checking_changed(self) -> None:
        """Glyphs and the line above them say how far the checks are."""
        self.items.rebuild()
        self.view("progress").rebuild()

    def action_back(self) -> None:
        """To the screen before; a check under way is stopped first, then a search, a filter."""
        if self.host.checking.running:
            self.host.checking.stop()
        elif self._finding():
            self._filter("")
            self._leave_find()
        elif self._query:
            self._filter("")
        else:
            self.dismiss()

    def action_copy(self) -> None:
        """Copy what the guide says to type, one command a time, through the terminal (OSC 52)."""
        where = self.shown_item()
        commands = commands_in(where.item.guide) if where else []
        if where is None or not commands:
            self.say("this guide has no command to copy")
            return
        last, turn = self._copied
        turn = (turn + 1) % len(commands) if last == where.item.id else 0
        self._copied = (where.item.id, turn)
        self.app.copy_to_clipboard(commands[turn])
        self.say(f"copied {turn + 1} of {len(commands)}: {commands[turn]}")

    # Finding

    def action_find(self) -> None:
        """Filter as you type."""
        find = self.query_one("#find", Input)
        find.add_class("-shown")
        find.can_focus = True
        find.value = self._query
        self.set_focus(find)  # at once: what is typed behind the / goes there

    def _filter(self, query: str) -> None:
        self._query = query
        self.items.rebuild()
        self.view("progress").rebuild()

    @on(Input.Changed, "#find")
    def _typed(self, event: Input.Changed) -> None:
        if event.input.has_focus:
            self._filter(event.value)

    @on(Input.Submitted, "#find")
    def _found(self) -> None:
        self._leave_find()

    def _leave_find(self) -> None:
        find = self.query_one("#find", Input)
        find.remove_class("-shown")
        find.can_focus = False
        self.set_focus(self.items)

    def _finding(self) -> bool:
        return self.query_one("#find", Input).has_class("-shown")
