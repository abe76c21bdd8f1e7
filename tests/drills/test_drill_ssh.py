"""Two drills as they are done at night: through a real sshd, in tmux, at 80 by 24."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.drill import Drill
from tests.drills.faults import FEATURE_OFF, cpu_gauge, shop
from tests.drills.instances import SPINS, instance
from tests.drills.remote import Tmux, Typist, cut, needs_ssh, needs_tmux, over_ssh
from tests.drills.story import tells_the_story
from tests.drills.test_drill_cpu import EDITS, RUNAWAY
from tests.drills.test_drill_slowdown import REVIEW
from tests.terminal.session import Session, opened
from tests.terminal.test_ssh import server

__all__ = ["server"]
pytestmark = [*needs_ssh, needs_tmux]

Server = tuple[int, "subprocess.Popen[bytes]"]


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A server of tmux that ends with the test."""
    made = Tmux(tmp_path)
    yield made
    made.end()


def test_a_process_spins_and_is_ended_over_ssh(tmp_path: Path, server: Server, tmux: Tmux) -> None:
    # GIVEN a process that is well, and somebody who looks at the deck over SSH
    with instance(tmp_path, SPINS) as orders:
        drill = Drill(tmp_path, cpu_gauge(orders), "high-cpu-usage", EDITS)
        with opened(tmp_path, *over_ssh(tmp_path, server[0], tmux.command())) as session:
            alice = Typist(session, drill)
            alice.is_well()
            # WHEN it begins to spin, and the playbook is walked
            orders.fall_ill()
            alice.starts_incident()
            alice.begins("Confirm the symptom", from_page=False)
            alice.done("Confirm the symptom")
            alice.skips("Review slow query logs", "no database")
            alice.begins(RUNAWAY)
            alice.to_row("$ End a process")
            session.type("r")
            alice.agrees("Trust the commands of")
            alice.sees("What do these stand for?")
            alice.types(str(orders.pid))
            alice.sees("Type kill to run it")
            alice.types("kill")
            alice.sees("ended with 0")
            session.type("escape")
            # THEN the fault ends, and the gauge recovers
            alice.recovers()
            assert orders.has_ended()
            alice.done(RUNAWAY)
            alice.skips("Analyze application metrics", "a batch job")
            alice.skips("Scale horizontally if needed", "not needed")
            alice.begins("Confirm recovery, or escalate")
            alice.ticks()
            alice.done("Confirm recovery, or escalate")
            alice.ends("ended it", "its owner knows")
        # AND the report tells the story
        text = f"kill {orders.pid}"
        tells_the_story(drill, command="End a process", text=text, helped=RUNAWAY)


def test_answers_are_slow_and_the_connection_breaks(
    tmp_path: Path, server: Server, tmux: Tmux
) -> None:
    port, sshd = server
    there = over_ssh(tmp_path, port, tmux.command())
    # GIVEN a fast server, and somebody who looks at the deck over SSH
    with shop(tmp_path) as web:
        drill = Drill(tmp_path, web.gauge, "api-response-slowdown", FEATURE_OFF)
        with opened(tmp_path, *there) as session:
            alice = Typist(session, drill)
            alice.is_well()
            # WHEN a service that it asks is slow, and the playbook is walked
            web.slow_down()
            alice.starts_incident()
            alice.begins("Confirm the symptom", from_page=False)
            alice.done("Confirm the symptom")
            alice.skips("Check database performance", "no database")
            alice.begins(REVIEW)
            alice.to_row("$ Switch a feature off")
            # AND the connection breaks in the middle of it
            cut(sshd.pid)
            assert session.ended() == 255
        # THEN tmux has kept everything as it was, the cursor on the command
        with opened(tmp_path, *there) as session:
            alice = Typist(session, drill)
            alice.sees("alice commands", "$ Switch a feature off")
            _ends_the_slowdown(alice, session)
        assert not web.feature.exists()
        # AND the report tells the story
        text = "rm -v recommendations.on"
        tells_the_story(drill, command="Switch a feature off", text=text, helped=REVIEW)


def _ends_the_slowdown(alice: Typist, session: Session) -> None:
    session.type("r")
    alice.agrees("Trust the commands of")
    alice.agrees("Run this on this machine?")
    alice.sees("ended with 0")
    session.type("escape")
    alice.recovers()
    alice.done(REVIEW)
    alice.skips("Check for network issues", "none")
    alice.skips("Scale horizontally if needed", "not needed")
    alice.begins("Confirm recovery, or escalate")
    alice.ticks()
    alice.done("Confirm recovery, or escalate")
    alice.ends("feature off", "fast again")
