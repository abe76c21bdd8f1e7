"""What docs/journal.md says is so: its lines are a journal, its commands work."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from opsdeck.journal import events
from opsdeck.journal.events import line_hash
from opsdeck.journal.faults import FaultKind
from tests.journal.helpers import lines_of, load, put

DOCUMENT = (Path(__file__).parents[2] / "docs" / "journal.md").read_text(encoding="utf-8")
WRITER = "alice-ops1"
TYPES = {
    value
    for name, value in vars(events).items()
    if name.isupper() and isinstance(value, str) and "." in value
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The document's own journal."""
    put(tmp_path, [line.encode() for block in blocks("jsonl") for line in block.splitlines()])
    (tmp_path / "journal" / "w.jsonl").rename(tmp_path / "journal" / f"{WRITER}.jsonl")
    lines = lines_of(tmp_path, WRITER)
    kept = f"{len(lines):012d} {line_hash(lines[-1])}\n"
    (tmp_path / "journal" / f"{WRITER}.lock").write_text(kept)
    return tmp_path


def test_every_type_and_every_kind_of_fault_is_described(example: Path) -> None:
    described = set(re.findall(r"^### (\S+)$", DOCUMENT, re.MULTILINE))
    assert described == TYPES
    for kind in get_args(FaultKind):
        assert f"\n| `{kind}` |" in DOCUMENT
    kinds = {r.event.type for r in load(example).state.recent()}
    assert kinds == described


def test_its_lines_are_a_journal_without_fault(example: Path) -> None:
    state, faults = load(example)
    assert faults == []
    assert state.unknown_types == {}
    run = state.run("release/v1.4.2/infrastructure")
    assert run is not None
    force = {item: mark.kind for item, e in run.entries.items() if (mark := e.in_force())}
    assert force == {
        "load-balancer": "reopened",
        "tls-certificate": "overridden",
        "autoscaling": "deferred",
        "redis": "unused",
    }
    assert list(state.releases) == ["v1.4.2"]


def sh(home: Path, script: str) -> str:
    done = subprocess.run(
        ["sh", "-euc", script], cwd=home / "journal", capture_output=True, text=True, timeout=20
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
def test_its_commands_work(example: Path) -> None:
    link, chain, lock, order, item = blocks("sh")
    found, said = sh(example, link).splitlines()
    assert found.split()[0] == said
    assert sh(example, chain) == ""
    kept, last = sh(example, lock).splitlines()
    assert kept.split()[1] == last.split()[0]
    assert sh(example, order).splitlines() == [
        line.decode()[:-1] + f',"writer":"{WRITER}"}}' for line in lines_of(example, WRITER)
    ]
    assert [row.split("\t")[1:] for row in sh(example, item).splitlines()] == [
        ["alice", "item.checked", "days_left > `30` failed: 12.4"],
        ["alice", "item.noted", "renewal ordered, ticket OPS-311"],
        ["alice", "item.overridden", "renewal comes tomorrow, 12 days left"],
    ]


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
def test_its_check_of_a_chain_finds_what_was_altered(example: Path) -> None:
    lines = lines_of(example, WRITER)
    altered = [*lines[:4], lines[4].replace(b"alice", b"carol"), *lines[5:]]
    (example / "journal" / f"{WRITER}.jsonl").write_bytes(b"".join(a + b"\n" for a in altered))
    chain = blocks("sh")[1]
    assert sh(example, chain) == "line 6 does not follow the line before\n"
