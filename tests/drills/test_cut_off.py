"""The connection is killed at twenty points of a drill: the next start goes on where it was."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

from tests.drills.cutting import BOOK, Cutter
from tests.drills.drill import Drill
from tests.drills.faults import shop
from tests.drills.remote import Typist, needs_ssh, opsdeck, over_ssh
from tests.terminal.session import opened
from tests.terminal.test_ssh import server

__all__ = ["server"]
pytestmark = needs_ssh

SEED = 10


def test_nothing_is_lost_and_nothing_runs_twice(
    tmp_path: Path, server: tuple[int, subprocess.Popen[bytes]]
) -> None:
    port, sshd = server
    there = over_ssh(tmp_path, port, opsdeck())
    # GIVEN an incident over SSH, its playbook trusted and its first command run
    with shop(tmp_path) as web:
        drill = Drill(tmp_path, web.gauge, "api-response-slowdown")
        drill.write_book(BOOK)
        cutter = Cutter(drill, sshd.pid, random.Random(SEED))
        with opened(tmp_path, *there, rows=40, columns=100) as session:
            alice = Typist(session, drill)
            alice.is_well()
            web.slow_down()
            alice.starts_incident()
            session.type("r")
            cutter.presses += 1
            alice.agrees("Trust the commands of")
            alice.sees("ended with 0")
            session.type("escape")
            # WHEN it is cut off at twenty points
            cutter.cut_off(alice)
        while cutter.acts:
            with opened(tmp_path, *there, rows=40, columns=100) as session:
                alice = Typist(session, drill)
                # THEN the next start stands at the same step
                cutter.comes_back(alice)
                cutter.cut_off(alice)
        # AND it can be walked to its end, with an end of every command
        with opened(tmp_path, *there, rows=40, columns=100) as session:
            alice = Typist(session, drill)
            cutter.comes_back(alice)
            alice.until(cutter.all_ended, "the end of all commands")
            web.feature.unlink()
            alice.recovers()
            alice.ends("off", "fast again")
        # AND no command ran twice
        cutter.journal.is_whole()
        cutter.none_ran_twice()
        assert len(cutter.ways) == 20
        assert {what for what, _, _ in cutter.ways} == {"app", "sshd"}
