"""A drill: an instance leaks connections to the database until it is restarted.

The connections are real ones of a real driver; `faults.database` says what of the server is
patched for want of a limit.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drills.drill import UNIT, Drill
from tests.drills.faults import database
from tests.drills.instances import CONNECTS, LEAKS, instance
from tests.drills.story import tells_the_story
from tests.drills.walk import SIZE, Operator

RESTART = "Restart application if necessary"


@pytest.mark.slow
async def test_connections_are_held_and_the_playbook_frees_them(tmp_path: Path) -> None:
    # GIVEN an instance with a small pool, and somebody who is on call
    with (
        database() as (uri, gauge),
        instance(tmp_path, LEAKS.format(count=42), CONNECTS.format(uri=uri)) as orders,
    ):
        drill = Drill(tmp_path, gauge, "database-connection-pool-exhausted", UNIT)
        async with drill.app().run_test(size=SIZE) as pilot:
            alice = Operator(pilot, drill)
            await alice.is_well()
            # WHEN it begins to leak THEN the breach names its playbook
            orders.fall_ill()
            await alice.starts_incident()
            # AND WHEN the playbook is walked
            await alice.begins("Confirm the symptom")
            await alice.done()
            await alice.skips("Increase pool size", "the server is near its limit")
            await alice.skips("Check for long-running queries", "none")
            await alice.skips("Monitor application logs", "nothing there")
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
            await alice.resolves("it leaked")
        assert drill.turns()[-1] == ("critical", "ok")
        # AND the report tells the story
        tells_the_story(
            drill, command="Restart one instance", text="./orders restart", helped=RESTART
        )
