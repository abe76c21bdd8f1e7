"""`opsdeck init`: asks little, explains much, overwrites nothing."""

from __future__ import annotations

import grp
import os
import sys
import tomllib
from pathlib import Path

import pexpect
import pytest

from opsdeck.catalog.config import load_config
from opsdeck.catalog.signoff_rules import SignoffRules
from opsdeck.commands.template import Answers, config_text
from tests.cli.conftest import CommandLine

GROUP = grp.getgrgid(os.getegid()).gr_name


def modes(folder: Path) -> dict[str, int]:
    """Path below the folder -> mode."""
    return {str(p.relative_to(folder)): p.stat().st_mode & 0o7777 for p in folder.rglob("*")}


def test_without_a_terminal_it_asks_nothing(opsdeck: CommandLine) -> None:
    opsdeck.environ["TZ"] = "Europe/Berlin"
    result = opsdeck("init", "prod")

    assert (result.code, result.err) == (0, "")
    assert result.lines[0] == f"wrote {opsdeck.folder}/prod/opsdeck.toml"
    config = load_config(opsdeck.folder / "prod" / "opsdeck.toml")
    assert (config.name, config.timezone, config.uses) == ("prod", "Europe/Berlin", ())
    assert config.operators == ("alice",)
    assert config.shared_accounts == ("ec2-user", "ubuntu", "admin")
    assert config.home is None
    assert not opsdeck.home.exists()


def test_everything_can_be_said_by_options(opsdeck: CommandLine) -> None:
    result = opsdeck(
        "init", "--yes", "--name", "eu-1", "--timezone", "Asia/Tokyo", "--uses", "aws, cdn",
        "--operator", "alice", "--operator", "Bob Ñ", "--home", "/srv/it's \"q\"",
    )  # fmt: skip

    assert (result.code, result.err) == (0, "")
    config = load_config(opsdeck.folder / "opsdeck.toml")
    assert (config.name, config.timezone, config.uses) == ("eu-1", "Asia/Tokyo", ("aws", "cdn"))
    assert config.operators == ("alice", "Bob Ñ")
    assert str(config.home) == '/srv/it\'s "q"'
    inactive = next(line for line in result.lines if line.startswith("inactive are"))
    assert "cdn" not in inactive.split("(")[0].replace(" ", "").split(":")[1].split(",")


