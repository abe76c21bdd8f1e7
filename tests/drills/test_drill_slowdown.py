"""A drill: a web server answers slowly until the feature that slows it down is switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drills.drill import Drill
from tests.drills.faults import FEATURE_OFF, shop
from tests.drills.story import tells_the_story
from tests.drills.walk import SIZE, Operator

REVIEW = "Review application metrics"


@pytest.mark.slow
async def test_answers_are_slow_and_the_playbook_speeds_them_up(tmp_path: Path) -> None:
    # GIVEN a fast server, and somebody who is on call
    with shop(tmp_path) as web:
        drill = Drill(tmp_path, web.gauge, "api-response-slowdown", FEATURE_OFF)
        async with drill.app().run_test(size=SIZE) as pilot:
            alice = Operator(pilot, drill)
            await alice.is_well()
            # WHEN a service that it asks is slow THEN the breach names its playbook
            web.slow_down()
            await alice.starts_incident()
            # AND WHEN the playbook is walked
            await alice.begins("Confirm the symptom")
            await alice.done()
            await alice.skips("Check database performance", "no database")
            await alice.begins(REVIEW)
            await alice.runs("Switch a feature off")
            # THEN the fault ends, and the gauge recovers
            assert not web.feature.exists()
            await alice.recovers()
            await alice.done()
            await alice.skips("Check for network issues", "none")
            await alice.skips("Scale horizontally if needed", "not needed")
            await alice.begins("Confirm recovery, or escalate")
            await alice.ticks()
            await alice.done()
            await alice.mitigates("feature off")
            await alice.resolves("fast again")
        assert drill.turns() == [("ok", "critical"), ("critical", "ok")]
        # AND the report tells the story
        report = tells_the_story(
            drill, command="Switch a feature off", text="rm -v recommendations.on", helped=REVIEW
        )
        assert "removed 'recommendations.on'" in report
        assert "- Targets: web" in report
