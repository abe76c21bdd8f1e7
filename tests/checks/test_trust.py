"""Consent to commands is remembered for exactly them, on this account, and for nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsdeck.catalog.model import Checklist, Item
from opsdeck.checks.checker import Ask, Subject, asks_of, fingerprint
from opsdeck.checks.trust import Trust, trust_file
from opsdeck.errors import NotSavedError
from opsdeck.probes.base import Consent
from opsdeck.probes.engine import Engine

AT = datetime(2026, 11, 23, 2, 38, 7, tzinfo=UTC)
PROBE = {"kind": "command", "target": "repo", "argv": ["./check.sh", "{flag|-q}"], "cwd": "bin"}
TABLE = {"kind": "repository", "path": "."}


def subject(probe: dict[str, Any], **item: Any) -> Subject:
    checklist = Checklist(id="l", title="L", section="S", cadence="standing", items=())
    return Subject(checklist, Item(id="i", text="t", probe=probe, **item), "standing/l")


def ask(
    probe: dict[str, Any],
    table: dict[str, Any] | None = None,
    folder: Path = Path("/deck"),
    environ: dict[str, str] | None = None,
    **item: Any,
) -> Ask:
    """What is asked before this is run."""
    engine = Engine({"repo": table or TABLE}, environ=environ or {}, folder=folder)
    (found,) = asks_of([subject(probe, **item)], engine)
    return found


@pytest.mark.parametrize(
    ("probe", "table", "folder", "same"),
    [
        ({}, {}, "/deck", True),
        ({"argv": ["./check.sh", "-v"]}, {}, "/deck", False),
        ({"argv": ["./check.sh"]}, {}, "/deck", False),
        ({"cwd": "other"}, {}, "/deck", False),
        ({"env": {"A": "b"}}, {}, "/deck", False),
        ({"shell": True, "argv": "x"}, {}, "/deck", False),
        ({"timeout": 9}, {}, "/deck", False),
        ({}, {"path": "elsewhere"}, "/deck", False),
        ({}, {"flag": "--fix"}, "/deck", False),
        # the same words in another deck run another program
        ({}, {}, "/other/deck", False),
    ],
)
def test_what_is_agreed_to_is_exactly_this(
    probe: dict[str, Any], table: dict[str, Any], folder: str, same: bool
) -> None:
    before = ask(PROBE).fingerprint
    after = ask({**PROBE, **probe}, {**TABLE, **table}, Path(folder)).fingerprint
    assert (before == after) is same


def test_other_words_about_it_change_nothing() -> None:
    # WHEN its guide, its text or what is expected of it changes THEN consent stands
    assert ask(PROBE, guide="Read this first.").fingerprint == ask(PROBE).fingerprint
    assert ask(PROBE, expect=("exit_code == `0`",)).fingerprint == ask(PROBE).fingerprint
    # AND the order of keys is no matter, nor what a variable holds
    turned = dict(reversed(PROBE.items()))
    assert ask(turned).fingerprint == ask(PROBE).fingerprint
    secret = {**PROBE, "env": {"TOKEN": "${TOKEN}"}}
    one, two = (ask(secret, environ={"TOKEN": value}) for value in ("first-one", "second-one"))
    assert one.fingerprint == two.fingerprint


def test_a_folder_reached_by_another_name_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "deck").mkdir()
    (tmp_path / "link").symlink_to("deck")
    assert fingerprint(PROBE, TABLE, tmp_path / "deck") == fingerprint(
        PROBE, TABLE, tmp_path / "link"
    )


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "repository", "path": ".", "line": 5},
        {"kind": "repository", "path": ".", "line": "npm test"},
        {"kind": "repository", "path": ".", "line": [1, 2]},
        {"kind": "repository", "path": "."},
        {"kind": "repository", "path": ".", "line": "${NOT_SET}"},
    ],
)
def test_what_cannot_be_run_is_not_asked_about(table: dict[str, Any]) -> None:
    engine = Engine({"repo": table}, environ={}, folder=Path("/deck"))
    probe = {"kind": "command", "target": "repo", "argv": "{line}"}
    assert asks_of([subject(probe)], engine) == []


def test_what_is_asked_shows_what_would_be_run() -> None:
    found = ask({**PROBE, "env": {"A": "b c"}}, {**TABLE, "flag": "--all; rm"}).consent
    assert found == Consent("command", "A='b c' ./check.sh '--all; rm'   (in bin)")


# The file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return trust_file({"XDG_DATA_HOME": str(tmp_path / "data")})


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/opsdeck/trusted.json"),
        ({"HOME": "/h"}, "/h/.local/share/opsdeck/trusted.json"),
        ({"XDG_DATA_HOME": "relative", "HOME": "/h"}, "/h/.local/share/opsdeck/trusted.json"),
        ({"XDG_DATA_HOME": "", "HOME": "/h"}, "/h/.local/share/opsdeck/trusted.json"),
    ],
)
def test_where_it_is_kept(environ: dict[str, str], wanted: str) -> None:
    assert trust_file(environ) == Path(wanted)


def test_it_is_remembered_privately(file: Path) -> None:
    one, two = ask(PROBE), ask({**PROBE, "cwd": "."})
    trust = Trust(file)
    assert one.fingerprint not in trust
    trust.add([one], AT)
    assert one.fingerprint in trust
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    # AND another process reads it, and adds
    other = Trust(file)
    assert one.fingerprint in other
    assert other.missing([one, two]) == [two]
    other.add([two], AT)
    assert {one.fingerprint, two.fingerprint} <= set(json.loads(file.read_text()))
    said = json.loads(file.read_text())[two.fingerprint]
    assert said == {"item": "l/i", "text": two.consent.text, "at": "2026-11-23T02:38:07Z"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b"{}" + b" " * 5_000_000],
    ids=lambda value: str(value[:8]),
)
def test_a_damaged_file_trusts_nothing_and_is_made_whole(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    trust, one = Trust(file), ask(PROBE)
    assert one.fingerprint not in trust
    trust.add([one], AT)
    assert one.fingerprint in Trust(file)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_may_write_is_not_believed(file: Path, mode: int) -> None:
    one, two = ask(PROBE), ask({**PROBE, "cwd": "."})
    Trust(file).add([one], AT)
    file.chmod(mode)
    # WHEN it is writable for others THEN nothing in it counts
    trust = Trust(file)
    assert one.fingerprint not in trust
    # AND what is agreed to from then on does, for the file is made private again
    trust.add([two], AT)
    assert file.stat().st_mode & 0o777 == 0o600
    again = Trust(file)
    assert two.fingerprint in again
    assert one.fingerprint not in again


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_another_is_not_believed(file: Path) -> None:
    one = ask(PROBE)
    Trust(file).add([one], AT)
    os.chown(file, 12345, 12345)
    assert one.fingerprint not in Trust(file)


def test_a_symbolic_link_is_followed_and_stays(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir(parents=True)
    real = tmp_path / "real.json"
    file.symlink_to(real)
    one = ask(PROBE)
    Trust(file).add([one], AT)
    assert file.is_symlink()
    assert one.fingerprint in Trust(file)
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_pipe_in_its_place_is_not_waited_for(file: Path) -> None:
    file.parent.mkdir(parents=True)
    os.mkfifo(file)
    trust = Trust(file)
    with pytest.raises(NotSavedError):
        trust.add([ask(PROBE)], AT)


@pytest.mark.parametrize("what", ["a file for a folder", "a folder for the file", "no more room"])
def test_what_cannot_be_saved_is_said(file: Path, tmp_path: Path, what: str) -> None:
    if what == "a file for a folder":
        (tmp_path / "data").write_text("")
    elif what == "a folder for the file":
        file.mkdir(parents=True)
    else:
        file.parent.parent.mkdir(parents=True)
        file.parent.symlink_to("/proc/self")
    trust = Trust(file)
    with pytest.raises(NotSavedError, match=r"not saved|saved"):
        trust.add([ask(PROBE)], AT)
    assert ask(PROBE).fingerprint not in trust


_ADDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from opsdeck.checks.checker import Ask
from opsdeck.checks.trust import Trust
from opsdeck.probes.base import Consent
from tests.checks.test_trust import PROBE, subject

trust = Trust(Path(sys.argv[1]))
for n in range(25):
    ask = Ask(subject(PROBE), Consent("command", "x"), f"{sys.argv[2]}-{n}")
    trust.add([ask], datetime.now(UTC))
"""


def test_two_processes_that_add_at_once_lose_nothing(file: Path) -> None:
    root = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}
    adders = [
        subprocess.Popen([sys.executable, "-c", _ADDER, str(file), who], env=environ)
        for who in ("a", "b")
    ]
    assert [adder.wait(30) for adder in adders] == [0, 0]
    assert set(json.loads(file.read_text())) == {f"{w}-{n}" for w in "ab" for n in range(25)}
