"""The report on disk: whole, the deck's own, and never written over what people wrote."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from opsdeck.errors import NotSavedError, UsageError
from opsdeck.incidents.report_file import is_unedited, marked, write_report
from tests.incidents.outage import ID


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def names(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "incidents").iterdir())


def test_it_is_written_with_a_marker_that_an_auditor_can_check(home: Path) -> None:
    written = write_report(home, ID, "# Report\n\nä\n")

    assert written.file == home / "incidents" / f"{ID}.md"
    assert written.kept is None
    content = written.file.read_bytes()
    assert hashlib.sha256(content).hexdigest() == written.sha256
    lines = content.splitlines(keepends=True)
    above = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    assert lines[-1].decode() == (
        f"<!-- opsdeck: sha256 {above} of all lines above;"
        " edit freely: an edited report is never written over -->\n"
    )
    assert written.file.stat().st_mode & 0o777 == 0o600
    assert (home / "incidents").stat().st_mode & 0o777 == 0o700
    assert names(home) == [f"{ID}.md"]


def test_a_group_may_edit_it_in_a_shared_deck(home: Path) -> None:
    home.mkdir()
    (home / "shared").touch()
    written = write_report(home, ID, "x")
    assert written.file.stat().st_mode & 0o777 == 0o660


def test_unedited_it_is_replaced_and_the_same_again_changes_nothing(home: Path) -> None:
    first = write_report(home, ID, "one")
    second = write_report(home, ID, "two")
    assert second.file == first.file
    assert second.file.read_bytes() == marked("two")
    before = second.file.stat()
    assert write_report(home, ID, "two\n") == second
    after = second.file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert names(home) == [f"{ID}.md"]


EDITS: dict[str, Callable[[bytes], bytes]] = {
    "a word": lambda content: content.replace(b"one", b"two"),
    "the end": lambda content: content + b"and more\n",
    "an empty line at the end": lambda content: content + b"\n",
    "no newline at the end": lambda content: content.rstrip(b"\n"),
    "line ends": lambda content: content.replace(b"\n", b"\r\n"),
    "the marker": lambda content: content.replace(b"edit freely", b"leave it"),
    "no marker": lambda content: content[: content.index(b"<!--")],
    "nothing left": lambda content: b"",
    "bytes that are no text": lambda content: b"\xff\x00" + content,
    "only a marker of something else": lambda content: content[content.index(b"<!--") :],
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_report_stays_byte_for_byte(home: Path, edit: str) -> None:
    # GIVEN a report that somebody edited
    file = write_report(home, ID, "one").file
    edited = EDITS[edit](file.read_bytes())
    file.write_bytes(edited)
    assert not is_unedited(edited)
    # WHEN it is written again
    written = write_report(home, ID, "three")
    # THEN the edited one stays and the new one lies beside it
    assert file.read_bytes() == edited
    assert (written.file.name, written.kept) == (f"{ID}.new.md", file)
    assert written.file.read_bytes() == marked("three")


def test_an_edited_new_one_stays_too(home: Path) -> None:
    # GIVEN a report and the new one beside it, both edited
    file = write_report(home, ID, "one").file
    file.write_text("mine")
    new = write_report(home, ID, "two").file
    new.write_text("mine too")
    # WHEN it is written twice more
    third = write_report(home, ID, "three")
    fourth = write_report(home, ID, "four")
    # THEN there is one more, which is replaced as long as nobody edits it
    assert third.file == fourth.file
    assert fourth.kept == file
    assert names(home) == [f"{ID}.md", f"{ID}.new-2.md", f"{ID}.new.md"]
    assert (file.read_text(), new.read_text()) == ("mine", "mine too")
    assert fourth.file.read_bytes() == marked("four")


@pytest.mark.parametrize(
    "identity",
    ["", "x", "../x", f"../{ID}", f"{ID}/../../x", f"{ID}\n", f"{ID}.md", "2026-11-23-٠٢٤١",
     f"{ID}bb", f"{ID}B", f"{ID}\0"],
)  # fmt: skip
def test_what_is_no_id_is_refused(home: Path, identity: str) -> None:
    with pytest.raises(UsageError):
        write_report(home, identity, "x")
    assert not home.exists()


def test_an_id_with_a_letter_is_one(home: Path) -> None:
    assert write_report(home, f"{ID}b", "x").file.name == f"{ID}b.md"


@pytest.mark.parametrize("there", ["link", "dangling", "folder", "pipe"])
def test_what_is_no_plain_file_is_neither_followed_nor_replaced(
    home: Path, tmp_path: Path, there: str
) -> None:
    # GIVEN something else in the report's place
    (home / "incidents").mkdir(parents=True)
    place = home / "incidents" / f"{ID}.md"
    outside = tmp_path / "outside"
    if there in ("link", "dangling"):
        place.symlink_to(outside)
    elif there == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)
    if there == "link":
        outside.write_bytes(marked("unedited"))
    # WHEN the report is written
    written = write_report(home, ID, "x")
    # THEN it lies beside it, and nothing outside was touched
    assert (written.file.name, written.kept) == (f"{ID}.new.md", place)
    assert outside.exists() == (there == "link")
    if there == "link":
        assert outside.read_bytes() == marked("unedited")


def test_a_folder_that_leads_elsewhere_is_refused(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (home / "incidents").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotSavedError, match="symbolic link"):
        write_report(home, ID, "x")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_in_the_folders_place_is_told(home: Path) -> None:
    home.mkdir()
    (home / "incidents").touch()
    with pytest.raises(NotSavedError):
        write_report(home, ID, "x")


@pytest.mark.parametrize("call", ["fsync", "replace", "link", "open"])
def test_a_disk_that_fails_leaves_what_was_there(
    home: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    # GIVEN a report, and a disk that is full from now on
    file = write_report(home, ID, "one").file
    identity = f"{ID}b" if call == "link" else ID

    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, call, full)
    # WHEN it is written again
    with pytest.raises(NotSavedError, match="the disk is full"):
        write_report(home, identity, "two")
    # THEN the old one is whole, and nothing half-made lies about
    monkeypatch.undo()
    assert file.read_bytes() == marked("one")
    assert names(home) == [f"{ID}.md"]


def test_where_there_are_no_links_it_is_renamed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", unknown)
    assert write_report(home, ID, "one").file.read_bytes() == marked("one")
    assert names(home) == [f"{ID}.md"]


def test_an_edit_at_the_last_moment_is_not_lost(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN somebody who saves between the look at the file and its replacement
    file = write_report(home, ID, "one").file
    fsync = os.fsync

    def saved_meanwhile(handle: int) -> None:
        file.write_text("mine")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", saved_meanwhile)
    # WHEN it is written
    written = write_report(home, ID, "two")
    # THEN what was saved is still there
    assert file.read_text() == "mine"
    assert (written.file.name, written.kept) == (f"{ID}.new.md", file)
    assert names(home) == [f"{ID}.md", f"{ID}.new.md"]


def test_one_that_appears_at_the_last_moment_is_not_lost(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "incidents" / f"{ID}.md"
    link = os.link

    def appears(*args: str, **options: int) -> None:
        if not file.exists():
            file.write_text("mine")
        link(*args, src_dir_fd=options["src_dir_fd"], dst_dir_fd=options["dst_dir_fd"])

    monkeypatch.setattr(os, "link", appears)
    written = write_report(home, ID, "two")
    assert file.read_text() == "mine"
    assert written.file.name == f"{ID}.new.md"
