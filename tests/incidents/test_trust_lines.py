"""What changed in a trusted playbook is shown whole, whatever ends its lines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsdeck.catalog.playbook import Playbook
from opsdeck.catalog.playbooks import open_playbook
from opsdeck.incidents.trust import PlaybookTrust

NOW = datetime(2026, 11, 23, 2, 38, 7, tzinfo=UTC)
ENDS = ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"]


def read(file: Path, text: str) -> Playbook:
    file.write_text(text, encoding="utf-8", newline="")
    found = open_playbook(file, file.stem)
    assert found is not None
    return found


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("true # a{}b\n", "true # a\nb\n"),
        ("true # a\nb\n", "true # a{}b\n"),
        ("true # a{}b\n", "true # a{}{}b\n"),
        ("true{}", "true"),
        ("a{}b\nc\n", "a{}b\nd\n"),
    ],
)
def test_every_change_is_shown(before: str, after: str, end: str, tmp_path: Path) -> None:
    # GIVEN a trusted playbook with what some programs take for a line's end
    trust = PlaybookTrust({"XDG_DATA_HOME": str(tmp_path / "data")})
    file = tmp_path / "drill.md"
    head, tail = "# T\n\n## S\n\n```sh\n", "```\n"
    trust.add(read(file, head + before.replace("{}", end) + tail), NOW)
    # WHEN it is put in the place of a line's end, or the other way round, or elsewhere
    changed = read(file, head + after.replace("{}", end) + tail)
    # THEN it is not trusted, and what is different is shown
    assert trust.state(changed) == "changed"
    diff = trust.diff(changed)
    gone = [line[1:] for line in diff[2:] if line.startswith("-")]
    new = [line[1:] for line in diff[2:] if line.startswith("+")]
    assert gone != new
    assert gone or new
    # AND what is shown makes the one of the other
    old, now = (head + before + tail).replace("{}", end), changed.text
    assert set(old.split("\n")) - set(now.split("\n")) <= set(gone)
    assert set(now.split("\n")) - set(old.split("\n")) <= set(new)
