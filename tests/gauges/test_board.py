"""All gauges of a deck: this machine's own, those with probes, and what changes them."""

from __future__ import annotations

from typing import Any

from opsdeck.catalog.gauges import Adjustment, Gauges, GaugeSpec, Limit
from opsdeck.checks.reading import Reading
from opsdeck.gauges.board import GONE_S, Board, Room, Sample, host_order
from tests.gauges.made import START, above, own, spec

CPU = own("host-cpu", title="CPU", every_s=1.0, **above(85, 95))
DISK = own("host-disk-a", title="Disk /a", **above(85, 95))


def board(*specs: GaugeSpec, adjustments: tuple[Adjustment, ...] = ()) -> Board:
    return Board(Gauges(specs=specs, adjustments=adjustments))


def change(identity: str, *, hide: bool = False, **changes: Any) -> Adjustment:
    return Adjustment(id=identity, hide=hide, changes=changes)


def test_own_gauges_come_first_and_in_their_order() -> None:
    made = board(spec("b", source="web"), spec("a", source="db"), spec("c", source="web"))
    made.take_samples([Sample(DISK, 1.0), Sample(CPU, 1.0)], START)
    assert [g.spec.id for g in made.gauges()] == ["host-cpu", "host-disk-a", "b", "c", "a"]
    assert host_order("host-cpu") < host_order("host-memory") < host_order("host-x")


def test_a_sample_without_a_value_is_waited_for_and_one_with_a_reason_is_unknown() -> None:
    made = board()
    made.take_samples([Sample(CPU, None), Sample(DISK, None, None, "/a does not answer")], START)
    cpu, disk = made.gauges()
    assert (cpu.level, disk.level) == (None, "unknown")
    assert disk.memory.reason == "/a does not answer"
    made.take_samples([Sample(DISK, 20.0, Room(20, 100))], START + 5)
    assert (disk.level, tuple(disk.detail)) == ("ok", (20, 100))


def test_own_gauges_are_changed_and_hidden() -> None:
    # GIVEN a lower limit for the processor, and no wish to see a disk
    made = board(
        adjustments=(
            change("host-cpu", warn=Limit(">=", 10.0), title="Processor"),
            change("host-disk-a", hide=True),
            change("host-disk-b", hide=True),
        )
    )
    made.take_samples([Sample(CPU, 50.0), Sample(DISK, 99.0)], START)
    [cpu] = made.gauges()
    assert (cpu.spec.title, cpu.level, cpu.spec.crit) == ("Processor", "warning", CPU.crit)
    # AND what this machine has not is named
    assert made.unused_adjustments() == ["host-disk-b"]


def test_what_measures_the_same_keeps_its_past() -> None:
    made = board(spec("g", **above(50, 90)))
    gauge = made.gauge("g")
    assert gauge is not None
    gauge.take(Reading(value=60.0), START)
    # WHEN only its limit is another
    made.configure(Gauges(specs=(spec("g", **above(70, 90)),)))
    again = made.gauge("g")
    assert again is not None
    assert again.value == 60.0
    assert again.series is gauge.series
    # AND WHEN another number is read
    made.configure(Gauges(specs=(spec("g", value="other"),)))
    other = made.gauge("g")
    assert other is not None
    assert other.value is None
    made.configure(Gauges())
    assert made.gauges() == []


def test_the_same_look_serves_several_gauges() -> None:
    # GIVEN two gauges of one probe and one of another
    made = board(
        spec("a", value="x", every_s=10.0),
        spec("b", value="y"),
        spec("c", probe={"kind": "http", "target": "web"}),
    )
    both, single = made.watches()
    assert (both.wanted.values, both.every_s, both.gauges) == (("x", "y"), 5.0, ("a", "b"))
    assert single.gauges == ("c",)
    # WHEN it brings both numbers
    made.take_readings(both, [Reading(value=1.0), Reading(value=2.0)], START)
    assert [g.value for g in made.gauges()] == [1.0, 2.0, None]


def test_cloudwatch_is_asked_at_its_own_pace() -> None:
    probe = {"kind": "cloudwatch", "target": "aws", "namespace": "N", "metric": "M"}
    made = board(
        spec("a", probe=probe, every_s=1.0),
        spec("b", probe={**probe, "period": 300}, every_s=1.0),
        spec("c", probe={**probe, "period": 10}, every_s=60.0),
    )
    assert [watch.every_s for watch in made.watches()] == [60.0, 300.0, 60.0]


def test_breaches_are_told_the_worst_and_oldest_first() -> None:
    made = board(*(spec(n, **above(50, 90)) for n in "abcd"))
    for seconds, (identity, value) in enumerate((("a", 60.0), ("b", 95.0), ("c", 70.0), ("d", 1))):
        gauge = made.gauge(identity)
        assert gauge is not None
        gauge.take(Reading(value=float(value)), START + seconds)
    assert [g.spec.id for g in made.breaches()] == ["b", "a", "c"]
    assert made.counts() == {"ok": 1, "warning": 2, "critical": 1, "unknown": 0}


def test_what_went_away_is_unknown_and_then_gone() -> None:
    # GIVEN a disk that is no longer seen, on a machine that is
    made, now = board(), START
    made.take_samples([Sample(DISK, 10.0)], START)
    changes = []
    while made.gauge("host-disk-a") is not None and now < START + 3 * GONE_S:
        now += 5
        made.take_samples([Sample(CPU, 1.0)], now)
        changes += made.lapse(now)
    assert [c.after for c in changes] == ["unknown"]
    assert GONE_S <= now - START <= GONE_S + 15
    # AND one with a probe stays
    probed = board(spec("g"))
    probed.take_readings(probed.watches()[0], [Reading(value=1.0)], START)
    probed.lapse(START + 3_600)
    assert [g.level for g in probed.gauges()] == ["unknown"]


def test_a_machine_that_slept_blames_no_gauge() -> None:
    made = board()
    made.take_samples([Sample(DISK, 10.0)], START)
    made.wait(START + 7_200)
    assert made.lapse(START + 7_201) == []
    assert [g.level for g in made.gauges()] == ["ok"]
