"""Sign-off: the form and the gate of a release, who must still sign, and what was signed before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from opsdeck.screens.pick import Pick
from opsdeck.screens.release_acts import abandon_release, begin, change_release
from opsdeck.screens.signoff_panes import PANES, SignoffPanes
from opsdeck.screens.typeahead import LONGEST_S
from opsdeck.signoff.gate import Rule, Stand
from opsdeck.signoff.model import Release
from opsdeck.text import visible
from opsdeck.widgets.lines import Part, Row, cut, fit
from opsdeck.widgets.panes import Pane


class SignoffScreen(SignoffPanes):
    """Mode 5."""

    CSS_PATH = "signoff.tcss"
    AUTO_FOCUS = "#form"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (112, "-wide")]
    KEYS: ClassVar[tuple[str, ...]] = (
        "signoff.sign",
        "list.open",
        "signoff.notes",
        "signoff.fields",
        "signoff.verify",
        "signoff.export",
        "signoff.break_glass",
        "release.start",
        "signoff.past",
        "release.abandon",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *SignoffPanes.BINDINGS,
        Binding("S", "sign", "sign", id="signoff.sign", tooltip="Sign this release, in your role"),
        Binding(
            "b",
            "break_glass",
            "break glass",
            id="signoff.break_glass",
            tooltip="Sign against a closed gate, with a reason",
        ),
        Binding("n", "notes", "notes", id="signoff.notes", tooltip="The notes of the form"),
        Binding("f", "fields", "date", id="signoff.fields", tooltip="Date, window, stakeholders"),
        Binding("v", "verify", "verify", id="signoff.verify", tooltip="Verify all of it anew"),
        Binding(
            "e", "export", "export", id="signoff.export", tooltip="A bundle for whoever verifies"
        ),
        Binding("p", "past", "all", id="signoff.past", tooltip="All releases"),
        Binding("X", "abandon", "abandon", id="release.abandon", tooltip="Give the release up"),
        Binding("tab", "pane(1)", show=False, id="signoff.pane", tooltip="The next pane"),
        Binding("shift+tab", "pane(-1)", show=False, id="signoff.pane_back", tooltip="One back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._signs = False
        """Whether somebody is being asked to sign, or ssh-keygen is at it."""

    # Which keys are worth naming now

    def offers(self, name: str) -> bool:
        """Whether a key can be of use as things stand; what it says otherwise is for those who
        press it all the same."""
        if self.release_name() is None:
            return name.startswith(("release.start", "go.", "app."))
        seen, rules = self.seen, self.signing.rules
        if seen is None:
            return not name.startswith(("signoff.", "release.abandon"))
        mine = bool(seen.open_to(rules, self.deck.operator))
        match name:
            case "signoff.sign":
                return mine and not seen.gate.closed
            case "signoff.break_glass":
                return mine and seen.gate.closed and rules.break_glass
            case "signoff.verify" | "signoff.export":
                return bool(seen.release.signatures)
            case "signoff.notes" | "signoff.fields":
                return seen.release.state != "abandoned"
            case "release.abandon":
                return seen.release.state == "open"
            case "signoff.past":
                return len(self.deck.state.releases) > 1
        return True

    def keys_apply(self) -> tuple[object, ...]:
        """What is offered, and what enter does."""
        named = ("signoff.sign", "signoff.break_glass", "signoff.verify", "signoff.notes")
        more = ("release.abandon", "signoff.past", "list.open")
        return (self.opens(), *map(self.offers, (*named, *more)))

    def keys_now(self) -> list[tuple[str, str]]:
        """Enter is called what it does in this row."""
        does = self.opens()
        return [(key, does if label == "open" else label) for key, label in super().keys_now()]

    def action_pane(self, by: int) -> None:
        """tab: to the next pane."""
        self.show_pane(PANES[(PANES.index(self.front) + by) % len(PANES)])

    def action_past(self) -> None:
        """p: all releases."""
        self.show_pane("past")

    # Opening what is under the cursor

    @on(Pane.Chosen)
    def _chosen(self, event: Pane.Chosen) -> None:
        kind, _, rest = (event.key or "").partition(" ")
        match kind:
            case "field":
                self.action_fields()
            case "notes":
                self.action_notes()
            case "role":
                self.action_sign()
            case "signed":
                self._open_signature(rest)
            case "content":
                self._open_content()
            case "rule":
                self._open_rule(rest)
            case "release":
                self._open_release(rest)

    def _open_release(self, name: str) -> None:
        self.opened = None if name == self.deck.release() else name
        self.seen = None
        self.show_pane("form")
        self.tick()
        self.changed(None)

    def _open_rule(self, identity: str) -> None:
        rules = self.seen.gate.rules if self.seen is not None else ()
        rule = next((r for r in rules if r.id == identity), None)
        if rule is None:
            return
        if not rule.items:
            self.say(f"{rule.title}: {rule.detail}", "" if rule.holds else "warn")
        elif len(rule.items) == 1:
            self._open_item(rule.items[0])
        else:
            self.app.run_worker(self._pick_item(rule), group="act")

    async def _pick_item(self, rule: Rule) -> None:
        glyphs = self.glyphs

        def rows(width: int) -> list[Row]:
            return [self._item_row(n, stand, width) for n, stand in enumerate(rule.items)]

        chosen = await self.app.push_screen_wait(
            Pick(rule.title, rows, glyphs, does="open it in its list")
        )
        if chosen is not None:
            self._open_item(rule.items[int(chosen)])

    def _item_row(self, number: int, stand: Stand, width: int) -> Row:
        glyphs = self.glyphs
        state = stand.status.state
        head = Part(f" {glyphs.states[state]} {fit(state, 11)}", "")
        text = glyphs.plain(visible(f"{stand.checklist.title}: {stand.item.text}"))
        return Row(cut((head, Part(text)), width, glyphs.ellipsis), str(number))

    def _open_item(self, stand: Stand) -> None:
        self.host.open_checklist(stand.checklist.id, run=stand.run, item=stand.item.id)

    def _open_signature(self, event: str) -> None:
        """What was signed, to the byte, and what came of verifying it."""
        from opsdeck.screens.signoff_pages import signature_page

        found = self.seen.release.signatures if self.seen is not None else []
        for one in found:
            if one.event == event:
                self.app.push_screen(signature_page(self, one))
                return

    def _open_content(self) -> None:
        from opsdeck.screens.signoff_pages import changes_page

        if self.seen is not None:
            self.app.push_screen(changes_page(self, self.seen.changes))

    # Acts

    def work(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do something that asks; keys that are typed meanwhile wait for its form, but not for
        long: a disk may take its time."""
        host = self.host

        def wait_no_longer() -> None:
            host.opening = False

        async def run() -> None:
            waits = asyncio.get_running_loop().call_later(LONGEST_S, wait_no_longer)
            try:
                await act()
            finally:
                waits.cancel()
                wait_no_longer()

        host.opening = True
        host.run_worker(run(), group="act")

    def shown_release(self) -> Release | None:
        """The release on the screen; None (which is said) where there is none."""
        name = self.release_name()
        if name is None:
            self.say("no release was ever started: R starts one", "warn")
            return None
        return self.signing.release(name)

    def action_sign(self) -> None:
        """S: sign in the role that is open to this operator."""
        self._sign(broken=False)

    def action_break_glass(self) -> None:
        """b: sign although the gate is closed."""
        self._sign(broken=True)

    def _sign(self, *, broken: bool) -> None:
        from opsdeck.screens.signoff_sign import sign_release

        release = self.shown_release()
        if release is None:
            return
        if self._signs:
            self.say("a signature is under way: wait for it, or for what comes of it", "warn")
            return
        self._signs = True

        async def act() -> None:
            try:
                await sign_release(self, release.name, broken=broken)
            finally:
                self._signs = False

        self.work(act)

    def action_notes(self) -> None:
        """n: the notes, of several lines."""
        from opsdeck.screens.notes import edit_notes

        release = self.shown_release()
        if release is None:
            return
        name = release.name

        async def act() -> None:
            await edit_notes(self.host, name)
            self.look_soon()

        self.work(act)

    def action_fields(self) -> None:
        """f, enter: date, window, stakeholders."""
        release = self.shown_release()
        if release is not None:
            name = release.name
            begin(self.host, lambda host: change_release(host, name))

    def action_abandon(self) -> None:
        """X: give the release up, with a reason."""
        release = self.shown_release()
        if release is not None:
            name = release.name
            begin(self.host, lambda host: abandon_release(host, name))

    def action_verify(self) -> None:
        """v: everything that `opsdeck signoff verify` looks at."""
        from opsdeck.screens.signoff_pages import verify_release_page

        release = self.shown_release()
        if release is not None:
            self.proofs.again()
            self.look_soon()
            self.work(partial(verify_release_page, self, release.name))

    def action_export(self) -> None:
        """e: a bundle beside the records."""
        from opsdeck.screens.signoff_pages import export_bundle

        release = self.shown_release()
        if release is not None:
            self.work(partial(export_bundle, self, release.name))
