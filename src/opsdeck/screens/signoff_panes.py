"""What the sign-off screen shows, and how it comes to know it without keeping anybody waiting."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from textual.containers import Container
from textual.widget import Widget

from opsdeck.deck import Touched
from opsdeck.errors import OpsDeckError
from opsdeck.probes.blocking import in_thread
from opsdeck.screens.proofs import Proofs
from opsdeck.screens.releasing import Releasing
from opsdeck.screens.signoff_rows import (
    Proof,
    Shown,
    form_rows,
    gate_rows,
    past_rows,
    status_line,
)
from opsdeck.session import Place
from opsdeck.signing import Seen, Signing
from opsdeck.signoff.model import Release, Role
from opsdeck.signoff.releases import heads
from opsdeck.signoff.sentences import lacking, next_step, waits_for, who
from opsdeck.text import visible
from opsdeck.widgets.lines import Line, LineView, Part, Row, cut, wrap
from opsdeck.widgets.panes import Pane

PANES = ("form", "gate", "past")
TITLES = {"form": "Form", "gate": "Gate", "past": "All releases"}


class SignoffPanes(Releasing):
    """Form, gate and past sign-offs of the current release, or of the one that was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: str | None = None
        """The release that was opened; None: the current one."""
        self.seen: Seen | None = None
        self._trouble = ""
        self._looking = False
        self._again = False
        self._front = "form"
        self._proofs: Proofs | None = None
        self._signing: Signing | None = None

    @property
    def signing(self) -> Signing:
        """What may be done with sign-offs."""
        if self._signing is None or self._signing.deck is not self.deck:
            self._signing = Signing(self.deck, self.deck.environ)
        return self._signing

    @property
    def proofs(self) -> Proofs:
        """What came of verifying signatures."""
        if self._proofs is None:
            self._proofs = Proofs(self.signing, self._rebuild)
        return self._proofs

    def release_name(self) -> str | None:
        """The release that is shown."""
        if self.opened is not None and self.opened in self.deck.state.releases:
            return self.opened
        return self.deck.release() or next((one.name for one in heads(self.deck.state)), None)

    def heading(self) -> str:
        """Which release."""
        name = self.release_name()
        return f"Sign-off {visible(name)}" if name else "Sign-off"

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
            yield Pane(self._past, glyph, id="past")
        yield LineView(self._next, id="next")

    def pane(self, name: str) -> Pane:
        """One of the three."""
        return self.query_one(f"#{name}", Pane)

    def on_mount(self) -> None:
        """Look at once; what is there is shown as it comes."""
        super().on_mount()
        self.set_class(self.glyphs.ascii, "-ascii")
        self.show_pane(self._front)
        self.look_soon()
        self.app.run_worker(self._recall(), group="draft")

    async def _recall(self) -> None:
        """Say that notes wait that were typed before the session ended."""
        from opsdeck.screens.notes import Draft

        name, deck = self.release_name(), self.deck
        if name is not None:
            draft = Draft(deck.journal.home, name, deck.operator)
            if await self.host.journal_thread.run(draft.read) is not None:
                self.say("notes that you typed are not saved yet: n goes on with them", "warn")

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

    # Looking

    def changed(self, touched: Touched | None) -> None:
        """Anything may change what would be signed; the clock changes what is fresh."""
        self._rebuild()
        self.look_soon()

    def look_soon(self) -> None:
        """Look, unless a look is under way: then once more after it."""
        if self._looking:
            self._again = True
            return
        self._looking = True
        self.run_worker(self._look(), group="look")

    async def _look(self) -> None:
        try:
            while True:
                self._again = False
                await self._look_once()
                if not self._again:
                    break
        finally:
            self._looking = False

    async def _look_once(self) -> None:
        name = self.release_name()
        if name is None:
            self.seen = None
        else:
            try:
                seen = await self.look(name)
            except OpsDeckError as error:
                self.seen, self._trouble = None, str(error)
            else:
                self.seen, self._trouble = seen, ""
        self._rebuild()
        if self.seen is not None:
            self.proofs.want(self.seen.release)
        for one in heads(self.deck.state)[:20]:
            if one.signatures:
                self.proofs.want(self.signing.release(one.name))

    async def look(self, name: str) -> Seen:
        """How a release stands now; what waits for the disk waits in a thread of its own."""
        signing = self.signing
        release = signing.release(name)
        base = signing.base(release)
        data = await in_thread(partial(signing.fetch, base)) if base is not None else None
        planned = signing.plan(release, data)
        return await in_thread(partial(signing.seen, planned))

    def _rebuild(self) -> None:
        if not self.ready:
            return
        for name in ("status", "tabs", "next"):
            self.view(name).rebuild()
        for name in PANES:
            self.pane(name).rebuild()

    # What is shown

    def shown(self) -> Shown | None:
        """What the rows are made of; None while nothing was looked at."""
        seen = self.seen
        if seen is None:
            return None
        rules = self.signing.rules
        waits = {role: self._waits(seen, role) for role in lacking(rules, seen.gate)}
        deck, proofs = self.deck, self.proofs.known
        return Shown(seen, rules, proofs, waits, deck.now(), deck.zone, self.glyphs)

    def _waits(self, seen: Seen, role: Role) -> str:
        rules = self.signing.rules
        refusal = partial(seen.refusal, rules)
        return waits_for(rules, self.deck.config.operators, role, seen.gate, refusal)

    def _waiting(self) -> list[Row]:
        if self.release_name() is None:
            words = "   no release was ever started: R starts one"
        elif self._trouble:
            words = f"   {visible(self._trouble)}"
        else:
            words = "   looking at the journal ..."
        return [Row((Part(self.glyphs.plain(words), "dim"),))]

    def _form(self, width: int) -> list[Row]:
        shown = self.shown()
        return form_rows(shown, width) if shown is not None else self._waiting()

    def _gate(self, width: int) -> list[Row]:
        shown = self.shown()
        return gate_rows(shown, width) if shown is not None else self._waiting()

    def _past(self, width: int) -> list[Row]:
        deck = self.deck
        return past_rows(
            heads(deck.state),
            self.release_name() or "",
            self._proof_of,
            deck.now(),
            deck.zone,
            width,
            self.glyphs,
        )

    def _proof_of(self, one: Release) -> Proof:
        """The worst of what is known of a release's last signatures."""
        return self.proofs.of_release(one)

    def _status(self, width: int) -> list[Line]:
        shown = self.shown()
        return [status_line(shown, width)] if shown is not None else [()]

    def _tabs(self, width: int) -> list[Line]:
        """Which panes there are, the one in front first of all."""
        gate = self.seen.gate if self.seen is not None else None
        failing = len(gate.closed_by) if gate is not None else 0
        beside = {"gate": f" {failing} closed" if failing else "", "form": "", "past": ""}
        parts: list[Part] = [Part(" ")]
        for name in PANES:
            text = f"{TITLES[name]}{beside[name]}"
            front = name == self._front
            parts.append(Part(f"[{text}]" if front else f" {text} ", "title" if front else "dim"))
            parts.append(Part("  "))
        parts += [Part("tab", "accent"), Part(" the next one", "dim")]
        return [cut(tuple(parts), width, self.glyphs.ellipsis)]

    def _next(self, width: int) -> list[Line]:
        """Who is here, who is missing, what to do next."""
        seen = self.seen
        if seen is None:
            return []
        rules, deck = self.signing.rules, self.deck
        said = next_step(
            seen.release,
            seen.gate,
            rules,
            deck.operator,
            deck.config.operators,
            partial(seen.refusal, rules),
        )
        plain = self.glyphs.plain
        room = max(8, width - 2)
        todo: list[Line] = [
            (Part(f" {line}", "strong"),) for line in wrap(plain(visible(said)), room)
        ]
        if self.size.height < 20:
            return todo[:1]
        here = wrap(plain(visible(who(seen.release, seen.gate, rules))), room)
        return [(Part(f" {here[0]}", "dim"),), *todo][:2] if len(todo) < 2 else todo[:2]
