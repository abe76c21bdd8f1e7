"""The notes of a sign-off: several lines, kept as they are typed until they are saved."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.timer import Timer
from textual.widgets import TextArea

from opsdeck.errors import UsageError
from opsdeck.journal.files import file_mode, make_folder, safe_name
from opsdeck.screens.running import Edit
from opsdeck.signoff import acts
from opsdeck.signoff.releases import release_of
from opsdeck.text import visible

if TYPE_CHECKING:
    from opsdeck.screens.host import DeckHost

KEEP_AFTER_S = 0.2
LARGEST_DRAFT = 200_000


class Draft:
    """What an operator has typed and not saved yet, in `cache/`; failing to keep it costs only
    the way back."""

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
            mode = file_mode(self._home)
            with open(os.open(temporary, flags, mode), "wb") as out:
                os.fchmod(out.fileno(), mode)
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


class Notes(Edit):
    """An editor whose text outlives the session; esc leaves it as a draft."""

    LEAVES = "leave; what is typed here waits for you"

    def __init__(
        self, host: DeckHost, release: str, saved: str, draft: Draft, kept: str | None
    ) -> None:
        title = f"Notes of {visible(release)}"
        if kept is not None and kept != saved:
            title += ": what you had typed and not saved yet"
        known = host.deck

        def check(text: str) -> object:
            one = release_of(known.state, release)
            if one is None:
                raise UsageError(f"release {release} was never started")
            return None if text.strip() == saved.strip() else acts.change(one, {"notes": text})

        super().__init__(title, saved if kept is None else kept, host.glyphs, check)
        self._host = host
        self._saved = saved
        self._draft = draft
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """Go on behind what is there."""
        area = self.query_one("#text", TextArea)
        area.move_cursor(area.document.end)

    @on(TextArea.Changed)
    def _typed(self) -> None:
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
        if await thread.run(draft.read) is not None:
            host.say("not saved yet: n goes on with what you have typed", "warn")
        return False
    if text.strip() == saved.strip():
        await thread.run(draft.forget)
        host.say("the notes are as they were")
        return False
    now = release_of(deck.state, name) or one
    if now.said("notes") != saved:
        await thread.run(partial(draft.keep, f"{now.said('notes')}\n\n{text}"))
        said = now.fields["notes"].by
        host.say(
            f"not saved: {said} changed the notes meanwhile; n shows both, theirs first", "warn"
        )
        return False
    if not await host.commit(acts.change(now, {"notes": text})):
        return False
    await thread.run(draft.forget)
    host.say("notes saved", "good")
    return True
