"""Trust of a playbook is trust of its exact content."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsdeck.catalog.playbook import Playbook
from opsdeck.catalog.playbooks import open_playbook
from opsdeck.errors import NotSavedError
from opsdeck.incidents.trust import PlaybookTrust

NOW = datetime(2026, 11, 23, 2, 38, 7, tzinfo=UTC)
LATER = datetime(2026, 11, 23, 3, 38, 7, tzinfo=UTC)


def read(file: Path, text: str) -> Playbook:
    file.write_text(text, encoding="utf-8", newline="")
    found = open_playbook(file, file.stem)
    assert found is not None
    return found


@pytest.fixture
def trust(tmp_path: Path) -> PlaybookTrust:
    return PlaybookTrust({"XDG_DATA_HOME": str(tmp_path / "data")})


def test_every_byte_counts(trust: PlaybookTrust, tmp_path: Path) -> None:
    # GIVEN a playbook that was trusted
    file = tmp_path / "drill.md"
    first = read(file, "# A\n\n## Go\n\n```sh\ntrue\n```\n")
    assert trust.state(first) == "new"
    trust.add(first, NOW)
    assert trust.state(first) == "trusted"
    # WHEN anything of it changes, if only a line's end THEN it is not
    for text in (first.text + " ", first.text.replace("\n", "\r\n"), "\ufeff" + first.text):
        changed = read(file, text)
        assert changed.digest != first.digest
        assert trust.state(changed) == "changed"
    # AND WHEN it is as it was THEN it is again, for a process that starts now
    again = PlaybookTrust({"XDG_DATA_HOME": str(tmp_path / "data")})
    assert again.state(read(file, first.text)) == "trusted"


def test_the_difference_is_to_what_was_trusted_last(trust: PlaybookTrust, tmp_path: Path) -> None:
    file = tmp_path / "drill.md"
    trust.add(read(file, "# A\n\n```sh\none\n```\n"), NOW)
    trust.add(read(file, "# A\n\n```sh\ntwo\n```\n"), LATER)
    changed = read(file, "# A\n\n```sh\nthree\n```\n")
    diff = trust.diff(changed)
    assert "-two" in diff
    assert "+three" in diff
    assert not any("one" in line for line in diff)


def test_another_file_of_the_same_content_is_the_same(trust: PlaybookTrust, tmp_path: Path) -> None:
    trust.add(read(tmp_path / "a.md", "# A\n"), NOW)
    assert trust.state(read(tmp_path / "b.md", "# A\n")) == "trusted"
    assert trust.state(read(tmp_path / "b.md", "# B\n")) == "new"


def test_what_others_may_write_is_not_believed(trust: PlaybookTrust, tmp_path: Path) -> None:
    # GIVEN a record that is the operator's alone
    playbook = read(tmp_path / "a.md", "# A\n")
    trust.add(playbook, NOW)
    for file in (trust.file, *trust.file.with_name("playbooks").iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # WHEN others may write it THEN it counts for nothing
    trust.file.chmod(0o666)
    assert trust.state(playbook) == "new"


def test_what_is_gone_is_said(trust: PlaybookTrust, tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    trust.add(read(file, "# A\n"), NOW)
    for kept in trust.file.with_name("playbooks").iterdir():
        kept.unlink()
    assert trust.diff(read(file, "# B\n")) == [
        "what was trusted before is no longer kept: read all of it"
    ]


def test_what_cannot_be_kept_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder would be")
    trust = PlaybookTrust({"XDG_DATA_HOME": str(tmp_path / "data")})
    playbook = read(tmp_path / "a.md", "# A\n")
    with pytest.raises(NotSavedError, match="not saved"):
        trust.add(playbook, NOW)
    assert trust.state(playbook) == "new"
