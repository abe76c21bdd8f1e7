"""Gauges as they run: on time, recorded in the journal, kept, and taken up again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from opsdeck.catalog.gauges import Adjustment, Gauges, Limit
from opsdeck.gauges import keeping
from opsdeck.journal.writing import Draft
from opsdeck.watching import cache_folder
from tests.gauges.made import START
from tests.watched import Waiting, Watched, World, queue_gauge, service

__all__ = ["service"]
LOOKS_OF_A_MINUTE = 6


@pytest.fixture
def world() -> World:
    return World()


Watch = Callable[..., Watched]


@pytest.fixture
async def watch(tmp_path: Path, service: Waiting, world: World) -> AsyncIterator[Watch]:
    """Processes that watch the one deck."""
    made: list[Watched] = []

    def begin(writer: str = "box@one") -> Watched:
        made.append(Watched(tmp_path, service, world, writer))
        return made[-1]

    yield begin
    for each in made:
        await each.end()


def wall(seconds: float) -> str:
    return datetime.fromtimestamp(START + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


async def test_a_breach_and_its_end_are_events_with_all_that_was_seen(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    # GIVEN 10, 20 waiting, THEN 95 for two looks, THEN 20 again
    await watched.see(20, service, 10)
    await watched.see(95, service, 10)
    await watched.see(97, service, 10)
    await watched.see(20, service, 60)
    # THEN the journal on disk tells each change, with what was seen before it
    breach, end = watched.turns()
    assert (breach["from"], breach["to"], breach["value"]) == ("ok", "critical", 95)
    assert (breach["min"], breach["mean"], breach["max"]) == (10, 15, 20)
    assert breach["duration_s"] == 20
    assert (breach["start"][:19], breach["end"][:19]) == (wall(0), wall(20))
    assert (end["from"], end["to"], end["value"]) == ("critical", "ok", 20)
    assert (end["min"], end["mean"], end["max"], end["duration_s"]) == (95, 96, 97, 20)


async def test_who_does_not_answer_is_unknown_and_that_is_recorded_with_its_reason(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    await watched.see(None, service, 70)
    [lost] = watched.turns()
    assert (lost["from"], lost["to"]) == ("ok", "unknown")
    assert lost["reason"] == "the look tells no body.waiting"
    # AND the last value stands, with its age
    assert watched.gauge.value == 10
    assert watched.gauge.age_s(watched.watching.now()) == 70


async def test_each_look_is_made_once_in_its_time(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    for _ in range(60):
        await watched.tick()
    assert service.looks == 1 + LOOKS_OF_A_MINUTE
    # WHEN an hour was slept through
    await watched.tick(3_600)
    # THEN that is one look, not 360
    assert service.looks == 2 + LOOKS_OF_A_MINUTE
    assert watched.gauge.level == "ok"


async def test_a_clock_that_is_set_loses_nothing_and_makes_no_breach(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    for by in (7_200.0, -10_800.0):
        await watched.tick()
        world.set_by += by
        for _ in range(20):
            await watched.tick()
    now = watched.watching.now()
    assert now == START + world.steady + world.set_by
    assert watched.gauge.level == "ok"
    assert watched.gauge.age_s(now) == pytest.approx(0, abs=10)
    assert watched.gauge.series.stats(now, 60.0) is not None
    assert watched.turns() == []


async def test_this_machines_own_gauges_come_at_once_and_say_what_is_so(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    await watched.tick(1)
    gauges = {g.spec.id: g for g in watched.watching.board.gauges()}
    memory = gauges["host-memory"]
    told = dict(
        line.split(":") for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    )
    total, free = (int(told[k].split()[0]) for k in ("MemTotal", "MemAvailable"))
    assert memory.value is not None
    if memory.detail[1] == total * 1024:  # no container's limit binds
        assert memory.value == pytest.approx(100 * (1 - free / total), abs=3)
    assert any(identity.startswith("host-disk") for identity in gauges)
    assert gauges["host-load"].value is not None


async def test_an_event_that_cannot_be_saved_is_saved_later_and_once(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    # GIVEN a journal that takes nothing for a while
    watched.refuses = "not saved: no space left on device"
    await watched.see(60, service)
    await watched.see(95, service)
    assert watched.turns() == []
    # WHEN it does again
    watched.refuses = None
    await watched.see(95, service)
    # THEN both are there, in their order
    assert [turn["to"] for turn in watched.turns()] == ["warning", "critical"]


async def test_who_ends_before_it_could_save_leaves_the_event_to_the_next(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    await watched.see(10, service, 20)  # kept in the cache meanwhile
    watched.refuses = "not saved: no space left on device"
    await watched.see(95, service, 30)
    await watched.end()
    # WHEN the next process starts, and the breach lasts
    world.steady += 30
    following = watch()
    await following.begin()
    await following.see(95, service)
    assert [turn["to"] for turn in following.turns()] == ["critical"]


async def test_a_change_that_waits_elsewhere_to_be_saved_is_not_kept_as_known(
    watch: Watch, service: Waiting, world: World
) -> None:
    # GIVEN an app that holds what its journal does not take, and is left all the same
    watched = watch()
    await watched.begin()
    await watched.see(10, service, 20)
    held: list[Draft] = []

    async def hold(drafts: list[Draft]) -> None:
        held.extend(drafts)

    watched.watching._record = hold
    watched.watching.owes = lambda: bool(held)
    await watched.see(95, service, 30)
    ours = [draft.data["to"] for draft in held if draft.data["gauge"] == "queue"]
    assert ours == ["critical"]
    await watched.end()
    # THEN the next start sees the breach, and records it
    following = watch()
    await following.begin()
    await following.see(95, service)
    assert [turn["to"] for turn in following.turns()] == ["critical"]


async def test_what_the_journal_has_had_since_is_not_recorded_again(
    watch: Watch, service: Waiting, world: World
) -> None:
    # GIVEN a process killed after an event was saved, and before its cache was
    watched = watch()
    await watched.begin()
    await watched.see(10, service, 20)
    folder = cache_folder(watched.deck)
    older = (folder / keeping.LAST).read_bytes()
    watched.desk.clock.now = datetime.fromtimestamp(watched.watching.now() + 10, UTC)
    await watched.see(95, service, 15)
    assert [turn["to"] for turn in watched.turns()] == ["critical"]
    await watched.end()
    (folder / keeping.LAST).write_bytes(older)
    # THEN the next start goes by the journal
    following = watch()
    await following.begin()
    await following.see(95, service)
    assert [turn["to"] for turn in following.turns()] == ["critical"]


async def test_a_restart_goes_on_where_it_ended(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    await watched.see(60, service)
    await watched.end()
    # WHEN a process starts five minutes later and the service is gone
    world.steady += 300
    service.partner.close()
    following = watch()
    await following.watching.begin()
    # THEN the last value stands with its age before anything was looked at
    gauge = following.gauge
    assert (gauge.value, gauge.level) == (60, "warning")
    assert gauge.age_s(following.watching.now()) == pytest.approx(301, abs=2)
    # AND its past is there
    assert gauge.series.at(START + 5) is not None
    # AND no event is written for what was known before
    await following.tick(0)
    assert [turn["to"] for turn in following.turns()] == ["warning"]


async def test_where_the_cache_is_lost_the_journal_still_knows(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    await watched.see(60, service)
    folder = cache_folder(watched.deck)
    await watched.end()
    for file in folder.iterdir():
        file.unlink()
    # WHEN the next process sees the same
    following = watch()
    await following.begin()
    await following.see(60, service)
    assert [turn["to"] for turn in following.turns()] == ["warning"]
    # BUT a change is one
    await following.see(10, service)
    assert [turn["to"] for turn in following.turns()] == ["warning", "ok"]


async def test_of_two_processes_one_writes_and_the_other_takes_over(
    watch: Watch, service: Waiting, world: World
) -> None:
    one = watch()
    await one.begin()
    other = watch("box@two")
    await other.begin()
    # WHEN both see the same breach
    service.number = 95
    for _ in range(11):
        world.steady += 1
        for each in (one, other):
            await each.tick(0)
    assert (one.gauge.level, other.gauge.level) == ("critical", "critical")
    assert (one.watching.lease.held, other.watching.lease.held) == (True, False)
    assert [turn["to"] for turn in one.turns()] == ["critical"]
    # AND the first one ends
    await one.end()
    await other.see(10, service)
    assert other.watching.lease.held
    assert [turn["to"] for turn in other.turns()] == ["critical", "ok"]


async def test_another_configuration_is_followed_at_once(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    await watched.see(40, service)
    assert watched.turns() == []
    # WHEN the limits change and an own gauge is hidden
    hide = Adjustment(id="host-swap", hide=True, changes={})
    specs = (queue_gauge(warn=Limit(">=", 30.0)),)
    config = watched.deck.config
    watched.deck.config = type(config)(
        **{f: getattr(config, f) for f in config.__struct_fields__ if f != "gauges"},
        gauges=Gauges(specs=specs, adjustments=(hide,)),
    )
    await watched.see(40, service)
    assert watched.gauge.level == "warning"
    assert watched.watching.board.gauge("host-swap") is None
    # AND its past was not thrown away
    assert watched.gauge.series.at(START + 5) is not None


async def test_slow_reads_this_machine_every_five_seconds(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    memory = watched.watching.board.gauge("host-memory")
    assert memory is not None

    async def values(ticks: int) -> int:
        seen = {memory.at}
        for _ in range(ticks):
            await watched.tick()
            seen.add(memory.at)
        return len(seen) - 1

    assert await values(20) == 20
    watched.watching.be_slow(True)
    await values(5)
    assert await values(20) == 4
    watched.watching.be_slow(False)
    assert await values(20) == 20


async def test_the_series_stay_out_of_the_journal(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    await watched.begin()
    for second in range(300):
        service.number = 10 + second % 30
        await watched.tick()
    # What a busy machine's own gauges have to say meanwhile is no part of this.
    journal = (watched.deck.journal.home / "journal").rglob("*.jsonl")
    lines = [line for file in journal for line in file.read_text(encoding="utf-8").splitlines()]
    news = [line for line in lines if '"type":"journal.opened"' not in line]
    assert [line for line in news if '"gauge":"host-' not in line] == []
    last = keeping.read_last(cache_folder(watched.deck))
    past = keeping.read_past(cache_folder(watched.deck))
    assert last is not None
    assert START + 285 <= last.at <= START + 300
    assert past is not None
    assert "queue" in past.series


async def test_a_cache_that_cannot_be_written_costs_nothing_else(
    watch: Watch, service: Waiting, world: World
) -> None:
    watched = watch()
    folder = cache_folder(watched.deck)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    folder.write_text("not a folder", encoding="utf-8")
    await watched.begin()
    await watched.see(60, service)
    assert watched.gauge.level == "warning"