def test_every_line_in_comments_could_be_used(opsdeck: CommandLine) -> None:
    opsdeck("init", "--yes")
    path = opsdeck.folder / "opsdeck.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(len(line) <= 100 for line in lines)
    shown = [line[2:] for line in lines if line.startswith("# ")]
    heads = ("[targets.", "[[gauge]]", "[signoff]")
    examples = [line for line in shown if " = " in line or line.startswith(heads)]
    assert len(examples) >= 18
    bare = {line.split(" = ")[0] for line in examples}
    kept = [line for line in lines if line.split(" = ")[0] not in bare]
    used = [line[2:] if line[2:] in examples else line for line in kept]
    path.write_text("\n".join(used) + "\n", encoding="utf-8")
    found = load_config(path)
    assert found.ui.theme == "dark"
    assert set(found.targets) == {"web", "mongodb", "aws", "repo"}
    assert {"queue-depth", "web-p95", "mongodb-queue"} <= {g.id for g in found.gauges.specs}
    assert [change.id for change in found.gauges.adjustments] == ["host-memory"]
    assert found.signoff == SignoffRules(approvers=("carol", "dave"))


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_exists_is_never_overwritten(opsdeck: CommandLine, kind: str) -> None:
    path = opsdeck.folder / "opsdeck.toml"
    if kind == "file":
        path.write_text("mine")
    elif kind == "link":
        path.symlink_to("elsewhere")
    else:
        path.mkdir()
    result = opsdeck("init", "--yes", "--shared", GROUP)
    assert (result.code, result.out) == (73, "")
    assert f"{path} exists and is never overwritten" in result.err
    assert [p.name for p in opsdeck.folder.iterdir()] == ["opsdeck.toml"]
    assert kind != "file" or path.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--timezone", "Mars/Olympus"), "the time zone is"),
        (("--name", "a b"), "the name of the deck is"),
        (("--uses", "aws,redsi,foo"), "'redsi'; did you mean \"redis\"?"),
        (("--operator", "\x1b"), "no name for an operator"),
        (("--shared", "no-such-group"), "there is no group 'no-such-group'"),
        (("--home", "~no-such-user/x"), "home"),
        (("--shared", GROUP, "--home", "~no-such-user/x"), "is no folder"),
    ],
)
def test_wrong_answers_make_nothing(
    opsdeck: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    result = opsdeck("init", "--yes", *arguments)
    assert result.code in (64, 78)
    assert message in result.err
    assert list(opsdeck.folder.iterdir()) == []


def test_without_shared_nothing_is_writable_for_others(opsdeck: CommandLine) -> None:
    before = os.umask(0)
    try:
        assert opsdeck("init", "a/b", "--yes", "--home", "state").code == 0
        del opsdeck.environ["OPSDECK_HOME"]
        assert opsdeck("--config", "a/b/opsdeck.toml", "release", "start", "v1").code == 0
    finally:
        os.umask(before)
    found = modes(opsdeck.folder)
    assert "a/b/state/journal" in found
    assert not [name for name, mode in found.items() if mode & 0o022]


def test_a_shared_deck_is_its_groups(opsdeck: CommandLine) -> None:
    del opsdeck.environ["OPSDECK_HOME"]
    result = opsdeck("init", "deck", "--yes", "--shared", GROUP)

    assert (result.code, result.err) == (0, "")
    folder = opsdeck.folder / "deck"
    assert result.lines[0] == f"made {folder}/state: writable for the group {GROUP} (2770)"
    assert (folder / "state" / "shared").read_text() == f"{GROUP}\n"
    assert {p.group() for p in (folder / "state").rglob("*")} == {GROUP}
    before = os.umask(0o077)
    try:
        assert opsdeck("--config", "deck/opsdeck.toml", "release", "start", "v1").code == 0
    finally:
        os.umask(before)
    found = modes(folder)
    journal = {n: m for n, m in found.items() if n.startswith("state/journal/")}
    assert {n: found[n] for n in ("state", "state/journal", "state/cache", "state/shared")} == {
        "state": 0o2770,
        "state/journal": 0o2770,
        "state/cache": 0o2770,
        "state/shared": 0o640,
    }
    assert journal
    assert set(journal.values()) == {0o660}


def test_a_private_deck_can_become_shared(opsdeck: CommandLine) -> None:
    opsdeck("release", "start", "v1")
    result = opsdeck("init", "--yes", "--shared", GROUP)

    assert (result.code, result.err) == (0, "")
    assert f"2 files of the journal: writable for {GROUP}" in result.out
    assert {m for n, m in modes(opsdeck.journal).items()} == {0o660}
    assert tomllib.loads((opsdeck.folder / "opsdeck.toml").read_text())["deck"]["home"] == str(
        opsdeck.home
    )
    assert opsdeck("release", "show", "v1").code == 0


def test_a_folder_of_somebody_else_is_left_alone(opsdeck: CommandLine) -> None:
    place = opsdeck.folder / "photos"
    place.mkdir(mode=0o755)
    (place / "cat.jpg").write_text("miau")
    result = opsdeck("init", "--yes", "--shared", GROUP, "--home", "photos")
    assert (result.code, result.out) == (64, "")
    assert "holds other things (cat.jpg)" in result.err
    assert place.stat().st_mode & 0o7777 == 0o755
    assert sorted(p.name for p in opsdeck.folder.iterdir()) == ["photos"]


def test_what_cannot_be_written_is_told(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "file").write_text("")
    result = opsdeck("init", "file/deck", "--yes")
    assert (result.code, result.out) == (74, "")
    assert "not saved" in result.err


def test_on_a_terminal_it_asks_until_the_answer_will_do(opsdeck: CommandLine) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "opsdeck", "init", "deck"],
        cwd=str(opsdeck.folder),
        env=opsdeck.environ,
        timeout=20,
        encoding="utf-8",
    )
    child.expect_exact("Name of the deck [deck]: ")
    child.sendline("eu 1")
    child.expect_exact("Error: the name of the deck is")
    child.expect_exact("Name of the deck [deck]: ")
    child.sendline("eu-1")
    child.expect_exact("Time zone in which its days begin [")
    child.sendline("Europe/Berlin")
    child.expect_exact("Some items are only for teams that use: auto-scaling, aws, ")
    child.expect_exact("(a,b; empty: none): ")
    child.sendline("aws, redis")
    child.expect_exact("URL of the web application (empty: none): ")
    child.sendline("shop.example")
    child.expect_exact("Error: the web URL is wrong: ")
    child.expect_exact("URL of the web application (empty: none): ")
    child.sendline("https://shop.example")
    child.expect_exact("Path of its health endpoint [/health]: ")
    child.sendline("")
    child.expect_exact("e.g. MONGODB_URI (empty: none): ")
    child.sendline("mongodb://u:hunter22@db/app")
    child.expect_exact("give the name of the variable")
    child.expect_exact("e.g. MONGODB_URI (empty: none): ")
    child.sendline("MONGODB_URI")
    child.expect_exact("AWS region, e.g. eu-central-1 (empty: none): ")
    child.sendline("")
    child.expect_exact("AWS profile (empty: none): ")
    child.sendline("")
    child.expect_exact("Path of the repository (empty: none): ")
    child.sendline(".")
    child.expect_exact("wrote ")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    config = load_config(opsdeck.folder / "deck" / "opsdeck.toml")
    assert (config.name, config.timezone, config.uses) == (
        "eu-1",
        "Europe/Berlin",
        ("aws", "redis"),
    )
    assert config.targets == {
        "web": {"kind": "web", "url": "https://shop.example", "health_path": "/health"},
        "mongodb": {"kind": "mongodb", "uri": "${MONGODB_URI}"},
        "repo": {"kind": "repository", "path": str(opsdeck.folder)},
    }


def test_leaving_a_question_makes_nothing(opsdeck: CommandLine) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "opsdeck", "init"],
        cwd=str(opsdeck.folder),
        env=opsdeck.environ,
        timeout=20,
        encoding="utf-8",
    )
    child.expect_exact("Name of the deck")
    # One that comes between the question and the reading of the answer is lost: ask once more.
    for _ in range(10):
        child.sendintr()
        if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=2) == 0:
            break
    rest = child.before or ""
    child.close()
    assert child.exitstatus == 130
    assert "Traceback" not in rest
    assert list(opsdeck.folder.iterdir()) == []


def test_any_answer_stands_in_the_file_as_it_was_given(tmp_path: Path) -> None:
    home = 'x"\\\x01\x7f\n[deck]\u2028é'
    answers = Answers(
        name="n", timezone="UTC", uses=(), features=(), operators=(), shared_accounts=(), home=home
    )
    assert tomllib.loads(config_text(answers))["deck"]["home"] == home
