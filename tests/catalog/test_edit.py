"""Changing files: comments stay, and what goes wrong leaves the old file as it was."""

from __future__ import annotations

import errno
import os
import resource
import stat
import threading
from pathlib import Path

import pytest
from tomlkit import TOMLDocument

from opsdeck.catalog.edit import edit_toml, write_atomically
from opsdeck.catalog.faults import CatalogFaults
from opsdeck.errors import DataError, NotSavedError
from tests.catalog.privileges import without_privileges

TEXT = '# mine\n[deck]\nname = "a" # why\n\n# after\nuses = ["x"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "opsdeck.toml"
    path.write_text(TEXT)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_replaces_the_content_and_leaves_nothing_behind(file: Path) -> None:
    write_atomically(file, "é\r\n\n")
    assert file.read_bytes() == b"\xc3\xa9\r\n\n"
    assert names(file.parent) == ["opsdeck.toml"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_an_old_file_keeps_its_mode(file: Path, mode: int) -> None:
    file.chmod(mode)
    write_atomically(file, "new")
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_new_file_gets_what_the_umask_allows(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", "x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_links_are_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link"
    link.symlink_to("../opsdeck.toml")
    write_atomically(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert names(tmp_path / "folder") == ["link"]


def test_a_disk_that_takes_no_more_leaves_the_old_file(file: Path) -> None:
    # GIVEN a limit that lets only the beginning of the new text through
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        # WHEN it is written
        with pytest.raises(NotSavedError, match=r"not saved: File too large.*unchanged") as caught:
            write_atomically(file, "x" * 5_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    # THEN the old one is there alone
    assert str(file) in str(caught.value)
    assert file.read_text() == TEXT
    assert names(file.parent) == ["opsdeck.toml"]


def test_what_cannot_be_a_file_is_refused(file: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "folder").mkdir()
    for path, reason in [
        (tmp_path / "none" / "x", "its folder does not exist"),
        (file / "x", "not a folder"),
        (tmp_path / "folder", "not a regular file"),
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path / "circle", "not saved"),
        (Path("a\0b"), "not saved"),
    ]:
        with pytest.raises(NotSavedError, match=reason):
            write_atomically(path, "x")
    assert names(tmp_path) == ["circle", "folder", "opsdeck.toml", "pipe"]


def test_a_read_only_file_or_folder_is_refused(nobodys_folder: Path) -> None:
    file = nobodys_folder / "opsdeck.toml"
    file.write_text(TEXT)
    for file_mode, folder_mode in ((0o444, 0o777), (0o666, 0o555)):
        file.chmod(file_mode)
        nobodys_folder.chmod(folder_mode)
        with without_privileges(), pytest.raises(NotSavedError, match="check the rights"):
            write_atomically(file, "x")
    nobodys_folder.chmod(0o777)
    assert file.read_text() == TEXT
    assert names(nobodys_folder) == ["opsdeck.toml"]


@pytest.mark.parametrize(
    ("failing", "message", "left"),
    [
        (1, "not saved: Input/output error; the disk reports", TEXT),
        (2, "written, but the disk did not confirm it: Input/output error", "new"),
    ],
    ids=["file", "folder"],
)
def test_a_flush_that_fails_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch, failing: int, message: str, left: str
) -> None:
    # GIVEN a disk that fails to flush the file, or afterwards its folder
    calls: list[int] = []

    def flush(handle: int) -> None:
        calls.append(handle)
        if len(calls) == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", flush)
    # WHEN a file is written THEN it says what is on disk now
    with pytest.raises(NotSavedError, match=message):
        write_atomically(file, "new")
    assert file.read_text() == left
    assert names(file.parent) == ["opsdeck.toml"]


def test_text_that_is_no_unicode_is_refused(file: Path) -> None:
    with pytest.raises(NotSavedError, match="character 3 "):
        write_atomically(file, "ab\ud800")
    assert file.read_text() == TEXT


def test_readers_never_see_a_mix(file: Path) -> None:
    # GIVEN a reader that looks all the time
    old, new = "a" * 100_000, "b" * 120_000
    write_atomically(file, old)
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(file.read_text())

    reader = threading.Thread(target=look)
    reader.start()
    # WHEN the file changes many times
    for _ in range(20):
        write_atomically(file, new)
        write_atomically(file, old)
    done.set()
    reader.join()
    # THEN it only ever saw one or the other
    assert seen <= {old, new}
    assert seen


def rename(document: TOMLDocument) -> None:
    document["deck"]["name"] = "b"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_edit_changes_only_what_it_is_about(file: Path, newline: str, mark: str) -> None:
    before = (mark + TEXT).replace("\n", newline)
    file.write_bytes(before.encode())
    assert edit_toml(file, rename)
    assert file.read_bytes().decode() == before.replace('"a"', '"b"')


def test_lines_that_an_edit_adds_end_like_the_others(file: Path) -> None:
    file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    edit_toml(file, lambda document: document.update({"sync": {"folder": "x"}}))
    content = file.read_bytes()
    assert b"[sync]\r\n" in content
    assert content.count(b"\n") == content.count(b"\r\n")


def test_an_edit_that_changes_nothing_touches_nothing(file: Path) -> None:
    before = file.stat()
    assert not edit_toml(file, lambda document: None)
    assert file.stat() == before


def test_a_file_that_is_no_toml_is_not_edited(file: Path) -> None:
    file.write_text("oops")
    with pytest.raises(CatalogFaults, match="not valid TOML"):
        edit_toml(file, rename)
    assert file.read_text() == "oops"


def test_an_edit_of_somebody_else_is_not_overwritten(file: Path) -> None:
    def meanwhile(document: TOMLDocument) -> None:
        rename(document)
        file.write_text("# theirs\n")

    with pytest.raises(NotSavedError, match="somebody else"):
        edit_toml(file, meanwhile)
    assert file.read_text() == "# theirs\n"


def test_an_edit_that_would_break_the_file_is_refused(file: Path) -> None:
    from tomlkit.items import Comment, Trivia

    def break_it(document: TOMLDocument) -> None:
        document.add(Comment(Trivia(comment="no comment", comment_ws="")))

    with pytest.raises(DataError, match="would not leave valid TOML"):
        edit_toml(file, break_it)
    assert file.read_text() == TEXT
