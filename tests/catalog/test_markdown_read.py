"""Reading Markdown files, and the reference document item by item."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from opsdeck.catalog.markdown_read import MAX_BYTES, guess_cadence, import_markdown, read_markdown
from opsdeck.errors import DataError, NoInputError, OpsDeckError
from tests.catalog.privileges import without_privileges

DATA = Path(__file__).parent.parent / "data"
REFERENCE = DATA / "production-readiness-checklist.md"


def written(folder: Path, data: bytes) -> Path:
    path = folder / "list.md"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"- [ ] a\n", "- [ ] a\n"),
        (b"\xef\xbb\xbf- [ ] a\n", "- [ ] a\n"),
        ("- [ ] grün 配置 🚀\r\n".encode(), "- [ ] grün 配置 🚀\r\n"),
        (b"", ""),
    ],
    ids=["plain", "byte-order mark", "CRLF and non-ASCII", "empty"],
)
def test_reads_utf8(tmp_path: Path, data: bytes, text: str) -> None:
    assert read_markdown(written(tmp_path, data)) == text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"one\ntwo \xe9t\xe9\n", r"list\.md:2: .*byte 0xe9 at offset 8\b.*Save it as UTF-8"),
        (b"\xef\xbb\xbfab\xff", r":1: .*byte 0xff at offset 5\b"),
        ("# Grün".encode("utf-16"), r"byte 0xff at offset 0\b.*UTF-16"),
        (b"x" * (MAX_BYTES + 1), r"larger than 20 MB.*Divide"),
    ],
    ids=["latin-1", "after a byte-order mark", "utf-16", "too big"],
)
def test_unusable_content_is_explained(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_markdown(written(tmp_path, data))


def test_what_is_no_file_is_explained(tmp_path: Path) -> None:
    # GIVEN a missing file, a folder, a pipe without a writer, a device, a loop, a bad name
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    cases = {
        tmp_path / "missing.md": "no such file",
        tmp_path: "is a folder",
        tmp_path / "pipe": "not a plain file",
        Path("/dev/zero"): "not a plain file",
        tmp_path / "loop": "cannot be read",
        tmp_path / "nul\0": "cannot be read",
        tmp_path / ("x" * 300): "cannot be read",
    }
    for path, said in cases.items():
        # WHEN it is read THEN the message names it and says what is wrong
        with pytest.raises(NoInputError, match=said) as caught:
            read_markdown(path)
        assert str(path) in str(caught.value)
        assert isinstance(caught.value, OpsDeckError)


def test_unreadable_file_is_explained(nobodys_folder: Path) -> None:
    path = written(nobodys_folder, b"- [ ] a\n")
    path.chmod(0)
    with without_privileges(), pytest.raises(NoInputError, match="Permission denied"):
        read_markdown(path)


def reference_lists() -> list[tuple[str, str, list[str]]]:
    """(section, title, texts) of the reference document, by a reading of its own."""
    lists: list[tuple[str, str, list[str]]] = []
    section = title = ""
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"## (.*)", line):
            section = found[1]
        elif found := re.match(r"### (.*)|\d+\. \*\*(.*)\*\*", line):
            title = found[1] or found[2]
        elif found := re.match(r"\s*- \[ \] (.*)", line):
            if not lists or lists[-1][:2] != (section, title):
                lists.append((section, title, []))
            lists[-1][2].append(found[1])
    return lists


def test_reference_document_item_by_item() -> None:
    imported = import_markdown(read_markdown(REFERENCE), REFERENCE.name)
    found = [(c.section, c.title, [i.text for i in c.items]) for c in imported]
    assert found == reference_lists()
    assert len(imported) == 20
    assert sum(len(c.items) for c in imported) == 153
    assert not any(i.group or i.note or i.guide for c in imported for i in c.items)


def test_reference_document_ids_and_cadences() -> None:
    imported = import_markdown(read_markdown(REFERENCE), REFERENCE.name)
    cadences = {c.id: c.cadence for c in imported}
    assert len(cadences) == 20
    assert {k for k, v in cadences.items() if v not in ("release", "standing")} == {
        "daily-operations",
        "weekly-operations",
        "monthly-operations",
    }
    assert cadences["infrastructure"] == cadences["before-going-live"] == "release"
    assert [k for k, v in cadences.items() if v == "standing"] == [
        "horizontal-scaling",
        "vertical-scaling",
        "critical-issues",
        "backup-strategy",
        "single-server-failure",
        "database-failure",
        "data-center-outage",
        "security-breach",
    ]


@pytest.mark.parametrize(
    ("title", "section", "cadence"),
    [
        ("Daily checks", "Deployment", "daily"),
        ("Do this every week", "", "weekly"),
        ("Each month", "", "monthly"),
        ("Morning", "Daily operations", "daily"),
        ("Release day", "Weekly routine", "release"),
        ("Deploying", "", "release"),
        ("Redeploy", "", "release"),
        ("DNS", "Pre-launch", "release"),
        ("Going live", "", "release"),
        ("go-live", "", "release"),
        ("Launch", "", "release"),
        ("Employees", "Biweekly", "standing"),
        ("Some day", "Relearn", "standing"),
    ],
)
def test_cadence_guess(title: str, section: str, cadence: str) -> None:
    assert guess_cadence(title, section) == cadence
