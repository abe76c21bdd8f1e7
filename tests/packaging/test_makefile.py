"""How `make` sets up its environment: once, again when it must, and after being cut short.

A stand-in for Python notes what it is asked for instead of downloading anything; that the real
one installs the real locks is shown by every run of `make test`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Called as PYTHON it makes the environment, and inside that as its python it "installs".
STAND_IN = """\
#!/bin/sh
echo "$*" >>"$NOTES"
case "$1 $2" in
"-c import"*) test ! -e "$NOTES.old" ;;
"-m venv") rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;;
"-m pip") test ! -e "$NOTES.die" || kill -9 $PPID; sleep 0.05 ;;
esac
"""


class Checkout:
    """A folder with the Makefile, the locks and the stand-in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = folder.parent / "notes"
        folder.mkdir(parents=True)
        for name in ("Makefile", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        self.python("python3")

    def python(self, name: str) -> None:
        """Put the stand-in on the path under this name."""
        tool = self.folder.parent / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(STAND_IN)
        tool.chmod(0o755)

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run make with the stand-in for Python."""
        path = f"{self.folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environ = {"PATH": path, "NOTES": str(self.notes)}
        return subprocess.run(
            ["make", *words],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )

    def asked(self) -> list[str]:
        """What Python was asked for since the last call."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return lines

    def installs(self) -> int:
        """How often an environment was made since the last call."""
        return sum(line.startswith("-m venv") for line in self.asked())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout below a path with a space and a quote in it."""
    return Checkout(tmp_path / "it's my deck" / "checkout")


def test_the_second_call_does_no_work(checkout: Checkout) -> None:
    # GIVEN an environment that was set up, by the lock with its hashes
    assert checkout.make("setup").returncode == 0
    asked = checkout.asked()
    assert any("--require-hashes -r requirements.lock" in line for line in asked)
    assert any("--require-hashes -r requirements-dev.lock" in line for line in asked)
    assert any("compileall" in line for line in asked)
    # WHEN it is asked for again
    again = checkout.make("setup")
    # THEN nothing is done
    assert again.returncode == 0
    assert checkout.asked() == []
    assert checkout.make("--question", "setup").returncode == 0


def test_a_newer_lock_is_installed_again(checkout: Checkout) -> None:
    checkout.make("setup")
    checkout.asked()
    # WHEN the lock changes
    later = (checkout.folder / ".venv" / ".dev-stamp").stat().st_mtime + 5
    os.utime(checkout.folder / "requirements.lock", (later, later))
    checkout.make("setup")
    # THEN it is installed into the same environment
    asked = checkout.asked()
    assert any("-r requirements.lock" in line for line in asked)
    assert not any(line.startswith("-m venv") for line in asked)


def test_an_installation_that_was_killed_begins_anew(checkout: Checkout) -> None:
    # GIVEN a make that was killed while pip was installing
    die = Path(f"{checkout.notes}.die")
    die.touch()
    killed = checkout.make("setup")
    assert killed.returncode != 0
    die.unlink()
    checkout.asked()
    # WHEN it is called again
    again = checkout.make("setup")
    # THEN the environment is made from the beginning and finished
    assert again.returncode == 0, again.stderr
    assert checkout.installs() == 1
    assert checkout.make("--question", "setup").returncode == 0


def test_a_make_that_was_killed_while_installing_the_tools_begins_anew(checkout: Checkout) -> None:
    # GIVEN an environment for running, and a make killed while it added what tests need
    checkout.make(".venv/.run-stamp")
    die = Path(f"{checkout.notes}.die")
    die.touch()
    killed = checkout.make("setup")
    assert killed.returncode in (-signal.SIGKILL, 2)
    die.unlink()
    checkout.asked()
    # THEN running does not trust what is left
    assert checkout.make(".venv/.run-stamp").returncode == 0
    assert checkout.installs() == 1


def test_a_copied_checkout_makes_its_own_environment(checkout: Checkout) -> None:
    # GIVEN a checkout with its environment, and a copy of both
    checkout.make("setup")
    checkout.asked()
    copy = checkout.folder.with_name("copy")
    shutil.copytree(checkout.folder, copy)
    checkout.folder = copy
    # THEN the copy does not use the other's code
    assert checkout.make("setup").returncode == 0
    assert checkout.installs() == 1


def test_another_python_makes_another_environment(checkout: Checkout) -> None:
    checkout.python("python3.13")
    checkout.make("setup")
    checkout.asked()
    # WHEN another Python is asked for, it is used, once
    checkout.make("PYTHON=python3.13", "setup")
    assert checkout.installs() == 1
    checkout.make("PYTHON=python3.13", "setup")
    assert checkout.installs() == 0
    # AND it stays when none is named
    checkout.make("setup")
    assert checkout.installs() == 0


def test_a_python_that_is_too_old_is_told_plainly(checkout: Checkout) -> None:
    Path(f"{checkout.notes}.old").touch()
    # WHEN the machine's Python is too old, or is none
    old, missing = checkout.make("run"), checkout.make("PYTHON=python9", "run")
    # THEN a sentence says so, and nothing is left behind
    for done, name in ((old, "python3"), (missing, "python9")):
        assert done.returncode != 0
        assert f"needs Python 3.11 or newer, and {name} is older or missing" in done.stderr
        assert "make PYTHON=python3.12 run" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (checkout.folder / ".venv").exists()


def test_clean_leaves_the_sources_and_nothing_else(checkout: Checkout) -> None:
    checkout.make("setup")
    cache = checkout.folder / "src" / "__pycache__"
    cache.mkdir(parents=True)
    (cache / "x.pyc").touch()
    kept = {path.name for path in checkout.folder.iterdir()} - {".venv"}
    # WHEN the checkout is cleaned, twice
    assert checkout.make("clean").returncode == 0
    assert checkout.make("clean").returncode == 0
    # THEN what was made is gone
    assert {path.name for path in checkout.folder.iterdir()} == kept
    assert not cache.exists()
