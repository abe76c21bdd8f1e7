"""A drill: an instance eats memory until it is restarted.

Its own memory is the gauge, not the machine's: a test must not bring the machine near its end.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.drills.drill import UNIT, Drill
from tests.drills.faults import memory_gauge
from tests.drills.instances import EATS, instance
from tests.drills.story import tells_the_story
from tests.drills.walk import SIZE, Operator

RESTART = "Restart application if needed"


@pytest.mark.slow
async def test_memory_is_eaten_and_the_playbook_frees_it(tmp_path: Path) -> None:
    # GIVEN an instance that is well, and somebody who is on call
    with instance(tmp_path, EATS.format(megabytes=120)) as orders:
        drill = Drill(tmp_path, memory_gauge(orders), "high-memory-usage", UNIT)
        async with drill.app().run_test(size=SIZE) as pilot:
            alice = Operator(pilot, drill)
            await alice.is_well()
            # WHEN it begins to eat memory THEN the breach names its playbook
            orders.fall_ill()
            await alice.starts_incident()
            # AND WHEN the playbook is walked
            await alice.begins("Confirm the symptom")
            await alice.done()
            await alice.begins("Check for memory leaks")
            await alice.done()
            await alice.skips("Review garbage collection logs", "no node here")
            await alice.skips("Clear cache if necessary", "it has none")
            await alice.begins(RESTART)
            await alice.runs("Restart one instance", "restart")
            # THEN the fault ends, and the gauge recovers
            await alice.recovers()
            assert orders.has_ended()
            await alice.done()
            await alice.begins("Confirm recovery, or escalate")
            await alice.ticks()
            await alice.done()
            await alice.mitigates("restarted")
            await alice.resolves("stays low")
        assert drill.turns() == [("ok", "critical"), ("critical", "ok")]
        # AND the report tells the story
        report = tells_the_story(
            drill, command="Restart one instance", text="./orders restart", helped=RESTART
        )
        assert re.search(r"^ended \d+$", report, re.M)
        assert re.search(r"^active$", report, re.M)
