"""Programs that read their words anew: there a value outside of quotes is not safe either."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from opsdeck.catalog.playbook import Command
from opsdeck.catalog.playbook_read import read_playbook
from opsdeck.errors import UsageError
from opsdeck.incidents.variables import PLACEHOLDER, filled, names_in

ROOT = Path(__file__).parents[2]

READ_ANEW = {
    "make": "make X={{v}}",
    "gmake": "gmake -s all X={{v}}",
    "make in a folder": "make -C /srv deploy HOST={{v}}",
    "python": "echo {{v}} | python3",
    "python of a version": "echo {{v}} | python3.11 -",
    "python as another": "echo {{v}} | sudo -n python3",
    "perl": "echo {{v}} | perl",
    "ruby": "echo {{v}} | ruby",
    "node": "echo {{v}} |node",
    "php": "echo {{v}} | php",
    "mysql": "echo {{v}} | mysql app",
    "psql": "echo {{v}} | psql",
    "sqlite": "echo {{v}} | sqlite3 x.db",
    "mongosh": "echo {{v}} | mongosh",
    "redis": "echo {{v}} | redis-cli",
    "alias": "alias look={{v}}\nlook",
    "a variable as a command": "x={{v}}; $x",
    "a variable as a command, in braces": "x={{v}}\n${x} now",
    "a variable as a command, further on": "x={{v}} && true && $x",
    "indirect": "x={{v}}; echo ${!x}",
    "expanded as a prompt": "x={{v}}; echo ${x@P}",
    "the prompt of traces": "set -x; PS4={{v}}; true",
    "a file that is read": ". {{v}}",
    "crontab": "echo {{v}} | crontab -",
    "at": "echo {{v}} | at now",
    "batch": "echo {{v}} | batch",
    "pdsh": "pdsh -w db-1 {{v}}",
    "pssh": "pssh -H db-1 {{v}}",
    "clush": "clush -w db-1 {{v}}",
    "ansible": "ansible all -a {{v}}",
    "salt": "salt db-1 cmd.run {{v}}",
    "csh": "echo {{v}} | csh",
    "tcsh": "echo {{v}} | tcsh",
    "powershell": "pwsh -File {{v}}",
    "python by its path": "echo {{v}} | /usr/bin/python3",
    "python through env": "echo {{v}} | env python3",
    "python with what failed": "echo {{v}} |& python3",
    "python in time": "echo {{v}} | timeout 5 python3",
    "python on the next line": "echo {{v}} | \\\npython3",
    "python from a file": "python3 <(echo {{v}})",
    "python from a written file": "echo {{v}} > s.py; python3 s.py",
    "perl with features": "perl -E {{v}}",
    "node that prints": "node -p {{v}}",
    "a shell of sqlite": "sqlite3 x.db {{v}}",
    "ed": "echo {{v}} | ed",
    "a variable behind env": "x={{v}}; env $x",
    "a variable behind then": "x={{v}}; if true; then $x; fi",
    "a variable in braces": "x={{v}}; { $x; }",
    "a variable that is denied": "x={{v}}; ! $x",
    "a variable that is timed": "x={{v}}; time $x",
    "a variable behind another": "x={{v}}; A=1 $x",
    "a variable behind nohup": "x={{v}}; nohup $x",
    "a variable far behind": "x={{v}}\n" + "echo on\n" * 2_000 + "env $x",
    "a variable with more in it": "x=a?b={{v}}; env $x",
    "a text that is not looked through": "echo on\n" * 10_000 + "echo {{v}}",
}
HOSTILE = ["a b", "x; touch X", "x;touch X", "$(touch X)", "`touch X`", "touch X", "a\\ b", "a|b",
           "a&b", "a>X", "'a'", '"a"', "a*", "$HOME", "~", "__import__('os').system('touch\\x20X')",
           "system('touch','X')", "$(shell${IFS}touch${IFS}X)"]  # fmt: skip
PLAIN = ["db-2", "10.0.0.7:27017", "a@b.example", "/srv/deck/x", "50%", "größe", "a=b,c"]


@pytest.mark.parametrize("place", READ_ANEW)
def test_what_would_be_read_anew_is_refused(place: str) -> None:
    # GIVEN a command whose program reads its words once more
    for value in HOSTILE:
        # WHEN a value has more in it than a plain word THEN it is refused, with what to do
        with pytest.raises(UsageError, match="may read it anew"):
            filled(READ_ANEW[place], {"v": value}, "bash")
    # AND plain ones are taken, as they are
    for value in PLAIN:
        text = PLACEHOLDER.sub(value, READ_ANEW[place])
        assert filled(READ_ANEW[place], {"v": value}, "bash") == text


REALLY = {
    "make": ("make -s X={{v}}", "$(shell touch${EMPTY} X)", "make"),
    "python": ("echo {{v}} | python3", "__import__('os').system('touch X')", "python3"),
    "perl": ("echo {{v}} | perl", "system('touch', 'X')", "perl"),
    "node": ("echo {{v}} | node", "require('fs').writeFileSync('X', '')", "node"),
    "alias": ("alias look={{v}}\nlook", "true; touch X", "sh"),
    "variable": ("x={{v}}; $x", "touch X", "sh"),
    "file": ("echo 'touch X' > 'a b'; . {{v}}", "./a b", "sh"),
}


@pytest.mark.parametrize("place", REALLY)
def test_quotes_would_not_have_helped(place: str, tmp_path: Path) -> None:
    text, value, program = REALLY[place]
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    (tmp_path / "Makefile").write_text("all:\n\t@echo $(X)\n")
    # GIVEN a program that is there WHEN it gets the value in quotes of this shell
    quoted = "'" + value.replace("'", "'\\''") + "'"
    subprocess.run(
        ["sh", "-c", text.replace("{{v}}", quoted)],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    # THEN it does what the value says: that is why it is refused
    assert (tmp_path / "X").exists()
    with pytest.raises(UsageError, match="may read it anew"):
        filled(text, {"v": value})


NOT_READ_ANEW = [
    "show {{v}}",
    "makefile {{v}}",
    "cat {{v}}",
    "remake {{v}}",
    "grep -i {{v}} /var/log/syslog",
    "dig +short {{v}}",
    "dig {{v}} | pythonic",
    "echo {{v}} > pearls",
    "x={{v}}; echo \"$x\"",
    "ping {{v}}",
    "cat /srv/at/{{v}}",
    "look --at={{v}}",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_READ_ANEW)
def test_elsewhere_a_value_is_one_word(text: str) -> None:
    for value in ("a b", "x; touch X", "$(touch X)"):
        assert filled(text, {"v": value}) == text.replace("{{v}}", f"'{value}'")


def shipped() -> dict[str, Command]:
    """Every command of the shipped playbooks that has a placeholder."""
    found = {}
    for file in sorted((ROOT / "runbooks").glob("*.md")):
        playbook = read_playbook(file.read_bytes(), file.stem, file.name)
        for _, command in playbook.commands():
            if names_in([command.text]):
                found[f"{file.stem}: {command.name}"] = command
    return found


SHIPPED = shipped()
FREE = [
    "data-center-outage: Which zones are well",
    "data-center-outage: Shift traffic away",
    "data-center-outage: Stop the application there",
    "data-center-outage: Grow the group there",
    "data-center-outage: Fail the primary's check",
    "database-disk-space: Grow the volume",
    "high-cpu-usage: Set how many run",
    "high-memory-usage: Count the cache's keys",
    "security-breach: Detach and quarantine",
    "security-breach: Switch an access key off",
    "single-server-failure: Take a target out",
    "single-server-failure: Have it replaced",
]
"""Those that hand nothing on: there any value is one word."""


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_commands_take_plain_values(name: str) -> None:
    # GIVEN a shipped command WHEN its placeholders get names, addresses, paths THEN it is run so
    command = SHIPPED[name]
    names = names_in([command.text])
    for value in ("db-2", "10.0.0.7", "/srv/app/env", "arn:aws:x:eu-1:123:y/z", "42"):
        whole = filled(command.text, dict.fromkeys(names, value), command.shell)
        assert whole == PLACEHOLDER.sub(value, command.text)


@pytest.mark.parametrize("name", FREE)
def test_shipped_commands_that_hand_nothing_on_take_any_value(name: str) -> None:
    command = SHIPPED[name]
    names = names_in([command.text])
    whole = filled(command.text, dict.fromkeys(names, "a b; touch X"), command.shell)
    assert whole == PLACEHOLDER.sub("'a b; touch X'", command.text)
