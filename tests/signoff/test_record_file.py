"""The record on disk: whole, the deck's own, and nothing that lay there is lost."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsdeck.errors import DataError, NotSavedError, UsageError
from opsdeck.signoff import record_file
from opsdeck.signoff.content import content_of
from opsdeck.signoff.record import Record, record_of
from opsdeck.signoff.record_file import record_files, write_record
from opsdeck.signoff.record_toml import record_toml
from tests.signoff.recorded import ARMOUR, NAME, content, record, release, sign, whole

RECORD = f"{NAME}.toml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def names(home: Path) -> list[str]:
    """What lies there but for the lock."""
    return sorted(p.name for p in (home / "signoffs").iterdir() if p.name != ".lock")


def kept(home: Path, number: int = 1) -> Path:
    return home / "signoffs" / f"{NAME}~{number}.toml"


def first() -> Record:
    data = content()
    return record(data, sign(data, "deployer", "alice", 20))


def second() -> Record:
    data = content()
    return record(data, sign(data, "deployer", "alice", 20), sign(data, "verifier", "bob", 21))


def test_everything_that_was_signed_lies_beside_the_record(home: Path) -> None:
    found = whole()
    written = write_record(home, found)

    assert written.file == home / "signoffs" / RECORD
    assert written.kept == ()
    assert sorted(path.name for path in written.files) == names(home)
    assert len(written.files) == 3 + 2 * 3
    assert written.file.read_text() == record_toml(found)
    digest = found.sha256[:12]
    text = (home / "signoffs" / f"{NAME}~{digest}.json").read_bytes()
    sums = (home / "signoffs" / f"{NAME}~{digest}.sha256").read_bytes()
    assert hashlib.sha256(text).hexdigest() == found.sha256
    assert sums == content_of(content()).sums
    for path in written.files:
        assert path.stat().st_mode & 0o777 == 0o600
    signatures = [path for path in written.files if path.suffix == ".sig"]
    assert [path.read_text() for path in signatures] == [ARMOUR] * 3
    statements = {path.read_text() for path in written.files if path.suffix == ".txt"}
    assert statements == {one.statement for one, _ in found.signed}
    assert (home / "signoffs").stat().st_mode & 0o777 == 0o700


def test_a_name_alone_has_no_signature_file(home: Path) -> None:
    data = content()
    written = write_record(home, record(data, sign(data, "deployer", "alice", signature="")))
    assert [path.suffix for path in written.files].count(".sig") == 0
    assert [path.suffix for path in written.files].count(".txt") == 1


def test_a_group_may_write_it_in_a_shared_deck(home: Path) -> None:
    home.mkdir()
    (home / "shared").touch()
    for path in write_record(home, whole()).files:
        assert path.stat().st_mode & 0o777 == 0o660


def test_the_same_again_changes_nothing(home: Path) -> None:
    written = write_record(home, whole())
    before = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in written.files}
    assert write_record(home, whole()) == written
    assert {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in written.files} == before
    assert len(names(home)) == len(written.files)


def test_signing_again_keeps_the_record_before(home: Path) -> None:
    write_record(home, first())
    written = write_record(home, second())
    assert written.kept == (kept(home),)
    assert kept(home).read_text() == record_toml(first())
    assert written.file.read_text() == record_toml(second())
    third = write_record(home, whole())
    assert third.kept == (kept(home, 2),)
    assert kept(home, 2).read_text() == record_toml(second())


def test_the_same_is_not_kept_twice(home: Path) -> None:
    for found in (first(), second(), first(), second(), first()):
        write_record(home, found)
    assert [name for name in names(home) if name.endswith(".toml")] == sorted(
        [RECORD, f"{NAME}~1.toml", f"{NAME}~2.toml"]
    )


def test_what_somebody_made_of_a_file_is_kept(home: Path) -> None:
    # GIVEN a record and a statement that somebody edited
    written = write_record(home, whole())
    statement = next(path for path in written.files if path.suffix == ".txt")
    written.file.write_text("mine")
    statement.write_text("mine too")
    # WHEN it is written again
    again = write_record(home, whole())
    # THEN both are as they should be, and what was edited is kept
    assert again.file.read_text() == record_toml(whole())
    assert statement.read_text() in {one.statement for one, _ in whole().signed}
    beside = statement.with_name(f"{statement.stem}~1.txt")
    assert set(again.kept) == {kept(home), beside}
    assert (kept(home).read_text(), beside.read_text()) == ("mine", "mine too")


@pytest.mark.parametrize("there", ["link", "dangling", "folder", "pipe"])
def test_what_is_no_plain_file_is_moved_and_not_followed(
    home: Path, tmp_path: Path, there: str
) -> None:
    # GIVEN something else in the record's place
    (home / "signoffs").mkdir(parents=True)
    place, outside = home / "signoffs" / RECORD, tmp_path / "outside"
    if there in ("link", "dangling"):
        place.symlink_to(outside)
    elif there == "folder":
        place.mkdir()
        (place / "x").touch()
    else:
        os.mkfifo(place)
    if there == "link":
        outside.write_text(record_toml(whole()))
    # WHEN the record is written
    written = write_record(home, whole())
    # THEN it lies in its place, the other thing beside it, and nothing outside was touched
    assert not written.file.is_symlink()
    assert written.file.read_text() == record_toml(whole())
    assert written.kept == (kept(home),)
    assert kept(home).lstat().st_mode & 0o170000 != 0o100000
    assert outside.exists() == (there == "link")
    assert there != "folder" or (kept(home) / "x").exists()


@pytest.mark.parametrize("what", ["signoffs", "signoffs/.lock"])
def test_a_place_that_leads_elsewhere_is_refused(home: Path, tmp_path: Path, what: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    place = home / what
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotSavedError, match="symbolic link"):
        write_record(home, whole())
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_in_the_folders_place_is_told(home: Path) -> None:
    home.mkdir()
    (home / "signoffs").touch()
    with pytest.raises(NotSavedError):
        write_record(home, whole())


def test_a_release_with_the_name_of_a_path_is_refused(home: Path) -> None:
    data = {**content(), "release": "../../x"}
    one = release(data)
    one.name = "../../x"
    with pytest.raises(UsageError, match="no release's name"):
        write_record(home, record_of(one, data, content_of(data).sha256))
    assert not home.exists()


def test_a_content_that_is_not_the_signed_one_is_refused(home: Path) -> None:
    data = content()
    wrong = {**data, "deck": "another"}
    with pytest.raises(DataError, match="was signed"):
        write_record(home, record_of(release(data), wrong, content_of(data).sha256))
    assert not home.exists()


@pytest.mark.parametrize("call", ["fsync", "replace", "link", "open"])
def test_a_disk_that_fails_leaves_what_was_there(
    home: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    # GIVEN a record, and a disk that is full from now on
    write_record(home, first())
    before = {name: (home / "signoffs" / name).read_bytes() for name in names(home)}

    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, call, full)
    # WHEN the next one is written
    with pytest.raises(NotSavedError, match="the disk is full"):
        write_record(home, second())
    # THEN the old one is whole, and nothing half-made lies about
    monkeypatch.undo()
    after = {name: (home / "signoffs" / name).read_bytes() for name in names(home)}
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name.startswith(".") or "~1" in name]


def no_links(*args: object, **options: object) -> None:
    raise OSError(errno.EPERM, "no links here")


def test_where_there_are_no_links_it_is_renamed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", no_links)
    write_record(home, first())
    written = write_record(home, second())
    assert written.kept == (kept(home),)
    assert kept(home).read_text() == record_toml(first())
    assert written.file.read_text() == record_toml(second())


def test_without_links_a_failure_gives_back_what_was_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a file system without links, that fails once the old record has been moved
    write_record(home, first())
    rename = os.rename

    def fails(old: str, new: str, **options: int) -> None:
        if new == RECORD and old.startswith("."):
            raise OSError(errno.EIO, "broken")
        rename(old, new, **options)

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(os, "rename", fails)
    # WHEN the next one is written
    with pytest.raises(NotSavedError, match="I/O error"):
        write_record(home, second())
    # THEN the old one has its own name
    assert (home / "signoffs" / RECORD).read_text() == record_toml(first())
    assert not kept(home).exists()


def test_what_is_saved_at_the_last_moment_is_not_lost(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN an editor that puts a new file in the place of the record while that is being kept
    file = write_record(home, first()).file
    link = os.link
    saves = iter(["mine", "mine too"])

    def saved_meanwhile(old: str, new: str, **options: object) -> None:
        link(old, new, **options)  # type: ignore[arg-type]
        if old == RECORD and (text := next(saves, None)):
            (home / "edited").write_text(text)
            (home / "edited").replace(file)

    monkeypatch.setattr(os, "link", saved_meanwhile)
    # WHEN the next one is written
    write_record(home, second())
    # THEN all that lay there is kept
    assert file.read_text() == record_toml(second())
    texts = [kept(home, number).read_text() for number in (1, 2, 3)]
    assert texts == [record_toml(first()), "mine", "mine too"]


def test_too_many_that_are_kept_are_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_file, "MOST_KEPT", 2)
    file = write_record(home, first()).file
    for text in ("one", "two"):
        file.write_text(text)
        write_record(home, first())
    file.write_text("three")
    with pytest.raises(NotSavedError, match="2 older files"):
        write_record(home, first())
    assert file.read_text() == "three"


WRITER = """
import sys
from pathlib import Path
from opsdeck.signoff.record_file import write_record
from tests.signoff.recorded import content, record, sign
data = content()
sys.stdin.read(1)
for minute in range(20, 32):
    write_record(Path(sys.argv[1]), record(data, sign(data, "deployer", sys.argv[2], minute)))
"""


def test_two_processes_lose_nothing(home: Path) -> None:
    # GIVEN two processes that write different records of one release
    people = ("alice", "bob")
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(home), by], stdin=subprocess.PIPE)
        for by in people
    ]
    # WHEN they do it at once
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"x")
        process.stdin.close()
    assert [process.wait() for process in running] == [0, 0]
    # THEN every record lies there, once
    data = content()
    wanted = {
        record_toml(record(data, sign(data, "deployer", by, minute)))
        for by in people
        for minute in range(20, 32)
    }
    there = [p.read_text() for p in (home / "signoffs").glob("*.toml")]
    assert set(there) == wanted
    assert len(there) in (len(wanted), len(wanted) + 1)  # the last may have been there before
    assert not [name for name in names(home) if name.startswith(".")]


def test_record_files_end_with_the_record() -> None:
    found = record_files(whole())
    assert list(found)[-1] == RECORD
    assert all(isinstance(each, bytes) for each in found.values())
