"""Completion: the scripts, and what is offered."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from opsdeck.cli import COMPLETE_VARIABLE
from tests.cli.conftest import CommandLine


def offered(opsdeck: CommandLine, line: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = line.split(" ")
    opsdeck.environ.update(
        {
            COMPLETE_VARIABLE: "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
    )
    result = opsdeck()
    for name in (COMPLETE_VARIABLE, "COMP_WORDS", "COMP_CWORD"):
        del opsdeck.environ[name]
    assert result.err == ""
    return [line.partition(",")[2] for line in result.lines if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(opsdeck: CommandLine, shell: str) -> None:
    result = opsdeck("completion", shell)
    assert (result.code, result.err) == (0, "")
    assert f"{COMPLETE_VARIABLE}={shell}_complete" in result.out
    interpreter = shutil.which(shell)
    if interpreter:
        checked = subprocess.run(
            [interpreter, "-n"], input=result.out.encode(), capture_output=True
        )
        assert checked.returncode == 0, checked.stderr


def test_commands_are_offered(opsdeck: CommandLine) -> None:
    assert offered(opsdeck, "opsdeck re") == ["reopen", "release", "report"]
    assert offered(opsdeck, "opsdeck list i") == ["incidents", "items"]


def test_items_checklists_runs_and_releases_are_offered(released: CommandLine) -> None:
    assert offered(released, "opsdeck attest infrastructure/tl") == [
        "infrastructure/tls-certificate"
    ]
    assert len(offered(released, "opsdeck attest ")) == 153
    assert offered(released, "opsdeck attest release/v1/infrastructure/tl") == [
        "release/v1/infrastructure/tls-certificate"
    ]
    assert offered(released, "opsdeck list items data") == [
        "database-readiness",
        "database-failure",
        "data-center-outage",
    ]
    assert offered(released, "opsdeck report v") == ["v1", "vertical-scaling"]
    for command in ("show", "use", "change", "abandon"):
        assert offered(released, f"opsdeck release {command} ") == ["v1"]
    assert "standing/backup-strategy" in offered(released, "opsdeck undo standing/")


def test_options_before_the_command_count(opsdeck: CommandLine) -> None:
    other = opsdeck.folder / "other"
    other.mkdir()
    (other / "opsdeck.toml").write_text("")
    (other / "checklists.toml").write_text(
        'omit=["*"]\n[[checklist]]\nid="x"\ntitle="X"\nsection="s"\ncadence="standing"\n'
        '[[checklist.item]]\nid="a"\ntext="A"\n'
    )
    line = "opsdeck --config other/opsdeck.toml attest "
    assert offered(opsdeck, line) == ["x/a"]


def test_a_broken_deck_disturbs_no_line(opsdeck: CommandLine) -> None:
    (opsdeck.folder / "opsdeck.toml").write_text("[[[")
    assert offered(opsdeck, "opsdeck attest infra") == []
    opsdeck.environ[COMPLETE_VARIABLE] = "nonsense"
    result = opsdeck()
    assert (result.out, result.err) == ("", "")
