"""The notes of a sign-off: kept as typed whatever happens, harmless, and never longer than fits."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from opsdeck.deck import Deck
from opsdeck.errors import NotSavedError
from opsdeck.journal import events as ev
from opsdeck.journal.fold import State
from opsdeck.journal.writing import Draft
from opsdeck.runs.acts import LONGEST_TEXT
from opsdeck.screens.notes import Area, Notes, harmless
from opsdeck.screens.notes import Draft as NotesDraft
from opsdeck.signoff import acts as release_acts
from opsdeck.signoff.releases import release_of
from tests.screens.desk import AppPilot, app_of, says, until
from tests.screens.signoff_desk import RELEASE, SignoffDesk, opened

NARROW = (80, 24)
HOSTILE = "\x1b[31mred [ERROR] [/ \u202edlrow\u202c \x9b2J \x07bell\ttab"


@pytest.fixture
def desk(tmp_path: Path) -> SignoffDesk:
    made = SignoffDesk(tmp_path, people=())
    made.begin()
    return made


async def editing(pilot: AppPilot) -> Notes:
    """Press n, and wait for the editor."""
    await pilot.press("n")
    await until(pilot, lambda: isinstance(pilot.app.screen, Notes) and says(pilot, "ctrl+s"))
    screen = pilot.app.screen
    assert isinstance(screen, Notes)
    return screen


def draft_files(desk: SignoffDesk) -> list[Path]:
    return sorted((desk.home / "cache").glob("notes-*"))


def typed(desk: SignoffDesk) -> str:
    """What is kept of what was typed."""
    return "".join(file.read_text() for file in draft_files(desk))


async def test_notes_of_several_lines_are_saved_and_part_of_what_is_signed(
    desk: SignoffDesk,
) -> None:
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        await pilot.press("n")
        await until(pilot, lambda: says(pilot, f"Notes of {RELEASE}"))
        await pilot.press(*"Feed index first.", "enter", *"Rollback tested.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: says(pilot, "notes saved"))
        await until(pilot, lambda: says(pilot, "Rollback tested."))
        assert screen.seen is not None
        assert screen.seen.content.data["form"]["notes"] == "Feed index first.\nRollback tested."


async def test_notes_typed_before_the_session_dropped_are_there_again(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("n")
        await until(pilot, lambda: says(pilot, f"Notes of {RELEASE}"))
        await pilot.press(*"half a sen")
        drafts = desk.home / "cache"
        await until(
            pilot, lambda: any("half a sen" in f.read_text() for f in drafts.glob("notes-*"))
        )
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await until(pilot, lambda: says(pilot, "typed and not saved yet: n goes on with it"))
        await pilot.press("n")
        await until(pilot, lambda: says(pilot, "what you had typed and not saved yet"))
        await pilot.press(*"tence", "ctrl+s")
        await until(pilot, lambda: says(pilot, "notes saved"))
        await until(pilot, lambda: says(pilot, "half a sentence"))
        await until(pilot, lambda: not list(drafts.glob("notes-*.txt")))


async def test_notes_that_somebody_else_changed_meanwhile_are_not_lost(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("n")
        await until(pilot, lambda: says(pilot, f"Notes of {RELEASE}"))
        await pilot.press(*"mine")
        other = desk.deck("dave", "box@two")
        release = release_of(other.state, RELEASE)
        assert release is not None
        other.record(release_acts.change(release, {"notes": "theirs"}))
        deck = app_of(pilot).deck
        await until(pilot, lambda: head_notes(deck.state) == "theirs")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: says(pilot, "dave changed the notes meanwhile"))
        await pilot.press("n")
        await until(pilot, lambda: says(pilot, "what you had typed and not saved yet"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: says(pilot, "notes saved"))
    saved = release_of(desk.deck(writer="reader@x").state, RELEASE)
    assert saved is not None
    assert saved.said("notes") == "theirs\n\nmine"


def head_notes(state: State) -> str:
    release = release_of(state, RELEASE)
    return release.said("notes") if release else ""


# What is typed, pasted and found


async def test_what_others_wrote_and_what_is_pasted_steers_no_terminal(desk: SignoffDesk) -> None:
    """GIVEN notes with escape sequences in them, and more of these pasted THEN none is painted, and
    what is not changed is not saved as something else."""
    desk.deck("dave").record(
        Draft(ev.RELEASE_CHANGED, {"release": RELEASE, "notes": f"{HOSTILE}\nsecond"})
    )
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        editor = await editing(pilot)
        assert editor.text == harmless(f"{HOSTILE}\nsecond")
        editor.query_one(Area).insert(f"\n{HOSTILE}\n")
        painted = "".join(strip.text for strip in editor._compositor.render_strips())
        assert "[ERROR] [/" in painted
        assert not set(painted) & set("\x1b\x9b\x07\u202e\u202c")
        assert editor.text.endswith("tab\n")
        editor.query_one(Area).text = harmless(f"{HOSTILE}\nsecond")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: says(pilot, "the notes are as they were"))
    saved = release_of(desk.deck(writer="reader@x").state, RELEASE)
    assert saved is not None
    assert saved.said("notes") == f"{HOSTILE}\nsecond"


async def test_notes_that_are_too_long_are_said_to_be_and_nothing_is_lost(
    desk: SignoffDesk,
) -> None:
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        editor = await editing(pilot)
        text = "many words " * 500
        editor.query_one(Area).insert(text)
        await until(pilot, lambda: says(pilot, f"{len(text):,} of {LONGEST_TEXT:,} characters"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: says(pilot, f"at most {LONGEST_TEXT:,} fit"))
        assert editor.text == text
        await until(pilot, lambda: typed(desk) == text)
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "typed and not saved yet"))
    assert typed(desk) == text


async def test_a_draft_is_for_nobody_else_to_read(desk: SignoffDesk) -> None:
    """GIVEN a folder that others may write to and a generous umask THEN the draft is 0600."""
    before = os.umask(0)
    try:
        draft = NotesDraft(desk.home, RELEASE, "bob")
        draft.keep("password=hunter2")
    finally:
        os.umask(before)
    (file,) = draft_files(desk)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_on_a_full_disk_the_notes_stay_and_are_saved_later(
    desk: SignoffDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    write = Deck.write

    def refuse(self: Deck, *args: Any) -> Any:
        if full:
            raise NotSavedError("not saved: no space left on device")
        return write(self, *args)

    monkeypatch.setattr(Deck, "write", refuse)
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        await editing(pilot)
        await pilot.press(*"tested", "ctrl+s")
        await until(pilot, lambda: says(pilot, "NOT SAVED: 1 act"))
        assert typed(desk) == "tested"
        await until(pilot, lambda: says(pilot, "typed and not saved yet"))
        full = False
        await pilot.press("ctrl+r")
        # THEN it is saved, and nothing is said to be waiting any more
        await until(pilot, lambda: says(pilot, "Notes             tested"))
        await until(pilot, lambda: not says(pilot, "not saved yet"))


async def test_a_second_session_that_only_looks_writes_over_nothing(desk: SignoffDesk) -> None:
    """GIVEN bob, who types in one session WHEN he opens the notes in another and leaves them THEN
    what he typed since in the first is still kept."""
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        NotesDraft(desk.home, RELEASE, "bob").keep("one")
        editor = await editing(pilot)
        assert editor.text == "one"
        NotesDraft(desk.home, RELEASE, "bob").keep("one two")
        await pilot.press("escape")
        await until(pilot, lambda: says(pilot, "typed and not saved yet"))
    assert typed(desk) == "one two"


async def test_what_is_typed_last_is_kept_when_the_terminal_goes(desk: SignoffDesk) -> None:
    async with desk.at_screen("bob").run_test(size=NARROW) as pilot:
        await opened(pilot)
        editor = await editing(pilot)
        editor.query_one(Area).insert("the last word")
        editor.keep_at_once()
        assert typed(desk) == "the last word"


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (120, 40), (200, 60)])
async def test_the_editor_takes_the_room_that_there_is(
    desk: SignoffDesk, size: tuple[int, int]
) -> None:
    async with desk.at_screen("bob").run_test(size=size) as pilot:
        await opened(pilot)
        editor = await editing(pilot)
        area, foot = editor.query_one(Area), editor.query_one("#foot")
        await until(pilot, lambda: area.size.height >= size[1] // 2 - 2)
        assert foot.region.bottom <= size[1]
        assert area.region.right <= size[0]
