"""The notes of a sign-off: several lines, kept as they are typed until they are saved."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import TextArea
from textual.widgets.text_area import Edit as Change
from textual.widgets.text_area import EditResult

from opsdeck.errors import UsageError
from opsdeck.journal.files import make_folder, safe_name
from opsdeck.runs.acts import LONGEST_TEXT
from opsdeck.screens.running import Edit
from opsdeck.signoff import acts
from opsdeck.signoff.releases import release_of
from opsdeck.text import plural, visible, visible_lines
from opsdeck.widgets.lines import Line, LineView, Part

if TYPE_CHECKING:
    from opsdeck.screens.host import DeckHost

KEEP_AFTER_S = 0.2
SHORT = 18
LARGEST_DRAFT = 4_000_000
NEARLY_FULL = LONGEST_TEXT * 3 // 4
"""From so many characters on it is said how many there are."""


def harmless(text: str) -> str:
    """Notes as they may be shown in an editor, which obeys what it is given."""
    return "\n".join(visible_lines(text))


class Draft:
    """What an operator has typed and not saved yet, in `cache/`, for nobody else to read: secrets
    are taken out only when it is saved. Failing to keep it costs only the way back."""

    def __init__(self, home: Path, release: str, operator: str) -> None:
        self._home = home
        who = hashlib.sha256(f"{release}\0{operator}".encode("utf-8", "replace")).hexdigest()[:8]
        name = f"notes-{safe_name(release)}-{safe_name(operator)}-{who}.txt"
        self._path = home / "cache" / name

    def read(self) -> str | None:
        """What was typed; None where nothing was, or everything was saved."""
        try:
            with open(self._path, "rb") as file:
                return file.read(LARGEST_DRAFT).decode("utf-8", "replace")
        except OSError:
            return None

    def keep(self, text: str) -> None:
        """Remember what stands there now."""
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            make_folder(self._home, "cache")
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            with open(os.open(temporary, flags, 0o600), "wb") as out:
                os.fchmod(out.fileno(), 0o600)
                out.write(text.encode("utf-8", "replace"))
            temporary.replace(self._path)
        except OSError:
            return

    def forget(self) -> None:
        """It was saved, or is as it was."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return


class Area(TextArea):
    """An editor in which nothing that is pasted can steer the terminal."""

    def edit(self, edit: Change) -> EditResult:
        """Put in what can be shown."""
        if edit.text:
            end = "\n" if edit.text.endswith("\n") else ""
            edit.text = harmless(edit.text) + end
        return super().edit(edit)


