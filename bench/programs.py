"""The programs that are measured, and a place of their own to run in."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import opsdeck
from bench.tty import clean_environment

ROOT = Path(__file__).resolve().parent.parent

OPSDECK = (sys.executable, "-c", "import sys; from opsdeck.cli import main; sys.exit(main())")
"""What the installed `opsdeck` script does."""

BARE_APP = (sys.executable, "-c", "from bench.bare_app import main; main()")


class Place(NamedTuple):
    """A temporary folder with an environment: nothing of the user's is read or written."""

    folder: Path
    env: dict[str, str]

    @property
    def home(self) -> Path:
        """Where the deck keeps its state (OPSDECK_HOME)."""
        return self.folder / "deck"

    @property
    def journal(self) -> Path:
        """Where the journal files are."""
        return self.home / "journal"


@contextmanager
def place() -> Iterator[Place]:
    """A place that is removed again; `bench` and `opsdeck` can be imported there, compiled."""
    source = Path(opsdeck.__file__).resolve().parent
    for folder in (source, ROOT / "bench"):
        compileall.compile_dir(folder, quiet=2)
    with tempfile.TemporaryDirectory(prefix="opsdeck-bench-") as name:
        env = clean_environment(Path(name))
        known = env.get("PYTHONPATH", "").split(os.pathsep)
        parts = dict.fromkeys([*filter(None, known), str(source.parent), str(ROOT)])
        env["PYTHONPATH"] = os.pathsep.join(parts)
        yield Place(Path(name), env)


def run(argv: Sequence[str], here: Place, extra: Mapping[str, str] | None = None) -> str:
    """Run a command in `here` to its end: what it printed. Raises CalledProcessError."""
    done = subprocess.run(
        argv,
        cwd=here.folder,
        env={**here.env, **(extra or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout
