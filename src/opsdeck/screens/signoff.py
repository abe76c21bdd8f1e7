"""Sign-off: the form and the gate of a release, who must still sign, and what was signed before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from opsdeck.screens.pick import Pick
from opsdeck.screens.reader import Reader
from opsdeck.screens.release_acts import abandon_release, begin, change_release
from opsdeck.screens.signoff_panes import PANES, SignoffPanes
from opsdeck.signoff.gate import Rule, Stand
from opsdeck.signoff.model import Release, Signed
from opsdeck.text import visible, visible_lines
from opsdeck.widgets.lines import Line, Part, Row, cut, fit, wrap, wrap_exact
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
        "signoff.verify",
        "signoff.export",
        "signoff.break_glass",
        "release.abandon",
        "release.start",
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *SignoffPanes.BINDINGS,
        Binding("S", "sign", "sign", id="signoff.sign", tooltip="Sign this release, in your role"),
        Binding(
            "b",
            "break_glass",
            "break glass",
            id="signoff.break_glass",
            tooltip="Sign although the gate is closed, with a reason",
        ),
        Binding("n", "notes", "notes", id="signoff.notes", tooltip="The notes of the form"),
        Binding("f", "fields", show=False, id="signoff.fields", tooltip="Date, window, people"),
        Binding("v", "verify", "verify", id="signoff.verify", tooltip="Verify all of it anew"),
        Binding(
            "e", "export", "export", id="signoff.export", tooltip="A bundle for whoever verifies"
        ),
        Binding("p", "past", show=False, id="signoff.past", tooltip="All releases"),
        Binding("X", "abandon", "abandon", id="release.abandon", tooltip="Give the release up"),
        Binding("tab", "pane(1)", show=False, id="signoff.pane", tooltip="The next pane"),
        Binding("shift+tab", "pane(-1)", show=False, id="signoff.pane_back", tooltip="One back"),
    ]

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
            self.say(f"{rule.title}: {rule.detail}")
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
        seen = self.seen
        one = next((s for s in seen.release.signatures if s.event == event), None) if seen else None
        if one is None:
            return

        def build(width: int) -> list[Line]:
            return self._signature_lines(one, width)

        self.app.push_screen(Reader(f"Signature of {visible(one.by)}", build))

    def _signature_lines(self, one: Signed, width: int) -> list[Line]:
        plain, proof = self.glyphs.plain, self.proofs.known.get(one.event)
        said = f"{proof.words}  {visible(proof.why)}" if proof is not None else "checking"
        lines: list[Line] = [(Part(p, "strong"),) for p in wrap(plain(said), width)]
        lines += [(), (Part("What was signed:", "title"),)]
        lines += _exact(plain(one.statement), width)
        if one.signature:
            lines += [(), (Part("Signature:", "title"),), *_exact(plain(one.signature), width)]
        lines += [(), (Part(f"journal event {visible(one.event)}", "dim"),)]
        return lines

    def _open_content(self) -> None:
        seen = self.seen
        if seen is None:
            return

        def build(width: int) -> list[Line]:
            plain = self.glyphs.plain
            lines: list[Line] = []
            for change in seen.changes:
                lines += [(Part(p),) for p in wrap(plain(visible(change)), width)]
            return lines or [(Part("nothing has changed since it was signed"),)]

        self.app.push_screen(Reader("Changed since it was signed", build))

    # Acts

    def work(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do something that asks; keys that are typed meanwhile wait for its form."""

        async def run() -> None:
            try:
                await act()
            finally:
                self.host.opening = False

        self.host.opening = True
        self.app.run_worker(run(), group="act")

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
        if release is not None:
            self.work(partial(sign_release, self, release.name, broken=broken))

    def action_notes(self) -> None:
        """n: the notes, of several lines."""
        from opsdeck.screens.notes import edit_notes

        release = self.shown_release()
        if release is not None:
            self.work(partial(edit_notes, self.host, release.name))

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


def _exact(text: str, width: int) -> list[Line]:
    return [
        (Part(f"  {piece}", "code"),)
        for line in visible_lines(text)
        for piece in wrap_exact(line, max(8, width - 2))
    ]
