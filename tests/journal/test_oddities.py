"""Anything at all where a journal should be: words, never a traceback."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsdeck.errors import NotSavedError
from opsdeck.journal import store
from opsdeck.journal.events import ATTESTED, NOTED
from opsdeck.journal.export import export
from opsdeck.journal.paging import newest_first
from opsdeck.journal.store import Journal, verify
from tests.journal.helpers import (
    Desk,
    chained,
    faults_of,
    file_of,
    load,
    notes,
    places,
    seen,
    stamp,
    texts,
)

_line = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(chained(notes("1", "2", "3", "4"))),
    st.fixed_dictionaries(
        {
            "seq": st.one_of(st.integers(-2, 9), st.integers()),
            "at": st.text(max_size=3),
            "clock": st.sampled_from([stamp(1), stamp(2), "x" * 19, "", "٣" * 13 + "-00000"]),
            "by": st.text(max_size=3),
            "type": st.sampled_from([ATTESTED, NOTED, "x"]),
            "data": st.dictionaries(st.text(max_size=3), st.integers() | st.none(), max_size=2),
            "prev": st.just("0" * 64),
        }
    ).map(msgspec.json.encode),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_line, max_size=8),
    st.sampled_from([b"\n", b"\n", b"\n\n", b"\r\n", b""]),
    st.binary(max_size=9),
)
def test_no_file_is_too_odd_to_read(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes, tail: bytes
) -> None:
    # GIVEN a journal file of anything
    home = tmp_path_factory.mktemp("odd")
    content = b"".join(line + end for line in lines) + tail
    (home / "journal").mkdir()
    watching = Journal(home, "r")
    watching.load()
    file_of(home).write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "TORN_PAUSE_S", 0.0)  # nobody is writing here
        # WHEN it is read in every way there is
        watching.poll()
        loaded = load(home)
        _, verified = verify(home)
        list(newest_first(home / "journal"))
        with (home / "out").open("wb") as out:
            export(home / "journal", out, "csv")
            export(home / "journal", out, "jsonl")
        # THEN nothing is raised, all agree, and its writer can still save
        assert seen(loaded.state) == seen(verified.state)
        desk = Desk(home)
        desk.note("new")
        assert texts(load(home).state)[-1] == "new"


@pytest.mark.parametrize("what", ["journal", "home"])
def test_a_file_where_a_folder_should_be(tmp_path: Path, what: str) -> None:
    home = tmp_path / "deck"
    if what == "journal":
        home.mkdir()
        (home / "journal").write_text("not a folder")
    else:
        home.write_text("not a folder")
    desk = Desk(home)
    assert places(desk.faults) == [("unreadable", "journal", None)]
    assert places(faults_of(home)) == [("unreadable", "journal", None)]
    assert not desk.poll()
    assert list(newest_first(home / "journal")) == []
    with pytest.raises(NotSavedError, match="not saved: "):
        desk.note("one")


def test_a_folder_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "journal").symlink_to("journal")
    desk = Desk(tmp_path)
    assert places(desk.faults) == [("unreadable", "journal", None)]
    with pytest.raises(NotSavedError, match="not saved: "):
        desk.note("one")


def test_journal_files_that_are_no_files(three: Path) -> None:
    # GIVEN a folder, a pipe and a dangling link where files should be, a pipe for a lock
    file_of(three, "folder").mkdir()
    os.mkfifo(file_of(three, "pipe"))
    file_of(three, "link").symlink_to("nowhere")
    os.mkfifo(three / "journal" / "pipe.lock")
    # WHEN the deck is opened
    desk = Desk(three)
    # THEN they are named once, no poll repeats it, and the rest works
    unreadable = [("unreadable", f"{n}.jsonl", None) for n in ("folder", "link", "pipe")]
    assert places(desk.faults) == unreadable
    assert not desk.poll()
    assert desk.journal.poll().faults == []
    assert texts(desk.state) == ["one", "two", "three"]
    desk.note("new")
    assert next(newest_first(three / "journal")).event.seq == 5
    with pytest.raises(NotSavedError, match="not saved: "):
        Desk(three, "folder").note("no")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_without_rights_it_says_so(three: Path) -> None:
    with TemporaryDirectory() as folder:
        # GIVEN a deck that this process has no rights to
        Path(folder).chmod(0o755)
        home = Path(shutil.copytree(three, Path(folder) / "deck"))
        home.chmod(0o700)
        desk = Desk(home)
        os.seteuid(65534)
        try:
            # WHEN it is opened, THEN no traceback, but words
            assert places(Desk(home).faults) == [("unreadable", "journal", None)]
            desk.poll()
            with pytest.raises(NotSavedError, match="no right to write there"):
                desk.note("one")
        finally:
            os.seteuid(0)
        # AND a single unreadable file is named, without taking it for lost
        home.chmod(0o755)
        (home / "journal").chmod(0o755)
        file_of(home).chmod(0o600)
        os.seteuid(65534)
        try:
            assert places(faults_of(home)) == [("unreadable", "w.jsonl", None)]
        finally:
            os.seteuid(0)
        assert faults_of(home) == []