class Notes(Edit):
    """An editor whose text outlives the session; esc leaves it as a draft."""

    LEAVES = "leave; what is typed here waits for you"
    CSS = """
    Notes { align: center middle; background: $background 60%; }
    Notes > Vertical {
        width: 96%; max-width: 110; height: 90%; padding: 1 2;
        background: $panel; border: round $primary;
    }
    Notes.-ascii > Vertical { border: ascii $primary; }
    Notes TextArea, Notes TextArea:focus { height: 1fr; border: none; background: $boost; }
    Notes LineView { background: $panel; }
    Notes.-short > Vertical { height: 100%; padding: 0 2; }
    """

    def __init__(
        self, host: DeckHost, release: str, saved: str, draft: Draft, kept: str | None
    ) -> None:
        title = f"Notes of {visible(release)}"
        first, saved = saved if kept is None else kept, harmless(saved)
        if kept is not None and kept.strip() != saved.strip():
            title += ": what you had typed and not saved yet"
        known = host.deck

        def check(text: str) -> object:
            one = release_of(known.state, release)
            if one is None:
                raise UsageError(f"release {release} was never started")
            return None if text.strip() == saved.strip() else acts.change(one, {"notes": text})

        super().__init__(title, harmless(first), host.glyphs, check)
        self._host = host
        self._saved = saved
        self._last = self._text
        """What the draft has, as far as it was written here."""
        self._draft = draft
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Title, text, keys; the text has all the room there is."""
        with Vertical():
            yield LineView(self._head)
            area = Area(self._text, id="text")
            area.cursor_blink = False
            yield area
            yield LineView(self._foot, id="foot")

    def on_mount(self) -> None:
        """Go on behind what is there."""
        area = self.query_one("#text", TextArea)
        area.move_cursor(area.document.end)

    def on_resize(self) -> None:
        """A short terminal has no room around it."""
        self.set_class(self.size.height < SHORT, "-short")

    def _foot(self, width: int) -> list[Line]:
        lines = super()._foot(width)
        count = len(self.text) if self.is_mounted else 0
        if count <= NEARLY_FULL:
            return lines
        style = "bad" if count > LONGEST_TEXT else "warn"
        return [(Part(f"{count:,} of {plural(LONGEST_TEXT, 'character')}", style),), *lines[1:]]

    @on(TextArea.Changed)
    def _typed(self) -> None:
        self.query_one("#foot", LineView).rebuild()
        if self._timer is None:
            self._timer = self.set_timer(KEEP_AFTER_S, self._rested)

    def _rested(self) -> None:
        self._timer = None
        keep = partial(self._keep, self.text)
        self.app.run_worker(self._host.journal_thread.run(keep), group="draft")

    @property
    def text(self) -> str:
        """What stands there now."""
        return self.query_one("#text", TextArea).text

    def _keep(self, text: str) -> None:
        """Another session of the same operator may have typed more: what was not changed here is
        not written over it."""
        if text == self._last:
            return
        self._last = text
        if text == self._saved:
            self._draft.forget()
        else:
            self._draft.keep(text)

    def keep_at_once(self) -> None:
        """The terminal is gone: what stands there now is kept before the program ends."""
        self._keep(self.text)

    def action_cancel(self) -> None:
        """esc: what was typed stays a draft."""
        self._rested()
        self.dismiss(None)


async def edit_notes(host: DeckHost, name: str) -> bool:
    """Ask for the notes of a release; whether they say something else now."""
    deck = host.deck
    one = release_of(deck.state, name)
    if one is None:
        host.say(f"release {name} was never started", "warn")
        return False
    if one.state == "abandoned":
        host.say(acts.why_closed(one), "warn")
        return False
    saved = one.said("notes")
    thread, draft = host.journal_thread, Draft(deck.journal.home, name, deck.operator)
    kept = await thread.run(draft.read)
    text = await host.push_screen_wait(Notes(host, name, saved, draft, kept))
    if text is None:
        left = await thread.run(draft.read)
        if left is not None and left.strip() != harmless(saved).strip():
            host.say("not saved yet: n goes on with what you have typed", "warn")
        return False
    if text.strip() == harmless(saved).strip():
        await thread.run(draft.forget)
        host.say("the notes are as they were")
        return False
    return await _save(host, draft, name, saved, text)


async def _save(host: DeckHost, draft: Draft, name: str, saved: str, text: str) -> bool:
    """Record the notes, unless they say something else by now than when they were opened; whatever
    comes of it, the draft is there until they are saved."""
    thread = host.journal_thread
    now = release_of(host.deck.state, name)
    if now is None:
        return False
    if now.said("notes") != saved:
        await thread.run(partial(draft.keep, f"{harmless(now.said('notes'))}\n\n{text}"))
        said = now.fields["notes"].by
        host.say(
            f"not saved: {said} changed the notes meanwhile; n shows both, theirs first", "warn"
        )
        return False
    await thread.run(partial(draft.keep, text))
    try:
        wanted = acts.change(now, {"notes": text})
    except UsageError as error:
        host.say(f"not saved: {error}", "warn")
        return False
    if not await host.commit(wanted):
        return False
    await thread.run(draft.forget)
    host.say("notes saved", "good")
    return True
