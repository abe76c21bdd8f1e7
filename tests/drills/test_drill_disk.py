"""A drill: a small file system runs full until dumps are deleted.

`faults.small_disk` says how it is had without privileges, and what stands for it without any.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drills.drill import Drill
from tests.drills.faults import small_disk
from tests.drills.story import tells_the_story
from tests.drills.walk import SIZE, Operator

DELETE = "Delete temporary data"
EDITS = {
    "ssh {{db_host}} sudo -n journalctl --vacuum-size=500M": "rm -v {{folder}}/dump-*.tmp",
    "ssh {{db_host}} sudo -n apt-get clean": "ls -A {{folder}} | wc -l",
}


@pytest.mark.slow
async def test_a_disk_runs_full_and_the_playbook_frees_it(tmp_path: Path) -> None:
    # GIVEN an empty disk, and somebody who is on call
    with small_disk(tmp_path) as disk:
        drill = Drill(tmp_path, disk.gauge, "database-disk-space", EDITS)
        async with drill.app().run_test(size=SIZE) as pilot:
            alice = Operator(pilot, drill)
            await alice.is_well()
            # WHEN dumps fill it THEN the breach names its playbook
            disk.fill()
            await alice.starts_incident()
            # AND WHEN the playbook is walked
            await alice.begins("Confirm the symptom")
            await alice.done()
            await alice.skips("Archive old data", "dumps fill it")
            await alice.begins(DELETE)
            await alice.runs("Shrink journal and caches", "logs", folder=str(disk.folder))
            # THEN the fault ends, and the gauge recovers
            assert list(disk.folder.iterdir()) == []
            await alice.recovers()
            await alice.done()
            await alice.skips("Optimize indexes", "not needed")
            await alice.skips("Increase storage if needed", "not needed")
            await alice.begins("Confirm recovery, or escalate")
            await alice.ticks()
            await alice.done()
            await alice.mitigates("dumps deleted")
            await alice.resolves("dumps go elsewhere")
        assert drill.turns() == [("ok", "critical"), ("critical", "ok")]
        # AND the report tells the story
        report = tells_the_story(
            drill, command="Shrink journal and caches", text="rm -v ", helped=DELETE
        )
        assert report.count("removed '") >= 15
