"""A drill: a process spins until it is ended.

Its own use of a core is the gauge, not the machine's: other tests may keep the machine busy.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drills.drill import Drill
from tests.drills.faults import cpu_gauge
from tests.drills.instances import SPINS, instance
from tests.drills.story import tells_the_story
from tests.drills.walk import SIZE, Operator

RUNAWAY = "Check for runaway processes"
EDITS = {"ssh {{host}} sudo -n kill {{pid}}": "kill {{pid}}"}


@pytest.mark.slow
async def test_a_process_spins_and_the_playbook_ends_it(tmp_path: Path) -> None:
    # GIVEN a process that is well, and somebody who is on call
    with instance(tmp_path, SPINS) as orders:
        drill = Drill(tmp_path, cpu_gauge(orders), "high-cpu-usage", EDITS)
        async with drill.app().run_test(size=SIZE) as pilot:
            alice = Operator(pilot, drill)
            await alice.is_well()
            # WHEN it begins to spin THEN the breach names its playbook
            orders.fall_ill()
            await alice.starts_incident()
            # AND WHEN the playbook is walked
            await alice.begins("Confirm the symptom")
            await alice.done()
            await alice.skips("Review slow query logs", "no database")
            await alice.begins(RUNAWAY)
            # THEN it names the culprit
            await alice.finds(f" {orders.pid} ")
            # AND WHEN that is ended
            await alice.runs("End a process", "kill", pid=str(orders.pid))
            # THEN the fault ends, and the gauge recovers
            await alice.recovers()
            assert orders.has_ended()
            await alice.done()
            await alice.skips("Analyze application metrics", "a batch job")
            await alice.skips("Scale horizontally if needed", "not needed")
            await alice.begins("Confirm recovery, or escalate")
            await alice.ticks()
            await alice.done()
            await alice.mitigates("ended it")
            await alice.resolves("its owner knows")
        assert drill.turns() == [("ok", "critical"), ("critical", "ok")]
        # AND the report tells the story
        text = f"kill {orders.pid}"
        report = tells_the_story(drill, command="End a process", text=text, helped=RUNAWAY)
        assert f"| pid | {orders.pid} |" in report
