"""A command line with a deck of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from opsdeck.cli import run

SOURCE = Path(__file__).resolve().parents[2] / "src"


class Result(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What stood on stdout, line by line."""
        return self.out.splitlines()


class CommandLine:
    """Runs `opsdeck` in a folder with a home, a journal and an environment of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "OPSDECK_HOME": str(self.home),
            "OPSDECK_OPERATOR": "alice",
            "PYTHONPATH": str(SOURCE),
            "PYTHONWARNINGS": "error",
            "LANG": "C.UTF-8",
        }
        self._monkeypatch = monkeypatch

    @property
    def journal(self) -> Path:
        """The folder of the journal."""
        return self.home / "journal"

    def __call__(self, *arguments: str, stdin: bytes = b"", encoding: str = "utf-8") -> Result:
        """Run a command in this process."""
        streams = [io.BytesIO(), io.BytesIO()]
        out, err = (io.TextIOWrapper(s, encoding=encoding, write_through=True) for s in streams)
        with self._monkeypatch.context() as patch:
            for name in os.environ:
                patch.delenv(name)
            for name, value in self.environ.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = run(arguments)
        return Result(code, *(s.getvalue().decode("utf-8") for s in streams))

    def json(self, *arguments: str) -> Any:
        """What a command prints with `--json`; it must end well and say nothing else."""
        result = self(*arguments, "--json")
        assert (result.code, result.err) == (0, "")
        return json.loads(result.out)

    def program(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start `opsdeck` as a program of its own."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        environ = {**self.environ, **options.pop("environ", {})}
        return subprocess.Popen(
            [sys.executable, "-m", "opsdeck", *arguments], cwd=self.folder, env=environ, **options
        )

    def ended(self, *arguments: str, **options: Any) -> Result:
        """Run `opsdeck` as a program of its own to its end."""
        process = self.program(*arguments, **options)
        out, err = process.communicate(timeout=30)
        return Result(process.returncode, *((s or b"").decode() for s in (out, err)))


@pytest.fixture
def opsdeck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """`opsdeck` on an empty deck; the operator is alice."""
    return CommandLine(tmp_path, monkeypatch)


@pytest.fixture
def released(opsdeck: CommandLine) -> CommandLine:
    """`opsdeck` on a deck on which release v1 was started."""
    assert opsdeck("release", "start", "v1").code == 0
    return opsdeck
