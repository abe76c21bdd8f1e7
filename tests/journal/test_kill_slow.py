"""Processes killed at random moments: nothing acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from opsdeck.journal.events import NOTED
from opsdeck.journal.paging import newest_first
from tests.journal.helpers import Desk, faults_of, load

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
KILLS = 200
WRITERS = ("w", "w", "x")


class Slot:
    """A place where one appending process runs after the other; their words go to files."""

    def __init__(self, folder: Path, writer: str) -> None:
        self.folder = folder
        self.writer = writer
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, number: int) -> None:
        """Start the appender with the notes `number` * 1,000,000 and on."""
        said = self.folder / f"said {number}"
        first = str(number * 1_000_000)
        command = [sys.executable, "-m", "tests.journal.appender"]
        with said.open("wb") as out:
            self.process = subprocess.Popen(
                [*command, str(self.folder / "deck"), self.writer, first, "900000"],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """kill -9."""
        if self.process:
            self.process.kill()
            self.process.wait()


def test_two_hundred_kills(tmp_path: Path) -> None:
    # GIVEN two processes of one writer and one of another, all appending
    chance = random.Random(20261123)
    home = tmp_path / "deck"
    slots = [Slot(tmp_path, writer) for writer in WRITERS]
    try:
        for number, slot in enumerate(slots):
            slot.start(number)
        # WHEN one after the other is killed at a random moment and started again
        for number in range(len(slots), len(slots) + KILLS):
            time.sleep(chance.uniform(0.02, 0.22))
            slot = chance.choice(slots)
            slot.kill()
            slot.start(number)
    finally:
        for slot in slots:
            slot.kill()
    # THEN every acknowledged event is there once, and none that was not is there twice
    said = [line for path in tmp_path.glob("said *") for line in path.read_text().splitlines()]
    acknowledged = {line.split()[1] for line in said if line.startswith("ok ")}
    refused = [line for line in said if line != "ready" and not line.startswith("ok ")]
    assert len(acknowledged) > 1000
    assert refused == []
    there = Counter(
        r.event.data["text"] for r in newest_first(home / "journal") if r.event.type == NOTED
    )
    assert acknowledged - there.keys() == set()
    assert [text for text, count in there.items() if count > 1] == []
    # AND at most the last word of each process is there without its acknowledgement
    assert len(there.keys() - acknowledged) <= KILLS + len(slots)
    # AND the chains are whole, with and without the snapshot, and appending goes on
    fresh = load(home)
    assert fresh.faults == []
    assert fresh.state.count == len(there) + 2
    for writer in set(WRITERS):
        Desk(home, writer).note("after")
    assert faults_of(home) == []
