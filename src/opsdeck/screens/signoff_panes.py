"""What the sign-off screen shows: form, gate and all releases, side by side where there is room."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual import on
from textual.containers import Container
from textual.widget import Widget

from opsdeck.screens.signoff_form import form_rows
from opsdeck.screens.signoff_lines import (
    NO_RELEASE,
    gate_title,
    next_lines,
    status_line,
    tabs_line,
    two_lines,
)
from opsdeck.screens.signoff_look import MOST_VERIFIED, SignoffLook
from opsdeck.screens.signoff_rows import gate_rows, past_rows
from opsdeck.screens.signoff_shown import Shown
from opsdeck.session import Place
from opsdeck.signoff.model import Role
from opsdeck.signoff.releases import heads
from opsdeck.signoff.sentences import lacking, waits_for
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, LineView, Part, Row
from opsdeck.widgets.panes import Pane

PANES = ("form", "gate", "past")
ALL_RELEASES = "All releases"
SHORT = 20
"""With fewer lines there is no room for a word on who is here."""

_OPENS = {
    "field": "change",
    "notes": "write",
    "role": "sign",
    "signed": "signature",
    "content": "what changed",
    "rule": "say",
    "release": "show it",
}
"""What enter does on a row, by the kind of its key."""


class SignoffPanes(SignoffLook):
    """The panes, the lines around them, and where the operator stands."""

    def __init__(self) -> None:
        super().__init__()
        self._front = "form"
        self._keys_said: tuple[object, ...] = ()

    def place(self) -> Place | None:
        """The pane's row."""
        return self.host.place_of(key=f"{self._front} {self.opened or ''}".strip())

    def start_at(self, key: str | None) -> None:
        """Come back to the pane and the release."""
        front, _, name = (key or "").partition(" ")
        if front in PANES:
            self._front = front
        self.opened = name or None
        if self.ready:
            self.show_pane(self._front)
            self.look_soon()

    def body(self) -> Iterable[Widget]:
        """How it stands, the tabs, the panes, and what to do next."""
        yield LineView(self._status, id="status")
        yield LineView(self._tabs, id="tabs")
        glyph = self.glyphs.cursor
        with Container(id="panes"):
            yield Pane(self._form, glyph, id="form")
            yield Pane(self._gate, glyph, id="gate")
            past = Pane(self._past, glyph, id="past")
            past.border_title = ALL_RELEASES
            yield past
        yield LineView(self._next, id="next")

    def pane(self, name: str) -> Pane:
        """One of the three."""
        return self.query_one(f"#{name}", Pane)

    def on_mount(self) -> None:
        """The pane of the last session is in front."""
        super().on_mount()
        self.set_class(self.glyphs.ascii, "-ascii")
        self.show_pane(self._front)

    def show_pane(self, name: str) -> None:
        """Bring a pane to the front, with the cursor."""
        self._front = name
        for each in PANES:
            self.pane(each).set_class(each == name, "-front")
        self.pane(name).focus()
        self.view("tabs").rebuild()
        self.host.keep_place()

    @property
    def front(self) -> str:
        """The pane that keys go to."""
        return self._front

    # Showing

    def show(self) -> None:
        """Build all of it again; what differs is painted."""
        if not self.ready:
            return
        for name in ("status", "tabs", "next"):
            self.view(name).rebuild()
        for name in PANES:
            self.pane(name).rebuild()
        self._make_room()
        self.show_keys()

    def on_resize(self) -> None:
        """All releases take no more room than they need."""
        if self.ready:
            self._make_room()

    def _make_room(self) -> None:
        """Beneath form and gate at most a quarter is for all releases; a short terminal has one
        line for what to do next, or two where it takes them."""
        rows = max(1, min(self.pane("past").line_count, self.size.height // 4)) + 1
        panes = self.query_one("#panes")
        if self._rows_of_past != rows:
            self._rows_of_past = rows
            panes.styles.grid_rows = f"1fr {rows}"
        self.set_class(len(self._next(self.size.width)) > 1, "-two")

    _rows_of_past = 0

    @on(Pane.Moved)
    def _moved(self) -> None:
        self.show_keys()

    def show_keys(self) -> None:
        """Name the keys that apply, if they are others than before."""
        said = self.keys_apply()
        if said != self._keys_said:
            self._keys_said = said
            self.view("keys").rebuild()

    def keys_apply(self) -> tuple[object, ...]:
        """What the keys that are named depend on."""
        return (self.opens(),)

    def opens(self) -> str:
        """What enter does in the row under the cursor."""
        kind, _, rest = (self.pane(self._front).key or "").partition(" ")
        if kind == "rule" and self.seen is not None:
            rule = next((r for r in self.seen.gate.rules if r.id == rest), None)
            if rule is not None and rule.items:
                return "its item" if len(rule.items) == 1 else "its items"
        return _OPENS.get(kind, "open")

    # What is shown

    def shown(self) -> Shown | None:
        """What the rows are made of; None while nothing was looked at."""
        seen = self.seen
        if seen is None:
            return None
        rules, deck = self.signing.rules, self.deck
        return Shown(
            seen=seen,
            rules=rules,
            proofs=self.proofs.known,
            waits={role: self._waits(role) for role in lacking(rules, seen.gate)},
            draft=self.draft,
            now=deck.now(),
            zone=deck.zone,
            glyphs=self.glyphs,
        )

    def _waits(self, role: Role) -> str:
        seen, rules = self.seen, self.signing.rules
        if seen is None:
            return ""
        refusal = partial(seen.refusal, rules)
        return waits_for(rules, self.deck.config.operators, role, seen.gate, refusal)

    def _waiting(self) -> list[Row]:
        if self.release_name() is None:
            words = "   no release was ever started: R starts one"
        elif self.trouble:
            words = f"   {visible(self.trouble)}"
        else:
            words = "   looking at the journal ..."
        return [Row((Part(self.glyphs.plain(words), "dim"),))]

    def _form(self, width: int) -> list[Row]:
        shown = self.shown()
        return form_rows(shown, width) if shown is not None else self._waiting()

    def _gate(self, width: int) -> list[Row]:
        shown = self.shown()
        if shown is not None:
            return gate_rows(shown, width)
        return [] if self.has_class("-wide") else self._waiting()

    def _past(self, width: int) -> list[Row]:
        deck, found = self.deck, heads(self.deck.state)
        unasked = {one.name for one in found[:MOST_VERIFIED]}
        return past_rows(
            found,
            self.release_name() or "",
            lambda one: self.proof_of(one, one.name in unasked),
            deck.now(),
            deck.zone,
            width,
            self.glyphs,
        )

    def _status(self, width: int) -> list[Line]:
        shown = self.shown()
        return [status_line(shown, width)] if shown is not None else [()]

    def _tabs(self, width: int) -> list[Line]:
        titles = {"form": "Form", "gate": gate_title(self.seen), "past": ALL_RELEASES}
        return [tabs_line(titles, self._front, width, self.glyphs)]

    def _next(self, width: int) -> list[Line]:
        """Who is here, who is missing, what to do next."""
        if self.release_name() is None:
            return two_lines(NO_RELEASE, width, self.glyphs)
        shown = self.shown()
        if shown is None:
            return []
        deck, short = self.deck, self.size.height < SHORT
        return next_lines(shown, deck.operator, deck.config.operators, width, short=short)
